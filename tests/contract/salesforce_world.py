"""The emulated Salesforce org as the contract suite drives it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from connectors.base import Connection
from connectors.contract import Emulated
from connectors.contract_objects import AccountRole, EmulatedDeals, OpportunityRole
from connectors.contract_tasks import EmulatedTasks
from connectors.contract_world import Role
from connectors.emulator.salesforce import Field, Salesforce
from connectors.emulator.salesforce.pubsub import PubSub
from connectors.emulator.salesforce.saving import Options, Saving
from schemas.base import Scalar
from tests.contract.served import Served, served

EXTRA = (Field("Notes__c", "Notes", "textarea", 4000), Field("Birthday__c", "Birthday", "date"))

CURRENCY = Field("CurrencyIsoCode", "Currency ISO Code", "picklist", 3, picklist=("USD", "EUR"), restricted=True)
"""What opportunities have in an org with several currencies."""


class SalesforceWorld(Served):
    """One org; its clock can be held, so that rows get one SystemModstamp."""

    roles: Mapping[Role, str] = {
        "email": "Email", "last_name": "LastName", "phone": "Phone", "text": "Notes__c", "number": "NumberOfEmployees", "money": "AnnualRevenue",
        "flag": "DoNotCall", "date": "Birthday__c", "time": "MQL_Date__c",
    }  # fmt: skip
    account: Mapping[AccountRole, str] = {"name": "Name", "domain": "Website", "owner": "OwnerId"}
    opportunity: Mapping[OpportunityRole, str] = {
        "name": "Name", "stage": "StageName", "amount": "Amount", "currency": "CurrencyIsoCode", "owner": "OwnerId", "account": "AccountId",
        "people": "OpportunityContactRoles",
    }  # fmt: skip
    stages = ("Prospecting", "Closed Won")
    refused: tuple[str, Scalar] = ("Lifecycle_Stage__c", "No Such Stage")
    page = 4
    read_path = "/queryAll"
    write_path = "/composite/sobjects"
    create_path = "/composite/sobjects/Lead/Truce_Id__c"
    task_path = "/composite/sobjects/Task"
    token_path = "/services/oauth2/token"
    renamed = "Remarks__c"

    def __init__(self, events: Sequence[str] = (), keepalive_s: float = 270.0) -> None:
        self.held = datetime.now(UTC) - timedelta(days=1)  # an org's clock never goes back: what is `ago` must not be before it was made
        self.org = Salesforce(extra_fields=EXTRA, clock=lambda: self.held or datetime.now(UTC), events=events, keepalive_s=keepalive_s)
        self.org.org.opportunities.add_field(CURRENCY)
        self.held = None
        super().__init__(self.org)

    @property
    def pubsub(self) -> PubSub:
        assert self.org.pubsub is not None, "a world with events was asked for"
        return self.org.pubsub

    def listening(self, **options: str) -> Connection:
        return self.connection(**{"events": "on", "events_url": self.pubsub.url, **options})  # type: ignore[arg-type]  # all of them are options

    def connection(self, *, timeout_s: float = 5.0, **options: str) -> Connection:
        secrets = {"client_id": "truce", "client_secret": "emulated"}
        stated = {"lookback_s": "3", "page_rows": str(self.page), **options}
        return Connection("salesforce", "salesforce", self.url, secrets, stated, timeout_s)

    async def seed(self, fields: Mapping[str, Scalar]) -> str:
        return self.org.add_lead(**fields)

    async def seed_at_once(self, rows: Sequence[Mapping[str, Scalar]]) -> Sequence[str]:
        self.held = datetime.now(UTC)
        found = [await self.seed(fields) for fields in rows]
        self.held = None
        return found

    async def edit(self, ident: str, fields: Mapping[str, Scalar]) -> None:
        saving = Saving(self.org.org, self.org.doors.person({}), Options(auto_assign=False))
        saving.commit(saving.update(ident, saving.read(fields, new=False)))

    async def rival(self, ident: str, fields: Mapping[str, Scalar]) -> None:
        self.org.doors.save({"object": "Lead", "id": ident, "fields": dict(fields), "by": "admin@acme.example"})

    async def delete(self, ident: str) -> None:
        self.org.doors.delete({"id": ident})

    async def merge(self, winner: str, loser: str) -> str:
        self.org.merge(winner, loser)
        return winner

    async def seed_as(self, object_: str, fields: Mapping[str, Scalar]) -> str:
        needed: dict[str, Scalar] = {"CloseDate": "2027-01-31"} if object_ == "Opportunity" else {}
        return str(self.org.doors.save({"object": object_, "fields": {**needed, **fields}})["id"])

    async def edit_as(self, object_: str, ident: str, fields: Mapping[str, Scalar]) -> None:
        self.org.doors.save({"object": object_, "id": ident, "fields": dict(fields)})

    async def delete_as(self, object_: str, ident: str) -> None:
        await self.delete(ident)

    async def rep(self) -> str:
        return self.org.user_id("jo@acme.example")

    async def complete(self, task: str) -> None:
        self.org.save("Task", task, by="jo@acme.example", Status="Completed")

    async def meet(self, person: str, end: datetime) -> str:
        start, until = (moment.isoformat().replace("+00:00", "Z") for moment in (end - timedelta(minutes=30), end))
        fields = {"WhoId": person, "OwnerId": await self.rep(), "Subject": "Meeting", "StartDateTime": start, "EndDateTime": until}
        return self.org.save("Event", by="jo@acme.example", **fields)

    async def involve(self, opportunity: str) -> str:
        contact = self.org.save("Contact", LastName="Involved")
        self.org.save("OpportunityContactRole", OpportunityId=opportunity, ContactId=contact)
        return contact

    @asynccontextmanager
    async def hidden(self, ident: str) -> AsyncIterator[None]:
        row = self.org.org.leads.drop(ident)
        yield
        self.org.org.leads.put(ident, row)

    async def drop_field(self, name: str) -> None:
        self.org.org.leads.remove_field(name)

    async def rename(self, old: str, new: str) -> None:
        self.org.org.leads.rename_field(old, new)

    async def retype(self, name: str) -> None:
        self.org.org.leads.retype_field(name, "string")

    async def offer(self, name: str, value: str) -> None:
        old = self.org.org.leads.fields[name]
        self.org.org.leads.add_field(replace(old, picklist=(*old.picklist, value)))

    async def restore(self, ident: str) -> None:
        self.org.doors.undelete({"id": ident})

    async def expire(self) -> None:
        self.org.sessions.expire()

    async def revoke(self) -> None:
        self.org.doors.revoke({})

    async def mints(self) -> int:
        return self.org.sessions.minted


def salesforce_world(events: Sequence[str] = (), keepalive_s: float = 270.0) -> AbstractAsyncContextManager[SalesforceWorld]:
    """Start an empty org on a free port, with change events of these objects, and end it."""
    return served(SalesforceWorld(events, keepalive_s))


def _holds_the_protocols(world: SalesforceWorld) -> tuple[Emulated, EmulatedDeals, EmulatedTasks]:
    return world, world, world  # mypy says if it does not

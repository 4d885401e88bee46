"""The emulated HubSpot account as the contract suite drives it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from connectors.base import Connection, Source
from connectors.contract import Emulated, NotedBreaker, NotedBudget
from connectors.contract_objects import AccountRole, EmulatedDeals, OpportunityRole
from connectors.contract_tasks import EmulatedTasks
from connectors.contract_world import Role
from connectors.emulator.hubspot import Form, HubSpot, Owner, Property
from connectors.emulator.hubspot.properties import custom
from connectors.hubspot.mapping import vendor
from connectors.registry import load
from schemas.base import Scalar
from tests.contract.served import Served, served

WEBHOOK_SECRET, PRIVATE = "webhook-signing-secret", "pat-na1-truce"
PRICING = Form("f1a2", "Pricing")
OWNERS = (
    Owner("501", "ana@acme.example", "Ana", "Diaz", 9001),
    Owner("502", "ben@acme.example", "Ben", "Roth", 9002),
    Owner("503", "gone@acme.example", "Gone", "Girl", 9003, archived=True),
)
YES_NO = (("true", "Yes"), ("false", "No"))
EXTRA = (
    Property("birthday", "Birthday", "date", hubspot_defined=False),
    Property("budget", "Budget", "number", hubspot_defined=False),
    Property("met_us", "Met us", "bool", YES_NO, hubspot_defined=False),
)


class HubSpotWorld(Served):
    """One account; its clock can be held, so that contacts get one time of change."""

    roles: Mapping[Role, str] = {
        "email": "email", "last_name": "lastname", "phone": "phone", "text": "sal_stage_note", "number": "engagement_score", "money": "budget",
        "flag": "met_us", "date": "birthday", "time": "mql_date",
    }  # fmt: skip
    account: Mapping[AccountRole, str] = {"name": "name", "domain": "domain", "owner": "hubspot_owner_id"}
    opportunity: Mapping[OpportunityRole, str] = {
        "name": "dealname", "stage": "dealstage", "amount": "amount", "currency": "deal_currency_code", "owner": "hubspot_owner_id", "account": "associations.companies",
        "people": "associations.contacts",
    }  # fmt: skip
    stages = ("appointmentscheduled", "closedwon")
    refused: tuple[str, Scalar] = ("hs_lead_status", "No Such Status")
    page = 4
    read_path = "/batch/read"
    write_path = "/batch/update"
    create_path = "/batch/create"
    task_path = "/objects/tasks/batch/create"
    token_path = "/oauth/"
    renamed = "sales_remarks"

    def __init__(self) -> None:
        self.private = False
        self.hub = HubSpot(
            owners=OWNERS, forms=[PRICING], properties=[*custom(), *EXTRA], clock=self.now, calls_per_10s=100_000, searches_per_s=None,
            search_lag_s=0.0, client_secret=WEBHOOK_SECRET, apps={"rival": 777},
        )  # fmt: skip
        super().__init__(self.hub)

    def now(self) -> datetime:
        return self.held or datetime.now(UTC)

    def connection(self, *, timeout_s: float = 5.0, **options: str) -> Connection:
        oauth = {"client_id": "truce-client-id", "client_secret": WEBHOOK_SECRET, "refresh_token": "truce-refresh-token"}
        secrets = {"webhook_secret": WEBHOOK_SECRET, **({"token": PRIVATE} if self.private else oauth)}
        stated = {
            "lookback_s": "3",
            "page_rows": str(self.page),
            "app_id": "54321",
            "archived_s": "0",
            "subscription_ids": "1001",
            **options,
        }
        return Connection("hubspot", "hubspot", self.url, secrets, stated, timeout_s)

    async def seed(self, fields: Mapping[str, Scalar]) -> str:
        one = self.hub.portal.contacts.insert({name: vendor(value) for name, value in fields.items()}, self.hub.auth.actor("maria"))
        self.hub.webhooks.flush()
        return str(one.id)

    async def seed_at_once(self, rows: Sequence[Mapping[str, Scalar]]) -> Sequence[str]:
        self.held = datetime.now(UTC)
        found = [await self.seed(fields) for fields in rows]
        self.held = None
        return found

    async def edit(self, ident: str, fields: Mapping[str, Scalar]) -> None:
        self.hub.edit(ident, "maria", **{name: vendor(value) for name, value in fields.items()})

    async def rival(self, ident: str, fields: Mapping[str, Scalar]) -> None:
        self.hub.edit(ident, "rival", **{name: vendor(value) for name, value in fields.items()})

    async def delete(self, ident: str) -> None:
        self.hub.portal.contacts.archive(self.hub.portal.contacts.live[int(ident)], self.hub.auth.actor("maria"))
        self.hub.webhooks.flush()

    async def merge(self, winner: str, loser: str) -> str:
        live = self.hub.portal.contacts.live
        new = self.hub.portal.contacts.merge(live[int(winner)], live[int(loser)], self.hub.auth.actor("maria"))
        self.hub.webhooks.flush()
        return str(new.id)

    async def seed_as(self, object_: str, fields: Mapping[str, Scalar]) -> str:
        firm = fields.get(self.opportunity["account"])
        own = {name: vendor(value) for name, value in fields.items() if not name.startswith("associations.")}
        return self.hub.put(object_, own, to={"companies": [str(firm)]} if firm else {}, client="maria")

    async def edit_as(self, object_: str, ident: str, fields: Mapping[str, Scalar]) -> None:
        self.hub.put(object_, {name: vendor(value) for name, value in fields.items()}, ident=ident, client="maria")

    async def delete_as(self, object_: str, ident: str) -> None:
        self.hub.delete(object_, ident, "maria")

    async def rep(self) -> str:
        return OWNERS[0].id

    async def complete(self, task: str) -> None:
        self.hub.put("tasks", {"hs_task_status": "COMPLETED"}, ident=task, client=OWNERS[0].email)

    async def meet(self, person: str, end: datetime) -> str:
        held = "COMPLETED" if end <= datetime.now(UTC) else "SCHEDULED"
        fields = {"hs_meeting_outcome": held, "hs_meeting_end_time": vendor(end.isoformat()), "hubspot_owner_id": OWNERS[0].id}
        return self.hub.put(
            "meetings", {**fields, "hs_timestamp": vendor(end.isoformat())}, to={"contacts": [person]}, client=OWNERS[0].email
        )

    async def involve(self, opportunity: str) -> str:
        person = await self.seed({"lastname": "Involved"})
        self.hub.put("deals", {}, ident=opportunity, to={"contacts": [person]}, client="maria")
        return person

    @asynccontextmanager
    async def hidden(self, ident: str) -> AsyncIterator[None]:
        one = self.hub.portal.contacts.live[int(ident)]
        self.hub.index.refresh()
        self.hub.index.note(one.id, one.modified, None, at_once=True)
        yield
        self.hub.index.note(one.id, one.modified, one.properties, at_once=True)

    async def drop_field(self, name: str) -> None:
        self.hub.drift(name, remove=True)

    async def rename(self, old: str, new: str) -> None:
        """Make another property and let the old one go: an internal name stays what it is."""
        known = self.hub.portal.objects["contacts"].schema.get(old)
        assert known is not None
        self.hub.portal.objects["contacts"].schema.put(replace(known, name=new))
        self.hub.drift(old, remove=True)

    async def retype(self, name: str) -> None:
        self.hub.drift(name, type="string")

    async def offer(self, name: str, value: str) -> None:
        old = self.hub.portal.objects["contacts"].schema.get(name)
        self.hub.drift(name, options=(*(old.options if old else ()), (value, value)))

    async def restore(self, ident: str) -> None:
        self.hub.restore(ident, "maria")

    async def expire(self) -> None:
        self.hub.auth.expire()

    async def revoke(self) -> None:
        self.hub.auth.revoked = True

    async def mints(self) -> int:
        return self.hub.auth.refreshes

    async def fault(self, **fault: Any) -> None:
        daily = {"body": "DAILY"} if fault["kind"] == "quota" else {}
        await super().fault(**(daily | fault))


def hubspot_world() -> AbstractAsyncContextManager[HubSpotWorld]:
    """Start an empty account on a free port, and end it."""
    return served(HubSpotWorld())


@asynccontextmanager
async def reading(world: HubSpotWorld, **options: str) -> AsyncIterator[Source]:
    source: Source = load("hubspot").source(world.connection(timeout_s=5.0, **options), NotedBudget(), NotedBreaker())
    yield source
    await source.close()


def _holds_the_protocols(world: HubSpotWorld) -> tuple[Emulated, EmulatedDeals, EmulatedTasks]:
    return world, world, world  # mypy says if it does not

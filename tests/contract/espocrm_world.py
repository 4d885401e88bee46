"""The emulated EspoCRM as the contract suite drives it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.base import Connection
from connectors.contract import Emulated
from connectors.contract_objects import AccountRole, EmulatedDeals, OpportunityRole
from connectors.contract_tasks import EmulatedTasks
from connectors.contract_world import Role
from connectors.emulator.espocrm import Espo, User
from connectors.emulator.espocrm.org import Actor
from schemas.base import Scalar
from tests.contract.served import Served, served

KEY = "espo-truce-key"
LEAD = {
    "cDirectLine": {"type": "varchar", "maxLength": 100, "isCustom": True}, "cNotes": {"type": "text", "isCustom": True},
    "cScore": {"type": "int", "isCustom": True}, "cBudget": {"type": "float", "isCustom": True}, "cBirthday": {"type": "date", "isCustom": True}, "cMqlDate": {"type": "datetime", "isCustom": True},
    "cLifecycleStage": {"type": "enum", "options": ["", "lead", "mql", "sal"], "isCustom": True},
}  # fmt: skip


class EspoWorld(Served):
    """One company; its clock can be held, so that rows get one modifiedAt."""

    roles: Mapping[Role, str] = {
        "email": "emailAddress", "last_name": "lastName", "phone": "cDirectLine", "text": "cNotes", "number": "cScore", "money": "cBudget", "flag": "doNotCall",
        "date": "cBirthday", "time": "cMqlDate",
    }  # fmt: skip
    account: Mapping[AccountRole, str] = {"name": "name", "domain": "website", "owner": "assignedUserId"}
    opportunity: Mapping[OpportunityRole, str] = {
        "name": "name", "stage": "stage", "amount": "amount", "currency": "amountCurrency", "owner": "assignedUserId", "account": "accountId", "people": "contactsIds",
    }  # fmt: skip
    stages = ("Prospecting", "Closed Won")
    refused: tuple[str, Scalar] = ("cLifecycleStage", "No Such Stage")
    page = 4
    read_path = "/api/v1/Lead"
    write_path = "PUT /api/v1/Lead"
    create_path = "POST /api/v1/Lead"
    task_path = "POST /api/v1/Task"
    renamed = "cRemarks"

    def __init__(self) -> None:
        users = (User("jo", "jo@acme.example", password="jo"),)
        self.espo = Espo(users, api_key=KEY, extra={"Lead": LEAD}, clock=lambda: self.held or datetime.now(UTC))
        self.org, self.jo, self.admin = self.espo.org, self.espo.user("jo"), self.espo.user("admin")
        super().__init__(self.espo)

    def connection(self, *, timeout_s: float = 5.0, **options: str) -> Connection:
        stated = {"lookback_s": "3", "page_rows": str(self.page), **options}
        return Connection("espocrm", "espocrm", self.url, {"api_key": KEY}, stated, timeout_s)

    async def seed(self, fields: Mapping[str, Scalar]) -> str:
        return await self.seed_as("Lead", fields)

    async def seed_at_once(self, rows: Sequence[Mapping[str, Scalar]]) -> Sequence[str]:
        self.held = datetime.now(UTC)
        found = [await self.seed(fields) for fields in rows]
        self.held = None
        return found

    async def edit(self, ident: str, fields: Mapping[str, Scalar]) -> None:
        await self.edit_as("Lead", ident, fields)

    async def rival(self, ident: str, fields: Mapping[str, Scalar]) -> None:
        self.org.update("Lead", ident, fields, Actor("6b0000000rival000", "rival"))

    async def delete(self, ident: str) -> None:
        await self.delete_as("Lead", ident)

    async def merge(self, winner: str, loser: str) -> str:
        self.org.remove("Lead", loser, self.jo)  # all that a merge lets anybody see of it
        return winner

    async def seed_as(self, object_: str, fields: Mapping[str, Scalar]) -> str:
        needed: dict[str, Scalar] = {"amount": 1, "closeDate": "2027-01-31"} if object_ == "Opportunity" else {}
        return str(self.org.create(object_, {**needed, **fields}, self.jo, skip_check=True)["id"])

    async def edit_as(self, object_: str, ident: str, fields: Mapping[str, Scalar]) -> None:
        self.org.update(object_, ident, fields, self.jo)

    async def delete_as(self, object_: str, ident: str) -> None:
        self.org.remove(object_, ident, self.jo)

    async def rep(self) -> str:
        return self.jo.id

    async def complete(self, task: str) -> None:
        self.org.update("Task", task, {"status": "Completed"}, self.jo)

    async def meet(self, person: str, end: datetime) -> str:
        start, until = (moment.strftime("%Y-%m-%d %H:%M:%S") for moment in (end - timedelta(minutes=30), end))
        held = "Held" if end <= datetime.now(UTC) else "Planned"
        fields = {"name": "Meeting", "status": held, "dateStart": start, "dateEnd": until, "parentType": "Lead", "parentId": person}
        return str(self.org.create("Meeting", {**fields, "leadsIds": [person], "assignedUserId": self.jo.id}, self.jo)["id"])

    async def involve(self, opportunity: str) -> str:
        contact = await self.seed_as("Contact", {"lastName": "Involved"})
        others = self.org.rows["Opportunity"][opportunity]["contactsIds"]
        self.org.update("Opportunity", opportunity, {"contactsIds": [*others, contact]}, self.jo)
        return contact

    @asynccontextmanager
    async def hidden(self, ident: str) -> AsyncIterator[None]:
        row = self.org.rows["Lead"].pop(ident)
        yield
        self.org.rows["Lead"][ident] = row

    async def drop_field(self, name: str) -> None:
        del self.org.entities["Lead"][name]

    async def rename(self, old: str, new: str) -> None:
        self.org.entities["Lead"][new] = self.org.entities["Lead"].pop(old)
        for row in self.org.rows["Lead"].values():
            row[new] = row.pop(old, None)

    async def retype(self, name: str) -> None:
        self.org.entities["Lead"][name] = {"type": "varchar", "maxLength": 100, "isCustom": True}

    async def offer(self, name: str, value: str) -> None:
        field = self.org.entities["Lead"][name]
        self.org.entities["Lead"][name] = {**field, "options": [*field["options"], value]}

    async def restore(self, ident: str) -> None:
        row = self.org.record("Lead", ident, writing=True, deleted=True)
        row.update(deleted=False, modifiedAt=self.org.stamp(), modifiedById=self.admin.id)

    async def expire(self) -> None:
        """A key does not expire."""

    async def revoke(self) -> None:
        self.org.rows["User"][self.espo.user("truce").id]["isActive"] = False

    async def mints(self) -> int:
        return 0

    async def fault(self, **fault: Any) -> None:
        method, space, path = fault.get("path", "").rpartition(" ")
        await super().fault(**{**fault, "path": path, **({"method": method} if space else {})})


def espocrm_world() -> AbstractAsyncContextManager[EspoWorld]:
    """Start an empty company on a free port, and end it."""
    return served(EspoWorld())


def _holds_the_protocols(world: EspoWorld) -> tuple[Emulated, EmulatedDeals, EmulatedTasks]:
    return world, world, world  # mypy says if it does not

"""The emulated Marketo subscription as the contract suite drives it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

from connectors.base import Connection
from connectors.contract import Emulated
from connectors.contract_world import Role
from connectors.emulator.marketo import Field, Marketo
from connectors.emulator.marketo.fields import custom
from connectors.emulator.marketo.leads import API, Actor
from schemas.base import Scalar
from tests.contract.served import Served, served

EXTRA = (Field("metUs", "Met us", "boolean"),)
PEOPLE = (
    {"externalSalesPersonId": "ana@acme.example", "email": "ana@acme.example", "firstName": "Ana", "lastName": "Diaz"},
    {"externalSalesPersonId": "ben@acme.example", "email": "ben@acme.example", "firstName": "Ben", "lastName": "Roth"},
)


class MarketoWorld(Served):
    """One subscription; its clock can be held, so that activities get one time. Pages look through few activities and may be empty."""

    roles: Mapping[Role, str] = {
        "email": "email", "last_name": "lastName", "phone": "phone", "text": "salStageNote", "number": "numberOfEmployees", "money": "annualRevenue",
        "flag": "metUs", "date": "dateOfBirth", "time": "mqlDate",
    }  # fmt: skip
    refused: tuple[str, Scalar] = ("numberOfEmployees", "rather many")
    page = 4
    read_path = "/rest/v1/leads.json"
    write_path = "/rest/v1/leads.json"
    create_path = "/rest/v1/leads.json"
    token_path = "/identity/oauth/token"
    renamed = "salesRemarks"

    def __init__(self) -> None:
        self.vendor = Marketo(fields=[*custom(), *EXTRA], salespersons=PEOPLE, calls_per_20s=100_000, at_once=200, scan=7, clock=self.now)
        super().__init__(self.vendor)

    def now(self) -> datetime:
        return self.held or datetime.now(UTC)

    def connection(self, *, timeout_s: float = 5.0, **options: str) -> Connection:
        secrets = {"client_id": "truce", "client_secret": "emulated"}
        stated = {
            "lookback_s": "3", "page_rows": str(self.page), "gap_ids": "12", "sales_persons": "ana@acme.example,ben@acme.example",
            "lists": "1001=2001", "programs": "3001", **options,
        }  # fmt: skip
        return Connection("marketo", "marketo", self.url, secrets, stated, timeout_s)

    async def seed(self, fields: Mapping[str, Scalar]) -> str:
        return self.vendor.put(fields)

    async def seed_at_once(self, rows: Sequence[Mapping[str, Scalar]]) -> Sequence[str]:
        self.held = datetime.now(UTC)
        found = [await self.seed(fields) for fields in rows]
        self.held = None
        return found

    async def edit(self, ident: str, fields: Mapping[str, Scalar]) -> None:
        self.vendor.put(fields, ident=ident)

    async def rival(self, ident: str, fields: Mapping[str, Scalar]) -> None:
        taken = {name: self.vendor.schema.of(name).take(value) for name, value in fields.items()}
        self.vendor.leads.change(self.vendor.leads.get(ident), taken, Actor("rival", API, "rival.api@acme.example"))

    async def delete(self, ident: str) -> None:
        self.vendor.delete(ident)

    async def merge(self, winner: str, loser: str) -> str:
        self.vendor.merge(winner, loser)
        return winner

    @asynccontextmanager
    async def hidden(self, ident: str) -> AsyncIterator[None]:
        self.vendor.log.hidden.add(int(ident))
        yield
        self.vendor.log.hidden.discard(int(ident))

    async def drop_field(self, name: str) -> None:
        del self.vendor.schema.fields[name]

    async def rename(self, old: str, new: str) -> None:
        self.vendor.schema.fields[new] = replace(self.vendor.schema.fields.pop(old), name=new)

    async def retype(self, name: str) -> None:
        self.vendor.schema.fields[name] = replace(self.vendor.schema.fields[name], type="string")

    async def offer(self, name: str, value: str) -> None:
        raise AssertionError("Marketo's picklists are texts by the API")

    async def expire(self) -> None:
        self.vendor.identity.expire()

    async def revoke(self) -> None:
        self.vendor.identity.revoked = True

    async def mints(self) -> int:
        return self.vendor.identity.mints


def marketo_world() -> AbstractAsyncContextManager[MarketoWorld]:
    """Start an empty subscription on a free port, and end it."""
    return served(MarketoWorld())


def _holds_the_protocol(world: MarketoWorld) -> Emulated:
    return world  # mypy says if it does not

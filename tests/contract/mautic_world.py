"""The emulated Mautic as the contract suite drives it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

from connectors.base import Connection
from connectors.contract import Emulated
from connectors.contract_world import Role
from connectors.emulator.mautic import Field, Mautic, User
from connectors.emulator.mautic.contacts import Actor
from connectors.emulator.mautic.fields import CUSTOM
from schemas.base import Scalar
from tests.contract.served import Served, served

WEBHOOK_SECRET = "webhook-signing-secret"
USERS = (User(1, "ana", "Ana", "Diaz", "ana@acme.example"), User(2, "gone", "Gone", "Girl", "gone@acme.example", active=False))
EXTRA = (Field("birthday", "Birthday", "date"), Field("met_us", "Met us", "boolean"))


class MauticWorld(Served):
    """One installation; its clock can be held, so that contacts get one time of change."""

    roles: Mapping[Role, str] = {
        "email": "email", "last_name": "lastname", "phone": "phone", "text": "sales_note", "number": "employees", "money": "attribution",
        "flag": "met_us", "date": "birthday", "time": "mql_date",
    }  # fmt: skip
    refused: tuple[str, Scalar] = ("lifecycle", "No such stage")
    page = 4
    read_path = "/api/contacts"
    write_path = "/contacts/batch/edit"
    create_path = "/contacts/batch/new"
    token_path = "/oauth/v2/token"
    renamed = "sales_remarks"

    def __init__(self) -> None:
        self.mautic = Mautic(users=USERS, fields=[*CUSTOM, *EXTRA], clock=lambda: self.held or datetime.now(UTC))
        super().__init__(self.mautic)

    def connection(self, *, timeout_s: float = 5.0, **options: str) -> Connection:
        secrets = {"client_id": "1_truce", "client_secret": "emulated", "webhook_secret": WEBHOOK_SECRET}
        stated = {"lookback_s": "3", "page_rows": str(self.page), "time_fields": "mql_date", **options}
        return Connection("mautic", "mautic", self.url, secrets, stated, timeout_s)

    async def seed(self, fields: Mapping[str, Scalar]) -> str:
        kept, _ = self.mautic.schema.taken(fields)
        return str(self.mautic.contacts.insert(kept, self.mautic.person("ana")).id)

    async def seed_at_once(self, rows: Sequence[Mapping[str, Scalar]]) -> Sequence[str]:
        self.held = datetime.now(UTC)
        found = [await self.seed(fields) for fields in rows]
        self.held = None
        return found

    async def edit(self, ident: str, fields: Mapping[str, Scalar]) -> None:
        self.mautic.edit(ident, "ana", **fields)

    async def rival(self, ident: str, fields: Mapping[str, Scalar]) -> None:
        kept, _ = self.mautic.schema.taken(fields)
        self.mautic.contacts.change(self.mautic.contact(ident), kept, Actor("rival", 0, "rival [2]"))

    async def delete(self, ident: str) -> None:
        self.mautic.contacts.delete(self.mautic.contact(ident), self.mautic.person("ana"))

    async def merge(self, winner: str, loser: str) -> str:
        self.mautic.contacts.merge(self.mautic.contact(winner), self.mautic.contact(loser), self.mautic.person("ana"))
        return winner

    @asynccontextmanager
    async def hidden(self, ident: str) -> AsyncIterator[None]:
        self.mautic.contacts.hidden.add(int(ident))
        yield
        self.mautic.contacts.hidden.remove(int(ident))

    async def drop_field(self, name: str) -> None:
        self.mautic.schema.drop(name)

    async def rename(self, old: str, new: str) -> None:
        self.mautic.schema.by_alias[new] = replace(self.mautic.schema.by_alias.pop(old), alias=new)

    async def retype(self, name: str) -> None:
        self.mautic.schema.by_alias[name] = replace(self.mautic.schema.by_alias[name], type="text")

    async def offer(self, name: str, value: str) -> None:
        old = self.mautic.schema.by_alias[name]
        self.mautic.schema.by_alias[name] = replace(old, options=(*old.options, value))

    async def expire(self) -> None:
        self.mautic.auth.expire()

    async def revoke(self) -> None:
        self.mautic.auth.revoked = True

    async def mints(self) -> int:
        return self.mautic.auth.minted


def mautic_world() -> AbstractAsyncContextManager[MauticWorld]:
    """Start an empty installation on a free port, and end it."""
    return served(MauticWorld())


def _holds_the_protocol(world: MauticWorld) -> Emulated:
    return world  # mypy says if it does not

"""The real Tryton as the contract suite drives it; what only a broken server does is done by a proxy before it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.base import Connection
from connectors.contract_objects import AccountRole, EmulatedDeals, OpportunityRole
from connectors.contract_world import Role
from schemas.base import Scalar
from tests.contract.served import Served, served
from tests.tryton.front import Front
from tests.tryton.running import DENIED, Tryton, tryton
from tests.tryton.server import DATABASE, KEYS

PARTY, DEAL = "party.party", "sale.opportunity"
_LINES = ("party_contact_mechanism", "party_identifier")


class TrytonWorld(Served):
    """One database, emptied; a person is Ana."""

    roles: Mapping[Role, str] = {
        "email": "email", "last_name": "name", "phone": "direct_line", "text": "sales_note", "number": "score", "money": "budget", "flag": "met_us",
        "date": "birthday", "time": "mql_date",
    }  # fmt: skip
    refused: tuple[str, Scalar] = ("lifecycle", "No such stage")
    account: Mapping[AccountRole, str] = {}
    opportunity: Mapping[OpportunityRole, str] = {
        "name": "description", "stage": "state", "amount": "amount", "currency": "currency", "owner": "employee", "people": "people",
    }  # fmt: skip
    stages = ("lead", "won")
    page = 4
    read_path = "/rest/model/party.party"
    write_path = "PUT /rest/model/party.party"
    create_path = "POST /rest/model/party.party$"
    renamed = "sales_remark"

    def __init__(self, real: Tryton) -> None:
        self.real = real
        super().__init__(Front(real))

    def connection(self, *, timeout_s: float = 5.0, **options: str) -> Connection:
        stated = {"lookback_s": "3", "page_rows": str(self.page), **options}
        return Connection("tryton", "tryton", f"{self.url}/{DATABASE}", {"key": KEYS["truce"]}, stated, timeout_s)

    async def seed(self, fields: Mapping[str, Scalar]) -> str:
        return await self.real.made("ana", fields)

    async def seed_at_once(self, rows: Sequence[Mapping[str, Scalar]]) -> Sequence[str]:
        found = [await self.seed(fields) for fields in rows]
        with self.real.sql() as sql:
            (at,) = sql.execute("SELECT max(write_date) FROM party_party").fetchone()
            for table in ("party_party", *_LINES):
                sql.execute(f"UPDATE {table} SET create_date = ?, write_date = ?", (at, at))
        return found

    @contextmanager
    def ago(self, seconds: float) -> Iterator[None]:
        """The server's clock goes on: what was made in the block gets its time afterwards."""
        began = datetime.now(UTC).replace(tzinfo=None)
        yield
        with self.real.sql() as sql:
            for table in ("party_party", "sale_opportunity", *_LINES):
                at = str(began - timedelta(seconds=seconds))
                sql.execute(f"UPDATE {table} SET create_date = ?, write_date = ? WHERE create_date >= ?", (at, at, str(began)))

    async def edit(self, ident: str, fields: Mapping[str, Scalar]) -> None:
        await self.real.rest("ana", "PUT", f"{PARTY}/{ident}", fields)

    async def rival(self, ident: str, fields: Mapping[str, Scalar]) -> None:
        await self.real.rest("admin", "PUT", f"{PARTY}/{ident}", fields)

    async def delete(self, ident: str) -> None:
        await self.real.rest("ana", "DELETE", f"{PARTY}/{ident}")

    async def merge(self, winner: str, loser: str) -> str:
        await self.real.merged(winner, loser)
        return winner

    async def seed_as(self, object_: str, fields: Mapping[str, Scalar]) -> str:
        firm = await self.real.firm()
        sent = {name: {"__class__": "Decimal", "decimal": str(one)} if name == "amount" else one for name, one in fields.items()}
        assert sent.pop("state", "lead") == "lead", "every one begins so"
        assert sent.pop("currency", "EUR") == "EUR", "the firm's"
        made = await self.real.rest("ana", "POST", object_, {"company": firm["company"], "currency": firm["currency"], **sent})
        return str(made["id"])

    async def edit_as(self, object_: str, ident: str, fields: Mapping[str, Scalar]) -> None:
        """Change it; what only a confirmed sale brings about is done on the database."""
        if fields.get("state") == "won":
            with self.real.sql() as sql:
                now = str(datetime.now(UTC).replace(tzinfo=None))
                won = "UPDATE sale_opportunity SET state = 'won', end_date = ?, write_date = ?, write_uid = 2 WHERE id = ?"
                sql.execute(won, (now[:10], now, ident))
        elif "state" in fields:
            await self.real.rest("ana", "POST", f"{object_}/{ident}/{fields['state']}", {})
        else:
            await self.real.rest("ana", "PUT", f"{object_}/{ident}", fields)

    async def delete_as(self, object_: str, ident: str) -> None:
        """Cancel it first, or Tryton keeps it."""
        await self.real.rest("ana", "POST", f"{object_}/{ident}/cancel", {})
        await self.real.rest("ana", "DELETE", f"{object_}/{ident}")

    async def involve(self, opportunity: str) -> str:
        """The first is its party, the next the one whose mechanism is its contact."""
        person = await self.seed({"name": "Involved", "email": "involved@example.com"})
        there = await self.real.rest("ana", "GET", f"{DEAL}/{opportunity}?f=party")
        (row,) = [one for one in await self.real.rest("ana", "GET", f"{PARTY}?f=contact_mechanisms.id") if str(one["id"]) == person]
        joined = {"contact": row["contact_mechanisms"][0]["id"]} if there["party"] else {"party": int(person)}
        await self.edit_as(DEAL, opportunity, joined)
        return person

    @asynccontextmanager
    async def hidden(self, ident: str) -> AsyncIterator[None]:
        """Take the row out and put it back as it was: so a transaction looks that ends late."""
        with self.real.sql() as sql:
            row = sql.execute("SELECT * FROM party_party WHERE id = ?", (ident,)).fetchone()
            sql.execute("DELETE FROM party_party WHERE id = ?", (ident,))
        yield
        with self.real.sql() as sql:
            sql.execute(f"INSERT INTO party_party VALUES ({', '.join('?' * len(row))})", row)

    async def drop_field(self, name: str) -> None:
        """Take the right to it from everybody, which needs no restart."""
        denied = {"model": PARTY, "field": name, "description": DENIED, "perm_read": False, "perm_write": False}
        await self.real.rest("admin", "POST", "ir.model.field.access", denied)

    async def rename(self, old: str, new: str) -> None:
        await self.real.released(old, name=new)

    async def retype(self, name: str) -> None:
        await self.real.released(name, text=True)

    async def offer(self, name: str, value: str) -> None:
        await self.real.released(name, more=[value])

    async def expire(self) -> None:
        """A key does not expire."""

    async def revoke(self) -> None:
        with self.real.sql() as sql:
            sql.execute("UPDATE res_user_application SET state = 'cancelled' WHERE key = ?", (KEYS["truce"],))

    async def mints(self) -> int:
        return 0

    async def fault(self, **fault: Any) -> None:
        method, space, path = fault.get("path", "").rpartition(" ")
        await super().fault(**{**fault, "path": path, **({"method": method} if space else {})})


@asynccontextmanager
async def tryton_world() -> AsyncIterator[TrytonWorld]:
    """Empty the session's Tryton, and put a proxy before it for the length of the block."""
    real = tryton()
    await real.emptied()
    async with served(TrytonWorld(real)) as world:
        yield world


def _holds_the_protocol(world: TrytonWorld) -> EmulatedDeals:
    return world  # mypy says if it does not

"""The one Tryton of a test session: started when first asked for, emptied for each test, used by people through its own doors."""

from __future__ import annotations

import asyncio
import atexit
import base64
import json
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import aiohttp

from tests.tryton.server import DATABASE, KEYS, PASSWORD

DENIED = "By a test"
"""What a denial of ours is called: Tryton's modules deny some fields by themselves."""
TABLES = (
    "party_party", "party_contact_mechanism", "party_identifier", "party_category", "party_party-party_category", "ir_model_log",
    "company_employee", "company_company", "currency_currency", "res_user-company_company", "res_user-company_employee", "sale_opportunity",
    "marketing_campaign", "marketing_automation_scenario", "marketing_automation_activity", "marketing_automation_record",
    "marketing_automation_record_activity", "party_party-unsubscribed-marketing_automation_scenario", "web_shortened_url",
)  # fmt: skip


@dataclass
class Tryton:
    """A server that answers; `url` names the database."""

    url: str
    file: Path
    process: subprocess.Popen[str]
    ahead_s: float = 0.0
    changes: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What another release of the shop's module made of its fields, by their first names."""

    async def ordered(self, **order: Any) -> None:
        """Give the server an order, and wait until it is done."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{json.dumps(order)}\n")
        self.process.stdin.flush()
        assert await asyncio.to_thread(self.process.stdout.readline) == "done\n", "what it said stands above"

    async def ahead(self, seconds: float) -> None:
        """Set its clock ahead of ours."""
        self.ahead_s = seconds
        await self.ordered(ahead_s=seconds)

    async def released(self, field_: str, **change: Any) -> None:
        """Let the shop's module have a field otherwise (`tests.tryton.server.shop`) from now on."""
        self.changes[field_] = self.changes.get(field_, {}) | change
        await self.ordered(fields=self.changes)

    async def rest(self, who: str, method: str, path: str, body: Any = None) -> Any:
        """Let somebody call its REST API by their own key."""
        async with (
            aiohttp.ClientSession(headers={"Authorization": f"Bearer {KEYS[who]}"}) as http,
            http.request(method, f"{self.url}/rest/model/{path}", json=body) as answer,
        ):
            assert answer.status < 300, await answer.text()
            return await answer.json() if answer.status == 200 else None

    async def rpc(self, *calls: tuple[str, Sequence[Any]]) -> list[Any]:
        """Let Ana call by JSON-RPC in a session, as the desktop client does; a call's text "…" is the session of the wizard before."""
        async with aiohttp.ClientSession() as http:
            user, token, _ = await _called(http, self.url, "common.db.login", ["ana", {"password": PASSWORD}, "en"])
            session = base64.b64encode(f"ana:{user}:{token}".encode()).decode()
            told: list[Any] = []
            for method, params in calls:
                given = [told[-1][0] if one == "…" else one for one in params]
                told.append(await _called(http, self.url, method, [*given, {}], session))
            return told

    @contextmanager
    def sql(self) -> Iterator[sqlite3.Connection]:
        """Do what no door of Tryton does, on the very database."""
        connection = sqlite3.connect(self.file, timeout=10)
        try:
            with connection:
                yield connection
        finally:
            connection.close()

    async def emptied(self) -> None:
        """Forget every party and all that is about them, whatever was denied or changed, and let every key be good again."""
        for denied in await self.rest("admin", "GET", "ir.model.field.access?f=description"):
            if denied["description"] == DENIED:
                await self.rest("admin", "DELETE", f"ir.model.field.access/{denied['id']}")
        with self.sql() as sql:
            for table in TABLES:
                sql.execute(f'DELETE FROM "{table}"')
            sql.execute("UPDATE res_user SET company = NULL, employee = NULL")
            sql.execute("UPDATE res_user_application SET state = 'validated'")
        if self.ahead_s:
            await self.ahead(0.0)
        if self.changes:
            self.changes = {}
            await self.ordered(fields={})

    async def made(self, who: str, fields: Mapping[str, Any]) -> str:
        """Let somebody make a party; `email` and `phone` are contact mechanisms."""
        lines = [{"type": name, "value": value} for name, value in fields.items() if name in ("email", "phone")]
        own = {name: value for name, value in fields.items() if name not in ("email", "phone")}
        made = await self.rest(who, "POST", "party.party", {**own, "contact_mechanisms": [["create", lines]]} if lines else own)
        return str(made["id"])

    async def merged(self, winner: str, loser: str) -> None:
        """Let Ana replace a party by another one, which is a wizard of the client."""
        ask = {"ask": {"source": int(loser), "destination": int(winner)}}
        await self.rpc(("wizard.party.replace.create", []), ("wizard.party.replace.execute", ["…", ask, "replace"]))

    async def firm(self) -> dict[str, int]:
        """Give the company whose opportunities users see, its currency and its employee Ana; made when first asked for."""
        found = await self.rest("admin", "GET", "company.employee?f=company.currency")
        if not found:
            currency = await self.rest("admin", "POST", "currency.currency", {"name": "Euro", "symbol": "E", "code": "EUR", "digits": 2})
            parties = [await self.rest("admin", "POST", "party.party", {"name": name}) for name in ("Acme", "Ana Diaz")]
            company = await self.rest("admin", "POST", "company.company", {"party": parties[0]["id"], "currency": currency["id"]})
            employee = {"party": parties[1]["id"], "company": company["id"]}
            made = await self.rest("admin", "POST", "company.employee", employee)
            for user in await self.rest("admin", "GET", "res.user?f=login"):
                own = {"employees": [["add", [made["id"]]]], "employee": made["id"]} if user["login"] == "ana" else {}
                firm = {"companies": [["add", [company["id"]]]], "company": company["id"]}
                await self.rest("admin", "PUT", f"res.user/{user['id']}", {**firm, **own})
            found = await self.rest("admin", "GET", "company.employee?f=company.currency")
        return {"company": found[0]["company"]["id"], "currency": found[0]["company"]["currency"], "employee": found[0]["id"]}

    async def visited(self, path: str) -> int:
        """Let whoever reads a mail follow an address in it; the answer's status."""
        async with aiohttp.ClientSession() as http, http.get(f"{self.url.rpartition('/')[0]}{path}", allow_redirects=False) as answer:
            return answer.status


async def _called(http: aiohttp.ClientSession, url: str, method: str, params: Sequence[Any], session: str = "") -> Any:
    headers = {"Authorization": f"Session {session}"} if session else {}
    async with http.post(f"{url}/rpc/", json={"id": 1, "method": method, "params": params}, headers=headers) as answer:
        told = await answer.json()
    assert "result" in told, told
    return told["result"]


@cache
def tryton() -> Tryton:
    """Start Tryton, once for all tests of this process; it ends with it."""
    folder = tempfile.TemporaryDirectory(prefix="truce-tryton-")
    command = [sys.executable, "-W", "ignore", "-m", "tests.tryton.server", folder.name]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin
    assert process.stdout
    atexit.register(folder.cleanup)
    atexit.register(process.wait, 10)
    atexit.register(process.stdin.close)  # last registered, first done
    port = process.stdout.readline().strip()
    assert port, "Tryton did not start; what it said stands above"
    return Tryton(f"http://127.0.0.1:{port}/{DATABASE}", Path(folder.name) / f"{DATABASE}.sqlite", process)

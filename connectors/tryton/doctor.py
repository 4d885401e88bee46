"""What `doctor` finds at Tryton: the key, the clocks, the log, the modules of what people did, categories and fields."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from connectors.base import Finding, Right, Rival, Rivals
from connectors.errors import ConnectorError
from connectors.tryton.client import Client
from connectors.tryton.mapping import LIST, PARTY, Row, Schema, literal

_RIGHTS: Mapping[Right, str] = {"read": "read", "create": "create", "edit": "write", "delete": "delete"}
_TOOL = re.compile(r"integration|connector|\bapi\b|sync|zapier|hubspot|mautic|import|\bbot\b", re.IGNORECASE)
ROOT = 0
"""The user by whom Tryton's own scheduled actions write."""
LATELY = timedelta(days=2)
MOST = 200


async def rights(client: Client, object_: str) -> frozenset[Right]:
    """Give what the user's groups let it do with a model's records (ir.model.access, get_access)."""
    told = (await client.ask("ir.model.access", "get_access", models=[object_]))[object_]
    return frozenset(right for right, word in _RIGHTS.items() if told.get(word))


async def rivals(client: Client, object_: str) -> Rivals:
    """Name users that are tools, and scheduled actions, among those who wrote the records that changed of late; Tryton tells no fields."""
    since = literal(datetime.now(UTC) - LATELY)
    _, rows = await client.search(object_, [["write_date", ">=", since]], ["write_uid", "write_uid.rec_name"], most=MOST)
    by = [one["write_uid"] for one in rows if isinstance(one.get("write_uid"), Mapping)]
    counts, names = Counter(int(one["id"]) for one in by), {int(one["id"]): str(one.get("rec_name") or "") for one in by}
    own = await client.me()
    tools = [one for one in sorted(counts) if str(one) != own and (one == ROOT or _TOOL.search(names[one]))]
    who = {one: "a scheduled action" if one == ROOT else f"the user {names[one]}" for one in tools}
    seen = {one: f"wrote {counts[one]} of {len(rows)} records of the last two days" for one in tools}
    return Rivals(found=tuple(Rival(who=who[one], seen=seen[one]) for one in tools))


class Doctor:
    """Looks at one database."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def findings(self, fields: Mapping[str, bool]) -> list[Finding]:
        """Check everything; Tryton lets nothing be made by its API."""
        try:
            schema = await self._client.schema(max_age_s=0)
            paths = schema.asked([one for one in fields if one in schema.types], PARTY)
            answer, rows = await self._client.search(PARTY, [], paths, most=1)
        except ConnectorError as error:
            todo = "check the key, that it is validated, and that the address ends with the database's name"
            return [Finding(ok=False, what=f"the key: {error.words}", todo=todo)]
        skew = (answer.at_vendor - answer.received_at).total_seconds()
        clock = Finding(
            ok=abs(skew) < 60, what=f"its clock is {skew:+.0f} s from ours", todo="" if abs(skew) < 60 else "set one of the two clocks"
        )
        found = [Finding(ok=True, what="the key is good"), clock, await self._log(), *await self._acts()]
        for name, writes in sorted({**fields, self._client.manifest.truce_id_field: True}.items()):
            found.append(await self._list(name) if name.startswith(LIST) else self._field(name, schema, rows, writes=writes))
        return found

    def _field(self, name: str, schema: Schema, rows: list[Row], *, writes: bool) -> Finding:
        lacks, todo = "", ""
        if name not in schema.types:
            lacks, todo = "does not exist", "make the field in your module, or take it out of fields.yaml"
        elif rows and name not in rows[0] and name not in schema.paths:
            lacks, todo = (
                "is hidden from the key's user",
                "give the user's group the right to read it (Administration, Models, Field Access)",
            )
        elif writes and name not in schema.writable:
            lacks, todo = "is read-only", "map a field that can be written, or give the user's group the right (Field Access)"
        return Finding(ok=not lacks, what=f"{name} {lacks}" if lacks else name, todo=todo)

    async def _list(self, name: str) -> Finding:
        """Say whether the category, and the scenario that it leads to, are there."""
        ident = name.removeprefix(LIST)
        if ident not in self._client.lists:
            return Finding(ok=False, what=name, todo=f"name it in the option lists: {','.join([*self._client.lists, ident])}")
        asked = [("party.category", ident), ("marketing.automation.scenario", self._client.lists[ident])]
        for model, one in ((model, one) for model, one in asked if one):
            try:
                there = (await self._client.search(model, [["id", "=", int(one)]], ("id",)))[1]
            except ConnectorError as error:
                return Finding(ok=False, what=f"{name}: {error.words}", todo="give the user the group Marketing")
            if not there:
                return Finding(ok=False, what=f"{name}: there is no {model} {one}", todo="make it, or name another one in the option lists")
        return Finding(ok=True, what=name)

    async def _acts(self) -> list[Finding]:
        found = []
        for name, act in self._client.acts.items():
            try:
                await self._client.search(act.object, [act.only], act.asked, most=1)
            except ConnectorError as error:
                todo = "install the modules that the option touches needs, and give the user the groups Marketing and Sales"
                found.append(Finding(ok=False, what=f"{name}: {error.words}", todo=todo))
            else:
                found.append(Finding(ok=True, what=f"{name} is read"))
        return found

    async def _log(self) -> Finding:
        try:
            await self._client.deleted(PARTY, [1])
        except ConnectorError as error:
            todo = "let the user read Logs and parties; until then no deletion is noticed: a party that is not shown may be hidden only"
            return Finding(ok=False, what=f"the log: {error.words}", todo=todo)
        return Finding(ok=True, what="the log says who was deleted")

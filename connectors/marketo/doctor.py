"""What a Marketo subscription must have so that Truce can work with it, and what to do where it lacks.

Sources: Adobe's developer guide ("Static Lists", "Smart Campaigns": one that is requested is an active trigger campaign; "Programs", "Channels").
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from connectors.base import Edits, FieldSeen, Finding, Right, Rival, Rivals
from connectors.errors import AuthExpired, ConnectorError
from connectors.http import Answer
from connectors.marketo import assets
from connectors.marketo.bulk import Bulk
from connectors.marketo.client import Client, results, rows
from connectors.marketo.mapping import LEADS, LIST, OWNER, PROGRAM, TRUCE_ID, Row, at, attributes

PAGES = 10
"""So many pages of the log are looked at."""
WINDOW = timedelta(days=2)


async def changes(client: Client, fields: Sequence[str], since: datetime) -> tuple[list[Row], datetime]:
    """Give the changes of fields since then as the log has them, of its first pages, and until when they reach."""
    names = ",".join(name for name in fields if not name.startswith((LIST, PROGRAM)))
    found, pages, until = list[Row](), 0, datetime.now(UTC)
    async for answer in client.log("/activities/leadchanges.json", await client.token(since), fields=names):
        found += [one for one in rows(answer) if one.get("fields")]  # a page without any has no result at all
        pages, until = pages + 1, answer.received_at
        if pages == PAGES:
            until = at(found[-1]) if found and answer.body.get("moreResult") is True else until
            break
    return found, until


async def edits(client: Client, fields: Sequence[str], since: datetime) -> Edits:
    """Count them, but for our own; what lies behind the first pages is reckoned."""
    found, until = await changes(client, fields, since)
    counts = Counter(str(change.get("name")) for one in found if not _ours(client, one) for change in one["fields"])
    share = (datetime.now(UTC) - since) / max(until - since, timedelta(seconds=1))
    return Edits(counts={name: round(many * share) for name, many in counts.items() if name in fields}, since=since)


async def rivals(client: Client, fields: Sequence[str]) -> Rivals:
    """Name other users of the API, smart campaigns and Marketo's own CRM sync among those who changed fields of late."""
    found, _ = await changes(client, fields, datetime.now(UTC) - WINDOW)
    wrote: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for one in found:
        if who := _machine(client, one):
            for change in one["fields"]:
                wrote[who][str(change.get("name"))].add(str(one.get("leadId")))
    every = {str(one.get("leadId")) for one in found}
    return Rivals(found=tuple(_rival(who, by, len(every)) for who, by in sorted(wrote.items())))


async def rights(client: Client) -> frozenset[Right] | None:
    """Say whether the API user may read leads, and write them: of the lead 0, whom nobody is, that is denied (603) or not found; None for another answer.

    Marketo knows no right to write that is none to delete, so that of deleting nothing is said.
    """
    may = set[Right]()
    probes: tuple[tuple[Callable[[], Awaitable[object]], tuple[Right, ...]], ...] = (
        (partial(client.find, "id", ["0"], []), ("read",)),
        (partial(client.sync, [{"id": 0}], action="updateOnly", lookup="id", priority="normal"), ("create", "edit")),
    )
    for probe, allowed in probes:
        try:
            await probe()
            may.update(allowed)
        except AuthExpired as error:
            if error.code != "603":
                raise
        except ConnectorError:
            return None
    return frozenset(may)


def _rival(who: str, by: Mapping[str, set[str]], most: int) -> Rival:
    touched = {lead for some in by.values() for lead in some}
    return Rival(who=who, seen=f"changed {len(touched)} of the {most} leads that changed in two days", fields=tuple(sorted(by)))


def _ours(client: Client, activity: Row) -> bool:
    return bool(client.me) and str(attributes(activity).get("Modifying User") or "").lower() == client.me.lower()


def _machine(client: Client, activity: Row) -> str:
    said = attributes(activity)
    source = str(said.get("Source") or said.get("Source Type") or "").lower()
    if _ours(client, activity):
        return ""
    if "web service api" in source:
        return f"the API user {said.get('Modifying User') or '(nameless)'}"
    if any(word in source for word in ("salesforce", "sfdc", "dynamics", "crm")):
        return "Marketo's own CRM sync"
    return "a smart campaign" if any(word in source for word in ("flow", "campaign")) else ""


@dataclass(frozen=True)
class Doctor:
    """Looks at one subscription; `named` says whether the options name sales persons."""

    client: Client
    named: bool

    async def findings(self, fields: Mapping[str, bool], *, fix: bool) -> list[Finding]:
        """Give what was found, credentials first: without them there is nothing else."""
        try:
            schema = {str(one["name"]): one for one in await self.client.describe(max_age_s=0)}
            answer = await self.client.call("GET", "/stats/usage.json")
        except ConnectorError as error:
            return [self._finding("the credentials", error.words, "check client_id, client_secret, the API user's role and the address")]
        people = "set the option sales_persons: there is no list of all who may own leads" if OWNER in fields and not self.named else ""
        found = [self._finding("the credentials"), self._finding("sales persons", todo=people), self._clock(answer)]
        found += [self._used(await self.client.usage()), await self._truce_id(schema, fix=fix)]
        found += [self._finding("its REST API is v1, the only version that there is"), *await self._exports(), await self._answers()]
        for name, writable in sorted(fields.items()):
            if name.startswith((LIST, PROGRAM)):
                found += await (self._list if name.startswith(LIST) else self._program)(name, name.partition(".")[2])
            else:
                found.append(self._field(name, schema.get(name), writable))
        return found

    def _finding(self, what: str, words: str = "", todo: str = "") -> Finding:
        return Finding(ok=not todo, what=f"{self.client.system}: {what}" + (f": {words}" if words else ""), todo=todo)

    def _clock(self, answer: Answer) -> Finding:
        skew = (answer.at_vendor - answer.received_at).total_seconds()
        return self._finding(f"its clock is {skew:+.0f} s from ours", todo="" if abs(skew) < 60 else "set this machine's clock")

    def _used(self, used: Mapping[str, int]) -> Finding:
        total, daily = sum(used.values()), self.client.daily
        most = max(used, key=lambda one: used[one], default="")
        todo = "" if total < daily * 0.8 else f"most are {most}'s: see whether it needs that many"
        return self._finding(f"{total} of {daily} calls used today", todo=todo)

    async def _truce_id(self, schema: Mapping[str, Row], *, fix: bool) -> Finding:
        what = f"the field {TRUCE_ID}"
        if TRUCE_ID in schema:
            todo = (
                ""
                if [TRUCE_ID] in await self.client.searchable()
                else "make it a custom field of type String, by which leads can be looked up"
            )
            return self._finding(what, todo=todo)
        if not fix:
            return self._finding(what, "missing", "run doctor --fix, or create it as a custom field of type String")
        try:
            await self.client.make_field(FieldSeen(name=TRUCE_ID, type="text", label="Truce id"))
            await self.client.describe(max_age_s=0)
        except ConnectorError as error:
            return self._finding(what, error.words, "give the API user's role Read-Write Schema Custom Field")
        return self._finding(f"{what} was created")

    def _field(self, name: str, schema: Row | None, writable: bool) -> Finding:
        what = f"{LEADS}.{name}"
        if schema is None:
            return self._finding(what, "does not exist", "create the field, or take it out of fields.yaml")
        if writable and not schema.get("updateable"):
            return self._finding(what, "read-only", "map a field that can be written, or let Marketo own it")
        if writable and schema.get("crmManaged"):
            return self._finding(what, "Marketo's own CRM sync writes it too", "take it out of that sync, or let the CRM own it")
        return self._finding(what)

    async def _exports(self) -> list[Finding]:
        """Say what of today's exports is used, where a full read may go by them; without them it goes by ids, which is no fault."""
        bulk = Bulk(self.client)
        if not bulk.least:
            return []
        used = await bulk.used()
        if used is None:
            return [self._finding("there is no bulk extract: all leads are read by their ids")]
        return [self._finding(f"{used / 1e6:.0f} of {bulk.most / 1e6:.0f} MB of today's exports used by Truce")]

    async def _answers(self) -> Finding:
        """Say which statuses of programs count as a response."""
        answers = [name for name, success in (await assets.channels(self.client)).items() if success]
        if answers:
            return self._finding(f"a response to a program is what its channel calls a success: {', '.join(answers)}")
        todo = "let the API user's role read assets (Read-Only Assets); until then the activities alone say what is a success"
        return Finding(ok=True, what=f"{self.client.system}: it shows no channel with a status that is a success", todo=todo)

    async def _list(self, name: str, ident: str) -> list[Finding]:
        """Say whether a mapped list is named in the options and there, and whether its campaign can be requested."""
        what = f"{LEADS}.{name}"
        if ident not in self.client.lists:
            return [self._finding(what, todo="name it in the option lists")]
        try:
            told = results(await self.client.call("GET", f"/lists/{ident}.json"))
        except ConnectorError as error:
            return [self._finding(what, error.words, "name a static list that is there")]
        found = [
            self._finding(f"{what} ({told[0].get('name')})" if told else what, todo="" if told else "name a static list that is there")
        ]
        campaign = self.client.lists[ident]
        return [*found, await self._campaign(campaign)] if campaign else found

    async def _campaign(self, ident: str) -> Finding:
        what, todo = f"the campaign {ident}", "name a trigger campaign with the trigger Campaign is Requested, source Web Service API"
        try:
            told = results(await self.client.call("GET", f"/campaigns/{ident}.json"))
        except ConnectorError as error:
            return self._finding(what, error.words, f"{todo}, and let the API user's role read campaigns")
        if not told or told[0].get("type") != "trigger":
            return self._finding(what, "none that can be requested", todo)
        return self._finding(f"{what} ({told[0].get('name')})", todo="" if told[0].get("active") else "activate it")

    async def _program(self, name: str, ident: str) -> list[Finding]:
        """Say whether a mapped program is named in the options, and which statuses it has."""
        what = f"{LEADS}.{name}"
        if ident not in self.client.programs:
            return [self._finding(what, todo="name it in the option programs")]
        try:
            statuses = await assets.of_program(self.client, ident)
        except ConnectorError as error:
            return [self._finding(what, error.words, "name a program that is there, and let the API user's role read assets")]
        return [self._finding(f"{what} ({', '.join(statuses)})")]

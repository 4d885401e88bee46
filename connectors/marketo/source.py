"""Reads Marketo: the activity log since a paging token, leads by id, and everything (`full`)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from uuid import uuid4

from pydantic import BaseModel

from connectors.base import (
    About,
    Edits,
    FieldSeen,
    FieldType,
    Finding,
    Item,
    Manifest,
    Notice,
    Page,
    Right,
    Rivals,
    Source,
    Unwelcome,
    User,
    Wanted,
)
from connectors.errors import Surprising
from connectors.http import Answer
from connectors.marketo import assets, mapping
from connectors.marketo.client import Client, results, rows
from connectors.marketo.doctor import Doctor, edits, rights, rivals
from connectors.marketo.full import Full
from connectors.marketo.mapping import LEADS, LIST, LOGGED, MERGE, NEW, OWNER, PROGRAM, TOUCHES, TRUCE_ID, Row

_LISTED = {LIST: (24, 25), PROGRAM: (mapping.PROGRESS,)}
"""Activity types that say that membership of a list or a program changed."""
Asked = list[tuple[str, str, dict[str, str]]]
"""The steps of a sweep: name, path and parameters."""


class Place(BaseModel):
    """Where the log is read on: each step behind a token of its own, and from time to time all of them from the look-back on.

    An activity may be in the log late (Adobe's article "REST API Paging Tokens Use Case"), where no token that was read on shows it. A page looks
    through 300 activities of all types, wanted or not (its article on Get Lead Activities), so that after a large mailing each look-back costs
    hundreds of calls: so many calls of reading on come before the next one, but not more than the look-back's own time.

    In quiet that is 4 calls a poll, 240 an hour at one a minute. A busy hour costs three calls for 300 activities to read on (one of each step), and
    not more than twice as many besides to look back.
    """

    at: float
    """When the last look-back began, by Marketo's clock: the next one begins so much before."""
    tokens: dict[str, str] = {}
    asked: str = ""
    """The steps that the tokens are of."""
    step: int = 0
    under_way: bool = False
    began: float = 0.0
    """When the look-back that is under way began; what happened later its first steps have not seen, however much later the last one ends."""
    owed: int = 0
    """So many pages of the last look-back told nothing that was not known, less those read since."""
    boot: str = ""
    told: int = 0
    """Up to which page, of the source that lives, what was told is stored; after a restart what a look-back shows is told once more."""

    def text(self) -> str:
        """Give the cursor."""
        return self.model_dump_json(exclude_defaults=True)


class MarketoSource(Source):
    """The reading side of one subscription."""

    def __init__(self, client: Client, manifest: Manifest) -> None:
        self.manifest, self._client, self._programs = manifest, client, assets.Programs(client)
        options = client.options
        self._lookback_s = float(options.get("lookback_s", "600"))
        self._boot, self._told = uuid4().hex[:12], dict[str, tuple[float, int]]()  # activity → its time, and with which page it was told
        self._people = [part.strip() for part in options.get("sales_persons", "").split(",") if part.strip()]

    def calls(self, objects: int) -> int:
        """Say how many calls a quiet poll costs: a token, and a page each of changes, deletions and activities (`Place` says what a busy one does)."""
        return 4

    async def fields(self, object_: str) -> Mapping[str, FieldType]:
        """Give the live schema of leads."""
        return await self._client.types(max_age_s=0)

    async def described(self, object_: str) -> Sequence[FieldSeen]:
        """Give the live schema as describe2 has it (it does not say which fields are custom), lists and programs with their statuses besides."""
        found = [mapping.seen(one) for one in await self._client.describe(max_age_s=0)]
        found += [FieldSeen(name=LIST + one, type="flag") for one in self._client.lists]
        for one in self._client.programs:
            values = tuple((name, name) for name in await assets.statuses(self._client, one))
            found.append(FieldSeen(name=PROGRAM + one, type="picklist", values=values, closed=True))
        return found

    async def users(self) -> Sequence[User]:
        """Give the sales persons that the option names, by the id that externalSalesPersonId holds; none without it."""
        if not self._people:
            return []
        params = {"filterType": OWNER, "filterValues": ",".join(self._people), "fields": f"{OWNER},email,firstName,lastName"}
        found = results(await self._client.call("GET", "/salespersons.json", params=params))
        return [User(id=str(one[OWNER]), email=str(one["email"]), name=_name(one)) for one in found if one.get(OWNER) and one.get("email")]

    def start(self, at: datetime) -> str:
        """Give the cursor that reads what changed since `at`."""
        return Place(at=at.timestamp()).text()

    async def changes(self, cursor: str, wanted: Wanted) -> AsyncIterator[Page]:
        """Read the activity log in three steps (new leads and values, deletions, everything else); leads are read by id as they now are."""
        place, fields = Place.model_validate_json(cursor), wanted.get(LEADS, ())
        steps = self._asked(fields)
        asked = blake2b(repr(steps).encode(), digest_size=6).hexdigest()
        self._forget(place, asked)
        async for items, place in self._sweep(place, steps, asked, fields):  # noqa: B020  # each page moves the place on
            if items:
                yield Page(items=tuple(items), cursor=place.text(), done=False)
        yield Page(items=(), cursor=self._ended(place).text(), done=True)

    def _forget(self, place: Place, asked: str) -> None:
        """Forget what was told in pages that were not stored, and all of it after a restart or for other fields."""
        if place.boot != self._boot or place.asked != asked:
            self._told.clear()
        self._told = {one: (when, number) for one, (when, number) in self._told.items() if number <= place.told}

    def _ended(self, place: Place) -> Place:
        """Give the place behind a sweep; what no look-back meets again is forgotten."""
        low = self._low(place)
        self._told = {one: seen for one, seen in self._told.items() if seen[0] >= low}
        return place.model_copy(update={"at": place.began or place.at, "began": 0.0, "step": 0, "under_way": False})

    def _low(self, place: Place) -> int:
        """Give from which second on the next look-back reads."""
        return int((place.began or place.at) - self._lookback_s)

    def _looks_back(self, place: Place, asked: str) -> bool:
        """Say whether a sweep begins at the look-back: where nothing else is known, or the last one is paid for by reading on, or long ago."""
        paid = place.owed <= 0 or datetime.now(UTC).timestamp() - place.at >= self._lookback_s
        return place.asked != asked or (paid and not place.under_way)

    async def _sweep(
        self, place: Place, steps: Asked, asked: str, fields: Sequence[str]
    ) -> AsyncIterator[tuple[list[Item], Place]]:  # fmt: skip
        fresh = self._looks_back(place, asked)
        place = await self._begun(place, steps, asked) if fresh else place.model_copy(update={"under_way": True, "boot": self._boot})
        try:
            async for found in self._steps(place, steps, fields):
                place = found[1]
                yield found
        except Surprising as error:
            if fresh or error.code != "1003":
                raise
            async for found in self._steps(await self._begun(place, steps, asked), steps, fields):  # the token has ended
                yield found

    async def _begun(self, place: Place, steps: Asked, asked: str) -> Place:
        token, began = await self._client.opened(datetime.fromtimestamp(max(0.0, place.at - self._lookback_s), UTC))
        tokens = {name: token for name, _, _ in steps}
        return Place(at=place.at, began=began.timestamp(), tokens=tokens, asked=asked, under_way=True, boot=self._boot, told=place.told)

    async def _steps(self, place: Place, steps: Asked, fields: Sequence[str]) -> AsyncIterator[tuple[list[Item], Place]]:
        low = self._low(place)
        while place.step < len(steps):
            name, path, params = steps[place.step]
            async for answer in self._client.log(path, place.tokens[name], **params):
                new = {mapping.guid(one): one for one in rows(answer) if mapping.guid(one) not in self._told}
                items = await self._items([*new.values()], answer, fields)
                number, more = place.told + bool(new), answer.body.get("moreResult") is True
                self._told |= {one: (when, number) for one, row in new.items() if (when := mapping.at(row).timestamp()) >= low}
                token = str(answer.body.get("nextPageToken") or place.tokens[name])
                owed = place.owed + (more and not new) if place.began else place.owed - 1
                moved = {"tokens": {**place.tokens, name: token}, "step": place.step + (not more), "owed": owed, "told": number}
                place = place.model_copy(update=moved)
                yield items, place

    def _asked(self, fields: Sequence[str]) -> Asked:
        """Give the steps of a sweep."""
        own = [name for name in dict.fromkeys((*fields, "email", TRUCE_ID)) if not name.startswith((LIST, PROGRAM))]
        listed = {str(one) for kind, types in _LISTED.items() if any(name.startswith(kind) for name in fields) for one in types} - {
            str(one) for one in LOGGED
        }
        steps = [("leadchanges", {"fields": ",".join(own)}), ("deletedleads", {})]
        types = {"acts": ",".join(map(str, LOGGED)), **({"lists": ",".join(sorted(listed))} if listed else {})}
        found = [(name, f"/activities/{name}.json", params) for name, params in steps]
        return found + [(name, "/activities.json", {"activityTypeIds": one}) for name, one in types.items()]

    async def _items(self, log: Sequence[Row], answer: Answer, fields: Sequence[str]) -> list[Item]:
        """Give what a page of activities says: leads as they now are, deletions, merges, touches; oldest first."""
        if not log:
            return []
        reading = await self._client.reading(answer, consistent=False)
        told: list[Item] = [reading.touch(one) for one in log if one["activityTypeId"] in TOUCHES and await self._act(one, reading)]
        told += [reading.merged(one) for one in log if one["activityTypeId"] == MERGE and mapping.losers_of(one)]
        told += [reading.deleted(one) for one in log if one["activityTypeId"] == 37]
        joined = [kind for kind in _LISTED if any(name.startswith(kind) for name in fields)]
        altering = {NEW, mapping.VALUE, *mapping.ALTERS, MERGE, *(one for kind in joined for one in _LISTED[kind])}
        return told + await self._read_again([one for one in log if one["activityTypeId"] in altering], fields)

    async def _act(self, activity: Row, reading: mapping.Reading) -> bool:
        """Say whether a touch is a person's: of the statuses of a program only an answer is, and none that we set ourselves."""
        if activity["activityTypeId"] != mapping.PROGRESS:
            return True
        program = str(activity.get("primaryAttributeValueId") or "")
        return reading.origin(activity)[0] != "own" and assets.answered(activity, await self._programs.successes(program))

    async def _read_again(self, log: Sequence[Row], fields: Sequence[str]) -> list[Item]:
        """Give the leads that activities are of as they now are; of those that are gone the log itself tells."""
        acts = mapping.by_lead(log)
        if not acts:
            return []
        found = await self._client.find("id", list(acts), fields)
        reading = await self._client.reading(found.answer)
        return [reading.snapshot(found.rows[one], fields, some) for one, some in acts.items() if one in found.rows]

    async def everything(self, cursor: str | None, wanted: Wanted) -> AsyncIterator[Page]:
        """Read all leads, by ranges of their ids or by bulk extract."""
        if LEADS not in wanted:
            yield Page(items=(), cursor="", done=True)
            return
        async for page in Full(self._client).pages(cursor, wanted[LEADS]):
            yield page

    async def read(self, ids: Sequence[str], fields: Sequence[str], *, object_: str = "") -> Sequence[Item]:
        """Read these leads; merged and deleted ones are told as that."""
        return await self._client.told(ids, fields)

    def notice(self, method: str, uri: str, headers: Mapping[str, str], body: bytes, *, received_at: datetime) -> Notice:
        """Refuse: Marketo calls nobody by itself."""
        raise Unwelcome("Marketo sends no webhooks that this connector reads")

    async def close(self) -> None:
        """Release everything."""
        await self._client.close()

    async def about(self) -> About:
        """Give the statuses of all channels: one that is a success is an answer. What the subscription is called is not told."""
        return About(answers=await assets.channels(self._client))

    async def rights(self, object_: str) -> frozenset[Right] | None:
        """Say by trying what the API user may do; no answer tells it."""
        return await rights(self._client)

    async def rivals(self, object_: str, fields: Sequence[str]) -> Rivals | None:
        """Name who else changed these fields of late by machine, by the activity log."""
        return await rivals(self._client, fields)

    async def edits(self, object_: str, fields: Sequence[str], since: datetime) -> Edits | None:
        """Count by the activity log."""
        return await edits(self._client, fields, since)

    async def make_field(self, object_: str, wanted: FieldSeen) -> str:
        """Make a custom field of leads; Marketo has no lists of values by its API."""
        await self._client.make_field(wanted)
        return ""

    async def doctor(self, fields: Mapping[str, bool], *, fix: bool = False) -> Sequence[Finding]:
        """Check credentials, the Truce id, the mapped fields, lists, campaigns, programs, today's calls and the clocks; `fix` makes the Truce id."""
        return await Doctor(self._client, named=bool(self._people)).findings(fields, fix=fix)


def _name(row: Row) -> str:
    return " ".join(str(part) for part in (row.get("firstName"), row.get("lastName")) if part)

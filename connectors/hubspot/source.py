"""Reads HubSpot: the search sweep, the full list, batch reads, webhooks.

Search is eventually consistent and tells neither who acted nor when a field changed, so it only finds ids; a batch read tells the rest.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import UTC, datetime

from pydantic import BaseModel, ValidationError

from connectors.base import Connection, FieldType, Item, Manifest, Notice, Page, Unwelcome, User, Wanted
from connectors.fit import numbered
from connectors.hubspot import mapping, objects
from connectors.hubspot.client import HISTORY_ROWS, Client, next_page, records
from connectors.hubspot.doctor import Examined
from connectors.hubspot.events import Event, events, orders, verify
from connectors.hubspot.joins import JOINED, Joins, Spot, again
from connectors.hubspot.objects import (
    CONTACTS,
    LIST,
    MEETING_TITLE,
    MEETINGS,
    RESPONSES,
    SHAPES,
    changed_since,
    done,
    latest,
    onwards,
    reached,
)
from connectors.hubspot.touches import MAIL_KINDS, Acts, met, unnamed
from connectors.onward import Onward
from schemas.base import Scalar
from schemas.change import RecordChanged

_MARGIN_MS = 5 * 60 * 1000
"""How far our clock may be ahead of HubSpot's before a quiet sweep would leave something out."""


class Place(BaseModel):
    """Where reading goes on, in ms: `at` (with `id`, inside one ms; `mid`, in the middle of a sweep), and the backstops' places."""

    at: int
    id: int | None = None
    mid: bool = False
    seen: dict[str, int] = {}
    """What was read of the last moments, record id → time of change: the look-back leaves it out; at most the newest 2,000."""
    deleted: int
    gone: dict[str, int] = {}
    """The deletions after that which were told, record id → when; at most the newest 2,000."""
    looked: int = 0
    """When the list of deleted records was last read."""
    forms: int = 0
    mails: int = 0
    joins: int = 0
    """When lists were last read: where one begins that was not read yet."""
    lists: dict[str, Spot] = {}
    heads: dict[str, list[str]] = {}
    """What the first page of each form's list showed."""
    told: list[str] = []
    """The submissions, opened e-mails and memberships of the last moments that were told, by activity id."""
    more: dict[str, Place] = {}
    """The places in other objects than contacts; one that is not here begins where contacts are."""

    def begun(self, names: Sequence[str]) -> Place:
        """Give the cursor with a place of its own for each of these objects: contacts that are read on move no other."""
        return self.model_copy(update={"more": {**{name: Place(at=self.at, deleted=self.deleted) for name in names}, **self.more}})

    def text(self) -> str:
        """Give the cursor."""
        return self.model_dump_json(exclude_defaults=True)


class HubSpotSource(Examined):
    """The reading side of one HubSpot account."""

    def __init__(self, connection: Connection, client: Client, manifest: Manifest) -> None:
        self.manifest, self._client, self._system = manifest, client, connection.system
        options = self._options = connection.options
        self._portal_id = options.get("portal_id")
        self._lookback_ms = int(float(options.get("lookback_s", "30")) * 1000)
        self._archived_ms = int(float(options.get("archived_s", manifest.deletions_s)) * 1000)
        named = (pair.partition("=") for pair in options.get("form_guids", "").split(",") if pair.strip())
        self._forms = {guid.strip(): name.strip() for guid, _, name in named}
        self._reads, self._joins = Acts(client), Joins(client)
        self._mails = options.get("email_events", "") == "on"
        self._acts = tuple(name for name, option in objects.ASKED.items() if options.get(option, "") == "on")
        self._secret, self._developer_key = (connection.secrets.get(name, "") for name in ("webhook_secret", "developer_key"))
        self._called_at = connection.called_at
        self._types = objects.numbers(connection.system, options.get("subscription_ids", ""))

    @property
    def objects(self) -> tuple[str, ...]:
        """Name contacts, companies, deals, and what a rep did with people."""
        return tuple(name for name in SHAPES if name != objects.NOTES or name in self._acts)

    @property
    def acts(self) -> tuple[str, ...]:
        """Name meetings where who came to one did something, and notes where a rep's note counts as a response."""
        return self._acts

    def calls(self, objects: int) -> int:
        """Say what a poll costs: a call for each object, form, list and kind of e-mail event."""
        lists, mails = len(self._client.lists) + len(self._client.told_lists), len(MAIL_KINDS) if self._mails else 0
        return objects + len(self.acts) + len(self._forms) + lists + mails

    async def fields(self, object_: str) -> Mapping[str, FieldType]:
        """Give the live schema, of deals with their associations; later notices read their values by it."""
        await self._client.properties(object_)
        return self._client.types[object_]

    async def users(self) -> Sequence[User]:
        """Give the owners, by the id that hubspot_owner_id holds; archived ones are inactive."""
        found: dict[str, User] = {}
        for archived in ("false", "true"):
            for row in await self._client.all(self._client.paths["owners"], limit="100", archived=archived):
                name = " ".join(part for part in (row.get("firstName"), row.get("lastName")) if part)
                if row.get("email"):
                    found.setdefault(str(row["id"]), User(id=str(row["id"]), email=row["email"], name=name, active=archived == "false"))
        return list(found.values())

    def start(self, at: datetime) -> str:
        """Give the cursor that reads what changed since `at`."""
        ms = mapping.millis(at.astimezone(UTC))
        return Place(at=ms, deleted=ms, forms=ms, mails=ms, joins=ms).text()

    async def changes(self, cursor: str, wanted: Wanted) -> AsyncIterator[Page]:
        """Read what changed, object by object: the search sweep, then the deletions; of contacts the submissions lists too."""
        others = [one for one in SHAPES if (one in wanted or one in self.acts) and one != CONTACTS]
        place, started = Place.model_validate_json(cursor).begun(others), mapping.millis(datetime.now(UTC))
        async for items, place in self._steps(place, started, wanted.get(CONTACTS, ())):  # noqa: B020  # each step moves the place on
            if items:
                yield Page(items=tuple(items), cursor=place.text(), done=False)
        for name in others:
            async for found, own in self._object(name, place.more[name], started, wanted.get(name, ())):
                place = place.model_copy(update={"more": {**place.more, name: own}})
                if found:
                    yield Page(items=tuple(found), cursor=place.text(), done=False)
        yield Page(items=(), cursor=place.text(), done=True)

    async def _steps(self, start: Place, started: int, fields: Sequence[str]) -> AsyncIterator[tuple[list[Item], Place]]:
        place = start
        async for items, place in self._object(CONTACTS, start, started, fields):
            yield items, place
        async for items, place in self._listed(place, started, fields):  # noqa: B020
            yield items, place
        told, heads = dict[str, int](), dict[str, list[str]]()
        for guid, name in self._forms.items():
            since = place.forms - self._lookback_ms
            async for touches, head in self._reads.submitted(guid, name, since, place.heads.get(guid)):
                heads[guid] = head
                told |= {one.activity_id: mapping.millis(one.at) for one in touches}
                yield [one for one in touches if one.activity_id not in place.told], place
        newest, mailed = reached(place.forms, told, started), dict[str, int]()
        for kind in MAIL_KINDS if self._mails else ():
            async for touches in self._reads.opened(kind, (place.mails or started) - self._lookback_ms):
                mailed |= {one.activity_id: mapping.millis(one.at) for one in touches}
                yield [one for one in touches if one.activity_id not in place.told], place
        read = reached(place.mails or started, mailed, started) if self._mails else place.mails
        last = [ident for ident, ms in told.items() if ms >= newest - self._lookback_ms]
        last += [ident for ident, ms in mailed.items() if ms >= read - self._lookback_ms]
        last += [ident for ident in place.told if ident.startswith(JOINED)]
        yield [], place.model_copy(update={"forms": newest, "mails": read, "heads": heads, "told": last})

    async def _listed(self, place: Place, started: int, fields: Sequence[str]) -> AsyncIterator[tuple[list[Item], Place]]:
        """Read who was put on lists: on those that are fields, and on those whose members did something."""
        spots, told = dict[str, Spot](), [ident for ident in place.told if not ident.startswith(JOINED)]
        for name in self._joins.of(fields):
            spots[name] = place.lists.get(name) or Spot(at=place.joins or started)
            heard = [act for act in place.told if act.startswith(f"{JOINED}{name}:")]
            async for new, behind in self._joins.since(name, spots[name], self._lookback_ms):
                fresh = {act: contact for act, contact in new.items() if act not in place.told}
                spots[name], heard = behind, [*heard, *new]
                yield [*await self._joins.touches(name, fresh), *await self._enlisted(name, fresh, fields)], place
            told += again(dict.fromkeys(heard), spots[name].at - self._lookback_ms)
        yield [], place.model_copy(update={"lists": spots, "joins": started, "told": told})

    async def _enlisted(self, ident: str, new: Mapping[str, str], fields: Sequence[str]) -> list[Item]:
        """Read who was put on a list that is a field: nothing else of them moved."""
        return await self._read(CONTACTS, [*new.values()], fields) if f"{LIST}{ident}" in fields and new else []

    async def _object(self, name: str, start: Place, started: int, fields: Sequence[str]) -> AsyncIterator[tuple[list[Item], Place]]:
        place = start
        async for items, place in self._sweep(name, start, started, fields):
            yield items, place
        if name not in RESPONSES and started - place.looked >= self._archived_ms:
            async for items, place in self._archived(name, place, started, fields):  # noqa: B020
                yield items, place

    async def _sweep(self, name: str, place: Place, started: int, fields: Sequence[str]) -> AsyncIterator[tuple[list[Item], Place]]:
        """Search by time in keyset steps of one page each, so that the stop at 10,000 rows is never met; inside one ms by id."""
        at, inside, more = place.at if place.mid else place.at - self._lookback_ms, place.id, True
        newest, seen, modified = place.at, dict(place.seen), SHAPES[name].modified
        while more:
            filters = [*changed_since(modified, at, inside), *done(name)]
            answer = await self._client.search(name, filters, sort=modified if inside is None else "hs_object_id")
            found = {str(row["id"]): mapping.millis(mapping.changed_at(row)) for row in records(answer.body)}
            new = [ident for ident, ms in found.items() if seen.get(ident) != ms]
            items = await self._read(name, new, fields)
            newest, seen = reached(newest, found, started), seen | found
            at, inside, more = onwards(at, inside, found, more=next_page(answer.body) is not None)
            if not more:
                newest = max(newest, started - _MARGIN_MS)
            seen = latest(seen, newest - self._lookback_ms)
            yield items, place.model_copy(update={"at": at if more else newest, "id": inside, "mid": more, "seen": seen})

    async def _archived(self, name: str, place: Place, started: int, fields: Sequence[str]) -> AsyncIterator[tuple[list[Item], Place]]:
        """Read the list of deleted records, and by id what became of those that are new in it (deleted, or merged).

        The list is by id: whoever is deleted while it is read may stand before the page that comes next, so that the next time begins
        before this one did.
        """
        after: str | None = ""
        newest, gone, pages = place.deleted, dict[str, int](), Onward("deleted records")
        while after is not None:
            pages.at(after)
            answer = await self._client.page(name, after or None, [SHAPES[name].modified], archived=True)
            at = {str(row["id"]): mapping.moment(row.get("archivedAt")) for row in records(answer.body)}
            late = {ident: mapping.millis(when) for ident, when in at.items() if when and mapping.millis(when) > place.deleted}
            newest, after = max([newest, *late.values()]), next_page(answer.body)
            begin = max(place.deleted, min(newest, started - _MARGIN_MS))
            gone, new = latest(gone | late, begin + 1), [ident for ident, ms in late.items() if place.gone.get(ident) != ms]
            done = {"deleted": begin, "gone": gone, "looked": started}
            yield await self._read(name, new, fields), place if after is not None else place.model_copy(update=done)

    async def count(self, object_: str, where: tuple[str, Scalar] | None = None) -> int:
        """Count an object's records, or those whose property has a value, by the search."""
        if where is None:
            return int((await self._client.newest(object_, 1)).body["total"])
        one = {"propertyName": where[0], "operator": "EQ", "value": str(where[1])}
        return int((await self._client.search(object_, [one], sort=SHAPES[object_].modified)).body["total"])

    async def everything(self, cursor: str | None, wanted: Wanted) -> AsyncIterator[Page]:
        """Read all companies, contacts and deals by the consistent list; the cursor is the object and HubSpot's `after`."""
        order = [name for name in SHAPES if name in wanted and name not in RESPONSES]
        name, _, start = (cursor or "").rpartition(":")
        name = name or (CONTACTS if start else "")  # a cursor without an object is of contacts
        left = order[order.index(name) :] if name in order else order
        if not left:
            yield Page(items=(), cursor="", done=True)
        pages = Onward("all records")
        while left:
            name, fields = left[0], wanted[left[0]]
            pages.at((name, start))
            await self._client.known(name)
            answer = await self._client.page(name, start or None, mapping.wanted(fields, name))
            found, after = records(answer.body), next_page(answer.body)
            await self._client.link(name, found, fields)
            reading = self._client.reading(name, answer, consistent=True, bulk=True)
            items = tuple(item for row in found for item in reading.told(row, fields))
            left, start = left if after is not None else left[1:], after or ""
            yield Page(items=items, cursor=f"{left[0]}:{start}" if left else "", done=not left)

    async def read(self, ids: Sequence[str], fields: Sequence[str], *, object_: str = "") -> Sequence[Item]:
        """Read these records consistently; merged and deleted ones are told as that, activities as the responses that they are."""
        return await self._read(object_ or CONTACTS, ids, fields)

    async def _read(self, name: str, ids: Sequence[str], fields: Sequence[str]) -> list[Item]:
        return await self._responses(name, ids) if name in RESPONSES else await self._client.told(name, ids, fields)

    async def _responses(self, name: str, ids: Sequence[str]) -> list[Item]:
        """Read activities; each that took place is a response to every contact that it is associated with, a meeting an act of theirs, too."""
        response, items, meets, ids = SHAPES[name].response, list[Item](), name == MEETINGS and name in self.acts, numbered(ids)
        assert response is not None  # RESPONSES are those that have one
        for start in range(0, len(ids), HISTORY_ROWS):
            properties = [*response.properties, *([MEETING_TITLE] if meets else [])]
            answer = await self._client.read(name, ids[start : start + HISTORY_ROWS], properties, history=[response.mark])
            reading = self._client.reading(name, answer)
            done = [row for row in records(answer.body) if response.counts(row["properties"]) and reading.theirs(row, response)]
            people = await self._client.links(name, [str(row["id"]) for row in done], CONTACTS)
            for row in done:
                with_ = [ident for ident, _ in people[str(row["id"])]]
                items += [*reading.responses(row, response, with_), *(met(reading, row, response, with_) if meets else ())]
        return items

    def notice(self, method: str, uri: str, headers: Mapping[str, str], body: bytes, *, received_at: datetime) -> Notice:
        """Read one webhook call: signature first, then its events, those of one record as one change.

        People and companies that come to a deal or leave it, and activities, are told as records to be read.
        """
        verify(self._secret, method, uri, headers, body, now=received_at)
        found = [event for event in events(body) if not self._portal_id or event.portalId in (None, self._portal_id)]
        try:
            items = [item for name in SHAPES if name not in RESPONSES for item in self._noticed(name, found, received_at)]
        except ValidationError as error:
            raise Unwelcome("an event that no change can be made of") from error
        read = [one.ref for one in items if isinstance(one, RecordChanged) and unnamed(one.fields)]
        wanted = tuple(dict.fromkeys([*read, *orders(found, self._system, self._client.app_id)]))
        return Notice(items=tuple(sorted(items, key=lambda item: item.at)), read=wanted)

    def _noticed(self, name: str, found: Iterable[Event], received_at: datetime) -> list[Item]:
        reading = mapping.Reading(self._system, self._client.types.get(name, {}), self._client.app_id, received_at, about=name)
        return reading.noticed(event for event in found if event.object == name)

    async def close(self) -> None:
        """Release every connection."""
        await self._client.close()

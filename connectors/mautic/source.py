"""Reads Mautic: the audit log tells what changed, lists tell how it is now, statistics what people did, webhooks all of it at once.

A contact that nobody has identified yet, of whom Mautic knows a visit and no more, is no person and is left out.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from pydantic import BaseModel, ValidationError

from connectors.base import (
    Connection,
    FieldType,
    Forged,
    Item,
    Manifest,
    Notice,
    Page,
    Unwelcome,
    User,
    Wanted,
)
from connectors.errors import Surprising
from connectors.mautic.client import Client, mappings, rows
from connectors.mautic.doctor import ACTS, CHANGED, MOVED, Examined
from connectors.mautic.mapping import CONTACTS, LIST, TABLES, TRUCE_ID, Reading, Row, acted, moment, stamp
from connectors.mautic.segments import Segments, moved
from connectors.onward import Onward
from schemas import strict
from schemas.change import RecordChanged
from schemas.touch import TouchRecorded

_IDS = 100


class Place(BaseModel):
    """Where reading goes on: every entry of the audit log up to `low` is told; `seen` are those above it that are; `at` until it has begun."""

    at: str = ""
    low: int = 0
    inside: int = 0
    """In the middle of a sweep: the last entry of the page."""
    seen: list[int] = []
    acts: str = ""
    """The newest act that was told."""
    told: list[str] = []
    """The acts of the last moments that were told, by activity id."""
    moved: str = ""
    """The newest move into a segment, or out of one, that was told."""
    moves: list[str] = []
    """The moves of the last moments that were told, by id."""

    def text(self) -> str:
        """Give the cursor."""
        return self.model_dump_json(exclude_defaults=True)


def _person(row: Row) -> bool:
    return bool(row.get("dateIdentified") or ((row.get("fields") or {}).get("all") or {}).get(TRUCE_ID))


class MauticSource(Examined):
    """The reading side of one Mautic."""

    def __init__(self, connection: Connection, client: Client, manifest: Manifest) -> None:
        self.manifest, self._client, self._system, self._called_at = manifest, client, connection.system, connection.called_at
        self._lookback = timedelta(seconds=float(connection.options.get("lookback_s", "30")))
        self._tables = [one.strip() for one in connection.options.get("touches", ",".join(TABLES)).split(",") if one.strip()]
        if strange := set(self._tables) - TABLES.keys():
            raise ValueError(f"{connection.system}: touches {', '.join(strange)} is none of {', '.join(TABLES)}")
        self._secrets = connection.secrets.get("webhook_secret", "").split()
        self._forms: dict[str, str] = {}
        self._segments = Segments(client, manifest.in_flight)

    def calls(self, objects: int) -> int:
        """Say how many calls a poll costs when nothing changed: one of the audit log, one of each table of statistics, one of the moves of segments."""
        return 1 + len(self._tables) + bool(self._client.lists)

    async def fields(self, object_: str) -> Mapping[str, FieldType]:
        """Give the live schema of contacts, with owner, stage and consent."""
        await self._client.fields()
        return self._client.types

    async def users(self) -> Sequence[User]:
        """Give Mautic's users."""
        found, pages = list[User](), Onward("users")
        while True:
            body = (await self._client.get("/users", {"limit": str(_IDS), "start": str(len(found))})).body
            some = rows(body, "users")
            pages.at(some[0]["id"] if some else None)
            names = [" ".join(part for part in (one.get("firstName"), one.get("lastName")) if part) for one in some]
            found += [
                User(id=str(one["id"]), email=str(one.get("email") or ""), name=name, active=bool(one.get("isPublished")))
                for one, name in zip(some, names, strict=True)
            ]
            if len(some) < _IDS:
                return found

    def start(self, at: datetime) -> str:
        """Give the cursor that reads what changed since `at`."""
        return Place(at=stamp(at), acts=stamp(at)).text()

    async def changes(self, cursor: str, wanted: Wanted) -> AsyncIterator[Page]:
        """Read the contacts that the audit log says were changed, merged or deleted; then what people did."""
        await self._client.known()
        place, fields, more, pages = Place.model_validate_json(cursor), wanted.get(CONTACTS, ()), True, Onward("the audit log")
        while more:
            pages.at(place.inside)
            items, place, more = await self._step(place, fields)
            if items:
                yield Page(items=tuple(items), cursor=place.text(), done=False)
        if any(name.startswith(LIST) for name in fields):
            async for items, place in self._joined(place, fields):  # noqa: B020  # each page moves the place on
                if items:
                    yield Page(items=tuple(items), cursor=place.text(), done=False)
        newest, late = place.acts, dict[str, str]()
        for table in self._tables:
            async for acts in self._acts(table, place.acts):
                late |= {one.activity_id: stamp(one.at) for one in acts}
                newest = max([newest, *late.values()])
                late = {ident: at for ident, at in late.items() if at >= self._before(newest)}
                if new := tuple(one for one in acts if one.activity_id not in place.told):
                    yield Page(items=new, cursor=place.text(), done=False)
        yield Page(items=(), cursor=place.model_copy(update={"acts": newest, "told": [*late]}).text(), done=True)

    async def _joined(self, start: Place, fields: Sequence[str]) -> AsyncIterator[tuple[list[Item], Place]]:
        """Give the contacts that were put into segments or taken out, as they are now."""
        newest, seen = start.moved or start.acts, dict[str, str]()
        async for found in self._segments.moves(self._before(newest), fields):
            by, items = moved([one for one in found if str(one["id"]) not in start.moves]), list[Item]()
            if by:
                answer, some = await self._client.contacts("id", "in", ",".join(by), fields=fields, limit=_IDS)
                items = [self._client.reading(answer).snapshot(row, fields, by[str(row["id"])]) for row in some if _person(row)]
            seen |= {str(one["id"]): str(one["date_added"]) for one in found}
            newest = max([newest, *seen.values()])
            seen = {ident: at for ident, at in seen.items() if at >= self._before(newest)}
            yield items, start.model_copy(update={"moved": newest, "moves": list(seen)})

    async def _step(self, place: Place, fields: Sequence[str]) -> tuple[list[Item], Place, bool]:
        """Read one page of the audit log, and what became of the contacts that are new in it."""
        above = str(max(place.low, place.inside))
        begin = ("date_added", "gte", place.at) if place.at and not place.inside else ("id", "gt", above)
        answer, found = await self._client.table("audit_log", ("object", "eq", "lead"), begin, limit=self._client.page_rows)
        new = [one for one in found if int(one["id"]) not in place.seen]
        items = await self._changed(new, fields)
        settled = stamp(answer.at_vendor - self._lookback)  # by its own clock, as the log is
        entries = {int(one["id"]): str(one["date_added"]) for one in found}
        more, low = len(found) >= self._client.page_rows, max([place.low, *(ident for ident, at in entries.items() if at < settled)])
        seen = sorted(ident for ident in {*place.seen, *entries} if ident > low)
        update: dict[str, Any] = {"inside": max(entries) if more else 0, "low": low, "seen": seen, "at": "" if low else place.at}
        return items, place.model_copy(update=update), more

    async def _changed(self, entries: Sequence[Row], fields: Sequence[str]) -> list[Item]:
        by, ids = acted(entries), list(dict.fromkeys(str(one["object_id"]) for one in entries if one.get("action") != "ipadded"))
        items: list[Item] = []
        for start in range(0, len(ids), _IDS):
            some = ids[start : start + _IDS]
            answer, found = await self._client.contacts("id", "in", ",".join(some), fields=fields, limit=_IDS)
            reading = self._client.reading(answer)
            gone = {str(one["object_id"]) for one in entries if one.get("action") in ("delete", "merge")}
            here = {str(row["id"]) for row in found}
            items += await self._client.told([one for one in some if one in gone - here], fields, told=here)  # a merge before its survivor
            items += [reading.snapshot(row, fields, by.get(str(row["id"]))) for row in found if _person(row)]
        return items

    def _before(self, at: str) -> str:
        return stamp((moment(at) or datetime.now(UTC)) - self._lookback)

    async def _acts(self, table: str, since: str) -> AsyncIterator[list[TouchRecorded]]:
        """Read a table of statistics since a moment less the look-back, a page at a time, by its rows' ids: those that go meanwhile move no other."""
        where, last, more, pages = (TABLES[table][0], "gte", self._before(since)), "0", True, Onward(table)
        while more:
            pages.at(last)
            _, page = await self._client.table(table, where, ("id", "gt", last), limit=_IDS)
            more, last = len(page) >= _IDS, str(page[-1]["id"]) if page else last
            yield await self._touched(table, page)

    async def _touched(self, table: str, page: Sequence[Row]) -> list[TouchRecorded]:
        """Give what rows say of people that are known."""
        ids = ",".join(dict.fromkeys(str(one["lead_id"]) for one in page if one.get("lead_id")))
        if not ids:
            return []
        answer, some = await self._client.contacts("id", "in", ids, limit=_IDS)
        reading, people = self._client.reading(answer), {str(row["id"]): row for row in some if _person(row)}
        known = [(one, people[str(one["lead_id"])]) for one in page if str(one.get("lead_id")) in people]
        told = [reading.touch(table, one, await self._name(table, one), who) for one, who in known]
        return [one for one in told if one is not None]

    async def _name(self, table: str, row: Row) -> str:
        if table != "form_submissions":
            return str(row.get("url") or row.get("email_id") or "")
        ident = str(row.get("form_id"))
        if ident not in self._forms:
            found = rows((await self._client.get("/forms", {"limit": "1000", "minimal": "1"})).body, "forms")
            self._forms = {ident: "", **{str(one["id"]): str(one.get("name") or "") for one in found}}
        return self._forms[ident]

    async def everything(self, cursor: str | None, wanted: Wanted) -> AsyncIterator[Page]:
        """Read all contacts by their ids; the cursor is the last one."""
        await self._client.known()
        last, more = cursor or "0", CONTACTS in wanted
        if not more:
            yield Page(items=(), cursor=last, done=True)
        pages = Onward("all contacts")
        while more:
            pages.at(last)
            answer, found = await self._client.contacts("id", "gt", last, fields=wanted[CONTACTS])
            reading, more = self._client.reading(answer, bulk=True), len(found) >= self._client.page_rows
            last = str(found[-1]["id"]) if found else last
            items = tuple(reading.snapshot(row, wanted[CONTACTS]) for row in found if _person(row))
            yield Page(items=items, cursor=last, done=not more)

    async def read(self, ids: Sequence[str], fields: Sequence[str], *, object_: str = "") -> Sequence[Item]:
        """Read these contacts consistently; merged and deleted ones are told as that."""
        return await self._client.told(ids, fields)

    def notice(self, method: str, uri: str, headers: Mapping[str, str], body: bytes, *, received_at: datetime) -> Notice:
        """Read one webhook call: its signature, base64(HMAC-SHA256(secret, body)), then what it says of contacts.

        The signature covers no time, so an old call may come again: what it says is older than what is known. A deletion is told as a
        contact to be read, because only that says whether it was merged.
        """
        given = {name.lower(): value for name, value in headers.items()}.get("webhook-signature", "").encode(errors="replace")
        signed = [base64.b64encode(hmac.new(secret.encode(), body, sha256).digest()) for secret in self._secrets]
        if not any([hmac.compare_digest(one, given) for one in signed]):  # noqa: C419  # every secret is tried, so that the time tells nothing
            raise Forged("the signature is missing or wrong")
        reading = Reading(self._system, self._client.types, self._client.own, received_at, None)
        try:
            told: Any = strict.once(body)
            entries = [(str(name), one) for name, found in told.items() for one in mappings(found)]
            found = [item for name, one in entries if (item := _noticed(reading, name, one))]
        except (ValidationError, ValueError, TypeError, KeyError, AttributeError, Surprising) as error:
            raise Unwelcome(f"an event that nothing can be made of: {type(error).__name__}") from None
        items = sorted((one for one in found if not isinstance(one, str)), key=lambda item: item.at)
        return Notice(items=tuple(items), read=tuple(dict.fromkeys(one for one in found if isinstance(one, str))))

    async def close(self) -> None:
        """Release every connection."""
        await self._client.close()


def _noticed(reading: Reading, trigger: str, entry: Row) -> RecordChanged | TouchRecorded | str | None:
    """Give what one event of a webhook says, or the contact that is to be read: one that is gone, moved between segments, or was just merged, which is told bare."""
    if trigger == "mautic.lead_post_delete":
        return reading.ref(int(entry["id"]))
    if trigger == MOVED:
        return reading.ref(int(entry["contact"]["id"])) if entry.get("contact") else None  # of many at once the log tells
    if trigger in CHANGED:
        told = reading.snapshot(entry["contact"], None)
        return told.model_copy(update={"created": trigger == CHANGED[0]}) if told.email else told.ref
    part, table = ACTS.get(trigger, ("", ""))
    row, who = entry.get(part) or {}, (entry.get(part) or {}).get("lead") or {}
    email = (row.get("results") or {}).get("email") or reading.values(who).get("email")
    if not who.get("id") or not email:
        return None  # somebody unknown
    who = {**who, "fields": {"all": {"email": email}}}  # the contact is told as it was before the form was saved
    times = {"date_submitted": row.get("dateSubmitted"), "date_hit": row.get("dateHit"), "email_id": row.get("email")}
    name = str((row.get("form") or {}).get("name") or row.get("url") or "")
    return reading.touch(table, {**row, **times}, name, who)

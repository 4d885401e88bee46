"""Reads EspoCRM: people, accounts, opportunities, what reps did and what people did in campaigns, each by its own scan; webhooks order reads."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pydantic_core import from_json

from connectors.base import (
    FieldSeen,
    FieldType,
    Finding,
    Forged,
    Item,
    Manifest,
    Notice,
    Page,
    Right,
    Rival,
    Rivals,
    Source,
    Unwelcome,
    User,
    Wanted,
)
from connectors.espocrm.client import Client
from connectors.espocrm.doctor import Doctor
from connectors.espocrm.mapping import ACTS, DONE, LIST, LOG, PEOPLE, TRUCE_ID, Reading, Row, allowed, literal, moment, seen
from connectors.onward import Onward
from connectors.scan import Place, Places, Rows, Scan, Told, people
from schemas.base import Ref, Scalar

_ID = re.compile(r"[A-Za-z0-9]{1,24}")
_MOST_EVENTS = 1_000
_SAVED_IN_S = 2.0
"""So long a record may be there before all of it is."""


@dataclass(kw_only=True)
class ListScan(Scan):
    """Reads one object's changes by lists in (time, id) order."""

    client: Client
    object: str
    stamp: str = "modifiedAt"

    async def ask(self, place: Place, fields: str) -> Rows:
        """Ask for the page from a place on."""
        at, only = self.stamp, DONE.get(self.object)
        if place.after is None:
            where: list[Mapping[str, Any]] = [{"type": "greaterThanOrEquals", "attribute": at, "value": literal(self.low(place.base))}]
        else:
            here, ident = place.after
            same = [{"type": "equals", "attribute": at, "value": here}, {"type": "greaterThan", "attribute": "id", "value": ident}]
            where = [{"type": "or", "value": [{"type": "greaterThan", "attribute": at, "value": here}, {"type": "and", "value": same}]}]
        where += [{"type": "equals", "attribute": "status", "value": only}] if only else []
        return await self.client.rows(self.object, where, fields.split(), by=at, most=self.client.page_rows)

    def early(self, row: Row, rows: Rows) -> bool:
        """EspoCRM makes a person's record first and saves its address afterwards, in the same request."""
        bare = self.object in PEOPLE and not (row.get("emailAddress") or row.get(TRUCE_ID)) and row.get("createdAt") == row.get(self.stamp)
        return bare and rows.at_vendor - moment(row["createdAt"]) < timedelta(seconds=min(_SAVED_IN_S, self.lookback_s / 2))

    def moment(self, wire: Any) -> datetime:
        """Read a time of the wire."""
        return moment(wire)

    def literal(self, moment: datetime) -> str:
        """Write a time as the wire has it."""
        return literal(moment)


class EspoSource(Source):
    """The reading side of one company."""

    def __init__(self, manifest: Manifest, client: Client) -> None:
        self.manifest, self._client = manifest, client
        self._boot, self._scans = uuid.uuid4().hex[:12], dict[str, ListScan]()
        self._touches = client.connection.options.get("touches", "") in ("yes", "true", "1")

    @property
    def objects(self) -> tuple[str, ...]:
        """Name the objects that it can read."""
        manifest = self.manifest
        return (*manifest.people, manifest.account_object, manifest.opportunity_object, *manifest.response_objects)

    async def fields(self, object_: str) -> Mapping[str, FieldType]:
        """Give the live schema: attribute → type."""
        return await self._client.types(object_, max_age_s=0)

    async def described(self, object_: str) -> Sequence[FieldSeen]:
        """Give the live schema as the metadata has it, with what the role may write; what it may not read is left out."""
        described = await self._client.listed(object_)
        lists = [FieldSeen(name=f"{LIST}{one}", type="flag") for one in self._client.lists if object_ in self.manifest.people]
        return seen(described, await self._client.denied(object_, max_age_s=60)) + lists

    async def users(self) -> Sequence[User]:
        """Give all users that are people, inactive ones included."""
        users: list[User] = []
        after, more, select, pages = "", True, ["id", "name", "emailAddress", "isActive"], Onward("users")
        while more:
            pages.at(after)
            where: list[Mapping[str, Any]] = [{"type": "in", "attribute": "type", "value": ["regular", "admin"]}]
            where += [{"type": "greaterThan", "attribute": "id", "value": after}] if after else []
            rows = await self._client.rows("User", where, select, most=200)
            users += [
                User(id=row["id"], email=row.get("emailAddress") or "", name=row.get("name") or "", active=row.get("isActive") is not False)
                for row in rows.records
            ]
            after, more = users[-1].id if users else "", rows.more
        return users

    def start(self, at: datetime) -> str:
        """Give the cursor that reads what changed since `at`, look-back included."""
        return Places.begin(at).text()

    async def changes(self, cursor: str, wanted: Wanted) -> AsyncIterator[Page]:
        """Read what changed since `cursor` until there is no more; the last page is `done` and may be empty."""
        order = self._order(wanted)
        places, last = Places.read(cursor, self.manifest.person_object).begun(order), order[-1]
        async for name, items, place in self._steps(places, wanted):
            places, done = places.moved(name, place), name == last and place.after is None
            if items or done:
                yield Page(items=tuple(items), cursor=places.text(), done=done)

    def _acts(self, wanted: Wanted) -> list[str]:
        """Name what is read of what reps and people did."""
        acts = [name for name in self.manifest.response_objects if name in wanted]
        return acts + ([LOG] if self._touches and any(name in wanted for name in self.manifest.people) else [])

    def _order(self, wanted: Wanted) -> list[str]:
        """Name the objects in the order in which `_steps` ends with them."""
        people, acts, lead = self.manifest.people, self._acts(wanted), self.manifest.person_object
        others = [name for name in wanted if name not in (*people, *acts)]
        return [*others, *(name for name in (lead, *(one for one in people if one != lead)) if name in wanted), *acts]

    async def _steps(self, places: Places, wanted: Wanted) -> AsyncIterator[Told]:
        """Give accounts and opportunities, then people, then what was done."""
        kinds, acts = self.manifest.people, self._acts(wanted)
        for name in (one for one in wanted if one not in (*kinds, *acts)):
            async for told in self._changed(places, name, wanted[name]):
                yield told
        async for told in people(places, wanted, self.manifest.person_object, kinds, self._changed):
            yield told
        for name in acts:
            async for told in self._acted(places, name):
                yield told

    def _scan(self, object_: str) -> ListScan:
        if object_ not in self._scans:
            stamp, lookback_s = "createdAt" if object_ == LOG else "modifiedAt", self._client.lookback_s
            self._scans[object_] = ListScan(client=self._client, object=object_, boot=self._boot, lookback_s=lookback_s, stamp=stamp)
        return self._scans[object_]

    async def _changed(self, places: Places, object_: str, fields: Sequence[str]) -> AsyncIterator[Told]:
        own, select = await self._client.asked(object_, fields)
        async for step in self._scan(object_).pages(places.of(object_), " ".join(select)):
            reading = await self._client.reading(object_, step.rows, own)
            yield object_, [reading.item(row) for row in step.new], step.place

    async def _acted(self, places: Places, object_: str) -> AsyncIterator[Told]:
        tell: Callable[[Reading, Row], Sequence[Item]] = Reading.touches if object_ == LOG else Reading.responses
        async for step in self._scan(object_).pages(places.of(object_), " ".join(ACTS[object_])):
            reading = await self._client.reading(object_, step.rows, ())
            yield object_, [told for row in step.new for told in tell(reading, row)], step.place

    async def everything(self, cursor: str | None, wanted: Wanted) -> AsyncIterator[Page]:
        """Read all records of each object by id, marked bulk; the cursor is the object and the last id. Of what was done there is no backlog."""
        people = self.manifest.people
        names = sorted(
            (one for one in wanted if one not in self.manifest.response_objects), key=lambda one: (one in people, one == people[0], one)
        )
        here, _, after = (cursor or "").partition(":")
        for name in names[names.index(here) if here in names else 0 :]:
            last, more, pages = after if name == here else "", True, Onward(name)
            while more:
                pages.at(last)
                items, last, more = await self._all(name, wanted[name], last)
                done = not more and name == names[-1]
                if items or done:
                    yield Page(items=items, cursor=f"{name}:{last}" if more or done else f"{names[names.index(name) + 1]}:", done=done)

    async def _all(self, name: str, fields: Sequence[str], after: str) -> tuple[tuple[Item, ...], str, bool]:
        own, select = await self._client.asked(name, fields)
        where = [{"type": "greaterThan", "attribute": "id", "value": after}] if after else []
        rows = await self._client.rows(name, where, select, most=self._client.page_rows, priority="bulk")
        reading = await self._client.reading(name, rows, own, bulk=True)
        return tuple(reading.item(row) for row in rows.records), str(rows.records[-1]["id"]) if rows.records else after, rows.more

    async def read(self, ids: Sequence[str], fields: Sequence[str], *, object_: str = "") -> Sequence[Item]:
        """Read records by id; one item each, in order."""
        return await self._client.read(object_ or self.manifest.person_object, ids, fields)

    def notice(self, method: str, uri: str, headers: Mapping[str, str], body: bytes, *, received_at: datetime) -> Notice:
        """Read one webhook call: its events say neither when nor of which object, so that the records are to be read.

        The object stands in our own address (`?event=Lead.update`), beside what is signed. A read does no harm, whoever orders it.
        """
        self._verify({name.lower(): value for name, value in headers.items()}.get("signature", ""), body)
        event = (parse_qs(urlsplit(uri).query).get("event") or [""])[0]
        object_ = event.partition(".")[0]
        if object_ not in self.objects:
            raise Unwelcome("the address names no object: it needs ?event=Lead.update or the like")
        try:
            rows = from_json(body)
            ids = [row["id"] for row in rows]
        except (ValueError, TypeError, KeyError):
            raise Unwelcome("the body is no list of records with ids") from None
        if not (isinstance(rows, list) and len(ids) <= _MOST_EVENTS and all(isinstance(one, str) and _ID.fullmatch(one) for one in ids)):
            raise Unwelcome("the body is no list of records with ids")
        return Notice(read=tuple(str(Ref(self._client.connection.system, object_, one)) for one in dict.fromkeys(ids)))

    def _verify(self, given: str, body: bytes) -> None:
        """Raise Forged unless the webhook that the signature names signed this body with its key."""
        try:
            ident, _, digest = base64.b64decode(given, validate=True).decode("ascii").partition(":")
        except (binascii.Error, ValueError):
            raise Forged("the signature is none") from None
        keys = dict(one.partition("=")[::2] for one in self._client.connection.secrets.get("webhook_secret", "").split())
        signed = hmac.new(keys.get(ident, "").encode(), body, sha256).hexdigest()
        if not (ident in keys and keys[ident] and hmac.compare_digest(signed.encode(), digest.encode())):
            raise Forged("the signature is wrong")

    async def count(self, object_: str, where: tuple[str, Scalar] | None = None) -> int:
        """Count an object's records, or those whose field has a value."""
        field: list[Mapping[str, Any]] = [{"type": "equals", "attribute": where[0], "value": where[1]}] if where else []
        return await self._client.count(object_, field)

    async def rights(self, object_: str) -> frozenset[Right] | None:
        """Say what the role grants of all records of an object."""
        table = (await self._client.known(max_age_s=60))["acl"]["table"]
        return allowed(table.get(object_))

    async def rivals(self, object_: str, fields: Sequence[str]) -> Rivals | None:
        """Name the other API users among those who changed the last records; which fields they changed EspoCRM does not tell in a list.

        An API user is shown none in the list of users: who acts and is not there is one.
        """
        since = literal(datetime.now(UTC) - timedelta(days=2))
        late: list[Mapping[str, Any]] = [{"type": "greaterThan", "attribute": "modifiedAt", "value": since}]
        rows = (await self._client.rows(object_, late, ["id", "modifiedById", "modifiedByName"], most=200)).records
        names = {row["modifiedById"]: row.get("modifiedByName") for row in rows if row.get("modifiedById")}
        by, known = (
            Counter(row.get("modifiedById") for row in rows),
            {"system", await self._client.me(), *(one.id for one in await self.users())},
        )
        seen = {ident: f"changed {by[ident]} of {len(rows)} records of the last two days" for ident in names if ident not in known}
        return Rivals(found=tuple(Rival(who=f"the API user {names[ident] or ident}", seen=told) for ident, told in seen.items()))

    async def doctor(self, fields: Mapping[str, bool], *, fix: bool = False) -> Sequence[Finding]:
        """Check the key, the role's rights, the Truce id, the mapped fields, the webhooks and the clocks; `fix` makes the webhooks."""
        return await Doctor(self._client).findings(fields, fix=fix)

    async def close(self) -> None:
        """Release everything."""
        self._scans.clear()
        await self._client.close()

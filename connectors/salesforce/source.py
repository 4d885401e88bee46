"""Reads Salesforce: Lead records by SystemModstamp with a look-back, in (time, id) order, deleted and merged ones included."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import orjson
from pydantic import BaseModel, ConfigDict

from connectors.base import FieldType, Finding, Item, Manifest, Notice, Page, Source, Unwelcome, User, Wanted
from connectors.errors import ConnectorError, Surprising
from connectors.salesforce.client import Client, Rows
from connectors.salesforce.mapping import TRUCE_ID, Row, columns, literal, moment, quoted


class Place(BaseModel):
    """The cursor of `changes`: where the next scan begins, and within an unfinished one where it stands.

    SystemModstamp has whole seconds and a row may become visible after rows with a later one (long transactions), so each scan begins
    `lookback_s` before the last one began, by Salesforce's clock. What this running source has told already, by content, is left out again;
    `boot` and `told` say up to which page that is stored. After a restart it is told once more.
    """

    model_config = ConfigDict(frozen=True)
    base: datetime
    high: datetime
    began: datetime | None = None
    after: tuple[str, str] | None = None
    boot: str = ""
    told: int = 0


class SalesforceSource(Source):
    """The reading side of one org."""

    def __init__(self, manifest: Manifest, client: Client) -> None:
        self.manifest, self._client = manifest, client
        self._boot, self._fields = uuid.uuid4().hex[:12], tuple[str, ...]()
        self._seen: dict[str, tuple[bytes, datetime, int]] = {}
        """Record id → what was told of it last: digest of the row, its time, number of the page."""

    async def fields(self, object_: str) -> Mapping[str, FieldType]:
        """Give the live schema: field name → type, compounds left out."""
        return await self._client.types(object_, max_age_s=0)

    async def users(self) -> Sequence[User]:
        """Give all standard users, inactive ones included, but not the one that Truce is: it owns what nobody was given yet."""
        users: list[User] = []
        after, more, limit = "", True, 2000
        while more:
            where = f"UserType = 'Standard'{after}"
            rows = await self._client.query(
                f"SELECT Id, Email, Name, IsActive FROM User WHERE {where} ORDER BY Id LIMIT {limit}", limit=limit
            )
            users += [
                User(id=row["Id"], email=row.get("Email") or "", name=row.get("Name") or "", active=bool(row.get("IsActive")))
                for row in rows.records
            ]
            more = rows.more
            after = f" AND Id > {quoted(users[-1].id)}" if more else ""
        return [user for user in users if user.id != self._client.me]

    def start(self, at: datetime) -> str:
        """Give the cursor that reads what changed since `at`, look-back included."""
        return _text(Place(base=at.astimezone(UTC), high=at.astimezone(UTC)))

    async def changes(self, cursor: str, wanted: Wanted) -> AsyncIterator[Page]:
        """Read Lead records changed since `cursor` until there are no more; the last page is `done` and may be empty."""
        fields = wanted.get(self.manifest.person_object, ())
        place = Place.model_validate_json(cursor)
        self._remember(place, fields)
        number = place.told
        while True:
            rows = await self._scan(place, fields)
            new = [(row, digest) for row in rows.records if (digest := _digest(row)) != self._seen.get(row["Id"], (b"",))[0]]
            reading = await self._client.reading(rows, fields)
            items = tuple(reading.item(row) for row, _ in new)
            number += bool(items)
            for row, digest in new:
                self._seen[row["Id"]] = (digest, moment(row["SystemModstamp"]), number)
            place = self._moved(place, rows, number)
            if items or not rows.more:
                yield Page(items=items, cursor=_text(place), done=not rows.more)
            if not rows.more:
                return

    async def everything(self, cursor: str | None, wanted: Wanted) -> AsyncIterator[Page]:
        """Read all Lead records by Id, marked bulk; the cursor is the last Id."""
        fields = wanted.get(self.manifest.person_object, ())
        after, more, limit = cursor or "", True, self._client.page_rows
        while more:
            where = f"WHERE Id > {quoted(after)} " if after else ""
            soql = f"SELECT {columns(fields)} FROM {self.manifest.person_object} {where}ORDER BY Id LIMIT {limit}"
            rows = await self._client.query(soql, limit=limit, priority="bulk")
            reading = await self._client.reading(rows, fields, bulk=True)
            after, more = rows.records[-1]["Id"] if rows.records else after, rows.more
            yield Page(items=tuple(reading.item(row) for row in rows.records), cursor=after, done=not more)

    async def read(self, ids: Sequence[str], fields: Sequence[str], *, object_: str = "") -> Sequence[Item]:
        """Read Lead records by id; one item each, in order."""
        return await self._client.read(ids, fields)

    def notice(self, method: str, uri: str, headers: Mapping[str, str], body: bytes, *, received_at: datetime) -> Notice:
        """Raise Unwelcome: Salesforce is polled, it calls nobody."""
        raise Unwelcome("Salesforce sends no webhooks; it is polled")

    async def doctor(self, fields: Mapping[str, bool], *, fix: bool = False) -> Sequence[Finding]:
        """Check credentials, the Truce id field, the mapped fields and the day's quota; nothing here can be created by REST."""
        object_ = self.manifest.person_object
        try:
            described = await self._client.describe(object_, max_age_s=0)
        except ConnectorError as error:
            todo = "check client_id, client_secret, the My Domain URL, and that the integration user has API access"
            return [Finding(ok=False, what=f"{object_} cannot be described: {error.words}", todo=todo)]
        known = {one["name"]: one for one in described["fields"]}
        found = [Finding(ok=True, what=f"credentials are good, {object_} can be read")]
        if not (described.get("createable", True) and described.get("updateable", True)):
            found.append(
                Finding(ok=False, what=f"{object_} cannot be written", todo=f"grant the integration user Create and Edit on {object_}")
            )
        found.append(_truce_id(object_, known.get(TRUCE_ID)))
        found += [_mapped(object_, name, known.get(name), writable=writable) for name, writable in fields.items()]
        found.append(await self._quota())
        return found

    async def close(self) -> None:
        """Release everything."""
        self._seen.clear()
        await self._client.close()

    def _remember(self, place: Place, fields: Sequence[str]) -> None:
        """Forget what was told in pages that were not stored, and all of it after a restart or for other fields."""
        if place.boot != self._boot or self._fields != tuple(fields):
            self._seen.clear()
        self._fields = tuple(fields)
        for ident in [ident for ident, (_, _, number) in self._seen.items() if number > place.told]:
            del self._seen[ident]

    async def _scan(self, place: Place, fields: Sequence[str]) -> Rows:
        if place.after is None:
            where = f"SystemModstamp >= {literal(self._low(place.base))}"
        else:
            stamp, ident = place.after
            where = f"SystemModstamp > {stamp} OR (SystemModstamp = {stamp} AND Id > {quoted(ident)})"
        limit = self._client.page_rows
        soql = f"SELECT {columns(fields)} FROM {self.manifest.person_object} WHERE {where} ORDER BY SystemModstamp, Id LIMIT {limit}"
        return await self._client.query(soql, deleted=True, limit=limit)

    def _low(self, base: datetime) -> datetime:
        return base - timedelta(seconds=self._client.lookback_s)

    def _moved(self, place: Place, rows: Rows, number: int) -> Place:
        """Give the place behind a page: further in the scan, or at the beginning of the next one."""
        began = place.began or rows.at_vendor
        if not rows.records:
            stamp, high = place.high, place.high
        else:
            stamp = moment(rows.records[-1]["SystemModstamp"])
            high = max(place.high, stamp)
        if rows.more:
            after = (literal(stamp), str(rows.records[-1]["Id"]))
            return Place(base=place.base, high=high, began=began, after=after, boot=self._boot, told=number)
        # Whatever bears a time before this scan began less the look-back was visible to it. Not beyond `high`: the clocks may differ.
        base = max(place.base, min(began, high + timedelta(seconds=self._client.lookback_s)))
        low = self._low(base)
        self._seen = {ident: seen for ident, seen in self._seen.items() if seen[1] >= low}
        return Place(base=base, high=high, boot=self._boot, told=number)

    async def _quota(self) -> Finding:
        try:
            daily = (await self._client.call("GET", "/limits")).body["DailyApiRequests"]
            used, limit = daily["Max"] - daily["Remaining"], daily["Max"]
        except (ConnectorError, KeyError, TypeError) as error:
            return Finding(
                ok=False,
                what=f"the day's quota is not told: {type(error).__name__}",
                todo="check that the integration user may read /limits",
            )
        todo = "" if used < 0.8 * limit else "find out who else calls this org, or buy more API calls"
        return Finding(ok=used < 0.8 * limit, what=f"{used} of {limit} API calls used in the last 24 hours", todo=todo)


def _truce_id(object_: str, known: Row | None) -> Finding:
    make = f"make a Text(36) field {TRUCE_ID} on {object_}, External ID and Unique, and give the integration user read and edit on it"
    if known is None:
        return Finding(ok=False, what=f"{object_}.{TRUCE_ID} does not exist or cannot be seen", todo=make)
    lacks = [
        what
        for key, what in (("externalId", "External ID"), ("unique", "Unique"), ("createable", "creatable"), ("updateable", "editable"))
        if not known.get(key)
    ]
    lacks += ["36 characters long"] if (known.get("length") or 0) < 36 else []
    if lacks:
        return Finding(ok=False, what=f"{object_}.{TRUCE_ID} is not {', '.join(lacks)}", todo=make)
    return Finding(ok=True, what=f"{object_}.{TRUCE_ID} is a unique external id")


def _mapped(object_: str, name: str, known: Row | None, *, writable: bool) -> Finding:
    if known is None:
        return Finding(
            ok=False,
            what=f"{object_}.{name} does not exist or cannot be seen",
            todo=f"make the field {name}, grant it to the integration user, or change fields.yaml",
        )
    if writable and not known.get("updateable"):
        return Finding(
            ok=False,
            what=f"{object_}.{name} is read-only",
            todo=f"grant the integration user edit on {name}, or map it as read-only in fields.yaml",
        )
    return Finding(ok=True, what=f"{object_}.{name} is there{' and can be written' if writable else ''}")


def _digest(row: Row) -> bytes:
    """Give a short digest of a row's content; raises Surprising for a row without id or time."""
    if not (isinstance(row, dict) and row.get("Id") and row.get("SystemModstamp")):
        raise Surprising("a row of the answer has no Id or SystemModstamp")
    return hashlib.blake2b(orjson.dumps(row, option=orjson.OPT_SORT_KEYS), digest_size=12).digest()


def _text(place: Place) -> str:
    return place.model_dump_json(exclude_defaults=True)

"""Reads HubSpot: the search sweep, the full list, batch reads, webhooks, and what `doctor` finds.

Search is eventually consistent and tells neither who acted nor when a field changed, so it only finds ids; a batch read tells the rest.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from pydantic import BaseModel, ValidationError

from connectors.base import Connection, FieldType, Finding, Item, Manifest, Notice, Page, Source, Unwelcome, User, Wanted
from connectors.errors import ConnectorError, Surprising
from connectors.hubspot import mapping
from connectors.hubspot.client import FORMS, Client, Row, contacts, next_page, rows, verify
from connectors.hubspot.events import events
from connectors.hubspot.mapping import MODIFIED, OBJECT, OPT_OUT, TRUCE_ID
from schemas.change import RecordChanged
from schemas.touch import TouchRecorded

_MARGIN_MS = 5 * 60 * 1000
"""How far our clock may be ahead of HubSpot's before a quiet sweep would leave something out."""
_MOST_SEEN = 2000
_CONVERSIONS = {"recent_conversion_date": "recent_conversion_event_name", "first_conversion_date": "first_conversion_event_name"}


def _unnamed(told: Mapping[str, object]) -> bool:
    """Say whether a call tells a submission without its form: of the same form once more HubSpot tells only what became otherwise, the time."""
    return mapping.moment(told.get(mapping.CONVERTED_AT)) is not None and not told.get(mapping.CONVERTED_BY)


def _event(props: Row, at: datetime) -> str | None:
    """Give the contact's own name of the submission made at `at` ("Page: Form", as webhooks and reads have it); the list knows the form alone."""
    names = (props.get(name) for date, name in _CONVERSIONS.items() if props.get(date) and mapping.moment(props[date]) == at)
    return next((str(name) for name in names if name), None)


class Place(BaseModel):
    """Where reading goes on, in ms: `at` (with `id`, inside one ms; `mid`, in the middle of a sweep), and the backstops' places."""

    at: int
    id: int | None = None
    mid: bool = False
    seen: dict[str, int] = {}
    """What was read of the last moments, record id → time of change: the look-back leaves it out; at most the newest 2,000."""
    deleted: int
    looked: int = 0
    """When the list of deleted records was last read."""
    forms: int
    told: list[str] = []
    """The submissions of the last moments that were told, by activity id."""

    def text(self) -> str:
        """Give the cursor."""
        return self.model_dump_json(exclude_defaults=True)


class HubSpotSource(Source):
    """The reading side of one HubSpot account."""

    def __init__(self, connection: Connection, client: Client, manifest: Manifest) -> None:
        self.manifest, self._client, self._system = manifest, client, connection.system
        options = connection.options
        self._portal_id = options.get("portal_id")
        self._lookback_ms = int(float(options.get("lookback_s", "30")) * 1000)
        self._archived_ms = int(float(options.get("archived_s", "3600")) * 1000)
        named = (pair.partition("=") for pair in options.get("form_guids", "").split(",") if pair.strip())
        self._forms = {guid.strip(): name.strip() for guid, _, name in named}
        self._secret = connection.secrets.get("webhook_secret", "")

    async def fields(self, object_: str) -> Mapping[str, FieldType]:
        """Give the live schema; later notices read their values by it."""
        await self._client.properties()
        return self._client.types

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
        return Place(at=ms, deleted=ms, forms=ms).text()

    async def changes(self, cursor: str, wanted: Wanted) -> AsyncIterator[Page]:
        """Read what changed: the search sweep, then the deletions, then the submissions lists."""
        place = Place.model_validate_json(cursor)
        started = mapping.millis(datetime.now(UTC))
        async for items, place in self._steps(place, started, wanted.get(OBJECT, ())):  # noqa: B020  # each step moves the place on
            if items:
                yield Page(items=tuple(items), cursor=place.text(), done=False)
        yield Page(items=(), cursor=place.text(), done=True)

    async def _steps(self, start: Place, started: int, fields: Sequence[str]) -> AsyncIterator[tuple[list[Item], Place]]:
        place = start
        async for items, place in self._sweep(start, started, fields):
            yield items, place
        if started - place.looked >= self._archived_ms:
            async for items, place in self._archived(place, started, fields):  # noqa: B020
                yield items, place
        told = dict[str, int]()
        for guid, name in self._forms.items():
            async for touches in self._submitted(guid, name, place.forms - self._lookback_ms):
                told |= {one.activity_id: mapping.millis(one.at) for one in touches}
                yield [one for one in touches if one.activity_id not in place.told], place
        newest = max([place.forms, *told.values()])
        last = [ident for ident, ms in told.items() if ms >= newest - self._lookback_ms]
        yield [], place.model_copy(update={"forms": newest, "told": last})

    async def _sweep(self, place: Place, started: int, fields: Sequence[str]) -> AsyncIterator[tuple[list[Item], Place]]:
        """Search by time in keyset steps of one page each, so that the stop at 10,000 rows is never met; inside one ms by id."""
        at, inside, more = place.at if place.mid else place.at - self._lookback_ms, place.id, True
        newest, seen = place.at, dict(place.seen)
        while more:
            answer = await self._client.search(_filters(at, inside), sort=MODIFIED if inside is None else "hs_object_id")
            found = {str(row["id"]): mapping.millis(mapping.changed_at(row)) for row in contacts(answer.body)}
            new = [ident for ident, ms in found.items() if seen.get(ident) != ms]
            items = await self._client.told(new, fields)
            newest, seen = max([newest, *found.values()]), seen | found
            at, inside, more = _next(at, inside, found, more=next_page(answer.body) is not None)
            if not more:
                newest = max(newest, started - _MARGIN_MS)
            late = sorted(((ms, ident) for ident, ms in seen.items() if ms >= newest - self._lookback_ms), reverse=True)
            seen = {ident: ms for ms, ident in late[:_MOST_SEEN]}
            yield items, place.model_copy(update={"at": at if more else newest, "id": inside, "mid": more, "seen": seen})

    async def _archived(self, place: Place, started: int, fields: Sequence[str]) -> AsyncIterator[tuple[list[Item], Place]]:
        """Read the list of deleted records, and by id what became of those that are new in it (deleted, or merged)."""
        after: str | None = ""
        newest = place.deleted
        while after is not None:
            answer = await self._client.page(after or None, [MODIFIED], archived=True)
            at = {str(row["id"]): mapping.moment(row.get("archivedAt")) for row in contacts(answer.body)}
            new = {ident: mapping.millis(when) for ident, when in at.items() if when and mapping.millis(when) > place.deleted}
            newest, after = max([newest, *new.values()]), next_page(answer.body)
            update = {} if after is not None else {"deleted": newest, "looked": started}
            yield await self._client.told(list(new), fields), place.model_copy(update=update)

    async def _submitted(self, guid: str, name: str, since: int) -> AsyncIterator[list[TouchRecorded]]:
        """Read a form's submissions, newest first, until they are older than `since`."""
        after: str | None = ""
        while after is not None:
            answer = await self._client.get(f"{FORMS}/{guid}", limit="50", **({"after": after} if after else {}))
            many = rows(answer.body)
            new = [(one, at) for one in many if (at := mapping.moment(one.get("submittedAt"))) and mapping.millis(at) >= since]
            yield await self._touches(new, name)
            after = next_page(answer.body) if len(new) == len(many) else None

    async def _touches(self, submissions: Sequence[tuple[Row, datetime]], name: str) -> list[TouchRecorded]:
        """Give submissions as touches of the records that hold their e-mails; one whose e-mail no record holds any more is left out."""
        by_email: dict[str, list[tuple[Row, datetime]]] = {}
        for one, at in submissions:
            values = {value.get("name"): value.get("value") for value in one.get("values") or [] if isinstance(value, dict)}
            by_email.setdefault(str(values.get("email") or "").strip().lower(), []).append((one, at))
        by_email.pop("", None)
        if not by_email:
            return []
        wanted = ["email", "hs_additional_emails", *_CONVERSIONS, *_CONVERSIONS.values()]
        answer = await self._client.read(list(by_email), wanted, by="email", history=[mapping.MERGED_IDS])
        reading, touches = self._client.reading(answer), list[TouchRecorded]()
        for row in contacts(answer.body):
            props = row["properties"]
            held = {str(props.get("email") or "").lower(), *(props.get("hs_additional_emails") or "").lower().split(";")}
            for one, at in (pair for email in held for pair in by_email.get(email, [])):
                if not mapping.before_merge(row, at):
                    consent, page = consent_of(one), one.get("pageUrl")
                    touches.append(reading.form(row["id"], at, _event(props, at) or name, props.get("email"), page=page, consent=consent))
        return touches

    async def everything(self, cursor: str | None, wanted: Wanted) -> AsyncIterator[Page]:
        """Read all contacts by the consistent list; the cursor is HubSpot's `after`."""
        await self._client.known()
        after: str | None = cursor or ""
        while after is not None:
            answer = await self._client.page(after or None, mapping.wanted(wanted.get(OBJECT, ())))
            reading = self._client.reading(answer, consistent=True, bulk=True)
            after = next_page(answer.body)
            items = tuple(item for row in contacts(answer.body) for item in reading.told(row, wanted.get(OBJECT, ())))
            yield Page(items=items, cursor=after or "", done=after is None)

    async def read(self, ids: Sequence[str], fields: Sequence[str], *, object_: str = "") -> Sequence[Item]:
        """Read these contacts consistently; merged and deleted ones are told as that."""
        return await self._client.told(ids, fields)

    def notice(self, method: str, uri: str, headers: Mapping[str, str], body: bytes, *, received_at: datetime) -> Notice:
        """Read one webhook call: signature first, then its events, those of one contact as one change."""
        verify(self._secret, method, uri, headers, body, now=received_at)
        found = [event for event in events(body) if not self._portal_id or event.portalId in (None, self._portal_id)]
        reading = mapping.Reading(self._system, self._client.types, self._client.app_id, received_at)
        try:
            items = tuple(reading.noticed(found))
        except ValidationError as error:
            raise Unwelcome("an event that no change can be made of") from error
        return Notice(items=items, read=tuple(one.ref for one in items if isinstance(one, RecordChanged) and _unnamed(one.fields)))

    async def close(self) -> None:
        """Release every connection."""
        await self._client.close()

    async def doctor(self, fields: Mapping[str, bool], *, fix: bool = False) -> Sequence[Finding]:
        """Check credentials, scopes, the Truce id, the mapped fields, the day's calls and the clocks."""
        try:
            schema = {str(one["name"]): one for one in await self._client.properties()}
            answer = await self._client.page(None, [MODIFIED])
        except ConnectorError as error:
            return [self._finding("the credentials", error.words, "check the token, its scopes and the address")]
        secret = "" if self._secret else "set the secret webhook_secret to the app's client secret: without it only polling sees changes"
        app_id = "" if self._client.app_id else "set the option app_id, so that our own changes are known as such"
        found = [self._finding("the credentials"), self._finding("webhook secret", todo=secret), self._finding("app id", todo=app_id)]
        found += [
            *self._figures(answer.headers, answer.received_at),
            await self._owners(),
            await self._truce_id(schema.get(TRUCE_ID), fix=fix),
        ]
        return found + [self._field(name, schema.get(name), writable) for name, writable in sorted(fields.items())]

    def _finding(self, what: str, words: str = "", todo: str = "") -> Finding:
        return Finding(ok=not todo, what=f"{self._system}: {what}" + (f": {words}" if words else ""), todo=todo)

    def _figures(self, headers: Mapping[str, str], received_at: datetime) -> Iterator[Finding]:
        most, left = headers.get("x-hubspot-ratelimit-daily", ""), headers.get("x-hubspot-ratelimit-daily-remaining", "")
        if most.isdigit() and left.isdigit():
            used = int(most) - int(left)
            yield self._finding(f"{used} of {most} calls used today", todo="" if used < int(most) * 0.8 else "see who else uses them")
        if headers.get("date"):
            skew = (parsedate_to_datetime(headers["date"]) - received_at).total_seconds()
            todo = "" if abs(skew) < 60 else "set this machine's clock: webhooks more than 300 s away are refused"
            yield self._finding(f"its clock is {skew:+.0f} s from ours", todo=todo)

    async def _owners(self) -> Finding:
        try:
            await self._client.get(self._client.paths["owners"], limit="1")
        except ConnectorError as error:
            return self._finding("owners", error.words, "give the app the scope crm.objects.owners.read")
        return self._finding("owners can be read")

    async def _truce_id(self, schema: Row | None, *, fix: bool) -> Finding:
        what = f"the unique property {TRUCE_ID}"
        if schema is not None:
            todo = "" if schema.get("hasUniqueValue") else "delete it and run doctor --fix: a property cannot be made unique later"
            return self._finding(what, todo=todo)
        if not fix:
            return self._finding(what, "missing", "run doctor --fix, or create it as a single-line text with unique values")
        made = {"name": TRUCE_ID, "label": "Truce id", "type": "string", "fieldType": "text", "groupName": "contactinformation"}
        try:
            await self._client.post(self._client.paths["properties"], made | {"hasUniqueValue": True, "formField": False})
        except ConnectorError as error:
            return self._finding(what, error.words, "give the app the scope crm.schemas.contacts.write")
        return self._finding(f"{what} was created")

    def _field(self, name: str, schema: Row | None, writable: bool) -> Finding:
        what = f"{OBJECT}.{name}"
        if schema is None:
            return self._finding(what, "does not exist", "create the property, or take it out of fields.yaml")
        fixed = (schema.get("modificationMetadata") or {}).get("readOnlyValue") and not name.startswith(OPT_OUT)
        if writable and fixed:
            return self._finding(what, "read-only", "map a property that can be written, or let HubSpot own the field")
        return self._finding(what)


def consent_of(submission: Row) -> dict[str, bool]:
    """Give what a submission's legalConsentOptions say: "email:<subscription type id>" → may be contacted."""
    options = submission.get("legalConsentOptions")
    parts = [part for part in options.values() if isinstance(part, dict)] if isinstance(options, dict) else []
    said = [one for part in parts for one in part.get("communications") or [] if isinstance(one, dict)]
    return {
        f"email:{one['subscriptionTypeId']}": one["value"]
        for one in said
        if isinstance(one.get("value"), bool) and "subscriptionTypeId" in one
    }


def _filters(at: int, inside: int | None) -> list[dict[str, str]]:
    if inside is None:
        return [{"propertyName": MODIFIED, "operator": "GTE", "value": str(at)}]
    same = {"propertyName": MODIFIED, "operator": "EQ", "value": str(at)}
    return [same, {"propertyName": "hs_object_id", "operator": "GT", "value": str(inside)}]


def _next(at: int, inside: int | None, found: Mapping[str, int], *, more: bool) -> tuple[int, int | None, bool]:
    """Say where the next page begins: (ms, id inside that ms, whether there is one)."""
    if inside is not None and more and found:
        if (last := max(map(int, found))) <= inside:
            raise Surprising("search gives contacts that were not asked for")  # going on would have no end
        return at, last, True
    if inside is not None:
        return at + 1, None, True
    if not more or not found:
        return at, None, False
    last = max(found.values())
    return (at, 0, True) if last <= at else (last, None, True)

"""EspoCRM's REST API as this connector uses it: lists, records, metadata, who we are, and its errors (measured on 9.0.8; docs.espocrm.com, API)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from time import monotonic
from typing import Any
from urllib.parse import quote

import orjson

from connectors.base import Breaker, Budget, Connection, FieldType, Item, Manifest, Priority
from connectors.errors import Conflict, Gone, Rejected, Surprising
from connectors.espocrm import mapping
from connectors.espocrm.mapping import LIST, PEOPLE, Reading, Row
from connectors.http import Answer, Complaint, Dialect, Kind, Session
from connectors.onward import Onward
from connectors.scan import Rows
from schemas.base import Scalar
from schemas.write import FieldRefused

Where = Sequence[Mapping[str, Any]]
_TOLD = (400, 403, 404, 409)
"""Statuses whose reason stands in a header, so that they are judged here."""
_FRESH_S = 300.0
_MOST_URI = 5_000  # bytes of values in one query; common servers take 8,192 of a whole request line
DIALECT = Dialect()


def complaint(answer: Answer, values: Mapping[str, Scalar]) -> Complaint:
    """Read X-Status-Reason, the field of a validation failure, and the records that a duplicate check names."""
    words, body = answer.headers.get("x-status-reason", ""), answer.body
    told = body.get("messageTranslation") if isinstance(body, dict) else None
    data = told.get("data") if isinstance(told, dict) else None
    field, code = (str(data.get("field") or ""), str(data.get("type") or "")) if isinstance(data, dict) else ("", "")
    if not field and "link: " in words:
        field = words.rpartition("link: ")[2].strip(". ") + "Id"
    refused = (FieldRefused(field=field, value=values.get(field), code=code, words=words or code),) if field else ()
    named = [str(one["id"]) for one in body if isinstance(one, dict) and one.get("id")] if isinstance(body, list) else []
    kind: Kind | None = "surprising" if answer.status == 404 and not words.startswith("Record ") else None
    return Complaint(code, words, kind, existing=tuple(named), refused=refused)


class Client:
    """One company by one API user."""

    def __init__(self, manifest: Manifest, connection: Connection, budget: Budget, breaker: Breaker) -> None:
        options = connection.options
        self.manifest, self.connection = manifest, connection
        self.lookback_s = max(1.0, float(options.get("lookback_s", "120")))  # stamps are whole seconds
        self.page_rows = min(200, int(options.get("page_rows", "200")))
        self.lists = [one.strip() for one in options.get("lists", "").split(",") if one.strip()]
        self.locks = options.get("lock", "on") != "off"
        self._described: dict[str, tuple[float, Row]] = {}
        self._known: tuple[float, Row] = (float("-inf"), {})
        self._session = Session(
            connection,
            budget,
            breaker,
            dialect=DIALECT,
            quotas=("calls",),
            in_flight=manifest.in_flight,
            headers={"X-Api-Key": connection.secrets.get("api_key", "")},
        )

    async def call(
        self, method: str, path: str, *, hide: Iterable[object] = (), values: Mapping[str, Scalar] | None = None, **more: Any
    ) -> Answer:
        """Send one request below /api/v1; `values` are what is written, by field."""
        values = values or {}
        hide = (*hide, *(one for one in values.values() if isinstance(one, str)))
        answer = await self._session.call(method, f"/api/v1/{path}", accept=_TOLD, hide=hide, **more)
        if answer.status in _TOLD:
            raise DIALECT.error(complaint(answer, values), answer.status, hide=(*self.connection.secrets.values(), *hide))
        return answer

    async def make(self, object_: str, values: Mapping[str, Scalar], *, priority: Priority) -> Answer:
        """Create a record. EspoCRM's check for duplicates takes people of one name for one: only who has the address is the same.

        Its refusal is certain, so that a create against namesakes alone is sent again without the check.
        """
        try:
            return await self.call("POST", object_, json=values, values=values, priority=priority)
        except Conflict as error:
            email = values.get("emailAddress")
            same = await self._having(object_, str(email), error.existing, priority) if email else list(error.existing)
            if same or not error.existing:
                raise Conflict(error.words, code=error.code, status=error.status, existing=tuple(same)) from None
        unchecked = {"X-Skip-Duplicate-Check": "true"}
        return await self.call("POST", object_, json=values, values=values, headers=unchecked, priority=priority)

    async def _having(self, object_: str, email: str, ids: Sequence[str], priority: Priority) -> list[str]:
        """Give those of the records that have this address."""
        where: list[Mapping[str, Any]] = [
            {"type": "in", "attribute": "id", "value": list(ids)},
            {"type": "equals", "attribute": "emailAddress", "value": email},
        ]
        found = await self.rows(object_, where, ["id"], most=self.page_rows, priority=priority, hide=[email])
        return [str(row["id"]) for row in found.records]

    async def rows(
        self, object_: str, where: Where, fields: Sequence[str], *, by: str = "id", most: int, priority: Priority = "normal",
        hide: Iterable[object] = (),
    ) -> Rows:  # fmt: skip
        """Read a page of a list in (by, id) order, without its total, which would cost a count; what it does not understand is Surprising."""
        asked = {"where": where, "select": list(fields), "orderBy": by, "order": "asc", "maxSize": most}
        params = {"searchParams": orjson.dumps(asked).decode()}
        try:
            answer = await self.call("GET", object_, params=params, headers={"X-No-Total": "true"}, priority=priority, hide=hide)
        except (Rejected, Gone) as error:
            if error.status == 403:
                raise
            self._described.clear()
            raise Surprising(error.words, code=error.code, status=error.status) from None
        found = answer.body.get("list") if isinstance(answer.body, dict) else None
        if not isinstance(found, list):
            raise Surprising("a list's answer has no list")
        return Rows(found, len(found) >= most, answer.sent_at, answer.received_at, answer.at_vendor)

    async def count(self, object_: str, where: Where) -> int:
        """Count an object's records."""
        asked = {"where": where, "select": ["id"], "maxSize": 1}
        answer = await self.call("GET", object_, params={"searchParams": orjson.dumps(asked).decode()})
        return int(answer.body["total"])

    async def rows_in(
        self, object_: str, field: str, values: Sequence[str], fields: Sequence[str], *, priority: Priority
    ) -> list[tuple[Row, Rows]]:
        """Read all rows whose `field` is one of `values`, in as few calls as the length of an address allows."""
        found: list[tuple[Row, Rows]] = []
        for part in _parts(list(dict.fromkeys(values))):
            after, pages = "", Onward(object_)
            while True:
                pages.at(after)
                where: list[Mapping[str, Any]] = [{"type": "in", "attribute": field, "value": part}]
                where += [{"type": "greaterThan", "attribute": "id", "value": after}] if after else []
                page = await self.rows(object_, where, fields, most=self.page_rows, priority=priority, hide=part)
                found += [(row, page) for row in page.records]
                if not page.more:
                    break
                after = str(page.records[-1]["id"])
        return found

    async def describe(self, object_: str, *, max_age_s: float = _FRESH_S) -> Row:
        """Give an object's fields and links as EspoCRM's metadata has them, at most `max_age_s` old."""
        at, found = self._described.get(object_, (float("-inf"), {}))
        if monotonic() - at > max_age_s:
            found = (await self.call("GET", "Metadata", params={"key": f"entityDefs.{object_}"})).body
            fields = found.get("fields") if isinstance(found, dict) else None
            if not (isinstance(fields, dict) and "createdAt" in fields):
                raise Rejected(f"{object_} is not there, or the role does not show it")
            self._described[object_] = (monotonic(), found)
        return found

    async def listed(self, object_: str) -> Row:
        """Give what `describe` does, freshly, with the options of a field that has another one's (a lead's industry has an account's)."""
        found = await self.describe(object_, max_age_s=0)
        fields = dict(found["fields"])
        for name, one in found["fields"].items():
            of, _, field = str(one.get("optionsReference") or "").partition(".")
            if field and not one.get("options"):
                options = (await self.call("GET", "Metadata", params={"key": f"entityDefs.{of}.fields.{field}.options"})).body
                fields[name] = {**one, "options": options if isinstance(options, list) else []}
        return {**found, "fields": fields}

    async def types(self, object_: str, *, max_age_s: float = _FRESH_S) -> Mapping[str, FieldType]:
        """Give the type of every attribute."""
        found = mapping.types(await self.describe(object_, max_age_s=max_age_s))
        return found | {f"{LIST}{one}": "flag" for one in self.lists if object_ in PEOPLE}

    async def known(self, *, max_age_s: float = float("inf")) -> Row:
        """Give who we are and what our role allows."""
        if monotonic() - self._known[0] > max_age_s or not self._known[1]:
            self._known = (monotonic(), (await self.call("GET", "App/user")).body)
        return self._known[1]

    async def me(self) -> str:
        """Give our own user's id: what it did is an echo."""
        return str((await self.known())["user"]["id"])

    async def denied(self, object_: str, *, max_age_s: float = _FRESH_S) -> Row:
        """Give what the role says of an object's fields: name → read, edit."""
        table = (await self.known(max_age_s=max_age_s))["acl"].get("fieldTable") or {}
        found: Row = table.get(object_) or {}
        return found

    async def reading(self, object_: str, rows: Rows | Answer, fields: Sequence[str], *, bulk: bool = False) -> Reading:
        """Say how rows of one answer are read."""
        types, me = await self.types(object_), await self.me()
        ids = [str(one["id"]) for one in (rows.records if isinstance(rows, Rows) else [rows.body])]
        joined: dict[str, dict[str, bool]] = {one: {} for one in ids}
        for name in (name for name in fields if name.startswith(LIST) and ids):
            held = await self.on_list(name, object_, ids, priority="bulk" if bulk else "normal")
            for one in ids:
                joined[one][name] = held.get(one) is True
        return Reading(self.connection.system, object_, tuple(fields), types, me, rows.sent_at, rows.received_at, bulk, joined)

    async def readings(self, object_: str, found: Sequence[tuple[Row, Rows]], fields: Sequence[str]) -> list[tuple[Row, Reading]]:
        """Say how each row of several answers is read."""
        pages = {id(page): page for _, page in found}
        known = {one: await self.reading(object_, page, fields) for one, page in pages.items()}
        return [(row, known[id(page)]) for row, page in found]

    async def on_list(self, name: str, object_: str, ids: Sequence[str], *, priority: Priority) -> dict[str, bool]:
        """Say which of these are on a target list: True, or False of who left it by themselves. A list that is not there has nobody."""
        link = f"TargetList/{name.removeprefix(LIST)}/{object_.lower()}s"
        try:
            found = await self.rows_in(link, "id", ids, ["id", "targetListIsOptedOut"], priority=priority)
        except Surprising as error:
            if error.status != 404:
                raise
            return {}
        return {str(row["id"]): row.get("targetListIsOptedOut") is not True for row, _ in found}

    async def enlist(self, name: str, object_: str, ident: str, *, on: bool, priority: Priority) -> None:
        """Put a person on a target list or take them off; raises Rejected for one who left it by themselves, and for a list that is not there."""
        of, link = f"TargetList/{name.removeprefix(LIST)}", f"{object_.lower()}s"
        held = (await self.on_list(name, object_, [ident], priority=priority)).get(ident)
        if on and held is False:
            raise _refused(name, "they left this list by themselves, and are not put back")
        if on is (held is True):
            return
        try:
            await self.call("POST" if on else "DELETE", f"{of}/{link}", json={"ids": [ident]}, priority=priority, idempotent=True)
        except Surprising as error:  # a 404 without a word: of the list, or of the person
            if error.status != 404:
                raise
            where = [{"type": "equals", "attribute": "id", "value": ident}]
            there = await self.rows(object_, where, ["id"], most=1, priority=priority)
            raise (
                _refused(name, "there is no such target list") if there.records else Gone(f"{object_} {ident} is not there", status=404)
            ) from None

    async def asked(self, object_: str, fields: Sequence[str]) -> tuple[list[str], list[str]]:
        """Give which of the fields an object has (people share a list, and need not share all), and what to ask for."""
        known = await self.types(object_)
        own = [name for name in fields if name in known or object_ == self.manifest.person_object]
        return own, mapping.selected(own, known)

    async def read(self, object_: str, ids: Sequence[str], fields: Sequence[str], *, priority: Priority = "normal") -> list[Item]:
        """Read an object's records by id, in the order asked for; deletion needs proof: who is not in a list is asked for by id."""
        own, select = await self.asked(object_, fields)
        items: dict[str, Item] = {}
        found = await self.rows_in(object_, "id", ids, select, priority=priority)
        for row, reading in await self.readings(object_, found, own):
            items[str(row["id"])] = reading.item(row)
        for ident in dict.fromkeys(one for one in ids if one not in items):
            items[ident] = await self._proved(object_, ident, own, priority)
        return [items[one] for one in ids]

    async def _proved(self, object_: str, ident: str, fields: Sequence[str], priority: Priority) -> Item:
        try:
            answer = await self.call("GET", f"{object_}/{quote(ident, safe='')}", priority=priority)
        except Gone:
            now = datetime.now(UTC)
            return (await self.reading(object_, Rows([], False, now, now, now), fields)).missing(ident)
        return (await self.reading(object_, answer, fields)).item(answer.body)

    async def close(self) -> None:
        """Release everything."""
        await self._session.close()


def _refused(name: str, words: str) -> Rejected:
    return Rejected(words, refused=(FieldRefused(field=name, code="", words=words),))


def _parts(values: Sequence[str]) -> Iterable[list[str]]:
    """Cut a list so that each part stays within the room of an address once percent-encoded."""
    part: list[str] = []
    size = 0
    for one in values:
        length = len(quote(one)) + 9
        if part and size + length > _MOST_URI:
            yield part
            part, size = [], 0
        part.append(one)
        size += length
    if part:
        yield part

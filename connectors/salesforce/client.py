"""Salesforce's REST API as this connector uses it: token, queries, describe, collections (Salesforce's REST API Developer Guide)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from time import monotonic
from typing import Any
from urllib.parse import urlencode

from connectors.base import Breaker, Budget, Connection, FieldType, Item, Manifest, Priority
from connectors.errors import Gone, Rejected, Surprising, Unavailable
from connectors.http import Answer, Bearer, Session, Token
from connectors.onward import Onward
from connectors.salesforce import mapping
from connectors.salesforce.campaigns import Campaigns
from connectors.salesforce.grants import grant
from connectors.salesforce.mapping import Reading, Row, quoted
from connectors.salesforce.refusals import DIALECT
from connectors.scan import Rows
from schemas.base import Scalar

WRITE_HEADERS = {"Sforce-Auto-Assign": "FALSE", "Sforce-Call-Options": "client=truce"}
"""No assignment rule may move the owner of what we write; the client's name comes back in change events."""
KNOWN_HEADERS = {**WRITE_HEADERS, "Sforce-Duplicate-Rule-Header": "allowSave=true; includeRecordDetails=false"}
"""A duplicate rule that only alerts refuses no change of a record that is there; a new record it does, naming the one that it is alike."""

ALL = "/data/ChangeEvents"
"""The standard channel of change events: those of every object that Setup selects for Change Data Capture."""

_MAX_QUERY = 12_000  # bytes of an encoded query; the whole URI may have 16,384
_FRESH_S = 300.0
YES = ("on", "yes", "true", "1")


class Client:
    """One org by one integration user."""

    def __init__(self, manifest: Manifest, connection: Connection, budget: Budget, breaker: Breaker) -> None:
        options = connection.options
        self.manifest, self.connection = manifest, connection
        self.locks = options.get("lock", "on") in YES
        self.lookback_s = max(1.0, float(options.get("lookback_s", "600")))  # stamps are whole seconds
        self.page_rows = min(2000, int(options.get("page_rows", "2000")))
        self.me = self.org = ""
        told = options.get("events", "off").strip()
        self.events = told if told.startswith("/data/") else ALL if told in YES else ""
        self.version = options.get("api_version", "65.0").removeprefix("v")
        self._data = f"/services/data/v{self.version}"
        self._described: dict[str, tuple[float, Row]] = {}
        self.campaigns = Campaigns(self)
        self.bearer = Bearer(self._mint)
        self._session = Session(
            connection,
            budget,
            breaker,
            dialect=DIALECT,
            bearer=self.bearer,
            quotas=("daily",),
            in_flight=manifest.in_flight,
            headers=None,
        )

    async def _mint(self) -> Token:
        form = grant(self.connection, datetime.now(UTC))
        try:  # a token asked for twice does no harm, but this runs inside a call that is tried again itself
            answer = await self._session.call("POST", "/services/oauth2/token", form=form, quotas=(), authorised=False, hide=form.values())
            token, identity = answer.body["access_token"], answer.body["id"]
            self.org, self.me = (mapping.id18(one) or one for one in identity.rsplit("/", 2)[-2:])
        except (KeyError, TypeError, AttributeError):
            raise Surprising("the token reply lacks access_token or id") from None
        return Token(str(token))

    async def call(self, method: str, path: str, **more: Any) -> Answer:
        """Send one request below /services/data/vNN; a path that is not there is Surprising, for no path of ours names a record."""
        try:
            return await self._session.call(method, self._data + path, **more)
        except Gone as error:
            raise Surprising(error.words, code=error.code, status=error.status) from None

    async def query(self, soql: str, *, deleted: bool = False, limit: int, priority: Priority = "normal", hide: Iterable[str] = ()) -> Rows:
        """Run a query whose LIMIT is `limit`; a field that is gone is Surprising and named."""
        try:
            answer = await self.call("GET", "/queryAll" if deleted else "/query", params={"q": soql}, priority=priority, hide=hide)
        except Rejected as error:
            self._described.clear()
            raise Surprising(error.words, code=error.code, status=error.status) from None
        return _rows(answer.body, answer, limit)

    async def count(self, object_: str, where: tuple[str, Scalar] | None = None) -> int:
        """Count the records of an object, or those whose field has a value, by a query that gives none."""
        value = where[1] if where else None
        said = str(value).lower() if isinstance(value, bool) else quoted(str(value))  # a flag in quotes is refused
        soql = f"SELECT COUNT() FROM {object_}" + (f" WHERE {where[0]} = {said}" if where else "")
        return int((await self.call("GET", "/query", params={"q": soql}, priority="bulk", hide=where or ())).body["totalSize"])

    async def query_many(self, soqls: Sequence[str], *, limit: int) -> dict[str, Rows]:
        """Run up to five queries (deleted rows too) in one call, one after the other; a query that is refused is left out of what this gives.

        The whole series counts as one call toward the day's limit (Salesforce's REST guide: "Send Multiple Requests Using Composite").
        """
        path = f"{self._data}/queryAll?"
        asked = [{"method": "GET", "url": path + urlencode({"q": one}), "referenceId": f"q{n}"} for n, one in enumerate(soqls)]
        answer = await self.call("POST", "/composite", json={"allOrNone": False, "compositeRequest": asked}, idempotent=True)
        told = {one["referenceId"]: one for one in answer.body["compositeResponse"]}
        good = {one: row for n, one in enumerate(soqls) if (row := told.get(f"q{n}")) is not None and row.get("httpStatusCode") == 200}
        return {one: _rows(row["body"], answer, limit) for one, row in good.items()}

    async def versions(self) -> tuple[Answer, list[str]]:
        """Give the API versions that the org serves, oldest first ("65.0"), as its answer has them."""
        answer = await self._session.call("GET", "/services/data")
        return answer, [str(one["version"]) for one in answer.body]

    async def describe(self, object_: str, *, max_age_s: float = _FRESH_S) -> Row:
        """Give the live schema of an object, at most `max_age_s` old."""
        at, found = self._described.get(object_, (float("-inf"), {}))
        if monotonic() - at > max_age_s:
            found = (await self.call("GET", f"/sobjects/{object_}/describe")).body
            if not mapping.describes(found):
                raise Surprising(f"describe of {object_} lists no fields")
            self._described[object_] = (monotonic(), found)
        return found

    async def types(self, object_: str, *, max_age_s: float = _FRESH_S) -> Mapping[str, FieldType]:
        """Give the type of every scalar field."""
        fields = (await self.describe(object_, max_age_s=max_age_s))["fields"]
        found: dict[str, FieldType] = {one["name"]: type_ for one in fields if (type_ := mapping.field_type(one))}
        if object_ in self.manifest.people:
            found |= dict.fromkeys(self.campaigns.fields, "text")
        return found | ({mapping.ROLES: "text"} if object_ == self.manifest.opportunity_object else {})

    async def columns(self, object_: str, fields: Sequence[str]) -> str:
        """Give the SELECT list of an object's records with these fields."""
        return mapping.columns(fields, await self.types(object_))

    async def reading(self, object_: str, rows: Rows, fields: Sequence[str], *, bulk: bool = False) -> Reading:
        """Say how rows of one answer are read."""
        types = await self.types(object_)
        joined = await self.campaigns.joined(object_, [str(row["Id"]) for row in rows.records], fields)
        return Reading(self.connection.system, object_, tuple(fields), types, self.me, rows.sent_at, rows.received_at, bulk, joined)

    async def where_in(
        self, object_: str, field: str, values: Sequence[str], fields: Sequence[str], *, deleted: bool, priority: Priority
    ) -> list[tuple[Rows, Reading]]:
        """Read the rows whose `field` is one of `values`, in as few queries as the length of a URI allows."""
        if object_ != self.manifest.person_object:  # of the fields that people share it need not have all
            types = await self.types(object_)
            fields = [name for name in fields if name in types]
        found = self.rows_in(object_, field, values, await self.columns(object_, fields), deleted=deleted, priority=priority)
        return [(rows, await self.reading(object_, rows, fields)) async for rows in found]

    async def rows_in(
        self,
        object_: str,
        field: str,
        values: Sequence[str],
        columns: str,
        *,
        where: str = "",
        deleted: bool,
        priority: Priority = "normal",
    ) -> AsyncIterator[Rows]:
        """Read these columns of the rows whose `field` is one of `values` and that meet `where`."""
        head, most = f"SELECT {columns} FROM {object_} WHERE {where}{' AND ' if where else ''}", self.page_rows
        for part in _parts(sorted({mapping.quoted(one) for one in values}), _MAX_QUERY - len(head) * 3 // 2):
            after, more, pages = "", True, Onward(object_)
            while more:  # an e-mail may stand on many rows
                pages.at(after)
                soql = f"{head}{field} IN ({', '.join(part)}){after} ORDER BY Id LIMIT {most}"
                rows = await self.query(soql, deleted=deleted, limit=most, priority=priority, hide=values)
                yield rows
                more = rows.more
                after = f" AND Id > {mapping.quoted(rows.records[-1]['Id'])}" if more else ""

    async def read(self, object_: str, ids: Sequence[str], fields: Sequence[str], *, priority: Priority = "normal") -> list[Item]:
        """Read an object's records by id, in the order asked for; those in the recycle bin are told as deleted or merged, unknown ones as deleted."""
        wanted = [mapping.id18(one) or one for one in ids]
        known = [one for one in wanted if mapping.id18(one)]
        items: dict[str, Item] = {}
        for _ in range(2):  # deletion needs proof: one answer that leaves rows out is none, so what is missing is asked for again
            if left := [one for one in known if one not in items]:
                answers = await self.where_in(object_, "Id", left, fields, deleted=True, priority=priority)
                items |= {row["Id"]: reading.item(row) for rows, reading in answers for row in rows.records}
        nowhere = await self.reading(object_, _no_rows(), fields)
        return [items.get(one) or nowhere.missing(one) for one in wanted]

    async def write(
        self, path: str, records: Sequence[Mapping[str, Any]], *, priority: Priority, method: str = "PATCH", known: bool = False
    ) -> list[Row]:
        """Send a collection, row by row (not all or none), of records that are `known` or new; gives one result for each, in order."""
        hide = [value for one in records for name, value in one.items() if name != "attributes"]
        body = {"allOrNone": False, "records": records}
        answer = await self.call(method, path, json=body, headers=KNOWN_HEADERS if known else WRITE_HEADERS, priority=priority, hide=hide)
        if not isinstance(answer.body, list) or len(answer.body) != len(records):
            raise Unavailable("the answer does not tell each row's result, so that what was done is not known", unknown_outcome=True)
        return answer.body

    async def patch(self, object_: str, ident: str, fields: Mapping[str, Scalar], since: datetime, *, priority: Priority) -> Answer:
        """Change one record unless it was changed since (412); refusals are given as they are.

        Header and LastModifiedDate are whole seconds, so that what was known within a second is known to its end: an edit in the rest of
        that very second is not noticed.
        """
        until = since.astimezone(UTC) + timedelta(microseconds=999_999)
        headers = {**KNOWN_HEADERS, "If-Unmodified-Since": format_datetime(until, usegmt=True)}
        more: dict[str, Any] = {"headers": headers, "priority": priority, "accept": (400, 404, 412), "hide": list(fields.values())}
        return await self.call("PATCH", f"/sobjects/{object_}/{ident}", json=fields, **more)

    async def close(self) -> None:
        """Release everything."""
        await self._session.close()


def _rows(body: Any, answer: Answer, limit: int) -> Rows:
    """Read a query's answer; raises Surprising where it is none, or holds other rows than it counts."""
    if not (isinstance(body, dict) and isinstance(body.get("records"), list)):
        raise Surprising("a query's answer has no records")
    records = body["records"]
    if body.get("done") is True and body.get("totalSize") != len(records):
        raise Surprising("a query's answer does not hold the rows that it counts")
    more = body.get("done") is False or len(records) >= limit  # big rows come in smaller pages than asked for
    return Rows(records, more and bool(records), answer.sent_at, answer.received_at, answer.at_vendor)


def _no_rows() -> Rows:
    now = datetime.now(UTC)
    return Rows([], False, now, now, now)


def _parts(literals: Sequence[str], room: int) -> Iterable[list[str]]:
    """Cut a list so that each part stays within `room` bytes once percent-encoded."""
    part: list[str] = []
    size = 0
    for one in literals:
        length = sum(1 if char.isalnum() and char.isascii() else 3 * len(char.encode()) for char in one) + 6
        if part and (size + length > room or len(part) >= 200):
            yield part
            part, size = [], 0
        part.append(one)
        size += length
    if part:
        yield part

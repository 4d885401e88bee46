"""Tryton's REST API as this connector uses it: domains, records, fields_get, the log, and its errors.

Seen of trytond 8.2 (trytond/protocols/rest.py), which says 404 to what is not there and to what may not be read alike, and 500 to a field
or a model that it does not have. RPC by a session is its other door: it is asked of nothing here.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

import orjson

from connectors.base import Breaker, Budget, Connection, Item, Manifest, Priority, User
from connectors.errors import Gone, Surprising, Unavailable
from connectors.http import STATUSES, Answer, Complaint, Dialect, Session
from connectors.scan import Rows
from connectors.tryton import mapping
from connectors.tryton.acts import ENTRY, Act, wished
from connectors.tryton.mapping import CHANGED, DEAL, MARK, MECHANISMS, PARTY, STAMPS, TRUCE_ID, Reading, Row, Schema
from schemas.write import FieldRefused

Domain = list[Any]
_MOST = 50
"""So many values are asked for in one address."""
_MOST_LOGGED = 400
_FRESH_S = 300.0
_INSTANT = timedelta(microseconds=1)
_FIELD = re.compile(r'field "([^"]*)"|access "[^".]*\.([^"]*)"')
_NAMED = re.compile(r'(record|party|value|address|number) "[^"]*"')
"""Tryton's words quote the record's name and the value."""
OWNERS = {"res.user": ("name", "email"), "company.employee": ("party.name", "party.email")}
"""Models whose records may own a party, and where their name and address stand."""
_LINES = {"email address": "email", "phone number": "phone"}


def encoded(value: Any) -> str:
    """Write what stands in a parameter or a header: JSON in base64."""
    return urlsafe_b64encode(orjson.dumps(value)).decode()


_ALL = {"X-Tryton-Context": encoded({"active_test": False})}
"""What is not active is read, too: who was merged, and which mechanism is out of use."""


class Client:
    """One database by one user's key."""

    def __init__(self, manifest: Manifest, connection: Connection, budget: Budget, breaker: Breaker) -> None:
        options = connection.options
        self.manifest, self.connection = manifest, connection
        self.lookback_s, self.page_rows = float(options.get("lookback_s", "120")), int(options.get("page_rows", "100"))
        self._owners = options.get("owners", "res.user")
        if self._owners not in OWNERS:
            raise ValueError(f"{connection.system}: the option owners is {' or '.join(OWNERS)}")
        try:
            self.acts = wished(options.get("touches", ""))
            lists = [one.strip().partition("=")[::2] for one in options.get("lists", "").split(",") if one.strip()]
            self.lists = {str(int(one)): str(int(scenario)) if scenario else "" for one, scenario in lists}
        except ValueError as error:
            raise ValueError(f"{connection.system}: {error}") from None
        self._schemas: dict[str, tuple[float, Schema]] = {}
        self._employees: tuple[float, Mapping[str, str]] = (0.0, {})
        self._me = ""
        headers = {"authorization": f"Bearer {connection.secrets.get('key', '')}", "accept-language": "en"}
        self._session = Session(
            connection, budget, breaker, dialect=Dialect(explain=self._explain, statuses={**STATUSES, 404: "surprising"}), quotas=("calls",),
            in_flight=manifest.in_flight, headers=headers,
        )  # fmt: skip

    def _explain(self, status: int, body: Any) -> Complaint:
        """Read {"status", "message", "description"}; the field stands in the message, by its label."""
        if not isinstance(body, Mapping):
            return Complaint()
        words, (_, known) = str(body.get("message") or ""), self._schemas.get(PARTY, (0.0, None))
        label = found[1] or found[2] if (found := _FIELD.search(words)) else ""
        name = known.labels.get(label, label) if known else label
        name = name or next((field for text, field in _LINES.items() if text in words), "")
        told = _NAMED.sub(r"\1 …", words)
        return Complaint(words=told, refused=(FieldRefused(field=name, code="", words=told),) if name else ())

    async def call(self, method: str, path: str, **more: Any) -> Answer:
        """Send one request below the database's models."""
        return await self._session.call(method, f"/rest/model/{path}", **more)

    async def ask(self, model: str, method: str, **arguments: Any) -> Any:
        """Call one of a model's methods that only reads."""
        return (await self.call("POST", f"{model}/{method}", json=arguments, idempotent=True, headers=_ALL)).body

    async def search(
        self, model: str, domain: Domain, fields: Iterable[str], *, most: int | None = None, priority: Priority = "normal", hide: Iterable[object] = (),
        headers: Mapping[str, str] = _ALL,
    ) -> tuple[Answer, list[Row]]:  # fmt: skip
        """Read the records of a domain by their ids."""
        parts = [("d", encoded(domain)), ("o", encoded([["id", "ASC"]])), *(("f", name) for name in fields)]
        query = "&".join(f"{name}={value}" for name, value in parts) + (f"&s={most}" if most else "")
        try:
            answer = await self.call("GET", f"{model}?{query}", headers=headers, priority=priority, hide=hide)
        except Unavailable:
            self._schemas.clear()  # a field that is there no longer is answered so: the next try knows
            raise
        if not isinstance(answer.body, list):
            raise Surprising("the answer is no list")
        return answer, answer.body

    async def schema(self, object_: str = PARTY, *, max_age_s: float = _FRESH_S) -> Schema:
        """Give the live schema of an object, at most so old."""
        at, known = self._schemas.get(object_, (0.0, None))
        if known is None or monotonic() - at > max_age_s:
            defined = await self.ask(object_, "fields_get")
            known = mapping.deals(defined, self._owners) if object_ == DEAL else mapping.schema(defined, self._owners, self.lists)
            self._schemas[object_] = (monotonic(), known)
        return known

    async def employees(self) -> Mapping[str, str] | None:
        """Give which user each employee is; None where employees own parties."""
        at, known = self._employees
        if self._owners == "company.employee":
            return None
        if not known or monotonic() - at > _FRESH_S:
            _, found = await self.search("res.user", [["employees", "!=", None]], ("employees",))
            known = {str(one): str(user["id"]) for user in found for one in user["employees"]}
            self._employees = (monotonic(), known)
        return known

    async def me(self) -> str:
        """Give the id of the user whose key this is: what it did is an echo."""
        if not self._me:
            domain = [["key", "=", self.connection.secrets.get("key", "")]]
            self._me = str((await self.ask("res.user.application", "search_read", domain=domain, fields_names=["user"]))[0]["user"])
        return self._me

    async def users(self) -> list[User]:
        """Give everybody who may own parties; who has no address cannot be one of the team."""
        name, email = OWNERS[self._owners]
        _, found = await self.search(self._owners, [], ("rec_name", "active", name, email))
        people = [(one, one.get("party") or one) for one in found]
        return [
            User(id=str(one["id"]), email=who["email"], name=who.get("name") or one["rec_name"], active=bool(one["active"]))
            for one, who in people
            if who.get("email")
        ]

    async def page(
        self, object_: str, fields: Sequence[str], *, since: datetime | None = None, after: str = "", priority: Priority = "normal"
    ) -> Rows:  # fmt: skip
        """Give a page of records by their ids, behind `after`: of those that changed since then, or of all."""
        domain: Domain = [["id", ">", int(after or 0)]]
        if since is not None:
            domain.append(_since(since, mapping.LINES if object_ == PARTY else ()))
        return await self._rows(
            object_, domain, (await self.schema(object_)).asked(fields, object_), most=self.page_rows, priority=priority
        )

    async def acted(self, act: Act, *, since: datetime, after: str = "") -> Rows:
        """Give a page of what people did, by the rows' ids."""
        domain: Domain = [["id", ">", int(after or 0)], _since(since, ()), act.only]
        return await self._rows(act.object, domain, ("id", *STAMPS, *act.asked), most=self.page_rows)

    async def having(
        self, field: str, values: Sequence[str], fields: Sequence[str], *, object_: str = PARTY, priority: Priority = "normal"
    ) -> list[Rows]:  # fmt: skip
        """Give the records with one of these ids, the parties with one of these e-mail addresses or Truce ids."""
        found, asked, paths = [], list(dict.fromkeys(values)), (await self.schema(object_)).asked(fields, object_)
        for start in range(0, len(asked), _MOST):
            some = asked[start : start + _MOST]
            found.append(await self._rows(object_, _with(field, some), paths, priority=priority, hide=some))
        return found

    async def _rows(
        self, object_: str, domain: Domain, paths: Sequence[str], *, most: int | None = None, priority: Priority = "normal",
        hide: Iterable[object] = (),
    ) -> Rows:  # fmt: skip
        answer, found = await self.search(object_, domain, paths, most=most, priority=priority, hide=hide)
        rows: list[Row] = [{**row, CHANGED: mapping.changed(row)[0].isoformat()} for row in found]
        return Rows(rows, most is not None and len(rows) >= most, answer.sent_at, answer.received_at, answer.at_vendor)

    async def told(self, ids: Sequence[str], fields: Sequence[str], *, object_: str = PARTY, priority: Priority = "normal") -> list[Item]:
        """Read records by id. Deletion needs proof: of what neither a row nor the log says anything, nothing is told."""
        known, there, items = [one for one in ids if one.isdigit()], set[str](), list[Item]()
        for rows in await self.having("id", known, fields, object_=object_, priority=priority):
            reading = await self.reading(rows, fields, object_=object_)
            there |= {str(row["id"]) for row in rows.records}
            items += [reading.item(row) for row in rows.records]
        return [*items, *await self.deleted(object_, [int(one) for one in known if one not in there])]

    async def deleted(self, object_: str, ids: Sequence[int], since: datetime | None = None) -> list[Item]:
        """Tell which of these the log says to be deleted. It finds the entry of a record that is no more, and then does not name it: by halves."""
        if object_ == DEAL:
            return await self._no_more(ids, since)
        if not ids:
            return []
        if len(ids) > _MOST_LOGGED:
            return [*await self.deleted(object_, ids[:_MOST_LOGGED], since), *await self.deleted(object_, ids[_MOST_LOGGED:], since)]
        domain: Domain = [["resource", "in", [f"{object_},{one}" for one in ids]], ["event", "=", "delete"]]
        domain += [["create_date", ">=", mapping.literal(since)]] if since else []
        now, found = datetime.now(UTC), await self.ask("ir.model.log", "search_read", domain=domain, fields_names=["create_date", "user"])
        if not found:
            return []
        if len(ids) > 1:
            half = len(ids) // 2
            return [*await self.deleted(object_, ids[:half], since), *await self.deleted(object_, ids[half:], since)]
        return [(await self.reading(Rows([], False, now, now, now), (), object_=object_)).deleted(ids[0], found[-1])]

    async def _no_more(self, ids: Sequence[int], since: datetime | None) -> list[Item]:
        """Tell which of these opportunities were deleted. A rule says whose they are, so that nobody may ask the log of those that are no more.

        Their history says when each changed last: what could be seen until then, by today's rights, and now cannot, was deleted then.
        """
        if not ids:
            return []
        told, now, last = list[Item](), datetime.now(UTC), dict[int, datetime]()
        reading = await self.reading(Rows([], False, now, now, now), (), object_=DEAL)
        for wire, ident, _ in await self.ask(DEAL, "history_revisions", ids=list(ids)):
            last.setdefault(ident, mapping.moment(wire) or now)
        for ident, at in last.items():
            before = {"X-Tryton-Context": encoded({"_datetime": mapping.literal(at - _INSTANT)})}
            if (since is None or at >= since) and (await self.search(DEAL, [["id", "=", ident]], ("id",), headers=before))[1]:
                told.append(reading.deleted(ident, {"create_date": mapping.literal(at)}))
        return told

    async def write(self, ident: str | None, sent: Mapping[str, Any], fields: Sequence[str], *, priority: Priority) -> Answer:
        """Change one party, or make one; the answer is the party as it then stands. 404 is proof only if a read finds nothing, either."""
        query = "&".join(f"f={name}" for name in (await self.schema()).asked(fields, PARTY))
        path = PARTY + (f"/{ident}" if ident else "")
        hide = [one for one in _texts(sent) if one]
        try:
            answer = await self.call(
                "PUT" if ident else "POST", f"{path}?{query}", json=sent, headers=_ALL, priority=priority, hide=hide
            )  # fmt: skip
        except Surprising as error:
            if ident and error.status == 404 and not (await self._rows(PARTY, _with("id", [ident]), ("id", *STAMPS))).records:
                raise Gone(f"party {ident} is not there", status=404) from None
            raise
        return answer

    async def reading(self, rows: Rows, fields: Sequence[str], *, object_: str = PARTY, bulk: bool = False) -> Reading:
        """Say how the rows of one answer are read."""
        schema = await self.schema(object_)
        users = await self.employees() if any(schema.kinds.get(one) == "company.employee" for one in fields) else None
        asked = (rows.sent_at, rows.received_at, bulk)
        return Reading(
            self.connection.system, object_, tuple(fields), schema.types, await self.me(), *asked, kinds=schema.kinds, users=users
        )

    async def follows(self, ident: str, scenario: str, *, wanted: bool, priority: Priority) -> None:
        """Stop a scenario for a party that was in it, or let go on what we stopped; whoever left it by the mail's own link stays out."""
        domain = [["scenario", "=", int(scenario)], ["record", "=", f"{PARTY},{ident}"], ["blocked", "=", wanted]]
        _, found = await self.search(ENTRY, domain, ("write_uid",), priority=priority)
        for one in found:
            if not wanted:
                await self.call("POST", f"{ENTRY}/{one['id']}/block", json={}, priority=priority, idempotent=True)
            elif str(one["write_uid"]) == await self.me():
                back = {"marketing_scenario_unsubscribed": [["remove", [int(scenario)]]]}  # to stop is to unsubscribe, there
                await self.call("PUT", f"{PARTY}/{ident}?f=id", json=back, priority=priority, idempotent=True)
                await self.call("PUT", f"{ENTRY}/{one['id']}?f=id", json={"blocked": False}, priority=priority, idempotent=True)

    async def close(self) -> None:
        """Release everything."""
        await self._session.close()


def _since(at: datetime, lines: Iterable[str]) -> Domain:
    """Give the domain of what was made or changed since then, or has such a line."""
    stamp = mapping.literal(at)
    dates = ["OR", ["create_date", ">=", stamp], ["write_date", ">=", stamp]]
    return [*dates, *([name, "where", [dates]] for name in lines)]


def _with(field: str, values: Sequence[str]) -> Domain:
    """Give the domain of the parties whose field has one of these values."""
    if field == TRUCE_ID:
        return [["identifiers", "where", [["code", "in", [f"{MARK}{one}" for one in values]], ["active", "=", True]]]]
    if field in MECHANISMS:
        exact = [["value", "ilike", re.sub(r"([\\%_])", r"\\\1", one)] for one in values]  # the case of letters does not count
        return [["replaced_by", "=", None], ["contact_mechanisms", "where", [["type", "=", field], ["active", "=", True], ["OR", *exact]]]]
    return [["id", "in", [int(one) for one in values]]]


def _texts(value: Any) -> Iterator[str]:
    """Give every text in what is sent, so that no error quotes it."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)

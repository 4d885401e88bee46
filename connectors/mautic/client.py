"""Mautic's wire: credentials, lists with `where`, statistics, and how it says no (seen of Mautic 5.1.0)."""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from connectors.base import Breaker, Budget, Connection, FieldType, Item, Manifest, Priority
from connectors.dialect import retry_after
from connectors.errors import AuthExpired, Gone, Surprising
from connectors.fit import numbered
from connectors.http import Answer, Bearer, Complaint, Dialect, Kind, Session, Token
from connectors.mautic.mapping import HELD, LIST, OWN, Reading, Row, type_of
from schemas.change import RecordDeleted, RecordMerged
from schemas.write import FieldRefused

CODES: dict[str, Kind] = {
    "invalid_client": "auth_expired", "invalid_grant": "auth_expired", "access_denied": "auth_expired", "invalid_request": "auth_expired",
    "unauthorized_client": "auth_expired", "api_disabled": "auth_expired",
}  # fmt: skip
"""The types of Mautic's errors of OAuth 2, of its firewall, and of an API that was switched off: all of them are about us, and none about a record."""
STATUSES: dict[int, Kind] = {
    400: "rejected", 401: "auth_expired", 403: "rejected", 404: "gone", 408: "unavailable", 422: "conflict", 429: "rate_limited",
}  # fmt: skip
UNIQUE = "must be unique"


def mappings(found: object) -> list[Row]:
    """Give what of a list, or of an object keyed by ids or places, are objects."""
    rows = found.values() if isinstance(found, Mapping) else found if isinstance(found, list) else ()
    return [row for row in rows if isinstance(row, dict)]


def complaint(error: Mapping[str, Any], status: int) -> Complaint:
    """Read one error, of a call or of a row: its details name the fields."""
    details = error.get("details")
    named = details if isinstance(details, Mapping) else {}
    refused = tuple(
        FieldRefused(field=str(name), code=str(status), words="; ".join(map(str, words)) if isinstance(words, list) else str(words))
        for name, words in named.items()
    )
    words = str(error.get("message") or "")
    kind: Kind | None = "rejected" if refused and not all(UNIQUE in one.words for one in refused) else None
    if status == 404 and not words.endswith("not found."):  # a path that is not there, which is no news of a contact
        kind = "surprising"
    return Complaint(str(error.get("type") or ""), words, kind, refused=refused)


def explain(status: int, body: Any) -> Complaint:
    """Read Mautic's error body, {"errors": [{"code", "message", "details", "type"}]}; every part of it may be missing."""
    errors = mappings(body.get("errors")) if isinstance(body, Mapping) else []
    return complaint(errors[0], status) if errors else Complaint(kind="surprising" if status == 404 else None)


def asked(headers: Mapping[str, str], now: datetime) -> float | None:
    """Say how long to wait: Mautic has no Retry-After, but names the second in which its hour is over (seen of 5.1.0, api_rate_limiter_limit)."""
    reset = headers.get("x-ratelimit-reset", "")
    return max(1.0, float(reset) - now.timestamp()) if reset.isascii() and reset.isdigit() else retry_after(headers, now)


DIALECT = Dialect(explain=explain, codes=CODES, statuses=STATUSES, asked=asked)


class Client:
    """The calls to one Mautic."""

    def __init__(self, connection: Connection, budget: Budget, breaker: Breaker, manifest: Manifest) -> None:
        secrets, self._system = connection.secrets, connection.system
        self._secrets = tuple(secrets.values())
        self.page_rows = int(connection.options.get("page_rows", "100"))
        self.types: dict[str, FieldType] = {}
        self.countries: frozenset[str] = frozenset()
        self.own, self._stages = "", dict[str, int]()
        self.locks = connection.options.get("lock", "on") != "off"
        self._times = {one.strip() for one in connection.options.get("time_fields", "").split(",")}
        self.lists = [one.strip() for one in connection.options.get("lists", "").split(",") if one.strip()]
        if strange := [one for one in self.lists if not one.isdigit()]:
            raise ValueError(f"{connection.system}: lists are ids of segments, not {', '.join(strange)}")
        headers, bearer = dict[str, str](), None
        if secrets.get("client_id"):
            self._form = {"grant_type": "client_credentials", **{name: secrets.get(name, "") for name in ("client_id", "client_secret")}}
            bearer = Bearer(self._mint)
        elif secrets.get("username"):
            pair = f"{secrets['username']}:{secrets.get('password', '')}"
            headers["authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        else:
            raise ValueError(f"{connection.system}: needs the secrets client_id and client_secret, or username and password")
        self._session = Session(
            connection, budget, breaker, dialect=DIALECT, bearer=bearer, quotas=("calls",), in_flight=manifest.in_flight, headers=headers
        )  # fmt: skip

    async def _mint(self) -> Token:
        answer = await self._session.call("POST", "/oauth/v2/token", form=self._form, idempotent=True, authorised=False)
        if not isinstance(answer.body, dict) or not isinstance(answer.body.get("access_token"), str):
            raise AuthExpired("the token answer has no access_token", status=answer.status)
        return Token(answer.body["access_token"], float(answer.body.get("expires_in") or 3600))

    async def get(
        self, path: str, params: Mapping[str, str] | None = None, *, priority: Priority = "normal", hide: Iterable[object] = ()
    ) -> Answer:
        """Read something; the answer's body is an object that is no error (what its database refuses, Mautic answers with 200)."""
        answer = await self._session.call("GET", "/api" + path, params=params, priority=priority, hide=hide)
        if not isinstance(answer.body, dict):
            raise Surprising("the answer is no JSON object")
        if answer.body.get("errors"):
            raise Surprising(DIALECT.error(explain(500, answer.body), 500, hide=(*self._secrets, *hide)).words)
        return answer

    async def send(
        self, method: str, path: str, body: Any, *, priority: Priority = "normal", hide: Iterable[object] = (), idempotent: bool = False
    ) -> Answer:
        """Write something: one attempt, unless it may be repeated; no error quotes the values in `hide`."""
        return await self._session.call(method, "/api" + path, json=body, priority=priority, hide=hide, idempotent=idempotent)

    async def contacts(
        self, col: str, expr: str, value: str, *, fields: Iterable[str] = (), priority: Priority = "normal", limit: int | None = None
    ) -> tuple[Answer, list[Row]]:
        """List contacts, by id, that fit one condition, with what is asked for of the segments that they are in."""
        where = {"where[0][col]": col, "where[0][expr]": expr, "where[0][val]": value, "orderBy": "id", "orderByDir": "asc"}
        where["limit"] = str(limit or self.page_rows)
        answer = await self.get("/contacts", where, priority=priority, hide=value.split(","))
        found = rows(answer.body, "contacts")
        await self._listed(found, fields, priority)
        return answer, found

    async def _listed(self, found: Sequence[Row], fields: Iterable[str], priority: Priority) -> None:
        """Note for each contact which of these segments it is in."""
        names = [name for name in fields if name.startswith(LIST)] if found else []
        held: dict[str, dict[str, bool]] = {str(row["id"]): {} for row in found}
        for name in names:
            where = ("leadlist_id", "eq", name.removeprefix(LIST)), ("lead_id", "in", ",".join(held))
            _, some = await self.table("lead_lists_leads", *where, by="lead_id", limit=len(held), priority=priority)
            inside = {str(one["lead_id"]) for one in some if str(one.get("manually_removed")) != "1"}
            for ident, flags in held.items():
                flags[name] = ident in inside
        for row in found:
            row[HELD] = held[str(row["id"])]

    async def table(
        self, name: str, *where: tuple[str, str, str], limit: int, start: int = 0, by: str = "id", priority: Priority = "normal"
    ) -> tuple[Answer, list[Row]]:
        """Read rows of a table of statistics, by their ids or another column."""
        clauses = {
            f"where[{n}][{part}]": text for n, one in enumerate(where) for part, text in zip(("col", "expr", "val"), one, strict=True)
        }
        params = {**clauses, "order[0][col]": by, "order[0][dir]": "ASC", "limit": str(limit), "start": str(start)}
        answer = await self.get(f"/stats/{name}", params, priority=priority)
        return answer, rows(answer.body, "stats")

    async def known(self) -> None:
        """Read the live schema, and who we are, unless they were read."""
        if not self.types:
            await self.fields()
        if not self.own:
            me = (await self.get("/users/self")).body
            self.own = f"{me.get('firstName') or ''} {me.get('lastName') or ''}".strip()

    async def fields(self) -> list[Row]:
        """Read the live schema of contacts, and keep its types."""
        answer = await self.get("/fields/contact", {"limit": "1000"})
        found = [one for one in rows(answer.body, "fields") if one.get("alias")]
        if not found:
            raise Surprising("contacts have no fields, not even Mautic's own")
        self.countries = frozenset(str(one["alias"]) for one in found if one.get("type") == "country")
        types = {str(one["alias"]): type_of(one) for one in found}
        self.types = {name: "time" if name in self._times else kind for name, kind in types.items()} | OWN
        self.types |= {f"{LIST}{one}": "flag" for one in self.lists}
        return found

    async def stage(self, name: str) -> int | None:
        """Give the id of a stage by its name; None where there is none."""
        if name not in self._stages:
            await self.stages()
        return self._stages.get(name)

    async def stages(self) -> list[str]:
        """Read the names of all stages."""
        found = rows((await self.get("/stages", {"limit": "1000"})).body, "stages")
        self._stages = {str(one.get("name")): int(one["id"]) for one in found}
        return [*self._stages]

    def reading(self, answer: Answer, *, bulk: bool = False) -> Reading:
        """Give what reads the contacts of an answer."""
        return Reading(self._system, self.types, self.own, answer.received_at, answer.sent_at, bulk)

    async def told(
        self, ids: Sequence[str], fields: Sequence[str], *, priority: Priority = "normal", told: Collection[str] = ()
    ) -> list[Item]:
        """Read contacts consistently; one that was merged gives its merge and the survivor (unless `told`), one that is gone its deletion."""
        await self.known()
        asked, items, most = numbered(ids), list[Item](), 100
        for start in range(0, len(asked), most):
            some = asked[start : start + most]
            answer, found = await self.contacts("id", "in", ",".join(some), fields=fields, priority=priority, limit=most)
            reading = self.reading(answer)
            items += [reading.snapshot(row, fields) for row in found]
            for one in set(some) - {str(row["id"]) for row in found}:
                items += await self._missing(one, fields, answer.received_at, priority, told)
        return items

    async def _missing(self, ident: str, fields: Sequence[str], now: datetime, priority: Priority, told: Collection[str]) -> list[Item]:
        """Ask for one contact by itself: only so Mautic says that it lives on in another one."""
        reading = Reading(self._system, self.types, self.own, now, None)
        try:
            answer = await self.get(f"/contacts/{ident}", priority=priority)
        except Gone:
            return [RecordDeleted(ref=reading.ref(ident), at=now, received_at=now)]
        row = answer.body["contact"]
        await self._listed([row], fields, priority)
        one = self.reading(answer).snapshot(row, fields)
        if str(row["id"]) == ident:
            return [one]
        merge = RecordMerged(survivor=one.ref, losers=(reading.ref(ident),), at=one.at, received_at=now)
        return [merge] if str(row["id"]) in told else [merge, one]

    async def close(self) -> None:
        """Release every connection."""
        await self._session.close()


def rows(body: Mapping[str, Any], name: str) -> list[Row]:
    """Give the rows of a list, which Mautic keys by id or not at all; raises Surprising where there is none."""
    if name not in body:
        raise Surprising(f"the answer has no {name}")
    return mappings(body[name])

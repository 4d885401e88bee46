"""Marketo's REST API as this connector uses it: token, leads, the activity log, lists, programs (Adobe's guide and swagger, WIRE: Marketo REST)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from time import monotonic
from typing import Any, NamedTuple

from connectors.base import Breaker, Budget, Connection, FieldSeen, FieldType, Item, Manifest, Priority
from connectors.errors import AuthExpired, ConnectorError, Gone, Rejected, Surprising, Unavailable
from connectors.fit import numbered
from connectors.http import Answer, Bearer, Session, Token
from connectors.marketo import mapping
from connectors.marketo.mapping import DIALECT, LIST, MERGE, PROGRAM, Reading, Row
from connectors.onward import Onward
from schemas.base import Scalar
from schemas.change import RecordDeleted

_FRESH_S, _COUNTED_S = 300.0, 900.0
_CLOCKS, _HOUR = timedelta(minutes=5), timedelta(hours=1)
_MOST = 300
QUOTAS = ("at_once", "calls", "daily")


class Leads(NamedTuple):
    """Leads of one or more answers, by id, and how they are read."""

    rows: dict[str, Row]
    answer: Answer


class Client:
    """One subscription by one API-only user."""

    def __init__(self, connection: Connection, budget: Budget, breaker: Breaker, manifest: Manifest) -> None:
        options, secrets = connection.options, connection.secrets
        if not (secrets.get("client_id") and secrets.get("client_secret")):
            raise ValueError(f"{connection.system}: needs the secrets client_id and client_secret")
        self.system, self.me, self._budget = connection.system, "", budget
        self.options = options
        self.page_rows = min(_MOST, int(options.get("page_rows", "300")))
        self.merges = timedelta(seconds=float(options.get("merges_s", "86400")))
        self.lists = dict(_pairs(options.get("lists", "")))
        self.programs = tuple(ident for ident, _ in _pairs(options.get("programs", "")))
        self._own = {"grant_type": "client_credentials", "client_id": secrets["client_id"], "client_secret": secrets["client_secret"]}
        self._described: tuple[float, list[Row], list[list[str]]] = (float("-inf"), [], [])
        self._counted = float("-inf")
        daily = next(one.calls for one in manifest.quotas if one.name == "daily")
        self.daily = int(options.get("daily_calls", daily))
        self._session = Session(
            connection, budget, breaker, dialect=DIALECT, bearer=Bearer(self._mint), quotas=QUOTAS, in_flight=manifest.in_flight
        )

    async def _mint(self) -> Token:
        """Get the token; asked for again before its end Marketo gives the same one, so that this is no haste."""
        path = "/identity/oauth/token"
        answer = await self._session.call("POST", path, params=self._own, quotas=(), idempotent=True, authorised=False)
        body = answer.body if isinstance(answer.body, dict) else {}
        if not isinstance(body.get("access_token"), str):
            raise AuthExpired("the identity service gives no access_token", status=answer.status)
        self.me = str(body.get("scope") or "")
        return Token(body["access_token"], float(body.get("expires_in") or 3599))

    async def call(self, method: str, path: str, *, reads: bool = False, base: str = "/rest/v1", **more: Any) -> Answer:
        """Send one request; gives an answer whose body is an object that says success."""
        await self._count()
        reads = reads or method == "GET"
        try:
            answer = await self._session.call(method, f"{base}{path}", idempotent=reads, **more)
        except Gone as error:
            if error.code in mapping.CODES:
                raise
            raise Surprising(error.words, code=error.code, status=error.status) from None  # no path of ours names what may be gone
        except Rejected as error:
            if not reads:
                raise
            self._described = (float("-inf"), [], [])  # a question that is not understood is about the schema, not about a record
            raise Surprising(error.words, code=error.code, status=error.status) from None
        if isinstance(answer.body, dict) and answer.body.get("success") is True:
            return answer
        raise Surprising("the answer does not say success") if reads else _unknown("the answer does not say success")

    async def export(self, method: str, path: str, **more: Any) -> Answer:
        """Send one request of bulk extract, each of which may be sent twice; that there is no room for a job is an answer, too."""
        await self._count()
        accept = (mapping.NO_ROOM,)
        return await self._session.call(method, f"/bulk/v1/leads/export{path}", idempotent=True, priority="bulk", accept=accept, **more)

    async def _count(self) -> None:
        """Tell the budget of today's calls by everybody, which no header does; not more often than every quarter of an hour."""
        if monotonic() - self._counted > _COUNTED_S:
            self._counted = monotonic()
            with suppress(ConnectorError):  # the call that asked finds out by itself
                await self._budget.seen("daily", used=sum((await self.usage()).values()), limit=self.daily)

    async def usage(self) -> dict[str, int]:
        """Give today's calls by API user."""
        answer = await self._session.call("GET", "/rest/v1/stats/usage.json")
        return {str(user["userId"]): int(user["count"]) for day in results(answer) for user in day.get("users") or ()}

    async def describe(self, *, max_age_s: float = _FRESH_S) -> list[Row]:
        """Give the fields of leads, at most so old."""
        at, found, _ = self._described
        if monotonic() - at > max_age_s:
            told = results(await self.call("GET", "/leads/describe2.json"))
            found = [one for row in told for one in row["fields"]]
            if not found or not all(isinstance(one.get("name"), str) for one in found):
                raise Surprising("describe2 lists no fields of leads")
            self._described = (monotonic(), found, [list(one) for row in told for one in row["searchableFields"]])
        return found

    async def searchable(self) -> list[list[str]]:
        """Give what leads may be looked up by."""
        await self.describe()
        return self._described[2]

    async def types(self, *, max_age_s: float = _FRESH_S) -> dict[str, FieldType]:
        """Give the type of every field of leads, the configured lists and programs among them."""
        found = {str(one["name"]): mapping.type_of(one) for one in await self.describe(max_age_s=max_age_s)}
        flags: dict[str, FieldType] = {LIST + one: "flag" for one in self.lists}
        return found | flags | {PROGRAM + one: "picklist" for one in self.programs}

    async def reading(self, answer: Answer, *, consistent: bool = True, bulk: bool = False, sent_at: datetime | None = None) -> Reading:
        """Give what reads the rows of an answer, which are as they were when it was asked for, or at `sent_at`."""
        sent_at = (sent_at or answer.sent_at) if consistent else None
        return Reading(self.system, await self.types(), self.me, answer.received_at, sent_at, bulk)

    async def find(self, by: str, values: Iterable[str], fields: Sequence[str], *, priority: Priority = "normal") -> Leads:
        """Find leads by the values of one field, with `fields` and what every snapshot needs.

        Sent as a POST that reads (`_method=GET`), so that neither a long list nor an address stands in a URI.
        """
        asked, found = list(dict.fromkeys(one for one in values if one)), dict[str, Row]()
        first: Answer | None = None
        names = ",".join(mapping.columns(fields))
        for start in range(0, len(asked), _MOST):
            some = asked[start : start + _MOST]
            form = {"filterType": by, "filterValues": ",".join(some), "fields": names, "batchSize": str(_MOST)}
            token: str | None = ""
            pages = Onward("leads")
            while token is not None:
                pages.at(token)
                more = {"nextPageToken": token} if token else {}
                params = {"_method": "GET"}
                answer = await self.call("POST", "/leads.json", reads=True, params=params, form=form | more, hide=some, priority=priority)
                first = first or answer  # it was sent before all others: what is said of its time holds for them
                found |= {str(row["id"]): row for row in results(answer)}
                token = answer.body.get("nextPageToken") or None
        if first is None:
            raise ValueError("nothing is asked for")
        await self.join(found, fields, priority)
        return Leads(found, first)

    async def join(self, rows: dict[str, Row], fields: Sequence[str], priority: Priority) -> None:
        """Put membership of lists and programs among the fields of leads, as far as it is asked for: one call each for 300 leads."""
        ids = list(rows)
        for name in (one for one in fields if one.startswith((LIST, PROGRAM))):
            held = await (self.on_list if name.startswith(LIST) else self.in_program)(name.partition(".")[2], ids, priority=priority)
            for ident in ids:
                rows[ident] = {**rows[ident], name: held.get(ident, False if name.startswith(LIST) else None)}

    async def on_list(self, ident: str, leads: Sequence[str], *, priority: Priority = "normal") -> dict[str, Scalar]:
        """Say which of the leads are on a static list."""
        found: dict[str, Scalar] = {}
        for start in range(0, len(leads), _MOST):
            path = f"/lists/{ident}/leads/ismember.json?{mapping.named(leads[start : start + _MOST])}"
            answer = await self.call("GET", path, priority=priority)
            found |= {str(row["id"]): row.get("status") == "memberof" for row in results(answer)}
        return found

    async def in_program(self, ident: str, leads: Sequence[str], *, priority: Priority = "normal") -> dict[str, Scalar]:
        """Give the status of those of the leads that are members of a program."""
        found: dict[str, Scalar] = {}
        for start in range(0, len(leads), _MOST):
            params = {"filterType": "leadId", "filterValues": ",".join(leads[start : start + _MOST]), "fields": "leadId,statusName"}
            answer = await self.call("GET", f"/programs/{ident}/members.json", params=params, priority=priority)
            found |= {str(row["leadId"]): row.get("statusName") for row in results(answer)}
        return found

    async def make_field(self, wanted: FieldSeen) -> None:
        """Make a custom field of leads."""
        await self.call("POST", "/leads/schema/fields.json", json={"input": [mapping.made(wanted)]})

    async def told(self, ids: Sequence[str], fields: Sequence[str], *, priority: Priority = "normal") -> list[Item]:
        """Read leads by id in the order asked for; those that are gone are told as merged or deleted."""
        if not (ids := numbered(ids)):
            return []
        found = await self.find("id", ids, fields, priority=priority)
        reading = await self.reading(found.answer)
        gone = await self._fates([one for one in ids if one not in found.rows], reading)
        return [reading.snapshot(found.rows[one], fields) if one in found.rows else gone[one] for one in ids]

    async def _fates(self, gone: Sequence[str], reading: Reading) -> dict[str, Item]:
        """Say what became of leads that no look-up finds: only a winner's log knows of a merge; of a deletion Marketo is asked by id.

        The last hour is looked through first: each 300 activities, of whatever type, cost a call. Older merges the polls have told.
        """
        found: dict[str, Item] = {}
        for back in (min(_HOUR, self.merges), self.merges):
            if found.keys() >= {*gone}:
                break
            token = await self.token(reading.received_at - back)
            async for answer in self.log("/activities.json", token, activityTypeIds=str(MERGE)):
                merges = [one for one in rows(answer) if {*mapping.losers_of(one)} & {*gone}]
                found |= {loser: reading.merged(one) for one in merges for loser in mapping.losers_of(one) if loser in gone}
        for one in gone:
            if one not in found and await self._exists(one):
                raise Surprising(f"lead {one} is there by itself, and not in a look-up by id")
        return {one: RecordDeleted(ref=reading.ref(one), at=reading.received_at, received_at=reading.received_at) for one in gone} | found

    async def _exists(self, ident: str) -> bool:
        try:
            return bool(results(await self.call("GET", f"/lead/{ident}.json", params={"fields": "id"})))
        except Gone:
            return False

    async def token(self, since: datetime, *, priority: Priority = "normal") -> str:
        """Give the paging token for the activity log since a moment."""
        return (await self.opened(since, priority=priority))[0]

    async def opened(self, since: datetime, *, priority: Priority = "normal") -> tuple[str, datetime]:
        """Give that token, and what time it was by Marketo's clock; where its answer has none, ours, which may be ahead by some minutes."""
        params = {"sinceDatetime": mapping.wire_time(since)}
        answer = await self.call("GET", "/activities/pagingtoken.json", params=params, priority=priority)
        token = answer.body.get("nextPageToken")
        if not isinstance(token, str) or not token:
            raise Surprising("no paging token")
        return token, answer.at_vendor if "date" in answer.headers else answer.sent_at - _CLOCKS

    async def log(self, path: str, token: str, priority: Priority = "normal", /, **params: str) -> AsyncIterator[Answer]:
        """Read pages of the activity log until there is no more for now; a page may be empty and yet not the last."""
        more, pages = True, Onward("the activity log")
        while more:
            pages.at(token)
            asked = {"nextPageToken": token, "batchSize": str(self.page_rows), **params}
            answer = await self.call("GET", path, params=asked, priority=priority)
            token, more = str(answer.body.get("nextPageToken") or ""), answer.body.get("moreResult") is True
            if more and not token:
                raise Surprising("the activity log says that there is more, and not where")
            yield answer

    async def sync(self, leads: Sequence[Mapping[str, Any]], *, action: str, lookup: str, priority: Priority) -> list[Row]:
        """Write leads in one attempt; gives one result for each, in order."""
        body = {"action": action, "lookupField": lookup, "input": leads}
        if action == "createOnly" and (partition := self.options.get("partition")):
            body["partitionName"] = partition
        hide = [value for row in leads for name, value in row.items() if name != "id"]
        return positional(await self.call("POST", "/leads.json", json=body, priority=priority, hide=hide), len(leads))

    async def close(self) -> None:
        """Release everything."""
        await self._session.close()


def _pairs(text: str) -> Iterable[tuple[str, str]]:
    """Read "1001,1002=2001" as (id, what is behind it)."""
    for part in filter(None, (one.strip() for one in text.split(","))):
        ident, _, more = part.partition("=")
        if not ident.isdigit() or (more and not more.isdigit()):
            raise ValueError(f"{part!r}: lists and programs are named by their numbers")
        yield ident, more


def _unknown(words: str) -> Unavailable:
    return Unavailable(f"{words}, so that what was done is not known", unknown_outcome=True)


def rows(answer: Answer) -> list[Row]:
    """Give the rows of a page, which lacks `result` where there are none; raises Surprising for anything else."""
    found = answer.body.get("result", []) if isinstance(answer.body, dict) else None
    if isinstance(found, list) and all(isinstance(one, dict) for one in found):
        return found
    raise Surprising("the answer has no list of results")


def results(answer: Answer) -> list[Row]:
    """Give the rows of an answer that must have some or say that there are none; raises Surprising."""
    if isinstance(answer.body, dict) and "result" in answer.body:
        return rows(answer)
    raise Surprising("the answer has no results")


def positional(answer: Answer, many: int) -> list[Row]:
    """Give the result of each row that was sent; anything else leaves open what was done."""
    found = answer.body.get("result")
    if not isinstance(found, list) or len(found) != many or not all(isinstance(one, dict) for one in found):
        raise _unknown("the answer does not tell each row's result")
    return found

"""HubSpot's wire: credentials, and the calls that Truce makes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from connectors.base import Breaker, Budget, Connection, FieldSeen, FieldType, Item, Manifest, Priority
from connectors.errors import AuthExpired, ConnectorError, Gone, Rejected, Surprising, Unavailable
from connectors.fit import numbered
from connectors.http import Answer, Bearer, Session, Token
from connectors.hubspot.mapping import CONVERTED_AT, MERGED_IDS, Reading, merged_ids, moment, seen, type_of, wanted
from connectors.hubspot.objects import CONTACTS, LIST, SHAPES, Row, joined, numbers
from connectors.hubspot.paths import PATHS
from connectors.hubspot.refusals import context, dialect, mappings, nowhere
from connectors.onward import Onward
from schemas.change import RecordDeleted

MOST_LISTED = 100
HISTORY_ROWS = 50  # a batch read with history takes half as many inputs as one without
_UNTOLD: frozenset[str] | None = None


class Client:
    """The calls to one HubSpot account."""

    def __init__(self, connection: Connection, budget: Budget, breaker: Breaker, manifest: Manifest) -> None:
        version = connection.options.get("api_version", "v3")
        if version not in PATHS:
            raise ValueError(f"{connection.system}: api_version {version!r} is none of {', '.join(PATHS)}")
        fixed, self._refresh = (connection.secrets.get(name, "") for name in ("token", "refresh_token"))
        if not fixed and not self._refresh:
            raise ValueError(f"{connection.system}: needs the secret token, or client_id, client_secret and refresh_token")
        self.paths, self.app_id, self._system = PATHS[version], connection.options.get("app_id"), connection.system
        self.types: dict[str, dict[str, FieldType]] = {}  # object → its live schema as it was last read
        self._apps_own = {name: connection.secrets.get(name, "") for name in ("client_id", "client_secret")}
        self.lists, self.told_lists = (numbers(connection.system, connection.options.get(name, "")) for name in ("lists", "list_touches"))
        if both := {*self.lists} & {*self.told_lists}:
            raise ValueError(f"{connection.system}: list_touches names {', '.join(sorted(both))}, which Truce fills itself (lists)")
        self._page_rows = int(connection.options.get("page_rows", "100"))
        told, usual = connection.options.get("daily_calls"), next(one.calls for one in manifest.quotas if one.name == "daily")
        self.version, self.daily = version, int(told or usual)
        self._fixed, self._scopes = fixed, _UNTOLD
        bearer = Bearer(fixed=fixed) if fixed else Bearer(self._mint)
        self._session = Session(
            connection, budget, breaker, dialect=dialect(self.daily if told else None), bearer=bearer, quotas=("calls", "daily"), in_flight=manifest.in_flight
        )  # fmt: skip

    async def _mint(self) -> Token:
        form = {"grant_type": "refresh_token", **self._apps_own, "refresh_token": self._refresh}
        answer = _an_object(await self._session.call("POST", self.paths["token"], form=form, idempotent=True, authorised=False))
        if not isinstance(answer.body.get("access_token"), str):
            raise AuthExpired("the token answer has no access_token", status=answer.status)
        self._refresh = answer.body.get("refresh_token") or self._refresh
        scopes = answer.body.get("scopes")
        self._scopes = frozenset(map(str, scopes)) if isinstance(scopes, list) else None
        return Token(answer.body["access_token"], float(answer.body.get("expires_in") or 1800))

    async def granted(self) -> frozenset[str] | None:
        """Give the scopes of our token: those that came with it, or what HubSpot says of a private app's; None where it does not tell."""
        if fixed := self._fixed:
            self._fixed = ""  # it is asked about once
            with suppress(AuthExpired, Gone, Rejected, Surprising):  # only a private app's token is known there
                path = "/oauth/v2/private-apps/get/access-token-info"
                scopes = (await self.post(path, {"tokenKey": fixed}, reads=True, hide=[fixed])).body.get("scopes")
                self._scopes = frozenset(map(str, scopes)) if isinstance(scopes, list) else None
        return self._scopes

    async def get(self, path: str, **params: str) -> Answer:
        """Read something; the answer's body is an object."""
        return _an_object(await self._session.call("GET", path, params=params))

    async def post(self, path: str, body: Any, *, reads: bool = False, priority: Priority = "normal", hide: Iterable[Any] = ()) -> Answer:
        """Send something: `reads` may be sent again, a write is one attempt; no error quotes the values in `hide`."""
        answer = await self._session.call("POST", path, json=body, idempotent=reads, priority=priority, hide=hide)
        return _an_object(answer, wrote=not reads)

    def at(self, object_: str) -> str:
        """Give the path of an object's records."""
        return f"{self.paths['objects']}/{object_}"

    async def search(self, object_: str, filters: Sequence[Row], *, sort: str | Row, limit: int | None = None) -> Answer:
        """Find the first records that match, with their times; eventually consistent. The schema requires all five fields."""
        groups, properties = [{"filters": filters}] if filters else [], [SHAPES[object_].modified]
        body = {"filterGroups": groups, "sorts": [sort], "properties": properties, "limit": limit or self._page_rows, "after": "0"}
        path, quotas = self.at(object_) + "/search", ("search", "calls", "daily")
        return _an_object(await self._session.call("POST", path, json=body, idempotent=True, quotas=quotas))

    async def newest(self, object_: str, limit: int) -> Answer:
        """Find the records that changed last."""
        order = {"propertyName": SHAPES[object_].modified, "direction": "DESCENDING"}
        return await self.search(object_, [], sort=order, limit=limit)

    async def page(self, object_: str, after: str | None, properties: Sequence[str], *, archived: bool = False) -> Answer:
        """Read one page of all records, or of all archived ones; consistent."""
        params = {"limit": str(self._page_rows), "archived": str(archived).lower(), "properties": ",".join(properties)}
        return await self.get(self.at(object_), **params, **({"after": after} if after else {}))

    async def read(
        self, object_: str, ids: Sequence[str], properties: Sequence[str], *, by: str | None = None, history: Sequence[str] = (),
        archived: bool = False, priority: Priority = "normal",
    ) -> Answer:  # fmt: skip
        """Read up to 100 records (50 with history) by id, or by the unique property `by`; consistent. Missing ones are left out."""
        body = {"inputs": [{"id": one} for one in ids], "properties": list(properties), "propertiesWithHistory": list(history)}
        path = self.at(object_) + "/batch/read" + ("?archived=true" if archived else "")
        return await self.post(path, body | ({"idProperty": by} if by else {}), reads=True, priority=priority, hide=ids)

    async def known(self, object_: str) -> None:
        """Read the live schema unless it was read; before a write, so that nothing can fail after it."""
        if object_ not in self.types:
            await self.properties(object_)

    def reading(self, object_: str, answer: Answer, *, consistent: bool = False, bulk: bool = False) -> Reading:
        """Give what reads the rows of an answer, by the schema as it is known."""
        sent_at = answer.sent_at if consistent else None
        return Reading(self._system, self.types.get(object_, {}), self.app_id, answer.received_at, sent_at, bulk, object_)

    async def told(self, object_: str, ids: Sequence[str], fields: Sequence[str], *, priority: Priority = "normal") -> list[Item]:
        """Read records consistently, with who changed what when; a merged one gives its merge and the survivor, a deleted one that."""
        await self.known(object_)
        asked, items = numbered(ids), list[Item]()
        for start in range(0, len(asked), HISTORY_ROWS):
            items += await self._told(object_, asked[start : start + HISTORY_ROWS], fields, priority)
        return items

    async def _told(self, object_: str, asked: Sequence[str], fields: Sequence[str], priority: Priority) -> list[Item]:
        history = [*filter(SHAPES[object_].owns, fields), CONVERTED_AT, MERGED_IDS]
        answer = await self.read(object_, asked, wanted(fields, object_), history=history, priority=priority)
        reading, found = self.reading(object_, answer, consistent=True), records(answer.body)
        await self.link(object_, found, fields, priority=priority)
        became = {name: row for row in found for name in (*merged_ids(row), str(row["id"]))}
        left = [one for one in asked if one not in became]
        strange = [row for row in found if not {*merged_ids(row), str(row["id"])} & {*asked}]
        if strange and len(asked) == 1:  # asked by an old id, answered by a new one
            return [reading.merge(strange[0], asked), *reading.told(strange[0], fields)]
        known = {str(row["id"]): row for one in asked if (row := became.get(one))}
        items = [item for row in known.values() for item in reading.told(row, fields)]
        if strange:  # the answer is not positional: which old id led to which new one is known only by asking for each
            return items + [item for one in left for item in await self._told(object_, [one], fields, priority)]
        nowhere(left, answer.body)
        return items + (await self._deleted(object_, left, reading, priority) if left else [])

    async def _deleted(self, object_: str, ids: Sequence[str], reading: Reading, priority: Priority) -> list[Item]:
        answer = await self.read(object_, ids, [SHAPES[object_].modified], archived=True, priority=priority)
        at = {str(row["id"]): moment(row.get("archivedAt")) for row in records(answer.body)}
        nowhere([one for one in ids if one not in at], answer.body)
        told = [RecordDeleted(ref=reading.ref(one), at=at.get(one) or answer.sent_at, received_at=answer.received_at) for one in ids]
        kept = object_ == CONTACTS  # of these alone HubSpot knows two deletions, and keeps what was not erased for 90 days
        return [one.model_copy(update={"for_good": ident not in at if kept else None}) for one, ident in zip(told, ids, strict=True)]

    async def link(self, object_: str, found: Sequence[Row], fields: Sequence[str], *, priority: Priority = "normal") -> None:
        """Put those fields of records that are associations, or membership of lists, among their properties; consistent.

        HubSpot leaves out what is no property, and shows one without a value as null: what is left out may be gone, and is no blank.
        """
        if lacking := [name for name in fields if SHAPES[object_].owns(name) and any(name not in row["properties"] for row in found)]:
            await self.properties(object_)
            if gone := [name for name in lacking if name not in self.types[object_]]:
                raise Surprising(f"{object_}.{gone[0]} was asked for and is not there any more")
        if object_ == CONTACTS and found and (names := [name for name in fields if name.startswith(LIST)]):
            members = await self.memberships([str(row["id"]) for row in found], priority=priority)
            for row in found:
                row["properties"] |= {name: str(name.removeprefix(LIST) in members[str(row["id"])]).lower() for name in names}
        for name, other in SHAPES[object_].linked.items():
            if name in fields and found:
                links = await self.links(object_, [str(row["id"]) for row in found], other, priority=priority)
                for row in found:
                    row["properties"][name] = joined(name, links[str(row["id"])])

    async def links(
        self, object_: str, ids: Sequence[str], other: str, *, priority: Priority = "normal"
    ) -> dict[str, list[tuple[str, frozenset[int]]]]:
        """Read what records are associated with: id → (the other's id, type ids); that one has none is told as an error of its own."""
        found: dict[str, list[tuple[str, frozenset[int]]]] = {one: [] for one in ids}
        asked: list[Row] = [{"id": one} for one in found]
        pages = Onward("an association")
        while asked:
            body = {"inputs": asked}
            answer = await self.post(f"{self.paths['links']}/{object_}/{other}/batch/read", body, reads=True, priority=priority)
            told, asked = rows(answer.body), []
            for row in told:
                ident = str((row.get("from") or {}).get("id"))
                found.setdefault(ident, []).extend(_ends(row.get("to")))
                if after := next_page(row):
                    pages.at((ident, after))
                    asked.append({"id": ident, "after": after})
            none = [one for row in mappings(answer.body.get("errors")) for one in context(row, "fromObjectId")]
            if silent := {one["id"] for one in body["inputs"]} - {str((row.get("from") or {}).get("id")) for row in told} - {*none}:
                raise Surprising(f"the answer is silent about the associations of {len(silent)} records")
        return found

    async def memberships(self, ids: Sequence[str], *, priority: Priority = "normal") -> dict[str, frozenset[str]]:
        """Read which lists contacts are on: id → list ids."""
        found: dict[str, frozenset[str]] = {}
        for start in range(0, len(ids), MOST_LISTED):
            some = ids[start : start + MOST_LISTED]
            body = {"inputs": [{"objectTypeId": SHAPES[CONTACTS].type_id, "recordId": one} for one in some]}
            answer = await self.post(f"{self.paths['lists']}/records/memberships/batch/read", body, reads=True, priority=priority)
            for row in rows(answer.body):
                found[str(row.get("recordId"))] = frozenset(str(one.get("listId")) for one in mappings(row.get("recordListMemberships")))
            if silent := {*some} - found.keys():
                raise Surprising(f"the answer is silent about the lists of {len(silent)} records")
        return found

    async def hooks(self, key: str, part: str) -> Answer:
        """Read a part of our app's webhooks, its settings or subscriptions, by the developer account's key."""
        path = f"{self.paths['hooks']}/{self.app_id}/{part}"
        return _an_object(await self._session.call("GET", path, params={"hapikey": key}, authorised=False, hide=[key]))

    async def enlist(self, ident: str, add: Sequence[str], remove: Sequence[str], *, priority: Priority) -> frozenset[str]:
        """Put contacts on a static list and take others off: one attempt; gives those that are not there."""
        path, body = f"{self.paths['lists']}/{ident}/memberships/add-and-remove", {"recordIdsToAdd": add, "recordIdsToRemove": remove}
        answer = await self._session.call("PUT", path, json=body, idempotent=False, priority=priority)
        return frozenset(map(str, _an_object(answer, wrote=True).body.get("recordIdsMissing") or ()))

    async def write(self, object_: str, verb: str, inputs: Sequence[Row], *, priority: Priority) -> Answer:
        """Send a batch (`update` or `create`): one attempt."""
        hide = [value for row in inputs for value in row["properties"].values()]
        return await self.post(f"{self.at(object_)}/batch/{verb}", {"inputs": inputs}, priority=priority, hide=hide)

    async def tie(self, object_: str, other: str, pairs: Sequence[tuple[str, Row]], *, priority: Priority) -> Answer:
        """Associate records with others, (id, far end): one attempt; what is associated already stays so."""
        inputs = [{"from": {"id": own}, **far} for own, far in pairs]
        return await self.post(f"{self.paths['links']}/{object_}/{other}/batch/create", {"inputs": inputs}, priority=priority)

    async def properties(self, object_: str) -> list[Row]:
        """Read an object's live schema, and keep its types."""
        found = rows((await self.get(f"{self.paths['properties']}/{object_}", archived="false")).body)
        if not found:
            raise Surprising(f"{object_} have no properties, not even HubSpot's own")
        linked: dict[str, FieldType] = dict.fromkeys(SHAPES[object_].linked, "text")
        linked |= {f"{LIST}{one}": "flag" for one in self.lists if object_ == CONTACTS}
        self.types[object_] = {str(one["name"]): type_of(one) for one in found} | linked
        return found

    async def described(self, object_: str) -> list[FieldSeen]:
        """Read an object's live schema in full, associations and lists besides."""
        own = [seen(one) for one in await self.properties(object_)]
        lists = [FieldSeen(name=f"{LIST}{one}", type="flag") for one in self.lists if object_ == CONTACTS]
        return own + [FieldSeen(name=name, type="text") for name in SHAPES[object_].linked] + lists

    async def all(self, path: str, **params: str) -> list[Row]:
        """Read every page of a list."""
        found, pages = list[Row](), Onward("a list")
        after: str | None = ""
        while after is not None:
            pages.at(after)
            answer = await self.get(path, **params, **({"after": after} if after else {}))
            found += rows(answer.body)
            after = next_page(answer.body)
        return found

    def consent(self, email: str, tail: str = "") -> str:
        """Give the path of a person's subscriptions."""
        return f"{self.paths['consent']}/{quote(email, safe='')}{tail}"

    async def close(self) -> None:
        """Release every connection."""
        await self._session.close()


def _an_object(answer: Answer, *, wrote: bool = False) -> Answer:
    if isinstance(answer.body, dict) or answer.status == 204:
        return answer
    raise _strange("the answer is no JSON object", wrote)


def _strange(words: str, wrote: bool) -> ConnectorError:
    return Unavailable(f"{words}, so that what was done is not known", unknown_outcome=True) if wrote else Surprising(words)


def rows(body: Any, *, wrote: bool = False) -> list[Row]:
    """Give the rows of a list, a search or a batch; where it has none to speak of: Surprising, after a write an unknown outcome."""
    found = body.get("results") if isinstance(body, dict) else None
    if isinstance(found, list) and all(isinstance(row, dict) for row in found):
        return found
    raise _strange("the answer has no list of results", wrote)


def records(body: Any, *, wrote: bool = False) -> list[Row]:
    """Give rows that are records, with `id` and `properties`; raises as `rows` does."""
    found = rows(body, wrote=wrote)
    if all("id" in row and isinstance(row.setdefault("properties", {}), dict) for row in found):
        return found
    raise _strange("a record without id or properties", wrote)


def _ends(found: object) -> list[tuple[str, frozenset[int]]]:
    return [
        (str(one.get("toObjectId")), frozenset(kind["typeId"] for kind in mappings(one.get("associationTypes")) if "typeId" in kind))
        for one in mappings(found)
    ]


def next_page(body: Mapping[str, Any]) -> str | None:
    """Give the `after` of the next page, None at the end."""
    after = ((body.get("paging") or {}).get("next") or {}).get("after")
    return None if after is None else str(after)

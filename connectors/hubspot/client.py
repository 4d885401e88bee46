"""HubSpot's wire: paths by version, credentials, what its errors mean, the webhook signature, and the calls that Truce makes."""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from pydantic_core import from_json

from connectors.base import Breaker, Budget, Connection, FieldType, Forged, Item, Manifest, Priority
from connectors.errors import AuthExpired, ConnectorError, Surprising, Unavailable
from connectors.http import Answer, Bearer, Complaint, Dialect, Kind, Seen, Session, Token, scrub
from connectors.hubspot.mapping import CONVERTED_AT, MERGED_IDS, MODIFIED, OBJECT, Reading, merged_ids, millis, moment, type_of, wanted
from schemas.change import RecordDeleted
from schemas.write import FieldRefused

Row = dict[str, Any]


def _paths(crm: str, consent: str, version: str) -> dict[str, str]:
    return {
        "objects": f"{crm.format('objects')}/{OBJECT}", "properties": f"{crm.format('properties')}/{OBJECT}", "owners": crm.format("owners"),
        "consent": f"/communication-preferences/{consent}/statuses", "token": f"/oauth/{version}/token",
    }  # fmt: skip


PATHS: dict[str, dict[str, str]] = {
    "v3": _paths("/crm/v3/{}", "v4", "v3"),
    **{version: _paths(f"/crm/{{}}/{version}", version, version) for version in ("2026-03", "2026-09")},
}
"""Every path by `api_version`: HubSpot's numbered versions and its dated ones (WIRE: HubSpot CRM, versioning)."""
FORMS = "/form-integrations/v1/submissions/forms"
STALE_MS = 5 * 60 * 1000
HISTORY_ROWS = 50  # a batch read with history takes half as many inputs as one without
CODES: dict[str, Kind] = {
    "VALIDATION_ERROR": "rejected", "CONFLICT": "conflict", "CONFLICTING_UNIQUE_VALUE": "conflict", "OBJECT_NOT_FOUND": "gone",
    "RATE_LIMITS": "rate_limited", "RATE_LIMIT": "rate_limited", "EXPIRED_AUTHENTICATION": "auth_expired",
    "INVALID_AUTHENTICATION": "auth_expired", "BAD_REFRESH_TOKEN": "auth_expired", "MISSING_SCOPES": "auth_expired",
}  # fmt: skip
"""HubSpot's categories. A missing scope is no fault of any record: every call would fail alike, so it pauses and pages and parks nothing."""

_NESTED = re.compile(r"\[\s*\{.*\}\s*\]", re.DOTALL)
_EXISTING = re.compile(r"Existing ID:\s*(\d+)|(\d+) already has that value")
_PROPERTY = re.compile(r"[Pp]roperty [\"']?(\w+)[\"']? does not exist")
# What HubSpot decodes in the address before it signs (its guide "Validating requests").
_DECODED = {f"%{ord(char):02X}": char for char in ":/?@!$'()*,;"}
_ENCODED = re.compile("|".join(_DECODED), re.IGNORECASE)


def _mappings(found: object) -> list[Mapping[str, Any]]:
    return [row for row in found if isinstance(row, Mapping)] if isinstance(found, list) else []


def _nested(message: str) -> list[Mapping[str, Any]]:
    """Read the JSON inside "Property values were not valid: [{...}]"."""
    found = _NESTED.search(message)
    try:
        return _mappings(from_json(found.group())) if found else []
    except ValueError:
        return []


def context(row: Mapping[str, Any], name: str) -> list[str]:
    """Give a part of an error's context, which is a list of texts; empty where there is none."""
    whole = row.get("context")
    found = whole.get(name) if isinstance(whole, Mapping) else None
    return [str(one) for one in found] if isinstance(found, list) else []


def _refusal(row: Mapping[str, Any]) -> FieldRefused:
    words = str(row.get("message") or row.get("localizedErrorMessage") or "")
    names = [row.get("name"), row.get("propertyName"), *context(row, "propertyName"), *_PROPERTY.findall(words), row.get("in")]
    code = row.get("error") or row.get("code") or row.get("subCategory") or ""
    return FieldRefused(field=str(next(filter(None, names), "")), code=str(code), words=scrub(words))


def explain(status: int, body: Any) -> Complaint:
    """Read HubSpot's error body, of a call or of one row of a batch; every part of it may be missing."""
    if not isinstance(body, Mapping):
        return Complaint(kind="surprising" if status == 404 else None)
    message = str(body.get("message") or body.get("error_description") or "")
    if "error_description" in body:
        return Complaint(str(body.get("status") or body.get("error")), message, kind="auth_expired")
    code, told = str(body.get("category") or body.get("errorType") or ""), _nested(message) or _mappings(body.get("errors"))
    if code == "MISSING_SCOPES":
        return Complaint(code, f"{message} {', '.join(one for row in told for one in context(row, 'requiredGranularScopes'))}".strip())
    kind: Kind | None = "surprising" if status == 404 and code != "OBJECT_NOT_FOUND" else None
    if status == 429 or code.startswith("RATE_LIMIT"):
        return Complaint(code, message, "daily" if body.get("policyName") == "DAILY" else "rate_limited")
    refused = tuple(map(_refusal, told or [body])) if code == "VALIDATION_ERROR" else ()
    if refused and all(one.code == "CONFLICTING_UNIQUE_VALUE" for one in refused):
        kind = "conflict"
    existing = tuple(dict.fromkeys(one or other for one, other in _EXISTING.findall(message + str(told))))
    words = "; ".join(f"{one.field}: {one.words}" for one in refused if one.field) or message
    return Complaint(code, words, kind, existing=existing, refused=refused)


def limits(headers: Mapping[str, str]) -> Iterator[Seen]:
    """Read the X-HubSpot-RateLimit-* headers; search and OAuth answers lack some or all of them."""
    for quota, most, left in (("calls", "max", "remaining"), ("daily", "daily", "daily-remaining")):
        limit, rest = headers.get(f"x-hubspot-ratelimit-{most}", ""), headers.get(f"x-hubspot-ratelimit-{left}", "")
        window = headers.get("x-hubspot-ratelimit-interval-milliseconds", "10000")
        if limit.isdigit() and rest.isdigit() and (quota == "daily" or window == "10000"):
            yield Seen(quota, used=max(0, int(limit) - int(rest)), limit=int(limit))


DIALECT = Dialect(explain=explain, codes=CODES, limits=limits)


def signed(secret: str, method: str, uri: str, body: bytes, stamp: str) -> bytes:
    """Give the v3 signature: base64(HMAC-SHA256(secret, METHOD + URI + body + timestamp)), the URI with twelve characters decoded."""
    plain = _ENCODED.sub(lambda found: _DECODED[found.group().upper()], uri)
    text = f"{method.upper()}{plain}".encode(errors="surrogatepass") + body + stamp.encode()
    return base64.b64encode(hmac.new(secret.encode(), text, sha256).digest())


def verify(secrets: str, method: str, uri: str, headers: Mapping[str, str], body: bytes, *, now: datetime) -> None:
    """Raise Forged unless one of the secrets (separated by white space) signed this call within five minutes of now, either way."""
    given = {name.lower(): value for name, value in headers.items()}
    signature, stamp = given.get("x-hubspot-signature-v3", ""), given.get("x-hubspot-request-timestamp", "")
    if not signature or not re.fullmatch(r"[0-9]{1,15}", stamp):
        raise Forged("the v3 signature or its timestamp is missing")
    if abs(millis(now) - int(stamp)) > STALE_MS:
        raise Forged("the timestamp is more than five minutes away")
    sent = signature.encode(errors="surrogatepass")
    if not any([hmac.compare_digest(signed(secret, method, uri, body, stamp), sent) for secret in secrets.split()]):  # noqa: C419
        raise Forged("the signature is wrong")  # every secret was tried, so that the time tells nothing


class Client:
    """The calls to one HubSpot account."""

    def __init__(self, connection: Connection, budget: Budget, breaker: Breaker, manifest: Manifest) -> None:
        version = connection.options.get("api_version", "v3")
        if version not in PATHS:
            raise ValueError(f"{connection.system}: api_version {version!r} is none of {', '.join(PATHS)}")
        fixed, self._refresh = connection.secrets.get("token", ""), connection.secrets.get("refresh_token", "")
        if not fixed and not self._refresh:
            raise ValueError(f"{connection.system}: needs the secret token, or client_id, client_secret and refresh_token")
        self.paths, self.app_id, self._system = PATHS[version], connection.options.get("app_id"), connection.system
        self.types: dict[str, FieldType] = {}  # the live schema as it was last read; empty before that
        self._apps_own = {name: connection.secrets.get(name, "") for name in ("client_id", "client_secret")}
        self._page_rows = int(connection.options.get("page_rows", "100"))
        bearer = Bearer(fixed=fixed) if fixed else Bearer(self._mint)
        self._session = Session(
            connection, budget, breaker, dialect=DIALECT, bearer=bearer, quotas=("calls", "daily"), in_flight=manifest.in_flight
        )  # fmt: skip

    async def _mint(self) -> Token:
        form = {"grant_type": "refresh_token", **self._apps_own, "refresh_token": self._refresh}
        answer = _an_object(await self._session.call("POST", self.paths["token"], form=form, idempotent=True, authorised=False))
        if not isinstance(answer.body.get("access_token"), str):
            raise AuthExpired("the token answer has no access_token", status=answer.status)
        self._refresh = answer.body.get("refresh_token") or self._refresh
        return Token(answer.body["access_token"], float(answer.body.get("expires_in") or 1800))

    async def get(self, path: str, **params: str) -> Answer:
        """Read something; the answer's body is an object."""
        return _an_object(await self._session.call("GET", path, params=params))

    async def post(self, path: str, body: Any, *, reads: bool = False, priority: Priority = "normal", hide: Iterable[Any] = ()) -> Answer:
        """Send something: `reads` may be sent again, a write is one attempt; no error quotes the values in `hide`."""
        answer = await self._session.call("POST", path, json=body, idempotent=reads, priority=priority, hide=hide)
        return _an_object(answer, wrote=not reads)

    async def search(self, filters: Sequence[Mapping[str, Any]], *, sort: str) -> Answer:
        """Find the first contacts that match, with their times; eventually consistent. The schema requires all five fields."""
        body = {"filterGroups": [{"filters": filters}], "sorts": [sort], "properties": [MODIFIED], "limit": self._page_rows, "after": "0"}
        path, quotas = self.paths["objects"] + "/search", ("search", "calls", "daily")
        return _an_object(await self._session.call("POST", path, json=body, idempotent=True, quotas=quotas))

    async def page(self, after: str | None, properties: Sequence[str], *, archived: bool = False) -> Answer:
        """Read one page of all records, or of all archived ones; consistent."""
        params = {"limit": str(self._page_rows), "archived": str(archived).lower(), "properties": ",".join(properties)}
        return await self.get(self.paths["objects"], **params, **({"after": after} if after else {}))

    async def read(
        self, ids: Sequence[str], properties: Sequence[str], *, by: str | None = None, history: Sequence[str] = (), archived: bool = False,
        priority: Priority = "normal",
    ) -> Answer:  # fmt: skip
        """Read up to 100 records (50 with history) by id, or by the unique property `by`; consistent. Missing ones are left out."""
        body = {"inputs": [{"id": one} for one in ids], "properties": list(properties), "propertiesWithHistory": list(history)}
        path = self.paths["objects"] + "/batch/read" + ("?archived=true" if archived else "")
        return await self.post(path, body | ({"idProperty": by} if by else {}), reads=True, priority=priority, hide=ids)

    async def known(self) -> None:
        """Read the live schema unless it was read; before a write, so that nothing can fail after it."""
        if not self.types:
            await self.properties()

    def reading(self, answer: Answer, *, consistent: bool = False, bulk: bool = False) -> Reading:
        """Give what reads the rows of an answer, by the schema as it is known."""
        return Reading(self._system, self.types, self.app_id, answer.received_at, answer.sent_at if consistent else None, bulk)

    async def told(self, ids: Sequence[str], fields: Sequence[str], *, priority: Priority = "normal") -> list[Item]:
        """Read contacts consistently, with who changed what when; a merged one gives its merge and the survivor, a deleted one that."""
        await self.known()
        asked, items = list(dict.fromkeys(ids)), list[Item]()
        for start in range(0, len(asked), HISTORY_ROWS):
            items += await self._told(asked[start : start + HISTORY_ROWS], fields, priority)
        return items

    async def _told(self, asked: Sequence[str], fields: Sequence[str], priority: Priority) -> list[Item]:
        answer = await self.read(asked, wanted(fields), history=[*fields, CONVERTED_AT, MERGED_IDS], priority=priority)
        reading, found = self.reading(answer, consistent=True), contacts(answer.body)
        became = {name: row for row in found for name in (*merged_ids(row), str(row["id"]))}
        left = [one for one in asked if one not in became]
        strange = [row for row in found if not {*merged_ids(row), str(row["id"])} & {*asked}]
        if strange and len(asked) == 1:  # asked by an old id, answered by a new one
            return [reading.merge(strange[0], asked), *reading.told(strange[0], fields)]
        known = {str(row["id"]): row for one in asked if (row := became.get(one))}
        items = [item for row in known.values() for item in reading.told(row, fields)]
        if strange:  # the answer is not positional: which old id led to which new one is known only by asking for each
            return items + [item for one in left for item in await self._told([one], fields, priority)]
        _nowhere(left, answer.body)
        return items + await self._deleted(left, reading, priority)

    async def _deleted(self, ids: Sequence[str], reading: Reading, priority: Priority) -> list[Item]:
        if not ids:
            return []
        answer = await self.read(ids, [MODIFIED], archived=True, priority=priority)
        at = {str(row["id"]): moment(row.get("archivedAt")) for row in contacts(answer.body)}
        _nowhere([one for one in ids if one not in at], answer.body)
        return [RecordDeleted(ref=reading.ref(one), at=at.get(one) or answer.sent_at, received_at=answer.received_at) for one in ids]

    async def write(self, verb: str, inputs: Sequence[Row], *, priority: Priority) -> Answer:
        """Send a batch (`update` or `create`): one attempt."""
        hide = [value for row in inputs for value in row["properties"].values()]
        return await self.post(f"{self.paths['objects']}/batch/{verb}", {"inputs": inputs}, priority=priority, hide=hide)

    async def properties(self) -> list[Row]:
        """Read the live schema, and keep its types."""
        found = rows((await self.get(self.paths["properties"], archived="false")).body)
        if not found:
            raise Surprising("contacts have no properties, not even HubSpot's own")
        self.types = {str(one["name"]): type_of(one) for one in found}
        return found

    async def all(self, path: str, **params: str) -> list[Row]:
        """Read every page of a list."""
        found: list[Row] = []
        after: str | None = ""
        while after is not None:
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


def contacts(body: Any, *, wrote: bool = False) -> list[Row]:
    """Give rows that are contacts, with `id` and `properties`; raises as `rows` does."""
    found = rows(body, wrote=wrote)
    if all("id" in row and isinstance(row.setdefault("properties", {}), dict) for row in found):
        return found
    raise _strange("a contact without id or properties", wrote)


def _nowhere(ids: Iterable[str], body: Mapping[str, Any]) -> None:
    """Raise Surprising unless a batch read says of each of these that there is none: one that is only left out may well be there."""
    errors = (row for row in _mappings(body.get("errors")) if row.get("category") == "OBJECT_NOT_FOUND")
    if left := {*ids}.difference(*(context(row, "ids") for row in errors)):
        raise Surprising(f"the answer leaves out {len(left)} of the records that were asked for, and does not say why")


def next_page(body: Mapping[str, Any]) -> str | None:
    """Give the `after` of the next page, None at the end."""
    after = ((body.get("paging") or {}).get("next") or {}).get("after")
    return None if after is None else str(after)

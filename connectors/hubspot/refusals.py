"""How HubSpot says no: what its categories, words and rate headers mean to us."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from pydantic_core import from_json

from connectors.errors import Surprising
from connectors.http import STATUSES, Complaint, Dialect, Kind, Seen, scrub
from schemas.write import FieldRefused

CODES: dict[str, Kind] = {
    "VALIDATION_ERROR": "rejected", "CONFLICT": "conflict", "OBJECT_NOT_FOUND": "gone",
    "RATE_LIMITS": "rate_limited", "RATE_LIMIT": "rate_limited", "EXPIRED_AUTHENTICATION": "auth_expired",
    "INVALID_AUTHENTICATION": "auth_expired", "BAD_REFRESH_TOKEN": "auth_expired", "MISSING_SCOPES": "auth_expired",
}  # fmt: skip
"""HubSpot's categories. A missing scope is no fault of any record: every call would fail alike, so it pauses and pages and parks nothing."""

MIGRATION = 477
"""HubSpot moves the account to another data centre, and says when to come again, up to a day later (its guide "Error handling")."""

_NESTED = re.compile(r"\[\s*\{.*\}\s*\]", re.DOTALL)
_FIGURE = re.compile("[0-9]{1,12}")
_EXISTING = re.compile(r"Existing ID:\s*(\d+)|(\d+) already has that value")
_PROPERTY = re.compile(r"[Pp]roperty [\"']?(\w+)[\"']? does not exist")


def mappings(found: object) -> list[Mapping[str, Any]]:
    """Give what of a list are objects; nothing of what is no list."""
    return [row for row in found if isinstance(row, Mapping)] if isinstance(found, list) else []


def _nested(message: str) -> list[Mapping[str, Any]]:
    """Read the JSON inside "Property values were not valid: [{...}]"."""
    found = _NESTED.search(message)
    try:
        return mappings(from_json(found.group())) if found else []
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
    code, told = str(body.get("category") or body.get("errorType") or ""), _nested(message) or mappings(body.get("errors"))
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


def nowhere(ids: Iterable[str], body: Mapping[str, Any]) -> None:
    """Raise Surprising unless a batch read says of each of these that there is none: one that is only left out may well be there."""
    errors = (row for row in mappings(body.get("errors")) if row.get("category") == "OBJECT_NOT_FOUND")
    if left := {*ids}.difference(*(context(row, "ids") for row in errors)):
        raise Surprising(f"the answer leaves out {len(left)} of the records that were asked for, and does not say why")


def limits(headers: Mapping[str, str]) -> Iterator[Seen]:
    """Read the X-HubSpot-RateLimit-* headers; search and OAuth answers lack some or all of them."""
    for quota, most, left in (("calls", "max", "remaining"), ("daily", "daily", "daily-remaining")):
        limit, rest = headers.get(f"x-hubspot-ratelimit-{most}", ""), headers.get(f"x-hubspot-ratelimit-{left}", "")
        window = headers.get("x-hubspot-ratelimit-interval-milliseconds", "10000")
        if _FIGURE.fullmatch(limit) and _FIGURE.fullmatch(rest) and (quota == "daily" or window == "10000"):
            yield Seen(quota, used=max(0, int(limit) - int(rest)), limit=int(limit))


DIALECT = Dialect(explain=explain, codes=CODES, statuses={**STATUSES, MIGRATION: "rate_limited"}, limits=limits)


def dialect(daily: int | None) -> Dialect:
    """Give how HubSpot speaks of trouble; `daily`: how many calls a day has, as an option says it, for answers whose headers do not."""

    def told(headers: Mapping[str, str]) -> Iterator[Seen]:
        yield from limits(headers)
        if daily is not None and "x-hubspot-ratelimit-daily" not in headers:
            yield Seen("daily", limit=daily)

    return replace(DIALECT, limits=told)

"""How Salesforce says no: its codes as a table, the words and ids that an error carries, and what its headers say of the day's calls."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from connectors.http import Complaint, Dialect, Kind, Seen
from connectors.salesforce import mapping
from schemas.base import Scalar
from schemas.write import FieldRefused

CODES: Mapping[str, Kind] = {
    "INVALID_SESSION_ID": "auth_expired", "INVALID_AUTH_HEADER": "auth_expired", "INVALID_LOGIN": "auth_expired", "API_DISABLED_FOR_ORG": "auth_expired",
    "invalid_client": "auth_expired", "invalid_client_id": "auth_expired", "invalid_grant": "auth_expired", "inactive_user": "auth_expired",
    "inactive_org": "auth_expired", "unsupported_grant_type": "auth_expired", "invalid_request": "auth_expired", "access_denied": "auth_expired",
    "REQUEST_LIMIT_EXCEEDED": "daily", "UNABLE_TO_LOCK_ROW": "unavailable", "SERVER_UNAVAILABLE": "unavailable", "QUERY_TIMEOUT": "unavailable",
    "UNKNOWN_EXCEPTION": "unavailable", "API_CURRENTLY_DISABLED": "unavailable", "ALL_OR_NONE_OPERATION_ROLLED_BACK": "unavailable",
    "DUPLICATES_DETECTED": "conflict", "DUPLICATE_VALUE": "conflict", "DUPLICATE_EXTERNAL_ID": "conflict", "PRECONDITION_FAILED": "conflict",
    "NOT_FOUND": "gone", "ENTITY_IS_DELETED": "gone", "CANNOT_UPDATE_CONVERTED_LEAD": "gone", "INVALID_CROSS_REFERENCE_KEY": "gone",
    "MALFORMED_QUERY": "surprising", "INVALID_TYPE": "surprising", "INVALID_QUERY_FILTER_OPERATOR": "surprising",
}  # fmt: skip
"""Salesforce's code → what happens next; any other code is `rejected`, or what the status says."""

_USAGE = re.compile(r"(?:^|[,;\s])api-usage=([0-9]{1,12})/([0-9]{1,12})(?![0-9])")
_COLUMN = re.compile(r"No such column '([^']+)'")
_RECORD = re.compile(r"with id: ([A-Za-z0-9]{15,18})")
MOVED = "PRECONDITION_FAILED"
PASSING: frozenset[Kind] = frozenset({"unavailable", "rate_limited", "daily", "auth_expired"})
"""What is no fault of the row: the same is taken later."""


def complaint(error: Mapping[str, Any], values: Mapping[str, Scalar] | None = None, object_: str = "Lead") -> Complaint:
    """Read one error of a call (`errorCode`), a row (`statusCode`) or the token (`error`); `values` are the row's, by field."""
    code = str(error.get("errorCode") or error.get("statusCode") or error.get("error") or "")
    words, values = str(error.get("message") or error.get("error_description") or code), values or {}
    fields = [str(name) for name in error.get("fields") or ()] or _named(code, words, values)
    kind: Kind | None = None
    if code == "REQUEST_LIMIT_EXCEEDED" and "Concurrent" in words:
        kind = "rate_limited"  # too many long requests at once, not the day's quota
    elif code == "INVALID_CROSS_REFERENCE_KEY" and fields:
        kind = "rejected"  # a reference in the row is wrong, not the row's own id
    refused = tuple(FieldRefused(field=name, value=values.get(name), code=code, words=words) for name in fields or [""])
    matched = _matched(error)
    own = [ident for name, ident in matched if name == object_] + [ident for one in _RECORD.findall(words) if (ident := mapping.id18(one))]
    beside = tuple(one for one in matched if one[0] != object_)
    return Complaint(code, words, kind, existing=tuple(dict.fromkeys(own)), beside=beside, refused=refused)


def _named(code: str, words: str, values: Mapping[str, Scalar]) -> list[str]:
    """Find the field that an error is about where it lists none."""
    if found := _COLUMN.search(words):
        return [found[1]]
    if code in ("INVALID_CROSS_REFERENCE_KEY", "INACTIVE_OWNER_OR_USER") and "OwnerId" in values:
        return ["OwnerId"]
    return []


def _matched(error: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Give the records that a duplicate rule names, (object, id), each once; some releases spell the key "duplicateResut"."""
    result = error.get("duplicateResult") or error.get("duplicateResut") or {}
    named = [
        (str(match.get("entityType") or ""), mapping.id18(str(one.get("record", {}).get("Id", ""))))
        for match in result.get("matchResults", ())
        for one in match.get("matchRecords", ())
    ]
    return list(dict.fromkeys((object_, ident) for object_, ident in named if object_ and ident))


def explain(status: int, body: Any) -> Complaint:
    """Read the error of a whole call: a list of errors, or the token endpoint's object; anything else has no words."""
    first = body[0] if isinstance(body, list) and body else body
    try:
        return complaint(first) if isinstance(first, dict) else Complaint()
    except (AttributeError, TypeError):
        return Complaint()


def _limits(headers: Mapping[str, str]) -> Iterable[Seen]:
    found = _USAGE.search(headers.get("sforce-limit-info", ""))
    return (Seen("daily", int(found[1]), int(found[2])),) if found else ()


DIALECT = Dialect(explain=explain, codes=CODES, limits=_limits)

"""How HubSpot says no: one exception for every refused call or row, and its body on the wire."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

SCOPES_PAGE = "https://developers.hubspot.com/scopes"


@dataclass(frozen=True)
class Problem:
    """One property value that was not taken: HubSpot's code and words."""

    name: str
    code: str
    words: str

    def embedded(self) -> dict[str, Any]:
        """Give the form that stands as JSON inside the message of a validation error."""
        return {"isValid": False, "message": self.words, "error": self.code, "name": self.name, "localizedErrorMessage": self.words}

    def detail(self) -> dict[str, Any]:
        """Give the form that stands in `errors`."""
        return {"message": self.words, "code": self.code, "in": self.name, "context": {"propertyName": [self.name]}}


@dataclass
class Refused(Exception):
    """A call, or one row of a batch, that HubSpot does not take."""

    status: int
    category: str
    words: str
    details: Sequence[Mapping[str, Any]] = ()
    context: Mapping[str, Sequence[str]] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        """Give the body of the whole-call error; parts without content are left out, as HubSpot does."""
        found: dict[str, Any] = {"status": "error", "message": self.words, "correlationId": str(uuid.uuid4())}
        parts = {"context": self.context, "errors": list(self.details), "links": self.links, "category": self.category}
        return found | {name: part for name, part in parts.items() if part} | dict(self.more)

    def row(self, trace: str | None) -> dict[str, Any]:
        """Give the entry of `errors` in a 207 answer; `trace` is the row's objectWriteTraceId."""
        context = dict(self.context) | ({"objectWriteTraceId": [trace]} if trace else {})
        return {
            "status": "error",
            "category": self.category,
            "message": self.words,
            "context": context,
            "errors": list(self.details),
            "links": dict(self.links),
        }


def invalid(problems: Sequence[Problem]) -> Refused:
    """Refuse property values."""
    embedded = json.dumps([problem.embedded() for problem in problems], separators=(",", ":"))
    return Refused(400, "VALIDATION_ERROR", f"Property values were not valid: {embedded}", [problem.detail() for problem in problems])


def incomplete(singular: str, names: Sequence[str]) -> Refused:
    """Refuse a new record without what its object needs."""
    words = f"Error creating {singular.upper()}. Some required properties were not set."
    return Refused(400, "VALIDATION_ERROR", words, context={"properties": list(names)})


def malformed(words: str) -> Refused:
    """Refuse a request whose form is wrong."""
    return Refused(400, "VALIDATION_ERROR", words)


def no_json() -> Refused:
    """Refuse a body that is not said to be JSON."""
    return Refused(415, "", "Unsupported Media Type")


def missing(words: str = "resource not found") -> Refused:
    """Refuse because there is no such thing."""
    return Refused(404, "OBJECT_NOT_FOUND", words)


def taken(existing: int) -> Refused:
    """Refuse an e-mail address that another contact has (words as in hubspot-api-nodejs#545)."""
    return Refused(409, "CONFLICT", f"Contact already exists. Existing ID: {existing}")


def not_unique(portal: int, singular: str, name: str, value: str, existing: int) -> Refused:
    """Refuse a value of a unique property that another record has."""
    where = f"portalId={portal}, objectTypeId=ObjectTypeId{{legacyObjectType={singular.upper()}}}, propertyName={name}, value={value}"
    words = f"Cannot set PropertyValueCoordinates{{{where}}}. {existing} already has that value."
    return Refused(400, "VALIDATION_ERROR", words, [Problem(name, "CONFLICTING_UNIQUE_VALUE", words).detail()])


def throttled(policy: str) -> Refused:
    """Refuse because a limit is reached; `policy` is TEN_SECONDLY_ROLLING, SECONDLY or DAILY."""
    more = {"errorType": "RATE_LIMIT", "policyName": policy, "requestId": str(uuid.uuid4())}
    return Refused(429, "RATE_LIMITS", f"You have reached your {policy.lower()} limit.", more=more)


def scopeless(scope: str) -> Refused:
    """Refuse because the app lacks a scope."""
    words = f"This app hasn't been granted all required scopes to make this call. Read more about required scopes here: {SCOPES_PAGE}."
    detail = {"message": "One or more of the following scopes are required.", "context": {"requiredGranularScopes": [scope]}}
    return Refused(403, "MISSING_SCOPES", words, [detail], links={"scopes": SCOPES_PAGE})

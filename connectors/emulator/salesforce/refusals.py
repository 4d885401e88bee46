"""How Salesforce says no: one error in its two spellings, `errorCode` for a single row and `statusCode` inside a collection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_STATUS = {
    "INVALID_SESSION_ID": 401,
    "REQUEST_LIMIT_EXCEEDED": 403,
    "FORBIDDEN": 403,
    "NOT_FOUND": 404,
    "ENTITY_IS_DELETED": 404,
    "METHOD_NOT_ALLOWED": 405,
    "JOB_NOT_COMPLETE": 412,
    "PRECONDITION_FAILED": 412,
    "UNSUPPORTED_MEDIA_TYPE": 415,
    "SERVER_UNAVAILABLE": 503,
}


@dataclass(frozen=True)
class Refusal:
    """One error: the vendor's code, its words, the fields it is about, and what some codes carry besides."""

    code: str
    message: str
    fields: tuple[str, ...] | None = ()
    """None where the vendor leaves the key out (errors about the request, not about a row)."""
    extra: Mapping[str, object] = field(default_factory=dict)

    def body(self, key: str) -> dict[str, object]:
        """Give the error with its code under `errorCode` or `statusCode`."""
        shown: dict[str, object] = {**self.extra, key: self.code, "message": self.message}
        if self.fields is not None:
            shown["fields"] = list(self.fields)
        return shown


class Refused(Exception):
    """The request, or one of its rows, is refused; nothing of it was applied."""

    def __init__(self, *refusals: Refusal) -> None:
        super().__init__(refusals[0].code)
        self.refusals = refusals

    @property
    def status(self) -> int:
        """The HTTP status of a request that failed with this."""
        return _STATUS.get(self.refusals[0].code, 400)

    def bodies(self, key: str) -> list[dict[str, object]]:
        """Give all errors as they stand in an answer."""
        return [refusal.body(key) for refusal in self.refusals]


class Unreadable(Refused):
    """The JSON does not fit the schema (a word in a number field): Salesforce refuses the whole request, all rows of a collection."""


def refused(code: str, message: str, fields: Sequence[str] | None = ()) -> Refused:
    """Make the usual refusal of one error."""
    return Refused(Refusal(code, message, None if fields is None else tuple(fields)))


def hidden(name: str) -> Refused:
    """Make the refusal of an object that the asking user may not see: it is as if there were none."""
    return refused("INVALID_TYPE", f"sObject type '{name}' is not supported.", None)


def not_found(message: str = "The requested resource does not exist") -> Refused:
    """Make the refusal of a path or record that is not there."""
    return refused("NOT_FOUND", message, None)

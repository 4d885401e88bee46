"""How vendors speak of trouble: tables from their statuses and codes to our errors, and their words without secrets or personal values."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal, NamedTuple

from connectors.errors import AuthExpired, Conflict, ConnectorError, Gone, RateLimited, Rejected, Surprising, Unavailable
from schemas.write import FieldRefused

Kind = Literal["unavailable", "rate_limited", "daily", "auth_expired", "rejected", "conflict", "gone", "surprising"]
"""What happens next: the errors of `connectors.errors`; `daily` is RateLimited(daily=True)."""

STATUSES: Mapping[int, Kind] = {
    400: "rejected", 401: "auth_expired", 403: "rejected", 404: "gone", 408: "unavailable", 409: "conflict", 410: "gone", 412: "conflict",
    413: "rejected", 422: "rejected", 423: "unavailable", 425: "unavailable", 429: "rate_limited",
}  # fmt: skip
"""HTTP's own meaning of a status; 5xx is `unavailable`, anything else is `surprising`. A vendor's dialect extends it."""

_EMAIL = re.compile(r"[^\s@<>\"(),;:=]{1,64}@[^\s@<>\"'(),;:]{1,255}")
_PHONE = re.compile(r"(?<![\w:.])(?:\+\d|\(\d{2,5}\))[\d ().\-/]{5,}\d")
_SECRET = re.compile(r"(?i)\b(bearer|(?:access|refresh)?_?token|client_secret|api_?key|password)\b([\"']?\s*[:=]?\s*)[^\s\"',;&]{6,}")
_TOKEN = re.compile(r"(?=[\w.!+/=-]*\d)(?=[\w.!+/=-]*[A-Za-z])[\w.!+/=-]{40,}")


_NEVER = set[str]()


def never(values: Iterable[str]) -> tuple[str, ...]:
    """Let no words quote these from now on, whoever says them of whatever: the secrets of a connection, of eight characters and longer."""
    values = tuple(values)
    _NEVER.update(one for one in values if len(one) >= 8)
    return values


def scrub(text: str, hide: Iterable[object] = ()) -> str:
    """Give a vendor's words without secrets, tokens, e-mail addresses, phone numbers and the values in `hide` (four characters and longer).

    300 characters at most.
    """
    text = text[:4000]  # what comes from outside may be of any length
    for value in sorted({*(str(one) for one in hide if one is not None and len(str(one)) > 3), *_NEVER}, key=len, reverse=True):
        text = text.replace(value, "…")
    text = _PHONE.sub("…", _SECRET.sub(r"\1\2…", _EMAIL.sub("…", text)))
    text = " ".join(_TOKEN.sub("…", text).split())
    return text if len(text) <= 300 else text[:299] + "…"


LONGEST_WAIT_S = 86_400.0
"""So long anybody is waited for at most, a day's quota: what a server asks for beyond that (years, infinity) is a mistake or meant ill."""
AGAIN_S = 300.0
"""So long who was told to wait does, before it asks again: an hour that is up sooner, or was a mistake, is found out in minutes."""


class Complaint(NamedTuple):
    """What a vendor said of a failure: its code and words; `kind` and the rest only where the vendor's code alone does not say it."""

    code: str = ""
    words: str = ""
    kind: Kind | None = None
    retry_after: float | None = None
    existing: tuple[str, ...] = ()
    beside: tuple[tuple[str, str], ...] = ()
    became: str | None = None
    refused: tuple[FieldRefused, ...] = ()


class Seen(NamedTuple):
    """What a vendor's headers say of one quota."""

    quota: str
    used: int | None = None
    limit: int | None = None


def _no_words(status: int, body: Any) -> Complaint:
    return Complaint()


def _as_it_is(status: int, body: Any) -> int:
    return status


def _no_limits(headers: Mapping[str, str]) -> Iterable[Seen]:
    return ()


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Read a Retry-After header, in seconds or as a date; None when there is none that can be read."""
    text = headers.get("retry-after", "")
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - now).total_seconds()) if text else None
    except (ValueError, TypeError, OverflowError):
        return None


@dataclass(frozen=True)
class Dialect:
    """How one vendor speaks of trouble, as tables: its codes beat the statuses; `explain(status, body)` never raises."""

    explain: Callable[[int, Any], Complaint] = _no_words
    codes: Mapping[str, Kind] = field(default_factory=dict)
    statuses: Mapping[int, Kind] = field(default_factory=lambda: STATUSES)
    limits: Callable[[Mapping[str, str]], Iterable[Seen]] = _no_limits
    meant: Callable[[int, Any], int] = _as_it_is
    """The status that an answer means, for vendors that send 200 with a failure inside: 401 renews the token, 429 waits. Never raises."""
    asked: Callable[[Mapping[str, str], datetime], float | None] = retry_after
    """How long (s) the headers of a refusal ask to wait, seen from a moment; None where they do not say. Never raises."""
    wait_s: float = 10.0
    """How long to wait after a refusal for rate that names no time."""
    daily_wait_s: float = 900.0

    def kind(self, complaint: Complaint, status: int | None) -> Kind:
        """Say what happens next: the complaint's own kind, else its code's, else the status's."""
        known = complaint.kind or self.codes.get(complaint.code)
        if known or status is None:
            return known or "rejected"
        return self.statuses.get(status) or ("unavailable" if status >= 500 else "surprising")

    def error(
        self, complaint: Complaint, status: int | None = None, *, unknown_outcome: bool = False, hide: Iterable[object] = ()
    ) -> ConnectorError:
        """Build the error for a whole call (`status`) or for one row of a batch (None), its words scrubbed."""
        words = scrub(complaint.words or complaint.code or f"HTTP {status}", hide)
        code = scrub(complaint.code)[:80]
        match kind := self.kind(complaint, status):
            case "unavailable":
                told = min(AGAIN_S, complaint.retry_after or 0.0)
                return Unavailable(words, code=code, status=status, unknown_outcome=unknown_outcome, asked_s=told)
            case "rate_limited" | "daily":
                wait = self.daily_wait_s if kind == "daily" else self.wait_s
                wait = wait if complaint.retry_after is None else min(LONGEST_WAIT_S, complaint.retry_after)
                return RateLimited(words, code=code, status=status, retry_after=min(AGAIN_S, wait), daily=kind == "daily", asked_s=wait)
            case "auth_expired":
                return AuthExpired(words, code=code, status=status)
            case "rejected":
                refused = tuple(one.model_copy(update={"words": scrub(one.words, hide)}) for one in complaint.refused)
                return Rejected(words, code=code, status=status, refused=refused)
            case "conflict":
                return Conflict(words, code=code, status=status, existing=complaint.existing, beside=complaint.beside)
            case "gone":
                return Gone(words, code=code, status=status, became=complaint.became)
            case "surprising":
                return Surprising(words, code=code, status=status)

"""Values as conditions take them: what is blank or of another kind is nothing, numbers are doubles, moments are texts."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from sync.playbook.models.base import Value, Values

NUMBER, FLAG, TIME = "number", "flag", "time"


def raw(values: Values, name: str) -> Value:
    """Give a value as it stands; `email_domain` is taken from `email` where nobody worked it out."""
    found = values.get(name)
    if found is None and name == "email_domain":
        email = values.get("email")
        return email.rpartition("@")[2] if isinstance(email, str) and "@" in email else None
    return found


def double(value: object) -> float | None:
    """Give a number as a double; None for what is none, or has no double."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        made = float(value)
    except OverflowError:
        return None
    return None if math.isnan(made) else made


def iso(ms: int) -> str | None:
    """Give a moment in ms as its ISO text, as shared fields have it."""
    try:
        return datetime.fromtimestamp(ms / 1000, UTC).isoformat().replace("+00:00", "Z")
    except (OverflowError, ValueError, OSError):
        return None


def plain(value: Value, kind: str) -> str | float | bool | None:
    """Give a value as its kind has it, None when it is blank or of another kind."""
    if kind == NUMBER:
        return double(value)
    if kind == FLAG:
        return value if isinstance(value, bool) else None
    if isinstance(value, str):
        return value or None
    return iso(value) if kind == TIME and isinstance(value, int) and not isinstance(value, bool) else None


def milliseconds(now: Value) -> float | None:
    """Give a moment in ms, from ms or from an ISO text; None for anything else."""
    if isinstance(now, str):
        seconds = instant(now)
        return None if seconds is None else seconds * 1000
    return double(now)


def instant(text: str) -> float | None:
    """Give an ISO day or moment as seconds since 1970 (UTC where it names no zone); None for what is none."""
    if len(text) > 40:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def key(values: Values, name: str) -> Value:
    """Give a value as guards have it: numbers as doubles."""
    found = raw(values, name)
    return double(found) if isinstance(found, int | float) and not isinstance(found, bool) else found

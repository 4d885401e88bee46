"""Whether a value is one of its field's type, an id one of a record, a record as it was known: what a vendor would bend, refuse a whole batch for, or
take over somebody else's edit, is found before it is sent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import date, datetime

from connectors.base import Failed, FieldType, RowOutcome, Update
from connectors.errors import Conflict
from schemas.base import Scalar

_LONGEST_ID = 19
"""Digits from which a number may have more than 64 bits."""


def misfit(value: Scalar, type_: FieldType | None) -> str | None:
    """Say why a value cannot be one of a type; None where it can, and for a type that is not known any text can."""
    if value is None:
        return "a flag cannot be blank" if type_ == "flag" else None
    if type_ == "number":
        return None if isinstance(value, int | float) and not isinstance(value, bool) else "not a number"
    if type_ == "flag":
        return None if isinstance(value, bool) else "neither true nor false"
    if type_ in ("date", "time"):
        return None if isinstance(value, str) and _dated(value, type_) else f"not a {type_}"
    return None if isinstance(value, str) else "not a text"


def _dated(value: str, type_: FieldType) -> bool:
    try:
        return len(value) == 10 and bool(date.fromisoformat(value)) if type_ == "date" else datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def numbered(ids: Iterable[str]) -> list[str]:
    """Give those that may be ids of a vendor that numbers its records, each once: for one that is none it might refuse the whole batch, for ever."""
    return [one for one in dict.fromkeys(ids) if one.isascii() and one.isdigit() and len(one) < _LONGEST_ID]


async def moved(rows: Sequence[Update], others: Callable[[Sequence[str]], Awaitable[Mapping[str, datetime]]]) -> dict[str, RowOutcome]:
    """Tell the rows that are not to be written, by key; `others` gives record id → when somebody but us changed it last, all in one call."""
    known = {row.id: row.unmodified_since for row in rows if row.unmodified_since}
    changed = await others(list(known)) if known else {}
    late = {ident for ident, since in known.items() if ident in changed and changed[ident] > since}
    return {row.key: Failed(row.key, Conflict("changed since it was read", moved=True)) for row in rows if row.id in late}

"""What one cell of a table may be, per type of column: its value, or what is wrong with it and what to write."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from sync.playbook.models.tables import Cell, ColumnKind, domain, normal

MAX_CELL = 1_000
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_DOMAIN = re.compile(r"[^\s@/.:]+(\.[^\s@/.:]+)+")
_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d{1,3})?")
_POSTAL = re.compile(r"[A-Z0-9]{1,12}")


@dataclass(frozen=True, slots=True)
class Wrong:
    """A cell that cannot be what its column says."""

    text: str
    suggestion: str = ""


Reader = Callable[[str], Cell | Wrong]


def _plain(text: str) -> Cell | Wrong:
    return text if len(text) <= MAX_CELL else Wrong(f"{len(text):,} characters are too many for a cell: {MAX_CELL:,} at most")


def _number(text: str) -> Cell | Wrong:
    if _NUMBER.fullmatch(text):
        return float(text)
    better = text.replace("\u00a0", "").replace(" ", "").replace("'", "")
    if re.fullmatch(r"-?\d{1,3}(,\d{3})+(\.\d+)?", better):
        better = better.replace(",", "")
    elif re.fullmatch(r"-?\d{1,3}(\.\d{3})+,\d+", better):
        better = better.replace(".", "").replace(",", ".")
    else:
        better = better.replace(",", ".", 1)
    return Wrong(f"{_shown(text)} is no number", f"write {better}" if _NUMBER.fullmatch(better) else "")


def _country(text: str) -> Cell | Wrong:
    code = text.upper()
    if code in _codes():
        return code
    said = (_names(language).get(text.casefold()) for language in ("en", "de", "fr", "es"))
    near = {"UK": "GB", "EN": "GB"}.get(code) or next(filter(None, said), None)
    return Wrong(f"{_shown(text)} is no country", f"write {near}" if near else "write its two letters, as DE")


NO_COUNTRIES = frozenset({"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"})
"""What Unicode lists beside countries: unions, tests, "unknown"."""


@lru_cache(maxsize=8)
def _names(language: str) -> dict[str, str]:
    """Give the countries' codes by their names in a language."""
    from babel import Locale  # a tenth of a second, and only for who has tables by country

    listed = Locale(language).territories.items()
    return {name.casefold(): code for code, name in listed if re.fullmatch("[A-Z]{2}", code) and code not in NO_COUNTRIES}


@lru_cache(maxsize=1)
def _codes() -> frozenset[str]:
    return frozenset(_names("en").values())


def _domain(text: str) -> Cell | Wrong:
    found = domain(text)
    if found is None or not _DOMAIN.fullmatch(found):
        return Wrong(f"{_shown(text)} is no domain", "write it as acme.example")
    return found if found == text.lower() else Wrong(f"{_shown(text)} is more than a domain", f"write {found}")


def _email(text: str) -> Cell | Wrong:
    return text.lower() if _EMAIL.fullmatch(text) and len(text) <= 254 else Wrong(f"{_shown(text)} is no e-mail address")


def _date(text: str) -> Cell | Wrong:
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            return date.fromisoformat(text).isoformat()
    except ValueError:
        return Wrong(f"there is no day {text}")
    better = _as_day(text)
    return Wrong(f"{_shown(text)} is not written as a day", f"write {better}" if better else "write it as 2026-12-31")


def _as_day(text: str) -> str | None:
    """Give a day of another spelling as it should be, None where it may be one of two."""
    parts = re.fullmatch(r"(\d{4})[./-](\d{1,2})[./-](\d{1,2})|(\d{1,2})([./-])(\d{1,2})[./-](\d{4})", text)
    if parts is None:
        return None
    if parts[1]:
        return f"{parts[1]}-{int(parts[2]):02d}-{int(parts[3]):02d}"
    first, second = int(parts[4]), int(parts[6])
    if parts[5] == "." or first > 12:
        return f"{parts[7]}-{second:02d}-{first:02d}"
    return f"{parts[7]}-{first:02d}-{second:02d}" if second > 12 else None


def _postal(text: str) -> Cell | Wrong:
    code = normal("postal", text)
    return code if isinstance(code, str) and _POSTAL.fullmatch(code) else Wrong(f"{_shown(text)} is no postal code")


def _state(text: str) -> Cell | Wrong:
    return text.upper() if len(text) <= 100 else Wrong(f"{_shown(text)} is no state")


def _pool(text: str) -> Cell | Wrong:
    found = text.lower()
    return found if re.fullmatch(r"[a-z][a-z0-9-]{0,62}", found) else Wrong(f"{_shown(text)} is no name of a pool")


def _shown(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:39]}…"


READERS: dict[ColumnKind, Reader] = {
    "text": _plain,
    "number": _number,
    "country": _country,
    "state": _state,
    "domain": _domain,
    "email": _email,
    "date": _date,
    "postal": _postal,
    "pool": _pool,
    "person": _email,
}
"""Per type how a cell is read; blank cells are none of theirs."""

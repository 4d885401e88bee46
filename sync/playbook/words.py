"""What pydantic says of a form, in the playbook's words, with what to do."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from sync.playbook import forms, traps
from sync.playbook.document import Document, Path, Spot
from sync.playbook.problems import did_you_mean


def patterns(document: Document, form: type[forms.Form], paths: Sequence[Path]) -> dict[Path, str]:
    """Give how the text has to look at places where something else stands: what would be said if it were a text there."""
    if not paths:
        return {}
    data = deepcopy(document.data)
    for path in paths:
        *above, last = path
        inner = data
        for part in above:
            inner = inner[part]
        inner[last] = document.spot(path).raw
    try:
        form.model_validate(data)
    except ValidationError as error:
        found = [(document.place(one["loc"]), one) for one in error.errors(include_url=False)]
        return {path: str(one["ctx"]["pattern"]) for path, one in found if one["type"] == "string_pattern_mismatch"}
    return {}


def words(error: ErrorDetails, spot: Spot, pattern: str = "") -> tuple[str, str]:
    """Give what is wrong and what to do; `pattern` is how a text has to look there, where that is known."""
    kind, given = error["type"], error["input"]
    shown = spot.raw if spot.raw else repr(given)[:60]
    context: dict[str, Any] = error.get("ctx") or {}
    if kind == "string_type" and isinstance(given, int | float | bool):
        zero = traps.lost_zero(spot.raw)
        if pattern and not zero:
            return f"{shown} is not written as it should be", _PATTERNS.get(pattern, "")
        return zero or f"{shown} is not a text", f"write '{spot.raw}'"
    if given is None or (kind == "string_too_short" and given == ""):
        return "nothing stands here", "write a value, or delete the key"
    if kind == "literal_error":
        options = str(context.get("expected", "")).replace("'", "").replace("False", "false").replace(" or ", ", ").split(", ")
        said = f"is none of {', '.join(options)}" if len(options) > 1 else f"is not {options[0]}, the only one there is"
        return f"{shown} {said}", did_you_mean(str(given), options, list_up_to=0)
    if kind == "too_short":
        return "nothing stands here", "at least one is needed"
    if kind == "string_pattern_mismatch":
        return f"{shown} is not written as it should be", _PATTERNS.get(str(context.get("pattern")), "")
    if kind in _LIMITS:
        said, name = _LIMITS[kind]
        return f"{shown} is not {said} {context[name]:g}", _SHARE if context[name] == 1 and name == "le" else ""
    wanted = {"model_type": "keys", "dict_type": "keys", "list_type": "a list (lines that begin with -)", "string_type": "a text"}.get(kind)
    wanted = wanted or {"float_type": "a number", "int_type": "a whole number", "bool_type": "true or false"}.get(kind)
    return (f"{wanted} must stand here", _hint(kind, given, pattern)) if wanted else (error["msg"][:1].lower() + error["msg"][1:], "")


def _hint(kind: str, given: object, pattern: str) -> str:
    if kind == "float_type" and isinstance(given, str):
        return _number(given)
    return _PATTERNS.get(pattern, "")


def _number(given: str) -> str:
    """Give the number that was meant by 80%, 12k or 900,000."""
    plain = given.replace(",", "").replace("_", "").replace(" ", "")
    digits, unit = (plain[:-1], plain[-1].lower()) if plain[-1:].lower() in _UNITS else (plain, "")
    if not digits.replace(".", "", 1).isdecimal() or not digits.isascii():
        return ""
    return f"write {float(digits) * _UNITS.get(unit, 1):.12g}"


_UNITS = {"%": 0.01, "k": 1_000, "m": 1_000_000}
_SHARE = "a share of one: 0.8 is 80 %"
_LIMITS = {
    "greater_than": ("more than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
}
_PATTERNS = {
    r"^[1-9]\d{0,5}[smhdw]$": "a length of time as 90s, 15m, 2h, 3d or 1w",
    r"^[1-9]\d{0,3}[smhd]$": "one number of one unit: 30m, 4h or 2d",
    r"^([01]\d|2[0-3]):[0-5]\d$": "a time of the day as 08:30",
    r"^[A-Z]{3}$": "a currency as three capital letters: EUR",
    r"^https?://[^\s<>\"']+$": "an address that begins with https://",
    r"^[a-z][a-z0-9_]{0,62}$": "small letters, digits and _, a letter first",
    r"^[a-z][a-z0-9-]{0,62}$": "small letters, digits and -, a letter first",
    r"^[^@\sA-Z]+@[^@\sA-Z]+\.[^@\sA-Z]+$": "an e-mail address in small letters",
    r"^\d{4}-\d{2}-\d{2}$": "a day as 2026-12-21",
    r"^[A-Z]{2}$": "a country as two capital letters: DE",
    r"^[a-z]{2}$": "a language as two small letters: de",
    r"^(lead|account|opportunity)\.[a-z][a-z0-9_]{0,62}$": "a value as lead.language",
    r"^[a-z][a-z0-9_-]{0,62}$": "the file's name without tables/ and .csv: small letters, digits, _ and -",
    r"^([A-Z]{2,3}(-[A-Za-z0-9 ]{1,40})?|none)$": "a country as DE, with a state as DE-BY, or none",
    r"^([01]?\d|2[0-3]):[0-5]\d-(([01]?\d|2[0-3]):[0-5]\d|24:00)$": "a part of a day as 09:00-17:30",
    r"^(mon|tue|wed|thu|fri|sat|sun)(-(mon|tue|wed|thu|fri|sat|sun))?$": "mon, tue, wed, thu, fri, sat, sun, or several as mon-fri",
    r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})$": "a moment with its zone, as 2026-11-23T09:14:00+01:00",
    r"^\d{1,6}[smhdw]$": "a number and a unit: 90s, 2m, 3h, 14d, 2w",
}

"""Normal forms: two spellings of one value become the same value, so that a difference is a difference."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import urlsplit

import phonenumbers
from babel import Locale

from schemas.base import Scalar
from schemas.countries import OTHERS
from schemas.keys import normal_email
from sync.lead.decision import VendorUser
from sync.playbook.models import Normalise, SharedField, SystemField

MAX_TEXT = 65_536
"""The longest text that any vendor of ours keeps in one field."""
MAX_REF = 512
_E164 = re.compile(r"\+[1-9]\d{7,14}$")
_FLAGS: dict[str, bool] = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False, "": False}


class Unfit(ValueError):
    """A value that a field of its kind cannot hold; says why, without the value but for a picklist's that is not personal."""


def clean(text: str, limit: int = MAX_TEXT) -> str:
    """Give the text back if it can be kept; raises Unfit when it is too long, or has a NUL or half a surrogate pair."""
    if len(text) > limit:
        raise Unfit(f"{len(text)} characters, {limit} at most")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise Unfit("half of a surrogate pair, which is no character") from None
    if "\x00" in text:
        raise Unfit("a NUL character")
    return text


def _text(value: Scalar) -> Scalar:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value).strip()
    return (text if text.isascii() else unicodedata.normalize("NFC", text)) or None  # one letter with its accent is the same as two


_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]{1,}(?![^\W\d_]))?")


def _word(match: re.Match[str]) -> str:
    """Give one word a capital first; after an apostrophe too, unless one letter follows (O'Neil, the firm's)."""
    return "".join(
        part if part in "'’" else part.capitalize() if place == 0 or len(part) > 1 else part.lower()
        for place, part in enumerate(re.split("(['’])", match.group()))
    )


def _cased(text: str, how: Normalise) -> str:
    match how:
        case "lower":
            return text.lower()
        case "upper":
            return text.upper()
    return _WORD.sub(_word, text) if text.isupper() or text.islower() else text


def _email(value: Scalar) -> Scalar:
    text = str(value).strip()
    return normal_email(text) or text or None


def _number(value: Scalar) -> Scalar:
    if isinstance(value, bool):
        raise Unfit("a flag, needs a number")
    if isinstance(value, str):
        text = value.strip()
        if not text:
            return None
        try:
            value = float(text) if not re.fullmatch(r"[+-]?\d{1,18}", text) else int(text)
        except ValueError:
            raise Unfit("a text, needs a number") from None
    if isinstance(value, float):
        if not math.isfinite(value):
            raise Unfit("not a finite number")
        return int(value) if value.is_integer() and abs(value) < 1e15 else value
    if value is not None and abs(value) >= 2**63:
        raise Unfit("a number of more than 64 bits")
    return value


def _flag(value: Scalar) -> Scalar:
    if value is None or isinstance(value, bool):
        return bool(value)
    found = _FLAGS.get(str(value).strip().lower())
    if found is None:
        raise Unfit("needs true or false")
    return found


def _moment(value: Scalar) -> datetime | None:
    """Read ISO-8601 or epoch milliseconds; raises Unfit."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000, UTC)
        text = str(value).strip()
        if not text:
            return None
        if re.fullmatch(r"-?\d{9,15}", text):
            return datetime.fromtimestamp(int(text) / 1000, UTC)
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise Unfit("needs a date or time") from None


def _date(value: Scalar) -> Scalar:
    if isinstance(value, str) and len(value) == 10 and value[4] == "-":
        _moment(value)
        return value
    at = _moment(value)
    return at.date().isoformat() if at else None


def _time(value: Scalar) -> Scalar:
    at = _moment(value)  # whole seconds: Salesforce keeps no more, and a finer value would be written again after each read
    return at.replace(microsecond=0).isoformat(timespec="milliseconds").replace("+00:00", "Z") if at else None


def _url(value: Scalar) -> Scalar:
    text = str(value).strip()
    try:
        parts = urlsplit(text)
    except ValueError:
        return text or None
    if not parts.scheme or not parts.netloc:
        host, slash, rest = text.partition("/")
        return (host.lower() + (slash + rest if rest else "")) or None
    tail = text[text.index("//") + 2 + len(parts.netloc) :]
    return f"{parts.scheme.lower()}://{parts.netloc.lower()}{'' if tail == '/' else tail}"


def _domain(value: Scalar) -> Scalar:
    """Give the bare domain of a website, an address or a domain: acme.example."""
    text = str(value).strip().lower()
    host = text.partition("://")[2] or text
    host = host.partition("/")[0].partition("?")[0].rpartition("@")[2].partition(":")[0]
    return host.removeprefix("www.").strip(".") or None


LANGUAGES = ("pt", "pl", "fi", "da", "nb", "sv", "nl", "it", "es", "fr", "de", "en")
"""The languages in which a country's name is understood; the last one wins."""


@lru_cache(maxsize=1)
def _countries() -> dict[str, str]:
    """Give the names of countries in these languages with their two letters; English wins where two languages disagree."""
    found: dict[str, str] = {}
    for language in LANGUAGES:
        found |= {name.casefold(): code for code, name in Locale(language).territories.items() if len(code) == 2 and code.isalpha()}
    found |= {name.casefold(): code for code, name in OTHERS.items()}
    return found | {
        "usa": "US",
        "u.s.": "US",
        "u.s.a.": "US",
        "uk": "GB",
        "great britain": "GB",
        "the netherlands": "NL",
        "deutschland": "DE",
    }


def _country(value: Scalar) -> Scalar:
    text = str(value).strip()
    if len(text) == 2 and text.isalpha():
        return "GB" if text.upper() == "UK" else text.upper()
    return _countries().get(text.casefold(), text) or None


@lru_cache(maxsize=16_384)
def phone(text: str, country: str | None) -> str | None:
    """Give a phone number as +49301234; one that cannot be read stays as it is, without spaces around it."""
    plain = text.strip()
    if not plain or _E164.match(plain):
        return plain or None
    try:
        number = phonenumbers.parse(plain, country)
    except phonenumbers.NumberParseException:
        return plain
    if number.extension or not phonenumbers.is_possible_number(number):
        return plain
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


_KINDS: dict[str, Callable[[Scalar], Scalar]] = {
    "text": _text,
    "email": _email,
    "country": _country,
    "url": _url,
    "domain": _domain,
    "number": _number,
    "flag": _flag,
    "date": _date,
    "time": _time,
    "ref": _text,
}


def _picked(shared: SharedField, spelled: SystemField | None, value: Scalar) -> Scalar:
    text = _text(value)
    if text is None or spelled is None or not spelled.from_vendor:
        return text
    found = spelled.from_vendor.get(str(text))
    if found is None:
        folded = str(text).casefold()
        found = next((ours for theirs, ours in spelled.from_vendor.items() if theirs.casefold() == folded), None)
    if found is None and text in shared.order:
        return text
    if found is None:
        shown = "a value" if shared.personal else f'"{str(text)[:60]}" is a value'
        raise Unfit(f"{shown} that the playbook does not map")
    return found


def _user(value: Scalar, users: Mapping[str, VendorUser]) -> Scalar:
    text = str(value).strip()
    if "@" in text:
        return text.lower()
    known = users.get(text)
    return known.email.strip().lower() if known else text or None


def canonical(
    shared: SharedField,
    value: Scalar,
    *,
    spelled: SystemField | None = None,
    country: str | None = None,
    users: Mapping[str, VendorUser] | None = None,
) -> Scalar:
    """Give a value as its kind has it, None for blank (a blank flag is false); raises Unfit for one that it cannot hold."""
    if isinstance(value, str):
        clean(value)
    kind = shared.kind
    if value is None:
        return False if kind == "flag" else None
    if kind == "picklist":
        return _picked(shared, spelled, value)
    if kind == "phone":
        return phone(str(value), country)
    if kind == "user":
        return _user(value, users or {})
    found = _KINDS[kind](value)
    return _cased(found, shared.normalise) if shared.normalise and isinstance(found, str) else found

"""What a field is on the wire: the attributes that it has, what is made of a value, and which values EspoCRM refuses (measured on 9.0)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from connectors.emulator.espocrm.refusals import Refused, invalid

Row = dict[str, Any]
_BAD_SIGNS = re.compile(r"[<>=]")
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_LOOSE = re.compile(r"[0-9A-Za-z_@:#+(). -]+")
"""What passes for a phone number where the setting phoneNumberInternational is off (its app/regExpPatterns.json, phoneNumberLoose)."""
_PHONE = 36
_EXTENSION = re.compile(r"\s*ext\.?\s*[0-9]+$")
STAMP = "%Y-%m-%d %H:%M:%S"


def attributes(name: str, field: Mapping[str, Any]) -> tuple[str, ...]:
    """Give the attributes of one field, as records and queries name them."""
    match field["type"]:
        case "link" | "linkOne":
            return (f"{name}Id", f"{name}Name")
        case "linkParent":
            return (f"{name}Id", f"{name}Type", f"{name}Name")
        case "linkMultiple":
            return (f"{name}Ids", f"{name}Names")
        case _:
            return (name,)


def owner(fields: Mapping[str, Mapping[str, Any]], attribute: str) -> str | None:
    """Give the field that an attribute belongs to."""
    return next((name for name, field in fields.items() if attribute in attributes(name, field)), None)


def every(fields: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Give all attributes of an object."""
    for name, field in fields.items():
        yield from attributes(name, field)


def phone(value: str) -> str | None:
    """Give a phone number as EspoCRM keeps it, international, without spaces and extension; None for what is none."""
    plain = re.sub(r"[\s()./-]", "", _EXTENSION.sub("", value))
    return plain if re.fullmatch(r"\+[1-9][0-9]{3,14}", plain) else None


def taken(entity: str, name: str, field: Mapping[str, Any], value: Any) -> Any:
    """Give what is kept of a value, or refuse it as EspoCRM does."""
    kind = field["type"]
    if value is None or value == "":
        if kind == "bool" and value is None and not field.get("notStorable"):
            raise Refused(500)  # its database wants a value
        return False if kind == "bool" else None
    if kind in _TEXTS:
        return _text(entity, name, field, value if isinstance(value, str) else _shown(value))
    if kind == "bool":
        return value is True or value == 1
    if kind in ("int", "currency", "float"):
        return _number(entity, name, kind, value)
    return _parsed(entity, name, field, value)


_TEXTS = ("varchar", "text", "url", "personName")


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _text(entity: str, name: str, field: Mapping[str, Any], value: str) -> str | None:
    plain = value if field["type"] == "text" else value.strip()
    if len(plain) > field.get("maxLength", 16_777_215):
        raise invalid(entity, name, "maxLength")
    if field.get("pattern") and _BAD_SIGNS.search(plain):
        raise invalid(entity, name, "pattern")
    return plain or None


def _number(entity: str, name: str, kind: str, value: Any) -> int | float:
    try:
        found = float(value)
    except (TypeError, ValueError):
        raise invalid(entity, name, "valid") from None
    if kind == "int" and not -(2**31) <= found < 2**31:
        raise invalid(entity, name, "rangeInternal")
    return int(found) if kind == "int" or found.is_integer() else found


def _parsed(entity: str, name: str, field: Mapping[str, Any], value: Any) -> Any:
    kind = field["type"]
    if kind == "enum" and value not in field["options"]:
        raise invalid(entity, name.removesuffix("Currency"), "validCurrency" if name.endswith("Currency") else "valid")
    if kind == "email" and not _EMAIL.fullmatch(str(value)):
        raise invalid(entity, name, "emailAddress")
    if kind == "phone":
        value = (str(value).strip() if _LOOSE.fullmatch(str(value)) else None) if field.get("loose") else phone(str(value))
        if value is None:
            raise invalid(entity, name, "valid")
        if len(value) > _PHONE:
            raise invalid(entity, name, "maxLength")
    if kind in ("date", "datetime", "datetimeOptional"):
        return _moment(entity, name, kind, str(value))
    return value


def _moment(entity: str, name: str, kind: str, value: str) -> str:
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        raise invalid(entity, name, "valid") from None
    if kind == "date":
        if len(value) != 10:
            raise invalid(entity, name, "valid")
        return value
    return found.strftime(STAMP) if found.year >= 1000 else value

"""One field of an object: what describe says about it, and which values it takes."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from connectors.emulator.salesforce.ids import full
from connectors.emulator.salesforce.refusals import Refusal, Unreadable, refused
from connectors.emulator.salesforce.times import read_date, read_time
from schemas.base import Scalar

Kind = Literal[
    "id", "string", "textarea", "email", "phone", "url", "picklist", "boolean", "int", "double", "currency", "date", "datetime", "reference"
]
TEXTS = frozenset({"string", "textarea", "email", "phone", "url", "picklist"})
NUMBERS = frozenset({"int", "double", "currency"})

_NO_EMAIL = re.compile(r"[\s,;<>()]|@.*@|\.\.|@\.")
_SOAP = {
    "boolean": "xsd:boolean",
    "int": "xsd:int",
    "double": "xsd:double",
    "currency": "xsd:double",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "id": "tns:ID",
    "reference": "tns:ID",
}


@dataclass(frozen=True)
class Field:
    """A field as the org defines it; `custom` is told by the name's `__c`."""

    name: str
    label: str
    type: Kind = "string"
    length: int = 0
    createable: bool = True
    updateable: bool = True
    nillable: bool = True
    external_id: bool = False
    unique: bool = False
    picklist: tuple[str, ...] = ()
    restricted: bool = False
    default: Scalar = None
    references: tuple[str, ...] = ()
    indexed: bool = False
    calculated: bool = False
    """A formula, or what the org sums up."""

    @property
    def lookup(self) -> bool:
        """True if the org keeps an index on it."""
        return self.external_id or self.unique or self.indexed or self.type == "email"

    def describe(self) -> dict[str, object]:
        """Give the field as `/describe` lists it (the keys that clients read)."""
        number = self.type in NUMBERS
        return {
            "name": self.name, "label": self.label, "type": self.type, "length": self.length, "byteLength": self.length * 3,
            "precision": 18 if self.type in ("double", "currency") else 0, "scale": 2 if self.type == "currency" else 0, "digits": 8 if self.type == "int" else 0,
            "createable": self.createable, "updateable": self.updateable, "nillable": self.nillable, "custom": self.name.endswith("__c"),
            "defaultedOnCreate": self.default is not None or self.type == "boolean", "defaultValue": self.default, "calculated": self.calculated, "autoNumber": False,
            "externalId": self.external_id, "unique": self.unique, "idLookup": self.type == "id" or self.external_id, "caseSensitive": False,
            "filterable": True, "sortable": True, "groupable": not number, "nameField": self.name == "Name", "permissionable": self.nillable,
            "restrictedPicklist": self.restricted, "soapType": _SOAP.get(self.type, "xsd:string"), "referenceTo": list(self.references),
            "picklistValues": [{"active": True, "defaultValue": value == self.default, "label": value, "validFor": None, "value": value} for value in self.picklist],
        }  # fmt: skip

    def take(self, value: object) -> Scalar:
        """Give the value as it will be stored; raises Refused (this row) or Unreadable (the whole request)."""
        if value is None and self.type != "boolean":
            return None
        return _TAKERS[self.type](self, value)


def _unreadable(field: Field, value: object) -> Unreadable:
    token = {
        bool: "VALUE_TRUE" if value is True else "VALUE_FALSE",
        type(None): "VALUE_NULL",
        str: "VALUE_STRING",
        int: "VALUE_NUMBER_INT",
        float: "VALUE_NUMBER_FLOAT",
        dict: "START_OBJECT",
        list: "START_ARRAY",
    }[type(value)]
    shown = value if isinstance(value, str | int | float) else ""
    words = f"Cannot deserialize instance of {field.type} from {token} value {shown} or request may be missing a required field at [line:1, column:2]"
    return Unreadable(Refusal("JSON_PARSER_ERROR", words, None))


def _text(field: Field, value: object) -> Scalar:
    if not isinstance(value, str):
        raise _unreadable(field, value)
    text = value.strip()  # Salesforce trims, and keeps no empty text
    if not text:
        return None
    if field.length and len(text) > field.length:
        raise refused("STRING_TOO_LONG", f"{field.label}: data value too large: {text} (max length={field.length})", [field.name])
    if field.type == "email" and not _is_email(text):
        raise refused("INVALID_EMAIL_ADDRESS", f"{field.label}: invalid email address: {text}", [field.name])
    if field.restricted and text not in field.picklist:
        raise refused(
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", f"{field.label}: bad value for restricted picklist field: {text}", [field.name]
        )
    return text


def _is_email(text: str) -> bool:
    local, _, domain = text.partition("@")
    return bool(local) and len(domain.rpartition(".")[2]) >= 2 and "." in domain and _NO_EMAIL.search(text) is None


def _boolean(field: Field, value: object) -> Scalar:
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if not isinstance(value, bool):
        raise _unreadable(field, value)
    return value


def _number(field: Field, value: object) -> Scalar:
    if value == "":
        return None
    try:
        number = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else None
    except (ValueError, OverflowError):
        number = None
    if number is None or math.isnan(number) or (field.type == "int" and not number.is_integer()):
        raise _unreadable(field, value)
    if abs(number) >= (1e8 if field.type == "int" else 1e18):
        raise refused("NUMBER_OUTSIDE_VALID_RANGE", f"{field.label}: value outside of valid range on numeric field: {value}", [field.name])
    return int(number) if field.type == "int" else number


def _when(read: Callable[[str], str | None]) -> Callable[[Field, object], Scalar]:
    def take(field: Field, value: object) -> Scalar:
        stored = read(value) if isinstance(value, str) else None
        if stored is None:
            raise _unreadable(field, value)
        return stored

    return take


def _reference(field: Field, value: object) -> Scalar:
    ident = full(value)
    if ident is None:
        raise refused("MALFORMED_ID", f"{field.label}: id value of incorrect type: {value}", [field.name])
    return ident


_TAKERS: Mapping[str, Callable[[Field, Any], Scalar]] = {
    **dict.fromkeys(TEXTS, _text),
    **dict.fromkeys(NUMBERS, _number),
    "boolean": _boolean,
    "date": _when(read_date),
    "datetime": _when(read_time),
    "id": _reference,
    "reference": _reference,
}

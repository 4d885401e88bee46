"""Which fields a change event says to have changed: bitmaps, to be expanded by the Avro schema of the event.

Sources: the Pub/Sub API guide ("Event Deserialization Considerations") and the Change Data Capture guide ("Get Compound Fields in Change Events":
names, addresses and geolocations are nested; an address is of one type, com.sforce.eventbus.Address, wherever it stands).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import fastavro
import orjson

from connectors.errors import Surprising


class Schema(NamedTuple):
    """The schema of an object's events: as they are read by it, and `whole`: what is defined once and named then, as addresses are, in each place."""

    wire: Any
    whole: Any


def parsed(told: str) -> Schema:
    """Read the schema of an object's events; raises Surprising for what is none."""
    try:
        found = orjson.loads(told)
        return Schema(fastavro.parse_schema(found), fastavro.parse_schema(found, expand=True))
    except (ValueError, LookupError, TypeError, fastavro.schema.SchemaParseException) as error:
        raise Surprising(f"a schema of change events that is none ({type(error).__name__})") from None


def changes(schema: Schema, bitmaps: Sequence[str]) -> frozenset[str]:
    """Give the fields that bitmaps name; none where one of them cannot be read: then it may be any, and the record is read, as are the events behind."""
    try:
        return frozenset(columns(schema.whole, bitmaps))
    except (ValueError, LookupError):
        return frozenset()


def columns(schema: Any, bitmaps: Sequence[str]) -> Iterable[str]:
    """Expand bitmaps to the names that REST has: bit n is field n, lowest first; `n-0x…` are parts of the compound field n.

    A compound counts with its parts, and they with it where it is named as a whole.
    """
    for bitmap in bitmaps:
        place, dash, bits = bitmap.rpartition("-")
        for one in [_field(schema, place)] if dash else _chosen(schema, bits):
            parts = _record(one["type"])
            if dash and parts is None:
                raise ValueError("a field that has no parts")
            before = one["name"].removesuffix("Address") if one["name"] != "Name" else ""
            yield one["name"]
            yield from (f"{before}{part['name']}" for part in (_chosen(parts, bits) if dash else parts["fields"] if parts else ()))


def whole(field: str) -> str:
    """Give the compound of a part of a custom one, `Site__c` of `Site__City__s`: what the part itself is called in events is not documented."""
    return f"{field.removesuffix('__s').rpartition('__')[0]}__c" if field.endswith("__s") else field


def _chosen(record: Any, bits: str) -> Iterable[Any]:
    """Give the fields of a record whose bits are set; of more bits than it has fields no number is even made."""
    fields, digits = record["fields"], bits.removeprefix("0x").lstrip("0")
    if len(digits) > len(fields) // 4 + 1 or (number := int(digits or "0", 16)) >> len(fields):
        raise ValueError("a bitmap of more fields than there are")
    return [one for n, one in enumerate(fields) if number >> n & 1]


def _field(record: Any, place: str) -> Any:
    if not place.isdecimal():
        raise ValueError("a place that is no number")
    return record["fields"][int(place)]


def _record(kind: Any) -> Any:
    """Give the record among a field's types; None of a plain field."""
    return next(
        (one for one in (kind if isinstance(kind, list) else [kind]) if isinstance(one, dict) and one.get("type") == "record"), None
    )

"""A change event on the wire: its Avro schema made from the object's fields, and its header's lists of fields as bitmaps.

Salesforce's Pub/Sub API guide, "Event Deserialization Considerations": bit n of a bitmap is field n of the schema, lowest bit first; a bitmap
of a compound field is `n-0x…`, n being the compound's own place. The Change Data Capture guide says which fields an event has.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from typing import Any

import fastavro
import orjson

from connectors.emulator.salesforce.changes import Change
from connectors.emulator.salesforce.fields import NUMBERS, Field
from connectors.emulator.salesforce.table import Table
from connectors.emulator.salesforce.times import moment
from schemas.base import Scalar

Schema = dict[str, Any]
COMPOUNDS: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "Lead": {"Name": {"Salutation": "Salutation", "FirstName": "FirstName", "LastName": "LastName"}, "Address": {"City": "City", "Country": "Country"}},
    "Contact": {
        "Name": {"Salutation": "Salutation", "FirstName": "FirstName", "LastName": "LastName"},
        "OtherAddress": {"City": "OtherCity", "Country": "OtherCountry"},
        "MailingAddress": {"City": "MailingCity", "Country": "MailingCountry"},
    },
    "Account": {"BillingAddress": {"City": "BillingCity", "Country": "BillingCountry"}},
}  # fmt: skip
"""Object → compound field → its part → the field that REST knows it by."""
LEFT_OUT = frozenset({"Id", "IsDeleted", "SystemModstamp"})
LONG_TEXT = 1000
"""A longer text than this that changes is told as a difference."""
_HEADER: Schema = {
    "type": "record",
    "name": "ChangeEventHeader",
    "fields": [
        {"name": "entityName", "type": "string"},
        {"name": "recordIds", "type": {"type": "array", "items": "string"}},
        {
            "name": "changeType",
            "type": {
                "type": "enum",
                "name": "ChangeType",
                "symbols": [
                    "CREATE", "UPDATE", "DELETE", "UNDELETE", "GAP_CREATE", "GAP_UPDATE", "GAP_DELETE", "GAP_UNDELETE", "GAP_OVERFLOW",
                ],
            },
        },
        *({"name": name, "type": kind} for name, kind in (
            ("changeOrigin", "string"), ("transactionKey", "string"), ("sequenceNumber", "int"), ("commitTimestamp", "long"),
            ("commitNumber", "long"), ("commitUser", "string"),
        )),
        *({"name": name, "type": {"type": "array", "items": "string"}} for name in ("nulledFields", "diffFields", "changedFields")),
    ],
}  # fmt: skip
_KINDS = {"boolean": "boolean", "int": "int", "date": "long", "datetime": "long"}


class Wire:
    """How the events of one object look at this moment; another schema of the object is another one."""

    def __init__(self, table: Table) -> None:
        self.table, self.name = table, table.name
        self.schema = _schema(table)
        self.json = orjson.dumps(self.schema).decode()
        self.id = hashlib.sha256(self.json.encode()).hexdigest()[:22]
        self._parsed = fastavro.parse_schema(self.schema)
        self._places = {one["name"]: place for place, one in enumerate(self.schema["fields"])}
        self._plain = self._places.keys() - COMPOUNDS.get(self.name, {}).keys()
        self._parts = {
            column: (compound, part) for compound, parts in COMPOUNDS.get(self.name, {}).items() for part, column in parts.items()
        }

    def payload(self, change: Change) -> bytes:
        """Encode one event."""
        told, diffs = self._told(change)
        changed = list(change.values) if change.type == "UPDATE" else []
        header = {
            "entityName": change.object, "recordIds": list(change.ids), "changeType": change.type, "changeOrigin": change.origin,
            "transactionKey": change.transaction, "sequenceNumber": change.sequence, "commitTimestamp": int(change.at.timestamp() * 1000),
            "commitNumber": change.replay * 10, "commitUser": change.user,
            "nulledFields": self.bitmaps(name for name in changed if change.values[name] is None),
            "diffFields": self.bitmaps(diffs), "changedFields": self.bitmaps(changed),
        }  # fmt: skip
        out = BytesIO()
        fastavro.schemaless_writer(out, self._parsed, {"ChangeEventHeader": header, **told})
        return out.getvalue()

    def bitmaps(self, columns: Iterable[str]) -> list[str]:
        """Write fields as bitmaps: one of the schema's own, and one for each compound."""
        top, nested = 0, dict[str, int]()
        for column in columns:
            if column in self._parts:
                compound, part = self._parts[column]
                places = list(COMPOUNDS[self.name][compound])
                nested[compound] = nested.get(compound, 0) | 1 << places.index(part)
            elif column in self._plain:
                top |= 1 << self._places[column]
        found = [_hex(top)] if top else []
        return found + [f"{self._places[name]}-{_hex(bits)}" for name, bits in sorted(nested.items())]

    def _told(self, change: Change) -> tuple[dict[str, Any], list[str]]:
        told: dict[str, Any] = {}
        diffs = []
        for column, value in change.values.items():
            field, old = self.table.fields.get(column), change.before.get(column)
            if value is None or field is None:
                continue
            long = change.type == "UPDATE" and field.type == "textarea" and isinstance(old, str) and len(str(value)) > LONG_TEXT
            diffs += [column] if long else []
            sent = _difference(str(old), str(value)) if long else _value(field, value)
            if column in self._parts:
                compound, part = self._parts[column]
                told.setdefault(compound, {})[part] = sent
            elif column in self._plain:
                told[column] = sent
        return told, diffs


class Wires:
    """How the events of all objects look, and looked: whoever has an old event asks for its schema."""

    def __init__(self) -> None:
        self.by_id: dict[str, Wire] = {}
        self._now: dict[str, tuple[tuple[tuple[str, str], ...], Wire]] = {}

    def of(self, table: Table) -> Wire:
        """Give how an object's events look at this moment."""
        shape = tuple((one.name, one.type) for one in table.fields.values())
        if self._now.get(table.name, ((), None))[0] != shape:
            self._now[table.name] = shape, Wire(table)
        found = self._now[table.name][1]
        self.by_id[found.id] = found
        return found


def _schema(table: Table) -> Schema:
    compounds = COMPOUNDS.get(table.name, {})
    parts = {column for one in compounds.values() for column in one.values()}
    plain = [one for one in table.fields.values() if one.name not in LEFT_OUT | parts | compounds.keys()]
    fields: list[Schema] = [{"name": "ChangeEventHeader", "type": _HEADER}]
    fields += [{"name": name, "type": kind, "default": None} for name, kind in _compounds(compounds)]
    fields += [{"name": one.name, "type": ["null", _kind(one)], "default": None} for one in plain]
    return {"type": "record", "name": f"{table.name}ChangeEvent", "namespace": "com.sforce.eventbus", "fields": fields}


def _compounds(compounds: Mapping[str, Mapping[str, str]]) -> Iterable[tuple[str, list[Any]]]:
    """Give the types of compound fields: all addresses have one, which is defined where the first stands and only named after that."""
    defined = set[str]()
    for name, members in compounds.items():
        title = "Switchable_PersonName" if name == "Name" else "Address"
        parts = [{"name": one, "type": ["null", "string"], "default": None} for one in members]
        told: Any = title if title in defined else {"type": "record", "name": title, "fields": parts}
        defined.add(title)
        yield name, ["null", told]


def _kind(field: Field) -> str:
    return "double" if field.type in NUMBERS - {"int"} else _KINDS.get(field.type, "string")


def _value(field: Field, value: Scalar) -> Scalar:
    if field.type == "datetime":
        return int(moment(str(value)).timestamp() * 1000)
    if field.type == "date":
        return int(moment(f"{value}T00:00:00.000+0000").timestamp() * 1000)
    return float(value) if field.type in NUMBERS - {"int"} and isinstance(value, int | float) else value


def _hex(bits: int) -> str:
    text = f"{bits:X}"
    return f"0x{text.zfill(len(text) + len(text) % 2)}"


def _difference(old: str, new: str) -> str:
    lines: Sequence[str] = list(difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm=""))
    return "\n".join(lines)

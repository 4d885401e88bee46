"""Tryton's values ↔ ours; its party with mechanisms and identifiers, its opportunity and its mails' echo → what the source tells. Pure; seen of trytond 8.2."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from connectors import scan
from connectors.base import FieldType, Item
from connectors.errors import Surprising
from schemas.base import Scalar
from schemas.change import Origin, RecordChanged, RecordDeleted, RecordMerged

Row = Mapping[str, Any]
PARTY, DEAL = "party.party", "sale.opportunity"
LIST = "lists."
"""How a party's fields begin that say whether it is in a category."""
TRUCE_ID, MARK, CHANGED = "truce_id", "truce:", "changed"
MECHANISMS: Mapping[str, FieldType] = {"email": "email", "phone": "phone", "mobile": "phone", "fax": "phone", "website": "text"}
"""Fields of a party that are its first contact mechanism of that type."""
LINES = {"contact_mechanisms": ("type", "value"), "identifiers": ("type", "code")}
STAMPS = ("create_date", "create_uid", "write_date", "write_uid")
ASKED = {
    PARTY: ("replaced_by", *(f"{line}.{name}" for line, own in LINES.items() for name in (*own, "active", *STAMPS))),
}  # fmt: skip
"""What is asked for besides of every party: who changed one of its lines when, and what stands in them."""
PEOPLE = "people"
"""The field of an opportunity that is made of its party and that of its contact."""
NAMES = {"currency.currency": "code", "marketing.campaign": "name", "marketing.medium": "name", "marketing.source": "name"}
"""Models whose records are told by a text of theirs."""
_TYPES: Mapping[str, FieldType] = {
    "char": "text", "text": "text", "integer": "number", "biginteger": "number", "float": "number", "numeric": "number", "boolean": "flag",
    "date": "date", "datetime": "time", "timestamp": "time", "selection": "picklist",
}  # fmt: skip
_KEPT = {"id", "code", "rec_name", "xml_id", "distance", *STAMPS}
"""Fields of Tryton's own machinery, which are never written."""
ROOT = "0"


@dataclass(frozen=True)
class Schema:
    """The live schema of an object: our type, Tryton's type and label of each field, which may be written, and how others are asked for."""

    types: Mapping[str, FieldType]
    kinds: Mapping[str, str]
    labels: Mapping[str, str]
    writable: frozenset[str]
    paths: Mapping[str, Sequence[str]]
    """Field → what is asked for instead of it."""
    values: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    """Selection → its values with their labels; of one that a method gives, record by record, none are told."""

    def asked(self, fields: Iterable[str], object_: str) -> list[str]:
        """Give the paths to ask for, so that these fields can be told; raises Surprising for one that is not there, which Tryton answers by 500."""
        fields = list(fields)
        if unknown := [name for name in fields if name not in self.types]:
            raise Surprising(f"there is no field {', '.join(unknown)}")
        return list(
            dict.fromkeys(("id", *STAMPS, *ASKED.get(object_, ()), *(path for name in fields for path in self.paths.get(name, (name,)))))
        )


def deals(defined: Mapping[str, Row], owners: str) -> Schema:
    """Read `fields_get` of opportunities, which are read alone; whoever has one is an employee, and shown as the user who that is."""
    named = {name: one["relation"] for name, one in defined.items() if one["type"] == "many2one" and one.get("relation") in NAMES}
    types: dict[str, FieldType] = {**schema(defined, owners, ()).types, **dict.fromkeys(named, "text"), PEOPLE: "text"}
    types |= {name: "user" for name, one in defined.items() if one.get("relation") == "company.employee" and one["type"] == "many2one"}
    paths = {PEOPLE: ("party", "contact.party"), **{name: (f"{name}.{NAMES[relation]}",) for name, relation in named.items()}}
    kinds = {name: str(one.get("relation") or one["type"]) for name, one in defined.items()}
    return Schema(types, kinds, {str(one.get("string")): name for name, one in defined.items()}, frozenset(), paths, _selections(defined))


def _selections(defined: Mapping[str, Row]) -> dict[str, tuple[tuple[str, str], ...]]:
    """Give the values of selections that stand in the schema; the one for nothing is left out."""
    pairs = {name: one.get("selection") for name, one in defined.items() if one["type"] == "selection"}
    return {
        name: tuple((str(value), str(label)) for value, label in found if value) for name, found in pairs.items() if isinstance(found, list)
    }


def schema(defined: Mapping[str, Row], owners: str, lists: Iterable[str]) -> Schema:
    """Read `fields_get` of parties; a link to an `owners` is an owner, a category of `lists` a flag."""
    types: dict[str, FieldType] = {}
    for name, one in defined.items():
        if one["type"] == "many2one" and one.get("relation") == owners:
            types[name] = "user"
        elif one["type"] in _TYPES:
            types[name] = _TYPES[one["type"]]
    types |= {f"{LIST}{one}": "flag" for one in lists if "categories" in defined}
    lines = {name for name, line in (*((one, "contact_mechanisms") for one in MECHANISMS), (TRUCE_ID, "identifiers")) if line in defined}
    types |= {name: MECHANISMS.get(name, "text") for name in lines}
    free = {name for name in types if name not in _KEPT and not defined.get(name, {}).get("readonly")}
    kinds = {name: str(one["type"]) for name, one in defined.items()}
    paths: dict[str, Sequence[str]] = dict.fromkeys((*MECHANISMS, TRUCE_ID), ())
    paths |= {name: ("categories",) for name in types if name.startswith(LIST)}
    labels = {str(one.get("string")): name for name, one in defined.items()}
    return Schema(types, kinds, labels, frozenset(free | lines), paths, _selections(defined))


def moment(wire: Any) -> datetime | None:
    """Read a time of the wire, which is UTC without saying so; None for anything else."""
    parts = ("year", "month", "day", "hour", "minute", "second", "microsecond")
    if not (isinstance(wire, Mapping) and wire.get("__class__") == "datetime"):
        return None
    try:
        return datetime(*(int(wire[part]) for part in parts), tzinfo=UTC)  # type: ignore[misc,arg-type]
    except (KeyError, TypeError, ValueError):
        return None


def literal(at: datetime) -> dict[str, Any]:
    """Write a time as the wire has it."""
    at = at.astimezone(UTC)
    return {
        "__class__": "datetime",
        **{one: getattr(at, one) for one in ("year", "month", "day", "hour", "minute", "second", "microsecond")},
    }


def from_wire(value: Any, type_: FieldType | None) -> Scalar:
    """Give a value of the wire in canonical form; raises Surprising for what is no plain value. Of SQLite flags are numbers."""
    if type_ == "flag":
        return bool(value)
    if isinstance(value, Mapping) and value.get("__class__") == "Decimal":
        value = float(Decimal(value["decimal"]))
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    if isinstance(value, Mapping):
        at, day = moment(value), value.get("__class__") == "date"
        if at is None and not day:
            raise Surprising("a value that is no plain one")
        return at.isoformat().replace("+00:00", "Z") if at else date(value["year"], value["month"], value["day"]).isoformat()
    if value is not None and not isinstance(value, str | int | float):
        raise Surprising("a value that is no plain one")
    if type_ == "user":
        return None if value is None else str(value)
    return value if not isinstance(value, str) or value.strip() else None


def to_wire(value: Scalar, kind: str | None) -> Any:
    """Give a canonical value as Tryton takes it; `kind` is Tryton's own type."""
    if value is None:
        return None
    if kind in ("datetime", "timestamp"):
        return literal(datetime.fromisoformat(str(value)))
    if kind == "date":
        day = date.fromisoformat(str(value))
        return {"__class__": "date", "year": day.year, "month": day.month, "day": day.day}
    if kind == "numeric":
        return {"__class__": "Decimal", "decimal": str(value)}
    return int(value) if kind == "many2one" else value


def odd(value: Scalar, kind: str | None) -> str | None:
    """Say why a value fits its type and yet would be bent, or break the whole answer."""
    if kind in ("integer", "biginteger") and isinstance(value, float):
        return "a fraction in a whole number"
    if kind == "many2one" and value is not None and not str(value).isdigit():
        return "no id of an owner"
    return None


def changed(row: Row) -> tuple[datetime, str]:
    """Give when a party or one of its lines changed last, and who did it; raises Surprising where no time stands."""
    found: list[tuple[datetime, bool, str]] = []
    for one in (row, *(line for name in LINES for line in row.get(name) or ())):
        for verb in ("create", "write"):
            if at := moment(one.get(f"{verb}_date")):
                found.append((at, one is row, str(one.get(f"{verb}_uid"))))
    if not found:
        raise Surprising("a party without a time of change")
    return max(found)[0], max(found)[2]


def line(row: Row, name: str) -> Row | None:
    """Give the line of a party that a field stands for: the first mechanism of its type, the Truce id's identifier."""
    if name == TRUCE_ID:
        found = (one for one in row.get("identifiers") or () if str(one.get("code")).startswith(MARK))
    else:
        found = (one for one in row.get("contact_mechanisms") or () if one.get("type") == name)
    return next((one for one in found if one.get("active")), None)


def values(fields: Mapping[str, Scalar], kinds: Mapping[str, str], row: Row | None) -> dict[str, Any]:
    """Give what to send for these fields; `row` is the party as it stands, None for a new one."""
    sent: dict[str, Any] = {}
    for name, value in fields.items():
        if name.startswith(LIST):
            sent.setdefault("categories", []).append(["add" if value else "remove", [int(name.removeprefix(LIST))]])
            continue
        if name not in MECHANISMS and name != TRUCE_ID:
            sent[name] = to_wire(value, kinds.get(name))
            continue
        place, key = ("identifiers", "code") if name == TRUCE_ID else ("contact_mechanisms", "value")
        held = line(row, name) if row else None
        text = value if name != TRUCE_ID or value is None else f"{MARK}{value}"
        if held:
            order: list[Any] = ["write", [held["id"]], {"active": False} if text is None else {key: text}]
        elif text is not None:
            order = ["create", [{key: text, "type": None if name == TRUCE_ID else name}]]
        else:
            continue
        sent.setdefault(place, []).append(order)
    return sent


def involved(row: Row) -> list[str]:
    """Give the parties of an opportunity: its own, and that of its contact."""
    return list(dict.fromkeys(str(one) for one in ((row.get("contact") or {}).get("party"), row["party"]) if one))


@dataclass(frozen=True)
class Reading(scan.Reading):
    """How the records of one answer are read."""

    kinds: Mapping[str, str] = field(default_factory=dict)
    users: Mapping[str, str] | None = None
    """Employee → user; None where employees themselves are the owners."""

    def item(self, row: Row) -> Item:
        """Tell what a row says: it lives on in another one, or looks like this."""
        if row.get("replaced_by"):
            at, actor = changed(row)
            survivor, loser = self.ref(row["replaced_by"]), self.ref(row["id"])
            return RecordMerged(survivor=survivor, losers=(loser,), at=at, received_at=self.received_at, actor=actor)
        return self.snapshot(row)

    def snapshot(self, row: Row) -> RecordChanged:
        """Give a row's fields, all that were asked for; raises Surprising naming one that is missing."""
        at, actor = changed(row)
        origin: Origin = "own" if actor == self.me else "automation" if actor == ROOT else "person"
        email, truce_id = (self.value(row, one) if self.object == PARTY else None for one in ("email", TRUCE_ID))
        return self.seen(
            row["id"], at, row, email=str(email) if email else None, truce_id=str(truce_id) if truce_id else None, origin=origin, actor=actor,
            created=at == moment(row.get("create_date")),
        )  # fmt: skip

    def value(self, row: Row, name: str) -> Scalar:
        """Give one field of a party or an opportunity."""
        if self.object == PARTY and (name == TRUCE_ID or name in MECHANISMS):
            held = line(row, name) or {}
            text = str(held.get("code") or "").removeprefix(MARK) if name == TRUCE_ID else held.get("value")
            return text or None
        if name.startswith(LIST):
            return int(name.removeprefix(LIST)) in row["categories"]
        if self.object == DEAL and name == PEOPLE:
            return " ".join(sorted(involved(row))) or None
        kind = self.kinds.get(name, "")
        if self.object == DEAL and kind in NAMES:
            return row[name] and str(row[name][NAMES[kind]])
        if self.object == DEAL and kind == "company.employee":
            return row[name] and (self.users.get(str(row[name])) if self.users is not None else str(row[name]))
        return from_wire(row[name], self.types.get(name))

    def deleted(self, ident: int, entry: Row) -> RecordDeleted:
        """Tell what the log's entry of a record says: it was deleted."""
        at, actor = moment(entry.get("create_date")) or self.sent_at, str(entry["user"]) if entry.get("user") else None
        return RecordDeleted(ref=self.ref(ident), at=at, received_at=self.received_at, actor=actor)

"""Mautic's values, contacts and rows of statistics, as ours: pure, no I/O and no clock (seen of Mautic 5.1.0)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from babel import Locale

from connectors.base import FieldSeen, FieldType
from connectors.errors import Surprising
from schemas.base import Ref, Scalar
from schemas.change import Origin, RecordChanged
from schemas.countries import OTHERS
from schemas.touch import TouchKind, TouchRecorded

Row = dict[str, Any]
CONTACTS, TRUCE_ID = "contacts", "truce_id"
LIST, HELD = "lists.", "lists held"
"""How a contact's fields begin that say whether it is in a segment, and where a row keeps them once they were read."""
CHANNELS = {"dnc_email": "email", "dnc_sms": "sms"}
BOUNCED = 2
OWN: dict[str, FieldType] = {"owner": "user", "stage": "picklist", **dict.fromkeys(CHANNELS, "flag")}
"""Fields of ours for what Mautic keeps beside a contact's fields."""
READ_ONLY = frozenset({"points", "last_active"})
_TYPES: dict[str, FieldType] = {
    "email": "email", "tel": "phone", "number": "number", "boolean": "flag", "date": "date", "datetime": "time", "select": "picklist",
}  # fmt: skip
TABLES: dict[str, tuple[str, TouchKind]] = {
    "form_submissions": ("date_submitted", "form"), "page_hits": ("date_hit", "visit"), "email_stats": ("date_read", "open"),
}  # fmt: skip
"""What people did: table of statistics → its column of time, and the kind of touch."""
_WAYS: tuple[tuple[str, Origin], ...] = (
    ("form:", "form"), ("lead:import", "import"), ("lead:api", "api"), ("campaign:", "automation"), ("point:", "automation"),
)  # fmt: skip
"""By which way a contact was changed (manipulator_key of the audit log) → who acted."""


def writable(field: Mapping[str, Any]) -> bool:
    """Say whether we write a field: of a datetime the API keeps whole minutes, so that what was written would never be what is there."""
    return field.get("isPublished") is not False and field.get("type") != "datetime" and field.get("alias") not in READ_ONLY


def type_of(field: Mapping[str, Any]) -> FieldType:
    """Give the type of one field's definition (GET /api/fields/contact)."""
    return _TYPES.get(str(field.get("type")), "text")


def seen(field: Mapping[str, Any], kind: FieldType) -> FieldSeen:
    """Give one field's definition as the schema tells it; of texts Mautic keeps 64 characters unless it says more."""
    listed = (field.get("properties") or {}).get("list") if isinstance(field.get("properties"), Mapping) else None
    options = [one for one in listed or () if isinstance(one, Mapping)]
    values = tuple((str(one.get("value")), str(one.get("label") or one.get("value"))) for one in options)
    most = field.get("charLengthLimit")
    return FieldSeen(
        name=str(field["alias"]), type=kind, label=str(field.get("label") or ""), writable=writable(field),
        length=int(most) if most and kind in ("text", "phone") else None, custom=not field.get("isFixed"), values=values, closed=bool(values),
        numbers=kind == "text",
    )  # fmt: skip


def made(wanted: FieldSeen) -> Row:
    """Give a new field as Mautic takes it; a time is a text, because a datetime loses its seconds."""
    kind = {"number": "number", "flag": "boolean", "date": "date", "picklist": "select" if wanted.values else "text"}.get(
        wanted.type, "text"
    )
    listed = [{"label": label, "value": value} for value, label in wanted.values]
    more = {"properties": {"list": listed}} if kind == "select" else {"properties": {"yes": "Yes", "no": "No"}} if kind == "boolean" else {}
    return {"label": wanted.label, "alias": wanted.name, "type": kind, "group": "core", **more}


def moment(value: object) -> datetime | None:
    """Read a time, ISO-8601 or as its database has it, which is UTC; None for anything else."""
    try:
        found = datetime.fromisoformat(str(value))
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def stamp(at: datetime) -> str:
    """Give a time as a condition on a column takes it."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def canonical(value: object, kind: FieldType) -> Scalar:
    """Give a value in canonical form; one that is none of its type stays the text it is, for the core to judge."""
    if value is None or value == "":
        return None
    if kind == "flag":
        return {"1": True, "true": True, "0": False, "false": False}.get(str(value).lower(), str(value))
    if kind == "number":
        return _number(value)
    if kind in ("date", "time") and (at := moment(value)):
        return at.date().isoformat() if kind == "date" else at.isoformat().replace("+00:00", "Z")
    return str(value)


def _number(value: object) -> Scalar:
    try:
        found = float(str(value))
    except ValueError:
        return str(value)
    if not math.isfinite(found):
        return str(value)
    return int(found) if found.is_integer() and abs(found) < 2**53 else found


def is_nought(value: Scalar) -> bool:
    """Say whether Mautic leaves a value out of a PATCH without a word, in whatever field: a number, or a text of one, that is 0 when cut."""
    if value is None or isinstance(value, bool):
        return False
    try:
        return int(float(value)) == 0
    except (ValueError, OverflowError):
        return False


@cache
def _countries() -> Mapping[str, str]:
    return {code: name for code, name in Locale("en").territories.items() if len(code) == 2 and code.isalpha()} | dict(OTHERS)


def country(value: Scalar) -> Scalar:
    """Give the name that Mautic's closed list of countries has for two letters; anything else stays as it is."""
    return _countries().get(str(value), value)


def contact(fields: Mapping[str, Scalar], stage: int | None, reason: int) -> Row:
    """Give canonical values as Mautic takes a contact; blanks need its word that they are meant."""
    row: Row = {name: value for name, value in fields.items() if name not in OWN and not name.startswith(LIST)}
    if "owner" in fields:
        row["owner"] = int(str(fields["owner"])) if str(fields["owner"] or "").isdigit() else fields["owner"] or ""
    if stage is not None:
        row["stage"] = stage
    said = {channel: fields[name] for name, channel in CHANNELS.items() if isinstance(fields.get(name), bool)}
    if said:
        row["doNotContact"] = [{"channel": one, "reason": reason if out else 0, "comments": "Truce"} for one, out in said.items()]
    if any(value is None for name, value in row.items() if name != "owner"):
        row["overwriteWithBlank"] = True
    return row


_FIELDS = re.compile(rb'"fields";a:\d+:\{')
_WAY = re.compile(r'"manipulator_key";s:\d+:"([^"]*)"')


def serialized(text: str) -> list[str]:
    """Give the fields that an entry of the audit log changed: the keys of "fields" in PHP's serialize(), whose lengths count bytes."""
    raw = text.encode(errors="surrogatepass")
    found = _FIELDS.search(raw)
    place, depth, names, key = found.end() if found else len(raw), 0, list[str](), True
    while place < len(raw) and depth >= 0:
        if raw[place : place + 2] == b"s:":
            size, start = int(raw[place + 2 : raw.index(b":", place + 2)]), raw.index(b'"', place) + 1
            names += [raw[start : start + size].decode(errors="replace")] if depth == 0 and key else []
            place, key = start + size + 2, not key if depth == 0 else key
        elif raw[place : place + 1] in b"}{":
            depth, place, key = depth + (1 if raw[place] == 123 else -1), place + 1, True
        else:
            ends = [end for end in (raw.find(b";", place), raw.find(b"{", place)) if end >= 0]
            place = (min(ends) + (raw[min(ends)] == 59)) if ends else len(raw)
    return names


@dataclass(frozen=True)
class Acted:
    """What the audit log says of the last changes of a contact: who, and each field's own time."""

    name: str
    way: str
    times: Mapping[str, datetime]
    created: bool = False


def way(entry: Row) -> str:
    """Give by which way an entry of the audit log came about: `lead:api-batch`, `form:submission`; nothing where it does not say."""
    found = _WAY.search(str(entry.get("details") or ""))
    return found[1] if found else ""


def acted(entries: Iterable[Row]) -> dict[str, Acted]:
    """Put the entries of the audit log together, in order, by contact: the last one says who acted."""
    found: dict[str, Acted] = {}
    for one in entries:
        before, details = found.get(str(one["object_id"])), str(one.get("details") or "")
        at = moment(one["date_added"])
        times = {**(before.times if before else {}), **(dict.fromkeys(serialized(details), at) if at else {})}
        created = (before is not None and before.created) or one["action"] == "create"
        if one["action"] in ("create", "update"):
            found[str(one["object_id"])] = Acted(str(one.get("user_name") or ""), way(one), times, created)
    return found


@dataclass(frozen=True)
class Reading:
    """One answer or webhook being read: of which system, by which schema, when; `read_at` only of a consistent read."""

    system: str
    types: Mapping[str, FieldType]
    own: str
    received_at: datetime
    read_at: datetime | None
    bulk: bool = False

    def ref(self, ident: object) -> str:
        """Give the record ref of a contact."""
        return str(Ref(self.system, CONTACTS, str(ident)))

    def values(self, row: Row) -> dict[str, Scalar]:
        """Give all that a contact holds; webhooks have its fields by group, the API has them all at once too."""
        groups = row.get("fields") or {}
        plain = groups.get("all") or {name: one.get("value") for group in groups.values() for name, one in dict(group or {}).items()}
        held: dict[str, Scalar] = {name: canonical(value, self.types.get(name, "text")) for name, value in plain.items() if name != "id"}
        out = {one.get("channel") for one in row.get("doNotContact") or () if one.get("reason") != BOUNCED}
        owner, stage = row.get("owner") or {}, row.get("stage") or {}
        own: dict[str, Scalar] = {"owner": str(owner["id"]) if owner.get("id") else None, "stage": stage.get("name")}
        return held | own | {name: channel in out for name, channel in CHANNELS.items()} | (row.get(HELD) or {})

    def origin(self, name: str, way: str) -> Origin:
        """Say who acted: ourselves by our name, a user, or what the way says."""
        if self.own and name == self.own:
            return "own"
        told = next((origin for head, origin in _WAYS if way.startswith(head)), None)
        return told or ("person" if name.strip() and name != "System" else "unknown")

    def snapshot(self, row: Row, fields: Sequence[str] | None, by: Acted | None = None) -> RecordChanged:
        """Give a contact with every one of `fields` (None: with all that it holds, not as a snapshot), and who changed it."""
        held, at = self.values(row), moment(row.get("dateModified")) or moment(row.get("dateAdded"))
        if at is None:
            raise Surprising(f"contact {row.get('id')} has no time of change, not even dateAdded")
        if gone := [name for name in fields or () if name not in held]:  # it shows every field that it has, blank ones too
            raise Surprising(f"{CONTACTS}.{gone[0]} was asked for and is not in the answer")
        name = by.name if by else str(row.get("modifiedByUser") or row.get("createdByUser") or "")
        origin, email, truce_id = self.origin(name, by.way if by else ""), held.get("email"), held.get(TRUCE_ID)
        times = {name: when for name, when in by.times.items() if name in (fields or ())} if by else {}
        return RecordChanged(
            ref=self.ref(row["id"]), at=max([at, *times.values()]), times=times, received_at=self.received_at,
            fields=held if fields is None else {one: held[one] for one in fields}, complete=fields is not None,
            read_at=None if fields is None else self.read_at, email=str(email) if email else None,
            truce_id=str(truce_id) if truce_id else None, origin=origin, bulk=self.bulk or origin == "import",
            created=by is not None and by.created,
        )  # fmt: skip

    def touch(self, table: str, row: Row, name: str, person: Row) -> TouchRecorded | None:
        """Give a row of statistics as a touch of the contact that it is of; None without a time."""
        column, kind = TABLES[table]
        at, email = moment(row.get(column)), self.values(person).get("email")
        if kind == "visit" and (row.get("redirect_id") or row.get("email_id")):
            kind = "click"
        if at is None:
            return None
        return TouchRecorded(
            system=self.system, activity_id=f"{table}:{row['id']}", kind=kind, name=name, at=at, received_at=self.received_at,
            ref=self.ref(person["id"]), email=str(email) if email else None,
            details={"page": row["referer"]} if row.get("referer") else {},
        )  # fmt: skip

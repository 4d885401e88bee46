"""Salesforce's values ↔ canonical scalars, SOQL text, record ids, and rows → what the source tells. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from connectors import scan
from connectors.base import FieldSeen, FieldType, Item, Right
from connectors.errors import Rejected, Surprising
from schemas.base import Scalar
from schemas.change import RecordChanged, RecordConverted, RecordDeleted, RecordMerged
from schemas.response import ResponseRecorded
from schemas.touch import TouchKind, TouchRecorded

Row = Mapping[str, Any]
TRUCE_ID = "Truce_Id__c"
OPPORTUNITY, ROLE = "Opportunity", "OpportunityContactRole"
ROLES = "OpportunityContactRoles"
"""What the people in an opportunity are called as a field of it: its contact roles, read as the ids of their contacts."""
MEMBER, CAMPAIGN = "CampaignMember", "campaigns."
"""Membership of a campaign, and how a person's field begins that holds its status."""
SYSTEM_FIELDS = ("Id", "IsDeleted", "CreatedDate", "SystemModstamp", "LastModifiedById")
OWN_FIELDS = (
    "MasterRecordId", "IsConverted", "ConvertedContactId", "ConvertedAccountId", "ConvertedOpportunityId", "ConvertedDate", "Email", TRUCE_ID,
)  # fmt: skip
"""What is asked for besides of an object that has it."""
_ACTIVITY = "Id, IsDeleted, SystemModstamp, LastModifiedById, WhoId, OwnerId, Type"
RESPONSE = {
    "Task": f"{_ACTIVITY}, IsClosed, CompletedDateTime, TaskSubtype",
    "Event": f"{_ACTIVITY}, EndDateTime",
}
"""What is asked of what a rep did: of tasks, and of events, which are meetings (Salesforce's Object Reference: Task, Event)."""
_AT_ONCE = timedelta(seconds=1)
"""So far may the time of a completion be before that of the very change that completed."""
_PEOPLE = {"00Q": "Lead", "003": "Contact"}
Activity = Literal["call", "email", "meeting", "task", "other"]
_KINDS: Mapping[str, Activity] = {
    "call": "call", "email": "email", "listemail": "email", "meeting": "meeting", "task": "task",
}  # fmt: skip

_TYPES: Mapping[str, FieldType] = {
    "string": "text", "textarea": "text", "combobox": "text", "url": "text", "id": "text", "encryptedstring": "text",
    "email": "email", "phone": "phone", "int": "number", "long": "number", "double": "number", "currency": "number", "percent": "number",
    "boolean": "flag", "date": "date", "datetime": "time", "time": "text", "picklist": "picklist", "multipicklist": "picklist",
}  # fmt: skip
_CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_QUOTED = str.maketrans({"\\": "\\\\", "'": "\\'", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f", "\x00": ""})
_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Z0-5]{3})?")


def field_type(described: Row) -> FieldType | None:
    """Give our type of a described field; None for compounds (address, location), which are no scalars."""
    if described["type"] == "reference":
        return "user" if "User" in (described.get("referenceTo") or ()) else "text"
    return _TYPES.get(described["type"])


def seen(described: Row) -> FieldSeen | None:
    """Give one described field as the schema tells it; None for a compound."""
    type_ = field_type(described)
    if type_ is None:
        return None
    values = [one for one in described.get("picklistValues") or () if one.get("active", True)]
    return FieldSeen(
        name=described["name"], type=type_, label=str(described.get("label") or ""), custom=bool(described.get("custom")),
        length=described.get("length") or None if type_ in ("text", "email", "phone", "picklist") else None,
        writable=bool(described.get("updateable")), values=tuple((str(one["value"]), str(one.get("label") or one["value"])) for one in values),
        closed=bool(described.get("restrictedPicklist")), computed=bool(described.get("calculated")),
    )  # fmt: skip


_MADE: Mapping[str, Row] = {
    "number": {"type": "Number", "precision": 18, "scale": 2}, "flag": {"type": "Checkbox", "defaultValue": "false"},
    "date": {"type": "Date"}, "time": {"type": "DateTime"},
}  # fmt: skip


def made(object_: str, wanted: FieldSeen) -> Row:
    """Give a custom field as the Tooling API's CustomField takes it; raises Rejected for a name that none can have."""
    if not wanted.name.endswith("__c"):
        raise Rejected(f"{wanted.name} is no name of a custom field: those end in __c")
    values = [{"fullName": value, "label": label, "default": False} for value, label in wanted.values]
    kind: Row = _MADE.get(wanted.type, {"type": "Text", "length": min(255, wanted.length or 255)})
    if values:
        kind = {"type": "Picklist", "valueSet": {"restricted": True, "valueSetDefinition": {"sorted": False, "value": values}}}
    kind = {**kind, "externalId": True, "unique": True, "caseSensitive": True} if wanted.unique else kind
    return {"FullName": f"{object_}.{wanted.name}", "Metadata": {"label": wanted.label, "description": "Set by Truce", **kind}}


def allowed(described: Row) -> frozenset[Right]:
    """Give what describe says that we may do with an object."""
    flags: Mapping[Right, str] = {"read": "queryable", "create": "createable", "edit": "updateable", "delete": "deletable"}
    return frozenset(right for right, flag in flags.items() if described.get(flag))


def describes(answer: Any) -> bool:
    """Say whether an answer is a schema; what is kept for minutes must not be half of one."""
    fields = answer.get("fields") if isinstance(answer, dict) else None
    named = (isinstance(one, dict) and isinstance(one.get("name"), str) and isinstance(one.get("type"), str) for one in fields or ())
    return isinstance(fields, list) and bool(fields) and all(named)


def id18(ident: str) -> str | None:
    """Give the 18-character form of a record id, which tells case without case; None for what is no id."""
    if not _ID.fullmatch(ident):
        return None
    blocks = (ident[start : start + 5] for start in (0, 5, 10))
    return ident[:15] + "".join(_CHECK[sum(1 << place for place, one in enumerate(block) if one.isupper())] for block in blocks)


def quoted(text: str) -> str:
    """Write a text as a SOQL literal."""
    return f"'{text.translate(_QUOTED)}'"


def literal(moment: datetime) -> str:
    """Write a time as a SOQL literal, which stands without quotes."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment(wire: Any) -> datetime:
    """Read a time of the wire ("2020-10-22T21:03:23.000+0000"); raises Surprising for anything else."""
    try:
        found = datetime.fromisoformat(wire)
        if found.tzinfo is not None:
            return found.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        raise Surprising("a time that is none") from None
    raise Surprising("a time without a zone")


def from_wire(value: Any, type_: FieldType | None) -> Scalar:
    """Give a value of the wire in canonical form: blank is None, times end in Z, whole numbers are int; raises Surprising for a compound."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        if type_ == "time" and value:
            return moment(value).isoformat().replace("+00:00", "Z")
        return value if value.strip() else None
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    if isinstance(value, int):
        return value
    raise Surprising("a value that is no plain one")


@dataclass(frozen=True)
class Reading(scan.Reading):
    """How rows of one answer are read."""

    joined: Mapping[str, Mapping[str, Scalar]] = field(default_factory=dict)
    """Record id → what stands of it elsewhere: its statuses in campaigns."""

    def item(self, row: Row) -> Item:
        """Tell what a row of `columns` says: it was merged, deleted, converted, or looks like this; raises Surprising."""
        at, actor = moment(row.get("SystemModstamp")), row.get("LastModifiedById")
        ref, told = self.ref(row["Id"]), {"at": at, "received_at": self.received_at, "actor": actor}
        if row.get("IsDeleted"):
            if master := row.get("MasterRecordId"):
                return RecordMerged(survivor=self.ref(master), losers=(ref,), **told)
            return RecordDeleted(ref=ref, **told)
        if row.get("IsConverted"):
            kinds = {"became": "Contact", "account": "Account", "opportunity": "Opportunity"}
            found = {name: row.get(f"Converted{kind}Id") for name, kind in kinds.items()}
            return RecordConverted(ref=ref, **told, **{name: self.ref(ident, kinds[name]) for name, ident in found.items() if ident})
        return self.snapshot(row)

    def response(self, row: Row) -> ResponseRecorded | None:
        """Tell what a rep did with which person; None of what is about nobody or did not take place."""
        who = str(row.get("WhoId") or "")
        done = None if row.get("IsDeleted") or who[:3] not in _PEOPLE else self._held(row) if self.object == "Event" else self._closed(row)
        if done is None:
            return None
        at, kind = done
        return ResponseRecorded(
            system=self.system, ref=self.ref(who, _PEOPLE[who[:3]]), activity_id=row["Id"], by=row.get("OwnerId") or "",
            kind=kind, at=at, received_at=self.received_at,
        )  # fmt: skip

    def touch(self, row: Row, kind: TouchKind | None, name: str, type_: str) -> TouchRecorded | None:
        """Tell a member's response to a campaign; of its time Salesforce keeps the day alone, unless it is the row's last change."""
        whose = next(((one, row[f"{one}Id"]) for one in ("Contact", "Lead") if row.get(f"{one}Id")), None)
        if kind is None or whose is None:
            return None
        day, stamp, made = str(row.get("FirstRespondedDate") or ""), moment(row["SystemModstamp"]), moment(row["CreatedDate"])
        at = next((one for one in (stamp, made) if one.date().isoformat() == day or not day), None)
        details = {"type": type_, "status": row.get("Status"), "campaign": row["CampaignId"]}
        return TouchRecorded(
            system=self.system, activity_id=f"{MEMBER}:{row['Id']}", kind=kind, name=name, at=at or moment(f"{day}T00:00:00Z"),
            received_at=self.received_at, ref=self.ref(whose[1], whose[0]), details=details,
        )  # fmt: skip

    def _held(self, row: Row) -> tuple[datetime, Activity] | None:
        """Give when a meeting was over; one that is still to come is none yet: it is asked for again when it has ended."""
        end = moment(row["EndDateTime"]) if row.get("EndDateTime") else None
        kind = _KINDS.get(str(row.get("Type") or "").lower(), "meeting")
        return None if end is None or end > self.received_at else (end, kind)

    def _closed(self, row: Row) -> tuple[datetime, Activity] | None:
        """Give when a task was completed, and as what; None of what we completed ourselves."""
        stamp = moment(row.get("SystemModstamp"))
        at = moment(row["CompletedDateTime"]) if row.get("CompletedDateTime") else stamp
        ours = row.get("LastModifiedById") == self.me and stamp - at <= _AT_ONCE  # else a rep completed it, and we wrote to it since
        if not row.get("IsClosed") or ours:
            return None
        named = (str(row.get(name) or "").lower() for name in ("TaskSubtype", "Type"))
        kinds = [_KINDS[name] for name in named if name in _KINDS]
        return at, next((one for one in kinds if one != "task"), "task")

    def snapshot(self, row: Row) -> RecordChanged:
        """Give a row's fields, all that were asked for; raises Surprising naming a field that is missing or no scalar."""
        actor, stamp = row.get("LastModifiedById"), row.get("SystemModstamp")
        return self.seen(
            row["Id"], moment(stamp), row, email=row.get("Email"), truce_id=row.get(TRUCE_ID), origin="own" if actor == self.me else "person",
            actor=actor, created=row.get("CreatedDate") == stamp,
        )  # fmt: skip

    def value(self, row: Row, name: str) -> Scalar:
        """Give one field of a row; of contact roles the contacts."""
        if name.startswith(CAMPAIGN):
            return self.joined.get(row["Id"], {}).get(name)
        if name == ROLES:
            return " ".join(sorted(str(one["ContactId"]) for one in (row[name] or {}).get("records", ()) if one["ContactId"])) or None
        return from_wire(row[name], self.types.get(name))


def columns(fields: Iterable[str], types: Mapping[str, FieldType]) -> str:
    """Give the SELECT list of an object: what every row must say, what this object says besides, then the fields asked for, each once."""
    roles = f"(SELECT ContactId FROM {ROLES} WHERE IsDeleted = false)"
    own = (name for name in OWN_FIELDS if name in types)
    names = dict.fromkeys((*SYSTEM_FIELDS, *own, *fields))
    return ", ".join(roles if name == ROLES else name for name in names if not name.startswith(CAMPAIGN))

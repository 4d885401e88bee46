"""EspoCRM's fields and values ↔ ours, and rows → what the source tells. Pure."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from connectors import scan
from connectors.base import FieldSeen, FieldType, Item, Right
from connectors.errors import Surprising
from schemas.base import Scalar
from schemas.change import Origin, RecordChanged, RecordConverted, RecordDeleted
from schemas.response import ResponseRecorded
from schemas.touch import TouchKind, TouchRecorded

Row = Mapping[str, Any]
TRUCE_ID = "cTruceId"
LOG = "CampaignLogRecord"
PEOPLE = ("Lead", "Contact")
LIST = "lists."
"""How a person's attributes begin that say whether they are on a target list, and have not left it."""
SYSTEM_FIELDS = ("id", "createdAt", "modifiedAt", "createdById", "modifiedById")
OWN_FIELDS = (
    "emailAddress", TRUCE_ID, "status", "convertedAt", "createdContactId", "createdAccountId", "createdOpportunityId",
)  # fmt: skip
"""What is asked for besides of an object that has it."""
_ACT = (*SYSTEM_FIELDS, "status", "assignedUserId", "parentType", "parentId", "dateEnd")
ACTS: Mapping[str, tuple[str, ...]] = {
    "Task": (*_ACT, "dateCompleted"), "Call": (*_ACT, "leadsIds", "contactsIds"), "Meeting": (*_ACT, "leadsIds", "contactsIds"),
    LOG: ("id", "createdAt", "createdById", "action", "actionDate", "campaignName", "parentType", "parentId", "isTest"),
}  # fmt: skip
"""What is asked of what reps and people did."""
DONE: Mapping[str, str] = {"Task": "Completed", "Call": "Held", "Meeting": "Held"}
"""The status of what took place."""
_TOUCHES: Mapping[str, TouchKind] = {"Opened": "open", "Clicked": "click", "Lead Created": "form", "Opted In": "form", "Opted Out": "other"}
_KINDS: Mapping[str, Literal["call", "meeting", "task"]] = {"Task": "task", "Call": "call", "Meeting": "meeting"}
_TYPES: Mapping[str, FieldType] = {
    "varchar": "text", "text": "text", "url": "text", "personName": "text", "wysiwyg": "text", "email": "email", "phone": "phone",
    "int": "number", "float": "number", "currency": "number", "autoincrement": "number", "bool": "flag", "date": "date", "datetime": "time",
    "datetimeOptional": "time", "enum": "picklist",
}  # fmt: skip
_OF_ADDRESS = ("IsOptedOut", "IsInvalid")
_AT_ONCE = timedelta(seconds=1)
"""So far may the time of a completion be before that of the very change that completed."""


def attributes(name: str, field: Row, links: Row) -> dict[str, FieldType]:
    """Give the attributes of one field of the metadata, with our types; none of what is no plain value."""
    kind = str(field.get("type"))
    if kind in ("link", "linkOne"):
        return {f"{name}Id": "user" if (links.get(name) or {}).get("entity") == "User" else "text"}
    if kind == "linkParent":
        return {f"{name}Id": "text", f"{name}Type": "text"}
    if kind == "linkMultiple":
        return {f"{name}Ids": "text"}
    return {name: _TYPES[kind]} if kind in _TYPES else {}


def types(described: Row) -> dict[str, FieldType]:
    """Give the type of every attribute that holds a plain value."""
    links = described.get("links") or {}
    found: dict[str, FieldType] = {"id": "text"}
    for name, field in described["fields"].items():
        found |= attributes(name, field, links)
    return found


def allowed(level: Any) -> frozenset[Right]:
    """Say what a role's word on an object (`acl.table`) lets us do with all of its records; what it has of one's own or a team's is too little."""
    told = level if isinstance(level, Mapping) else {}
    every: tuple[Right, ...] = ("read", "create", "edit", "delete")
    return frozenset(one for one in every if told.get(one, "no") in ("yes", "all"))


def writable(described: Row, denied: Row) -> frozenset[str]:
    """Name the attributes that may be written; `denied` is what the role says of fields."""
    found: set[str] = set()
    for name, field in described["fields"].items():
        computed = field.get("type") in ("personName", "linkMultiple", "autoincrement") or (
            field.get("notStorable") and "IsOptedOut" not in name
        )
        if not (computed or field.get("readOnly") or (denied.get(name) or {}).get("edit") == "no"):
            found |= attributes(name, field, described.get("links") or {}).keys()
    return frozenset(found)


def seen(described: Row, denied: Row) -> list[FieldSeen]:
    """Give every attribute as the metadata tells it; labels stand elsewhere, and of a field of one's own the name is as good."""
    free, links, found = writable(described, denied), described.get("links") or {}, list[FieldSeen]()
    for name, field in described["fields"].items():
        if (denied.get(name) or {}).get("read") == "no":
            continue
        options = [str(one) for one in field.get("options") or () if one] if field.get("type") == "enum" else []
        for attribute, kind in attributes(name, field, links).items():
            found.append(
                FieldSeen(
                    name=attribute, type=kind, label=_label(attribute) if field.get("isCustom") else "", length=field.get("maxLength") if kind == "text" else None, writable=attribute in free,
                    computed=bool(field.get("notStorable") and field.get("select")), custom=bool(field.get("isCustom")), values=tuple((one, one) for one in options), closed=bool(options),
                )
            )  # fmt: skip
    return found


def _label(name: str) -> str:
    """Give what a person called a field of their own: cMqlDate was mqlDate before EspoCRM put its c before it."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name[1:] if re.match("c[A-Z0-9]", name) else name)


def moment(wire: Any) -> datetime:
    """Read a time of the wire ("2026-11-22 07:06:50", UTC); raises Surprising for anything else."""
    try:
        return datetime.strptime(wire, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except (TypeError, ValueError):
        raise Surprising("a time that is none") from None


def literal(at: datetime) -> str:
    """Write a time as the wire has it; it has whole seconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def from_wire(value: Any, type_: FieldType | None) -> Scalar:
    """Give a value of the wire in canonical form; of linked records their ids. Raises Surprising for what is no plain value."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    if isinstance(value, list):
        return " ".join(sorted(str(one) for one in value)) or None
    if isinstance(value, str):
        if type_ == "time" and value:
            return moment(value).isoformat().replace("+00:00", "Z")
        return value if value.strip() else None
    raise Surprising("a value that is no plain one")


def to_wire(value: Scalar, type_: FieldType | None) -> Scalar:
    """Give a canonical value as EspoCRM takes it."""
    return literal(datetime.fromisoformat(value)) if type_ == "time" and isinstance(value, str) else value


def silent(row: Row, name: str) -> bool:
    """Say whether a row says nothing of a field: of an address that is not there EspoCRM keeps no flag and shows null (measured)."""
    return name.endswith(_OF_ADDRESS) and name in row and row[name] is None


def selected(fields: Iterable[str], known: Mapping[str, FieldType]) -> list[str]:
    """Give the attributes to ask for: what every row must say, what this object says besides, then the fields, each once."""
    return list(
        dict.fromkeys(
            (*SYSTEM_FIELDS, *(name for name in OWN_FIELDS if name in known), *(name for name in fields if not name.startswith(LIST)))
        )
    )


@dataclass(frozen=True)
class Reading(scan.Reading):
    """How rows of one answer are read."""

    joined: Mapping[str, Mapping[str, bool]] = dataclasses.field(default_factory=dict)
    """Record id → the target lists that it is on."""

    def item(self, row: Row) -> Item:
        """Tell what a row says: it was deleted (administrators see that), converted, or looks like this; raises Surprising."""
        if row.get("deleted") is True:
            return RecordDeleted(ref=self.ref(row["id"]), at=moment(row.get("modifiedAt")), received_at=self.received_at)
        if self.object == "Lead" and row.get("status") == "Converted" and row.get("convertedAt"):
            kinds = {"became": "Contact", "account": "Account", "opportunity": "Opportunity"}
            found = {name: str(row[f"created{kind}Id"]) for name, kind in kinds.items() if row.get(f"created{kind}Id")}
            refs: dict[str, Any] = {name: self.ref(ident, kinds[name]) for name, ident in found.items()}
            return RecordConverted(
                ref=self.ref(row["id"]), at=moment(row["convertedAt"]), received_at=self.received_at, actor=self._actor(row), **refs
            )
        return self.snapshot(row)

    def snapshot(self, row: Row) -> RecordChanged:
        """Give a row's fields, all that were asked for; raises Surprising naming a field that is missing or no plain value."""
        actor = self._actor(row)
        origin: Origin = "own" if actor == self.me else "automation" if actor == "system" else "person"
        return self.seen(
            row["id"], moment(row.get("modifiedAt")), row, email=row.get("emailAddress") or None, truce_id=row.get(TRUCE_ID) or None,
            origin=origin, actor=actor, created=row.get("modifiedById") is None and row.get("createdAt") == row.get("modifiedAt"),
        )  # fmt: skip

    def responses(self, row: Row) -> list[ResponseRecorded]:
        """Tell what a rep did, once for each person it was done with; nothing of what did not take place, or we completed ourselves."""
        if row.get("status") != DONE[self.object]:
            return []
        changed, own = moment(row.get("modifiedAt")), row.get("dateCompleted" if self.object == "Task" else "dateEnd")
        at = min(moment(own), changed) if own else changed
        if self.object == "Task" and self._actor(row) == self.me and changed - at <= _AT_ONCE:
            return []  # else a rep completed it, and we wrote to it since
        linked = [("Lead", one) for one in row.get("leadsIds") or ()] + [("Contact", one) for one in row.get("contactsIds") or ()]
        parent = [(row["parentType"], row["parentId"])] if row.get("parentType") in PEOPLE else []
        return [
            ResponseRecorded(
                system=self.system, ref=self.ref(ident, kind), activity_id=f"{self.object}:{row['id']}:{ident}", kind=_KINDS[self.object],
                by=row.get("assignedUserId") or "", at=at, received_at=self.received_at,
            )
            for kind, ident in dict.fromkeys((*parent, *linked))
        ]  # fmt: skip

    def touches(self, row: Row) -> list[TouchRecorded]:
        """Tell what a person did in a campaign; nothing of what was done to them (sent, bounced), nor of tests."""
        kind, parent = _TOUCHES.get(str(row.get("action"))), row.get("parentType")
        if kind is None or parent not in PEOPLE or not row.get("parentId") or row.get("isTest"):
            return []
        name, at = str(row.get("campaignName") or ""), moment(row.get("actionDate") or row.get("createdAt"))
        ref = self.ref(str(row["parentId"]), parent)
        details: dict[str, Scalar] = {"action": str(row["action"])}
        return [
            TouchRecorded(
                system=self.system,
                activity_id=f"{LOG}:{row['id']}",
                kind=kind,
                name=name,
                at=at,
                received_at=self.received_at,
                ref=ref,
                details=details,
            )
        ]

    def tells(self, row: Row, name: str) -> bool:
        """Say whether a row says anything of a field: a flag of no address is no word on whether the person may be written to."""
        return not silent(row, name)

    def _actor(self, row: Row) -> str | None:
        """Give who acted last: a record that nobody changed since has nobody in modifiedBy."""
        return row.get("modifiedById") or row.get("createdById")

    def value(self, row: Row, name: str) -> Scalar:
        """Give one attribute of a row."""
        if name.startswith(LIST):
            return self.joined[row["id"]][name]
        return from_wire(row[name], self.types.get(name))

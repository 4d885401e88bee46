"""HubSpot's values, records and webhook events, as ours: pure, no I/O and no clock.

The id of a form touch. A submission is seen in three ways: the webhook of the conversion properties knows record id and time, a read
knows record id, e-mail and time, the submissions list knows e-mail and time. The time is the same in all three (`recent_conversion_date`
is the submission's `submittedAt`, in ms). The form is not: a webhook is silent about a name that did not change, and the list has a guid.
So the id is made of record id and time, and the list's e-mail is looked up to find the record id.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.base import FieldSeen, FieldType, Item
from connectors.errors import Surprising
from connectors.hubspot.events import EPOCH, Event
from connectors.hubspot.objects import CONTACTS, LIST, SHAPES, Response
from schemas.base import Ref, Scalar
from schemas.change import Origin, RecordChanged, RecordDeleted, RecordMerged
from schemas.response import ResponseRecorded
from schemas.touch import TouchKind, TouchRecorded

TRUCE_ID, LIFECYCLE, OPT_OUT, MODIFIED = "truce_id", "lifecyclestage", "hs_email_optout", "lastmodifieddate"
CONVERTED_AT, CONVERTED_BY, CONVERSIONS = "recent_conversion_date", "recent_conversion_event_name", "num_conversion_events"
MERGED_IDS = "hs_merged_object_ids"
BOOKED = "Meetings Link: "
"""How a conversion's name begins that is no form but a meeting which the person booked by a rep's link; the link's own name follows."""
ALWAYS = ("email", TRUCE_ID, MODIFIED, CONVERTED_AT, CONVERTED_BY, CONVERSIONS, MERGED_IDS)
"""Properties that every read of contacts asks for beside the mapped ones."""

_STANDARD: dict[str, FieldType] = {
    "email": "email", "phone": "phone", "mobilephone": "phone", "fax": "phone", LIFECYCLE: "picklist", "hs_lead_status": "picklist",
    "hubspot_owner_id": "user", OPT_OUT: "flag", CONVERSIONS: "number", "annualrevenue": "number", "numberofemployees": "number",
    CONVERTED_AT: "time", "first_conversion_date": "time", "createdate": "time", MODIFIED: "time", "closedate": "time",
    "amount": "number", "hs_lastmodifieddate": "time", "dealstage": "picklist", "pipeline": "picklist",
}  # fmt: skip
_BY_TYPE: dict[str, FieldType] = {"number": "number", "bool": "flag", "date": "date", "datetime": "time", "enumeration": "picklist"}
_BY_SOURCE: dict[str, Origin] = {
    "CRM_UI": "person", "CONTACTS": "person", "CONTACTS_WEB": "person", "MOBILE_IOS": "person", "MOBILE_ANDROID": "person",
    "FORM": "form", "FORMS": "form", "MEETINGS": "form", "INTEGRATION": "api", "API": "api", "SALESFORCE": "api",
    "IMPORT": "import", "CRM_UI_BULK_ACTION": "import", "BATCH_UPDATE": "import", "BACKFILL": "import", "MIGRATION": "import",
    "AUTOMATION_PLATFORM": "automation", "WORKFLOW": "automation", "WORKFLOWS": "automation", "CALCULATED": "automation",
}  # fmt: skip
"""HubSpot's changeSource and sourceType: who acted."""
_LOUDEST: tuple[Origin, ...] = ("person", "form", "import", "api", "automation", "unknown", "own")
"""When several acted on one contact, the one that counts: a person's act is never taken for an import, nor news for an echo."""
_DELETIONS: dict[str | None, Any] = {"deletion": "deleted", "privacyDeletion": "erased", "restore": "restored"}
_STALE = timedelta(minutes=5)
"""When the last change of a field that we know is older than the record's own by this, something else was changed, by we know not whom."""


def type_of(prop: Mapping[str, Any]) -> FieldType:
    """Give the type of one property definition (GET /crm/v3/properties/{object})."""
    name, shown = str(prop.get("name")), prop.get("fieldType")
    if name == "hubspot_owner_id" or prop.get("referencedObjectType") == "OWNER":
        return "user"
    if shown == "phonenumber" or _STANDARD.get(name) in ("email", "phone"):
        return _STANDARD.get(name, "phone")
    return "flag" if shown == "booleancheckbox" else _BY_TYPE.get(str(prop.get("type")), "text")


def seen(prop: Mapping[str, Any]) -> FieldSeen:
    """Give one property definition as the schema tells it; an opt-out is written by the consent API."""
    name, kind = str(prop.get("name")), type_of(prop)
    fixed = prop.get("calculated") or (prop.get("modificationMetadata") or {}).get("readOnlyValue")
    options = [one for one in prop.get("options") or () if not one.get("hidden")] if kind == "picklist" else []
    values, label = tuple((str(one["value"]), str(one.get("label") or one["value"])) for one in options), str(prop.get("label") or "")
    return FieldSeen(
        name=name, type=kind, label=label, writable=not fixed or name.startswith(OPT_OUT), refuses=label.rpartition(":")[2].strip() * name.startswith(f"{OPT_OUT}_"),
        custom=prop.get("hubspotDefined") is not True, values=values, closed=bool(values),
    )  # fmt: skip


def inferred(name: str) -> FieldType:
    """Give the type that HubSpot's own property of this name has, for as long as the live schema is not known."""
    return "flag" if name.startswith((OPT_OUT + "_", LIST)) else _STANDARD.get(name, "text")


def moment(value: object) -> datetime | None:
    """Read a time that HubSpot writes as epoch ms or as ISO-8601; None for anything else."""
    text = str(value).strip()
    try:
        if re.fullmatch(r"-?[0-9]{1,15}", text):
            return EPOCH + timedelta(milliseconds=int(text))
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def millis(at: datetime) -> int:
    """Give epoch milliseconds."""
    return (at - EPOCH) // timedelta(milliseconds=1)


def _number(text: str) -> Scalar:
    if re.fullmatch(r"[+-]?[0-9]{1,18}", text):
        return int(text)
    try:
        found = float(text)
    except ValueError:
        return text
    whole = found.is_integer() and abs(found) < 2**53
    return int(found) if whole else found if math.isfinite(found) else text


def canonical(value: object, kind: FieldType) -> Scalar:
    """Give a property value in canonical form; a value that is none of its type stays the text it is, for the core to judge."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if value is None or not text.strip():
        return None
    if kind == "number":
        return _number(text.strip())
    if kind == "flag":
        return {"true": True, "false": False}.get(text.strip().lower(), text)
    if kind in ("date", "time") and (at := moment(text)) is not None:
        return at.date().isoformat() if kind == "date" else at.isoformat().replace("+00:00", "Z")
    return text


def vendor(value: Scalar) -> str:
    """Give a canonical value as HubSpot takes it: property values are strings, and "" clears."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else format(value, ".15g") if isinstance(value, float) else str(value)


def wanted(fields: Iterable[str], object_: str = CONTACTS) -> list[str]:
    """Give the properties to ask for so that these fields, and what every snapshot needs, come back."""
    shape = SHAPES[object_]
    return sorted(filter(shape.owns, {*fields, *(ALWAYS if object_ == CONTACTS else (shape.modified, MERGED_IDS))}))


def merged_ids(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Give the ids that live on in this record since a merge (the new record has an id of its own)."""
    text = (row.get("properties") or {}).get(MERGED_IDS) or ""
    return tuple(part for part in re.split(r"[;,\s]+", text) if part.isdigit() and part != str(row["id"]))


def _last(row: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Give the latest entry of a property's history, where it was asked for."""
    return next(iter((row.get("propertiesWithHistory") or {}).get(name) or ()), {})


def before_merge(row: Mapping[str, Any], at: datetime) -> bool:
    """Say that an act of this time may have been told under the id of a record that was merged since: this one's would count it twice."""
    merged_at = moment(_last(row, MERGED_IDS).get("timestamp"))
    return bool(merged_ids(row)) and (merged_at is None or at <= merged_at)


def changed_at(row: Mapping[str, Any]) -> datetime:
    """Give the record's own time of change; raises Surprising where there is none."""
    props = row.get("properties") or {}
    at = moment(props.get(MODIFIED)) or moment(props.get("hs_lastmodifieddate")) or moment(row.get("updatedAt"))
    if at is None:
        raise Surprising(f"record {row.get('id')} has no time of change, not even updatedAt")
    return at


def took_place(row: Mapping[str, Any], response: Response) -> datetime:
    """Say when an activity was: at its own time, but not later than its last change, for by then it was said to be over."""
    props, changed = row.get("properties") or {}, changed_at(row)
    return min(next((found for name in response.times if (found := moment(props.get(name)))), changed), changed)


def consent_of(submission: Mapping[str, Any]) -> dict[str, bool]:
    """Give what a submission's legalConsentOptions say: "email:<subscription type id>" → may be contacted."""
    options = submission.get("legalConsentOptions")
    parts = [part for part in options.values() if isinstance(part, dict)] if isinstance(options, dict) else []
    said = [one for part in parts for one in part.get("communications") or [] if isinstance(one, dict)]
    return {
        f"email:{one['subscriptionTypeId']}": one["value"]
        for one in said
        if isinstance(one.get("value"), bool) and "subscriptionTypeId" in one
    }


@dataclass(frozen=True)
class Reading:
    """One answer or one webhook call being read: of which system, by which schema, when; `read_at` only of a consistent read."""

    system: str
    types: Mapping[str, FieldType]
    app_id: str | None
    received_at: datetime
    read_at: datetime | None = None
    bulk: bool = False
    about: str = CONTACTS
    """Which object its rows and events are of."""

    def ref(self, ident: object) -> str:
        """Give the record ref of a record of this object."""
        return str(Ref(self.system, self.about, str(ident)))

    def value(self, name: str, value: object) -> Scalar:
        """Give a property's value in canonical form."""
        return canonical(value, self.types.get(name) or inferred(name))

    def origin(self, source: str | None, source_id: object) -> Origin:
        """Say who acted: our own app by its id, else by the table."""
        own = self.app_id and source in ("INTEGRATION", "API") and str(source_id) == self.app_id
        return "own" if own else _BY_SOURCE.get(source or "", "unknown")

    def told(self, row: Mapping[str, Any], fields: Sequence[str]) -> list[Item]:
        """Give all that a row tells: its merge, its snapshot with every one of `fields`, its last form submission."""
        items: list[Item] = [self.merge(row, merged_ids(row))] if merged_ids(row) else []
        items.append(self.snapshot(row, fields))
        props = row.get("properties") or {}
        at, name, count = moment(props.get(CONVERTED_AT)), props.get(CONVERTED_BY), props.get(CONVERSIONS)
        if at is not None and not before_merge(row, at):
            items.append(self.form(row["id"], at, name, props.get("email") or None, count=count))
        return items

    def merge(self, row: Mapping[str, Any], losers: Iterable[str]) -> RecordMerged:
        """Give the merge that made this record."""
        at = moment(_last(row, MERGED_IDS).get("timestamp")) or changed_at(row)
        refs = tuple(self.ref(one) for one in losers)
        return RecordMerged(survivor=self.ref(row["id"]), losers=refs, at=at, received_at=self.received_at)

    def snapshot(self, row: Mapping[str, Any], fields: Sequence[str]) -> RecordChanged:
        """Give a record with every one of `fields`; who acted last and when, by the history where that was read."""
        props, at = row.get("properties") or {}, changed_at(row)
        entries = {name: _last(row, name) for name in (*fields, CONVERTED_AT)}
        times = {name: when for name, entry in entries.items() if (when := moment(entry.get("timestamp")))}
        newest = [entries[name] for name, when in times.items() if when == max(times.values()) and at - when < _STALE]
        origin, actor = self._loudest([(one.get("sourceType"), one.get("sourceId")) for one in newest])
        return RecordChanged(
            ref=self.ref(row["id"]), at=at, fields={name: self.value(name, props.get(name)) for name in fields},
            times={name: when for name, when in times.items() if name in fields}, complete=True, read_at=self.read_at,
            received_at=self.received_at, email=props.get("email") or None, truce_id=props.get(TRUCE_ID) or None,
            origin=origin, actor=actor, bulk=self.bulk or origin == "import",
        )  # fmt: skip

    def _loudest(self, sources: Iterable[tuple[str | None, Any]]) -> tuple[Origin, str | None]:
        found = [(self.origin(source, ident), str(ident) if ident else None) for source, ident in sources]
        return min(found, key=lambda one: _LOUDEST.index(one[0]), default=("unknown", None))

    def form(
        self, ident: object, at: datetime, name: object, email: str | None, *, count: object = None, page: object = None,
        consent: Mapping[str, bool] | None = None,
    ) -> TouchRecorded:  # fmt: skip
        """Give one form submission (a booked meeting is one, too) as a touch, with the id that all three ways of seeing it share."""
        kind: TouchKind = "meeting" if str(name or "").startswith(BOOKED) else "form"
        details = {CONVERSIONS: canonical(count, "number"), "page": canonical(page, "text")}
        return TouchRecorded(
            system=self.system, activity_id=f"form:{ident}:{millis(at)}", kind=kind, name=str(name or ""), at=at, ref=self.ref(ident),
            received_at=self.received_at, email=email, consent=dict(consent or {}), bulk=self.bulk,
            details={key: value for key, value in details.items() if value is not None},
        )  # fmt: skip

    def theirs(self, row: Mapping[str, Any], response: Response) -> bool:
        """Say that an activity is not our own app's; of what automations leave, too, that a person wrote it."""
        who = self.origin(*(_last(row, response.mark).get(name) for name in ("sourceType", "sourceId")))
        return who == "person" if response.typed else who != "own"

    def responses(self, row: Mapping[str, Any], response: Response, people: Iterable[str]) -> list[ResponseRecorded]:
        """Give an activity that took place as a response to each of these contacts."""
        props, at = row.get("properties") or {}, took_place(row, response)
        return [
            ResponseRecorded(
                system=self.system, ref=str(Ref(self.system, CONTACTS, one)), activity_id=f"{response.kind}:{row['id']}:{one}",
                kind=response.kind, by=str(props.get("hubspot_owner_id") or ""), at=at, received_at=self.received_at,
            )
            for one in people
        ]  # fmt: skip

    def noticed(self, found: Iterable[Event]) -> list[Item]:
        """Give what the events of one call about this object say, the changes of one record as one; oldest first."""
        changes: dict[str, list[Event]] = {}
        items: list[Item] = []
        for event in found:
            said: dict[str, Any] = {"at": event.at, "received_at": self.received_at, "actor": event.sourceId}
            if event.verb in ("creation", "propertyChange") and event.objectId:
                changes.setdefault(event.objectId, []).append(event)
            elif how := _DELETIONS.get(event.verb):
                items.append(RecordDeleted(ref=self.ref(event.objectId), how=how, **said))
            elif event.verb == "merge":
                survivor, losers = event.merged()
                items.append(RecordMerged(survivor=self.ref(survivor), losers=tuple(map(self.ref, losers)), **said))
        for same in changes.values():
            items.extend(self._change(sorted(same, key=lambda event: event.occurredAt)))
        return sorted(items, key=lambda item: item.at)

    def _change(self, same: Sequence[Event]) -> list[Item]:
        """Give one partial change, and the form submission that its conversion properties tell of, where they name the form."""
        last = {event.propertyName: event for event in same if event.propertyName}  # by time: the latest of each name stays
        fields = {name: self.value(name, event.propertyValue) for name, event in last.items()}
        origin, actor = self._loudest([(event.changeSource, event.sourceId) for event in same])
        email, truce_id = fields.get("email"), fields.get(TRUCE_ID)
        change = RecordChanged(
            ref=self.ref(same[0].objectId), at=same[-1].at, fields=fields, times={name: event.at for name, event in last.items()},
            received_at=self.received_at, email=str(email) if email else None, truce_id=str(truce_id) if truce_id else None,
            origin=origin, actor=actor, bulk=origin == "import", created=any(event.verb == "creation" for event in same),
        )  # fmt: skip
        at, name, count = moment(fields.get(CONVERTED_AT)), fields.get(CONVERTED_BY), fields.get(CONVERSIONS)
        return [change] if at is None or not name else [change, self.form(same[0].objectId, at, name, change.email, count=count)]

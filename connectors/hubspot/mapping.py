"""HubSpot's values, records and webhook events, as ours: pure, no I/O and no clock.

The id of a form touch. A submission is seen in three ways: the webhook of the conversion properties knows the record id and the time,
a snapshot knows record id, e-mail and time, the submissions list knows e-mail and time. The time is the same in all three
(`recent_conversion_date` is the submission's `submittedAt`, in ms). The form is not: the webhook is silent about a name that did not
change, and the list has a guid. So the id is made of record id and time; the list's e-mail is looked up to find the record id.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import from_json

from connectors.base import FieldType, Item, Unwelcome
from schemas.base import Ref, Scalar
from schemas.change import Origin, RecordChanged, RecordDeleted, RecordMerged
from schemas.touch import TouchRecorded

OBJECT = "contacts"
TRUCE_ID = "truce_id"
LIFECYCLE = "lifecyclestage"
OPT_OUT = "hs_email_optout"
MODIFIED = "lastmodifieddate"
CONVERTED_AT, CONVERTED_BY, CONVERSIONS = "recent_conversion_date", "recent_conversion_event_name", "num_conversion_events"
MERGED_IDS, MERGED_TIMES = "hs_merged_object_ids", "hs_calculated_merged_vids"
MADE_BY = "hs_object_source"
ALWAYS = ("email", TRUCE_ID, MODIFIED, CONVERTED_AT, CONVERTED_BY, CONVERSIONS, MERGED_IDS, MERGED_TIMES, MADE_BY)
"""Properties that every read asks for beside the mapped ones."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MS = 253_402_300_799_999
_STANDARD: dict[str, FieldType] = {
    "email": "email",
    "phone": "phone",
    "mobilephone": "phone",
    "fax": "phone",
    LIFECYCLE: "picklist",
    "hs_lead_status": "picklist",
    "hubspot_owner_id": "user",
    OPT_OUT: "flag",
    CONVERSIONS: "number",
    CONVERTED_AT: "time",
    "first_conversion_date": "time",
    "createdate": "time",
    MODIFIED: "time",
    "closedate": "time",
    "annualrevenue": "number",
    "hubspotscore": "number",
}
_BY_TYPE: dict[str, FieldType] = {"number": "number", "bool": "flag", "date": "date", "datetime": "time", "enumeration": "picklist"}
_BY_SOURCE: dict[str, Origin] = {
    "CRM_UI": "person",
    "CRM_UI_BULK_ACTION": "import",
    "CONTACTS": "person",
    "CONTACTS_WEB": "person",
    "MOBILE_IOS": "person",
    "MOBILE_ANDROID": "person",
    "FORM": "form",
    "FORMS": "form",
    "MEETINGS": "form",
    "IMPORT": "import",
    "BATCH_UPDATE": "import",
    "BACKFILL": "import",
    "MIGRATION": "import",
    "INTEGRATION": "api",
    "API": "api",
    "AUTOMATION_PLATFORM": "automation",
    "WORKFLOW": "automation",
    "WORKFLOWS": "automation",
    "CALCULATED": "automation",
    "SALESFORCE": "api",
}
_LOUDEST: tuple[Origin, ...] = ("person", "form", "import", "api", "automation", "unknown", "own")


def type_of(prop: Mapping[str, Any]) -> FieldType:
    """Give the type of one property definition (GET /crm/v3/properties/contacts)."""
    name, kind, shown = prop.get("name"), prop.get("type"), prop.get("fieldType")
    if name == "email":
        return "email"
    if shown == "phonenumber" or name in ("phone", "mobilephone", "fax"):
        return "phone"
    if name == "hubspot_owner_id" or prop.get("referencedObjectType") == "OWNER":
        return "user"
    return "flag" if shown == "booleancheckbox" else _BY_TYPE.get(str(kind), "text")


def inferred(name: str) -> FieldType:
    """Give the type that HubSpot's own property of this name has, for as long as the live schema is not known."""
    return "flag" if name.startswith(OPT_OUT + "_") else _STANDARD.get(name, "text")


def moment(value: object) -> datetime | None:
    """Read a time that HubSpot writes as epoch ms or as ISO-8601; None for anything else."""
    text = str(value).strip()
    try:
        if re.fullmatch(r"-?\d{1,15}", text):
            return _EPOCH + timedelta(milliseconds=int(text))
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def millis(at: datetime) -> int:
    """Give epoch milliseconds."""
    return (at - _EPOCH) // timedelta(milliseconds=1)


def iso(at: datetime) -> str:
    """Give a time in canonical form: UTC, milliseconds, "Z"."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _number(text: str) -> Scalar:
    if re.fullmatch(r"-?\d{1,18}", text):
        return int(text)
    try:
        found = float(text)
    except ValueError:
        return text
    if not math.isfinite(found):
        return text
    return int(found) if found.is_integer() and abs(found) < 1e15 else found


def canonical(value: object, kind: FieldType) -> Scalar:
    """Give a property value in canonical form; a value that is none of its type stays the text it is, for the core to judge."""
    if value is None or value == "":
        return None
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if kind == "number":
        return _number(text.strip())
    if kind == "flag":
        return {"true": True, "false": False}.get(text.strip().lower(), text)
    if kind in ("date", "time"):
        at = moment(text)
        return text if at is None else at.date().isoformat() if kind == "date" else iso(at)
    return text


def vendor(value: Scalar) -> str:
    """Give a canonical value as HubSpot takes it: property values are strings, and "" clears."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return format(value, ".15g") if isinstance(value, float) else str(value)


def wanted(fields: Iterable[str]) -> list[str]:
    """Give the properties to ask for so that these fields, and what every snapshot needs, come back."""
    return sorted({*fields, *ALWAYS})


def ref(system: str, ident: object) -> str:
    """Give the record ref of a contact."""
    return str(Ref(system, OBJECT, str(ident)))


def merged_ids(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Give the ids that live on in this record since a merge (the new record has an id of its own)."""
    text = row.get("properties", {}).get(MERGED_IDS) or ""
    return tuple(part for part in re.split(r"[;,\s]+", text) if part.isdigit() and part != str(row["id"]))


def _merged_at(row: Mapping[str, Any]) -> datetime | None:
    """Give the time of the last merge where HubSpot says it ("vid:ms;vid:ms")."""
    times = re.findall(r":(\d{12,14})", row.get("properties", {}).get(MERGED_TIMES) or "")
    return moment(max(times, key=int)) if times else None


def changed_at(row: Mapping[str, Any]) -> datetime:
    """Give the record's own time of change."""
    at = moment(row.get("properties", {}).get(MODIFIED)) or moment(row.get("updatedAt"))
    if at is None:
        raise Unwelcome(f"record {row.get('id')}: neither {MODIFIED} nor updatedAt is a time")
    return at


def snapshot(
    system: str,
    row: Mapping[str, Any],
    fields: Sequence[str],
    types: Mapping[str, FieldType],
    *,
    received_at: datetime,
    read_at: datetime | None,
    bulk: bool = False,
) -> RecordChanged:
    """Give a record as it was read, with every one of `fields`."""
    props = row.get("properties", {})
    imported = props.get(MADE_BY) == "IMPORT" and _is_new(row)
    return RecordChanged(
        ref=ref(system, row["id"]),
        at=changed_at(row),
        fields={name: canonical(props.get(name), types.get(name) or inferred(name)) for name in fields},
        complete=True,
        read_at=read_at,
        received_at=received_at,
        email=props.get("email") or None,
        truce_id=props.get(TRUCE_ID) or None,
        origin="import" if imported else "unknown",
        bulk=bulk or imported,
    )


def _is_new(row: Mapping[str, Any]) -> bool:
    made = moment(row.get("createdAt"))
    return made is not None and changed_at(row) - made < timedelta(minutes=1)


def merge_of(system: str, row: Mapping[str, Any], *, received_at: datetime) -> RecordMerged | None:
    """Give the merge that a record tells of, if it ever was merged."""
    losers = tuple(ref(system, ident) for ident in merged_ids(row))
    if not losers:
        return None
    return RecordMerged(survivor=ref(system, row["id"]), losers=losers, at=_merged_at(row) or changed_at(row), received_at=received_at)


def touch_of(system: str, row: Mapping[str, Any], *, received_at: datetime, bulk: bool = False) -> TouchRecorded | None:
    """Give the last form submission that a record shows; None where it has none, or where it came over from a merged record."""
    props = row.get("properties", {})
    at = moment(props.get(CONVERTED_AT))
    if at is None or (merged_ids(row) and at <= (_merged_at(row) or changed_at(row))):
        return None  # what came before a merge was told under the merged record's id: a second id would count it twice
    return form(
        system,
        row["id"],
        at,
        name=props.get(CONVERTED_BY) or "",
        email=props.get("email") or None,
        received_at=received_at,
        count=canonical(props.get(CONVERSIONS), "number"),
        bulk=bulk,
    )


def form(
    system: str,
    ident: object,
    at: datetime,
    *,
    name: str,
    email: str | None,
    received_at: datetime,
    count: Scalar = None,
    consent: Mapping[str, bool] | None = None,
    page: str = "",
    bulk: bool = False,
) -> TouchRecorded:
    """Give one form submission as a touch, with the id that all three ways of seeing it share."""
    details: dict[str, Scalar] = {CONVERSIONS: count, "page": page or None}
    return TouchRecorded(
        system=system,
        activity_id=f"form:{ident}:{millis(at)}",
        kind="form",
        name=name,
        at=at,
        received_at=received_at,
        ref=ref(system, ident),
        email=email,
        consent=dict(consent or {}),
        details={key: value for key, value in details.items() if value is not None},
        bulk=bulk,
    )


def consent_of(submission: Mapping[str, Any]) -> dict[str, bool]:
    """Give what a submission's legalConsentOptions say: "email" for HubSpot's processing consent aside, "email:<type>" per subscription."""
    said: dict[str, bool] = {}
    for option in (submission.get("legalConsentOptions") or {}).values():
        for entry in (option.get("communications") or []) if isinstance(option, Mapping) else []:
            if isinstance(entry, Mapping) and isinstance(entry.get("value"), bool) and "subscriptionTypeId" in entry:
                said[f"email:{entry['subscriptionTypeId']}"] = entry["value"]
    return said


def _id(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Ident = Annotated[str, BeforeValidator(_id), Field(pattern=r"^\d{1,20}$")]


class Event(BaseModel):
    """One entry of a webhook's array (WIRE: HubSpot webhooks v3); what it has beyond this is of no use to us."""

    model_config = ConfigDict(frozen=True, strict=True)
    subscriptionType: str = Field(max_length=100)
    objectId: Ident
    occurredAt: int = Field(ge=0, le=_LAST_MS)
    objectTypeId: str | None = None
    portalId: Ident | None = None
    changeSource: str | None = None
    sourceId: Annotated[str | None, BeforeValidator(_id)] = None
    propertyName: str | None = None
    propertyValue: Annotated[str | int | bool | None, Field()] | Annotated[float, Field(allow_inf_nan=False)] = None
    primaryObjectId: Ident | None = None
    mergedObjectIds: list[Ident] = Field(default_factory=list)
    newObjectId: Ident | None = None

    @property
    def at(self) -> datetime:
        """When it happened, at HubSpot."""
        return _EPOCH + timedelta(milliseconds=self.occurredAt)

    @property
    def verb(self) -> str | None:
        """What happened to a contact (`creation`, `propertyChange` …); None for other objects."""
        kind, _, verb = self.subscriptionType.partition(".")
        return verb if kind == "contact" or (kind == "object" and self.objectTypeId == "0-1") else None


_EVENTS = TypeAdapter(list[Event])


def events(body: bytes) -> list[Event]:
    """Read a webhook's body; raises Unwelcome with the entry and field that is wrong, never with its value."""
    try:
        return _EVENTS.validate_python(from_json(body, allow_inf_nan=False))
    except ValidationError as error:
        first: Any = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise Unwelcome(f"{'.'.join(map(str, first['loc'])) or 'the body'}: {first['msg']}"[:200]) from None
    except ValueError as error:
        raise Unwelcome(f"the body is no JSON: {error}"[:200]) from None


def origin_of(event: Event, app_id: str | None) -> Origin:
    """Say who acted: our own app by its id, else by HubSpot's changeSource."""
    if app_id and event.changeSource in ("INTEGRATION", "API") and event.sourceId == app_id:
        return "own"
    return _BY_SOURCE.get(event.changeSource or "", "unknown")


def told(system: str, found: Iterable[Event], types: Mapping[str, FieldType], *, app_id: str | None, received_at: datetime) -> list[Item]:
    """Give what the events of one call say, the changes of one contact as one; oldest first."""
    changes: dict[str, list[Event]] = {}
    items: list[Item] = []
    for event in found:
        if event.verb in ("creation", "propertyChange"):
            changes.setdefault(event.objectId, []).append(event)
        elif event.verb in _DELETIONS:
            how = _DELETIONS[event.verb]
            items.append(RecordDeleted(ref=ref(system, event.objectId), at=event.at, received_at=received_at, how=how, actor=event.sourceId))
        elif event.verb == "merge":
            items.append(_merge(system, event, received_at))
    for same in changes.values():
        items.extend(_change(system, sorted(same, key=lambda event: event.occurredAt), types, app_id, received_at))
    return sorted(items, key=lambda item: item.at)


_DELETIONS: dict[str, Any] = {"deletion": "deleted", "privacyDeletion": "erased", "restore": "restored"}


def _merge(system: str, event: Event, received_at: datetime) -> RecordMerged:
    survivor = event.newObjectId or event.primaryObjectId or event.objectId
    named = dict.fromkeys([event.primaryObjectId or event.objectId, *event.mergedObjectIds])
    losers = tuple(ref(system, ident) for ident in named if ident != survivor)
    return RecordMerged(survivor=ref(system, survivor), losers=losers, at=event.at, received_at=received_at, actor=event.sourceId)


def _change(system: str, same: Sequence[Event], types: Mapping[str, FieldType], app_id: str | None, received_at: datetime) -> list[Item]:
    """Give one partial change, and the form submission that its conversion properties tell of."""
    last = {event.propertyName: event for event in same if event.propertyName}  # sorted by time: the latest of each name stays
    fields = {name: canonical(event.propertyValue, types.get(name) or inferred(name)) for name, event in last.items()}
    origins = [origin_of(event, app_id) for event in same]
    loudest = min(origins, key=_LOUDEST.index)
    email, truce_id = fields.get("email"), fields.get(TRUCE_ID)
    change = RecordChanged(
        ref=ref(system, same[0].objectId),
        at=same[-1].at,
        fields=fields,
        times={name: event.at for name, event in last.items()},
        received_at=received_at,
        email=str(email) if email else None,
        truce_id=str(truce_id) if truce_id else None,
        origin=loudest,
        actor=next((event.sourceId for event, origin in zip(same, origins, strict=True) if origin == loudest), None),
        bulk=loudest == "import",
        created=any(event.verb == "creation" for event in same),
    )
    touch = moment(fields[CONVERTED_AT]) if fields.get(CONVERTED_AT) else None
    if touch is None:
        return [change]
    name = str(fields.get(CONVERTED_BY) or "")
    count = fields.get(CONVERSIONS)
    return [change, form(system, same[0].objectId, touch, name=name, email=change.email, received_at=received_at, count=count)]


def day(text: str) -> date | None:
    """Read "YYYY-MM-DD"; None for anything else."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None

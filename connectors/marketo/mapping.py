"""Marketo's values ↔ canonical scalars, leads and activities → what the source tells, and how Marketo says no. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from pydantic_core import from_json

from connectors.base import FieldSeen, FieldType
from connectors.errors import Surprising
from connectors.http import Complaint, Dialect, Kind
from schemas.base import Ref, Scalar
from schemas.change import Origin, RecordChanged, RecordDeleted, RecordMerged
from schemas.touch import TouchKind, TouchRecorded
from schemas.write import FieldRefused

Row = Mapping[str, Any]
LEADS, TRUCE_ID, OWNER = "leads", "truceId", "externalSalesPersonId"
ALWAYS = ("email", TRUCE_ID, "createdAt", "updatedAt")
"""Fields that every read asks for beside the mapped ones."""
LIST, PROGRAM = "lists.", "programs."
"""What a static list and a program are called as fields of a lead, followed by their id."""

NEW, VALUE, SCORE, STAGE, MERGE, PROGRESS = 12, 13, 22, 23, 32, 104
TOUCHES: Mapping[int, TouchKind] = {1: "visit", 2: "form", 3: "click", 10: "open", 11: "click", 46: "other", PROGRESS: "campaign"}
"""Activity types that are acts of a person: visit, form, link, e-mail opened and clicked, interesting moment, program status."""
ALTERS = (SCORE, STAGE)
"""Activity types, beside new leads and changed values, after which a lead is read again."""
LOGGED = (*TOUCHES, *ALTERS, MERGE)
"""Types that are asked for in one call, which takes ten."""

_TYPES: Mapping[str, FieldType] = {
    "email": "email", "phone": "phone", "integer": "number", "score": "number", "float": "number", "currency": "number", "percent": "number",
    "boolean": "flag", "date": "date", "datetime": "time",
}  # fmt: skip
_SOURCES: tuple[tuple[str, Origin], ...] = (
    ("web service api", "api"), ("form", "form"), ("import", "import"), ("salesforce", "api"), ("sfdc", "api"), ("dynamics", "api"),
    ("crm", "api"), ("flow", "automation"), ("campaign", "automation"), ("web page", "automation"), ("manual", "person"), ("user", "person"),
)  # fmt: skip
"""What the attribute Source of a change begins with or holds → who acted."""

_STATUSES = {
    "500": 500, "502": 502, "600": 401, "601": 401, "602": 401, "603": 403, "604": 504, "606": 429, "607": 429, "608": 503, "611": 500, "614": 503,
    "615": 429, "713": 503, "1014": 500, "1016": 429, "1019": 503, "719": 503, "1022": 503, "1029": 423,
}  # fmt: skip
"""Code of a whole call → the HTTP status that it means; all others are 400. 604 and 611 may have been applied, 503 was turned away."""
NO_ROOM = 423
"""What 1029 means: not that there are too many calls, but that the queue of jobs is full, or that the day's exports are used up."""
CODES: Mapping[str, Kind] = {
    "600": "auth_expired", "601": "auth_expired", "602": "auth_expired", "603": "auth_expired", "invalid_client": "auth_expired",
    "unauthorized": "auth_expired", "unsupported_grant_type": "auth_expired", "607": "daily", "605": "surprising", "609": "surprising",
    "610": "surprising", "612": "surprising", "613": "surprising", "616": "surprising", "703": "surprising",
    **dict.fromkeys(("500", "502", "604", "608", "611", "614", "713", "719", "1014", "1019", "1022"), "unavailable"),
    **dict.fromkeys(("606", "615", "1016", "1029"), "rate_limited"),
    **dict.fromkeys(("701", "704", "709", "718", "1001", "1002", "1003", "1006", "1008", "1009", "1010", "1011", "1018", "1021"), "rejected"),
    **dict.fromkeys(("1025", "1035", "1036", "1037", "1080"), "rejected"),
    "702": "gone", "1004": "gone", "1013": "gone", "1015": "gone", "1005": "conflict", "1007": "conflict", "1017": "conflict",
}  # fmt: skip
"""Marketo's code → what happens next (its REST guide, Error Codes). Access denied is no fault of any record: it pauses and parks nothing."""
_WAITS = {"606": 20.0, "615": 1.0}
_FIELD = re.compile(r"[Ff]ield '([^']+)'|[Ff]ields? \[([^\]]+)\]")


def _said(body: Any) -> Any:
    """Give what an answer says; where a file was asked for, a failure is in its place."""
    if not isinstance(body, bytes) or not body.startswith(b"{"):
        return body
    try:
        return from_json(body)
    except ValueError:
        return body


def code_of(body: Any) -> str:
    """Give the code of a call that failed as a whole; "" of one that did not, or that says nothing."""
    errors = body.get("errors") if isinstance(body, Mapping) and body.get("success") is False else None
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], Mapping) else {}
    return str(first.get("code") or "")


def meant(status: int, body: Any) -> int:
    """Give the status that an answer means: Marketo sends 200 with `success` false."""
    body = _said(body) if status == 200 else body
    failed = 200 <= status < 300 and isinstance(body, Mapping) and body.get("success") is False
    return _STATUSES.get(code_of(body), 400) if failed else status


def complaint(reason: Any, values: Mapping[str, Scalar] | None = None) -> Complaint:
    """Read one entry of `errors` or of a row's `reasons`; the field is the one that it names, or whose value it quotes."""
    row = reason if isinstance(reason, Mapping) else {}
    code, words, given = str(row.get("code") or ""), str(row.get("message") or ""), values or {}
    named = [part.strip() for one, many in _FIELD.findall(words) for part in (one or many).split(",")]
    quoted = [name for name, value in given.items() if value is not None and f"'{value}'" in words]
    refused = tuple(FieldRefused(field=name, value=given.get(name), code=code, words=words) for name in named or quoted or [""])
    kind: Kind | None = "surprising" if code not in CODES and code[:1] in ("6", "7") else None
    return Complaint(code, words, kind, retry_after=_WAITS.get(code), refused=refused)


def refusal(result: Row, values: Mapping[str, Scalar]) -> Complaint:
    """Read the result of a row that was skipped; of several reasons the first says what happens next, all say which fields."""
    reasons = result.get("reasons")
    said = (
        [complaint(one, values) for one in reasons]
        if isinstance(reasons, list) and reasons
        else [Complaint(words="skipped without a reason")]
    )
    return said[0]._replace(refused=tuple(one for each in said for one in each.refused))


def explain(status: int, body: Any) -> Complaint:
    """Read the body of a call that failed: Marketo's envelope, or the identity service's error."""
    body = _said(body)
    if not isinstance(body, Mapping):
        return Complaint()
    if "error" in body:
        return Complaint(str(body["error"]), str(body.get("error_description") or ""), "auth_expired" if status < 500 else None)
    errors = body.get("errors")
    return complaint(errors[0]) if isinstance(errors, list) and errors else Complaint()


DIALECT = Dialect(explain=explain, codes=CODES, meant=meant, wait_s=20.0)


def type_of(field: Row) -> FieldType:
    """Give the type of one field of describe2."""
    return "user" if field.get("name") == OWNER else _TYPES.get(str(field.get("dataType")), "text")


def seen(field: Row) -> FieldSeen:
    """Give one field of describe2 as the schema tells it."""
    kind = type_of(field)
    return FieldSeen(
        name=str(field["name"]), type=kind, label=str(field.get("displayName") or ""), length=field.get("length") if kind != "time" else None,
        writable=bool(field.get("updateable")),
    )  # fmt: skip


def made(wanted: FieldSeen) -> Row:
    """Give a new custom field as the schema API takes it."""
    kind = {"number": "float", "flag": "boolean", "date": "date", "time": "datetime"}.get(wanted.type, "string")
    return {"name": wanted.name, "displayName": wanted.label, "dataType": kind, "description": "Set by Truce"}


def moment(value: object) -> datetime | None:
    """Read a time that Marketo writes with "Z", "+0000" or "-08:00"; None for anything else."""
    try:
        found = datetime.fromisoformat(str(value))
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def wire_time(at: datetime) -> str:
    """Write a time as Marketo takes it, in whole seconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def columns(fields: Iterable[str]) -> tuple[str, ...]:
    """Name what is asked for of each lead, so that a snapshot with these fields can be made."""
    return tuple(dict.fromkeys(("id", *ALWAYS, *(one for one in fields if not one.startswith((LIST, PROGRAM))))))


def named(leads: Iterable[str]) -> str:
    """Name leads as lists take them: a parameter for each (Adobe's guide, List Membership)."""
    return "&".join(f"id={int(one)}" for one in leads)


def canonical(value: object, kind: FieldType) -> Scalar:
    """Give a value in canonical form; one that is none of its type stays the text it is, for the core to judge."""
    text = str(value).strip()
    if value is None or not text:
        return None
    if kind == "flag":
        return {"true": True, "1": True, "false": False, "0": False}.get(text.lower(), text)
    if kind == "number":
        return _number(text)
    if kind == "time" and (at := moment(text)) is not None:
        return at.isoformat().replace("+00:00", "Z")
    return _day(text) if kind == "date" else value if isinstance(value, bool | int | float) else str(value)


def _number(text: str) -> Scalar:
    try:
        found = float(text)
        return int(found) if found.is_integer() and abs(found) < 2**53 else found
    except ValueError:
        return text


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text[:10]).isoformat()
    except ValueError:
        return text


def attributes(activity: Row) -> dict[str, Any]:
    """Give an activity's attributes by name."""
    found = activity.get("attributes")
    return {str(one.get("name")): one.get("value") for one in found if isinstance(one, Mapping)} if isinstance(found, list) else {}


def guid(activity: Row) -> str:
    """Give an activity's id: marketoGUID, for the numeric `id` is being retired."""
    return str(activity.get("marketoGUID") or activity["id"])


def at(activity: Row) -> datetime:
    """Give an activity's time; raises Surprising where it has none."""
    found = moment(activity.get("activityDate"))
    if found is None:
        raise Surprising("an activity without a time")
    return found


@dataclass(frozen=True)
class Reading:
    """One answer being read: of which system, by which schema, by which API user, when; `sent_at` only of a consistent read of leads."""

    system: str
    types: Mapping[str, FieldType]
    me: str
    received_at: datetime
    sent_at: datetime | None = None
    bulk: bool = False

    def ref(self, ident: object) -> str:
        """Give the record ref of a lead."""
        return str(Ref(self.system, LEADS, str(ident)))

    def snapshot(self, row: Row, fields: Sequence[str], log: Sequence[Row] = ()) -> RecordChanged:
        """Give a lead with every one of `fields`; who acted and when, by the activities that made us read it."""
        changed, values = moment(row.get("updatedAt")), {name: canonical(row.get(name), self.types.get(name, "text")) for name in fields}
        if changed is None:
            raise Surprising(f"lead {row.get('id')} has no updatedAt")
        if missing := [name for name in fields if name not in row and name not in self.types]:  # what is not in the answer is blank
            raise Surprising(f"leads.{missing[0]} was asked for and is not in the answer")
        origin, actor = self.origin(max(reversed(log), key=at)) if log else ("unknown", None)  # who acted last
        return RecordChanged(
            ref=self.ref(row["id"]), at=changed, fields=values, times=self._times(values, log), complete=True, read_at=self.sent_at,
            received_at=self.received_at, email=row.get("email") or None, truce_id=row.get(TRUCE_ID) or None, origin=origin, actor=actor,
            bulk=self.bulk or origin == "import", created=any(one.get("activityTypeId") == NEW for one in log),
        )  # fmt: skip

    def origin(self, activity: Row) -> tuple[Origin, str | None]:
        """Say who acted, and by which user, as far as the activity names them."""
        said = attributes(activity)
        source, user = str(said.get("Source") or said.get("Source Type") or "").lower(), said.get("Modifying User")
        if user and self.me and str(user).lower() == self.me.lower():
            return "own", str(user)
        return next((origin for word, origin in _SOURCES if word in source), "unknown"), str(user) if user else None

    def _times(self, values: Mapping[str, Scalar], log: Sequence[Row]) -> dict[str, datetime]:
        """Give the times of fields that hold what the log last says: of one that was changed again since we know none."""
        last: dict[str, tuple[datetime, object]] = {}
        for one in log:
            for change in one.get("fields") or ():
                last[str(change.get("name"))] = (at(one), change.get("newValue"))
        return {name: when for name, (when, new) in last.items() if name in values and self._same(name, new, values[name])}

    def _same(self, name: str, new: object, value: Scalar) -> bool:
        return canonical(new, self.types.get(name, "text")) == value

    def deleted(self, activity: Row) -> RecordDeleted:
        """Give a deletion (type 37)."""
        return RecordDeleted(ref=self.ref(activity["leadId"]), at=at(activity), received_at=self.received_at)

    def merged(self, activity: Row) -> RecordMerged:
        """Give a merge (type 32): the activity is the winner's, the losers stand in "Merge IDs"."""
        losers = (self.ref(one) for one in losers_of(activity))
        return RecordMerged(survivor=self.ref(activity["leadId"]), losers=tuple(losers), at=at(activity), received_at=self.received_at)

    def touch(self, activity: Row) -> TouchRecorded:
        """Give what a person did; what Marketo takes for a machine's is marked (Is Bot Activity)."""
        said, name = attributes(activity), str(activity.get("primaryAttributeValue") or "")
        kept = ("New Status", "Old Status", "Webpage URL", "Referrer URL", "Link", "Description", "Campaign Run ID", "Source")
        details = {key: value for key in kept if isinstance(value := said.get(key), str | int | bool)}
        return TouchRecorded(
            system=self.system, activity_id=guid(activity), kind=TOUCHES[activity["activityTypeId"]], name=name, at=at(activity),
            received_at=self.received_at, ref=self.ref(activity["leadId"]), details=details,
            machine=str(said.get("Is Bot Activity") or "").lower() in ("true", "1"),
        )  # fmt: skip


def losers_of(merge: Row) -> list[str]:
    """Give the ids that vanished in a merge ("[4, 5]", a list, or one number)."""
    return [one for one in re.findall(r"\d+", str(attributes(merge).get("Merge IDs") or "")) if one != str(merge["leadId"])]


def by_lead(activities: Iterable[Row]) -> dict[str, list[Row]]:
    """Give activities by the lead that they are of, in their order."""
    found: dict[str, list[Row]] = {}
    for one in activities:
        found.setdefault(str(one["leadId"]), []).append(one)
    return found

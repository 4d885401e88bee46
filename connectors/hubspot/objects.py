"""HubSpot's objects: type ids, times and associations of each, and which of a rep's activities are a response.

Names and type ids: HubSpot's guide "Understanding the CRM APIs"; association type ids: its guide "Associations v4". Webhooks name contacts,
companies and deals ("deal.creation"); all others come as "object.creation" with an objectTypeId.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from connectors.base import FieldSeen
from connectors.errors import Surprising

CONTACTS, COMPANIES, DEALS, TASKS = "contacts", "companies", "deals", "tasks"
LIST = "lists."
"""How a contact's fields begin that are its membership of static lists: `lists.1001`."""
Row = dict[str, Any]
MOST_SEEN = 2000
"""So many of those that were told last are remembered."""


@dataclass(frozen=True)
class Response:
    """When an activity is a rep's response: its kind, the property and values that say that it took place, and the times of it."""

    kind: Literal["call", "email", "meeting", "task", "other"]
    status: str
    """"" of what has none: it took place once it is there."""
    done: tuple[str, ...]
    """"": a blank one too, as of calls that a rep logged afterwards."""
    times: tuple[str, ...]
    """Properties that say when it was, the surest first."""
    never: tuple[str, str] = ("", "")
    """A property and its value with which it is none: an e-mail that came in."""
    typed: bool = False
    """It counts only where a person wrote it in HubSpot: workflows and other tools leave such, too."""

    @property
    def mark(self) -> str:
        """Name the property whose last change says who did it."""
        return self.status or self.times[0]

    @property
    def properties(self) -> list[str]:
        """Name what must be read of it."""
        return [name for name in (self.status, *self.times, self.never[0], "hubspot_owner_id") if name]

    def counts(self, props: Mapping[str, Any]) -> bool:
        """Say whether it took place."""
        return (props.get(self.status) or "") in self.done and (not self.never[0] or props.get(self.never[0]) != self.never[1])


@dataclass(frozen=True)
class Shape:
    """What is particular about one object."""

    object: str
    singular: str
    type_id: str
    modified: str = "hs_lastmodifieddate"
    linked: Mapping[str, str] = field(default_factory=dict)
    """Fields that are no properties but associations: field → the object whose record ids it holds."""
    response: Response | None = None

    def owns(self, field_: str) -> bool:
        """Say whether a field is a property of the object, and neither an association nor a list."""
        return field_ not in self.linked and not (self.object == CONTACTS and field_.startswith(LIST))


SHAPES = {
    one.object: one
    for one in (
        Shape(COMPANIES, "company", "0-2"),
        Shape(CONTACTS, "contact", "0-1", "lastmodifieddate"),
        Shape(DEALS, "deal", "0-3", linked={"associations.contacts": CONTACTS, "associations.companies": COMPANIES}),
        Shape(TASKS, "task", "0-27", response=Response("task", "hs_task_status", ("COMPLETED",), ("hs_task_completion_date",))),
        Shape("calls", "call", "0-48", response=Response("call", "hs_call_status", ("COMPLETED", ""), ("hs_timestamp",))),
        Shape(
            "meetings", "meeting", "0-47",
            response=Response("meeting", "hs_meeting_outcome", ("COMPLETED",), ("hs_meeting_end_time", "hs_meeting_start_time", "hs_timestamp")),
        ),
        Shape(
            "emails", "email", "0-49",
            response=Response("email", "hs_email_status", ("SENT", ""), ("hs_timestamp",), ("hs_email_direction", "INCOMING_EMAIL")),
        ),
        Shape("notes", "note", "0-46", response=Response("other", "", ("",), ("hs_timestamp",), typed=True)),
    )
}  # fmt: skip
"""Accounts before who stands under them: the order of a full read."""
MEETINGS, MEETING_TITLE, NOTES = "meetings", "hs_meeting_title", "notes"
ASKED = {MEETINGS: "meeting_touches", NOTES: "notes"}
"""Objects that are read, whatever the playbook wants, where an option of this name says so."""
RESPONSES = tuple(one.object for one in SHAPES.values() if one.response)
TASK_TO_CONTACT = 204
TIES = {"associations.contacts": 3, "associations.companies": 5}
"""By which type a deal is associated through a field: with its people, and with its primary company."""
PLAIN_TASK = "TO" + "DO"  # in two parts: in our own texts the word is forbidden
TASK_KEY = "truce_task_key"
"""The property that says which of our tasks it is; HubSpot keeps no property of tasks unique."""
PRIMARY = frozenset({1, 5})
"""Type ids of a contact's and a deal's primary company."""


GROUPS = {CONTACTS: "contactinformation", COMPANIES: "companyinformation", DEALS: "dealinformation", TASKS: "task"}
"""In which group of an object's properties a new one stands."""
_MADE = {
    "number": "number number",
    "flag": "bool booleancheckbox",
    "date": "date date",
    "time": "datetime date",
    "picklist": "enumeration select",
}


def made(object_: str, wanted: FieldSeen) -> Row:
    """Give a new property as the properties API takes it: its type and how it is shown, and the options of a list."""
    kind, _, shown = _MADE.get(wanted.type, "string text").partition(" ")
    flags = (("true", "Yes"), ("false", "No")) if wanted.type == "flag" else wanted.values
    options = [{"value": value, "label": label, "displayOrder": n, "hidden": False} for n, (value, label) in enumerate(flags)]
    head = {"name": wanted.name, "label": wanted.label, "groupName": GROUPS[object_], "description": "Set by Truce"}
    return head | {"type": kind, "fieldType": shown, "formField": False} | ({"options": options} if options else {})


def named(subscription: str, type_id: str | None) -> tuple[str | None, str]:
    """Give (object, what happened) of a webhook's event; None for objects that are of no use to us."""
    kind, _, verb = subscription.partition(".")
    for one in SHAPES.values():
        if kind == one.singular or (kind == "object" and type_id == one.type_id):
            return one.object, verb
    return None, verb


def tied(own: str, types: Sequence[int]) -> Row:
    """Give the far end of an association as HubSpot takes it."""
    return {"to": {"id": own}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": one} for one in types]}


def joined(field_: str, links: Sequence[tuple[str, frozenset[int]]]) -> str:
    """Give an association as a field's value: of companies the primary one, else the oldest; of people all, divided by commas."""
    ids = sorted((ident for ident, _ in links), key=lambda ident: (len(ident), ident))
    if field_.endswith(f".{COMPANIES}"):
        main = [ident for ident, types in links if PRIMARY & types]
        ids = main[:1] or ids[:1]
    return ",".join(ids)


def done(name: str) -> list[dict[str, str]]:
    """Leave out what did not take place, where it is said by one value."""
    response = SHAPES[name].response
    if response is None or "" in response.done:
        return []
    return [{"propertyName": response.status, "operator": "EQ", "value": response.done[0]}]


def changed_since(modified: str, at: int, inside: int | None) -> list[dict[str, str]]:
    """Give the filters of a search for what changed at a time (ms) or later, or of those of one ms beyond an id."""
    if inside is None:
        return [{"propertyName": modified, "operator": "GTE", "value": str(at)}]
    same = {"propertyName": modified, "operator": "EQ", "value": str(at)}
    return [same, {"propertyName": "hs_object_id", "operator": "GT", "value": str(inside)}]


def latest(seen: Mapping[str, int], since: int) -> dict[str, int]:
    """Give what is no older, at most the newest 2,000."""
    late = sorted(((ms, ident) for ident, ms in seen.items() if ms >= since), reverse=True)
    return {ident: ms for ms, ident in late[:MOST_SEEN]}


def reached(before: int, found: Mapping[str, int], started: int) -> int:
    """Give how far was read, in ms: never beyond when it was begun, for a form's sender may say any time, and all later ones would be passed over."""
    return min(max([before, *found.values()]), started)


def onwards(at: int, inside: int | None, found: Mapping[str, int], *, more: bool) -> tuple[int, int | None, bool]:
    """Say where the next page begins: (ms, id inside that ms, whether there is one)."""
    if inside is not None and more and found:
        if (last := max(map(int, found))) <= inside:
            raise Surprising("search gives records that were not asked for")  # going on would have no end
        return at, last, True
    if inside is not None:
        return at + 1, None, True
    if not more or not found:
        return at, None, False
    last = max(found.values())
    return (at, 0, True) if last <= at else (last, None, True)


def numbers(system: str, text: str) -> tuple[str, ...]:
    """Read the ids of lists or of subscription types; raises ValueError for one that is none."""
    found = tuple(part.strip() for part in text.split(",") if part.strip())
    if wrong := next((one for one in found if not one.isdigit()), None):
        raise ValueError(f"{system}: lists and subscription types are named by their numbers, and {wrong!r} is none")
    return found

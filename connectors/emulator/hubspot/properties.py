"""The schema of one object: which properties there are, what they take, and how HubSpot describes them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from connectors.emulator.hubspot import moments
from connectors.emulator.hubspot.errors import Problem

PropertyType = Literal["string", "number", "date", "datetime", "enumeration", "bool"]
LONGEST = 65_536
_EMAIL = re.compile(r"^[^@\s,;<>()\[\]\"\x00-\x1f]{1,64}@([A-Za-z0-9]([A-Za-z0-9-]{0,62})\.)+[A-Za-z]([A-Za-z0-9-]{1,62})$")
_NUMBER = re.compile(r"^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?$")
_FIELD_TYPES = {
    "string": "text",
    "number": "number",
    "date": "date",
    "datetime": "date",
    "enumeration": "select",
    "bool": "booleancheckbox",
}
REASONS = (
    ("not_mine", "Not mine"),
    ("no_time", "No time"),
    ("bad_timing", "Bad timing"),
    ("no_answer", "No answer"),
    ("no_fit", "No fit"),
    ("bad_data", "Bad data"),
    ("competitor", "Competitor"),
)
YES_NO = (("true", "Yes"), ("false", "No"))

LIFECYCLE: tuple[tuple[str, str], ...] = (
    ("subscriber", "Subscriber"),
    ("lead", "Lead"),
    ("marketingqualifiedlead", "Marketing Qualified Lead"),
    ("salesqualifiedlead", "Sales Qualified Lead"),
    ("opportunity", "Opportunity"),
    ("customer", "Customer"),
    ("evangelist", "Evangelist"),
    ("other", "Other"),
)
"""Lifecycle stages by internal name, in the order in which a contact moves forward."""

LEAD_STATUS = (
    ("NEW", "New"),
    ("OPEN", "Open"),
    ("IN_PROGRESS", "In Progress"),
    ("OPEN_DEAL", "Open Deal"),
    ("UNQUALIFIED", "Unqualified"),
    ("ATTEMPTED_TO_CONTACT", "Attempted to Contact"),
    ("CONNECTED", "Connected"),
    ("BAD_TIMING", "Bad Timing"),
)


@dataclass(frozen=True)
class Property:
    """One property: what it takes and how it is described."""

    name: str
    label: str
    type: PropertyType = "string"
    options: tuple[tuple[str, str], ...] = ()
    unique: bool = False
    read_only: bool = False
    owner: bool = False
    """Takes an owner id; the options live elsewhere (externalOptions)."""
    hubspot_defined: bool = True
    archived: bool = False
    extra: dict[str, Any] = field(default_factory=dict)
    """Parts of the description as they were given on creation (groupName, fieldType, description …)."""

    def wire(self) -> dict[str, Any]:
        """Give the description as /crm/v3/properties does."""
        options = [
            {"label": label, "value": value, "displayOrder": place, "hidden": False} for place, (value, label) in enumerate(self.options)
        ]
        return {
            "name": self.name,
            "label": self.label,
            "type": self.type,
            "fieldType": _FIELD_TYPES[self.type],
            "description": "",
            "groupName": "contactinformation",
            "options": options,
            "displayOrder": -1,
            "calculated": False,
            "externalOptions": self.owner,
            "archived": self.archived,
            "hasUniqueValue": self.unique,
            "hidden": False,
            "hubspotDefined": self.hubspot_defined,
            "modificationMetadata": {
                "archivable": not self.hubspot_defined,
                "readOnlyDefinition": self.hubspot_defined,
                "readOnlyOptions": False,
                "readOnlyValue": self.read_only,
            },
            "formField": not self.read_only,
        } | self.extra

    def take(self, value: str, owners: Collection[str]) -> str | Problem:
        """Give the value as HubSpot keeps it, or the problem with it; "" clears and is always taken."""
        if value == "":
            return value
        if len(value) > LONGEST:
            return Problem(self.name, "PROPERTY_VALUE_TOO_LONG", f"{self.name} is {len(value)} characters long, {LONGEST} at most")
        if self.name == "email":
            return self._email(value)
        if self.type != "string" and value != value.strip():
            return Problem(self.name, "LEADING_TRAILING_WHITESPACE", f'"{value}" includes leading or trailing whitespace.')
        if self.owner:
            return value if value in owners else Problem(self.name, "INVALID_OWNER_ID", f"Owner {value} does not exist")
        return getattr(self, f"_{self.type}")(value)  # type: ignore[no-any-return]

    def _email(self, value: str) -> str | Problem:
        plain = value.strip().lower()
        good = len(plain) <= 254 and _EMAIL.match(plain) and ".." not in plain
        return plain if good else Problem(self.name, "INVALID_EMAIL", f"Email address {value} is invalid")

    def _string(self, value: str) -> str:
        return value

    def _number(self, value: str) -> str | Problem:
        return value if _NUMBER.match(value) else Problem(self.name, "INVALID_NUMBER", f"{value} was not a valid number.")

    def _datetime(self, value: str) -> str | Problem:
        try:
            return moments.iso(moments.read(value))
        except (ValueError, OverflowError, OSError):
            return Problem(self.name, "INVALID_LONG", f"{value} was not a valid long.")

    def _date(self, value: str) -> str | Problem:
        try:
            ms = moments.read(value)
        except (ValueError, OverflowError, OSError):
            return Problem(self.name, "INVALID_DATE", f"{value} was not a valid date.")
        if ms % moments.DAY_MS:
            return Problem(self.name, "INVALID_DATE", f"{value} is at {moments.iso(ms)[11:23]} UTC, not midnight!")
        return moments.day(ms)

    def _enumeration(self, value: str) -> str | Problem:
        known = [option for option, _ in self.options]
        if value in known:
            return value
        return Problem(self.name, "INVALID_OPTION", f"{value} was not one of the allowed options: [{', '.join(known)}]")

    def _bool(self, value: str) -> str | Problem:
        low = value.lower()
        return (
            low
            if low in ("true", "false")
            else Problem(self.name, "INVALID_OPTION", f"{value} was not one of the allowed options: [true, false]")
        )

    def raw(self, value: str) -> str:
        """Give the value as webhooks carry it: dates and times as milliseconds, the rest as it is."""
        if value and self.type in ("date", "datetime"):
            return str(_moment(value, value))
        return value

    def key(self, value: str) -> float | str:
        """Give what search compares by: a number for numbers and times, else the text without case."""
        if self.type in ("date", "datetime"):
            return _moment(value, value.casefold())
        if self.type == "number":
            return float(value) if _NUMBER.match(value) else value.casefold()
        return value.casefold()


def _moment(value: str, otherwise: str) -> int | str:
    try:
        return moments.read(value)
    except (ValueError, OverflowError, OSError):
        return otherwise


def texts(names: str, **more: Any) -> list[Property]:
    """Give properties of one kind by their names, divided by blanks."""
    return [Property(name, name.replace("_", " ").capitalize(), **more) for name in names.split()]


def standard(lifecycle: Sequence[tuple[str, str]]) -> list[Property]:
    """Give HubSpot's own properties of contacts that the emulator knows."""
    times = "createdate lastmodifieddate recent_conversion_date first_conversion_date"
    return [
        *texts("email firstname lastname phone mobilephone jobtitle company website industry country city state zip address"),
        *texts("numberofemployees", type="number"),
        Property("lifecyclestage", "Lifecycle Stage", "enumeration", tuple(lifecycle)),
        Property("hs_lead_status", "Lead Status", "enumeration", LEAD_STATUS),
        Property("hubspot_owner_id", "Contact owner", "enumeration", owner=True),
        Property("hs_email_optout", "Unsubscribed from all email", "bool", YES_NO, read_only=True),
        *texts(times, type="datetime", read_only=True),
        *texts("associatedcompanyid", type="number"),
        *texts("hs_object_id num_conversion_events num_unique_conversion_events", type="number", read_only=True),
        *texts("recent_conversion_event_name first_conversion_event_name hs_merged_object_ids hs_additional_emails", read_only=True),
    ]


def custom() -> list[Property]:
    """Give the properties that this company added."""
    return [
        Property("truce_id", "Truce id", unique=True, hubspot_defined=False),
        *texts(
            " ".join(f"{stage}_{when}" for stage in ("mql", "sal", "sql", "recycled") for when in ("date", "latest")),
            type="datetime",
            hubspot_defined=False,
        ),
        *texts("sla_due accepted_date first_response_date", type="datetime", hubspot_defined=False),
        *texts("handoff_cycle", type="number", hubspot_defined=False),
        *texts("handoff_state handoff_reason handoff_returned reject_comment return_when opportunity_currency", hubspot_defined=False),
        Property("opportunity_result", "Opportunity result", "enumeration", (("won", "Won"), ("lost", "Lost")), hubspot_defined=False),
        *texts("opportunity_amount won_amount", type="number", hubspot_defined=False),
        *texts("opportunity_closed", type="date", hubspot_defined=False),
        Property("sla_met", "SLA met", "enumeration", (("yes", "Yes"), ("no", "No")), hubspot_defined=False),
        Property("reject_reason", "Reject reason", "enumeration", REASONS, hubspot_defined=False),
        Property("engagement_score", "Engagement score", "number", hubspot_defined=False),
        Property("region", "Region", hubspot_defined=False),
        Property("sal_stage_note", "SAL stage note", hubspot_defined=False),
    ]


class Schema:
    """The properties of one object in one account; it may drift."""

    def __init__(self, properties: Iterable[Property]) -> None:
        self._all = {one.name: one for one in properties}

    def __contains__(self, name: str) -> bool:
        found = self._all.get(name)
        return found is not None and not found.archived

    def get(self, name: str) -> Property | None:
        """Give a property that is not archived."""
        found = self._all.get(name)
        return None if found is None or found.archived else found

    def listed(self, *, archived: bool) -> list[Property]:
        """Give all properties, or all archived ones."""
        return [one for one in self._all.values() if one.archived == archived]

    def put(self, one: Property) -> None:
        """Add or replace a property."""
        self._all[one.name] = one

    def change(self, name: str, **changes: Any) -> Property:
        """Replace parts of a property; raises KeyError when there is none."""
        self._all[name] = replace(self._all[name], **changes)
        return self._all[name]

    def drop(self, name: str) -> None:
        """Forget a property altogether, as if it never was."""
        self._all.pop(name, None)

    def unique(self) -> list[str]:
        """Name the properties that hold a value at most once; the e-mail is one of them."""
        named = ["email"] if "email" in self._all else []
        return [*named, *(one.name for one in self._all.values() if one.unique and not one.archived)]

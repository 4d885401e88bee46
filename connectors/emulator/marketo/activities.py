"""The activity log: what happened to leads, in order, read by tokens."""

from __future__ import annotations

import base64
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from connectors.emulator.marketo.fields import wire_time
from connectors.emulator.marketo.refusals import Refused

VISIT, FORM, LINK, OPEN, CLICK = 1, 2, 3, 10, 11
NEW, VALUE, ADD_TO_LIST, REMOVE_FROM_LIST, SCORE, STAGE, MERGE, DELETE, MOMENT, PROGRESS = 12, 13, 24, 25, 22, 23, 32, 37, 46, 104
TYPES: Mapping[int, tuple[str, str]] = {
    VISIT: ("Visit Webpage", "Webpage ID"), FORM: ("Fill Out Form", "Webform ID"), LINK: ("Click Link", "Link ID"),
    OPEN: ("Open Email", "Mailing ID"), CLICK: ("Click Email", "Mailing ID"), NEW: ("New Lead", ""),
    VALUE: ("Change Data Value", "Attribute Name"), SCORE: ("Change Score", "Attribute Name"), STAGE: ("Change Revenue Stage", "Model ID"),
    ADD_TO_LIST: ("Add to List", "List ID"), REMOVE_FROM_LIST: ("Remove from List", "List ID"), MERGE: ("Merge Leads", "Lead ID"),
    DELETE: ("Delete Lead", ""), MOMENT: ("Interesting Moment", "Interesting Moment Type"),
    PROGRESS: ("Change Status in Progression", "Program ID"),
}  # fmt: skip
"""Type id → its name and its primary attribute (GET /rest/v1/activities/types.json)."""


@dataclass(frozen=True)
class Activity:
    """One entry of the log."""

    n: int
    lead: int
    type: int
    at: datetime
    attributes: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""
    """The primary attribute's value."""
    ident: int | None = None
    """The primary attribute's id."""
    change: Mapping[str, Any] | None = None

    def wire(self, *, grouped: bool = False) -> dict[str, Any]:
        """Give it as /activities.json does, or (`grouped`) as /activities/leadchanges.json, where a change is named by the field's API name."""
        listed = [{"name": name, "value": value} for name, value in self.attributes.items()]
        told: dict[str, Any] = {"id": self.n, "marketoGUID": str(self.n), "leadId": self.lead, "activityDate": wire_time(self.at)}
        told |= {"activityTypeId": self.type, "attributes": listed}
        if grouped:
            return told | {"fields": [dict(self.change)] if self.change else []}
        named = {} if self.ident is None else {"primaryAttributeValueId": self.ident}
        return told | named | ({"primaryAttributeValue": self.name} if self.name else {})


class Cut(NamedTuple):
    """One page: what it holds, the token behind it, and whether there is more."""

    rows: list[Activity]
    token: str
    more: bool


class Log:
    """Every activity; `scan` entries at most are looked through for one page, so that a page may be empty and yet not the last."""

    def __init__(self, clock: Callable[[], datetime], scan: int) -> None:
        self._clock, self._scan = clock, scan
        self.entries: list[Activity] = []
        self.hidden: set[int] = set()
        """Leads of which the log shows nothing yet."""

    def add(self, lead: int, kind: int, attributes: Mapping[str, Any] | None = None, **more: Any) -> Activity:
        """Note that something happened now."""
        one = Activity(len(self.entries) + 1, lead, kind, self._clock(), attributes or {}, **more)
        self.entries.append(one)
        return one

    def since(self, moment: datetime) -> str:
        """Give the token for everything from a moment on, by whole seconds."""
        start = moment.replace(microsecond=0)
        return _token(next((one.n for one in self.entries if one.at >= start), len(self.entries) + 1))

    def cut(self, token: str, size: int, kinds: Collection[int], fields: Sequence[str] | None = None, leads: Collection[int] = ()) -> Cut:
        """Give one page behind a token; raises Refused (1003) for a token that is none."""
        place, found = _place(token), list[Activity]()
        last = min(place + self._scan - 1, len(self.entries))
        while place <= last and len(found) < size:
            one = self.entries[place - 1]
            place += 1
            if one.type in kinds and one.lead not in self.hidden and _of(one, fields) and (not leads or one.lead in leads):
                found.append(one)
        return Cut(found, _token(place), place <= len(self.entries))


def _of(one: Activity, fields: Sequence[str] | None) -> bool:
    return fields is None or one.change is None or one.change["name"] in fields


def _token(place: int) -> str:
    return base64.b32encode(f"place:{place}".encode()).decode()


def _place(token: str) -> int:
    try:
        word, _, place = base64.b32decode(token).decode().partition(":")
        if word == "place" and int(place) > 0:
            return int(place)
    except ValueError:
        pass
    raise Refused("1003", "Invalid data: the paging token is not valid")

"""The objects of a CRM as HubSpot names them: paths, type ids, scopes, and what is particular to each.

Names and type ids: HubSpot's guide "Understanding the CRM APIs" (object type ids); scopes of activities are those of contacts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from connectors.emulator.hubspot import moments

Derive = Callable[[Mapping[str, str], Mapping[str, str], int], dict[str, str]]
"""(what it was, what changes, now in ms) → what HubSpot itself sets because of it."""


def _nothing(before: Mapping[str, str], changed: Mapping[str, str], now: int) -> dict[str, str]:
    return {}


def _closed(before: Mapping[str, str], changed: Mapping[str, str], now: int) -> dict[str, str]:
    """A deal whose stage says that it is won or lost is closed, and from when on."""
    stage = changed.get("dealstage")
    if stage is None:
        return {}
    won, over = stage == "closedwon", stage in ("closedwon", "closedlost")
    closing = {"closedate": moments.iso(now)} if over and "closedate" not in changed and not before.get("closedate") else {}
    return {"hs_is_closed": str(over).lower(), "hs_is_closed_won": str(won).lower()} | closing


def _completed(before: Mapping[str, str], changed: Mapping[str, str], now: int) -> dict[str, str]:
    """A task that is completed bears the time of it; one that is taken up again does not."""
    status = changed.get("hs_task_status")
    if status is None:
        return {}
    done = status == "COMPLETED"
    return {"hs_task_completion_date": moments.iso(now) if done else "", "hs_task_is_completed": "1" if done else "0"}


@dataclass(frozen=True)
class Kind:
    """One object of the CRM."""

    object: str
    singular: str
    type_id: str
    default: tuple[str, ...]
    """Properties that answer a read which names none."""
    queried: tuple[str, ...]
    """Properties that a search's `query` looks into."""
    scope: str = ""
    """Which object's scopes it stands under; default: its own."""
    created: str = "createdate"
    modified: str = "hs_lastmodifieddate"
    required: tuple[str, ...] = ()
    defaults: tuple[tuple[str, str], ...] = ()
    indexed: tuple[str, ...] = ()
    derive: Derive = _nothing
    hooks: bool = False
    """True where webhooks name it ("deal.creation"); all others are told as "object.creation" with the type id."""
    merges: bool = False

    @property
    def always(self) -> tuple[str, ...]:
        """Properties that every answer has."""
        return (self.created, "hs_object_id", self.modified)

    def may(self, verb: str) -> str:
        """Give the scope to `read` or `write`."""
        return f"crm.objects.{self.scope or self.object}.{verb}"

    def schema(self, verb: str) -> str:
        """Give the scope to `read` or `write` its properties."""
        return f"crm.schemas.{self.scope or self.object}.{verb}"

    def bases(self, root: str = "objects") -> list[str]:
        """Give every path that it stands under, by name and by type id, numbered and dated."""
        crm = ("/crm/v3/{}", "/crm/{}/2026-03", "/crm/{}/2026-09")
        return [f"{path.format(root)}/{name}" for path in crm for name in (self.object, self.type_id)]


def _activity(object_: str, singular: str, type_id: str, *default: str, derive: Derive = _nothing) -> Kind:
    times = {"created": "hs_createdate", "required": ("hs_timestamp",)}
    return Kind(object_, singular, type_id, ("hs_createdate", *default), (default[0],), "contacts", derive=derive, **times)  # type: ignore[arg-type]


KINDS = {
    one.object: one
    for one in (
        Kind(
            "contacts", "contact", "0-1", ("createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"),
            ("email", "firstname", "lastname", "phone", "company"), modified="lastmodifieddate", indexed=("email", "truce_id"), hooks=True,
            merges=True,
        ),
        Kind(
            "companies", "company", "0-2", ("createdate", "domain", "hs_lastmodifieddate", "hs_object_id", "name"),
            ("name", "domain", "phone", "website"), indexed=("domain",), hooks=True, merges=True,
        ),
        Kind(
            "deals", "deal", "0-3",
            ("amount", "closedate", "createdate", "dealname", "dealstage", "hs_lastmodifieddate", "hs_object_id", "pipeline"), ("dealname",),
            defaults=(("pipeline", "default"),), derive=_closed, hooks=True, merges=True,
        ),
        _activity("tasks", "task", "0-27", "hs_task_subject", "hs_lastmodifieddate", "hs_object_id", derive=_completed),
        _activity("calls", "call", "0-48", "hs_call_title", "hs_lastmodifieddate", "hs_object_id"),
        _activity("meetings", "meeting", "0-47", "hs_meeting_title", "hs_lastmodifieddate", "hs_object_id"),
        _activity("emails", "email", "0-49", "hs_email_subject", "hs_lastmodifieddate", "hs_object_id"),
        _activity("notes", "note", "0-46", "hs_note_body", "hs_lastmodifieddate", "hs_object_id"),
    )
}  # fmt: skip


def kind(name: str) -> Kind | None:
    """Find an object by whichever name HubSpot takes: "deals", "deal", "DEAL" or "0-3"."""
    low = name.lower()
    return next((one for one in KINDS.values() if low in (one.object, one.singular, one.type_id)), None)

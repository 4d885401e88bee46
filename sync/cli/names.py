"""How people and things are called where a person reads: systems by their title, records by vendor and id, reps by name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import Any

from connectors.registry import manifests
from sync.cli.people import Around
from sync.lead import hours
from sync.lead.cycle import IN_HANDS
from sync.lead.legs import calendar_of
from sync.lead.offers import HANDOFF
from sync.lead.state import to_ms
from sync.playbook.models import Playbook, queue_of

ANSWERED = "the answer to the hand-off"
"""Whose word a yes or no is that sales gave to Truce itself."""


class Names:
    """Calls what stands in one lead's document by the names that people use."""

    def __init__(self, doc: Mapping[str, Any], around: Around) -> None:
        self.doc, self.around = doc, around
        self.playbook = around.playbook

    @cached_property
    def zone(self) -> str:
        """By whose clock times are told: that of the lead's owner, else the company's."""
        note = self.doc.get("handoff") or {}
        return owners_zone(
            self.playbook, str((note.get("owner") if note.get("state") in IN_HANDS else None) or self.desired("owner") or "")
        )

    def at(self, ms: object, now: int) -> str:
        """Give a moment as the clock there shows it, with the day where it is another one than now; '' for none."""
        return hours.moment(ms, now, self.zone) if isinstance(ms, int) else ""

    def day_and_time(self, ms: int) -> str:
        """Give a moment as the clock there shows it, always with its day: Fri 27 Nov 10:21."""
        at = hours.wall(ms, self.zone)
        return f"{at:%a} {at:%d} {at:%b} {at:%H:%M}"

    def system(self, name: str) -> str:
        """Give a system as people call it."""
        known = self.playbook.systems.get(name) if self.playbook else None
        manifest = manifests().get(known.vendor if known else name)
        return "Truce" if name == "truce" else manifest.title if manifest and name == manifest.vendor else name

    def ref(self, ref: str) -> str:
        """Give a record ref as people read it: Salesforce 00Q…."""
        system, _, rest = ref.partition(":")
        if rest.startswith(f"{HANDOFF}:"):
            return ANSWERED
        return f"{self.system(system)} {rest.rpartition(':')[2]}".strip()

    def person(self, email: object) -> str:
        """Give a person's name, as far as it is known."""
        if not email:
            return "nobody"
        if (queue := queue_of(email)) is not None:
            return f"the queue {queue}"
        rep = self.playbook.reps.get(str(email)) if self.playbook else None
        return rep.name if rep else self.around.names.get(str(email), str(email))

    def value(self, name: str, value: object) -> str:
        """Give a field's value as people read it."""
        if value is None or value == "":
            return "(blank)"
        if name == "owner":
            return self.person(value)
        if name == "stage":
            return stage(value)
        shared = self.playbook.fields.get(name) if self.playbook is not None else None
        if shared is not None and shared.kind == "time" and isinstance(value, str):
            return self._time(value)
        return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)

    def _time(self, text: str) -> str:
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            return text
        return self.day_and_time(to_ms(at)) if at.tzinfo is not None else text

    def desired(self, name: str) -> Any:
        """Give what every system should show for a field."""
        return self.doc["desired"].get(name, {}).get("value")


def owners_zone(playbook: Playbook | None, owner: str) -> str:
    """Give the zone in which a lead's times are told, in every command: its owner's, where team.yaml names them, else the company's."""
    return (calendar_of(playbook, owner).hours.timezone or playbook.timezone if playbook is not None else "") or "UTC"


def stage(stage: Any) -> str:
    """Give a stage as people write it: MQL, but recycled."""
    return str(stage).upper() if stage in ("mql", "sal", "sql") else str(stage or "")

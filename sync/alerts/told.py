"""One notice about a hand-off with the lead's document: whose it is, what is owed by when, in the reader's time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from sync.alerts.channel import Role
from sync.alerts.story import Story
from sync.lead import business, hours
from sync.lead.legs import calendar_of
from sync.lead.state import from_ms, to_ms
from sync.playbook.models import Playbook

LEG_WORDS = {"accept": "Accept", "first_response": "First response", "work": "To be worked off"}
LATER = ("accepted", "worked", "closed")
"""States of a hand-off that a card shows as how it went on."""
STANDING = frozenset({"linked", "snoozed"})
"""Kinds of notice that show a card again, as things stand now."""


@dataclass(frozen=True)
class Seen:
    """What a card is made of besides the lead's document and the notice."""

    playbook: Playbook
    now: int
    """ms"""
    reader: Role = "owner"
    links: Mapping[str, str] = field(default_factory=dict)
    """System → address of a record there, with `{object}` and `{id}` in it."""
    account: Mapping[str, Any] = field(default_factory=dict)
    """What conditions see of the lead's account and its open opportunity now: `account.owner`, `account.open_opportunities` …"""
    zone: str = ""
    """The reader's zone as the medium knows it, for whom team.yaml says none; '' for the company's."""


class Told:
    """What a notice says, looked up."""

    def __init__(self, doc: Mapping[str, Any], notice: Mapping[str, Any], seen: Seen) -> None:
        self.story = Story(doc, seen.playbook, seen.now, seen.account)
        self.notice, self.seen, self.data = notice, seen, notice.get("data") or {}
        note = doc.get("handoff") or {}
        self.note: Mapping[str, Any] = note if note.get("id") == notice.get("handoff") else {}
        self.kind = str(notice["kind"])
        if self.kind in STANDING:
            self.kind = state if (state := str(self.note.get("state"))) in LATER else "offered"
        self.person = str(notice.get("person") or self.note.get("owner") or "")
        rep = seen.playbook.reps.get(self.person)
        self.zone = (rep.hours.timezone if rep else "") or seen.zone or seen.playbook.timezone or "UTC"

    @property
    def mine(self) -> bool:
        """Say whether its reader has the lead."""
        return self.seen.reader == "owner"

    def at(self, moment: object) -> str:
        """Give a moment (ms or ISO) as the reader's clock shows it, with the day where it is another one."""
        try:
            when = from_ms(moment) if isinstance(moment, int) else datetime.fromisoformat(str(moment))
            return hours.moment(to_ms(when), self.seen.now, self.zone)
        except (ValueError, OverflowError):
            return str(moment)

    def leg(self, name: str) -> Mapping[str, Any]:
        """Give one leg as the document has it, or as it begins with this card."""
        found: Mapping[str, Any] = (self.note.get("legs") or {}).get(name) or {}
        return {**found, **self.begins} if self.begins and name == self.begins["leg"] else found

    @cached_property
    def begins(self) -> dict[str, Any]:
        """Give the leg that begins with this very card, where the CRM did not show the owner first: nothing of it stands in the document yet."""
        offers = self.note.get("offers") or []
        if self.kind != "offered" or not offers or self.note.get("state") != "offered" or offers[-1].get("known_at"):
            return {}
        sla, legs = self.seen.playbook.slas.get(self.note.get("sla")), self.note.get("legs") or {}
        open_ = (
            one for one in (sla.legs if sla is not None else ()) if one.leg == "accept" or not (legs.get(one.leg) or {}).get("done_at")
        )
        first = next(open_, None)
        if first is None:
            return {}
        due = business.after(self.seen.now, first.within, *calendar_of(self.seen.playbook, str(self.note.get("owner"))))
        return {"leg": first.leg, "due_at": due, "done_at": None}

    def running(self) -> tuple[str, Mapping[str, Any]] | None:
        """Give the leg that is not done, by its name; None where nothing is owed."""
        return next(((name, leg) for name in LEG_WORDS if (leg := self.leg(name)) and leg.get("done_at") is None), None)

"""A person in both systems, decided message by message under a playbook of the test's own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from schemas.envelope import Envelope
from sync.lead.decide import decide
from sync.lead.decision import Decision, Facts, fold
from sync.lead.state import Lead, dump, load
from sync.playbook.models import Playbook
from tests import factory
from tests.factory import CONTACT, LEAD, SF, changed, ms, snapshot, touch

DAY = 86_400


@dataclass
class Play:
    """One person, Kim, whom both systems know since the start."""

    playbook: Playbook
    facts: Facts = field(default_factory=factory.facts)
    beside: dict[str, Any] = field(default_factory=dict)
    country: str = "DE"

    def __post_init__(self) -> None:
        self.go(snapshot(LEAD, 1, {"Email": "kim@x.example", "Country": self.country, "NumberOfEmployees": 800}))
        self.go(snapshot(CONTACT, 2, {"email": "kim@x.example", "country": self.country, "numberofemployees": 800}))

    @property
    def lead(self) -> Lead:
        """Kim as the last decision left them."""
        return self.facts.leads[self.facts.identities["ref", LEAD]]

    @property
    def stage(self) -> object:
        """Where Kim stands."""
        return self.lead.value("stage")

    def go(self, message: Envelope, seconds: float | None = None) -> Decision:
        """Decide, when the message says unless told later; what is kept must survive being stored."""
        now = ms(seconds) if seconds is not None else int(message.time.timestamp() * 1000)
        decision = decide(message, self.facts, self.playbook, now)
        for lead in decision.leads:
            assert load(dump(lead)) == lead
        fold(self.facts, decision)
        return decision

    def did(self, ident: str, seconds: float, name: str = "demo", kind: str = "form", **more: Any) -> Decision:
        """Kim did something."""
        return self.go(touch(ident, seconds, name=name, kind=kind, ref=CONTACT, **more))

    def sales(self, seconds: float, **values: Any) -> Decision:
        """A rep edits the record in the CRM."""
        return self.go(changed(LEAD, seconds, values, origin="person"))

    def marketing(self, seconds: float, **values: Any) -> Decision:
        """Marketing edits the record in the MAP."""
        return self.go(changed(CONTACT, seconds, values, origin="person"))


__all__ = ["DAY", "SF", "Play"]

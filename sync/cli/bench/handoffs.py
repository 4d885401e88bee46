"""Real hand-offs while a backfill runs: people whom both systems have ask for a demo, and Salesforce must have each as an MQL with an owner."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from sync.cli.bench import people
from sync.cli.bench.figures import Row
from sync.cli.bench.flow import Flow, moment
from sync.cli.bench.town import Town

PAGE, MQL = "Demo", "MQL"
TURN, PER_S = 25, 1.0
"""So many ask one after the other, at this pace, before it is waited until sales has them all."""


@dataclass
class Handoffs:
    """Who asked, and since when sales has them."""

    flow: Flow
    left: list[int]
    """People who have not asked yet: everybody is handed over once."""
    asked: dict[str, float] = field(default_factory=dict)
    """Contact id → when the form stood in HubSpot."""
    had: dict[str, float] = field(default_factory=dict)
    """Lead id → since when it is an MQL with the owner of Truce's choice, who is told by the same call if it is another one than before."""
    read: dict[str, int] = field(default_factory=dict)
    """How far each system's journal is known."""

    @property
    def town(self) -> Town:
        """The two systems."""
        return self.flow.town

    def turn(self) -> None:
        """Let the next people ask, and wait until sales has them; does nothing but wait a moment once all have asked."""
        some, self.left = self.left[:TURN], self.left[TURN:]
        for n in some:
            began = time.monotonic()
            self.town.fill_in(n, PAGE)
            time.sleep(max(0.0, 1 / PER_S - (time.monotonic() - began)))  # people, one after the other
        self.flow.until("hand-offs told in Salesforce", lambda: self._all_told(some), seconds=120, every=0.5)
        if not some:
            time.sleep(1.0)

    def waits(self) -> list[float]:
        """Give how long each took from the form to sales."""
        pairs = ((self.town.ids[email], lead) for email, lead in self.town.leads.items() if email in self.town.ids)
        return [self.had[lead] - self.asked[contact] for contact, lead in pairs if contact in self.asked and lead in self.had]

    def _all_told(self, some: Iterable[int]) -> bool:
        self.hear(self._news("hubspot"), self._news("salesforce"))
        return all(self.town.leads[people.email(n)] in self.had for n in some)

    def _news(self, system: str) -> list[Row]:
        rows = self.town.journal(system, "effects", self.read.get(system, 0))
        self.read[system] = self.read.get(system, 0) + len(rows)
        return rows

    def hear(self, marketing: Iterable[Row], sales: Iterable[Row]) -> None:
        """Take in what happened in both."""
        self.asked |= {row["id"]: moment(row) for row in marketing if row["client"] == "form"}
        for row in (one for one in sales if one["client"] == "truce"):
            if row["after"].get("Lifecycle_Stage__c") == MQL:
                self.had.setdefault(row["id"], moment(row))
            elif "OwnerId" in row["after"] and row["id"] in self.had:
                self.had[row["id"]] = moment(row)  # its owner came by a call of its own, later

"""The same figures twice: whatever happens to hand-offs, the ledger's rows and the timeline's lines say the same of every leg."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from schemas.command import Command
from schemas.notice import NoticeSent
from schemas.response import ResponseRecorded
from sync.lead import clocks
from sync.lead.cycle import HandoffNote
from sync.lead.decision import Decision, VendorUser
from sync.lead.offers import HANDOFF
from sync.playbook.loader import load
from sync.reports.sla import Unit, from_ledger, from_timeline
from tests import factory
from tests.factory import LEAD, at, ms
from tests.house.project import ROOT
from tests.unit.lead.play import Play

BOOK = load(ROOT / "deploy" / "playbook")
BOOK = replace(
    BOOK, pools={**BOOK.pools, "sdr": replace(BOOK.pools["sdr"], members=())}
)  # who is in no rule's country falls to the last resort
USERS = {system: {email: VendorUser(system, email, email, True) for email in BOOK.reps} for system in BOOK.systems}
ORDERS = ("accept", "reject", "reassign", "hold_clock", "run_clock", "snooze")


class History:
    """One person's hand-offs under the example playbook, with everything that was told of them."""

    def __init__(self, seed: str) -> None:
        self.draw, self.seconds, self.n = random.Random(seed), 10.0, 0
        self.play = Play(BOOK, factory.facts(users=USERS), country=self.draw.choice(("DE", "JP")))
        self.lines: list[dict[str, Any]] = []
        self.notes: dict[str, HandoffNote] = {}
        self.keep(self.play.did("first", self.seconds))

    def keep(self, decision: Decision) -> None:
        self.lines += [{"at": line.at, "data": line.data} for line in decision.lines if line.kind == "handoff"]
        self.notes.update((ident, note) for ident, (_, note) in decision.handoffs.items())

    def step(self) -> None:
        """Let somebody do something, or time pass until the clock rings."""
        self.n += 1
        self.seconds += self.draw.choice((1, 60, 1_200, 7_200, 86_400))
        what = self.draw.choice(("clock", "clock", "clock", "card", "response", "form", "crm", *ORDERS))
        getattr(self, f"_{what}" if what not in ORDERS else "_order")(*([what] if what in ORDERS else []))

    def _clock(self) -> None:
        due = self.play.lead.clocks.get(HANDOFF)
        if due is not None:
            self.seconds = max(self.seconds, (due - ms(0)) / 1000 + self.draw.choice((0, 1, 30, 3_600)))
            seen = {name: at(self.seconds) for name in BOOK.systems} if self.draw.random() < 0.9 else {"salesforce": at(0)}
            self.keep(self.play.go(clocks.told(self.play.lead.id, HANDOFF, due, ms(self.seconds), seen=seen), self.seconds))

    def _card(self) -> None:
        note = self.play.lead.handoff
        if note is not None and note.offers:
            data = NoticeSent(lead_id=self.play.lead.id, handoff=note.id, offer=len(note.offers), at=at(self.seconds))
            self.keep(self.play.go(factory.envelope("truce.notice.sent", data), self.seconds))

    def _response(self) -> None:
        when = self.seconds - self.draw.choice((0, 600, 10_000))
        owner = str(self.play.lead.value("owner"))
        data = ResponseRecorded(
            system="salesforce", ref=LEAD, activity_id=f"r{self.n}", kind="call", by=owner, at=at(when), received_at=at(self.seconds)
        )
        self.keep(self.play.go(factory.envelope("truce.response.recorded", data), self.seconds))

    def _form(self) -> None:
        self.keep(self.play.did(f"form-{self.n}", self.seconds))

    def _crm(self) -> None:
        stage, owner = self.draw.choice(("Working", "Qualified", "Unqualified", "Nurturing")), self.draw.choice(sorted(BOOK.reps))
        edit = {"OwnerId": owner} if self.draw.random() < 0.4 else {"Status": stage}
        self.keep(self.play.sales(self.seconds, **edit))

    def _order(self, name: str) -> None:
        note, when = self.play.lead.handoff, self.seconds - self.draw.choice((0, 30, 1_000))
        more: dict[str, Any] = {"lead_id": self.play.lead.id, "by": note.owner if note is not None else "ana@acme.example"}
        more |= {"code": self.draw.choice(sorted(BOOK.slas.reasons)), "comment": "so"} if name == "reject" else {}
        more |= {"to": self.draw.choice(("pool:emea-ae", "ben@acme.example", None))} if name == "reassign" else {}
        more |= {"run": self.draw.choice((None, "run")), "clocks": self.draw.choice(("keep", "restart"))} if name == "reassign" else {}
        more |= {"until": at(self.seconds + self.draw.choice((60, 7_200)))} if name == "snooze" else {}
        data = Command(name=name, reason="test", at=at(when), **more)
        self.keep(self.play.go(factory.envelope(f"truce.command.{name}", data), self.seconds))

    def ledger(self) -> list[Unit]:
        """Read the hand-offs as the ledger's tables have them."""
        rows = [
            {"id": n.id, "accepted_at": n.accepted_at, "worked_at": n.worked_at, "closed_at": n.closed_at, "reason": n.reason}
            for n in self.notes.values()
        ]
        legs: list[Mapping[str, Any]] = [
            {"handoff_id": n.id, "leg": name, "owner": leg.owner or n.owner, "breached_at": leg.breached_at, "cause": leg.cause}
            for n in self.notes.values()
            for name, leg in n.legs.items()
        ]
        return from_ledger(rows, legs)

    def timeline(self) -> list[Unit]:
        """Go through what was told."""
        promised = {
            n.id: frozenset(rule.leg for rule in sla.legs) for n in self.notes.values() if (sla := BOOK.slas.get(n.sla)) is not None
        }
        return from_timeline(self.lines, promised)


@pytest.mark.parametrize("part", range(4))
def test_ledger_and_timeline_say_the_same(part: int) -> None:
    decided = missed = unruled = 0
    for n in range(40):
        history = History(f"{part} {n}")
        for _ in range(25):
            history.step()
            told = history.timeline()
            assert told == history.ledger(), f"history {part} {n} after step {history.n}:\n" + "\n".join(map(str, history.lines))
        decided += len(told)
        missed += sum(not unit.met for unit in told)
        unruled += sum(unit.cause == "no rule" for unit in told)
    assert decided > 50
    assert missed > 10
    assert unruled

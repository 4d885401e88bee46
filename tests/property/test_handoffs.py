"""Whatever people, systems and clocks do, in whatever order: one person is responsible or a problem is open, and no clock is lost or doubled."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sync.lead import clocks, legs
from sync.lead.cycle import GOING, HandoffNote
from sync.lead.decision import Decision
from sync.lead.eligible import Team
from sync.lead.offers import HANDOFF
from sync.lead.state import Lead
from sync.playbook.models import Assign, Step
from tests import factory
from tests.examples import examples
from tests.factory import LEAD, PEOPLE, SF, at, ms, snapshot, touch, users
from tests.unit.lead.handing import ANA, REASONS, VERA, Handed, M, book, leg

OTHER, LEE = "salesforce:Lead:00Q2", "hubspot:contacts:2"
WAITS = (1, 20, 5 * M, 40 * M, 150 * M)


def _book(version: int) -> Any:
    base = book() if version % 2 else book(leg("accept", "20m", "escalate", "reassign+10m"), leg("first_response", "2h", "reassign"))
    last = (replace(base.routes[0], assign=Assign(pool="emea", fallback=(Step(VERA),))),)
    return replace(base, version=version, checksum=str(version), routes=(*last, *base.routes[1:]))


class History:
    """Two people in both systems, and everything that was decided of them."""

    def __init__(self) -> None:
        self.seconds, self.n = 10.0, 0
        self.kim = Handed(_book(1), open=False)
        self.problems: set[tuple[str, str]] = set()
        self.rows: dict[tuple[str, str], int] = {}
        self.ledger: dict[str, HandoffNote] = {}
        self.owner_said: dict[str, str] = {}
        self.keep(self.kim.go(snapshot(OTHER, 3, {"Email": "lee@x.example", "Country": "DE"})))
        self.keep(self.kim.go(snapshot(LEE, 4, {"email": "lee@x.example", "country": "DE"})))
        self.keep(self.kim.did("first", self.seconds))

    def keep(self, decision: Decision) -> None:
        """Take in a decision as the store does."""
        for note in decision.problems:
            (self.problems.add if note.open else self.problems.discard)((note.kind, note.key))
        for key, clock in decision.clocks.items():
            if clock is None:
                self.rows.pop(key, None)
            else:
                self.rows[key] = clock.due_at
        self.ledger.update((ident, note) for ident, (_, note) in decision.handoffs.items())
        for line in decision.lines:
            if line.kind == "handoff":
                self.owner_said[line.data["handoff"]] = line.data["owner"]

    def step(self, what: str, how: int) -> None:
        """Let one thing happen, and see that everything holds."""
        self.n += 1
        self.seconds += WAITS[how % len(WAITS)]
        decision = getattr(self, what)(how)
        if decision is not None:
            self.keep(decision)
        self.holds(looked=what in ("clock", "form") and decision is not None and decision.outcome == "applied")

    def clock(self, how: int) -> Decision | None:
        due = self.kim.lead.clocks.get(HANDOFF)
        if due is None:
            return None
        self.seconds = max(self.seconds, (due - ms(0)) / 1000 + (0, 0, 2, 3_600)[how % 4])
        seen = {SF: at(0)} if how == 9 else {SF: at(self.seconds)}
        told = clocks.told(self.kim.lead.id, HANDOFF, due, ms(self.seconds), seen=seen)
        self.keep(self.kim.go(told, self.seconds))
        again = self.kim.go(told, self.seconds)
        assert again.outcome == "noop", "the same clock, told twice"
        return again

    def form(self, how: int) -> Decision:
        return self.kim.did(f"f{self.n}", self.seconds)

    def form_of_lee(self, how: int) -> Decision:
        return self.kim.go(touch(f"f{self.n}", self.seconds, ref=LEE))

    def shown(self, how: int) -> Decision | None:
        return self.kim.shown(self.seconds) if self.kim.lead.value("owner") in PEOPLE else None

    def card(self, how: int) -> Decision | None:
        return self.kim.card(self.seconds) if self.kim.lead.handoff is not None and self.kim.note.offers else None

    def response(self, how: int) -> Decision:
        return self.kim.responded(max(0.0, self.seconds - (0, 600, 9_000)[how % 3]), arrives=self.seconds)

    def stage(self, how: int) -> Decision:
        return self.kim.sales(self.seconds, Stage__c=("SAL", "SQL", "RECYCLED", "LEAD", "MQL")[how % 5])

    def owner(self, how: int) -> Decision:
        return self.kim.sales(self.seconds, OwnerId=sorted(PEOPLE.values())[how % 4])

    def why(self, how: int) -> Decision:
        return self.kim.sales(self.seconds, Reason__c=REASONS[how % len(REASONS)].id)

    def convert(self, how: int) -> Decision:
        return self.kim.go(factory.converted(LEAD, "salesforce:Contact:003A", self.seconds - 60 * (how % 3)), self.seconds)

    def merge(self, how: int) -> Decision:
        pair = (LEAD, OTHER) if how % 2 else (OTHER, LEAD)
        return self.kim.go(factory.merged(pair[0], pair[1], seconds=self.seconds))

    def people(self, how: int) -> None:
        self.kim.facts.users = users(*sorted(PEOPLE)[: how % 4])

    def rules(self, how: int) -> None:
        self.kim.playbook = _book(self.kim.playbook.version + 1)

    def _who(self, how: int) -> str:
        note = self.kim.lead.handoff
        return note.offers[0].owner if how % 3 == 0 and note is not None and note.offers else note.owner if note is not None else ANA

    def _order(self, name: str, how: int, **more: Any) -> Decision:
        acted = self.seconds - (0, 30, 1_500)[how % 3]
        return self.kim.order(name, acted, self._who(how), arrives=self.seconds, **more)

    def accept(self, how: int) -> Decision:
        return self._order("accept", how)

    def reject(self, how: int) -> Decision:
        return self._order("reject", how, code=REASONS[how % len(REASONS)].id, comment="so")

    def reassign(self, how: int) -> Decision:
        to = (None, "pool:sdr", *sorted(PEOPLE))[how % 6]
        return self._order("reassign", how, to=to, clocks=("keep", "restart")[how % 2], run="run" if how > 4 else None)

    def hold(self, how: int) -> Decision:
        return self._order("hold_clock", how)

    def snooze(self, how: int) -> Decision:
        return self._order("snooze", how, until=at(self.seconds + (60, 900, 7_200)[how % 3]))

    def run(self, how: int) -> Decision:
        return self._order("run_clock", how)

    def holds(self, *, looked: bool) -> None:
        """See that every promise holds of everybody."""
        living = [lead for lead in self.kim.facts.leads.values() if lead.survivor is None]
        assert {(lead.id, kind): due for lead in living for kind, due in lead.clocks.items()} == self.rows
        for lead in living:
            if lead.handoff is not None:
                self._note(lead, lead.handoff)
                self._responsible(lead, lead.handoff, looked=looked and lead is self.kim.lead)
                self._clocks(lead, lead.handoff)
            elif lead.value("stage") == "mql":
                assert ("unrouted", lead.id) in self.problems or lead.held is not None

    def _note(self, lead: Lead, note: HandoffNote) -> None:
        assert self.ledger[note.id] == note, "the ledger has it as the document does"
        assert [offer.n for offer in note.offers] == list(range(1, len(note.offers) + 1))
        assert all(offer.ended is not None for offer in note.offers[:-1]), "one offer without an end at most, the last"
        assert all(offer.ended_at is None or offer.ended_at >= offer.at for offer in note.offers)
        if note.state not in GOING:
            assert not [one for one in self.problems if one[1] == note.id]
            assert all(leg.done_at is not None for leg in note.legs.values())
            assert note.closed_at is not None
            return
        assert note.closed_at is None
        assert self.owner_said[note.id] == note.owner, "the timeline says whose it is"

    def _responsible(self, lead: Lead, note: HandoffNote, *, looked: bool) -> None:
        if note.state not in GOING:
            return
        open_ = ("unrouted", lead.id) in self.problems
        assert note.state not in ("rejected", "expired") or open_, "nobody's, and nobody is told"
        assert note.owner in PEOPLE
        if not open_:
            assert lead.value("owner") == note.owner, "both systems are told the same person"
        gone = Team(self.kim.playbook, self.kim.facts.users, self.kim.lead.now).gone(note.owner)
        assert not looked or gone is None or open_, "somebody who is there no more, and nobody is told"

    def _clocks(self, lead: Lead, note: HandoffNote) -> None:
        running = [name for name, one in note.legs.items() if one.since is not None]
        due = [found for one in note.legs.values() if (found := legs.next_at(one)) is not None]
        due += [note.held_until] if note.held_until is not None else []
        assert lead.clocks.get(HANDOFF) == (min(due, default=None) if note.state in GOING else None)
        assert len(running) <= 1, running
        for one in note.legs.values():
            gone = one.elapsed_ms + (lead.now - one.since if one.since is not None else 0)
            assert gone <= max(lead.now, one.done_at or 0) - one.started_at + 1, "more time is gone than has passed"
        if note.state not in GOING:
            assert running == []
        elif note.state == "offered":
            known = note.offers[-1].known_at is not None
            assert running == (["accept"] if known else []), (known, running)
        elif note.state == "accepted":
            assert running == ([] if note.held_until is not None else ["first_response"])
        else:
            assert running == []


WHAT = sorted(name for name, made in vars(History).items() if not name.startswith("_") and name not in ("keep", "step", "holds"))
ACTS = st.lists(st.tuples(st.sampled_from([*WHAT, "clock", "clock", "shown", "accept"]), st.integers(0, 9)), max_size=25)


LEFT_AND_CONVERTED = [
    ("form", 1),
    ("shown", 4),
    ("clock", 3),
    ("clock", 4),
    ("shown", 1),
    ("clock", 1),
    ("people", 6),
    ("clock", 0),
    ("convert", 4),
]
KNOWN_LATE = [
    ("owner", 2),
    ("card", 8),
    ("shown", 8),
    ("clock", 0),
    ("accept", 5),
    ("people", 2),
    ("owner", 7),
    ("response", 5),
    ("accept", 5),
]
NO_WHILE_HELD = [
    ("card", 1),
    ("accept", 0),
    ("hold", 0),
    ("reject", 0),
    ("hold", 0),
    ("shown", 1),
    ("accept", 0),
    ("hold", 0),
    ("reject", 4),
    ("clock", 4),
]


@given(acts=ACTS)
@example(acts=[("owner", 1), ("merge", 0)])
@example(acts=LEFT_AND_CONVERTED)
@example(acts=KNOWN_LATE)
@example(acts=NO_WHILE_HELD)
@examples(150)
def test_one_person_is_responsible_or_a_problem_is_open_and_no_clock_is_lost(acts: list[tuple[str, int]]) -> None:
    history = History()
    for what, how in acts:
        history.step(what, how)


AFTER = ("card", "shown", "form", "note", "title")


@pytest.mark.parametrize("order", list(itertools.permutations(AFTER, 3)))
def test_what_does_not_bear_upon_each_other_may_come_in_any_order(order: tuple[str, ...]) -> None:
    ends = set()
    for place in range(len(order) + 1):
        kim = Handed(book())
        for n, what in enumerate([*order[:place], "accept", *order[place:]]):
            second = 60.0 + n
            match what:
                case "card":
                    kim.card(second)
                case "shown":
                    kim.shown(second)
                case "form":
                    kim.did("b", second)
                case "note":
                    kim.order("note", second, comment="x")
                case "title":
                    kim.marketing(second, jobtitle="Head")
                case _:
                    kim.order("accept", second, arrives=second)
        note = kim.note
        ends.add((note.owner, note.state, len(note.offers), note.cycle, tuple(note.legs), kim.stage, kim.lead.value("owner")))
    assert len(ends) == 1, ends

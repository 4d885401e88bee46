"""Orders of `truce reassign` and of covers through the core: who has it then, what is kept, and what an undo gives back."""

from __future__ import annotations

import pytest

from schemas.command import Command
from sync.lead.cycle import HandoffNote
from sync.lead.decision import VendorUser
from sync.lead.receivers import Passed, order
from sync.playbook.loader import load
from tests import factory
from tests.factory import at
from tests.house.project import ROOT
from tests.unit.lead.play import Play

ANA, BEN, LEA = "ana@acme.example", "ben@acme.example", "lea@acme.example"
BOOK = load(ROOT / "deploy" / "playbook")
USERS = {system: {email: VendorUser(system, email, email, True) for email in BOOK.reps} for system in BOOK.systems}


def offered() -> tuple[Play, HandoffNote]:
    play = Play(BOOK, factory.facts(users=USERS))
    play.did("demo", 10)
    return play, note_of(play)


def note_of(play: Play) -> HandoffNote:
    note = play.lead.handoff
    assert note is not None
    return note


def give(play: Play, to: str, seconds: float, run: str, clocks: str = "keep", handoff: str | None = None) -> bool:
    """Order it as `truce reassign` does; gives whether that changed anything."""
    note = note_of(play)
    passed = Passed(play.lead.id, "handoff", handoff or note.id, note.owner, to, "")
    done = play.go(order(passed, run, by="vera", at=at(seconds), clocks=clocks), seconds)  # type: ignore[arg-type]
    (answer,) = done.answers
    return answer.ok


def test_it_is_theirs_and_undone_it_is_the_first_ones_again() -> None:
    play, first = offered()
    assert give(play, LEA if first.owner != LEA else ANA, 100, "r1")
    second = note_of(play)
    assert (second.id, second.owner != first.owner, second.state) == (first.id, True, "offered")
    assert play.lead.value("owner") == second.owner
    assert give(play, first.owner, 200, "r1:undo")
    assert (note_of(play).owner, [offer.ended for offer in note_of(play).offers]) == (first.owner, ["moved", "moved", None])


@pytest.mark.parametrize(("clocks", "state"), [("keep", "accepted"), ("restart", "offered")])
def test_an_accepted_one_stays_accepted_where_clocks_are_kept(clocks: str, state: str) -> None:
    play, note = offered()
    accept = Command(name="accept", lead_id=play.lead.id, by=note.owner, at=at(60))
    play.go(factory.envelope("truce.command.accept", accept), 60)
    assert note_of(play).state == "accepted"
    assert give(play, BEN if note.owner != BEN else ANA, 100, "r2", clocks)
    assert note_of(play).state == state


def test_nobody_who_may_not_gets_it_and_an_old_hand_off_is_left_alone() -> None:
    play, note = offered()
    assert not give(play, "nobody@acme.example", 100, "r3")
    assert not give(play, BEN, 110, "r4", handoff="00000000-0000-4000-8000-000000000001")
    assert note_of(play).owner == note.owner

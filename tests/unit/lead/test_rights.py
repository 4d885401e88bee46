"""Who may give a lead to somebody else: whoever has it, who stands above or in for them, who answers for it; a terminal's operator; nobody else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from schemas.command import Command
from sync.lead import rights
from sync.playbook.models import Absence
from sync.playbook.models.alerts import AlertRoute, Alerts
from tests.factory import at, envelope
from tests.unit.lead.handing import ANA, BEN, JOE, VERA, Handed, book

REFUSED = "This is with Ana: Ana or Vera can give it to somebody else, so that changed nothing."


def handed() -> Handed:
    made = Handed(book())
    made.shown(20)
    return made


@pytest.mark.parametrize("actor", [ANA, VERA])
def test_their_own_and_those_of_their_people(actor: str) -> None:
    assert handed().said("reassign", 60, actor, to=JOE) == (True, "Joe has it now.")


@pytest.mark.parametrize("to", [JOE, BEN, None, "pool:sdr"])
def test_others_are_told_who_can(to: str | None) -> None:
    kim = handed()
    before = kim.note
    assert kim.said("reassign", 60, JOE, to=to) == (False, REFUSED)
    assert kim.note == before


def test_the_chain_goes_all_the_way_up_and_does_not_go_round() -> None:
    plain = book()
    chief = replace(plain.reps[JOE], manager=VERA, deputy=BEN)
    made = replace(plain, reps={**plain.reps, VERA: replace(plain.reps[VERA], manager=JOE), JOE: chief})
    assert rights.chain(made, ANA) == (VERA, JOE)
    assert rights.above(made, ANA) == (VERA, JOE, BEN)


def test_who_stands_in_for_the_owner_may() -> None:
    kim = handed()
    ana = replace(kim.playbook.reps[ANA], away=(Absence("2020-01-01", "2030-01-01", JOE),))
    kim.playbook = replace(kim.playbook, reps={**kim.playbook.reps, ANA: ana})
    assert kim.said("reassign", 60, JOE, to=BEN)[0]


def test_whoever_answers_for_what_is_told_of_it_may() -> None:
    kim = handed()
    root = AlertRoute("root", kim.playbook.stages[0].where, ("owner",), JOE)
    kim.playbook = replace(kim.playbook, alerts=Alerts(root))
    assert kim.said("reassign", 60, JOE, to=BEN)[0]


def test_a_terminals_operator_may_and_on_behalf_of_somebody_only_what_they_may() -> None:
    def typed(by: str, who: str | None = None) -> bool:
        kim = handed()
        data = Command(name="reassign", lead_id=kim.lead.id, by=by, who=who, to=BEN, at=at(60))
        [answer] = kim.go(envelope("truce.command.reassign", data)._replace(source="cli"), 60).answers
        return answer.ok

    assert (typed("root"), typed(JOE), typed(JOE, JOE), typed(VERA, VERA)) == (True, True, False, True)


def test_what_has_no_hand_off_is_its_owners_to_give() -> None:
    kim = Handed(book(), open=False)
    kim.said("reassign", 60, JOE, to=ANA, handoff=None)
    assert kim.lead.value("owner") == ANA, "it was nobody's"
    ok, text = kim.said("reassign", 70, JOE, to=JOE, handoff=None)
    assert (ok, text.startswith("This is with Ana: Ana")) == (False, True)
    assert kim.said("reassign", 80, ANA, to=JOE, handoff=None)[0]

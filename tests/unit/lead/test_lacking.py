"""What a lead lacks for the next stage, line by line, and what else keeps it out."""

from __future__ import annotations

from dataclasses import replace

from sync.lead.decide import decide
from sync.lead.decision import fold
from sync.lead.lacking import Lacking, lacking
from sync.lead.qualify import stage_values
from sync.playbook.models import Kind, Playbook, When, Where
from tests import factory
from tests.factory import CONTACT, LEAD, changed, ms, snapshot, touch

FORM = touch("a", 50, ref=CONTACT, name="Contact")


def lacks(*messages: object, playbook: Playbook, under: Playbook | None = None) -> Lacking | None:
    """Decide under one playbook, and say what is lacking by it, or by another."""
    facts = factory.facts()
    for message in (snapshot(CONTACT, 2, {"email": "kim@x.example", "country": "DE"}), *messages):
        fold(facts, decide(message, facts, playbook, ms(100)))  # type: ignore[arg-type]
    lead = facts.leads[facts.identities["ref", CONTACT]]
    book = under or playbook
    return lacking(lead, stage_values(lead, book, ms(100)), book)


def mql(**changes: object) -> Playbook:
    stages = (replace(one, **changes) if one.id == "mql" else one for one in factory.stages())  # type: ignore[arg-type]
    return factory.playbook(stages=tuple(stages))


def test_lines_of_all_any_and_none_are_all_told_each_as_it_should_be() -> None:
    [yes] = factory.when("a", lambda v: v["engagement"] > 0, "engagement", line=1).all
    [no] = factory.when("b", lambda v: v["engagement"] > 99, "engagement", line=2).all
    found = lacks(FORM, playbook=mql(when=When((no, yes), (no, yes), (yes, no))))
    assert found is not None
    assert [(one.group, one.fine, one.verdict.where) for one in found.lines] == [
        ("all", False, "test.yaml:2"), ("all", True, "test.yaml:1"), ("any", False, "test.yaml:2"), ("any", True, "test.yaml:1"),
        ("none", False, "test.yaml:1"), ("none", True, "test.yaml:2"),
    ]  # fmt: skip
    assert not found.met
    less = lacks(FORM, playbook=mql(when=When((no,))), under=mql(when=When((yes,), (no, yes), (no,))))
    assert less is not None
    assert less.met, "the rules changed, and nobody judged the lead again"


def test_whose_acts_are_hand_offs_of_another_kind_is_no_mql() -> None:
    kind = Kind("customer", Where("lifecycle.yaml", 80), factory.when("DE", lambda v: v["country"] == "DE", "country"), "owner")
    found = lacks(touch("a", 50, ref=CONTACT), playbook=replace(factory.playbook(), handoffs=(kind,)))
    assert found is not None
    assert (found.stage, found.met, found.kind) == ("mql", True, kind)


def test_an_exit_that_holds_keeps_out() -> None:
    out = factory.when("lead.country == 'DE'", lambda v: v["country"] == "DE", "country", line=33)
    found = lacks(touch("a", 50, ref=CONTACT), playbook=mql(exit=out))
    assert found is not None
    assert [(one.where, one.matched) for one in found.left] == [("test.yaml:33", True)]


def test_whom_a_person_moved_back_needs_an_act_after_that() -> None:
    back = {"back": frozenset({"sales", "marketing"})}
    moved = changed(CONTACT, 70, {"lifecyclestage": "lead"}, origin="person")
    found = lacks(touch("a", 50, ref=CONTACT), moved, playbook=mql(**back))
    assert found is not None
    assert (found.stage, found.met, found.since) == ("mql", True, ms(70))
    later = lacks(touch("a", 50, ref=CONTACT), moved, touch("b", 80, ref=CONTACT, name="x"), playbook=mql(**back))
    assert later is None, "it is an MQL again"


def test_nothing_is_lacking_from_the_stage_on_that_hands_over() -> None:
    assert lacks(touch("a", 50, ref=CONTACT), playbook=factory.playbook()) is None
    sold = snapshot(LEAD, 3, {"Email": "kim@x.example", "Country": "DE"})
    recycled = changed(LEAD, 70, {"Stage__c": "RECYCLED"}, origin="person")
    assert lacks(sold, touch("a", 50, ref=CONTACT), recycled, playbook=factory.playbook()) is None, "what brings it back is no next stage"

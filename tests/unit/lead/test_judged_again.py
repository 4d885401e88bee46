"""An order to judge again: among many it is bulk and hands nobody over, by itself it hands over what was held."""

from __future__ import annotations

from schemas.envelope import Envelope
from sync.lead.decide import decide
from sync.lead.decision import Decision, Facts, fold
from tests import factory
from tests.factory import CONTACT, changed, command, ms, snapshot, touch


def play(facts: Facts, message: Envelope, seconds: float) -> Decision:
    decision = decide(message, facts, factory.playbook(), ms(seconds))
    fold(facts, decision)
    return decision


def held() -> tuple[Facts, str]:
    """A person who asked for a demo in an import: an MQL whom nobody has yet."""
    facts = factory.facts()
    play(facts, snapshot(CONTACT, 0, {"email": "kim@nordwind.example", "country": "DE"}, bulk=True), 0)
    decision = play(facts, touch("a1", 1, ref=CONTACT, email="kim@nordwind.example", bulk=True), 1)
    (lead,) = decision.leads
    assert (lead.value("stage"), lead.handoff) == ("mql", None)
    assert lead.held is not None
    return facts, lead.id


def test_among_many_the_lead_is_judged_and_stays_held() -> None:
    facts, ident = held()
    decision = play(facts, command("rejudge", 2, lead_id=ident, bulk=True), 2)
    (lead,) = decision.leads
    assert lead.handoff is None
    assert lead.held is not None
    assert {lane for _, _, lane in decision.dirty} <= {"bulk"}


def test_alone_it_hands_over_what_was_held() -> None:
    facts, ident = held()
    (lead,) = play(facts, command("rejudge", 2, lead_id=ident), 2).leads
    assert lead.held is None
    assert lead.handoff is not None
    assert lead.handoff.owner == "ana@acme.example"


def test_a_person_edits_and_the_held_lead_goes_on() -> None:
    facts, _ = held()
    decision = play(facts, changed(CONTACT, 3, {"email": "kim@nordwind.example", "jobtitle": "CEO"}, origin="person"), 3)
    assert [lead.handoff is not None for lead in decision.leads] == [True]


def test_who_opts_out_asks_for_no_call_and_stays_held() -> None:
    facts, _ = held()
    (lead,) = play(facts, changed(CONTACT, 3, {"hs_email_optout": True}, origin="person"), 3).leads
    assert (lead.handoff, lead.held) == (None, "bulk from hubspot")
    (lead,) = play(facts, touch("a2", 4, ref=CONTACT, consent={"email": False}), 4).leads
    assert lead.handoff is None
    (lead,) = play(facts, touch("a3", 5, ref=CONTACT), 5).leads
    assert lead.handoff is not None

"""What stands in a record because a vendor requires something, whom an opt-out concerns, and what is kept outside the scope."""

from __future__ import annotations

from dataclasses import replace

from sync.lead.decide import decide
from sync.lead.decision import Decision, Facts, fold
from sync.playbook.models import Playbook
from tests import factory
from tests.factory import CONTACT, HS, LEAD, SF, changed, ms, snapshot

PLAYBOOK = factory.playbook()
FILLED = replace(PLAYBOOK, systems={**PLAYBOOK.systems, SF: replace(PLAYBOOK.systems[SF], defaults={"Company": "[not provided]"})})
MAIL = {"email": "kim@x.example", "country": "DE"}


def go(facts: Facts, message: object, playbook: Playbook = FILLED, now: float = 100) -> Decision:
    """Decide and fold."""
    decision = decide(message, facts, playbook, ms(now))  # type: ignore[arg-type]
    fold(facts, decision)
    return decision


def test_a_filler_that_the_vendor_requires_is_nobodys_word() -> None:
    facts = factory.facts()
    go(facts, snapshot(CONTACT, 1, MAIL))
    go(facts, snapshot(LEAD, 2, {"Email": "kim@x.example", "Company": "[not provided]"}))
    lead = facts.leads[facts.identities["ref", LEAD]]
    assert lead.value("company") is None
    assert lead.records[LEAD].fields["company"].value is None
    go(facts, changed(CONTACT, 5, {"company": "Nordwind AS"}))
    assert facts.leads[lead.id].value("company") == "Nordwind AS", "sales owns it and has said nothing yet"


def test_an_opt_out_of_a_record_that_waits_for_a_person_holds_for_the_address() -> None:
    facts = factory.facts()
    go(facts, snapshot(CONTACT, 1, MAIL))
    go(facts, snapshot(LEAD, 2, {"Email": "kim@x.example"}))
    known = facts.identities["ref", LEAD]
    twin = "salesforce:Lead:2"
    go(facts, snapshot(twin, 3, {"Email": "kim@x.example"}))
    assert facts.leads[facts.identities["ref", twin]].undecided is not None
    decision = go(facts, snapshot(twin, 9, {"Email": "kim@x.example", "HasOptedOutOfEmail": True}))
    assert decision.outcome == "applied"
    assert facts.leads[known].consent["email"].opted_out
    assert (known, HS, "hot") in decision.dirty
    again = go(facts, snapshot(twin, 9, {"Email": "kim@x.example", "HasOptedOutOfEmail": True}, read=20))
    assert not [lead for lead in again.leads if lead.id == known], "told once"


def test_a_notice_without_the_address_is_read_before_an_opt_out_crosses() -> None:
    facts = factory.facts()
    go(facts, snapshot(LEAD, 2, {"Email": "kim@x.example"}))
    twin = "salesforce:Lead:2"
    go(facts, snapshot(twin, 3, {"Email": "kim@x.example"}))
    decision = go(facts, changed(twin, 9, {"HasOptedOutOfEmail": True}))
    assert decision.read_orders == {twin}


def test_outside_the_scope_the_timeline_keeps_nothing_of_the_person() -> None:
    facts = factory.facts()
    decision = go(facts, snapshot(CONTACT, 1, {"email": "rosa@x.example", "country": "BR", "phone": "+55 11 4002 8922"}))
    assert decision.outcome == "filtered"
    assert [line.kind for line in decision.lines] == ["filtered"]
    assert "rosa" not in repr(decision.lines)


def _asked(facts: Facts, ref: str) -> str | None:
    return facts.leads[facts.identities["ref", ref]].undecided


def test_a_question_falls_away_with_its_reason() -> None:
    facts = factory.facts()
    go(facts, snapshot(CONTACT, 1, {"email": "info@x.example", "firstname": "Bert", "country": "DE"}))
    go(facts, snapshot(LEAD, 2, {"Email": "info@x.example", "FirstName": "Anna", "Country": "DE"}))
    assert _asked(facts, LEAD) is not None
    decision = go(facts, changed(LEAD, 5, {"Email": "anna@x.example"}, email="anna@x.example"))
    lead = facts.leads[facts.identities["ref", LEAD]]
    assert (lead.undecided, lead.in_scope, lead.value("stage")) == (None, True, "inquiry")
    assert [(note.kind, note.open) for note in decision.problems] == [("duplicate", False)]
    assert (lead.id, HS, "hot") in decision.dirty, "a person of their own is made in the other system"


def test_a_corrected_name_joins_what_its_difference_kept_apart() -> None:
    facts = factory.facts()
    go(facts, snapshot(CONTACT, 1, {"email": "kim@x.example", "firstname": "Bert", "country": "DE"}))
    go(facts, snapshot(LEAD, 2, {"Email": "kim@x.example", "FirstName": "Anna", "Country": "DE"}))
    go(facts, changed(LEAD, 4, {"Title": "Head"}, email="kim@x.example"))
    assert _asked(facts, LEAD) is not None, "a notice without the name says nothing about it"
    go(facts, changed(LEAD, 5, {"FirstName": "Bert"}, email="kim@x.example"))
    assert facts.leads[facts.identities["ref", LEAD]].records.keys() >= {LEAD, CONTACT}

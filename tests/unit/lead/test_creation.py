"""As what a person is made in a system, and for whom: the first rule that holds."""

from __future__ import annotations

from dataclasses import replace

from sync.lead.creation import choose, note
from sync.lead.decide import decide
from sync.lead.decision import fold
from sync.lead.state import Making
from sync.playbook.models import CreateRule, System, When, Where
from tests.factory import CONTACT, HS, SF, changed, facts, ms, playbook, snapshot, when, with_accounts

COMPANY = when("has(lead.company)", lambda v: bool(v["company"]), "company")
RULES = (CreateRule("Contact", COMPANY, Where("fields.yaml", 7)), CreateRule("Lead", When(), Where("fields.yaml", 8)))
BOOK = playbook()


def system(*rules: CreateRule) -> System:
    return replace(BOOK.systems[SF], creates=rules)


def test_the_first_rule_that_holds_says_as_what() -> None:
    assert choose(system(*RULES), {"company": "Nordwind"}) == Making("Contact", "fields.yaml:7")
    assert choose(system(*RULES), {"company": None}) == Making("Lead", "fields.yaml:8")


def test_without_a_rule_nobody_is_made_and_when_none_holds_it_says_what_was_missing() -> None:
    assert choose(system(), {}) is None
    assert choose(system(RULES[0]), {}) == Making("", "fields.yaml:7", "field empty")


def test_what_is_noted_is_new_only_once_and_only_where_no_record_is() -> None:
    known = facts()
    fold(known, decide(changed(CONTACT, 1, {"email": "kim@x.example"}), known, BOOK, ms(2)))
    (lead,) = known.leads.values()
    assert lead.makes == {SF: Making("Lead", "fields.yaml:3")}
    systems = {SF: system(*RULES), HS: BOOK.systems[HS]}
    assert note(lead, systems, {"company": "Nordwind"}) == {SF}
    assert note(lead, systems, {"company": "Nordwind"}) == set()
    assert note(lead, systems, {}) == {SF}


def test_who_falls_under_a_rule_later_is_made_then_and_the_doorbell_rings() -> None:
    book = replace(BOOK, systems={**BOOK.systems, SF: system(CreateRule("Lead", COMPANY, Where("fields.yaml", 7)))})
    known = facts()
    first = decide(changed(CONTACT, 1, {"email": "kim@x.example"}), known, book, ms(2))
    assert {name for _, name, _ in first.dirty} == {HS}
    fold(known, first)
    second = decide(changed(CONTACT, 3, {"company": "Nordwind"}), known, book, ms(4))
    assert {name for _, name, _ in second.dirty} >= {SF}
    assert second.leads[0].makes[SF].object == "Lead"


def test_who_belongs_to_an_account_is_made_under_its_record_in_that_system() -> None:
    rule = CreateRule("Contact", when("has(account.name)", lambda v: bool(v["account.name"]), "account.name"), Where("fields.yaml", 7))
    with_both = with_accounts()
    book = replace(with_both, systems={**with_both.systems, SF: replace(with_both.systems[SF], creates=(rule,))})
    known = facts()
    fold(known, decide(changed("salesforce:Account:001N", 1, {"Name": "Nordwind AS", "Website": "nordwind.example"}), known, book, ms(2)))
    decision = decide(changed(CONTACT, 3, {"email": "kim@nordwind.example"}), known, book, ms(4))
    assert decision.leads[0].makes == {SF: Making("Contact", "fields.yaml:7", account="001N")}
    assert SF in {system for _, system, _ in decision.dirty}
    alone = decide(changed(CONTACT, 3, {"email": "kim@fjord.example"}), known, book, ms(4))
    assert alone.leads[0].makes == {SF: Making("", "fields.yaml:7", "field empty")}


def test_outside_the_scope_nothing_is_noted() -> None:
    known = facts()
    fold(known, decide(changed(CONTACT, 1, {"email": "kim@x.example"}), known, BOOK, ms(2)))
    out = decide(snapshot(CONTACT, 3, {"email": "kim@x.example", "country": "BR"}), known, BOOK, ms(4))
    assert not out.leads[0].in_scope
    assert out.leads[0].makes == {}

from __future__ import annotations

from dataclasses import replace

import pytest

from schemas.envelope import derived_id
from schemas.keys import keyed
from sync.lead.decide import decide
from sync.lead.decision import Facts, Identity, Wanted, fold
from sync.lead.identity import names_conflict, wanted
from sync.lead.state import Desired, Lead
from tests import factory
from tests.factory import CONTACT, LEAD, SECRET, changed, deleted, done, merged, ms, snapshot, touch

KIM: Identity = ("email", keyed(SECRET, "kim@x.example"))


def test_wanted_names_refs_keyed_addresses_and_the_truce_id() -> None:
    ident = derived_id("x")
    need = wanted(changed(LEAD, 1, {"Email": " KIM@x.example", "Other": "kim@x.example"}, truce_id=ident.upper()), SECRET)
    assert need == Wanted(frozenset({("ref", LEAD), KIM}), frozenset({ident}))
    assert wanted(merged(LEAD, CONTACT, seconds=1), SECRET).identities == {("ref", LEAD), ("ref", CONTACT)}
    assert wanted(touch("a", 1, email="kim@x.example"), SECRET) == Wanted(frozenset({KIM}), touches=frozenset({("hubspot", "a")}))
    result = done(ident, CONTACT, 1, {}, {})
    assert wanted(result, SECRET) == Wanted(frozenset({("ref", CONTACT)}), frozenset({ident}), once=result.id)
    assert wanted(deleted(LEAD, 1), SECRET) == Wanted(frozenset({("ref", LEAD)}))


def test_an_id_that_is_none_is_not_looked_up() -> None:
    assert wanted(changed(LEAD, 1, {}, truce_id="' OR 1=1"), SECRET).leads == frozenset()
    assert wanted(done("nobody", LEAD, 1, {}, {}), SECRET).leads == frozenset()


@pytest.mark.parametrize("ref", ["salesforce:Lead:" + "x" * 600, "salesforce:Lead:\ud800"])
def test_a_name_that_cannot_be_kept_is_parked_by_its_field(ref: str) -> None:
    message = changed(LEAD, 1, {})
    message = message._replace(data=message.data.model_copy(update={"ref": ref}))
    assert wanted(message, SECRET) == Wanted()
    decision = decide(message, factory.facts(), factory.playbook(), 0)
    assert decision.outcome == "parked"
    assert decision.reason.startswith("ref 0: ")


def test_the_lead_id_comes_from_the_message() -> None:
    message = changed(LEAD, 1, {"Email": "kim@x.example"}, ident="m-1")
    one, two = (decide(message, factory.facts(), factory.playbook(), ms(1)) for _ in range(2))
    assert one.leads[0].id == two.leads[0].id == derived_id("m-1", "lead", LEAD, 0)
    assert one.identities == {("ref", LEAD): one.leads[0].id, KIM: one.leads[0].id}


def _after(*messages: object) -> Facts:
    facts = factory.facts()
    for message in messages:
        fold(facts, decide(message, facts, factory.playbook(), ms(50)))  # type: ignore[arg-type]
    return facts


def test_the_truce_id_comes_before_the_address() -> None:
    facts = _after(snapshot(LEAD, 1, {"Email": "kim@x.example"}), snapshot("salesforce:Lead:2", 2, {"Email": "other@x.example"}))
    kim = facts.identities["ref", LEAD]
    fold(facts, decide(snapshot(CONTACT, 3, {"email": "other@x.example"}, truce_id=kim), facts, factory.playbook(), ms(50)))
    assert facts.identities["ref", CONTACT] == kim


def test_a_truce_id_that_is_nobodys_is_no_identity() -> None:
    facts = _after(snapshot(LEAD, 1, {"Email": "kim@x.example"}, truce_id=derived_id("a copied field")))
    assert facts.identities["ref", LEAD] == facts.identities[KIM]


def test_two_existing_leads_never_join_by_address() -> None:
    facts = _after(snapshot(LEAD, 1, {"Email": "kim@x.example"}), snapshot(CONTACT, 2, {"email": "k2@x.example"}))
    decision = decide(changed(CONTACT, 3, {"email": "kim@x.example"}), facts, factory.playbook(), ms(50))
    assert [sorted(note.leads) for note in decision.duplicates] == [
        sorted({facts.identities["ref", LEAD], facts.identities["ref", CONTACT]})
    ]
    assert KIM not in decision.identities


@pytest.mark.parametrize(
    ("ours", "theirs", "conflict"),
    [("Zoë", "zoe", False), ("O'Neil", "ONeil", False), ("Kim", "", False), ("", "Kim", False), ("Kim", "Pat", True), ("Kim", None, False)],
)
def test_names_conflict_when_both_are_known_and_differ(ours: str, theirs: str | None, conflict: bool) -> None:
    lead = Lead("l", "k", 0, 0, desired={"first_name": Desired(ours, 0, LEAD, 1, "")})
    assert names_conflict(lead, {"first_name": theirs}) is conflict


def test_a_lead_that_was_joined_is_followed() -> None:
    facts = _after(snapshot(LEAD, 1, {"Email": "kim@x.example"}))
    lead = facts.leads[facts.identities["ref", LEAD]]
    facts.leads["old"] = replace(lead, id="old", survivor=lead.id)
    facts.identities["ref", CONTACT] = "old"
    decision = decide(changed(CONTACT, 2, {"jobtitle": "Head"}), facts, factory.playbook(), ms(50))
    assert [one.id for one in decision.leads] == [lead.id]

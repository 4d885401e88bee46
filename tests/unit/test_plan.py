"""What must be told to a system, case by case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from connectors.base import Capabilities
from schemas.base import Scalar
from sync.lead.plan import Control, Plan, plan
from sync.lead.seen import OpenIntent
from sync.lead.state import Consent, Desired, Lead, Observed, Record, Refused
from sync.playbook.models import Playbook, SystemField
from tests.factory import CONTACT, HS, LEAD, SF, makes, noted, playbook, when

ABLE = Capabilities(frozenset(f.systems[SF].name for f in playbook().fields.values() if SF in f.systems) | {"Truce_Id__c"})
CONTROL = Control("Truce_Id__c", users={"ana@acme.example": "005A"}, read_fully=True)


def desired(values: Mapping[str, Scalar]) -> dict[str, Desired]:
    return {name: Desired(value, 1_000, CONTACT, 3, "fields.yaml:1 latest") for name, value in values.items()}


def person(shown: Mapping[str, Scalar] | None = None, *, ref: str = LEAD, **wanted: Scalar) -> Lead:
    """A lead with desired values, and one record that shows `shown` if given."""
    made = Lead("L1", "k", 1, 1, desired=desired({"email": "ana@example.com", **wanted}))
    if shown is not None:
        add(made, ref, {"email": "ana@example.com", **shown})
    return made


def add(lead: Lead, ref: str, shown: Mapping[str, Scalar], **more: Any) -> Record:
    system, kind, _ = ref.split(":")
    fields = {name: Observed(value, 10, 10) for name, value in shown.items()}
    record = Record(ref, system, kind, 1, more.pop("last_at", 10), fields, has_truce_id=more.pop("has_truce_id", True), **more)
    lead.records[ref] = record
    return record


def planned(
    lead: Lead, *intents: OpenIntent, book: Playbook | None = None, now: int = 5_000, able: Capabilities = ABLE, **control: Any
) -> Plan:
    return plan(noted(lead, book or playbook()), SF, book or playbook(), intents, {"Lead": able}, replace(CONTROL, **control), now)


def sent(result: Plan) -> dict[str, Scalar]:
    """Give the only row's vendor fields."""
    (row,) = result.rows
    return row.vendor_fields()


def intent(state: Any = "done", outcome: str = "written", **fields: Scalar) -> OpenIntent:
    names = {
        name: {"name": playbook().fields[name].systems[SF].name, "value": value, "version": 3, "at": 1_000}
        for name, value in fields.items()
    }
    told = {"outcome": outcome, "ref": LEAD, "versions": dict.fromkeys(fields, 3)}
    return OpenIntent("i1", "update", "Lead", "00Q1", names, state, told if state == "done" else None, 2_000)


def test_only_the_difference_is_told() -> None:
    result = planned(person({"title": "CTO", "phone": "+1"}, title="CTO", phone="+2"))
    assert sent(result) == {"Phone": "+2"}
    assert not result.stays_dirty
    told = result.rows[0].fields["phone"]
    assert (told.version, told.at, told.before, told.rule) == (3, 1_000, "+1", "fields.yaml:1 latest")


def test_a_row_says_until_when_its_record_is_known_results_of_our_own_included() -> None:
    (row,) = planned(person({"title": "CTO"}, title="CFO")).rows
    assert row.known_at == 10
    (row,) = planned(person({"title": "CTO", "phone": "+1"}, title="CFO", phone="+2"), intent(phone="+2")).rows
    assert row.known_at == 2_000


def test_equal_in_canonical_form_is_equal() -> None:
    assert planned(person({"owner": "Ana@acme.example", "title": ""}, owner="ana@acme.example", title=None)).rows == []


def test_values_go_out_in_the_vendors_words() -> None:
    assert sent(planned(person({}, stage="mql", owner="ana@acme.example"))) == {"Stage__c": "MQL", "OwnerId": "005A"}


def test_an_unknown_owner_is_left_out_and_named() -> None:
    result = planned(person({}, owner="gone@acme.example", title="CTO"))
    assert sent(result) == {"Title": "CTO"}
    assert [(left.field, left.reason) for left in result.left] == [("owner", "no such active user there")]


def test_nothing_unknown_blanks_anything() -> None:
    assert planned(person({"title": "CTO", "owner": "joe@acme.example"}, owner=None)).rows == []


def test_a_blank_that_somebody_wanted_is_told() -> None:
    assert sent(planned(person({"title": "CTO"}, title=None))) == {"Title": None}


@pytest.mark.parametrize("value", [None, False])
def test_a_flag_that_is_not_set_is_not_told_to_a_record_that_shows_none(value: Scalar) -> None:
    assert planned(person({}, email_opt_out=value)).rows == []


def test_a_paused_field_stays_to_be_told() -> None:
    result = planned(person({}, phone="+2", title="CTO"), paused=frozenset({"field:phone"}))
    assert sent(result) == {"Title": "CTO"}
    assert result.stays_dirty


@pytest.mark.parametrize("scope", ["all", f"system:{SF}"])
def test_a_paused_system_waits(scope: str) -> None:
    result = planned(person({}, phone="+2"), paused=frozenset({scope}))
    assert (result.rows, result.wait, result.stays_dirty) == ([], "paused", True)


def test_what_was_refused_is_not_told_again_until_it_changes() -> None:
    lead = person({}, phone="+2")
    lead.records[LEAD].refused["phone"] = Refused("+2", "INVALID", "no", "p1", 1)
    assert planned(lead).rows == []
    lead.desired |= desired({"phone": "+3"})
    assert sent(planned(lead)) == {"Phone": "+3"}


def test_a_frozen_field_is_left_alone_for_its_time() -> None:
    lead = person({}, phone="+2")
    lead.frozen["phone"] = 6_000
    assert planned(lead).stays_dirty
    assert sent(planned(lead, now=6_000)) == {"Phone": "+2"}


def test_what_cannot_be_written_is_left_out() -> None:
    book = playbook()
    fields = dict(book.fields)
    fields["title"] = replace(fields["title"], systems={SF: SystemField("Title", read_only=True)})
    lead = person({}, title="CTO", phone="+2")
    result = planned(lead, book=replace(book, fields=fields), able=Capabilities(ABLE.writable - {"Phone"}))
    assert {(left.field, left.reason) for left in result.left} == {("title", "read only"), ("phone", "not writable there")}
    assert not result.rows
    assert not result.stays_dirty


def test_a_field_that_was_never_read_is_read_first() -> None:
    lead = person({}, phone="+2")
    lead.records[LEAD].partial = True
    result = planned(lead)
    assert (result.rows, result.reads, result.stays_dirty) == ([], {LEAD}, True)


def test_an_opt_out_waits_for_no_read() -> None:
    lead = person({}, email_opt_out=True)
    lead.records[LEAD].partial = True
    assert sent(planned(lead)) == {"HasOptedOutOfEmail": True}


def test_the_truce_id_goes_to_a_record_that_has_none() -> None:
    lead = person({})
    lead.records[LEAD].has_truce_id = False
    assert sent(planned(lead)) == {"Truce_Id__c": "L1"}
    lead.records[LEAD].refused["truce_id"] = Refused("L1", "", "No edit access.", "p", 20)
    assert planned(lead).rows == [], "what was refused is not told again and again"


def test_followers_hear_of_consent_only() -> None:
    lead = person({"email_opt_out": False}, email_opt_out=True, phone="+2")
    add(lead, "salesforce:Lead:00Q2", {"email_opt_out": False}, last_at=5, has_truce_id=False)
    rows = {row.record_id: row.vendor_fields() for row in planned(lead).rows}
    assert rows == {"00Q1": {"HasOptedOutOfEmail": True, "Phone": "+2"}, "00Q2": {"HasOptedOutOfEmail": True}}


def test_outside_the_scope_only_consent_is_told() -> None:
    lead = person({"email_opt_out": False}, email_opt_out=True, phone="+2")
    lead.in_scope = False
    lead.records[LEAD].has_truce_id = False
    assert sent(planned(lead)) == {"HasOptedOutOfEmail": True}


def test_consent_that_stands_only_as_consent_is_told() -> None:
    lead = person({})
    lead.consent["email"] = Consent(True, 7_000, HS)
    assert sent(planned(lead)) == {"HasOptedOutOfEmail": True}


# — intents —


def test_an_intent_without_outcome_holds_everything() -> None:
    result = planned(person({}, phone="+2", title="CTO"), intent("open", phone="+2"))
    assert (result.rows, result.wait) == ([], "intent")


def test_a_written_value_counts_as_shown() -> None:
    assert sent(planned(person({"phone": "+1"}, phone="+2", title="CTO"), intent(phone="+2"))) == {"Title": "CTO"}


def test_a_newer_sight_counts_above_a_result() -> None:
    lead = person({}, phone="+2")
    lead.records[LEAD].fields["phone"] = Observed("+3", 2_500, 2_500)
    assert sent(planned(lead, intent(phone="+2"))) == {"Phone": "+2"}


def test_a_refusal_that_was_not_applied_counts() -> None:
    one = intent("done", "rejected", phone="+2")
    one = replace(one, outcome={**(one.outcome or {}), "versions": {}, "refused": [{"field": "Phone"}]})
    assert sent(planned(person({}, phone="+2", title="CTO"), one)) == {"Title": "CTO"}


def test_a_record_that_is_gone_hears_nothing() -> None:
    assert planned(person({}, phone="+2"), intent("done", "gone", phone="+2")).rows == []


def test_a_record_created_but_not_known_yet_is_updated_not_created_again() -> None:
    made = replace(intent("done", "created", email="ana@example.com"), kind="create", record_id=None)
    result = planned(person(None, phone="+2"), made)
    assert [(row.kind, row.record_id) for row in result.rows] == [("update", "00Q1")]


def test_a_linked_record_is_told_nothing_before_it_was_read() -> None:
    made = replace(intent("done", "linked"), kind="create", record_id=None)
    assert planned(person(None, phone="+2"), made).rows == []


# — creating —


def test_a_lead_without_record_is_created_once_all_is_known() -> None:
    result = planned(person(None, phone="+2", email_opt_out=True), able=replace(ABLE, defaults={"Company": "[none]", "Phone": "0"}))
    (row,) = result.rows
    assert (row.kind, row.object, row.record_id, result.email) == ("create", "Lead", None, "ana@example.com")
    expected = {"Email": "ana@example.com", "Phone": "+2", "HasOptedOutOfEmail": True, "Truce_Id__c": "L1", "Company": "[none]"}
    assert row.vendor_fields() == expected


def test_nothing_is_created_before_the_first_full_read() -> None:
    result = planned(person(None), read_fully=False)
    assert (result.rows, result.stays_dirty) == ([], True)


def no_create(book: Playbook) -> Playbook:
    return replace(book, systems={**book.systems, SF: replace(book.systems[SF], creates=())})


def only_germans(book: Playbook) -> Playbook:
    rule = when("lead.country == 'DE'", lambda v: v["country"] == "DE", "country")
    return replace(book, systems={**book.systems, SF: replace(book.systems[SF], creates=makes("Lead", rule))})


@pytest.mark.parametrize("book", [no_create(playbook()), only_germans(playbook())])
def test_nothing_is_created_that_the_playbook_does_not_want(book: Playbook) -> None:
    assert planned(person(None, country="FR"), book=book).rows == []


def test_what_the_playbook_wants_is_created() -> None:
    assert len(planned(person(None, country="DE"), book=only_germans(playbook())).rows) == 1


@pytest.mark.parametrize("fate", ["deleted", "erased", "merged", "converted"])
def test_nothing_is_created_beside_a_record_that_once_was(fate: Any) -> None:
    lead = person({}, phone="+2")
    lead.records[LEAD].gone = fate
    assert planned(lead).rows == []


def test_nothing_is_created_while_a_person_must_decide() -> None:
    assert planned(person(None), duplicate=True).rows == []


def test_nothing_is_created_that_was_refused() -> None:
    lead = person(None)
    lead.blocked[SF] = Refused(None, "X", "no", "p1", 1)
    assert planned(lead).rows == []


def test_nothing_is_created_without_an_address() -> None:
    lead = person(None)
    del lead.desired["email"]
    assert planned(lead).rows == []


@pytest.mark.parametrize("change", [{"erased": True}, {"survivor": "L2"}, {"in_scope": False}])
def test_nothing_is_created_for_a_lead_that_is_none_any_more(change: dict[str, Any]) -> None:
    lead = person(None)
    for name, value in change.items():
        setattr(lead, name, value)
    assert planned(lead).rows == []


CONTACTS = Capabilities(frozenset({"Email", "Phone", "Title__c", "LastName", "Truce_Id__c"}), account_field="AccountId")


def as_contact(book: Playbook) -> Playbook:
    """A playbook by which people are made contacts, which call their title otherwise and have no country."""
    title = SystemField("Title", objects={"Contact": "Title__c"})
    country = SystemField("Country", objects={"Contact": ""})
    fields = {**book.fields} | {
        name: replace(book.fields[name], systems={SF: one}) for name, one in (("title", title), ("country", country))
    }
    rules = (*makes("Contact", when("has(lead.company)", lambda v: bool(v["company"]), "company")), *makes("Lead"))
    defaults = {"LastName": "[not provided]", "Company": "[not provided]"}
    return replace(book, fields=fields, systems={**book.systems, SF: replace(book.systems[SF], creates=rules, defaults=defaults)})


def test_a_contact_is_made_under_its_account_with_the_names_that_its_object_has() -> None:
    book = as_contact(playbook())
    lead = noted(person(None, company="Nordwind", title="CTO", country="DE"), book)
    lead.makes[SF].account = "001A"
    (row,) = plan(lead, SF, book, [], {"Lead": ABLE, "Contact": CONTACTS}, CONTROL, 5_000).rows
    assert (row.kind, row.object, row.record_id) == ("create", "Contact", None)
    expected = {"Email": "ana@example.com", "Title__c": "CTO", "Truce_Id__c": "L1", "LastName": "[not provided]", "AccountId": "001A"}
    assert row.vendor_fields() == expected


def test_what_cannot_be_made_is_made_as_nothing_else_and_says_so() -> None:
    book = as_contact(playbook())
    lead = noted(person(None, company="Nordwind"), book)
    yet = plan(lead, SF, book, [], {"Lead": ABLE}, CONTROL, 5_000)
    assert (yet.rows, [one.reason for one in yet.left]) == ([], ["Truce cannot make a record of Contact there yet (fields.yaml:3)"])
    alone = plan(lead, SF, book, [], {"Lead": ABLE, "Contact": CONTACTS}, CONTROL, 5_000)
    assert (alone.rows, [one.reason for one in alone.left]) == (
        [],
        ["a Contact is made under its account, and none is known there (fields.yaml:3)"],
    )
    assert not yet.stays_dirty


def test_what_the_rules_made_before_is_not_made_under_rules_that_do_not() -> None:
    lead = noted(person(None, company="Nordwind"), as_contact(playbook()))
    assert plan(lead, SF, playbook(), [], {"Lead": ABLE, "Contact": CONTACTS}, CONTROL, 5_000).rows == []


def test_of_several_records_the_playbooks_order_of_objects_says_which_is_written() -> None:
    lead = person({"phone": "+1"}, phone="+2")
    add(lead, f"{SF}:Contact:0031", {"email": "ana@example.com", "phone": "+1"}, last_at=5)
    able = {"Lead": ABLE, "Contact": CONTACTS}
    written = {}
    for order in ((), ("Contact", "Lead"), ("Lead",)):
        book = playbook()
        book = replace(book, systems={**book.systems, SF: replace(book.systems[SF], primary=order)})
        written[order] = [row.object for row in plan(lead, SF, book, [], able, CONTROL, 5_000).rows]
    assert written == {(): ["Lead"], ("Contact", "Lead"): ["Contact"], ("Lead",): ["Lead"]}


def test_a_field_is_written_by_the_name_that_the_object_has_for_it() -> None:
    book = as_contact(playbook())
    lead = person(None, title="CTO", country="DE")
    add(lead, f"{SF}:Contact:0031", {"email": "ana@example.com", "title": "CEO", "country": "FR"})
    result = plan(lead, SF, book, [], {"Contact": CONTACTS}, CONTROL, 5_000)
    assert sent(result) == {"Title__c": "CTO"}
    assert result.left == []


# — observe mode —


def test_observe_mode_tells_nothing_and_says_what_it_would() -> None:
    book = playbook()
    book = replace(book, systems={**book.systems, SF: replace(book.systems[SF], mode="observe")})
    lead = person({"phone": "+1"}, phone="+2")
    lead.records[LEAD].has_truce_id = False
    result = planned(lead, book=book, paused=frozenset({"all"}))
    assert (result.rows, result.stays_dirty) == ([], False)
    assert [(one.record_id, one.field, one.before, one.after) for one in result.would] == [("00Q1", "phone", "+1", "+2")]
    created = planned(person(None, phone="+2"), book=book)
    assert created.rows == []
    assert {(one.record_id, one.field) for one in created.would} == {("new", "email"), ("new", "phone")}


def test_one_field_in_observe_mode_is_left_out_of_the_row() -> None:
    book = playbook()
    fields = {**book.fields, "phone": replace(book.fields["phone"], systems={SF: SystemField("Phone", mode="observe")})}
    result = planned(person({}, phone="+2", title="CTO"), book=replace(book, fields=fields))
    assert sent(result) == {"Title": "CTO"}
    assert [one.field for one in result.would] == ["phone"]


def test_one_object_in_observe_mode_tells_nothing() -> None:
    book = playbook()
    book = replace(book, systems={**book.systems, SF: replace(book.systems[SF], objects={"Lead": "observe"})})
    lead = person({"phone": "+1"}, phone="+2")
    lead.records[LEAD].has_truce_id = False
    result = planned(lead, book=book)
    assert result.rows == []
    assert [one.field for one in result.would] == ["phone"]
    other = replace(book, systems={**book.systems, SF: replace(book.systems[SF], objects={"Contact": "observe"})})
    assert sent(planned(person({"phone": "+1"}, phone="+2"), book=other)) == {"Phone": "+2"}


def test_an_object_does_not_write_what_its_system_does_not() -> None:
    assert replace(playbook().systems[SF], mode="observe", objects={"Lead": "write"}).mode_of("Lead") == "observe"


def test_nobody_is_told_of_first_while_a_system_is_read_that_may_know_more_of_them() -> None:
    ana, reading = person({"phone": "+1"}, phone="+2"), frozenset({HS})
    known = person({"phone": "+1"}, phone="+2")
    ana.records[LEAD].has_truce_id = False
    made = planned(ana, reading=reading)
    assert (made.wait, made.rows, made.stays_dirty) == ("reading", [], True)
    assert planned(person(phone="+2"), reading=reading).wait == "reading"  # nor is anybody made
    assert sent(planned(ana, reading=frozenset({"a system of which the playbook does not speak"})))["Phone"] == "+2"
    assert sent(planned(known, reading=reading)) == {"Phone": "+2"}  # who was told of already is kept current meanwhile
    add(ana, "hubspot:contacts:7", {})
    assert sent(planned(ana, reading=reading))["Phone"] == "+2"

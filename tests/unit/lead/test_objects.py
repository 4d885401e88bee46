"""Fields that one object of a system calls otherwise than the others: read, written and refused by that name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from schemas.envelope import Envelope
from sync.lead.decide import decide
from sync.lead.decision import Facts, fold
from sync.lead.reconcile import differs
from sync.lead.state import Lead, Observed, Record
from sync.playbook.models import SystemField
from tests.factory import HS, LEAD, SF, changed, done, facts, fields, ms, playbook, snapshot

CONTACT = "salesforce:Contact:0031"
TITLE = replace(fields()["title"], systems={SF: SystemField("Title", objects={"Contact": "Title__c"})})
COUNTRY = replace(fields()["country"], systems={SF: SystemField("Country", objects={"Contact": ""})})
BOOK = playbook(fields={**fields(), "title": TITLE, "country": COUNTRY})


def told(*messages: Envelope, **more: Any) -> tuple[Facts, Lead]:
    known = facts(**more)
    for place, message in enumerate(messages):
        fold(known, decide(message, known, BOOK, ms(place + 10)))
    return known, next(lead for lead in known.leads.values() if lead.survivor is None)


def test_a_field_is_read_by_the_name_that_the_object_has() -> None:
    _, lead = told(snapshot(CONTACT, 1, {"Email": "kim@x.example", "Title": "no title", "Title__c": "CTO", "Country": "DE"}))
    assert lead.value("title") == "CTO"
    assert "country" not in lead.records[CONTACT].fields
    _, lead = told(snapshot(LEAD, 1, {"Email": "kim@x.example", "Title": "CTO", "Title__c": "no title"}))
    assert lead.value("title") == "CTO"


def test_the_result_of_a_write_and_a_refusal_are_understood_by_that_name() -> None:
    known, lead = told(snapshot(CONTACT, 1, {"Email": "kim@x.example", "Title__c": "CTO", "Phone": "+1"}))
    refused = [{"field": "Title__c", "value": "CTO", "code": "X", "words": "no"}]
    fold(known, decide(done(lead.id, CONTACT, 20, {}, {"title": 1}, refused=refused), known, BOOK, ms(30)))
    assert known.leads[lead.id].records[CONTACT].refused["title"].words == "no"
    fold(known, decide(done(lead.id, CONTACT, 40, {"Title__c": "CEO"}, {"title": 1}), known, BOOK, ms(50)))
    after = known.leads[lead.id].records[CONTACT]
    assert after.fields["title"].value == "CEO"
    assert after.refused["title"].code == "altered", "it was told CTO and keeps another value"


def test_a_field_that_an_object_does_not_have_is_no_difference() -> None:
    book = replace(BOOK, fields={**BOOK.fields, "country": replace(COUNTRY, systems={**COUNTRY.systems, HS: SystemField("country")})})
    known, lead = told(snapshot(CONTACT, 1, {"Email": "kim@x.example", "FirstName": "Kim"}, truce_id=None))
    known.leads[lead.id].records[CONTACT].has_truce_id = True
    seen = {"email": "kim@x.example", "firstname": "Kim", "country": "DE"}
    decision = decide(changed("hubspot:contacts:1", 60, seen, truce_id=lead.id), known, book, ms(60))
    assert decision.leads[0].value("country") == "DE"
    shown = known.leads[lead.id].records[CONTACT]
    assert not differs(decision.leads[0], shown, SF, replace(book, fields={"country": book.fields["country"]}), consent_only=False)
    assert differs(decision.leads[0], replace(shown, object="Lead"), SF, book, consent_only=False)


@pytest.mark.parametrize(("order", "rung"), [(("Contact", "Lead"), False), (("Lead", "Contact"), True)])
def test_the_record_that_is_written_first_is_the_one_that_must_agree(order: tuple[str, ...], rung: bool) -> None:
    book = replace(BOOK, systems={**BOOK.systems, SF: replace(BOOK.systems[SF], primary=order)})
    known, lead = told(snapshot(CONTACT, 1, {"Email": "kim@x.example", "Title__c": "CTO"}))
    kept = known.leads[lead.id]
    shown = {name: Observed(value, ms(2), ms(2)) for name, value in (("email", "kim@x.example"), ("title", "Chief"))}
    kept.records[LEAD] = Record(LEAD, SF, "Lead", ms(2), ms(2), shown, has_truce_id=True)
    kept.records[CONTACT].has_truce_id = True
    kept.records[CONTACT].fields |= {name: Observed(held.value, held.at, held.at) for name, held in kept.desired.items()}
    decision = decide(changed(CONTACT, 60, {"Title__c": "CEO"}), known, book, ms(60))
    assert decision.leads[0].value("title") == "CEO"
    assert (SF in {system for _, system, _ in decision.dirty}) is rung

"""What marketing's copy of an opportunity is to show, when one is made, and what is left alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from connectors.base import Capabilities
from schemas.base import Scalar
from sync.lead.account import roles
from sync.lead.copies import Copy, Copying, copying, due, plan_copy
from sync.lead.decide import decide
from sync.lead.decision import Facts, fold
from sync.lead.ledger import Entry
from sync.lead.plan import Control
from sync.lead.seen import REFUSED
from sync.lead.state import Lead, Record
from sync.playbook.models import Playbook
from tests.factory import HS, SF, changed, deleted, facts, ms, shared, with_accounts

KEY = shared("copy_of", "text", "sales", None, "truce_id", about="opportunity")
BOOK = with_accounts()
BOOK = replace(BOOK, opportunity_fields={**BOOK.opportunity_fields, "copy_of": KEY})
OPP, DEAL, FIRM, COMPANY = "salesforce:Opportunity:006A", "hubspot:deals:7", "salesforce:Account:001N", "hubspot:companies:5"
KIM = "salesforce:Lead:003K"
ABLE = {"deals": Capabilities(frozenset({"dealname", "dealstage", "amount", "hubspot_owner_id", "contacts", "company"}))}
OPEN = {"Name": "First order", "StageName": "prospecting", "Amount": 100, "AccountId": "001N", "Contacts": "003K"}


def known(*told: tuple[str, float, Mapping[str, Any]], end: str = "", book: Playbook = BOOK) -> Facts:
    """Give what is known after these records showed this, in this order."""
    found = facts()
    for ref, at, shown in told:
        fold(found, decide(changed(ref, at, shown), found, book, ms(100)))
    if end:
        fold(found, decide(deleted(end, 50), found, book, ms(100)))
    return found


def planned(
    found: Facts, copy: str = "", book: Playbook = BOOK, people: Mapping[str, str] = {}, refused: Mapping[str, Scalar] = {}, since: int = 0, **more: Any
) -> Copy:  # fmt: skip
    control = Control("truce_id", users={"ana@acme.example": "501"}, **{"read_fully": True, **more})
    what = Copying(found.ledger, book, ABLE, control, 100_000, people, since)
    return plan_copy(OPP, found.ledger.entries[copy] if copy else None, HS, what, refused)


def sent(*asked: Any, **more: Any) -> dict[str, Scalar]:
    return {name: value for row in planned(*asked, **more).plan.rows for name, value in row.vendor_fields().items()}


def test_an_opportunity_is_made_a_deal_under_its_key_with_its_people_and_company() -> None:
    found = known((FIRM, 1, {"Website": "n.example"}), (COMPANY, 1, {"domain": "n.example"}), (OPP, 1, {**OPEN, "OwnerId": "005A"}))
    copy = planned(found, people={KIM: "hubspot:contacts:11"})
    (row,) = copy.plan.rows
    assert (row.kind, row.object, row.record_id, copy.waits) == ("create", "deals", None, False)
    assert row.vendor_fields() == {
        "truce_id": OPP, "dealname": "First order", "dealstage": "prospecting", "amount": 100, "hubspot_owner_id": "501",
        "contacts": "11", "company": "5",
    }  # fmt: skip


def test_who_is_not_known_there_yet_is_associated_later() -> None:
    found = known((OPP, 1, OPEN))
    copy = planned(found)
    assert "contacts" not in copy.plan.rows[0].vendor_fields()
    assert copy.waits
    made = known(
        (OPP, 1, OPEN), (DEAL, 2, {"dealname": "First order", "dealstage": "prospecting", "amount": 100, "truce_id": OPP, "contacts": "4"})
    )
    assert sent(made, DEAL) == {}
    assert sent(made, DEAL, people={KIM: "hubspot:contacts:11"}) == {"contacts": "4,11"}, "whom marketing associated stays"
    assert sent(made, DEAL, people={KIM: "hubspot:contacts:4"}) == {}


def test_what_sales_owns_is_put_back_and_what_is_the_latest_is_left() -> None:
    told = ((OPP, 1.0, OPEN), (DEAL, 2.0, {"dealname": "Mine", "dealstage": "prospecting", "amount": 120, "truce_id": OPP}))
    assert sent(known(*told), DEAL) == {"dealname": "First order", "amount": 100}
    latest = {**BOOK.opportunity_fields, "amount": replace(BOOK.opportunity_fields["amount"], policy="latest")}
    assert sent(known(*told), DEAL, book=replace(BOOK, opportunity_fields=latest)) == {"dealname": "First order"}


def test_nothing_is_made_without_name_and_stage_or_before_everything_was_read() -> None:
    found = known((OPP, 1, {"Name": "First order"}))
    assert planned(found).plan.rows == []
    late = planned(known((OPP, 1, OPEN)), read_fully=False).plan
    assert late.rows == []
    assert late.stays_dirty


def test_no_past_is_copied_and_what_ends_later_is() -> None:
    closed = {**OPEN, "StageName": "Closed Won"}
    assert sent(known((OPP, 1, closed)), since=ms(2)) == {}
    assert sent(known((OPP, 1, OPEN)), since=ms(2)) != {}
    assert sent(known((OPP, 1, OPEN), (OPP, 3, {"StageName": "Closed Won"})), since=ms(2)) != {}
    touched = known((OPP, 1, closed), (OPP, 3, {"Amount": 5}))
    assert sent(touched, since=ms(2)) == {}, "another amount makes it no opportunity of today"
    copied = known((OPP, 1, closed), (DEAL, 2, {"dealname": "First order", "dealstage": "prospecting", "amount": 1, "truce_id": OPP}))
    assert sent(copied, DEAL, since=ms(2))["amount"] == 100, "a copy that is there is kept"


def test_what_was_deleted_is_neither_deleted_there_nor_made_again() -> None:
    deal = (DEAL, 2.0, {"dealname": "Old", "dealstage": "prospecting", "truce_id": OPP})
    assert planned(known((OPP, 1, OPEN), deal, end=OPP), DEAL).plan.rows == []
    assert planned(known((OPP, 1, OPEN), deal, end=DEAL), DEAL).plan.rows == []


def test_nothing_is_made_unless_the_playbook_maps_the_key_and_writes_deals() -> None:
    plain = with_accounts()
    assert copying(plain) == ()
    assert due(Entry("opportunity", OPP), Entry("opportunity", OPP), plain) == set()
    watched = replace(BOOK, systems={**BOOK.systems, HS: replace(BOOK.systems[HS], objects={"deals": "observe"})})
    copy = planned(known((OPP, 1, OPEN)), book=watched, people={KIM: "hubspot:contacts:11"})
    assert copy.plan.rows == []
    assert {(one.record_id, one.field) for one in copy.plan.would} == {("new", "name"), ("new", "stage"), ("new", "amount")}
    assert planned(known((OPP, 1, OPEN)), paused=frozenset({"all"})).plan.wait == "paused"


def test_a_change_on_either_side_asks_for_the_copy() -> None:
    found = known((OPP, 1, OPEN))
    assert decide(changed(OPP, 2, {"Amount": 5}), found, BOOK, ms(100)).copies == {(OPP, HS)}
    assert decide(changed(DEAL, 2, {"dealname": "x", "truce_id": OPP}), found, BOOK, ms(100)).copies == {(OPP, HS)}
    assert decide(changed(DEAL, 2, {"dealname": "x"}), found, BOOK, ms(100)).copies == set()
    assert decide(changed(DEAL, 2, {"dealname": "x", "truce_id": "what?"}), found, BOOK, ms(100)).copies == set()


def test_what_our_own_create_left_there_is_the_copy_from_then_on() -> None:
    found = known((OPP, 1, OPEN))
    fields: dict[str, Scalar] = {"truce_id": OPP, "dealname": "First order", "dealstage": "prospecting", "amount": 100}
    intent = "00000000-0000-5000-8000-000000000001"
    decision = decide(changed(DEAL, 10, fields, times={"dealname": 1}, origin="own", intent_id=intent), found, BOOK, ms(100))
    assert (decision.settled_intents, decision.copies) == ([intent], {(OPP, HS)})
    fold(found, decision)
    assert sent(found, DEAL) == {}


def test_a_copy_says_nothing_of_its_own_about_the_people_in_it() -> None:
    found = known((OPP, 1, OPEN), (DEAL, 2, {"dealstage": "closed_won", "truce_id": OPP, "contacts": "11"}))
    lead = Lead("00000000-0000-5000-8000-00000000000a", "", 0, 0)
    lead.records = {ref: Record(ref, HS, "contacts", 0, 0) for ref in (KIM, "hubspot:contacts:11")}
    assert [one.ref for one in roles(lead, found.ledger)] == [OPP]


def test_a_refused_association_is_not_told_again() -> None:
    made = known((OPP, 1, OPEN), (DEAL, 2, {"dealname": "First order", "dealstage": "prospecting", "amount": 100, "truce_id": OPP}))
    assert sent(made, DEAL, people={KIM: "hubspot:contacts:11"}, refused={"people": "11"}) == {}
    left = planned(made, DEAL, people={KIM: "hubspot:contacts:11"}, refused={"people": "11"}).plan.left
    assert [(one.field, one.reason) for one in left if one.field == "people"] == [("people", REFUSED)]
    assert SF in BOOK.sales


def test_a_company_that_becomes_known_is_associated() -> None:
    deal = (DEAL, 2.0, {"dealname": "First order", "dealstage": "prospecting", "amount": 100, "truce_id": OPP, "company": None})
    firms = ((FIRM, 1.0, {"Website": "n.example"}), (COMPANY, 1.0, {"domain": "n.example"}))
    assert planned(known((OPP, 1, OPEN), deal), DEAL).waits
    assert sent(known((OPP, 1, OPEN), deal, *firms), DEAL) == {"company": "5"}
    assert sent(known((OPP, 1, OPEN), (DEAL, 2, {**deal[2], "company": "5"}), *firms), DEAL) == {}

"""What the records of one account are to show, and how our own write coming back is told from somebody's act."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from connectors.base import Capabilities
from schemas.base import Scalar
from sync.lead.accounts import company, plan_account, seen_through
from sync.lead.decide import decide
from sync.lead.decision import Facts, fold
from sync.lead.ledger import Entry, Ledger, Shown
from sync.lead.plan import Control, Plan
from tests.factory import HS, SF, changed, deleted, facts, ms, with_accounts

BOOK = with_accounts()
CRM, MAP, OTHER = "salesforce:Account:001N", "hubspot:companies:5", "salesforce:Account:001M"
ABLE = {
    "Account": Capabilities(frozenset({"Name", "Website", "OwnerId", "Industry", "NumberOfEmployees"})),
    "companies": Capabilities(frozenset({"name", "domain", "hubspot_owner_id", "industry", "numberofemployees"})),
}
DOMAIN = {CRM: "Website", OTHER: "Website", MAP: "domain"}


def known(*told: tuple[str, float, Mapping[str, Any]], end: str = "") -> Facts:
    """Give what is known after these records showed this, in this order."""
    found = facts()
    for ref, at, shown in told:
        fold(found, decide(changed(ref, at, {DOMAIN[ref]: "nordwind.example", **shown}), found, BOOK, ms(100)))
    if end:
        fold(found, decide(deleted(end, 50), found, BOOK, ms(100)))
    return found


def planned(found: Facts, ref: str, book: Any = BOOK, refused: Mapping[str, Scalar] = {}, **control: Any) -> Plan:
    users = {"ana@acme.example": "005A" if ref.startswith(SF) else "501"}
    told = Control("", users=users, read_fully=True, **control)
    return plan_account(found.ledger.entries[ref], found.ledger, book, ABLE, told, 100_000, refused)


def sent(found: Facts, ref: str) -> dict[str, Scalar]:
    return {name: value for row in planned(found, ref).rows for name, value in row.vendor_fields().items()}


def test_each_side_is_told_what_the_other_owns() -> None:
    found = known(
        (CRM, 1, {"Name": "Nordwind AS", "Industry": None, "NumberOfEmployees": 40}),
        (MAP, 2, {"name": "nordwind", "industry": "Energy", "numberofemployees": 50}),
    )
    assert sent(found, MAP) == {"name": "Nordwind AS"}
    assert sent(found, CRM) == {"Industry": "Energy", "NumberOfEmployees": 50}
    row = planned(found, MAP).rows[0]
    assert (row.kind, row.object, row.record_id, row.fields["name"].at) == ("update", "companies", "5", ms(1))


def test_a_blank_that_nobody_made_wipes_nothing_and_one_by_the_owner_does() -> None:
    first = [(CRM, 1.0, {"Name": "", "NumberOfEmployees": None}), (MAP, 2.0, {"name": "Nordwind", "numberofemployees": None})]
    assert sent(known(*first), MAP) == {}
    assert sent(known(*first), CRM) == {"Name": "Nordwind"}
    wiped = known((CRM, 1, {"Name": "Nordwind"}), (MAP, 2, {"name": "Nordwind"}), (CRM, 3, {"Name": ""}))
    assert sent(wiped, MAP) == {"name": None}
    theirs = known((CRM, 1, {"Name": "Nordwind"}), (MAP, 2, {"name": "Nordwind"}), (MAP, 3, {"name": ""}))
    assert sent(theirs, MAP) == {"name": "Nordwind"}, "a blank by the other side is not honoured"


def test_a_record_that_changed_elsewhere_says_nothing_new_of_a_field() -> None:
    """Salesforce has one time for the whole record: the employees of second 1 do not become newer because the name changed."""
    found = known(
        (CRM, 1, {"Name": "N", "NumberOfEmployees": 40}),
        (MAP, 2, {"name": "N", "numberofemployees": 50}),
        (CRM, 3, {"Name": "N2", "NumberOfEmployees": 40}),
    )
    assert sent(found, CRM) == {"NumberOfEmployees": 50}
    assert sent(found, MAP) == {"name": "N2"}


def wrote(ref: str, at: float, fields: Mapping[str, Any], since: float) -> Any:
    """Give the result of our own write, begun at `at`."""
    return changed(ref, at, fields, times=dict.fromkeys(fields, since), origin="own", intent_id="00000000-0000-5000-8000-000000000001")


@pytest.mark.parametrize("echo_first", [True, False])
def test_our_own_write_coming_back_is_no_act(echo_first: bool) -> None:
    found = known((MAP, 2, {"name": "N", "numberofemployees": 50}), (CRM, 1, {"Name": "N", "NumberOfEmployees": 40}))
    result = wrote(CRM, 10, {"NumberOfEmployees": 50}, 2)
    echo = changed(CRM, 10, {"Website": "nordwind.example", "NumberOfEmployees": 50})
    for message in (echo, result) if echo_first else (result, echo):
        decision = decide(message, found, BOOK, ms(100))
        fold(found, decision)
    assert [sent(found, CRM), sent(found, MAP)] == [{}, {}]
    assert found.ledger.entries[CRM].act("employees") == Shown(50, ms(2))
    fold(found, decide(changed(MAP, 5, {"numberofemployees": 60}), found, BOOK, ms(100)))
    assert sent(found, CRM) == {"NumberOfEmployees": 60}, "an edit from before our write that is known late wins all the same"


def test_an_echo_that_is_heard_before_its_result_wins_over_nobody() -> None:
    """The call ended without an answer: what the record shows now is newer than an edit that nobody overwrote knowingly."""
    found = known((MAP, 2, {"name": "N", "numberofemployees": 50}), (CRM, 1, {"Name": "N", "NumberOfEmployees": 40}))
    for message in (changed(MAP, 11, {"numberofemployees": 60}), changed(CRM, 12, {"NumberOfEmployees": 50})):
        fold(found, decide(message, found, BOOK, ms(100)))
    assert sent(found, MAP) == {"numberofemployees": 50}, "as somebody's act it would win"
    fields = {"employees": {"name": "NumberOfEmployees", "value": 50, "sent": 50, "at": ms(2)}}
    through = replace(found, ledger=seen_through(found.ledger, {CRM: {"id": "1", "at": ms(10), "fields": fields}}))
    assert (sent(through, MAP), sent(through, CRM)) == ({}, {"NumberOfEmployees": 60})


def test_a_result_settles_its_intent_and_what_a_person_did_since_stays() -> None:
    found = known((MAP, 2, {"name": "N"}), (CRM, 1, {"Name": "Nord"}), (CRM, 20, {"Name": "Nordwind"}))
    decision = decide(wrote(CRM, 10, {"Name": "N"}, 2), found, BOOK, ms(100))
    assert decision.settled_intents == ["00000000-0000-5000-8000-000000000001"]
    fold(found, decision)
    assert found.ledger.entries[CRM].value("name") == "Nordwind"


def test_several_of_one_domain_in_a_system_are_left_to_people() -> None:
    two = known((CRM, 1, {"Name": "Nordwind"}), (OTHER, 1, {"Name": "Nordwind Holding"}), (MAP, 2, {"name": "x"}))
    assert [planned(two, ref).rows for ref in (CRM, OTHER, MAP)] == [[], [], []]
    one = known((CRM, 1, {"Name": "Nordwind"}), (OTHER, 1, {"Name": "Nordwind Holding"}), (MAP, 2, {"name": "x"}), end=OTHER)
    assert sent(one, MAP) == {"name": "Nordwind"}
    assert planned(one, OTHER).rows == []


def test_who_belongs_together_does_so_whoever_is_asked() -> None:
    """Two records of one system that share no domain, but each one with a third, are as ambiguous as two of one domain."""
    found = known((CRM, 1, {"Name": "Nordwind"}), (OTHER, 1, {"Name": "Sudwind", "Website": "sudwind.example"}))
    fold(found, decide(changed(MAP, 2, {"name": "x", "domain": "nordwind.example, sudwind.example"}), found, BOOK, ms(100)))
    entries = found.ledger.entries
    assert [company(entries[ref], found.ledger) for ref in (CRM, OTHER, MAP)] == [(), (), ()]


def test_who_is_alone_or_has_no_domain_is_nobodys_account() -> None:
    alone = known((CRM, 1, {"Name": "Nordwind"}))
    assert company(alone.ledger.entries[CRM], alone.ledger) != ()
    assert planned(alone, CRM).rows == []
    bare = Ledger([Entry("account", CRM, {"name": Shown("N", 1)}), Entry("account", MAP, {"name": Shown("N", 2)})])
    assert company(bare.entries[CRM], bare) == ()


def test_what_is_refused_paused_observed_or_unread_is_not_told() -> None:
    found = known((CRM, 1, {"Name": "Nordwind"}), (MAP, 2, {"name": "x"}))
    assert planned(found, MAP, refused={"name": "Nordwind"}).rows == []
    assert planned(found, MAP, paused=frozenset({f"system:{HS}"})).wait == "paused"
    watched = replace(BOOK, systems={**BOOK.systems, HS: replace(BOOK.systems[HS], objects={"companies": "observe"})})
    assert [(one.field, one.before, one.after) for one in planned(found, MAP, watched).would] == [("name", "x", "Nordwind")]
    partly = known((CRM, 1, {"Name": "Nordwind"}), (MAP, 2, {}))
    assert planned(partly, MAP).rows == []
    assert planned(partly, MAP).reads == {MAP}


def test_an_owner_is_told_by_the_id_that_the_system_has_for_them() -> None:
    found = known((CRM, 1, {"OwnerId": "005A"}), (MAP, 2, {"hubspot_owner_id": ""}))
    assert sent(found, MAP) == {"hubspot_owner_id": "501"}

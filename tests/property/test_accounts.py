"""Accounts and opportunities are facts: what is known of them does not depend on the order in which it was told, nor how often."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas.envelope import Envelope
from sync.lead.account import match, values_of
from sync.lead.decide import decide
from sync.lead.decision import Facts, fold
from sync.lead.state import Desired, Lead
from tests.examples import examples
from tests.factory import LEAD, changed, deleted, facts, merged, ms, with_accounts

BOOK = with_accounts()
ACCOUNTS = ["salesforce:Account:001A", "salesforce:Account:001B", "hubspot:companies:5"]
DEALS = ["salesforce:Opportunity:006A", "salesforce:Opportunity:006B"]
TIMES = st.integers(0, 3)


def _told(ref: str, values: dict[str, Any]) -> st.SearchStrategy[Envelope]:
    fields = st.fixed_dictionaries({}, optional={name: st.sampled_from(some) for name, some in values.items()})
    return st.builds(lambda at, shown: changed(ref, at, shown), TIMES, fields)


def _account(ref: str) -> st.SearchStrategy[Envelope]:
    names = ("name", "domain", "hubspot_owner_id") if ref.startswith("hubspot") else ("Name", "Website", "OwnerId")
    values = ([None, "Nordwind AS", "Fjord"], ["nordwind.example", "fjord.example", "gmail.com", ""], ["005A", "005B", "00GQ", None])
    others = [other for other in ACCOUNTS if other != ref and other.partition(":")[0] == ref.partition(":")[0]]
    ends = st.builds(
        lambda at, how: deleted(ref, at, how), TIMES, st.sampled_from(["deleted", "restored", "erased", "deleted", "restored"])
    )
    merges = st.builds(lambda at, into: merged(into, ref, seconds=at), TIMES, st.sampled_from(others)) if others else st.nothing()
    return st.one_of(_told(ref, dict(zip(names, values, strict=True))), ends, merges)


def _deal(ref: str) -> st.SearchStrategy[Envelope]:
    fields = {"StageName": ["Prospecting", "Closed Won", "Closed Lost"], "AccountId": ["001A", "001B"], "Contacts": [LEAD, ""]}
    ends = st.builds(lambda at, how: deleted(ref, at, how), TIMES, st.sampled_from(["deleted", "restored"]))
    return st.one_of(_told(ref, fields), ends)


MESSAGES = st.lists(st.one_of(*map(_account, ACCOUNTS), *map(_deal, DEALS)), min_size=1, max_size=8)


def _known(messages: list[Envelope]) -> Facts:
    known = facts()
    for message in messages:
        decision = decide(message, known, BOOK, ms(100))
        assert decision.outcome in ("applied", "noop", "filtered")
        assert [decision.leads, decision.identities, decision.dirty, decision.lines] == [[], {}, set(), []], "an account is nobody's lead"
        fold(known, decision)
    return known


def _kim() -> Lead:
    kim = Lead("l1", "k", 0, ms(0))
    values = {"email": "kim@mail.nordwind.example", "company": "Fjord Ltd"}
    kim.desired = {name: Desired(value, 0, LEAD, 1, "") for name, value in values.items()}
    return kim


@given(MESSAGES, st.data())
def test_the_order_and_the_number_of_tellings_changes_nothing(messages: list[Envelope], data: st.DataObject) -> None:
    again = data.draw(st.permutations(messages + data.draw(st.lists(st.sampled_from(messages), max_size=3))))
    one, other = _known(messages), _known(again)
    assert one.ledger.entries == other.ledger.entries
    kim = _kim()
    assert match(kim, one.ledger, BOOK) == match(kim, other.ledger, BOOK)
    assert values_of(kim, one, BOOK) == values_of(kim, other, BOOK)


@examples(250)
@given(st.lists(_account(ACCOUNTS[0]), min_size=2, max_size=4), st.data())
def test_the_same_of_one_record_told_at_nearly_one_time(messages: list[Envelope], data: st.DataObject) -> None:
    again = data.draw(st.permutations(messages))
    assert _known(messages).ledger.entries == _known(again).ledger.entries


@given(MESSAGES)
def test_a_match_is_there_has_a_reason_and_never_comes_by_free_mail(messages: list[Envelope]) -> None:
    known, kim = _known(messages), _kim()
    found = match(kim, known.ledger, BOOK)
    assert found is None or (found.account.there and found.how and found.account in found.records)
    kim.desired = {"email": Desired("kim@gmail.com", 0, LEAD, 1, "")}
    assert match(kim, known.ledger, BOOK) is None
    for name, value in values_of(_kim(), known, BOOK).items():
        assert not name.endswith(".owner") or value is None or "@" in str(value)

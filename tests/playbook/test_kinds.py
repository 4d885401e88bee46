"""Who would have a hand-off that is no MQL, and whether somebody says so: mistakes that two files make together."""

from __future__ import annotations

from pathlib import Path

import pytest

from sync.playbook.loader import check, read

GOOD = read(Path(__file__).parent / "good")
KIND = "handoffs:\n  known: {when: lead.stage == 'customer', to: %s, fallback: {owner: ana@acme.example}}\nstages:"
ACCOUNT = "  owner: {type: user, policy: sales, systems: {salesforce: OwnerId, hubspot: hubspot_owner_id}}\nopportunities:"
DEAL = "  owner: {type: user, policy: sales, systems: {salesforce: OwnerId}}\n"


def told(to: str, before: str = "", after: str = "") -> list[str]:
    fields = GOOD["fields.yaml"].decode()
    assert before in fields
    made = {
        "fields.yaml": fields.replace(before, after, 1).encode(),
        "lifecycle.yaml": GOOD["lifecycle.yaml"].replace(b"stages:", (KIND % to).encode()),
    }
    return [f"{one.place} {one.text} → {one.suggestion}" for one in check(GOOD | made).problems if one.file == "lifecycle.yaml"]


@pytest.mark.parametrize("to", ["owner", "account_owner", "opportunity_owner"])
def test_an_owner_whom_a_system_says_is_fine(to: str) -> None:
    assert told(to) == []


def test_an_owner_of_an_account_whom_no_field_says_is_a_problem() -> None:
    assert told("account_owner", ACCOUNT, "opportunities:") == [
        "lifecycle.yaml:6:47 no owner of an account is known: fields.yaml has no accounts.owner"
        " → add it there: owner: {type: user, policy: sales, systems: {…: OwnerId}} under accounts; or write to: owner"
    ]


def test_an_owner_of_a_deal_whom_no_field_says_is_a_problem() -> None:
    assert told("opportunity_owner", DEAL, "") == [
        "lifecycle.yaml:6:47 no owner of an opportunity is known: fields.yaml has no opportunities.owner"
        " → add it there: owner: {type: user, policy: sales, systems: {…: OwnerId}} under opportunities; or write to: owner"
    ]


def test_a_deal_of_which_nobody_says_who_is_in_it_is_a_problem() -> None:
    assert told("opportunity_owner", "  account: {type: ref, policy: sales, systems: {salesforce: AccountId}}\n", "") == [
        "lifecycle.yaml:6:47 nothing says who is in an opportunity, so that nobody's is known"
        " → add people: or account: under opportunities in fields.yaml; or write to: owner"
    ]


def test_deals_that_no_system_holds_have_no_owner() -> None:
    assert told("opportunity_owner", ", opportunity: Opportunity", "") == [
        "lifecycle.yaml:6:47 no system says where its opportunities are, so that nobody's opportunity is known"
        " → add opportunity: Opportunity to systems.salesforce in fields.yaml; or write to: owner"
    ]

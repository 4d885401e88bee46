"""Which account a lead belongs to and why, and what conditions see of it."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.base import Scalar
from schemas.envelope import Envelope
from sync.lead.account import match, values_of
from sync.lead.decide import decide
from sync.lead.decision import Facts, fold
from sync.lead.ledger import Ledger
from sync.lead.state import Claim, Desired, Lead, Record
from tests.factory import LEAD, changed, deleted, facts, merged, ms, with_accounts

NORDWIND, FJORD, COMPANY = "salesforce:Account:001N", "salesforce:Account:001F", "hubspot:companies:55"
DEAL, OTHER = "salesforce:Opportunity:006A", "salesforce:Opportunity:006B"
BOOK = with_accounts()


def told(*messages: Envelope, book: Any = BOOK) -> Facts:
    """Give facts after these messages."""
    known = facts()
    for message in messages:
        fold(known, decide(message, known, book, ms(0)))
    return known


def account(ref: str, seconds: float = 1, **values: Scalar) -> Envelope:
    spelled = {"name": "Name", "domain": "Website", "owner": "OwnerId", "industry": "Industry", "customer": "Customer__c"}
    if ref.startswith("hubspot"):
        spelled = {"name": "name", "domain": "domain", "owner": "hubspot_owner_id", "industry": "industry"}
    return changed(ref, seconds, {spelled[name]: value for name, value in values.items()})


def deal(ref: str, seconds: float = 1, **values: Scalar) -> Envelope:
    spelled = {"name": "Name", "stage": "StageName", "owner": "OwnerId", "account": "AccountId", "people": "Contacts", "amount": "Amount"}
    return changed(ref, seconds, {spelled[name]: value for name, value in values.items()})


def lead(**values: Scalar) -> Lead:
    made = Lead("l1", "k", 0, ms(0))
    made.desired = {name: Desired(value, 0, LEAD, 1, "") for name, value in values.items()}
    return made


def how(one: Lead, known: Facts) -> tuple[str, str] | None:
    found = match(one, known.ledger, BOOK)
    return (found.account.ref, found.how) if found else None


def test_no_lead_is_made_of_an_account_and_its_values_are_canonical() -> None:
    known = told(account(NORDWIND, name=" Nordwind AS ", domain="HTTPS://www.Nordwind.example/", owner="005A"))
    assert not known.leads
    entry = known.ledger.entries[NORDWIND]
    assert (entry.text("name"), entry.domains, entry.owner) == ("Nordwind AS", ("nordwind.example",), "ana@acme.example")


def test_a_bad_value_is_parked_by_name_and_the_rest_goes_on() -> None:
    known = facts()
    decision = decide(changed(NORDWIND, 1, {"Name": "Nordwind", "NumberOfEmployees": "many", "Hat": "red"}), known, BOOK, ms(0))
    assert decision.outcome == "applied"
    assert [(one.field, one.reason) for one in decision.parked] == [("NumberOfEmployees", "NumberOfEmployees: a text, needs a number")]
    assert set(decision.entries[0].fields) == {"name"}
    alone = decide(changed(NORDWIND, 1, {"NumberOfEmployees": "many"}), known, BOOK, ms(0))
    assert alone.outcome == "applied"  # that the record is there is news
    fold(known, alone)
    again = decide(changed(NORDWIND, 1, {"NumberOfEmployees": "many"}), known, BOOK, ms(0))
    assert (again.outcome, again.reason) == ("parked", "NumberOfEmployees: a text, needs a number")


def test_newer_wins_whatever_comes_first_and_a_duplicate_is_no_news() -> None:
    old, new = account(NORDWIND, 1, name="Nordwind", owner="005A"), account(NORDWIND, 5, name="Nordwind AS")
    one, other = told(old, new), told(new, old)
    assert one.ledger.entries == other.ledger.entries
    assert one.ledger.entries[NORDWIND].text("name") == "Nordwind AS"
    assert decide(new, one, BOOK, ms(9)).outcome == "noop"
    assert not decide(new, one, BOOK, ms(9)).entries


def test_the_domain_finds_the_account_from_a_subdomain_too() -> None:
    known = told(account(NORDWIND, name="Nordwind AS", domain="nordwind.example"), account(FJORD, name="Fjord", domain="fjord.example"))
    assert how(lead(email="kim@mail.nordwind.example"), known) == (NORDWIND, "e-mail domain nordwind.example")
    assert how(lead(email="kim@gmail.com", website="https://fjord.example"), known) == (FJORD, "website fjord.example")


def test_free_mail_never_matches_even_if_an_account_says_it_is_its_domain() -> None:
    known = told(account(NORDWIND, name="Nordwind", domain="gmail.com"))
    assert how(lead(email="kim@gmail.com"), known) is None
    assert how(lead(email="kim@gmail.com", company="Nordwind GmbH"), known) == (
        NORDWIND,
        'company "Nordwind GmbH" is like "Nordwind" (100 of 100, needs 92)',
    )


def test_the_same_legal_form_is_the_closer_one_and_placeholders_match_nothing() -> None:
    known = told(account(NORDWIND, 9, name="Acme Inc."), account(FJORD, 1, name="ACME GmbH"))
    assert how(lead(company="Acme GmbH"), known) == (
        FJORD,
        'company "Acme GmbH" is like "ACME GmbH" (100 of 100, needs 92); of 2 such accounts it has the same legal form',
    )
    assert how(lead(company="Acme"), known) is not None
    assert how(lead(company="[not provided]"), told(account(NORDWIND, name="[not provided]"))) is None


@pytest.mark.parametrize(
    ("extra", "ref", "why"),
    [
        ([], NORDWIND, "changed last"),
        ([deal(DEAL, stage="Prospecting", account="001F")], FJORD, "has an open opportunity"),
        ([deal(DEAL, stage="Closed Won", account="001F")], FJORD, "is a customer"),
        ([deal(DEAL, stage="Closed Lost", account="001F")], NORDWIND, "changed last"),
        ([account(FJORD, 2, customer=True)], FJORD, "is a customer"),
        ([account(FJORD, 9, name="Nordwind B")], FJORD, "comes first by its ref"),
    ],
)
def test_of_several_accounts_one_is_the_better_and_it_is_said_why(extra: list[Envelope], ref: str, why: str) -> None:
    known = told(account(NORDWIND, 9, domain="nordwind.example"), account(FJORD, 1, domain="nordwind.example"), *extra)
    assert how(lead(email="kim@nordwind.example"), known) == (ref, f"e-mail domain nordwind.example; of 2 such accounts it {why}")


def test_one_company_that_two_systems_know_is_not_two_accounts() -> None:
    known = told(account(NORDWIND, 1, domain="nordwind.example"), account(COMPANY, 9, domain="nordwind.example"))
    found = match(lead(email="kim@nordwind.example"), known.ledger, BOOK)
    assert found is not None
    assert (found.how, {one.ref for one in found.records}) == ("e-mail domain nordwind.example", {NORDWIND, COMPANY})


def test_what_a_system_says_itself_comes_before_every_guess() -> None:
    known = told(account(NORDWIND, domain="nordwind.example"), account(FJORD, name="Fjord"))
    kim = lead(email="kim@nordwind.example")
    kim.claims["converted:account"] = {LEAD: Claim(FJORD, 5)}
    assert how(kim, known) == (FJORD, f"{LEAD} was converted into it")
    ana = lead(email="ana@nordwind.example", account="001F")
    assert how(ana, known) == (FJORD, f"{LEAD} says so")
    kim.claims["converted:account"] = {LEAD: Claim("salesforce:Account:unknown", 5)}
    assert how(kim, known) == (NORDWIND, "e-mail domain nordwind.example")


def test_whom_an_opportunity_names_belongs_to_its_account() -> None:
    known = told(
        account(NORDWIND, domain="nordwind.example"), account(FJORD), deal(DEAL, account="001F", people="kim@home.example", name="Pumps")
    )
    kim = lead(email="kim@nordwind.example")
    kim.email_keys = [key.removeprefix("email:") for key in known.ledger.entries[DEAL].people]
    assert how(kim, known) == (FJORD, "this person is in its opportunity Pumps")


def test_a_merged_account_goes_on_in_its_survivor_and_a_deleted_one_matches_nobody() -> None:
    known = told(
        account(FJORD, name="Fjord"), account(NORDWIND, domain="nordwind.example"), deal(DEAL, account="001N", stage="Prospecting")
    )
    kim = lead(email="kim@nordwind.example", account="001N")
    fold(known, decide(merged(FJORD, NORDWIND, seconds=9), known, BOOK, ms(9)))
    assert how(kim, known) == (FJORD, f"{LEAD} says so")
    assert values_of(kim, known, BOOK)["account.open_opportunities"] == 1
    fold(known, decide(deleted(FJORD, 10), known, BOOK, ms(10)))
    assert how(kim, known) is None
    fold(known, decide(deleted(FJORD, 11, "restored"), known, BOOK, ms(11)))
    assert how(kim, known) is not None


def test_an_erased_account_keeps_nothing_and_takes_nothing_in() -> None:
    known = told(account(NORDWIND, 1, name="Nordwind"), deleted(NORDWIND, 5, "erased"), account(NORDWIND, 9, name="Nordwind"))
    assert dict(known.ledger.entries[NORDWIND].fields) == {}
    assert decide(account(NORDWIND, 9, name="x"), known, BOOK, ms(9)).outcome == "filtered"


def test_conditions_see_the_account_of_all_systems_by_policy_and_its_opportunities() -> None:
    known = told(
        account(NORDWIND, 1, name="Nordwind AS", domain="nordwind.example", owner="005A", industry="Energy"),
        account(COMPANY, 9, name="NORDWIND", domain="www.nordwind.example", industry="Wind"),
        deal(DEAL, 2, stage="Prospecting", account="001N", owner="005B", amount="5000", name="Pumps"),
        deal(OTHER, 1, stage="Prospecting", account="001N", owner="005J"),
        deal("salesforce:Opportunity:006C", stage="Closed Won", account="001N"),
    )
    seen = values_of(lead(email="kim@nordwind.example"), known, BOOK)
    assert {name: seen[name] for name in ("account.name", "account.industry", "account.owner")} == {
        "account.name": "Nordwind AS",
        "account.industry": "Wind",
        "account.owner": "ana@acme.example",
    }
    assert (seen["account.open_opportunities"], seen["account.won_opportunities"]) == (2, 1)
    assert (seen["opportunity.name"], seen["opportunity.amount"], seen["opportunity.owner"]) == ("Pumps", 5000, "ben@acme.example")


def test_the_opportunity_that_the_person_is_in_comes_before_the_account_s_newest() -> None:
    known = told(
        account(NORDWIND, domain="nordwind.example"),
        deal(DEAL, 9, stage="Prospecting", account="001N", name="new"),
        deal(OTHER, 1, stage="Prospecting", account="001N", name="theirs", people="00Q1"),
    )
    assert known.ledger.entries[OTHER].people == (LEAD,)  # a bare id is a record of the people's object
    kim = lead(email="kim@nordwind.example")
    assert values_of(kim, known, BOOK)["opportunity.name"] == "new"
    known = told(deal(DEAL, 9, stage="Prospecting", name="new"), deal(OTHER, 1, stage="Prospecting", name="theirs", people=LEAD))
    kim.records[LEAD] = Record(LEAD, "salesforce", "Lead", 0, 0)
    assert values_of(kim, known, BOOK)["opportunity.name"] == "theirs"


def test_an_owner_whom_no_system_knows_is_nobody() -> None:
    known = told(account(NORDWIND, domain="nordwind.example", owner="00GQueue"))
    assert values_of(lead(email="kim@nordwind.example"), known, BOOK)["account.owner"] is None


def test_without_accounts_nothing_is_seen() -> None:
    assert values_of(lead(email="kim@nordwind.example"), facts(), BOOK) == {}
    assert match(lead(), Ledger(), BOOK) is None

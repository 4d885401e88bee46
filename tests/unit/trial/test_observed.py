"""What observe mode kept back, and what the tools of today did meanwhile: the same, otherwise, or nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sync.lead.decide import decide
from sync.lead.decision import Facts, fold
from sync.lead.state import Lead
from sync.playbook.models import Playbook
from sync.trial import beside
from sync.trial.observed import Compared
from tests import factory
from tests.factory import CONTACT, HS, LEAD, SF, ms
from tests.unit.lead.play import Play


def observing(*systems: str) -> Playbook:
    book = factory.playbook()
    return replace(book, systems={name: replace(one, mode="observe" if name in systems else "write") for name, one in book.systems.items()})


def compared(*leads: Lead, book: Playbook | None = None, since: int = 0) -> dict[str, Any]:
    made = Compared(book or observing(SF, HS), since)
    for lead in leads:
        made.take(lead)
    return made.plain()


def rows(found: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(one["system"], one["field"]): one for one in found["fields"]}


def play(book: Playbook | None = None) -> Play:
    return Play(book or observing(SF, HS))


def test_what_nobody_did_is_said_with_the_rule() -> None:
    here = play()
    here.sales(10, Title="CFO")
    row = rows(compared(here.lead))[HS, "title"]
    assert (row["not_done"], row["same"], row["otherwise"]) == (1, 0, 0)
    (example,) = row["examples"]
    assert (example["record"], example["would_be"], example["is"]) == (CONTACT, "CFO", None)
    assert example["rule"].startswith("fields.yaml:")


def test_what_they_did_as_truce_would_have_counts_as_the_same_with_how_much_later() -> None:
    here = play()
    here.sales(10, Title="CFO")
    here.marketing(70, jobtitle="CFO")
    row = rows(compared(here.lead))[HS, "title"]
    assert (row["same"], row["not_done"], row["same_after_s"]) == (1, 0, 60)


def test_what_stood_there_before_is_nobodys_deed() -> None:
    here = play()
    assert (SF, "country") not in rows(compared(here.lead))
    assert (HS, "country") not in rows(compared(here.lead))


def test_what_they_did_otherwise_is_a_difference_by_owner() -> None:
    here = play()
    here.sales(10, Phone="+4722000001")
    here.marketing(20, phone="+4722000002")
    found = rows(compared(here.lead))[HS, "phone"]
    assert (found["otherwise"], found["not_done"]) == (1, 0)
    assert sum(found["owners"].values()) == 1
    assert found["examples"][0]["is"] == "+4722000002"


def test_who_would_have_it_and_who_has_it() -> None:
    here = play()
    here.did("a", 10)  # an MQL: a route gives it to somebody
    chosen = here.lead.value("owner")
    assert chosen in ("ana@acme.example", "ben@acme.example")
    here.sales(60, OwnerId="005J")
    found = compared(here.lead)
    assert found["owners"] == [{"would_be": chosen, "is": "joe@acme.example", "leads": 1}]
    assert rows(found)[SF, "owner"]["examples"][0]["rule"].startswith("routing.yaml:8")


def test_only_what_is_in_observe_mode_and_was_decided_since_counts() -> None:
    book = observing(HS)
    here = play(book)
    here.sales(10, Title="CFO")
    assert {system for system, _ in rows(compared(here.lead, book=book))} == {HS}
    assert rows(compared(here.lead, book=book, since=ms(11))) == {}
    assert compared(here.lead, book=factory.playbook())["fields"] == []


def test_a_field_in_observe_mode_of_a_system_that_is_written_counts() -> None:
    book = factory.playbook()
    title = book.fields["title"]
    spelled = {**title.systems, HS: replace(title.systems[HS], mode="observe")}
    book = replace(book, fields={**book.fields, "title": replace(title, systems=spelled)})
    here = play(book)
    here.sales(10, Title="CFO", LastName="Larsen")
    assert set(rows(compared(here.lead, book=book))) == {(HS, "title")}


def test_who_would_be_made_is_counted_and_personal_values_are_not_shown() -> None:
    book = observing(SF, HS)
    book = replace(book, fields={**book.fields, "title": replace(book.fields["title"], personal=True)})
    here = play(book)
    here.sales(10, Title="CFO")
    (example,) = rows(compared(here.lead, book=book))[HS, "title"]["examples"]
    assert (example["would_be"], example["is"]) == ("(personal)", None)
    alone = Play(book, facts=factory.facts())
    only = Facts(alone.facts.secret, users=alone.facts.users)
    alone.facts = only
    alone.go(factory.snapshot(LEAD, 1, {"Email": "lee@x.example", "LastName": "Lee"}))
    assert compared(alone.lead, book=book)["would_be_made"] == {HS: 1}
    nameless = Play(book, facts=Facts(alone.facts.secret, users=alone.facts.users))
    nameless.go(factory.snapshot(LEAD, 1, {"Email": None, "LastName": "Lee"}))
    assert compared(nameless.lead, book=book)["would_be_made"] == {}, "without an address nobody is made"


CRM_ACCOUNT, MAP_ACCOUNT = "salesforce:Account:001N", "hubspot:companies:5"


def firms(*told: tuple[str, float, dict[str, Any]], read: float = 20) -> dict[tuple[str, str], dict[str, Any]]:
    """Compare an account of both systems, which said this in this order; both were read in full before the first act of somebody."""
    book = factory.with_accounts()
    book = replace(book, systems={name: replace(one, mode="observe" if name == HS else "write") for name, one in book.systems.items()})
    found = factory.facts()
    for ref, at, fields in told:
        domain = "Website" if ref.startswith(SF) else "domain"
        fold(found, decide(factory.changed(ref, at, {domain: "nordwind.example", **fields}), found, book, ms(100)))
    made = Compared(book)
    for ref in (CRM_ACCOUNT, MAP_ACCOUNT):
        made.count(beside.firm(found.ledger.entries[ref], found.ledger, book, {SF: ms(read), HS: ms(read)}))
    return rows(made.plain())


def test_of_accounts_too_it_says_what_others_did_where_truce_would_have_written() -> None:
    begin: list[tuple[str, float, dict[str, Any]]] = [
        (CRM_ACCOUNT, 1, {"Name": "Nordwind", "NumberOfEmployees": 40}),
        (MAP_ACCOUNT, 2, {"name": "Nordwind", "numberofemployees": 40}),
    ]
    assert firms(*begin) == {}, "what stood there when it was first read is nobody's deed"
    renamed = [*begin, (CRM_ACCOUNT, 30, {"Name": "Nordwind AS", "NumberOfEmployees": 41})]
    found = firms(*renamed)
    assert {name: found[HS, name]["not_done"] for name in ("account.name", "account.employees")} == {
        "account.name": 1,
        "account.employees": 1,
    }
    done = firms(*renamed, (MAP_ACCOUNT, 60, {"name": "Nordwind AS", "numberofemployees": 50}))
    assert (done[HS, "account.name"]["same"], done[HS, "account.name"]["same_after_s"]) == (1, 30)
    assert (HS, "account.employees") not in done, "the last word is their own"
    theirs = firms(*renamed, (MAP_ACCOUNT, 60, {"name": "NORDWIND"}))[HS, "account.name"]
    assert (theirs["otherwise"], theirs["examples"][0]["would_be"], theirs["examples"][0]["is"]) == (1, "Nordwind AS", "NORDWIND")
    assert {system for system, _ in done} == {HS}, "what is written is not observed"

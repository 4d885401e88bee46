"""What `truce doctor` says of reps and of short fields, and how it says what it found."""

from __future__ import annotations

import pytest

from connectors.base import FieldSeen, Finding, User
from sync.cli.examining.lengths import shorter
from sync.cli.examining.reps import receivers, strangers
from sync.cli.examining.told import told
from sync.cli.output import hung
from sync.playbook.loader import load_files, read
from sync.playbook.models import Playbook
from tests.house.project import ROOT

FILES = read(ROOT / "deploy" / "playbook")
PLAYBOOK = load_files(FILES)


def live(custom: bool = False, **lengths: int | None) -> dict[str, FieldSeen]:
    return {name: FieldSeen(name=name, type="text", length=most, custom=custom) for name, most in lengths.items()}


def test_each_field_that_holds_less_than_another_systems_is_a_line_to_know_and_no_fault() -> None:
    lives = {
        "salesforce": {"Lead": live(Title=128, Company=255, FirstName=None), "Contact": live(Title=80)},
        "hubspot": {"contacts": live(jobtitle=None, company=100, firstname=40)},
    }
    found = list(shorter(PLAYBOOK, lives))
    assert {one.ok for one in found} == {True}
    assert [one.what for one in found] == [
        "hubspot: contacts.firstname holds 40 characters, Lead.FirstName of salesforce any length",
        "hubspot: contacts.company holds 100 characters, Lead.Company of salesforce 255",
        "salesforce: Contact.Title holds 80 characters, contacts.jobtitle of hubspot any length",
    ]
    assert {one.todo for one in found} == {"a longer value is refused and set aside: truce parked"}


def test_what_no_value_of_a_kind_needs_is_not_too_short_and_what_a_company_made_can_be_made_longer() -> None:
    lives = {
        "salesforce": {"Lead": live(Phone=40, Email=80), "Account": live(custom=True, Name=60)},
        "hubspot": {"contacts": live(phone=None, email=None), "companies": live(name=None)},
    }
    phones_and_mails = [one.what.partition(" holds")[0] for one in shorter(PLAYBOOK, lives)]
    assert "salesforce: Lead.Email" in phones_and_mails
    assert not any("hone" in what for what in phones_and_mails)
    (made,) = [one for one in shorter(PLAYBOOK, lives) if "Account.Name" in one.what]
    assert made.todo.startswith("make it longer there; ")


TERRITORY = "country,territory,pool,owner\nDE,south,,kim@acme.example\n"
KIM = "  kim@acme.example: {name: Kim Lie, away: [{from: 2026-12-01, to: 2026-12-24, cover: nora@acme.example}]}\n"


def changed(*, table: str = "", owner: str = "") -> Playbook:
    files = {name: text for name, text in FILES.items() if not name.startswith("env/")}
    files["team.yaml"] = files["team.yaml"].replace(b"reps:\n", b"reps:\n" + KIM.encode(), 1)
    if table:
        files["tables/territories.csv"] = table.encode()
    if owner:
        files["routing.yaml"] = files["routing.yaml"].replace(b"fallback: {owner: head.of.sales@acme.example}", owner.encode(), 1)
    return load_files(files)


def test_whoever_a_rule_may_give_a_lead_counts_as_a_rep_and_who_is_only_told_does_not() -> None:
    usual = set(receivers(PLAYBOOK))
    assert {"maria@acme.example", "sue@acme.example", "head.of.sales@acme.example", "lea@acme.example"} <= usual, "owners and fallbacks"
    assert not usual & {"head.of.marketing@acme.example", "nora@acme.example"}, "accountable, and a deputy: they answer where they are told"
    assert "kim@acme.example" not in receivers(changed())
    assert {"kim@acme.example", "nora@acme.example"} <= set(receivers(changed(table=TERRITORY))), "a table's owner, and who covers"
    queue = "fallback: [{queue: {name: desk, human: kim@acme.example}}, {owner: maria@acme.example}]"
    assert "kim@acme.example" in receivers(changed(owner=queue)), "who answers for what waits in a queue"


def test_reps_without_a_user_are_named() -> None:
    everybody = receivers(PLAYBOOK)
    users = [User(id=email, email=email.title()) for email in everybody]
    (well,) = strangers(PLAYBOOK, "hubspot", users)
    assert well.what == (
        f"all {len(everybody)} reps who may be given a lead have an active user; the others of team.yaml need none, "
        "and these have none: head.of.marketing@acme.example, nora@acme.example"
    )
    gone = [replace_active(one) if one.id == "sue@acme.example" else one for one in users]
    for system, words in (("hubspot", "a lead of theirs shows no owner there"), ("salesforce", "they are passed over, and get no lead")):
        (found,) = strangers(PLAYBOOK, system, gone)
        assert (found.ok, found.what) == (False, f"1 of {len(everybody)} reps have no active user: sue@acme.example")
        assert found.todo.endswith(words)
    assert [*strangers(PLAYBOOK, "hubspot", [])] == []  # a system that tells no users


def replace_active(one: User) -> User:
    return one.model_copy(update={"active": False})


FINDINGS = [
    Finding(ok=False, what="x is off", todo="turn it on"),
    Finding(ok=True, what="Kafka:\nreached"),
    Finding(ok=True, what="y is short", todo="make it longer"),
    Finding(ok=False, what="z"),
]


def test_each_finding_is_one_line_and_what_is_wrong_stands_last_with_how_many() -> None:
    assert list(told(FINDINGS)) == [
        "✔ Kafka: reached",
        "! y is short → make it longer",
        "✘ x is off → turn it on",
        "✘ z",
        "",
        "2 findings (✘); 1 worth knowing (!).",
    ]
    assert list(told(FINDINGS[1:3]))[-1] == "Nothing is wrong; 1 worth knowing (!)."
    assert list(told(FINDINGS[1:2]))[-1] == "Nothing is wrong."


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (0, "✘ a long finding → with what to do"),
        (20, "✘ a long finding →\n  with what to do"),
        (8, "✘ a long\n  finding\n  → with\n  what\n  to do"),
    ],
)
def test_a_terminal_shows_a_finding_under_its_sign_and_a_file_has_it_as_one_line(width: int, shown: str) -> None:
    assert hung("✘ a long finding → with what to do", width) == shown

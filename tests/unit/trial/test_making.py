"""A case of a real lead: it plays as it is written, says nothing personal, and names the value that makes a difference."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from schemas.base import Scalar
from sync.cli.case_file import appended, text_of
from sync.cli.output import CannotRun
from sync.lead.reconcile import TRUCE
from sync.playbook.loader import load_files, read
from sync.playbook.models import NOWHERE, Case, Expect, Given, GivenTouch
from sync.trial.cases import play
from sync.trial.given import Built, build, rules
from sync.trial.making import Made, make
from sync.trial.masks import masked
from sync.trial.real import MOST, round_span, untold, written

FILES = read(Path(__file__).parents[3] / "deploy" / "playbook")
EXAMPLE = load_files(FILES)
READY = rules(EXAMPLE)
BERLIN = ZoneInfo("Europe/Berlin")
KIM = next(case for case in EXAMPLE.cases if case.id == "norway-enterprise")
RULES_ONLY = {name: content for name, content in FILES.items() if not name.startswith("cases/")}


def built(case: Case = KIM, **lead: Scalar) -> Built:
    return build(replace(case, given=replace(case.given, lead={**case.given.lead, **lead})), READY)


def made(one: Built, ident: str = "") -> Made:
    return make(one.lead, one.facts, EXAMPLE, one.at, ident)


@pytest.mark.parametrize("case", [case for case in EXAMPLE.cases if case.id != "outside-the-scope"], ids=lambda case: case.id)
def test_what_is_made_passes_as_it_is_written(case: Case) -> None:
    text = text_of(made(built(case)), "Made.", BERLIN)
    report = play(load_files({**RULES_ONLY, "cases/made.yaml": text.encode()}))
    assert (len(report.played), [one.differences for one in report.failed]) == (1, [])


def test_it_expects_what_the_rules_make_of_the_lead_and_not_what_truce_decided_before() -> None:
    one = built()
    assert (one.lead.value("stage"), one.lead.claims["stage"].keys() >= {TRUCE}) == ("mql", True)
    assert untold(one.lead, EXAMPLE).value("stage") == "lead"
    assert untold(one.lead, EXAMPLE).value("owner") is None
    case = made(one).case
    assert (case.id, case.given.lead["stage"], case.given.had) == ("lead-mql-emea-enterprise", "lead", ())
    assert "mql_date" not in case.given.lead
    assert (case.expect.stage, case.expect.rule, case.expect.handoff, case.expect.owner) == ("mql", "emea-enterprise", "mql", None)
    assert made(one).differs == ()


def test_what_a_person_said_is_given() -> None:
    case = made(built(stage="sal", owner="ben@acme.example")).case
    assert (case.given.lead["stage"], case.given.lead["owner"]) == ("sal", "ben@acme.example")
    assert (case.expect.stage, case.expect.handoff, case.expect.rule) == ("sal", "none", "none")


def test_an_owner_without_turns_is_expected() -> None:
    fair = next(case for case in EXAMPLE.cases if case.id == "energy-fair")
    assert made(built(fair)).case.expect.owner == "lea@acme.example"


@pytest.mark.parametrize(("ident", "rule"), [("partner", "partners"), ("named-account", "named-accounts")])
def test_a_made_up_value_that_makes_a_difference_is_named_but_not_beside_the_case(ident: str, rule: str) -> None:
    one = made(built(next(case for case in EXAMPLE.cases if case.id == ident)))
    assert one.differs == (f"with made-up values rule is emea instead of {rule}: email made the difference",)
    assert any("email is made up; rules look at it" in note and "routing.yaml:" in note for note in one.notes)
    assert f"instead of {rule}" not in text_of(one, "Made.", BERLIN)


def test_what_a_case_cannot_give_is_named() -> None:
    one = built()
    fresh = replace(one.facts, users={"salesforce": {}, "hubspot": {}})
    assert made(one).differs == make(one.lead, fresh, EXAMPLE, one.at).differs == (), "whoever is chosen, the rule is the same"
    met = tuple(GivenTouch("meeting", "Fair", 60_000 * n) for n in range(MOST + 10))
    often = build(replace(KIM, given=replace(KIM.given, touches=met)), READY)
    (said,) = made(often).differs
    assert said.startswith("of the lead itself comes stage mql, rule emea-enterprise, fit 72, engagement 279")
    assert said.endswith("the case sees stage, touches otherwise")
    assert f"only the newest {MOST} of {MOST + 10} touches are given" in made(often).notes


def test_an_account_that_only_its_name_leads_to_is_given() -> None:
    free = built(email="kim.larsen@gmail.com", company="Nordwind")
    won = {"stage": "closed_won", "people": "boss@nordwind.example"}
    customer = build(replace(KIM, given=replace(KIM.given, account={"name": "Nordwind"}, opportunity=won)), READY).facts
    one = make(free.lead, replace(free.facts, ledger=customer.ledger), EXAMPLE, free.at)
    assert (one.case.expect.rule, one.differs) == ("existing-customer", ())


PERSON = {
    "email": "lena.vogt@kraftwerk-sued.example",
    "first_name": "Lena",
    "last_name": "Vogt",
    "phone": "+493012345678",
    "mobile": "+4915112345678",
    "website": "https://www.kraftwerk-sued.example/team",
    "title": "Assistant to Lena Vogt",
    "owner": "gone@other.example",
}


def masks(**lead: Scalar) -> Given:
    given = Given(at=0, lead={**PERSON, **lead}, touches=(GivenTouch("form", "Mail to lena.vogt@kraftwerk-sued.example", 0),))
    return masked(given, EXAMPLE).given


def test_nothing_personal_is_left() -> None:
    given = masks()
    said = f"{given.lead} {given.touches}".lower()
    assert [word for word in ("lena", "vogt", "kraftwerk", "12345678", "gone@") if word in said] == []
    assert given.lead["email"] == "kim.sample@sample-company.example"
    assert given.lead["website"] == "https://sample-company.example/team"
    assert given.lead["title"] == "Assistant to Kim Sample"
    assert str(given.lead["phone"]).startswith("+49")
    assert masked(Given(at=0, lead=PERSON), EXAMPLE).left_out == ("owner",)


@pytest.mark.parametrize(
    ("email", "wanted"),
    [
        ("lena.vogt@gmail.com", "kim.sample@gmail.com"),
        ("info@kraftwerk-sued.example", "info@sample-company.example"),
        ("lena@mail.kraftwerk-sued.example", "kim.sample@sample-company.example"),
    ],
)
def test_what_rules_may_look_at_stays_as_far_as_it_can(email: str, wanted: str) -> None:
    assert masks(email=email).lead["email"] == wanted


@pytest.mark.parametrize(("ms", "text"), [(0, "0s"), (90_000, "90s"), (120_000, "2m"), (1_209_600_000, "14d"), (3_600_000, "1h")])
def test_a_span_is_written_in_its_largest_whole_unit(ms: int, text: str) -> None:
    assert written(round_span(ms)) == text


def test_a_long_span_fits_into_six_digits() -> None:
    assert written(round_span(400 * 86_400_000 + 61_000)) == "576001m"


FILE = """\
# What we want of sales.
cases:
- id: mine   # the first
  # an old friend
  given: {at: 2026-11-23T09:14:00+01:00, lead: {email: kim@nordwind.example}}
  expect: {stage: inquiry}
# the end
"""


INDENTED = FILE.replace("\n  ", "\n    ").replace("- id", "  - id")


@pytest.mark.parametrize("before", [FILE, INDENTED, "", "# none yet\ncases: []  # none\n", "cases:\n"])
def test_one_more_case_leaves_the_rest_as_it_is(before: str) -> None:
    after = appended(before, text_of(made(built(), "new"), "Made.", BERLIN), "cases/mine.yaml")
    assert [line for line in before.splitlines() if line.strip().startswith(("#", "- ", "given", "expect")) and line not in after] == []
    assert "# Made." in after
    cases = load_files({**RULES_ONLY, "cases/mine.yaml": after.encode()}).cases
    assert cases[-1].id == "new"
    assert len(cases) == 1 + before.count("id: mine")


@pytest.mark.parametrize(
    "before", ["cases: [{id: a, given: {at: 2026-11-23T09:14:00Z, lead: {}}, expect: {}}]\n", "other: 1\n", "cases: [\n"]
)
def test_a_file_that_nothing_can_be_appended_to_is_left_alone(before: str) -> None:
    with pytest.raises(CannotRun, match="nothing can be appended"):
        appended(before, text_of(made(built(), "new"), "Made.", BERLIN), "cases/mine.yaml")


def test_a_name_is_not_taken_twice() -> None:
    taken = replace(EXAMPLE, cases=(Case("lead-mql-emea-enterprise", NOWHERE, KIM.given, Expect()),))
    one = built()
    assert make(one.lead, one.facts, taken, one.at).case.id == "lead-mql-emea-enterprise-2"

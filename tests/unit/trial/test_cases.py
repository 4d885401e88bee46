"""Cases: given → expected, by the real core; what fails is told with the path through the rules, and what no case reaches is named."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from sync.cli.update import updated
from sync.playbook.loader import load, load_files
from sync.trial.cases import Played, Report, play

GOOD = {path.name: path.read_bytes() for path in (Path(__file__).parents[2] / "playbook" / "good").glob("*.yaml")}
KIM = "{email: kim@nordwind.example, country: NO, employees: 820, stage: lead}"
PRICING = "[{touch: form, name: Pricing, ago: 2m}]"


def case(expect: str, *, lead: str = KIM, touches: str = PRICING, more: str = "", ident: str = "kim") -> str:
    return (
        f"  - id: {ident}\n    given:\n      at: 2026-11-23T09:14:00+01:00\n      lead: {lead}\n      touches: {touches}\n"
        f"{more}    expect: {expect}\n"
    )


def report(*cases: str, **files: bytes) -> Report:
    given = GOOD | {f"{name}.yaml": content for name, content in files.items()}
    text = "cases:\n" + "".join(cases) if cases else "cases: []\n"
    return play(load_files(given | {"cases/a.yaml": text.encode()}))


def told(*cases: str) -> list[tuple[str, object, object]]:
    return [(d.what, d.expected, d.got) for played in report(*cases).played for d in played.differences]


def test_all_that_can_be_expected_comes_as_expected() -> None:
    expect = (
        "{stage: mql, scores: {fit: 40, engagement: 50, score: 90}, owner: ana@acme.example, rule: emea-large, handoff: mql, problems: [],"
        " writes: {salesforce: {Lifecycle_Stage__c: MQL, OwnerId: ana@acme.example}, hubspot: {lifecyclestage: marketingqualifiedlead}}}"
    )
    assert told(case(expect)) == []


def test_every_difference_is_told_at_its_place() -> None:
    expect = (
        "{stage: lead, scores: {fit: 41, engagement: 49.7}, owner: ben@acme.example, rule: emea, handoff: none, problems: [unrouted],"
        " writes: {salesforce: {Lifecycle_Stage__c: Lead, Company: Nordwind}, hubspot: {}}}"
    )
    (played,) = report(case(expect)).played
    assert [(d.what, d.expected, d.got) for d in played.differences] == [
        ("stage", "lead", "mql"),
        ("owner", "ben@acme.example", "ana@acme.example"),
        ("rule", "emea", "emea-large"),
        ("handoff", "none", "mql"),
        ("scores.fit", 41, 40),
        ("scores.engagement", 49.7, 50),
        ("problems", ["unrouted"], []),
        ("writes.salesforce.Lifecycle_Stage__c", "Lead", "MQL"),
        ("writes.salesforce.Company", "Nordwind", "not told"),
        ("writes.hubspot", "nothing", "lifecyclestage: marketingqualifiedlead, hubspot_owner_id: ana@acme.example"),
    ]
    assert {str(d.where) for d in played.differences} == {"cases/a.yaml:7"}
    assert played.case.where.line == 2


def test_a_failed_case_shows_the_path_through_the_rules() -> None:
    (played,) = report(case("{stage: lead}", more="      away: [ana@acme.example]\n")).played
    assert [(step.kind, step.where, step.id, step.matched) for step in played.path] == [
        ("score", "lifecycle.yaml:2", "", True),
        ("score", "lifecycle.yaml:4", "", True),
        ("stage", "lifecycle.yaml:7", "mql", True),
        ("route", "routing.yaml:2", "emea", True),
        ("route", "routing.yaml:8", "emea-large", True),
        ("passed over", "", "ana@acme.example", False),
        ("note", "", "nobody", False),
    ]
    assert played.path[2].why == ("fit 40 ≥ 40", "engagement 50 ≥ 50")
    assert played.path[5].why == ("on leave to 23 Nov",)


def test_a_case_that_passed_carries_no_path() -> None:
    assert report(case("{stage: mql}")).played[0].path == ()


def test_what_is_given_stands_until_the_newest_touch_wakes_the_rules() -> None:
    """An older demo would have made an MQL then; the case says that the lead stands in `lead`, and its points have faded since."""
    faded = "[{touch: form, name: Pricing, ago: 60d}]"
    assert told(case("{stage: lead, scores: {engagement: 12.5}, handoff: none, rule: none}", touches=faded)) == []
    given = KIM.replace("stage: lead", "stage: mql")
    assert told(case("{stage: mql, handoff: mql}", lead=given, touches=faded)) == []


def test_a_case_without_touches_is_judged_by_its_records() -> None:
    lifecycle = GOOD["lifecycle.yaml"].replace(b"{all: [lead.fit >= 40, lead.engagement >= 50]}", b"lead.fit >= 40")
    (played,) = report(case("{stage: mql, owner: ana@acme.example}", touches="[]"), lifecycle=lifecycle).played
    assert played.differences == ()


def test_who_has_no_record_in_a_system_is_created_there() -> None:
    more = "      in: [hubspot]\n"
    expect = "{writes: {salesforce: {Email: kim@nordwind.example, Lifecycle_Stage__c: MQL, OwnerId: ana@acme.example}}}"
    assert told(case(expect, more=more)) == []
    assert told(case("{writes: {salesforce: {}}}"))[0][0] == "writes.salesforce"


def test_a_lead_without_an_address_is_one_lead_all_the_same() -> None:
    nameless = "{country: NO, employees: 820, stage: lead}"
    assert told(case("{stage: mql, problems: [], rule: emea-large}", lead=nameless)) == []


def test_nobody_can_be_given_the_lead() -> None:
    team = GOOD["team.yaml"].replace(b"{name: Ana Diaz,", b"{name: Ana Diaz, away: [{from: 2026-11-01, to: 2026-11-30}],")
    (played,) = report(case("{owner: none, rule: emea-large, handoff: none, problems: [unrouted]}"), team=team).played
    assert played.differences == ()


def test_out_of_scope_is_nobodys() -> None:
    brazil = KIM.replace("NO", "BR")
    (played,) = report(case("{stage: mql}", lead=brazil)).played
    assert played.got.stage == "none"
    assert [step.id for step in played.path] == ["outside the scope"]


def test_observe_mode_changes_nothing_that_a_case_sees() -> None:
    fields = GOOD["fields.yaml"].replace(b"mode: write", b"mode: observe")
    (played,) = report(
        case("{writes: {salesforce: {Lifecycle_Stage__c: MQL}, hubspot: {lifecyclestage: marketingqualifiedlead}}}"), fields=fields
    ).played
    assert played.differences == ()


def test_cases_do_not_see_each_other() -> None:
    """The pool's turn begins anew in each: a case means the same wherever it stands."""
    small = KIM.replace("820", "10").replace("stage: lead", "stage: mql")
    some = [case("{owner: ana@acme.example, rule: emea}", lead=small, ident=f"kim-{n}") for n in range(3)]
    assert told(*some) == []


# ---- coverage


def names(some: Report) -> list[str]:
    return [f"{kind} {name}".rstrip() for kind, _, name in some.coverage.unreached]


def test_without_cases_nothing_is_reached() -> None:
    some = report()
    assert (some.coverage.rules, names(some)) == (
        6,
        ["fit", "engagement", "stage mql", "route emea", "route emea-large", "route everyone-else"],
    )
    assert some.coverage.branches == 14
    assert len(some.coverage.never) == 14


def test_what_a_case_reaches_is_reached() -> None:
    some = report(case("{}"))
    assert names(some) == ["route emea", "route everyone-else"]
    assert [(str(one.where), one.text, one.never) for one in some.coverage.never] == [
        ("fields.yaml:3", "has(lead.company)", "true"),
        ("fields.yaml:5", "lead.country in ['BR']", "true"),
        ("lifecycle.yaml:2", "lead.employees >= 500", "false"),
        ("lifecycle.yaml:7", "lead.fit >= 40", "false"),
        ("lifecycle.yaml:7", "lead.engagement >= 50", "false"),
        ("routing.yaml:5", "lead.country in ['DE', 'NO']", "false"),
        ("routing.yaml:9", "lead.employees >= 500", "false"),
    ]


def test_enough_cases_reach_everything() -> None:
    mql = KIM.replace("stage: lead", "stage: mql")
    some = report(
        case("{}"),
        case("{}", ident="small", lead=mql.replace("820", "10")),
        case("{}", ident="far", lead=mql.replace("NO", "US")),
        case("{}", ident="outside", lead=KIM.replace("NO", "BR")),
        case("{}", ident="cold", touches="[{touch: visit}]"),
        case("{}", ident="created", lead=KIM.replace("stage", "company: Nordwind, stage"), more="      in: [salesforce]\n"),
        case("{}", ident="not-created", more="      in: [salesforce]\n"),
    )
    assert some.coverage.unreached == []
    assert some.coverage.never == []


def test_watching_decides_as_the_playbook_does() -> None:
    text = ("cases:\n" + case("{}")).encode()
    playbook = load_files(GOOD | {"cases/a.yaml": text})
    assert play(playbook).played[0].got == play(replace(playbook, checksum="another")).played[0].got


# ---- --update


FILE = """\
# The cases of the first month.
cases:
  - id: kim            # asked for prices
    given:
      at: 2026-11-23T09:14:00+01:00
      lead: {email: kim@nordwind.example, country: NO, employees: 820, stage: lead}
      touches: [{touch: form, name: "Pricing", ago: 2m}]
    expect:
      # what sales sees
      stage: lead      # not yet?
      scores: {fit: 40, engagement: 12}
      problems: [unrouted]
      owner: ana@acme.example
      writes:
        salesforce: {Lifecycle_Stage__c: Lead, Company: Nordwind}
        hubspot: {}
"""


def failed(text: str) -> list[Played]:
    return play(load_files(GOOD | {"cases/a.yaml": text.encode()})).failed


def test_update_writes_what_came_out_and_keeps_the_rest() -> None:
    text = updated(FILE, failed(FILE))
    assert failed(text) == []
    assert text.splitlines()[:9] == FILE.splitlines()[:9]
    assert re.search("(?m)^      # what sales sees\n      stage: mql +# not yet\\?$", text)
    assert "scores: {fit: 40, engagement: 50}" in text
    assert "Company" not in text
    assert updated(text, failed(text)) == text


@pytest.mark.parametrize("indent", ["", "    "])
def test_update_keeps_the_files_own_indentation(indent: str) -> None:
    lines = FILE.splitlines()
    shifted = "\n".join([*lines[:2], *(indent + line.removeprefix("  ") for line in lines[2:])]) + "\n"
    text = updated(shifted, failed(shifted))
    assert text.splitlines()[2:9] == shifted.splitlines()[2:9]
    assert failed(text) == []


# ---- accounts, opportunities, who had it, kinds of hand-off


def with_kinds() -> dict[str, bytes]:
    """The good playbook, where an act of somebody with an open deal is a hand-off of its own."""
    kinds = b"handoffs:\n  open_deal: {when: account.open_opportunities > 0, to: account_owner, fallback: {owner: ana@acme.example}}\n"
    return {"lifecycle": GOOD["lifecycle.yaml"] + kinds}


def test_an_account_and_an_opportunity_make_a_hand_off_of_their_own_kind() -> None:
    more = "      account: {name: Nordwind, owner: ana@acme.example}\n      opportunity: {owner: ana@acme.example}\n"
    some = report(case("{handoff: open_deal, owner: ana@acme.example, rule: open_deal, stage: lead}", more=more), **with_kinds())
    assert [(d.what, d.expected, d.got) for played in some.played for d in played.differences] == []
    assert "handoff open_deal" not in names(some)
    assert "handoff open_deal" in names(report(case("{handoff: mql}"), **with_kinds()))


def test_who_had_the_lead_before_is_passed_over() -> None:
    routing = GOOD["routing.yaml"].replace(
        b"  - id: everyone-else\n    assign: {pool: emea-ae}", b"  - id: everyone-else\n    assign: {pool: emea-ae, memory: 1}"
    )
    team = GOOD["team.yaml"].replace(b", away: [{from: 2026-11-20, to: 2026-11-30}]", b"")
    far = KIM.replace("NO", "US")
    more = "      had: [ana@acme.example]\n"
    expect = "{rule: everyone-else, owner: OWNER}"
    some = report(
        case(expect.replace("OWNER", "ana@acme.example"), lead=far),
        case(expect.replace("OWNER", "ben@acme.example"), lead=far, more=more, ident="again"),
        routing=routing,
        team=team,
    )
    assert [(d.what, d.got) for played in some.played for d in played.differences] == []


def test_the_example_playbooks_cases_pass_and_reach_every_rule() -> None:
    found = play(load(Path(__file__).parents[3] / "deploy" / "playbook"))
    assert [(one.case.id, [d.what for d in one.differences]) for one in found.failed] == []
    assert len(found.played) >= 15
    assert found.coverage.unreached == []

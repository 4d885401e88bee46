"""goals.yaml, sla.yaml, alerts.yaml, content.yaml: as the core sees them, and what `truce check` warns of."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from sync.playbook.checks import Outside
from sync.playbook.loader import check, load, load_files
from sync.playbook.models import Goal, Goals, KeyMessage, MqlPromise, Playbook, Where, Within, number

HERE = Path(__file__).parent
FILES = {path.name: path.read_bytes() for folder in ("good", "good/more") for path in (HERE / folder).glob("*.yaml")}
FILES["team.yaml"] = b"""
timezone: Europe/Berlin
hours: {mon-fri: 09:00-17:00}
reps:
  ana@acme.example: {name: Ana Diaz, manager: maria@acme.example}
  ben@acme.example: {name: Ben Roth, manager: ana@acme.example}
  maria@acme.example: {name: Maria Lund}
pools:
  emea-ae: [ana@acme.example, ben@acme.example]
"""
FILES["goals.yaml"] += b"    - {id: all-others, sla: normal, within: {accept: 0.9}, accountable: ben@acme.example}\n"
TODAY = date(2026, 11, 25)
HERE_ = Where("goals.yaml", 1)


def files(**changed: tuple[str, str]) -> dict[str, bytes]:
    """Give the files, each named one with one text in place of another."""
    made = dict(FILES)
    for name, (before, after) in changed.items():
        text = made[f"{name}.yaml"].decode()
        assert before in text
        made[f"{name}.yaml"] = text.replace(before, after, 1).encode()
    return made


def told(made: dict[str, bytes]) -> list[tuple[bool, str, str, str]]:
    return [(p.warning, p.place, p.text, p.suggestion) for p in check(made, outside=Outside(TODAY)).problems]


@pytest.fixture(scope="module")
def playbook() -> Playbook:
    return load_files(FILES)


@pytest.fixture(scope="module")
def example() -> Playbook:
    return load(HERE.parents[1] / "deploy" / "playbook")


def test_without_these_files_there_is_an_empty_agreement() -> None:
    bare = load_files(
        {name: content for name, content in FILES.items() if name in ("fields.yaml", "lifecycle.yaml", "routing.yaml", "team.yaml")}
    )
    assert (bare.goals, bare.slas.named, bare.alerts.root, bare.content.messages) == (Goals(), {}, None, ())
    assert bare.slas.get("hot") is None


def test_an_sla_is_its_legs_in_order_with_what_follows(playbook: Playbook) -> None:
    hot = playbook.slas.named["hot"]
    assert [leg.leg for leg in hot.legs] == ["accept", "first_response", "work"]
    assert (hot.offers, hot.pause) == (3, Within(5, "d"))
    accept, response, work = hot.legs
    assert (accept.within, accept.warn, accept.accountable) == (Within(30, "m"), Within(10, "m"), "ana@acme.example")
    assert [(step.do, step.after) for step in response.then] == [("escalate", None), ("reassign", Within(4, "h"))]
    assert (accept.task, response.task) == (False, True)
    assert work.done is not None
    assert work.done.judge({"stage": "customer"})[0]
    assert accept.where == Where("sla.yaml", 8, 7)


def test_a_leg_has_its_own_clock_and_person_or_the_sla_s(playbook: Playbook) -> None:
    leg = playbook.slas.named["normal"].leg("accept")
    assert leg is not None
    assert (leg.within, leg.accountable) == (Within(1, "d", "always"), "ben@acme.example")
    assert [(step.do, step.misses) for step in leg.then] == [("away", 3), ("reassign", None)]
    assert playbook.slas.named["normal"].leg("work") is None


def test_a_route_without_an_sla_has_the_default(playbook: Playbook) -> None:
    assert [playbook.slas.get(name) for name in ("hot", None, "", "none")] == [
        playbook.slas.named["hot"], playbook.slas.named["normal"], playbook.slas.named["normal"], None,
    ]  # fmt: skip


def test_a_reason_says_what_follows_and_whether_quality_suffers(example: Playbook) -> None:
    reasons = example.slas.reasons
    assert {name: (one.then, one.quality) for name, one in reasons.items()} == {
        "not_mine": ("reassign", False), "no_time": ("reassign", False), "bad_timing": ("recycle", True), "no_answer": ("recycle", False),
        "no_fit": ("disqualify", True), "bad_data": ("disqualify", True), "competitor": ("disqualify", True),
    }  # fmt: skip
    assert reasons["bad_timing"].after == Within(90, "d", "always")
    assert reasons["no_fit"].comment


@pytest.mark.parametrize(
    ("within", "day", "minutes"),
    [(Within(30, "m"), 480, 30), (Within(4, "h"), 480, 240), (Within(2, "d"), 480, 960), (Within(2, "d", "always"), 480, 2880)],
)
def test_a_day_of_the_business_clock_is_a_working_day(within: Within, day: int, minutes: int) -> None:
    assert within.minutes(day) == minutes
    assert str(within) == f"{within.amount}{within.unit}"


def test_the_tree_of_alerts_inherits_and_its_root_is_for_all(example: Playbook) -> None:
    root = example.alerts.root
    assert root is not None
    hot = root.find({"cause": "not_accepted", "priority": "hot", "owner": "ana@acme.example"})
    assert (hot.id, hot.to, hot.wakes, hot.repeat_interval_s, hot.group_interval_s) == (
        "hot-leads",
        ("owner", "manager", "sales-leads"),
        True,
        3600,
        300,
    )
    assert (hot.accountable, hot.group_by) == (root.accountable, ("owner", "system", "cause"))
    late = root.find({"cause": "not_accepted", "priority": "normal"})
    assert (late.id, late.wakes, late.repeat_interval_s) == ("late-leads", False, 14_400)
    assert root.find({"cause": "duplicate"}).digest
    assert root.find({"cause": "something new"}) is root
    assert root.find({}) is root


def test_a_finer_rule_of_alerts_is_looked_at_within_its_own(playbook: Playbook) -> None:
    text = "      wakes: true\n      routes: [{id: ana, match: {owner: [ana@acme.example]}, to: [managers], wakes: false, group_by: []}]\n"
    root = load_files(files(alerts=("      wakes: true\n", text))).alerts.root
    assert root is not None
    ana = root.find({"cause": "unrouted", "priority": "hot", "owner": "ana@acme.example"})
    assert (ana.id, ana.to, ana.wakes, ana.group_by) == ("ana", ("managers",), False, ())
    assert root.find({"cause": "unrouted", "priority": "hot", "owner": "ben@acme.example"}).id == "hot"
    assert root.find({"cause": "unrouted", "owner": "ana@acme.example"}).id == "root"


def test_quiet_hours_and_digest_have_their_days(example: Playbook) -> None:
    nights, weekend = example.alerts.quiet
    assert (nights.days, nights.start, nights.end) == (frozenset({1, 2, 3, 4, 5}), "19:00", "07:30")
    assert weekend.days == {6, 7}
    assert example.alerts.digest is not None
    assert (example.alerts.digest.at, example.alerts.digest.to) == ("08:30", ("managers",))


def test_a_segment_s_own_message_comes_before_the_one_for_all(example: Playbook) -> None:
    content = example.content
    general = content.message("mql", "enterprise")
    assert general is not None
    own = KeyMessage("Own", "mql", "a@x.example", "2027-01-01", HERE_, "enterprise")
    for messages in ((general, own), (own, general)):
        both = type(content)(content.material, messages)
        assert both.message("mql", "enterprise") is own
        assert both.message("mql", None) is general
        assert both.message("mql", "other") is general
        assert both.message("sal", "enterprise") is None
    assert [one.id for one in content.fitting("sql", None)] == ["fjord-metall"]


def promise(ident: str, mqls: int, segment: str | None = None, **more: float) -> MqlPromise:
    amount = more.pop("amount", None)
    return MqlPromise(ident, mqls, "a@x.example", HERE_, segment, more, amount)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("measure", "per", "segment", "words"),
    [
        ("mql", "month", None, ["40 MQLs = 40 (a)", "10 MQLs = 10 (b)"]),
        ("customer", "quarter", None, ["40 MQLs × 3 months × 0.08 customers = 9.6 (a)", "10 MQLs × 3 months × 0.1 customers = 3 (b)"]),
        ("customer", "year", "big", ["10 MQLs × 12 months × 0.1 customers = 12 (b)"]),
        ("amount", "year", "big", ["10 MQLs × 12 months × 0.1 customers × 50,000 each = 600,000 (b)"]),
        ("amount", "month", None, ["a does not say what a customer is worth", "10 MQLs × 0.1 customers × 50,000 each = 50,000 (b)"]),
        ("sql", "month", "big", ["b does not say how many of its MQLs become SQLs"]),
        ("mql", "month", "small", []),
    ],
)
def test_the_arithmetic_of_a_goal_is_said_in_words(measure: str, per: str, segment: str | None, words: list[str]) -> None:
    goals = Goals(marketing=(promise("a", 40, customer=0.08), promise("b", 10, "big", customer=0.1, amount=50_000.0)))
    goal = Goal("g", "G", measure, 1, per, "a@x.example", HERE_, segment)  # type: ignore[arg-type]
    assert [part.words for part in goals.parts(goal)] == words


@pytest.mark.parametrize(("value", "shown"), [(9.6, "9.6"), (1200.0, "1,200"), (0.075, "0.07"), (3.0, "3"), (28.799999999999997, "28.8")])
def test_numbers_read_as_people_write_them(value: float, shown: str) -> None:
    assert number(value) == shown


def test_weeks_and_fiscal_years_are_numbers(example: Playbook) -> None:
    assert (example.goals.week_starts, example.goals.fiscal_year_starts, example.goals.currency) == (1, 1, "EUR")
    made = load_files(files(goals=("currency: EUR", "currency: USD\nweek_starts: sunday\nfiscal_year_starts: february"))).goals
    assert (made.week_starts, made.fiscal_year_starts, made.currency) == (7, 2, "USD")


def test_the_good_ones_have_nothing_to_be_warned_of_but_the_weekend() -> None:
    assert told(FILES) == [
        (
            True,
            "sla.yaml:15:24",
            "1d around the clock cannot be kept on every day: Ana Diaz does not work from Fri 17:00 to Mon 09:00",
            "say clock: business, or more than 64 h",
        )
    ]


CALM = (b"clock: always", b"clock: business")


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"team": ("Ana Diaz, manager: maria@acme.example", "Ana Diaz")},
         "team.yaml:5:3 Ana Diaz answers for the stage lead and 7 more and has neither manager nor deputy → add deputy:, who is asked when they are away"),
        ({"team": ("Ana Diaz, manager: maria@acme.example", "Ana Diaz, deputy: maria@acme.example")}, ""),
        ({"team": ("manager: ana@acme.example}", "manager: ana@acme.example, away: [{from: 2026-11-24, to: 2026-11-25}]}")},
         "team.yaml:6:72 Ben Roth is away until 2026-11-25 and answers for the promise hot-leads and 2 more → add deputy:, who is asked meanwhile"),
        ({"team": ("manager: ana@acme.example}", "manager: ana@acme.example, away: [{from: 2026-11-20, to: 2026-11-24}]}")}, ""),
        ({"content": ("review_by: 2027-03-31, material", "review_by: 2026-11-24, material")},
         'content.yaml:2:86 "Shorter changeovers" should have been looked at 1 day ago → ana@acme.example says whether it still holds, and until when'),
        ({"content": ("review_by: 2027-03-31, stages", "review_by: 2026-11-15, stages")},
         "content.yaml:4:108 Changeovers should have been looked at 10 days ago → ana@acme.example says whether it still holds, and until when"),
        ({"content": ("review_by: 2027-03-31, stages", "review_by: 2026-11-25, stages")}, ""),
        ({"content": ("stage: mql, say", "stage: customer, say")},
         "content.yaml:1:1 no message is approved for anyone at mql, where leads are handed over → add one with stage: mql"),
        ({"goals": ("sla: hot, within: {accept: 0.95, work: 0.8}", "sla: normal, within: {accept: 0.95}")},
         "sla.yaml:3:3 nothing uses hot → name it in a route's assign, or delete it"),
        ({"goals": ("sla: normal, within: {accept: 0.9}", "sla: hot, within: {first_response: 0.9}")},
         "goals.yaml:13:3 hand-offs under the SLA normal count for no promise of sales → add a promise with sla: normal"),
        ({"alerts": ("  mail: {kind: email}", "  mail: {kind: email}\n  spare: {kind: email}")},
         "alerts.yaml:4:3 nothing is told in spare → name it under to, or delete it"),
        ({"sla": ("first_response: {within: 1h", "first_response: {within: 20h")},
         "sla.yaml:9:32 20h of working time is 2.5 working days of 8 h → for the same time on the next working day write 1d"),
    ],
)  # fmt: skip
def test_what_is_worth_a_look_is_a_warning(changed: dict[str, tuple[str, str]], expected: str) -> None:
    made = files(**changed)
    made["sla.yaml"] = made["sla.yaml"].replace(*CALM)
    found = [f"{place} {text} → {hint}" for warning, place, text, hint in told(made) if warning]
    assert found == ([expected] if expected else [])
    assert load_files(made).slas.default == "normal", "a warning keeps nothing from being used"


def test_a_deadline_shorter_than_any_night_is_a_problem() -> None:
    made = files(sla=("accept: {within: 1d", "accept: {within: 2h"))
    assert [row for row in told(made) if not row[0]] == [
        (
            False,
            "sla.yaml:15:24",
            "2h around the clock is shorter than any night: nobody works from Mon 17:00 to Tue 09:00",
            "say clock: business, or more than 16 h",
        )
    ]


@pytest.mark.parametrize(
    "hours",
    ["hours: {}", "hours: {mon-sun: 00:00-24:00}", "hours: {mon-sun: [08:00-20:00, 20:00-08:00]}"],
)
def test_around_the_clock_is_fine_where_somebody_always_works(hours: str) -> None:
    made = files(sla=("accept: {within: 1d", "accept: {within: 2h"), team=("hours: {mon-fri: 09:00-17:00}", hours))
    assert [row for row in told(made) if "around the clock" in row[2]] == []


def test_one_person_who_never_sleeps_is_enough_for_a_clock_that_never_stops() -> None:
    made = files(sla=("accept: {within: 1d", "accept: {within: 2h"), team=("name: Ben Roth", "hours: {}, name: Ben Roth"))
    assert [row for row in told(made) if "around the clock" in row[2]] == []


def test_a_warning_in_hours_is_held_against_the_shortest_day() -> None:
    made = files(
        sla=("work: {within: 10d, warn: 2d", "work: {within: 1d, warn: 6h"),
        team=("name: Ben Roth", "hours: {mon-fri: 09:00-13:00}, name: Ben Roth"),
    )
    assert [row[2] for row in told(made) if not row[0]] == [
        "the warning would come before the clock begins for whoever works 4 h a day: 6h before the end of 1d"
    ]

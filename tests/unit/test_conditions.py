"""Conditions: what they say, what they refuse, how fast they are, and that the fast forms agree with CEL."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.base import Scalar
from sync.cli.bench.hostile import LINES
from sync.playbook.conditions import Conditions, Wrong
from sync.playbook.models import Condition, When, Where
from tests.examples import examples

KINDS = {
    "country": "country",
    "employees": "number",
    "title": "text",
    "stage": "picklist",
    "vip": "flag",
    "mql_date": "time",
    "email": "email",
    "account.industry": "text",
    "account.name": "text",
    "opportunity.amount": "number",
}
CONDITIONS = Conditions(KINDS, {"employees": "fields.yaml:18, number"})
HERE = Where("routing.yaml", 14, 11)
NOW = int(datetime(2026, 11, 23, tzinfo=UTC).timestamp() * 1000)
LEAD: dict[str, Scalar] = {
    "country": "NO",
    "employees": 820,
    "title": "Head of Operations",
    "stage": "mql",
    "vip": True,
    "mql_date": "2026-11-13T00:00:00Z",
    "email": "kim@nordwind.example",
    "fit": 72.0,
    "now": NOW,
    "created_at": NOW - 3 * 86_400_000,
    "account.industry": "Manufacturing",
    "account.open_opportunities": 0,
}


def line(text: str) -> Condition:
    return CONDITIONS.compile(text, HERE)


@pytest.mark.parametrize(
    ("text", "matched", "why"),
    [
        ("lead.country in ['DE', 'FR', 'NO']", True, "country NO is in [DE, FR, NO]"),
        ("lead.country in ['DE', 'FR']", False, "country NO is not in [DE, FR]"),
        ("lead.employees >= 500", True, "employees 820 ≥ 500"),
        ("lead.employees >= 900", False, "employees 820 is not ≥ 900"),
        ("lead.employees >= 500.5", True, "employees 820 ≥ 500.5"),
        ("lead.stage == 'mql'", True, "stage mql = mql"),
        ("lead.stage != 'mql'", False, "stage mql = mql"),
        ("lead.vip == true", True, "vip true = true"),
        ("any_of(lead.title, ['VP', 'head'])", True, "title Head of Operations has one of [VP, head]"),
        ("any_of(lead.title, ['VP', 'COO'])", False, "title Head of Operations has none of [VP, COO]"),
        ("has(lead.title)", True, "title is there"),
        ("!has(lead.title)", False, "title is there"),
        ("lead.email_domain == 'nordwind.example'", True, "email_domain nordwind.example = nordwind.example"),
        ("lead.fit >= 60 && lead.employees < 1000", True, "employees 820, fit 72"),
        ("days_since(lead.mql_date) >= 10", True, "mql_date 2026-11-13T00:00:00Z"),
        ("days_since(lead.mql_date) > 10", False, "mql_date 2026-11-13T00:00:00Z"),
        ("lead.title.startsWith('Head')", True, "title Head of Operations"),
        ("lead.title.matches('^(H|h)ead')", True, "title Head of Operations"),
        ("lead.vip", True, "vip true"),
        ("true", True, "always"),
        ("account.industry == 'Manufacturing'", True, "account.industry Manufacturing = Manufacturing"),
        ("account.open_opportunities > 0", False, "account.open_opportunities 0 is not > 0"),
        ("has(account.name)", False, "account.name is empty"),
        ("opportunity.amount > 10", False, "opportunity.amount: field empty"),
        ("has(account.industry) && lead.fit > 1", True, "account.industry Manufacturing, fit 72"),
        ("days_since(lead.created_at) == 3", True, "created_at 2026-11-20T00:00:00Z"),
    ],
)
def test_says_what_it_saw(text: str, matched: bool, why: str) -> None:
    verdict = line(text).judge(LEAD)
    assert (verdict.matched, verdict.why) == (matched, why)
    assert (verdict.text, verdict.where) == (text, "routing.yaml:14")


@pytest.mark.parametrize(
    "text",
    [
        "lead.country in ['DE', 'NO']",
        "lead.country != 'DE'",
        "lead.employees < 5",
        "any_of(lead.title, ['VP'])",
        "!(lead.country == 'DE')",
        "lead.employees * 2 > 3",
        "days_since(lead.mql_date) > 3",
        "lead.email_domain != 'x.example'",
        "!lead.vip",
        "has(lead.title) && lead.title != 'x'",
    ],
)
@pytest.mark.parametrize("blank", [None, ""])
def test_a_blank_is_never_true(text: str, blank: str | None) -> None:
    condition = line(text)
    assert not condition.judge({"now": NOW}).matched
    verdict = condition.judge(dict.fromkeys(KINDS, blank) | {"now": NOW})
    assert not verdict.matched
    assert "empty" in verdict.why


def test_has_asks_about_blanks() -> None:
    assert line("!has(lead.title)").judge({}).matched
    assert line("!has(lead.title)").judge({"title": ""}).why == "title is empty"
    assert line("!has(lead.title) || lead.title == 'x'").judge({}).matched
    assert not line("has(lead.title)").judge({}).matched


def test_another_side_that_holds_makes_up_for_a_blank() -> None:
    assert line("lead.employees > 5 || lead.country == 'NO'").judge({"country": "NO"}).matched


@pytest.mark.parametrize("value", ["many", True, "12", float("nan")])
def test_a_value_of_another_kind_is_not_matched(value: Scalar) -> None:
    for text in ("lead.employees >= 5", "lead.employees + 1 >= 5"):
        assert not line(text).judge({"employees": value}).matched
    assert not line("lead.country == 'DE'").judge({"country": 5}).matched
    assert not line("days_since(lead.mql_date) > 1").judge({"mql_date": "soon", "now": NOW}).matched


def test_time_is_passed_in() -> None:
    condition = line("days_since(lead.mql_date) > 3")
    assert not condition.judge({"mql_date": "2026-11-13"}).matched
    assert condition.judge({"mql_date": "2026-11-13", "now": "2026-11-23T00:00:00Z"}).matched


def test_words_are_whole_words() -> None:
    cto = line("any_of(lead.title, ['CTO'])")
    assert not cto.judge({"title": "Director"}).matched
    assert cto.judge({"title": "interim cto, EMEA"}).matched
    assert line("any_of(lead.title, ['vice president', 'C++ (lead)'])").judge({"title": "C++ (Lead)"}).matched


def test_it_names_its_fields() -> None:
    assert line("lead.fit >= 60 && has(lead.title)").names == {"fit", "title"}
    assert When(all=(line("lead.fit >= 60"),), none=(line("has(lead.vip)"),)).names == {"fit", "vip"}


@pytest.mark.parametrize(
    ("text", "guard"),
    [
        ("lead.country == 'DE'", ("country", {"DE"})),
        ("lead.country in ['DE', 'FR']", ("country", {"DE", "FR"})),
        ("account.industry == 'Energy'", ("account.industry", {"Energy"})),
        ("lead.vip == true", ("vip", {True})),
        ("lead.country != 'DE'", None),
        ("has(lead.country)", None),
        ("any_of(lead.title, ['VP'])", None),
    ],
)
def test_a_guard_is_all_that_the_value_may_be(text: str, guard: tuple[str, set[Scalar]] | None) -> None:
    assert line(text).guard == (guard and (guard[0], frozenset(guard[1])))


@pytest.mark.parametrize(
    ("text", "at", "said", "suggestion"),
    [
        ("lead.employes >= 500", 5, "unknown field lead.employes", "did you mean lead.employees (fields.yaml:18, number)?"),
        ("account.indstry == 'a'", 8, "unknown field account.indstry", "did you mean account.industry?"),
        ("lead.industry == 'a'", 5, "unknown field lead.industry", "did you mean account.industry?"),
        ("lead.country == 3", 13, "a text and a number cannot be joined by ==", "a text stands in quotes, a number does not"),
        ("lead.employees in ['a']", 15, "a number cannot be in a list of texts", "write lead.country in ['DE', 'FR']"),
        ("anyof(lead.title, ['a'])", 0, "unknown function anyof", "did you mean any_of?"),
        ("any_of(lead.title, 'VP')", 6, "any_of does not take a text, a text", "write any_of(lead.title, ['VP', 'Head'])"),
        ("lead.title.startswith('a')", 11, "unknown function startswith", "did you mean startsWith?"),
        ("lead.fit > 1 && (lead.vip", 24, "the line ends too early", "what is it compared with?"),
        ("lead.fit > 1 or lead.vip", 13, "unknown word or", "write ||"),
        ("lead.fit = 1", 9, "'=' is not part of a condition", "write =="),
        ("lead.fit + 1", 0, "this is no condition: it is neither true nor false", "compare it: ==, >=, in […]"),
        ("territory('emea\\h')", 10, "an escape that is none", "write \\\\ for a backslash"),
        ("null", 0, "nothing is compared with null", "write has(lead.phone), or !has(lead.phone)"),
        ("lead.title == null", 11, "nothing is compared with null", "write has(lead.title), or !has(lead.title)"),
        ("lead.title == 0123", 14, "0123 is a number and loses its zero: write '0123'", ""),
        ("has(lead)", 0, "has() takes one field", "write has(lead.phone)"),
        ("lead.title.matches(lead.country)", 11, "a pattern must be written out, in quotes", ""),
    ],
)
def test_mistakes_are_named_at_their_place(text: str, at: int, said: str, suggestion: str) -> None:
    with pytest.raises(Wrong) as caught:
        line(text)
    first = caught.value.mistakes[0]
    assert (first.at, first.text, first.suggestion) == (at, said, suggestion)


LONG = "x" * 100_000


@pytest.mark.parametrize("text", LINES, ids=range(len(LINES)))
def test_hostile_lines_end_within_50_ms(text: str) -> None:
    took = []
    for _ in range(3):
        started = time.process_time()  # our own time: the machine may be busy with others
        with suppress(Wrong):
            condition = line(text)
            condition.judge(LEAD | {"title": LONG[:65_000]})
            condition.judge({})
        took.append(time.process_time() - started)
    assert min(took) < 0.05


countries = st.sampled_from(["DE", "NO", "US"])
texts = st.sampled_from(["DE", "NO", "no", "", "head of x", "VP", "Vice President", "ß", "x'y", "İ"])
numbers = st.one_of(
    st.integers(-5, 5), st.sampled_from([0.5, 1e18, -0.0, 820, 2**63, 2**53 + 1]), st.floats(allow_nan=False, allow_infinity=False)
)
anything: st.SearchStrategy[Scalar] = st.one_of(st.none(), st.booleans(), texts, numbers)


def literal(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + value + '"'
    return repr(value)  # 1e+300 and not 300 figures: four of them in one line are more than a line may have


@st.composite
def fast_lines(draw: st.DrawFn) -> str:
    field, values = draw(
        st.sampled_from([("country", countries), ("title", texts), ("employees", numbers), ("fit", numbers), ("vip", st.booleans())])
    )
    shape = draw(st.sampled_from(["compare", "in", "any_of", "has", "not has"]))
    if shape == "compare":
        sign = draw(st.sampled_from(["==", "!=", "<", "<=", ">", ">="]))
        return f"lead.{field} {sign} {literal(draw(values))}"
    if shape == "in":
        return f"lead.{field} in [{', '.join(map(literal, draw(st.lists(values, min_size=1, max_size=4))))}]"
    if shape == "any_of":
        return f"any_of(lead.title, [{', '.join(map(literal, draw(st.lists(texts, min_size=1, max_size=4))))}])"
    return f"{'!' if shape == 'not has' else ''}has(lead.{field})"


@examples(500)
@given(fast_lines(), st.fixed_dictionaries({}, optional=dict.fromkeys(["country", "title", "employees", "fit", "vip"], anything)))
def test_the_fast_forms_agree_with_cel(text: str, values: dict[str, Scalar]) -> None:
    fast = CONDITIONS.compile(text, HERE)
    slow = CONDITIONS.compile(text, HERE, fast=False)
    assert type(fast) is not type(slow)
    for _ in range(2):  # the second time from what was kept
        assert fast.judge(values).matched == slow.judge(values).matched


@examples(300)
@given(st.text(alphabet="lead.fitcountry '\"()[]!=<>&|,0123456789haslinydtVP\\", max_size=60))
def test_any_text_is_compiled_or_refused(text: str) -> None:
    places: list[int] = []
    try:
        line(text).judge(LEAD)
    except Wrong as wrong:
        places = [mistake.at for mistake in wrong.mistakes]
    assert all(0 <= at <= len(text) for at in places)


def test_the_fast_forms_are_worth_having() -> None:
    texts_ = [f"lead.country in ['{chr(65 + n)}X', 'DE', 'FR']" for n in range(10)]
    texts_ += [f"lead.employees >= {n * 100 + 900}" for n in range(10)]
    leads: list[dict[str, Scalar]] = [LEAD | {"employees": n % 700, "fit": n % 60} for n in range(300)]

    def spent(conditions: Sequence[Condition]) -> float:
        started = time.process_time()
        for lead in leads:
            for condition in conditions:
                condition.judge(lead)
        return time.process_time() - started

    fast, slow = ([CONDITIONS.compile(text, HERE, fast=quick) for text in texts_] for quick in (True, False))
    assert min(spent(fast) for _ in range(3)) < min(spent(slow) for _ in range(3))

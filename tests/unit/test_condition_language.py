"""The language of conditions: that every line agrees with CEL, what the functions say, what is refused, what it may cost."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.base import Scalar
from sync.playbook.conditions import Conditions, Facts, Wrong, texts
from sync.playbook.conditions.line import ByCel, Line
from sync.playbook.functions import CALLED, METHODS, listed
from sync.playbook.models import Condition, Value, Values, When, Where
from tests.examples import examples

DAY = 86_400_000
NOW = 1_795_392_000_000
HERE = Where("lifecycle.yaml", 7)
KINDS = {
    "country": "country",
    "title": "text",
    "company": "text",
    "employees": "number",
    "revenue": "number",
    "vip": "flag",
    "trial": "flag",
    "mql_date": "time",
    "phone": "phone",
    "stage": "picklist",
    "account.industry": "text",
    "account.employees": "number",
}


@dataclass(frozen=True)
class Row:
    values: dict[str, Scalar]
    where: Where


@dataclass(frozen=True)
class Table:
    """A table that is a list of rows."""

    names: tuple[str, ...]
    rows: list[tuple[str, ...]]
    dated: bool = False

    def find(self, value: Value, now: int, timezone: str, key: str | None = None) -> Row | None:
        column = self.names.index(key) if key else 0
        for number, row in enumerate(self.rows, 2):
            if row[column] == value and (not self.dated or now < NOW + DAY):
                return Row(dict(zip(self.names, row, strict=True)), Where("tables/t.csv", number))
        return None


@dataclass(frozen=True)
class Territories:
    """Territories by country alone."""

    by_country: dict[str, str] = field(default_factory=lambda: {"NO": "emea-north", "DE": "dach"})
    names: frozenset[str] = frozenset({"country"})
    dated: bool = False

    @property
    def all(self) -> frozenset[str]:
        return frozenset(self.by_country.values())

    def find(self, values: Values, now: int, timezone: str) -> Row | None:
        name = self.by_country.get(str(values.get("country")))
        return Row({"territory": name}, Where("tables/territories.csv", 2)) if name else None


TABLES = {
    "partners": Table(("domain", "partner"), [("nordwind.example", "Fjord"), ("acme.example", "Acme")]),
    "soon": Table(("domain",), [("nordwind.example",)], dated=True),
}
CONDITIONS = Conditions(KINDS, values={"stage": ("lead", "mql")}, facts=Facts(TABLES, Territories()))
LEAD: dict[str, Value] = {
    "country": "NO",
    "title": "Head of Operations",
    "company": "Nordwind",
    "email": "kim@nordwind.example",
    "employees": 820,
    "mql_date": "2026-11-13",
    "now": NOW,
    "touches": (("form", "Pricing", NOW - 2 * DAY), ("visit", "start page", NOW - 20 * DAY)),
}


def line(text: str) -> Condition:
    return CONDITIONS.compile(text, HERE)


def taken(text: str) -> Line | None:
    """Compile a made-up line; None when it is too deep for CEL itself, which is named at a place."""
    try:
        return CONDITIONS.compile(text, HERE)
    except Wrong as wrong:
        outside = [mistake for mistake in wrong.mistakes if not 0 <= mistake.at <= len(text)]
    assert not outside
    return None


def first_mistake(text: str) -> tuple[int, str, str]:
    with pytest.raises(Wrong) as caught:
        line(text)
    one = caught.value.mistakes[0]
    return one.at, one.text, one.suggestion


# ---- whatever may be written, our functions and the CEL library come to the same

NUMBERS = ["lead.employees", "lead.revenue", "account.employees", "lead.fit", "days_since(lead.mql_date)", "1", "2.5", "0", "-3", "820"]
TEXTS = [
    "lead.title",
    "lead.company",
    "account.industry",
    "lead.phone",
    "'Head'",
    '"of"',
    "'h\\u00e9ad'",
    "r'a\\b'",
    "lead.email_domain",
    "'ß'",
]
FLAGS = ["lead.vip", "lead.trial", "true", "false"]
ATOMS = [
    "has(lead.title)",
    "has(account.industry)",
    "any_of(lead.title, ['head', 'vp of'])",
    "any_of(lead.company + ' ' + lead.title, ['nordwind'])",
    "touched('pricing', 7)",
    "touched('visit', 7)",
    "territory('emea-north')",
    "territory('dach')",
    "in_table(lead.email_domain, 'partners')",
    "in_table(lead.company, 'partners', 'partner')",
    "in_table(lead.email_domain, 'soon')",
    "lead.title.matches('^[Hh]ead')",
    "lead.country in ['NO', 'DE']",
    "lead.employees in [1, 2.5, true, 'x']",
    "lead.vip in [true, 1]",
    "[lead.title, 'a'] == ['Head', 'a']",
    "lead.title in [lead.company, 'Head']",
    *FLAGS,
]


@st.composite
def numbers(draw: st.DrawFn, depth: int) -> str:
    if depth == 0 or draw(st.booleans()):
        return draw(st.sampled_from(NUMBERS))
    shape = draw(st.sampled_from(["{} + {}", "{} - {}", "({}) * ({})", "({}) / ({})", "-({})", "({} > {} ? 1 : 2)"]))
    return shape.format(*(draw(numbers(depth - 1)) for _ in range(shape.count("{}"))))


@st.composite
def words(draw: st.DrawFn, depth: int) -> str:
    if depth == 0 or draw(st.booleans()):
        return draw(st.sampled_from(TEXTS))
    return f"{draw(words(depth - 1))} + {draw(words(depth - 1))}"


@st.composite
def conditions(draw: st.DrawFn, depth: int) -> str:
    kind = draw(st.sampled_from(["atom", "number", "text", "method", "and", "or", "not", "choice", "flag"] if depth else ["atom"]))
    sign = draw(st.sampled_from(["==", "!=", "<", "<=", ">", ">="]))
    match kind:
        case "number":
            return f"{draw(numbers(depth - 1))} {sign} {draw(numbers(depth - 1))}"
        case "text":
            return f"{draw(words(1))} {sign} {draw(words(1))}"
        case "method":
            method = draw(st.sampled_from(["contains", "startsWith", "endsWith"]))
            return f"({draw(words(1))}).{method}({draw(words(1))})"
        case "and" | "or":
            join = " && " if kind == "and" else " || "
            return "(" + join.join(draw(st.lists(conditions(depth - 1), min_size=2, max_size=3))) + ")"
        case "not":
            return f"!({draw(conditions(depth - 1))})"
        case "choice":
            return "(" + "{} ? {} : {}".format(*(draw(conditions(depth - 1)) for _ in range(3))) + ")"
        case "flag":
            return f"({draw(conditions(depth - 1))}) {sign} ({draw(conditions(depth - 1))})"
        case _:
            return draw(st.sampled_from(ATOMS))


some_text = st.sampled_from([None, "", "Head", "Head of Operations", "VP of", "ß", "İ", "NO", "DE", "Fjord", "nordwind.example"])
some_number = st.one_of(st.sampled_from([None, 0, 1, 2.5, -3, 820, 2**53 + 1, 2**63, 1e308, -0.0, True, "5"]), st.floats())
some_flag = st.sampled_from([None, True, False, "true", 1])
VALUES = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(["title", "company", "account.industry", "phone", "country", "email_domain"], some_text),
        **dict.fromkeys(["employees", "revenue", "account.employees", "fit"], some_number),
        **dict.fromkeys(["vip", "trial"], some_flag),
        "mql_date": st.sampled_from([None, "", "2026-11-13", "soon", "2026-11-13T10:00:00Z", 5]),
        "email": st.sampled_from([None, "kim@nordwind.example", "nobody"]),
        "now": st.sampled_from([None, NOW, "2026-11-23T00:00:00Z", NOW + 5 * DAY]),
        "touches": st.sampled_from([None, (), LEAD["touches"], (("visit", "PRICING page", NOW),)]),
    },
)


@examples(1_500)
@given(conditions(3), VALUES)
def test_every_line_comes_to_what_cel_makes_of_it(text: str, values: dict[str, Value]) -> None:
    ours = taken(text)
    if ours is None:
        return
    cel = CONDITIONS.compile(text, HERE, fast=False)
    assert isinstance(cel, ByCel)
    assert ours.step(values) == cel.step(values)
    assert ours.holds(values) == ours.judge(values).matched == (cel.step(values) is True)
    assert ours.judge(values).why


@examples(500)
@given(conditions(3), VALUES)
def test_a_guard_says_no_more_and_no_less_than_the_line(text: str, values: dict[str, Value]) -> None:
    found = taken(text)
    if found is not None and found.guard is not None:
        name, allowed = found.guard
        value = values.get(name)
        same = any(type(value) is type(one) and value == one for one in allowed) or (
            isinstance(value, int | float)
            and not isinstance(value, bool)
            and float(value) in {one for one in allowed if isinstance(one, float)}
        )
        assert found.holds(values) == same


# ---- a blank is never true


@pytest.mark.parametrize(
    "text",
    [
        "in_table(lead.email_domain, 'partners')",
        "!in_table(lead.email_domain, 'partners')",
        "territory('dach')",
        "!territory('dach')",
        "days_since(lead.mql_date) > 1",
        "!(days_since(lead.mql_date) > 1)",
        "touched('pricing', 7)",
        "!touched('pricing', 7)",
        "!lead.vip",
        "lead.vip || lead.trial",
        "!(lead.vip && lead.trial)",
        "lead.title.contains('a') ? true : true",
        "lead.title + lead.company != 'x'",
        "lead.title in [lead.company]",
    ],
)
def test_what_is_not_there_is_never_true(text: str) -> None:
    verdict = line(text).judge({"now": NOW})
    assert not verdict.matched
    assert "empty" in verdict.why or "not known" in verdict.why


def test_under_none_what_is_not_matched_is_as_it_should_be() -> None:
    assert When(none=(line("lead.employees == 1"),)).holds({})
    assert When(none=(line("lead.employees == 1"),)).judge({})[0]
    assert not When(none=(line("lead.employees == 1"),)).holds({"employees": 1})


@examples(300)
@given(st.lists(conditions(1), max_size=3), st.lists(conditions(1), max_size=3), st.lists(conditions(1), max_size=3), VALUES)
def test_holding_is_the_verdict_without_its_reasons(every: list[str], some: list[str], none: list[str], values: dict[str, Value]) -> None:
    when = When(*(tuple(map(line, texts_)) for texts_ in (every, some, none)))
    assert when.holds(values) == when.judge(values)[0]


# ---- the functions


@pytest.mark.parametrize(
    ("text", "matched", "why"),
    [
        ("in_table(lead.email_domain, 'partners')", True, "email_domain nordwind.example, in partners (tables/t.csv:2)"),
        ("in_table(lead.company, 'partners', 'partner')", False, "company Nordwind, not in partners"),
        ("territory('emea-north')", True, "in territory emea-north (tables/territories.csv:2)"),
        ("territory('dach')", False, "in territory emea-north (tables/territories.csv:2), not dach"),
        ("touched('pricing', 7)", True, 'form "Pricing" 2 days ago'),
        ("touched('FORM', 7)", True, 'form "Pricing" 2 days ago'),
        ("touched('pricing', 1.5)", False, 'nothing with "pricing" in 1.5 days'),
        ("touched('page', 30) && lead.employees > 5", True, 'employees 820, visit "start page" 20 days ago'),
        ("!touched('webinar', 90)", True, 'nothing with "webinar" in 90 days'),
        ("any_of(lead.title, ['head of'])", True, "title Head of Operations has one of [head of]"),
        ("lead.title.endsWith('Operations')", True, "title Head of Operations"),
    ],
)
def test_functions_tell_what_they_found(text: str, matched: bool, why: str) -> None:
    verdict = line(text).judge(LEAD)
    assert (verdict.matched, verdict.why) == (matched, why)


def test_lines_say_what_they_look_at_and_whether_time_alone_changes_them() -> None:
    looked = {
        "touched('pricing', 7)": (frozenset({"touches"}), True),
        "territory('dach') || lead.vip": (frozenset({"country", "vip"}), False),
        "in_table(lead.company, 'partners')": (frozenset({"company"}), False),
        "in_table(lead.company, 'soon')": (frozenset({"company"}), True),
        "days_since(lead.mql_date) > 1": (frozenset({"mql_date"}), True),
        "lead.employees > 5": (frozenset({"employees"}), False),
    }
    for text, (names, timed) in looked.items():
        assert (line(text).names, line(text).timed) == (names, timed), text


def test_a_row_that_counts_no_more_is_not_found() -> None:
    soon = line("in_table(lead.email_domain, 'soon')")
    assert soon.holds(LEAD)
    assert not soon.holds({**LEAD, "now": NOW + 2 * DAY})
    assert soon.judge({**LEAD, "now": None}).why.endswith("cannot be computed")


@pytest.mark.parametrize("function", [*CALLED.values(), *METHODS.values()], ids=lambda one: one.name)
def test_every_function_has_an_example_that_holds_good(function: object) -> None:
    assert isinstance(function, type(CALLED["has"]))
    assert function.name in function.example
    line(function.example).judge(LEAD)
    assert function.example in listed()


# ---- what is refused, and where


@pytest.mark.parametrize(
    ("text", "at", "said", "suggestion"),
    [
        ("in_table(lead.company, 'partner')", 24, "unknown table partner", "did you mean partners?"),
        ("in_table(lead.company, 'partners', 'partnr')", 36, "unknown column partnr of partners", "did you mean partner?"),
        (
            "in_table(lead.company, lead.title)",
            23,
            "tables and columns must be written out, in quotes",
            "write in_table(lead.email_domain, 'partners')",
        ),
        (
            "in_table(lead.employees, 'partners')",
            8,
            "in_table does not take a number, a text",
            "write in_table(lead.email_domain, 'partners')",
        ),
        ("territory('emea-nort')", 11, "unknown territory emea-nort", "did you mean emea-north?"),
        ("territory(lead.country)", 0, "territory takes the name of a territory, in quotes", "write territory('emea-north')"),
        ("touched('pricing')", 0, "touched takes a word in quotes, and a number of days", "write touched('pricing', 7)"),
        ("touched('pricing', '7')", 0, "touched takes a word in quotes, and a number of days", "write touched('pricing', 7)"),
        ("touched('pricing', -7)", 0, "touched takes a word in quotes, and a number of days", "write touched('pricing', 7)"),
        ("touched('pricing', 0)", 19, "days must be more than 0, and at most 100 years", "write touched('pricing', 7)"),
        ("touched('', 7)", 9, "no word to look for", "write touched('pricing', 7)"),
        ("any_of(lead.title, [lead.company])", 19, "the words must be written out, in quotes", "write any_of(lead.title, ['VP', 'Head'])"),
        ("any_of(lead.title, [])", 19, "no word to look for", "write any_of(lead.title, ['VP', 'Head'])"),
        ("days_since(lead.employees) > 1", 10, "days_since does not take a number", "write days_since(lead.mql_date) <= 30"),
        ("lead.vip && lead.stage == 'sql'", 27, "sql is no value of lead.stage", "did you mean mql?"),
        ("lead.vip && lead.country != 'germany'", 29, "germany is never what lead.country shows", "write its two letters, as 'DE'"),
        ("null", 0, "nothing is compared with null", "write has(lead.phone), or !has(lead.phone)"),
        ("null == null", 0, "nothing is compared with null", "write has(lead.phone), or !has(lead.phone)"),
        ("[1, 2].all(x, x > 0)", 7, "all is a loop, and conditions have none", "write a line for each case, under any: or all:"),
        ("lead.title.matches('" + "x" * 201 + "')", 11, "a pattern of more than 200 characters", "use several lines, or any_of"),
        (
            "lead.title.matches('(x{0,100}){0,100}')",
            11,
            "the pattern repeats too much: it stands for 10,100 places, 500 at most",
            "repeat less, or use any_of",
        ),
        (
            " || ".join(["any_of(lead.title, ['x'])"] * 25),
            696,
            "more than 24 functions in one condition",
            "use several lines, under any: or all:",
        ),
        ("-".join(["lead.fit"] * 90) + " > 1", 0, "too much, one inside the other, for one condition", "use several lines"),
        ("-".join(["1"] * 120) + " > 1", 201, "more than 100 signs in one condition", "use several lines"),
    ],
)
def test_mistakes_are_named_at_their_place(text: str, at: int, said: str, suggestion: str) -> None:
    assert first_mistake(text) == (at, said, suggestion)


def test_tables_that_could_not_be_read_make_no_second_problem() -> None:
    Conditions(KINDS).compile("in_table(lead.company, 'anything') || territory('anything')", HERE)


# ---- what it may cost, counted and not timed


@pytest.mark.parametrize(
    ("pattern", "places"),
    [
        ("^(H|h)ead", 7),
        ("(x?){50}", 100),
        ("((((x{1,100}){1,100}){1,100}){1,100})", 101_010_101),
        ("[a-z]{3,}", 6),
        ("[^]a-z]{2}", 4),
        (r"\pL{4}", 520),
        (r"(?i)(?:ab|cd)+(?P<name>e{3})", 10),
        ("a{2}{3}", 6),
        ("", 0),
        (")(", 1),
    ],
)
def test_a_pattern_costs_what_it_stands_for(pattern: str, places: int) -> None:
    assert texts.places(pattern) == places


def test_a_line_that_would_cost_too_much_is_stopped_and_named() -> None:
    costly = line(" || ".join(["any_of(lead.title, ['chief', 'head'])"] * 20))
    long = "x" * 60_000
    verdict = costly.judge({"title": long})
    assert not verdict.matched
    assert verdict.where == "lifecycle.yaml:7"
    assert verdict.why == "stopped: title has 60,000 characters, 12,000,000 steps to look through, 5,000,000 at most"
    assert not costly.holds({"title": long})
    assert costly.holds({"title": "Head"})


def test_one_look_through_the_longest_text_is_never_stopped() -> None:
    assert line("any_of(lead.title, ['chief', 'head'])").holds({"title": "x " * 32_700 + "head"})
    assert line("lead.title.contains(lead.company)").holds({"title": "x" * 65_000 + "y", "company": "xy"})

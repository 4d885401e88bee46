"""What is proved of routes that are never reached, and what is not said of those that are."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.playbook.checks.allowed import Allowed, Plain
from sync.playbook.loader import check, read
from tests.examples import examples

GOOD = read(Path(__file__).parent / "good")
LAST = "  - id: last\n    assign: {owner: ana@acme.example}\n"


def never(*whens: str) -> list[str]:
    """Give the ids of the routes that are never reached; each `when` is one route's."""
    rows = "".join(f"  - id: r{n}\n    when: {when}\n    assign: {{pool: emea-ae}}\n" for n, when in enumerate(whens))
    problems = check(GOOD | {"routing.yaml": f"routes:\n{rows}{LAST}".encode()}).problems
    assert all("never reached" in p.text for p in problems), problems
    return [p.source.split()[-1] for p in problems]


@pytest.mark.parametrize(
    ("whens", "lost"),
    [
        (("lead.employees >= 500", "lead.employees >= 1000"), ["r1"]),
        (("lead.employees >= 500", "lead.employees > 500 && has(lead.phone)", "lead.employees >= 499"), ["r1"]),
        (("lead.employees > 500", "lead.employees >= 500"), []),
        (("lead.employees >= 500", "lead.employees == 820"), ["r1"]),
        (("lead.employees != 5", "lead.employees > 5"), ["r1"]),
        (("lead.employees != 5", "lead.employees >= 5"), []),
        (("lead.country == 'DE'", "lead.country == 'FR'", "lead.country in ['DE', 'FR']"), ["r2"]),
        (("lead.country == 'DE'", "lead.country in ['DE', 'FR']"), []),
        (("{any: [lead.country == 'DE', has(lead.phone)]}", "has(lead.phone) && has(lead.title)"), ["r1"]),
        (("{none: [lead.country == 'DE']}", "lead.country == 'FR'", "'!has(lead.country)'", "lead.country == 'DE'"), ["r1", "r2"]),
        (("has(lead.country)", "lead.country == 'FR'"), ["r1"]),
        (("lead.country == 'FR'", "has(lead.country)"), []),
        (("lead.opt_out", "'!lead.opt_out'", "lead.opt_out == false"), ["r2"]),
        (("lead.title.contains('a b')", "lead.title.contains('ab')"), []),
        (("lead.title.contains('a')", "has(lead.phone) && lead.title.contains( 'a' )"), ["r1"]),
        (("{none: [lead.title.contains('a')]}", "lead.title.contains('b')"), []),
        (("lead.country == 'DE' || lead.country == 'FR'", "lead.country == 'FR'"), ["r1"]),
    ],
)
def test_what_an_earlier_route_leaves(whens: tuple[str, ...], lost: list[str]) -> None:
    assert never(*whens) == lost


def test_a_route_that_counts_on_some_days_only_takes_nothing_from_the_others() -> None:
    dated = "  - id: fair\n    when: lead.country == 'DE'\n    until: 2026-12-31\n    assign: {pool: emea-ae}\n"
    same = "  - id: always\n    when: lead.country == 'DE'\n    assign: {pool: emea-ae}\n"
    inside = same.replace("always", "short").replace("    assign", "    from: 2026-12-01\n    until: 2026-12-24\n    assign")
    assert check(GOOD | {"routing.yaml": f"routes:\n{dated}{same}{LAST}".encode()}).playbook is not None
    problems = check(GOOD | {"routing.yaml": f"routes:\n{dated}{inside}{LAST}".encode()}).problems
    assert [p.text for p in problems] == ["never reached"]


LINES = [
    *(f"lead.employees {sign} {n}" for sign in ("==", "!=", "<", "<=", ">", ">=") for n in (1, 2, 3)),
    *(f"lead.country {sign} '{c}'" for sign in ("==", "!=") for c in ("DE", "FR")),
    "lead.country in ['DE', 'FR']",
    "has(lead.country)",
    "'!has(lead.country)'",
    "lead.employees > 1 || lead.country == 'DE'",
    "lead.employees < 3 && lead.country == 'FR'",
]
LEADS = [{"employees": e, "country": c} for e in (None, 0.0, 1.0, 2.0, 2.5, 3.0, 4.0) for c in (None, "DE", "FR", "NO")]
WHEN = st.builds(
    lambda every, some, no: (
        "{" + ", ".join(f"{k}: [{', '.join(_quoted(x) for x in v)}]" for k, v in (("all", every), ("any", some), ("none", no))) + "}"
    ),
    st.lists(st.sampled_from(LINES), max_size=2),
    st.lists(st.sampled_from(LINES), max_size=2),
    st.lists(st.sampled_from(LINES), max_size=1),
)


def _quoted(line: str) -> str:
    return '"' + line.strip("'").replace('"', '\\"') + '"' if line.startswith("'!") else f'"{line}"'


@examples(150)
@given(st.lists(WHEN, min_size=2, max_size=4))
def test_no_lead_reaches_a_route_that_is_told_to_be_never_reached(whens: list[str]) -> None:
    lost = set(never(*whens))
    open_ = "".join(
        f"  - id: r{n}\n    when: {when}\n    from: 2026-01-{n + 1:02d}\n    until: 2026-01-{n + 1:02d}\n    assign: {{pool: emea-ae}}\n"
        for n, when in enumerate(whens)
    )
    book = check(GOOD | {"routing.yaml": f"routes:\n{open_}{LAST}".encode()}).playbook
    if book is None:
        return  # a line asks for what cannot be: told as such
    for lead in LEADS:
        first = next(route.id for route in book.routes if route.when.judge(lead)[0])
        assert first not in lost, (lead, whens)


PLAIN: list[Plain] = [0.0, 1.0, 2.0, 3.0]
BOUND = st.none() | st.tuples(st.sampled_from(PLAIN), st.booleans())
ALLOWED = st.builds(
    Allowed, st.booleans(), st.none() | st.frozensets(st.sampled_from(PLAIN)), st.frozensets(st.sampled_from(PLAIN)), BOUND, BOUND
)


@given(ALLOWED, ALLOWED)
def test_sets_of_values_are_compared_rightly(one: Allowed, other: Allowed) -> None:
    points: list[Plain] = [-1.0, 0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 9.0]
    mine, theirs = ({v for v in points if a.has(v)} for a in (one, other))
    if one.within(other):
        assert mine <= theirs
        assert other.blank or not one.blank
    assert {v for v in points if one.both(other).has(v)} == mine & theirs
    if one.nothing:
        assert not mine
    rest = one.without_it()
    if rest is not None:
        assert {v for v in points if rest.has(v)} == set(points) - mine
        assert rest.blank != one.blank

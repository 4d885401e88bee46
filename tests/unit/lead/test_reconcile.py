"""Whose value wins, by each policy."""

from __future__ import annotations

from dataclasses import replace

import pytest

from schemas.base import Scalar
from sync.lead.index import index
from sync.lead.reconcile import TRUCE, count_flip, desire, winner
from sync.lead.state import Claim, Lead
from sync.playbook.models import Freeze, Guards
from tests.factory import CONTACT, LEAD, fields, ms, playbook, shared

PLAYBOOK = playbook()
RANKS = index(PLAYBOOK).ranks


def wins(name: str, **claims: tuple[Scalar, int]) -> Scalar:
    """Give the winning value; `sf`, `hs` and `truce` claim (value, time)."""
    refs = {"sf": LEAD, "hs": CONTACT, "truce": TRUCE}
    won = winner(fields()[name], {refs[who]: Claim(*what) for who, what in claims.items()}, PLAYBOOK, RANKS)
    return won[1].value if won else "nobody"


@pytest.mark.parametrize(
    ("name", "claims", "expected"),
    [
        ("title", {"sf": ("a", 1), "hs": ("b", 2)}, "b"),
        ("title", {"sf": ("a", 2), "hs": ("b", 2)}, "a"),
        ("title", {"sf": (None, 3), "hs": ("b", 2)}, None),
        ("company", {"sf": ("a", 1), "hs": ("b", 2)}, "a"),
        ("company", {"sf": (None, 1), "hs": ("b", 2)}, None),
        ("company", {"hs": ("b", 2)}, "b"),
        ("industry", {"sf": ("a", 9), "hs": ("b", 2)}, "b"),
        ("birthday", {"sf": ("2000-01-01", 9), "hs": ("2001-01-01", 2)}, "2001-01-01"),
        ("website", {"sf": ("a", 1), "hs": ("b", 2)}, "a"),
        ("stage", {"sf": ("sql", 1), "hs": ("mql", 2), "truce": ("lead", 3)}, "sql"),
        ("stage", {"sf": ("disqualified", 5), "hs": ("sql", 2), "truce": ("mql", 3)}, "disqualified"),
        ("stage", {"sf": ("recycled", 5), "hs": ("sql", 2), "truce": ("mql", 6)}, "mql"),
        ("stage", {"hs": ("disqualified", 5), "truce": ("mql", 3)}, "mql"),
        ("owner", {"sf": ("a@x.example", 5), "truce": ("b@x.example", 6)}, "b@x.example"),
        ("owner", {"sf": ("a@x.example", 7), "truce": ("b@x.example", 6), "hs": ("c@x.example", 9)}, "a@x.example"),
        ("engagement_score", {"hs": (99, 9), "truce": (10, 1)}, 10),
    ],
)
def test_policies(name: str, claims: dict[str, tuple[Scalar, int]], expected: Scalar) -> None:
    assert wins(name, **claims) == expected


def test_stricter_takes_the_strictest() -> None:
    field = shared("grade", "picklist", "stricter", "G__c", "g", order=("open", "limited", "closed"))
    won = winner(field, {LEAD: Claim("limited", 1), CONTACT: Claim("open", 9)}, PLAYBOOK, RANKS)
    assert won is not None
    assert won[1].value == "limited"


def test_the_loser_is_kept_with_the_reason_and_goes_when_it_agrees() -> None:
    lead = Lead("l", "k", 0, 0, claims={"phone": {LEAD: Claim("1", 1), CONTACT: Claim("2", 2)}})
    moved, aside = desire(lead, ["phone"], PLAYBOOK, RANKS)
    assert [(m.before, m.after) for m in moved] == [(None, "1")]
    assert aside == [("phone", {"value": "2", "ref": CONTACT, "at": 2, "reason": "sales owns phone (fields.yaml:5)"})]
    assert desire(lead, ["phone"], PLAYBOOK, RANKS) == ([], [])
    lead.claims["phone"][CONTACT] = Claim("1", 3)
    desire(lead, ["phone"], PLAYBOOK, RANKS)
    assert lead.aside == {}


def test_a_version_goes_up_with_the_value_only() -> None:
    lead = Lead("l", "k", 0, 0, claims={"title": {LEAD: Claim("a", 1)}})
    desire(lead, ["title"], PLAYBOOK, RANKS)
    lead.claims["title"][CONTACT] = Claim("a", 5)
    desire(lead, ["title"], PLAYBOOK, RANKS)
    assert (lead.desired["title"].version, lead.desired["title"].at, lead.desired["title"].ref) == (1, 5, CONTACT)
    lead.claims["title"][CONTACT] = Claim("b", 6)
    desire(lead, ["title"], PLAYBOOK, RANKS)
    assert lead.desired["title"].version == 2


def test_a_field_that_goes_to_and_fro_is_frozen_once() -> None:
    book = replace(PLAYBOOK, guards=Guards(flips=2, flip_window_s=60))
    lead = Lead("l", "k", 0, 0)
    assert [count_flip(lead, "title", ms(n), book) for n in range(4)] == [False, False, True, False]
    assert lead.frozen["title"] == ms(62)
    assert not count_flip(Lead("l", "k", 0, 0, flips={"title": [ms(0), ms(1)]}), "title", ms(100), book)


def test_a_field_may_have_a_limit_of_its_own_for_going_to_and_fro() -> None:
    book = playbook(guards=Guards(flips=50, flip_window_s=10))
    book = replace(book, fields={**book.fields, "title": replace(book.fields["title"], freeze=Freeze(2, 60))})
    lead = Lead("l", "k", 0, 0)
    assert [count_flip(lead, "title", ms(n), book) for n in (0, 20, 40)] == [False, False, True]
    assert lead.frozen == {"title": ms(100)}
    assert [count_flip(lead, "phone", ms(n), book) for n in (0, 1, 2, 3)] == [False] * 4

"""Who gets the leads of somebody who goes: by turns, within caps, by the routes; what a cover inherits and gives back."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from sync.lead.cycle import HandoffNote, Offer
from sync.lead.eligible import Team
from sync.lead.presence import Away, Presence, present
from sync.lead.receivers import Held, Lent, give_back, held, lend, order, pass_on, run_of, without
from sync.lead.state import Desired, Lead
from sync.playbook.models import Assign, Caps, Playbook, Pool, Rep, Route, Step, When, Where
from tests import factory

ANA, BEN, JOE, VERA = "ana@acme.example", "ben@acme.example", "joe@acme.example", "vera@acme.example"
NOW = factory.ms(0)
HERE = Where("team.yaml", 3)


def book(**joe: object) -> Playbook:
    made = factory.playbook()
    pool = Pool("emea", (ANA, BEN, JOE), HERE)
    rep = Rep(JOE, "Joe", HERE, **joe)  # type: ignore[arg-type]
    return replace(made, reps={**made.reps, JOE: rep}, pools={**made.pools, "emea": pool})


def lead(n: int, owner: str = ANA, state: str | None = "offered", stage: str = "mql") -> Lead:
    made = Lead(f"00000000-0000-0000-0000-{n:012}", "k", NOW, NOW)
    made.desired = {name: Desired(value, NOW, "truce", 0, "") for name, value in (("owner", owner), ("stage", stage))}
    if state is not None:
        made.handoff = HandoffNote(f"h{n}", 1, state, owner, "", NOW)
    return made


def planned(leads: list[Lead], to: str | None, playbook: Playbook | None = None, **team: object) -> list[tuple[str | None, str]]:
    left = without(playbook or book(), ANA, NOW)
    values = [(one, {"owner": ANA}) for one in leads]
    found = pass_on(values, ANA, to, Team(left, factory.users(), NOW, **team))  # type: ignore[arg-type]
    return [(one.after, one.why) for one in found]


def test_a_pool_takes_them_by_turns_without_who_goes() -> None:
    assert Counter(who for who, _ in planned([lead(n) for n in range(6)], "pool:emea")) == {BEN: 3, JOE: 3}


def test_each_counts_against_the_next_so_that_caps_hold() -> None:
    got = planned([lead(n) for n in range(6)], "pool:emea", book(caps=Caps(day=2)))
    assert Counter(who for who, _ in got) == {BEN: 4, JOE: 2}
    got = planned([lead(n) for n in range(3)], "pool:emea", book(caps=Caps(open=5)), open={JOE: 4})
    assert Counter(who for who, _ in got) == {BEN: 2, JOE: 1}


def test_a_person_takes_them_all_and_nobody_who_may_not() -> None:
    assert {who for who, _ in planned([lead(1), lead(2)], BEN)} == {BEN}
    assert planned([lead(1)], BEN, present(book(), {BEN: Presence((Away(NOW, None),))})) == [(None, "away until they are back")]


def test_without_a_target_the_route_says_who() -> None:
    route = Route("all", When(), Assign(pool="emea", sticky=("owner",), fallback=(Step(owner=VERA),)), Where("routing.yaml", 2))
    got = planned([lead(n) for n in range(4)], None, replace(book(), routes=(route,)))
    assert Counter(who for who, _ in got) == {BEN: 2, JOE: 2}


def test_who_let_the_offer_run_out_is_not_asked_again_as_long_as_somebody_is_left() -> None:
    one = lead(1)
    assert one.handoff is not None
    one.handoff.offers = [Offer(1, BEN, "", NOW, ended="expired"), Offer(2, ANA, "", NOW)]
    assert [who for who, _ in planned([one, lead(2)], "pool:emea")] == [JOE, BEN]
    route = Route("all", When(), Assign(owner=BEN, fallback=(Step(owner=VERA),)), Where("routing.yaml", 2))
    assert [who for who, _ in planned([one], None, replace(book(), routes=(route,)))] == [VERA]


@pytest.mark.parametrize(
    ("one", "what"),
    [
        (lead(1), "handoff"),
        (lead(1, state="accepted"), "handoff"),
        (lead(1, state=None), "lead"),
        (lead(1, state="closed"), "lead"),
        (lead(1, state="closed", stage="customer"), None),
        (lead(1, owner=BEN), None),
    ],
)
def test_what_is_somebodys(one: Lead, what: str | None) -> None:
    assert held(one, ANA) == what


def test_the_same_lead_of_a_run_is_the_same_order() -> None:
    one = pass_on([(lead(1), {})], ANA, BEN, Team(without(book(), ANA, NOW), factory.users(), NOW))[0]
    first, second, other = (order(one, run, by="vera", at=factory.at(0)) for run in ("r1", "r1", "r2"))
    assert first == second
    assert first.id != other.id
    assert (first.data.to, first.data.who, first.data.handoff) == (BEN, ANA, "h1")  # type: ignore[attr-defined]


def one_(n: int, owner: str = ANA, state: str = "offered") -> Held:
    return Held(f"l{n}", "k", f"h{n}", owner, state)


def stands(away: bool = True, **more: Presence) -> Team:
    said = {ANA: Presence((Away(NOW - 1, None, BEN),))} if away else {}
    return Team(present(book(), said | {f"{name}@acme.example": one for name, one in more.items()}), factory.users(), NOW)


def test_a_cover_inherits_open_hand_offs_that_nobody_worked_on_once() -> None:
    rows = [one_(1), one_(2, state="accepted"), one_(3, state="worked"), one_(4, owner=JOE)]
    assert lend(rows, [], stands()) == [(rows[0], BEN), (rows[1], BEN)]
    leave = stands().absence(ANA)
    assert leave is not None
    assert lend(rows, [Lent(run_of(ANA, leave), "l1", "h1", ANA, BEN)], stands()) == [(rows[1], BEN)]
    assert lend(rows, [], stands(away=False)) == []
    assert lend(rows, [], stands(ben=Presence((Away(NOW - 1),)))) == [], "who covers is away too"


def test_back_again_they_get_what_was_not_worked_on() -> None:
    lent = [Lent("r", f"l{n}", f"h{n}", ANA, BEN) for n in range(1, 7)]
    rows = [one_(1, BEN), one_(2, BEN, "accepted"), one_(3, BEN, "worked"), one_(4, JOE), one_(5, ANA)]
    assert give_back(rows, lent, stands()) == ([], []), "still away"
    back, settled = give_back(rows, lent, stands(away=False))
    assert [one.lead_id for one, _ in back] == ["l1", "l2"]
    assert [one.lead_id for one in settled] == ["l3", "l4", "l6"], "worked, moved on, ended; the order about l5 is not decided yet"

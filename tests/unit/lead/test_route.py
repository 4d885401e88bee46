"""Who gets a lead: everybody who may not is passed over with the reason, and somebody is found as long as there is anybody."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from schemas.base import Scalar
from sync.lead import caps
from sync.lead.eligible import Team
from sync.lead.route import Choice, assign
from sync.lead.turns import PoolState
from sync.playbook.models import (
    Absence,
    Assign,
    Caps,
    Column,
    Goals,
    Hours,
    Playbook,
    Pool,
    Queue,
    Ramp,
    Rep,
    Route,
    Step,
    Table,
    Territories,
    When,
    Where,
)
from tests import factory
from tests.factory import ms

ANA, BEN, JOE, VERA = "ana@acme.example", "ben@acme.example", "joe@acme.example", "vera@acme.example"
NOW = ms(0)
"""Monday 23 November 2026, 09:00 UTC."""
POOL = Assign(pool="emea", fallback=(Step(owner=VERA),))
DAYS = dict.fromkeys(range(1, 6), (("08:00", "16:00"),))


def playbook(pool: Pool | None = None, **people: Rep) -> Playbook:
    """Give a playbook with these people changed, by first name, and a pool of ana, ben and joe."""
    made = factory.playbook()
    reps = dict(made.reps) | {rep.email: rep for rep in people.values()}
    return replace(made, reps=reps, pools={"emea": pool or Pool("emea", (ANA, BEN, JOE), Where("team.yaml", 20)), "sdr": made.pools["sdr"]})


def rep(email: str, **more: Any) -> Rep:
    return Rep(email, email.partition("@")[0].title(), Where("team.yaml", 3), **more)


def choose(book: Playbook, how: Assign = POOL, values: Mapping[str, Scalar] | None = None, **team: Any) -> Choice:
    given: dict[str, Any] = {"users": factory.users(), "now": NOW, **team}
    return assign(Choice(None, None, []), how, values or {}, Team(book, **given))


def over(choice: Choice) -> dict[str, str]:
    return {one["who"].partition("@")[0]: one["why"] for one in choice.passed_over}


def given(*rows: tuple[str, str, int]) -> dict[str, dict[str, dict[int, int]]]:
    """Give what was given: (pool or person, owner, ms)."""
    found: dict[str, dict[str, dict[int, int]]] = {}
    for name, owner, at in rows:
        quarters = found.setdefault(name, {}).setdefault(owner, {})
        quarters[at // caps.QUARTER_MS] = quarters.get(at // caps.QUARTER_MS, 0) + 1
    return found


def test_everyone_who_may_not_is_passed_over_with_the_reason() -> None:
    full = given(*[(JOE, JOE, NOW)] * 8)
    book = playbook(ana=rep(ANA, away=(Absence("2026-11-20", "2026-11-30"),)), joe=rep(JOE, caps=Caps(day=8)))
    choice = choose(book, given=full, users=factory.users(BEN))
    assert choice.owner == VERA
    assert over(choice) == {"ana": "on leave to 30 Nov", "ben": "is inactive in salesforce", "joe": "8 of 8 today"}
    assert (choice.kind, choice.turn) == ("fallback", None)


def test_the_unknown_are_passed_over() -> None:
    pool = Pool("emea", ("new@acme.example", ANA), Where("team.yaml", 20))
    newcomer = rep("new@acme.example")
    assert over(choose(playbook(pool))) == {"new": "is not in team.yaml"}
    assert over(choose(playbook(pool, new=newcomer))) == {"new": "has no user in salesforce"}


def test_days_away_are_days_where_the_person_is() -> None:
    away = (Absence("2026-11-23", "2026-11-23"),)
    book = playbook(
        ana=rep(ANA, away=away, hours=Hours(timezone="Pacific/Auckland")), ben=rep(BEN, away=away, hours=Hours(timezone="America/New_York"))
    )
    before, after = choose(book, now=ms(-11 * 3600)), choose(book, now=ms(2 * 3600))
    assert over(before) == {"ana": "on leave to 23 Nov"}, "Sunday 22:00 UTC is Monday in Auckland"
    assert over(after) == {"ben": "on leave to 23 Nov"}, "Monday 11:00 UTC is Tuesday in Auckland"


def test_cover_takes_what_would_be_theirs_if_they_may() -> None:
    book = playbook(ana=rep(ANA, away=(Absence("2026-11-20", "2026-11-30", VERA),)))
    choice = choose(book)
    assert choice.turn is not None
    assert (choice.owner, choice.kind, choice.turn.member) == (VERA, "cover", ANA)
    assert choice.pools["emea"].served == {ANA: 1}
    assert choice.how == "pool emea, round robin, for Ana"
    without = choose(book, users=factory.users(VERA))
    assert without.owner == BEN
    assert over(without) == {"ana": "on leave to 30 Nov; Vera, who covers, is inactive in salesforce"}


def test_cover_stands_in_for_whom_a_route_names_too() -> None:
    book = playbook(ana=rep(ANA, away=(Absence("2026-11-20", "2026-11-30", BEN),)))
    choice = choose(book, Assign(owner=ANA))
    assert (choice.owner, choice.kind, choice.how) == (BEN, "cover", "covers Ana; named by the route")
    assert over(choice) == {"ana": "on leave to 30 Nov"}


def test_hours_narrow_the_choice_and_never_empty_it() -> None:
    early, late = Hours(DAYS, "Europe/Berlin"), Hours(DAYS, "America/New_York")
    book = playbook(ana=rep(ANA, hours=late), ben=rep(BEN, hours=early), joe=rep(JOE, hours=late))
    choice = choose(book)
    assert choice.owner == BEN
    assert over(choice) == {"ana": "outside their hours", "joe": "outside their hours"}
    night = choose(book, now=ms(-6 * 3600))
    assert (night.owner, night.passed_over) == (ANA, []), "at three in the morning it is somebody's all the same"


def test_a_holiday_is_a_day_off_unless_it_is_everybodys() -> None:
    german = Hours(calendar="DE")
    christmas = ms(32 * 86_400)
    some = playbook(ana=rep(ANA, hours=german), ben=rep(BEN, hours=german))
    choice = choose(some, now=christmas)
    assert (choice.owner, over(choice)) == (JOE, {"ana": "holiday: Christmas Day", "ben": "holiday: Christmas Day"})
    people = {name: rep(mail, hours=german) for name, mail in {"ana": ANA, "ben": BEN, "joe": JOE, "vera": VERA}.items()}
    everybody = choose(playbook(None, **people), now=christmas)
    assert (everybody.owner, everybody.kind) == (ANA, "turn")
    away = choose(playbook(None, **(people | {"vera": rep(VERA)})), now=christmas)
    assert away.owner == VERA, "the fallback works on that day"


def test_memory_and_who_said_no() -> None:
    book = playbook()
    remembered = replace(POOL, memory=2)
    assert choose(book, remembered, had=(BEN, ANA)).owner == JOE
    assert choose(book, replace(POOL, memory=1), had=(BEN, ANA)).owner == BEN
    assert choose(book, replace(POOL, memory=3), had=(JOE, BEN, ANA)).owner == ANA, "nobody would be left"
    no = choose(book, said_no=frozenset({ANA, BEN}))
    assert (no.owner, over(no)) == (JOE, {"ana": "had this lead before", "ben": "had this lead before"})
    assert choose(book, said_no=frozenset({ANA, BEN, JOE})).owner == VERA
    last = choose(book, said_no=frozenset({ANA, BEN, JOE, VERA}))
    assert last.owner == VERA, "only the fallback is left"
    assert choose(book, replace(POOL, fallback=()), said_no=frozenset({ANA, BEN, JOE})).owner is None


def test_skills_and_languages_are_asked_of_the_pool_and_not_of_the_fallback() -> None:
    book = playbook(ana=rep(ANA, skills=frozenset({"plc"})), ben=rep(BEN, skills=frozenset({"plc"}), languages=frozenset({"de", "en"})))
    asked = replace(POOL, skills=("plc",), language="language")
    choice = choose(book, asked, {"language": "DE"})
    assert (choice.owner, over(choice)) == (BEN, {"ana": "does not speak de", "joe": "has no skill plc"})
    assert choose(book, asked, {"language": None}).owner == ANA, "a lead without a language asks for none"
    assert choose(book, asked, {"language": "fr"}).owner == VERA
    pools = replace(asked, fallback=(Step(pool="sdr"), Step(owner=VERA)))
    assert choose(book, pools, {"language": "fr"}).how == "pool sdr, round robin"


@pytest.mark.parametrize(
    ("sticky", "values", "owner", "how"),
    [
        (("owner",), {"owner": BEN}, BEN, "keeps its owner"),
        (("account_owner",), {"owner": BEN, "account.owner": JOE}, JOE, "the account is theirs"),
        (("opportunity_owner", "owner"), {"owner": BEN, "opportunity.owner": JOE}, JOE, "the open opportunity is theirs"),
        (("opportunity_owner", "owner"), {"owner": BEN}, BEN, "keeps its owner"),
        (("previous_owner",), {}, JOE, "had it before"),
        (("account_owner",), {"account.owner": None}, ANA, "pool emea, round robin"),
        (("owner",), {"owner": "queue@x.example"}, ANA, "pool emea, round robin"),
    ],
)
def test_who_keeps_a_lead(sticky: Any, values: dict[str, Scalar], owner: str, how: str) -> None:
    choice = choose(playbook(), replace(POOL, sticky=sticky), values, had=(BEN, JOE))
    assert (choice.owner, choice.how) == (owner, how)
    assert (choice.turn is None) is (owner != ANA), "no turn is used up by who keeps it"


def test_a_keeper_over_the_cap_does_not_keep_it() -> None:
    book = playbook(ben=rep(BEN, caps=Caps(open=3)))
    how = replace(POOL, sticky=("owner",))
    assert choose(book, how, {"owner": BEN}, open={BEN: 2}).owner == BEN
    choice = choose(book, how, {"owner": BEN}, open={BEN: 3})
    assert (choice.owner, over(choice)) == (ANA, {"ben": "3 of 3 open leads"})


def test_a_queue_is_its_humans() -> None:
    choice = choose(playbook(), Assign(queue=Queue("emea-queue", JOE), fallback=(Step(owner=VERA),)))
    assert (choice.owner, choice.how) == (JOE, "answers for the queue emea-queue")


def test_a_chain_of_fallbacks_goes_on_to_the_end() -> None:
    how = Assign(pool="none", fallback=(Step(pool="emea"), Step(queue=Queue("late", JOE)), Step(owner=VERA)))
    book = playbook()
    assert choose(book, how).how == "pool emea, round robin"
    assert choose(book, how, users=factory.users(ANA, BEN)).owner == JOE
    last = choose(book, how, users=factory.users(ANA, BEN, JOE))
    assert (last.owner, last.kind) == (VERA, "fallback")
    assert choose(book, how, users=factory.users(*factory.PEOPLE)).owner is None


def test_caps_of_each_member_and_of_the_whole_pool() -> None:
    pool = Pool("emea", (ANA, BEN), Where("team.yaml", 20), caps=Caps(day=2), total=Caps(day=3))
    two = given(("emea", ANA, NOW), ("emea", ANA, NOW))
    choice = choose(playbook(pool), given=two)
    assert (choice.owner, over(choice)) == (BEN, {"ana": "2 of 2 today from emea"})
    three = given(("emea", ANA, NOW), ("emea", ANA, NOW), ("emea", BEN, NOW))
    choice = choose(playbook(pool), given=three)
    assert (choice.owner, over(choice)) == (VERA, {"emea": "3 of 3 today for the whole pool"})


def test_caps_count_the_persons_own_day_and_week_and_every_window() -> None:
    sydney = Hours(timezone="Australia/Sydney")  # 20:00 on Monday the 23rd
    yesterday, week, month = NOW - 21 * 3_600_000, NOW - 3 * 86_400_000, NOW - 29 * 86_400_000
    cases: list[tuple[Caps, int, str | None]] = [
        (Caps(day=1), yesterday, None),
        (Caps(day=1), NOW - 19 * 3_600_000, "1 of 1 today"),
        (Caps(week=1), week, None),
        (Caps(week=1), NOW - 19 * 3_600_000, "1 of 1 this week"),
        (Caps(window=(30, 1)), month, "1 of 1 in 30 days"),
        (Caps(window=(28, 1)), month, None),
        (Caps(window=(30, 1)), NOW + 86_400_000, "1 of 1 in 30 days"),
        (Caps(day=0), month, "0 of 0 today"),
    ]
    for limit, at, said in cases:
        choice = choose(playbook(ana=rep(ANA, hours=sydney, caps=limit)), given=given((ANA, ANA, at)))
        assert over(choice).get("ana") == said, (limit, at)


def test_a_week_begins_on_the_day_that_goals_yaml_says() -> None:
    """What was given on the Sunday before counts where weeks begin on Sunday."""
    monday = playbook(ana=rep(ANA, caps=Caps(week=1)))
    sunday = replace(monday, goals=Goals(week_starts=7))
    last = given((ANA, ANA, NOW - 86_400_000))
    assert over(choose(monday, given=last)).get("ana") is None
    assert over(choose(sunday, given=last)).get("ana") == "1 of 1 this week"
    assert (Team(monday, {}, NOW).week(), Team(sunday, {}, NOW).week()) == ("2026-11-23", "2026-11-22")


def test_a_new_hire_gets_their_share_of_a_share() -> None:
    ramp = Ramp("2026-11-23", 4, 0.25)
    book = playbook(ana=rep(ANA, ramp=ramp))
    for day, share in ((0, 0.25), (14, 0.625), (28, 1.0), (300, 1.0), (-9, 0.25)):
        assert Team(book, {}, ms(day * 86_400)).ramp(ANA) == pytest.approx(share)
    state, got = PoolState(), list[str | None]()
    for _ in range(90):
        choice = choose(book, pools={"emea": state})
        state, got = choice.pools["emea"], [*got, choice.owner]
    assert {who: got.count(who) for who in (ANA, BEN, JOE)} == {ANA: 10, BEN: 40, JOE: 40}


def test_the_ways_to_share_out() -> None:
    pool = Pool("emea", (ANA, BEN, JOE), Where("team.yaml", 20), {BEN: 2.0})
    book = playbook(pool, ana=rep(ANA, caps=Caps(open=50)), ben=rep(BEN, caps=Caps(open=10)), joe=rep(JOE, caps=Caps(open=20)))
    counts = {ANA: 20, BEN: 9, JOE: 5}
    assert choose(book, replace(POOL, by="least_open"), open=counts).owner == BEN, "nine for a weight of two"
    assert choose(book, replace(POOL, by="capacity"), open=counts).owner == JOE
    assert choose(book, replace(POOL, by="capacity"), open=counts | {JOE: 15}).owner == ANA
    state, got = PoolState(), list[str | None]()
    for _ in range(40):
        choice = choose(book, replace(POOL, by="weighted"), pools={"emea": state})
        state, got = choice.pools["emea"], [*got, choice.owner]
    assert {who: got.count(who) for who in (ANA, BEN, JOE)} == {ANA: 10, BEN: 20, JOE: 10}


def test_shares_by_load_leave_the_turns_as_they_were() -> None:
    book = playbook()
    first = choose(book)
    loaded = choose(book, replace(POOL, by="least_open"), open={ANA: 0, BEN: 9, JOE: 9}, pools=first.pools)
    assert loaded.owner == ANA
    assert loaded.pools["emea"].ahead == first.pools["emea"].ahead
    assert loaded.pools["emea"].number == 2


def test_what_a_choice_may_depend_on_is_named_with_its_whole_chain() -> None:
    pool = Pool("emea", (ANA, BEN), Where("team.yaml", 20), total=Caps(week=9))
    book = playbook(
        pool,
        ana=rep(ANA, caps=Caps(day=3), away=(Absence("2026-12-01", "2026-12-02", VERA),)),
        vera=rep(VERA, caps=Caps(open=5)),
        joe=rep(JOE, caps=Caps(window=(30, 90))),
    )
    how = Assign(pool="emea", fallback=(Step(pool="sdr"), Step(owner=VERA)))
    basis = choose(book, how, {"owner": JOE}).basis
    assert basis.locked == {"emea", "sdr", ANA, VERA, JOE}
    assert basis.counted == {"emea", ANA, JOE}
    assert (basis.open, basis.days) == (frozenset({VERA}), 31)
    assert choose(factory.playbook(), Assign(owner=ANA)).basis.locked == frozenset(), "nothing to be locked"
    assert choose(book, replace(how, by="least_open")).basis.open == {ANA, BEN, VERA}


def test_a_row_of_a_table_names_the_person_or_the_pool() -> None:
    columns = (Column("domain", "domain"), Column("owner", "person"), Column("pool", "pool"))
    rows = (("acme.example", JOE, None), ("beta.example", None, "sdr"))
    named = Table("named", Where("tables/named.csv", 1), columns, rows, array("L", [2, 3]), ("email_domain",))
    book = replace(playbook(), tables={"named": named})
    how = Assign(table="named", fallback=(Step(owner=VERA),))
    person = choose(book, how, {"email_domain": "no.acme.example"})
    assert (person.owner, person.how) == (JOE, "named by tables/named.csv:2")
    pool = choose(book, how, {"email_domain": "beta.example"})
    assert pool.how == "pool sdr, round robin, by tables/named.csv:3"
    assert pool.basis.locked == {"sdr"}
    none = choose(book, how, {"email_domain": "other.example"})
    assert (none.owner, over(none)) == (VERA, {"named": "tables/named.csv has no row for this lead"})
    assert [one.unruled for one in (person, pool, none)] == [False, False, True], "no rule names anybody for the last"


def test_what_only_the_last_route_takes_and_a_last_resort_gets_no_rule_named() -> None:
    rule, root = (Route(name, When(), POOL, Where("routing.yaml", n)) for n, name in enumerate(("rule", "root")))
    routes, nobody = (rule, root), replace(playbook().pools["emea"], members=())
    book = replace(playbook(), routes=routes)
    empty = replace(book, pools={"emea": nobody})

    def chosen(book: Playbook, route: Route, how: Assign = POOL) -> Choice:
        return assign(Choice(None, route, []), how, {}, Team(book, factory.users(), NOW))

    assert [chosen(one, route).unruled for one in (book, empty) for route in routes] == [False, False, False, True]
    assert chosen(book, root, Assign(owner=JOE)).unruled
    assert not chosen(book, rule, Assign(owner=JOE)).unruled
    assert not chosen(replace(book, routes=(root,)), root, Assign(owner=JOE)).unruled, "one route is the rule"


def test_a_territory_names_the_pool() -> None:
    columns = (Column("country", "country"), Column("state", "state"), Column("territory"), Column("pool", "pool"))
    table = Table("territories", Where("tables/territories.csv", 1), columns, (("NO", None, "nordics", "emea"),), array("L", [2]))
    book = replace(playbook(), territories=Territories(table))
    how = Assign(pool="territory", by="weighted", fallback=(Step(owner=VERA),))
    assert choose(book, how, {"country": "NO"}).how == "pool emea, weighted, by tables/territories.csv:2"
    outside = choose(book, how, {"country": "FR"})
    assert (outside.owner, over(outside)) == (VERA, {"territory": "the lead falls into no territory"})

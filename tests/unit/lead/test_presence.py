"""Who is there, as people say it over team.yaml; and dates as people say them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from sync.lead.dates import NoDate, end_of, moment, shown
from sync.lead.eligible import Team
from sync.lead.presence import EVER, Away, Presence, present
from sync.lead.route import Choice, assign
from sync.lead.turns import PoolState
from sync.playbook.models import Absence, Assign, Caps, Playbook, Pool, Rep, Where
from tests import factory

BERLIN = "Europe/Berlin"
ANA, BEN, JOE = "ana@acme.example", "ben@acme.example", "joe@acme.example"
NINE = factory.ms(0)
HOUR = 3_600_000


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(BERLIN)).timestamp() * 1000)


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("Mon", "2026-11-30T00:00"),
        ("wed", "2026-12-02T00:00"),  # today is a Wednesday
        ("Thursday", "2026-11-26T00:00"),
        ("next fri", "2026-11-27T00:00"),
        ("Fri 9:00", "2026-11-27T09:00"),
        ("tomorrow at 08:30", "2026-11-26T08:30"),
        ("17:00", "2026-11-25T17:00"),
        ("9:00", "2026-11-26T09:00"),  # already past today
        ("3 Dec", "2026-12-03T00:00"),
        ("Dec 3rd", "2026-12-03T00:00"),
        ("2. January", "2027-01-02T00:00"),
        ("2026-12-24 12:00", "2026-12-24T12:00"),
        ("3 days", "2026-11-28T00:00"),
        ("for 2 hours", "2026-11-25T14:00"),
        ("now", "2026-11-25T12:00"),
    ],
)
def test_a_date_as_people_say_it(text: str, means: str) -> None:
    assert moment(text, ms("2026-11-25T12:00"), BERLIN) == ms(means)


@pytest.mark.parametrize(
    "text",
    ["", "soon", "31 Feb", "25:00", "mons", "3 Foo", "the day after", "2026-13-01"],
)
def test_what_is_no_date_is_not_guessed(text: str) -> None:
    with pytest.raises(NoDate, match="is no date that Truce understands"):
        moment(text, ms("2026-11-25T12:00"), BERLIN)


@pytest.mark.parametrize(
    "text", ["9999-12-31", "1 Jan 0001", "2037-01-01", "3 Nov 2016", "4000 days", "999999999 weeks", "99999999 hours", "3 Dec 2999 17:00"]
)
def test_what_is_too_far_away_is_said_to_be_so(text: str) -> None:
    with pytest.raises(NoDate, match="is too far away"):
        moment(text, ms("2026-11-25T12:00"), BERLIN)


def test_a_day_is_that_of_the_persons_zone() -> None:
    at = moment("tomorrow", ms("2026-11-25T12:00"), "Asia/Kolkata")
    assert datetime.fromtimestamp(at / 1000, ZoneInfo("Asia/Kolkata")).isoformat() == "2026-11-26T00:00:00+05:30"


def test_a_day_of_another_year_is_told_with_it() -> None:
    now = ms("2026-11-25T12:00")
    assert [shown(ms(one), now, BERLIN) for one in ("2026-12-31T00:00", "2027-01-04T09:30")] == ["Thu 31 Dec", "Mon 4 Jan 2027 09:30"]


def test_the_last_day_of_an_absence_is_over_at_midnight_and_one_without_end_in_ten_years() -> None:
    now = ms("2026-11-25T12:00")
    assert [end_of(one, now, BERLIN) for one in ("2026-11-30", EVER)] == [ms("2026-12-01T00:00"), ms("2036-12-03T00:00")]


def book(**ana: object) -> Playbook:
    made = factory.playbook()
    rep = Rep(ANA, "Ana", Where("team.yaml", 3), **ana)  # type: ignore[arg-type]
    pool = Pool("emea", (ANA, JOE), Where("team.yaml", 20))
    return replace(made, reps={**made.reps, ANA: rep}, pools={**made.pools, "emea": pool})


def chosen(playbook: Playbook, said: Presence, at: int = NINE, who: str = ANA) -> tuple[str | None, str]:
    """Give who gets a lead that the route gives to somebody, and why they were passed over."""
    team = Team(present(playbook, {who: said}), factory.users(), at)
    choice = assign(Choice(None, None, []), Assign(owner=who), {}, team)
    return choice.owner, team.obstacle(who) or ""


def test_who_is_away_is_passed_over_to_the_minute() -> None:
    said = Presence((Away(NINE + HOUR, NINE + 3 * HOUR),))
    assert chosen(book(), said) == (ANA, "")
    assert chosen(book(), said, NINE + HOUR) == (None, "away to 23 Nov 12:00")
    assert chosen(book(), said, NINE + 3 * HOUR - 1)[0] is None
    assert chosen(book(), said, NINE + 3 * HOUR) == (ANA, "")


def test_who_covers_gets_it_and_an_end_may_be_open() -> None:
    assert chosen(book(), Presence((Away(NINE, None, BEN),))) == (BEN, "away until they are back")


def test_an_end_beyond_every_calendar_is_none_and_stops_nothing() -> None:
    for end in (ms("9999-12-31T00:00"), ms("9999-12-31T23:59"), 10**15):
        assert chosen(book(), Presence((Away(NINE, end, BEN),))) == (BEN, "away until they are back")


def test_who_is_back_is_back_whatever_the_file_says_until_the_next_absence() -> None:
    away = book(away=(Absence("2026-11-20", "2026-11-30", BEN), Absence("2026-12-24", "2026-12-31")))
    assert chosen(away, Presence())[0] == BEN
    back = Presence(back=(Away(NINE, NINE + 8 * 24 * HOUR),))
    assert chosen(away, back) == (ANA, "")
    assert chosen(away, back, NINE - HOUR)[0] == BEN
    assert chosen(away, back, NINE + 32 * 24 * HOUR) == (None, "on leave to 31 Dec")


def test_caps_and_weights_of_people_stand_over_the_files() -> None:
    made = present(
        book(caps=Caps(day=8, open=40)), {ANA: Presence(weight=0.5, caps=Caps(day=2)), "nobody@acme.example": Presence(weight=1)}
    )
    assert made.reps[ANA].caps == Caps(day=2, open=40)
    assert made.pools["emea"].weights == {ANA: 0.5}
    assert "nobody@acme.example" not in made.reps


def test_half_a_weight_is_half_the_turns_in_a_round_robin_too_and_none_is_none() -> None:
    def turns(weight: float) -> list[str | None]:
        playbook, found = present(book(), {ANA: Presence(weight=weight)}), list[str | None]()
        pools: dict[str, PoolState] = {}
        for _ in range(6):
            choice = assign(Choice(None, None, []), Assign(pool="emea"), {}, Team(playbook, factory.users(), NINE, pools))
            pools = {**pools, **choice.pools}
            found.append(choice.owner)
        return found

    assert turns(0.5).count(ANA) == 2
    assert turns(0) == [JOE] * 6
    assert turns(1).count(ANA) == 3


def test_nothing_said_is_the_same_playbook() -> None:
    made = factory.playbook()
    assert present(made, {}) is made

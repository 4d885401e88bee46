"""A promise is in danger before its time is over: when its system was not read for longer than is left until the warning."""

from __future__ import annotations

from datetime import UTC, datetime

from sync.lead import danger
from sync.lead.danger import Danger, Promise
from sync.lead.state import to_ms
from sync.playbook.models import Leg
from tests.unit.lead.handing import ANA, H, M, book, leg

BOOK = book(leg("accept", "30m", "reassign", warn="10m"), leg("first_response", "4h", "escalate"))
NOON = to_ms(datetime(2026, 11, 25, 12, tzinfo=UTC))


def at(seconds: float) -> int:
    return NOON + round(seconds * 1000)


def promise(due: float | None, name: Leg = "accept", offered: float = 0) -> Promise:
    return Promise("fast", name, ANA, None if due is None else at(due), at(offered))


def of(now: float, *promises: Promise, read: float = 0) -> Danger | None:
    """What is in danger at `now` because Salesforce was read until `read` (seconds)."""
    behind = danger.unread({"salesforce": at(read), "hubspot": at(-H)}, BOOK, at(now))
    assert set(behind) <= {"salesforce"}, "only systems of sales show whether a promise is kept"
    return danger.dangers(promises, behind, BOOK, at(now)).get("salesforce")


def test_it_begins_half_way_to_the_warning_and_not_before() -> None:
    assert of(10 * M, promise(30 * M)) is None
    assert of(10 * M + 1, promise(30 * M)) == Danger(NOON, 1, at(30 * M), at(30 * M)), "20 minutes to the warning, 10 of them gone unread"


def test_a_leg_without_a_warning_has_its_whole_time() -> None:
    late = promise(4 * H, "first_response")
    assert of(2 * H, late) is None
    assert of(2 * H + 1, late) == Danger(NOON, 1, at(4 * H), at(4 * H))


def test_a_few_minutes_without_a_read_are_nothing_however_near_the_deadline_is() -> None:
    assert of(10 * M, promise(11 * M)) is None
    assert of(10 * M + 1, promise(11 * M)) is not None


def test_what_was_due_before_the_last_read_is_known() -> None:
    assert of(H, promise(-1), promise(0)) is None
    assert of(H, promise(1)) == Danger(NOON, 1, at(1), at(1))


def test_an_offer_that_has_not_reached_its_owner_counts_from_when_it_was_made() -> None:
    assert of(15 * M, promise(None, offered=20 * M)) is None
    assert of(20 * M, promise(None, offered=10 * M)) == Danger(NOON, 1, at(40 * M), at(40 * M))


def test_all_of_a_system_is_one_and_says_how_many_and_until_when() -> None:
    found = of(H, promise(H + 5 * M), promise(H + 30 * M), promise(9 * H), promise(30 * M))
    assert found == Danger(NOON, 3, at(30 * M), at(H + 30 * M))
    assert danger.words("salesforce", found, at(H), "Europe/Berlin") == (
        "salesforce has not been read since 13:00: 3 promises of hand-offs are in danger, due from 13:30 to 14:30 (Europe/Berlin); "
        "nobody loses a lead before it is read"
    )


def test_what_may_be_in_danger_lies_before_the_horizon() -> None:
    now, behind = at(H), {"salesforce": NOON}
    last = danger.horizon(behind.values(), BOOK, now)
    assert danger.dangers([promise((last - NOON) / 1000 - 1)], behind, BOOK, now)
    assert not danger.dangers([promise((last - NOON) / 1000)], behind, BOOK, now)

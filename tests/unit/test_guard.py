from __future__ import annotations

from collections.abc import Sequence

import asyncpg
import pytest
from aiokafka.errors import KafkaTimeoutError

from schemas.envelope import Unreadable
from sync.lead.decision import OutcomeKind
from sync.runtime.clock import SetClock
from sync.runtime.guard import CannotPark, Contended, Failure, Flood, Guard, TooMuchParked, attempt, failure, judge
from sync.runtime.health import Health


class Store:
    """Applies numbers; refuses whole batches that hold a bad one, or fails as told."""

    def __init__(self, bad: Sequence[int] = (), errors: Sequence[Exception] = (), unparkable: bool = False) -> None:
        self.bad, self.errors, self.unparkable = set(bad), list(errors), unparkable
        self.applied: list[int] = []
        self.parked: list[tuple[int, str]] = []
        self.calls = 0

    async def apply(self, part: Sequence[int], why: Failure | None) -> int:
        self.calls += 1
        if why is not None:
            if self.unparkable:
                raise ValueError("not even that")
            self.parked.append((part[0], why.code))
            return 1
        if self.errors:
            raise self.errors.pop(0)
        if self.bad & set(part):
            raise asyncpg.CharacterNotInRepertoireError("NUL")
        self.applied += part
        return len(part)


@pytest.fixture
def health() -> Health:
    return Health(SetClock())


async def test_one_refused_message_is_parked_alone_and_the_rest_is_applied_in_order(health: Health) -> None:
    store = Store(bad=[37])
    await Guard(health, store.apply).run(list(range(100)))
    assert store.applied == [n for n in range(100) if n != 37]
    assert store.parked == [(37, "CharacterNotInRepertoireError")]
    assert store.calls < 30


async def test_a_connection_error_waits_with_a_named_reason_and_parks_nothing(health: Health) -> None:
    store = Store(errors=[asyncpg.ConnectionDoesNotExistError(), OSError(), KafkaTimeoutError()])
    await Guard(health, store.apply).run([1, 2])
    assert (store.applied, store.parked, health.waits) == ([1, 2], [], {})


async def test_a_deadlock_is_tried_again_with_fewer_messages_and_never_parked(health: Health) -> None:
    store = Store(errors=[asyncpg.DeadlockDetectedError(), asyncpg.SerializationError(), Contended()])
    await Guard(health, store.apply).run([1, 2])
    assert (store.applied, store.parked) == ([1, 2], [])


async def test_a_part_that_was_only_begun_goes_on_where_it_ended(health: Health) -> None:
    done: list[int] = []

    async def two_at_most(part: Sequence[int], why: Failure | None) -> int:
        done.extend(part[:2])
        return min(2, len(part))

    await Guard(health, two_at_most).run([1, 2, 3, 4, 5])
    assert done == [1, 2, 3, 4, 5]


async def test_what_can_neither_be_applied_nor_parked_stops(health: Health) -> None:
    with pytest.raises(CannotPark):
        await Guard(health, Store(bad=[1], unparkable=True).apply).run([1])


@pytest.mark.parametrize(
    ("error", "next_"),
    [
        (asyncpg.ConnectionDoesNotExistError(), "wait"),
        (asyncpg.InterfaceError("connection is closed"), "wait"),
        (asyncpg.IdleInTransactionSessionTimeoutError(), "wait"),
        (asyncpg.AdminShutdownError(), "wait"),
        (asyncpg.DiskFullError(), "wait"),
        (asyncpg.ReadOnlySQLTransactionError(), "wait"),
        (TimeoutError(), "wait"),
        (KafkaTimeoutError(), "wait"),
        (asyncpg.DeadlockDetectedError(), "again"),
        (asyncpg.exceptions._base.DataError("invalid input for query argument"), "poison"),
        (asyncpg.UntranslatableCharacterError(), "poison"),
        (RuntimeError(), "poison"),
        (KeyError(), "poison"),
    ],
)
def test_an_error_is_judged_by_what_happens_next(error: Exception, next_: str) -> None:
    assert judge(error) == next_


def test_a_failure_keeps_the_reason_and_where_it_happened_without_characters_that_cannot_be_kept() -> None:
    def blow(_: int) -> int:
        raise RuntimeError("a \x00 and a \ud800")

    got = attempt(blow, 1)
    assert isinstance(got, Failure)
    assert got.code == "RuntimeError"
    assert "blow" in (got.traceback or "")
    assert "\x00" not in got.reason
    got.reason.encode()
    assert failure(Unreadable("ce_id is missing")) == Failure("ce_id is missing", "unreadable")


TENTH: list[OutcomeKind] = ["parked", "applied", "noop", "applied", "filtered", "applied", "applied", "applied", "applied", "applied"]


def of(source: str, outcomes: Sequence[OutcomeKind]) -> list[tuple[str, OutcomeKind]]:
    return [(source, outcome) for outcome in outcomes]


def test_fifty_in_a_row_or_a_tenth_of_a_thousand_of_two_sources_is_too_much() -> None:
    flood = Flood()
    flood.note(of("hubspot", ["parked"] * 49), 0.0)
    flood.note(of("hubspot", ["applied"]), 0.0)
    flood.note(of("salesforce", ["parked"] * 50), 0.0)
    flood.note(of("hubspot", ["parked"] * 49), 0.0)
    with pytest.raises(TooMuchParked, match=r"2 sources .*of hubspot 99 of the last 100, of salesforce 50 of the last 50"):
        flood.note(of("hubspot", ["parked"]), 0.0)
    flood = Flood()
    for _ in range(100):
        flood.note(of("salesforce", TENTH) + of("hubspot", TENTH), 0.0)
    flood.note(of("hubspot", ["parked", "parked"]), 0.0)
    with pytest.raises(TooMuchParked, match="of hubspot 101 of the last 1000, of salesforce 101 of the last 1000"):
        flood.note(of("salesforce", ["parked", "parked"]), 0.0)


def test_one_source_that_sends_nothing_but_nonsense_stops_nobody_and_counts_for_no_other() -> None:
    flood = Flood()
    for _ in range(300):
        flood.note(of("website", ["parked"] * 10) + of("salesforce", TENTH) + of("hubspot", ["applied"] * 10), 0.0)
    flood.note(of("website", ["applied"] * 1000) + of("hubspot", ["parked"] * 60), 0.0)
    flood.note(of("hubspot", ["applied"]), 0.0)


def test_what_one_source_sent_long_ago_says_nothing_of_another() -> None:
    flood = Flood()
    flood.note(of("website", ["parked"] * 60), 0.0)
    flood.note(of("hubspot", ["parked"] * 60), 601.0)
    with pytest.raises(TooMuchParked):
        flood.note(of("website", ["parked"]), 700.0)


def test_no_progress_without_a_reason_is_a_stall() -> None:
    clock = SetClock()
    health = Health(clock)
    clock.forward(59)
    assert not health.stalled()
    clock.forward(2)
    assert health.stalled()
    health.progress()
    with health.waiting("database"):
        clock.forward(600)
        assert not health.stalled()
        assert health.report()["waiting"] == {"database": 600.0}
    assert not health.stalled()
    clock.forward(61)
    assert health.stalled()

from __future__ import annotations

from collections.abc import Mapping

import asyncpg
from aiokafka.errors import KafkaConnectionError

from sync.agents.delivery import Delivery
from sync.agents.halt import Halt
from sync.runtime.clock import SetClock
from sync.runtime.health import Health
from sync.store.applied import Epoch


class Row:
    def __init__(self, offset: int) -> None:
        self.offset = offset


class Broker:
    """Where a partition's log begins and ends, and where it was sought to."""

    def __init__(self) -> None:
        self.log: dict[int, tuple[int, int]] = {0: (0, 100), 1: (0, 100)}
        self.sought: list[dict[int, int]] = []
        self.away = 0

    async def rewind(self, wanted: Mapping[int, int]) -> None:
        self.sought.append(dict(wanted))

    async def ends(self, partitions: frozenset[int]) -> dict[int, tuple[int, int]]:
        if self.away:
            self.away -= 1
            raise KafkaConnectionError("away")
        return {p: self.log[p] for p in partitions}

    def seen_end(self, partition: int) -> int | None:
        return self.log[partition][1]


class World:
    def __init__(self, mine: Mapping[int, int]) -> None:
        self.broker, self.clock, self.halts = Broker(), SetClock(1_000_000), list[Halt]()
        self.mine, self.taken, self.errors = dict(mine), list[tuple[Epoch, frozenset[int]]](), list[Exception]()
        self.delivery = Delivery(lambda: self.broker, self.take, 1, self.clock, Health(self.clock), self.halts.append)

    async def take(self, epoch: Epoch, partitions: frozenset[int]) -> dict[int, int]:
        self.taken.append((epoch, partitions))
        if self.errors:
            raise self.errors.pop(0)
        return {p: offset for p, offset in self.mine.items() if p in partitions}


async def settled(mine: Mapping[int, int]) -> World:
    world = World(mine)
    await world.delivery.assigned(7, frozenset({0, 1}))
    return world


def offsets(world: World, records: Mapping[int, list[int]]) -> tuple[list[int], dict[int, int]]:
    turn, gaps = world.delivery.accept({p: [Row(o) for o in rows] for p, rows in records.items()})
    return [row.offset for row in turn], gaps


async def test_an_assignment_takes_the_epoch_and_seeks_what_is_ours() -> None:
    world = await settled({0: 5})
    assert world.taken == [(Epoch(1, 7), frozenset({0, 1}))]
    assert world.broker.sought == [{0: 5}]
    assert world.delivery.epoch == Epoch(1, 7)


async def test_an_assignment_waits_for_servers_that_are_away() -> None:
    world = World({0: 5})
    world.errors, world.broker.away = [asyncpg.ConnectionDoesNotExistError(), OSError()], 1
    await world.delivery.assigned(7, frozenset({0}))
    assert world.delivery.next == {0: 5}
    assert world.halts == []


async def test_what_was_applied_is_passed_over_and_a_gap_is_read_again_once() -> None:
    world = await settled({0: 5, 1: 0})
    assert offsets(world, {0: [3, 4, 5, 6], 1: [0, 1], 2: [9]}) == ([5, 6, 0, 1], {})
    turn, gaps = offsets(world, {0: [5, 7, 8]})
    assert (turn, gaps) == ([5], {0: 6})
    await world.delivery.read_again(gaps)
    assert world.broker.sought[-1] == {0: 6}
    assert offsets(world, {0: [9, 10]}) == ([], {})  # later ones are stale until the expected one comes
    world.clock.forward(4)
    assert offsets(world, {0: [9, 10]}) == ([], {0: 5})


async def test_skipped_last_messages_are_read_again_after_a_while_without_any() -> None:
    world = await settled({0: 5, 1: 100})
    await world.delivery.watch(idle=True)
    assert len(world.broker.sought) == 1
    world.clock.forward(3.5)
    await world.delivery.watch(idle=False)
    assert len(world.broker.sought) == 1
    await world.delivery.watch(idle=True)
    assert world.broker.sought[-1] == {0: 5}
    assert world.delivery.lag() == {0: 95, 1: 0}


async def test_only_the_own_epoch_moves_on() -> None:
    world = await settled({0: 5, 1: 0})
    world.delivery.advance(Epoch(1, 6), {0: 50}, set())
    assert world.delivery.next == {0: 5, 1: 0}
    world.delivery.advance(Epoch(1, 7), {0: 8, 3: 1}, {1})
    assert world.delivery.next == {0: 8}


async def test_a_log_that_ends_before_what_was_applied_stops_the_role() -> None:
    world = World({0: 101})
    await world.delivery.assigned(7, frozenset({0}))
    assert [halt.code for halt in world.halts] == [2]
    assert "Kafka lost data" in str(world.halts[0])
    assert world.delivery.epoch is None


async def test_a_log_whose_retention_passed_stops_the_role() -> None:
    world = await settled({0: 5, 1: 0})
    world.broker.log[0] = (20, 100)
    await world.delivery.verify()
    assert "retention" in str(world.halts[0])


async def test_a_bug_while_taking_over_stops_the_role_instead_of_standing_still() -> None:
    world = World({0: 5})
    world.errors = [RuntimeError("a bug")]
    await world.delivery.assigned(7, frozenset({0}))
    assert [halt.code for halt in world.halts] == [1]


async def test_who_is_assigned_what_a_newer_owner_holds_is_shut_out_after_a_while() -> None:
    world = await settled({0: 5})
    assert not world.delivery.shut_out()
    world.clock.forward(31)
    assert world.delivery.shut_out()
    world.mine[1] = 0
    await world.delivery.assigned(8, frozenset({0, 1}))
    world.clock.forward(31)
    assert not world.delivery.shut_out()

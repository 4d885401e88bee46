"""What was done per partition, and who may go on: the epoch (group number, generation) only ever goes up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from sync.lead.decision import OutcomeKind
from sync.store.statement import Connection, Statement, columns


class Epoch(NamedTuple):
    """Who owns a partition: the consumer group's number and its generation; the higher one is the newer."""

    number: int
    generation: int


class Position(NamedTuple):
    """Where a partition stands."""

    next_offset: int
    epoch: Epoch


_MAKE = """
INSERT INTO applied (topic, partition) SELECT $1, p FROM unnest($2::int[]) p ORDER BY p ON CONFLICT DO NOTHING
"""
_TAKE = """
UPDATE applied SET group_number = $3, generation = $4, changed_at = now()
WHERE topic = $1 AND partition = ANY($2::int[]) AND (group_number, generation) <= ($3, $4)
RETURNING partition, next_offset
"""
_READ = "SELECT partition, next_offset, group_number, generation FROM applied WHERE topic = $1"
_ADVANCE = """
UPDATE applied a SET next_offset = w.next_offset, applied = a.applied + w.applied, noop = a.noop + w.noop,
  filtered = a.filtered + w.filtered, parked = a.parked + w.parked, changed_at = now()
FROM unnest($2::int[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[]) w(partition, next_offset, applied, noop, filtered, parked)
WHERE a.topic = $1 AND a.partition = w.partition AND (a.group_number, a.generation) = ($8::int, $9::int)
RETURNING a.partition
"""
KINDS: tuple[OutcomeKind, ...] = ("applied", "noop", "filtered", "parked")


async def take(connection: Connection, topic: str, partitions: Iterable[int], epoch: Epoch) -> dict[int, int]:
    """Become the owner where no newer epoch stands; gives partition → next offset of those that are ours now."""
    wanted = sorted(partitions)
    async with connection.transaction():
        await connection.execute(_MAKE, topic, wanted)
        rows = await connection.fetch(_TAKE, topic, wanted, epoch.number, epoch.generation)
    return {row["partition"]: row["next_offset"] for row in rows}


async def positions(connection: Connection, topic: str) -> dict[int, Position]:
    """Give where every partition of the topic stands."""
    rows = await connection.fetch(_READ, topic)
    return {row["partition"]: Position(row["next_offset"], Epoch(row["group_number"], row["generation"])) for row in rows}


def advance(topic: str, epoch: Epoch, done: Mapping[int, tuple[int, Sequence[OutcomeKind]]]) -> Statement:
    """Set the next offset and add to the counts, where the epoch is still ours; returns the partitions where it is (`advanced`)."""
    rows = [(p, offset, *(kinds.count(kind) for kind in KINDS)) for p, (offset, kinds) in sorted(done.items())]
    return Statement(_ADVANCE, (topic, *columns(rows, 6), epoch.number, epoch.generation), "advanced")

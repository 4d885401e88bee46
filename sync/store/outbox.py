"""What committed batches still have to publish: a row per partition and batch, gone once Kafka has it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sync.store.statement import Connection, Statement, columns

_WRITE = "INSERT INTO outbox (partition, payload) SELECT * FROM unnest($1::int[], $2::bytea[]) RETURNING id, partition"
_DELETE = "DELETE FROM outbox WHERE id = ANY($1::bigint[])"
_READ = "SELECT id, partition, payload FROM outbox WHERE partition = ANY($1::int[]) ORDER BY id"


class Unpublished(NamedTuple):
    """One partition's part of what a batch has to publish."""

    id: int
    partition: int
    payload: bytes


def write(payloads: Mapping[int, bytes]) -> Statement:
    """Keep what must be published, by partition; returns id and partition (`kept`)."""
    return Statement(_WRITE, columns(sorted(payloads.items()), 2), "kept")


def published(ids: Iterable[int]) -> Statement:
    """Forget what Kafka has."""
    return Statement(_DELETE, (sorted(ids),))


async def left(connection: Connection, partitions: Iterable[int]) -> list[Unpublished]:
    """Give what an earlier owner of these partitions did not publish, oldest first."""
    rows = await connection.fetch(_READ, sorted(partitions))
    return [Unpublished(row["id"], row["partition"], row["payload"]) for row in rows]

"""What committed batches still have to publish: a row per partition and batch, gone once Kafka has it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import orjson

from schemas import envelope
from schemas.envelope import Envelope
from sync.store.statement import Connection, Statement, columns

_WRITE = "INSERT INTO outbox (partition, payload) SELECT * FROM unnest($1::int[], $2::bytea[]) RETURNING id, partition"
_DELETE = "DELETE FROM outbox WHERE id = ANY($1::bigint[])"
_READ = "SELECT id, partition, payload FROM outbox WHERE partition = ANY($1::int[]) ORDER BY id"

_NEXT = "SELECT id, partition, payload FROM outbox WHERE partition = $1 ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED"
NOTIFIER = -1
"""Stands for the partition of what no worker, but the notifier publishes."""
Packed = tuple[str, str, list[tuple[str, str]]]
"""An event as it is kept until Kafka has it: (key, value, headers)."""


class Unpublished(NamedTuple):
    """One partition's part of what a batch has to publish."""

    id: int
    partition: int
    payload: bytes


def packed(key: str, event: Envelope) -> Packed:
    """Give an event as it is kept."""
    value, headers = envelope.write(event)
    return key, value.decode(), [(name, text.decode()) for name, text in headers]


def pack(doorbells: Iterable[tuple[str, str, str]], events: Iterable[Packed]) -> bytes:
    """Give what is to be published as an outbox row's payload."""
    return orjson.dumps({"doorbells": list(doorbells), "events": list(events)})


async def following(connection: Connection, partition: int) -> Unpublished | None:
    """Give the oldest row of a partition that nobody else is at, locked until the transaction ends; None when there is none."""
    row = await connection.fetchrow(_NEXT, partition)
    return None if row is None else Unpublished(row["id"], row["partition"], row["payload"])


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

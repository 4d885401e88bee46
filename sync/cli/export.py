"""`truce history export`: what stands on `changes` up to now, as a file that `truce simulate` replays. Reads only, and ends."""

from __future__ import annotations

import asyncio
import gzip
import os
from collections import deque
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Annotated, Any

import typer
from aiokafka import AIOKafkaConsumer, TopicPartition

from sync.cli.duty import with_store
from sync.cli.output import CannotRun, as_json, console
from sync.cli.place import Place
from sync.store import meta, users
from sync.topology import changes_name
from sync.trial.history import Header, write_header, write_record

app = typer.Typer(help="Recorded history: what `truce simulate` replays.", no_args_is_help=True)
ENOUGH = 2_000
"""So many messages of a partition wait at most until the others have caught up."""


def day_ms(text: str | None) -> int:
    """Give the beginning (UTC) of a day as 2026-11-01, in ms; 0 for none; raises CannotRun."""
    if text is None:
        return 0
    try:
        return int(datetime.combine(date.fromisoformat(text), time(), UTC).timestamp() * 1000)
    except ValueError:
        raise CannotRun(f"{text} is no day: write it as 2026-11-01.") from None


@app.command("export")
def export(
    file: Annotated[Path, typer.Argument(help="Where to write it, as history.jsonl.gz.")],
    since: Annotated[str | None, typer.Option(help="From this day on, as 2026-11-01; else all that Kafka keeps.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Write what stands on `changes` up to this moment into a file. It holds personal values: keep it as you keep the CRM's exports.

    Example: `truce history export november.jsonl.gz --since 2026-11-01`
    """
    begin = day_ms(since)

    async def step(connection: Any, here: Place) -> Header:
        if not here.bootstrap:
            raise CannotRun("no Kafka to read from: start `truce up`, or set KAFKA_BOOTSTRAP_SERVERS.")
        incarnation = int(await meta.read(connection, "incarnation") or 1)
        known = {name: [(u.id, u.email, u.active) for u in some.values()] for name, some in (await users.every(connection)).items()}
        header = Header(installation=here.installation, incarnation=incarnation, users=known)
        return await write(here.bootstrap, changes_name(here.installation, incarnation), header, begin, file)

    header = with_store(step)
    if json:
        as_json({"file": str(file), "messages": header.count, "since": header.since, "until": header.until})
    else:
        console.print(f"{header.count:,} messages in {file}. They hold personal values.", markup=False)


async def write(bootstrap: str, topic: str, header: Header, begin: int, file: Path) -> Header:
    """Write the topic's messages from `begin` (ms) to its end of now; gives the header as written. Half a file is never left."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await consumer.start()
    part = file.with_name(file.name + ".part")
    try:
        spans = await _spans(consumer, topic, begin)
        count = sum(end - start for start, end in spans.values())
        done = Header(
            installation=header.installation, incarnation=header.incarnation, users=header.users, count=count, since=begin,
            until=int(datetime.now(UTC).timestamp() * 1000),
        )  # fmt: skip
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as raw, gzip.open(raw, "wb", 6) as out:
            out.write(write_header(done))
            async for record in _merged(consumer, spans):
                out.write(write_record(record.timestamp, record.key, record.value, record.headers))
        part.replace(file)
        return done
    finally:
        await consumer.stop()
        part.unlink(missing_ok=True)


async def _spans(consumer: Any, topic: str, begin: int) -> dict[TopicPartition, tuple[int, int]]:
    """Give (first, end) offsets of each partition that holds something."""
    known = await consumer._client.fetch_all_metadata()
    partitions = [TopicPartition(topic, p) for p in sorted(known.partitions_for_topic(topic) or ())]
    if not partitions:
        raise CannotRun(f"Kafka has no topic {topic}: `truce doctor` says more.")
    ends, starts = await consumer.end_offsets(partitions), await consumer.beginning_offsets(partitions)
    if begin:
        found = await consumer.offsets_for_times(dict.fromkeys(partitions, begin))
        starts = {tp: found[tp].offset if found.get(tp) is not None else ends[tp] for tp in partitions}
    return {tp: (starts[tp], ends[tp]) for tp in partitions if starts[tp] < ends[tp]}


async def _merged(consumer: Any, spans: dict[TopicPartition, tuple[int, int]]) -> AsyncIterator[Any]:
    """Give the messages of all partitions in the order of the log's time; of one partition in their order."""
    consumer.assign(list(spans))
    for tp, (start, _) in spans.items():
        consumer.seek(tp, start)
    waiting: dict[TopicPartition, deque[Any]] = {tp: deque() for tp in spans}
    left = {tp: end - start for tp, (start, end) in spans.items()}
    while waiting:
        heads = [tp for tp, some in waiting.items() if some]
        if len(heads) < len(waiting):
            await _fetch(consumer, waiting, spans)
            continue
        tp = min(heads, key=lambda one: (waiting[one][0].timestamp, one.partition))
        yield waiting[tp].popleft()
        left[tp] -= 1
        if not left[tp]:
            del waiting[tp]


async def _fetch(consumer: Any, waiting: dict[TopicPartition, deque[Any]], spans: dict[TopicPartition, tuple[int, int]]) -> None:
    hungry = [tp for tp, some in waiting.items() if not some]
    full = [tp for tp, some in waiting.items() if len(some) > ENOUGH]
    consumer.pause(*full)
    try:
        found = await asyncio.wait_for(consumer.getmany(timeout_ms=5_000, max_records=5_000), 30)
    except TimeoutError:
        raise CannotRun(f"Kafka gave nothing of partition {hungry[0].partition} for 30 s.") from None
    finally:
        consumer.resume(*full)
    for tp, records in found.items():
        if tp in waiting:
            waiting[tp].extend(record for record in records if record.offset < spans[tp][1])

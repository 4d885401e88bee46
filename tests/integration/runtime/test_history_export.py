"""`truce history export` on a real Kafka: all partitions in the order of the log's time, from a day on, and no file when there is nothing to read."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from schemas.envelope import write as packed
from sync.cli.export import write
from sync.cli.output import CannotRun
from sync.cli.past import File
from sync.trial.history import Header
from tests.factory import changed, ms

HEADER = Header(installation="t", incarnation=1, users={"salesforce": [("005A", "ana@acme.example", True)]})
DAY_S = 86_400


@pytest.fixture
async def topic(kafka: str) -> str:
    """A topic with messages of two days in three partitions, those of one partition in order, those of all mixed."""
    name = f"h{uuid.uuid4().hex[:8]}.changes.1"
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    await admin.create_topics([NewTopic(name, 3, 1, topic_configs={"message.timestamp.type": "CreateTime"})])  # so that it has a past
    await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=kafka)
    await producer.start()
    try:
        for n in range(60):
            seconds = (n % 2) * DAY_S + n
            value, headers = packed(changed(f"hubspot:contacts:{n}", seconds, {"email": f"p{n}@x.example"}, ident=f"m{n}"))
            await producer.send_and_wait(name, value, b"k", partition=n % 2 + (n % 5 == 0), timestamp_ms=ms(seconds), headers=headers)
    finally:
        await producer.stop()
    return name


def numbers(path: Path) -> list[int]:
    return [int(record.id.removeprefix("m")) for record in File(path).records()]


async def test_everything_in_the_order_of_the_log(kafka: str, topic: str, tmp_path: Path) -> None:
    header = await write(kafka, topic, HEADER, 0, tmp_path / "h.gz")
    found = numbers(tmp_path / "h.gz")
    assert (header.count, sorted(found)) == (60, list(range(60)))
    times = [record.at for record in File(tmp_path / "h.gz").records()]
    assert times[:10] == sorted(times[:10]), "partitions are put together by time"
    assert File(tmp_path / "h.gz").users["salesforce"]["005A"].email == "ana@acme.example"
    assert (tmp_path / "h.gz").stat().st_mode & 0o077 == 0, "it holds personal values"
    assert [path.name for path in tmp_path.iterdir()] == ["h.gz"]


async def test_from_a_day_on(kafka: str, topic: str, tmp_path: Path) -> None:
    """Kafka finds the first message of that time in each partition; what follows it in the log comes too."""
    begin = ms(DAY_S)
    header = await write(kafka, topic, HEADER, begin, tmp_path / "h.gz")
    found = numbers(tmp_path / "h.gz")
    assert {n for n in range(60) if n % 2} <= set(found), "all of that day"
    assert (header.since, header.count) == (begin, len(found))
    assert len(found) < 60


async def test_a_topic_that_is_not_there_leaves_no_file(kafka: str, tmp_path: Path) -> None:
    with pytest.raises(CannotRun, match="Kafka has no topic"):
        await write(kafka, "never.changes.1", HEADER, 0, tmp_path / "h.gz")
    assert list(tmp_path.iterdir()) == []

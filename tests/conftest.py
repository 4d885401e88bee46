"""Real servers for the tests that need them: one Kafka and one PostgreSQL per test process, one installation per test."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.runtime import kafka as kafka_server
from sync.runtime import postgres as postgres_server
from sync.store.connect import migrate


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in tests/integration needs the servers: marked by its folder, so that no one forgets."""
    for item in items:
        if "integration" in item.path.parts:
            item.add_marker(pytest.mark.integration)


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The bootstrap address of a real Kafka: one of one's own (KAFKA_BOOTSTRAP_SERVERS), else a local one for this run."""
    if own := os.environ.get("KAFKA_BOOTSTRAP_SERVERS"):
        yield own
        return
    with kafka_server.local(tmp_path_factory.mktemp("kafka")) as server:
        yield server.bootstrap


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The DSN of a real PostgreSQL: one of one's own (TRUCE_DATABASE), else a local one for this run."""
    if own := os.environ.get("TRUCE_DATABASE"):
        yield own
        return
    folder: Path = tmp_path_factory.mktemp("postgres")
    with postgres_server.local(folder) as server:
        yield server.dsn


@pytest.fixture
def installation(postgres: str) -> str:
    """The name of a fresh installation: its own schema with all tables; topics are made by who needs them."""
    name = f"t{uuid.uuid4().hex[:10]}"
    asyncio.run(migrate(postgres, name))
    return name

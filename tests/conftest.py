"""Real servers for the tests that need them: one Kafka per run, one PostgreSQL per test process, one installation per test."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import fasteners
import psutil
import pytest

from sync.runtime import kafka as kafka_server
from sync.runtime import postgres as postgres_server
from sync.runtime.folder import remembered
from tests import examples, order, tables
from tests.house.project import ROOT

examples.usual()
pytest.register_assert_rewrite(
    *(f"connectors.{path.stem}" for path in (ROOT / "connectors").glob("contract*.py"))
)  # they say what was there instead
os.environ.setdefault("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1")  # a Kafka that lives for minutes gains nothing by the slow compiler
os.environ.pop("COLUMNS", None)  # pytest-xdist tells its processes 80; what commands print has the same width with and without it


RUN = "PYTEST_TRUCE_RUN"
"""Names the folder that all processes of one run share, to these processes."""
LEFT = "left-"
"""There each process says which folder it has for its PostgreSQL, until that is gone."""


def pytest_configure(config: pytest.Config) -> None:
    """Have a folder for all processes of this run, made by the first one, and end with it what they started there, however it ends."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a run that is told to end does so in order
    if RUN in os.environ:
        return
    folder = tempfile.TemporaryDirectory(prefix="truce-", ignore_cleanup_errors=True)
    os.environ[RUN] = folder.name

    def end() -> None:
        del os.environ[RUN]
        for server in remembered(Path(folder.name)).values():
            server.kill()  # in order Kafka would close thousands of tests' partitions first
            psutil.wait_procs([server], timeout=1)  # so long at the most: where nobody reaps what lost its parent it stays as a name
        for note in Path(folder.name).glob(f"{LEFT}*"):  # of a process that was killed
            postgres_server.LocalPostgres("", Path(note.read_text()) / "postgres").kill()
            shutil.rmtree(note.read_text(), ignore_errors=True)
        for process in psutil.process_iter():  # and what it had started
            with contextlib.suppress(psutil.Error):
                if process.environ().get(RUN) == folder.name:
                    process.kill()
        folder.cleanup()

    config.add_cleanup(end)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in tests/integration needs the servers: marked by its folder, so that no one forgets. Where several processes run, deal them."""
    for item in items:
        if "integration" in item.path.parts:
            item.add_marker(pytest.mark.integration)
    items[:] = order.dealt(items, order.hands())


@pytest.fixture(scope="session")
def servers_folder() -> Iterator[Path]:
    """A folder of this run's own. Not pytest's: every pytest that starts shuts that one's parent to other accounts, PostgreSQL's among them."""
    with tempfile.TemporaryDirectory(prefix="truce-", ignore_cleanup_errors=True) as folder:
        note = Path(os.environ[RUN]) / f"{LEFT}{os.getpid()}"
        note.write_text(folder)
        yield Path(folder)
        note.unlink()


@pytest.fixture(scope="session")
def kafka() -> str:
    """The bootstrap address of a real Kafka: one of one's own (KAFKA_BOOTSTRAP_SERVERS), else one for all processes of this run."""
    if own := os.environ.get("KAFKA_BOOTSTRAP_SERVERS"):
        return own
    folder = Path(os.environ[RUN])
    note = folder / "bootstrap"
    with fasteners.InterProcessLock(str(folder / "lock")):  # whoever asks first starts it
        if not note.exists():
            note.write_text(kafka_server.start(folder).bootstrap)
    return note.read_text()


@pytest.fixture(scope="session")
def postgres(servers_folder: Path) -> Iterator[str]:
    """The DSN of a real PostgreSQL: one of one's own (TRUCE_DATABASE), else a local one for this run."""
    if own := os.environ.get("TRUCE_DATABASE"):
        yield own
        return
    server = postgres_server.start(servers_folder)
    asyncio.run(tables.hasty(server.dsn))
    try:
        yield server.dsn
    finally:
        server.kill()


@pytest.fixture(scope="session")
def pattern(postgres: str) -> tuple[str, str]:
    """An installation that was migrated, and what makes one like it."""
    return asyncio.run(tables.migrated(postgres))


@pytest.fixture
def installation(postgres: str, pattern: tuple[str, str]) -> str:
    """The name of a fresh installation: its own schema with all tables; topics are made by who needs them."""
    return asyncio.run(tables.copied(postgres, pattern))

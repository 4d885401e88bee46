"""The standard suite: what every connector must show, against its emulator over real sockets.

A new connector inherits it with one small class, beside a folder of recorded payloads:

    class TestAcme(ConnectorContract):
        vendor = "acme"
        payloads = Path(__file__).parent / "acme"

        def emulated(self) -> AbstractAsyncContextManager[EmulatedTasks]:
            return AcmeEmulated.started()
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import ClassVar

import pytest

from connectors.base import Manifest, Sink, Source
from connectors.contract_objects import Accounts, Objects
from connectors.contract_reading import Reading
from connectors.contract_tasks import EmulatedTasks, Tasks
from connectors.contract_trouble import Daily, Trouble
from connectors.contract_world import Emulated, NotedBreaker, NotedBudget
from connectors.contract_writing import Writing
from connectors.registry import load, manifests

__all__ = ["ConnectorContract", "Emulated", "EmulatedTasks", "NotedBreaker", "NotedBudget"]


def _asked(part: type[object], manifest: Manifest) -> bool:
    """Say whether a vendor has what a part of the suite is about; the manifest knows."""
    return {
        Daily: any(one.name == "daily" for one in manifest.quotas),
        Objects: bool(manifest.opportunity_object),
        Accounts: bool(manifest.account_object and manifest.opportunity_object),
        Tasks: bool(manifest.task_object),
    }[part]


class ConnectorContract(Reading, Writing, Trouble, Daily, Accounts, Objects, Tasks):
    """Inherit, say the vendor, its emulator and its recorded payloads; everything else is here.

    A vendor whose manifest has no daily quota, no opportunities, no accounts or no tasks is not held to those parts.
    """

    def __init_subclass__(cls) -> None:
        """Leave out the parts that are about what the vendor does not have."""
        super().__init_subclass__()
        for part in (Daily, Objects, Accounts, Tasks):
            if not _asked(part, manifests()[cls.vendor]):
                for name in [name for name in vars(part) if name.startswith("test_")]:
                    setattr(cls, name, None)

    vendor: ClassVar[str]
    payloads: ClassVar[Path]
    """A folder of recorded answers, `<what>.json`: {"says": source, "call", "answer": {status, headers, body}, "expect": {error, …}}."""

    @abstractmethod
    def emulated(self) -> AbstractAsyncContextManager[Emulated]:
        """Start the vendor's emulator, empty, and end it with the block."""

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Make one test of every recorded payload."""
        if "payload" in metafunc.fixturenames:
            found = sorted(self.payloads.glob("*.json"))
            metafunc.parametrize("payload", found, ids=[path.stem for path in found])

    @pytest.fixture
    async def world(self) -> AsyncIterator[Emulated]:
        """Give the emulated system."""
        async with self.emulated() as world:
            yield world

    @pytest.fixture
    async def source(self, world: Emulated) -> AsyncIterator[Source]:
        """Give the reading side, connected."""
        source = load(self.vendor).source(world.connection(), NotedBudget(), NotedBreaker())
        yield source
        await source.close()

    @pytest.fixture
    async def sink(self, world: Emulated) -> AsyncIterator[Sink]:
        """Give the writing side, connected."""
        sink = load(self.vendor).sink(world.connection(), NotedBudget(), NotedBreaker())
        yield sink
        await sink.close()

"""The standard suite: what every connector must show, against its emulator over real sockets.

A new connector inherits it with one small class, beside a folder of recorded payloads:

    class TestAcme(ConnectorContract):
        vendor = "acme"
        payloads = Path(__file__).parent / "acme"
        codes = CODES  # the table of its client.py
        statuses = {400: Rejected, 401: AuthExpired, …}  # those that Acme documents

        def emulated(self) -> AbstractAsyncContextManager[EmulatedTasks]:
            return AcmeEmulated.started()
"""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import ClassVar
from urllib.parse import unquote

import pytest

from connectors.base import Manifest, Sink, Source
from connectors.contract_answers import Answers
from connectors.contract_batches import Batches
from connectors.contract_drift import Drift, Picklists
from connectors.contract_fates import Fates, Restores
from connectors.contract_objects import Accounts, Objects
from connectors.contract_reading import Reading
from connectors.contract_tasks import EmulatedTasks, Tasks
from connectors.contract_trouble import Daily, Trouble
from connectors.contract_world import PERSONAL, Emulated, NotedBreaker, NotedBudget, elsewhere
from connectors.dialect import Kind
from connectors.errors import ConnectorError
from connectors.registry import load, manifests

__all__ = ["ConnectorContract", "Emulated", "EmulatedTasks", "NotedBreaker", "NotedBudget"]


def _asked(part: type[object], manifest: Manifest, picklists: bool) -> bool:
    """Say whether a vendor has what a part of the suite is about; the manifest knows, and of picklists the class."""
    return {
        Daily: any(one.name == "daily" for one in manifest.quotas),
        Objects: bool(manifest.opportunity_object),
        Accounts: bool(manifest.account_object and manifest.opportunity_object),
        Picklists: picklists,
        Restores: manifest.restores,
        Tasks: bool(manifest.task_object),
    }[part]


class ConnectorContract(Reading, Fates, Restores, Batches, Answers, Picklists, Drift, Trouble, Daily, Accounts, Objects, Tasks):
    """Inherit, say the vendor, its emulator, its recorded payloads and the table of its codes; everything else is here.

    A vendor whose manifest has no daily quota, no opportunities, no accounts, no tasks or no way back from a deletion, or whose API tells
    no picklists from texts, is not held to those parts. All of it runs far from UTC, and whatever a test makes the connector log may name no secret and no person.
    """

    def __init_subclass__(cls) -> None:
        """Leave out the parts that are about what the vendor does not have."""
        super().__init_subclass__()
        for part in (Daily, Objects, Accounts, Picklists, Restores, Tasks):
            if not _asked(part, manifests()[cls.vendor], cls.picklists):
                for name in [name for name in vars(part) if name.startswith("test_")]:
                    setattr(cls, name, None)

    vendor: ClassVar[str]
    payloads: ClassVar[Path]
    """A folder of recorded answers, `<what>.json`: {"says": source, "call", "answer": {status, headers, body}, "expect": {error, …}}.

    `call` is update, create, find or read, or token: then it is what the path answers by which a token is had."""
    codes: ClassVar[Mapping[str, Kind]]
    """The connector's table of the vendor's codes, {} where it has none; of each a recorded answer must expect what the table says."""
    picklists: ClassVar[bool] = True
    """False where the vendor's API tells no picklist from a text."""
    statuses: ClassVar[Mapping[int, type[ConnectorError]]]
    """Every status of refusal that the vendor documents → what it is to a write whose answer says no more than that."""

    @abstractmethod
    def emulated(self) -> AbstractAsyncContextManager[Emulated]:
        """Start the vendor's emulator, empty, and end it with the block."""

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Make one test of every recorded payload."""
        if "payload" in metafunc.fixturenames:
            found = sorted(self.payloads.glob("*.json"))
            metafunc.parametrize("payload", found, ids=[path.stem for path in found])

    @pytest.fixture
    async def world(self, caplog: pytest.LogCaptureFixture) -> AsyncIterator[Emulated]:
        """Give the emulated system; whatever was logged meanwhile may name no secret and no person."""
        caplog.set_level(logging.DEBUG)
        with elsewhere():
            async with self.emulated() as world:
                yield world
        said = "\n".join(logging.Formatter().format(one) for one in caplog.get_records("call"))
        logged = unquote(said).replace("+", " ")  # an address's query is spelt so
        assert not [one for one in (*PERSONAL, *world.connection().secrets.values()) if one in logged]

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

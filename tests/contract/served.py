"""An emulated system on a port of its own: what every world of the contract suite tells and does in the same way."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol, TypeVar

from starlette.applications import Starlette

from connectors.emulator.control import serve
from connectors.emulator.faults import Fault, Faults
from connectors.emulator.journal import Journal


class Emulator(Protocol):
    """What every emulator has."""

    journal: Journal
    faults: Faults

    @property
    def app(self) -> Starlette: ...


class Served:
    """A world whose emulator answers at `url` once it is `served`."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator, self.url = emulator, ""

    async def fault(self, **fault: Any) -> None:
        self.emulator.faults.add(Fault(**fault))

    async def effects(self) -> Sequence[Mapping[str, Any]]:
        return list(self.emulator.journal.lines("effects"))

    async def calls(self) -> Sequence[Mapping[str, Any]]:
        return list(self.emulator.journal.lines("calls"))


World = TypeVar("World", bound=Served)


@asynccontextmanager
async def served(world: World) -> AsyncIterator[World]:
    """Let a world answer on a free port for the length of the block."""
    async with serve(world.emulator.app) as running:
        world.url = running.url
        yield world

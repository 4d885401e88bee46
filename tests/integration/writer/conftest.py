"""The worlds in which a writer is tried."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.integration.writer.world import World, world


@pytest.fixture
async def here(kafka: str, postgres: str, installation: str) -> AsyncIterator[World]:
    """A writer, its vendor, and what rings for it; the sweep comes by every second."""
    async with world(kafka, postgres, installation) as made:
        yield made


@pytest.fixture
async def unswept(kafka: str, postgres: str, installation: str) -> AsyncIterator[World]:
    """A world in which nobody rings but the test: the sweep would, for what takes long."""
    async with world(kafka, postgres, installation, sweep_s=600.0) as made:
        yield made

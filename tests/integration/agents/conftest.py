from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.integration.agents.support import World
from tests.integration.agents.support import world as make_world


@pytest_asyncio.fixture
async def world(kafka: str, postgres: str, installation: str, tmp_path: Path) -> AsyncIterator[World]:
    async with make_world(kafka, postgres, installation, tmp_path) as made:
        yield made

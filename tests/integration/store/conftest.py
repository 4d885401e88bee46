from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from sync.store.connect import open_pool


@pytest_asyncio.fixture
async def pool(postgres: str, installation: str) -> AsyncIterator[Any]:
    made = await open_pool(postgres, installation, size=2)
    yield made
    await made.close()

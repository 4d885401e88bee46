"""What alerts meet: PostgreSQL, a mail server, a receiver of webhooks, and a clock that stands where a test puts it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from sync.store.connect import open_pool
from tests.integration.alerts.receivers import Hook, Mailbox, Pulse


@pytest.fixture
async def pool(postgres: str, installation: str) -> AsyncIterator[Any]:
    made = await open_pool(postgres, installation, size=6)
    yield made
    await made.close()


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with Mailbox() as box:
        yield box


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    async with Hook() as made:
        yield made


@pytest.fixture
async def pulse() -> AsyncIterator[Pulse]:
    async with Pulse() as made:
        yield made

"""The fixtures that several contract tests of one vendor share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from connectors.base import Sink, Source
from connectors.contract import NotedBreaker, NotedBudget
from connectors.registry import load
from tests.contract.hubspot_world import HubSpotWorld, hubspot_world, reading


@pytest.fixture
async def account() -> AsyncIterator[HubSpotWorld]:
    """Give an emulated HubSpot account."""
    async with hubspot_world() as made:
        yield made


@pytest.fixture
async def reader(account: HubSpotWorld, request: pytest.FixtureRequest) -> AsyncIterator[Source]:
    """Read the account with the options that the test's module states."""
    async with reading(account, **request.module.OPTIONS) as made:
        yield made


@pytest.fixture
async def writer(account: HubSpotWorld, request: pytest.FixtureRequest) -> AsyncIterator[Sink]:
    made = load("hubspot").sink(account.connection(**request.module.OPTIONS), NotedBudget(), NotedBreaker())
    yield made
    await made.close()

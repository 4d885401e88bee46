"""The fixtures that several contract tests of one vendor share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest

from connectors.base import Sink, Source
from connectors.contract import NotedBreaker, NotedBudget
from connectors.registry import load

if TYPE_CHECKING:  # the world of one vendor is loaded by that vendor's tests alone
    from tests.contract.hubspot_world import HubSpotWorld


@pytest.fixture
async def account() -> AsyncIterator[HubSpotWorld]:
    """Give an emulated HubSpot account."""
    from tests.contract.hubspot_world import hubspot_world

    async with hubspot_world() as made:
        yield made


@pytest.fixture
async def reader(account: HubSpotWorld, request: pytest.FixtureRequest) -> AsyncIterator[Source]:
    """Read the account with the options that the test's module states."""
    from tests.contract.hubspot_world import reading

    async with reading(account, **request.module.OPTIONS) as made:
        yield made


@pytest.fixture
async def writer(account: HubSpotWorld, request: pytest.FixtureRequest) -> AsyncIterator[Sink]:
    made = load("hubspot").sink(account.connection(**request.module.OPTIONS), NotedBudget(), NotedBreaker())
    yield made
    await made.close()

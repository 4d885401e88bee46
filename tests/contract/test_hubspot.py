"""HubSpot against the standard suite, and what only HubSpot has."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import ClassVar

from connectors.contract import ConnectorContract, Emulated
from tests.contract.hubspot_world import hubspot_world


class TestHubSpot(ConnectorContract):
    vendor: ClassVar[str] = "hubspot"
    payloads: ClassVar[Path] = Path(__file__).parent / "hubspot"

    def emulated(self) -> AbstractAsyncContextManager[Emulated]:
        return hubspot_world()

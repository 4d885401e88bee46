"""HubSpot: contacts, form submissions and owners, over its REST API and its webhooks."""

from __future__ import annotations

from pathlib import Path

from connectors.base import Breaker, Budget, Connection, Sink, Source
from connectors.hubspot.client import Client
from connectors.hubspot.sink import HubSpotSink
from connectors.hubspot.source import HubSpotSource
from connectors.registry import read_manifest

manifest = read_manifest(Path(__file__).parent / "manifest.yaml")


def source(connection: Connection, budget: Budget, breaker: Breaker) -> Source:
    """Build the reading side; raises ValueError for options or secrets that cannot be."""
    return HubSpotSource(connection, Client(connection, budget, breaker, manifest), manifest)


def sink(connection: Connection, budget: Budget, breaker: Breaker) -> Sink:
    """Build the writing side; raises ValueError for options or secrets that cannot be."""
    return HubSpotSink(connection, Client(connection, budget, breaker, manifest), manifest)

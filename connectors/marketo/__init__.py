"""Marketo Engage: leads, their activities as touches, static lists and programs, over its REST API.

Secrets: `client_id`, `client_secret` of an API-only user's LaunchPoint service; the address is the REST endpoint without /rest.
Options: `sales_persons` ("id,id": external ids of the sales persons who may own leads, for there is no list of all) · `lists`
("1001,1002=2001": static lists that are read and written as flags named `lists.1001`; with a campaign, it is requested for whom we put there) ·
`programs` ("3001,3002": programs whose member status is read and written as `programs.3001`; it goes forward only) · `lookback_s` (600: the
activity log shows entries late) · `merges_s` (86400: how far back a lead that is gone is looked for among the merges) · `gap_ids` (20000: so
many ids without a lead, beyond the newest that the log of a quarter knows, end a full read) · `partition` (of new leads) · `daily_calls` (50000) · `page_rows` (300).

Bulk extract: `bulk_from` (100000: from so many ids on a full read goes by it; 0 never) · `bulk_mb` (250: so much of the 500 MB that may be
exported in a day; then leads are read by their ids) · `bulk_look_s` (60: Marketo looks no more often itself) · `bulk_bytes` (2097152: of a file at once).
"""

from __future__ import annotations

from pathlib import Path

from connectors.base import Breaker, Budget, Connection, Sink, Source
from connectors.marketo.client import Client
from connectors.marketo.sink import MarketoSink
from connectors.marketo.source import MarketoSource
from connectors.registry import read_manifest

manifest = read_manifest(Path(__file__).parent / "manifest.yaml")


def source(connection: Connection, budget: Budget, breaker: Breaker) -> Source:
    """Build the reading side; raises ValueError for options or secrets that cannot be."""
    return MarketoSource(Client(connection, budget, breaker, manifest), manifest)


def sink(connection: Connection, budget: Budget, breaker: Breaker) -> Sink:
    """Build the writing side; raises ValueError for options or secrets that cannot be."""
    return MarketoSink(Client(connection, budget, breaker, manifest), manifest)

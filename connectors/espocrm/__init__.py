"""EspoCRM (9.0 and later): leads, contacts, accounts, opportunities, tasks, calls, meetings and the campaigns' log, by its REST API and webhooks.

Secrets: `api_key` (of an API user with a role of its own); `webhook_secret`, the ids and secret keys of its webhooks as "id=key id=key",
as EspoCRM shows them under Administration, Webhooks.
Options: `webhook_url` (with it `doctor --fix` makes the webhooks) · `touches` (yes: what people did in campaigns, opened, clicked, filled in a
form, is read from the campaigns' log) · `lists` ("6b0f…,6b1a…": target lists that are read and written as flags of leads and contacts named
`lists.6b0f…`: nurture; who opted out of one counts as not on it, stays there as that, and is not put back) · `lookback_s` (120: rows become visible late) · `page_rows` (200) · `lock` (a record that somebody else
changed since it was known last is read again before it is written, which costs a call for each batch; off: whoever is polled seldom is overwritten).
"""

from __future__ import annotations

from pathlib import Path

from connectors.base import Breaker, Budget, Connection, Manifest
from connectors.espocrm.client import Client
from connectors.espocrm.sink import EspoSink
from connectors.espocrm.source import EspoSource
from connectors.registry import read_manifest

manifest: Manifest = read_manifest(Path(__file__).with_name("manifest.yaml"))


def source(connection: Connection, budget: Budget, breaker: Breaker) -> EspoSource:
    """Build the reading side."""
    return EspoSource(manifest, Client(manifest, connection, budget, breaker))


def sink(connection: Connection, budget: Budget, breaker: Breaker) -> EspoSink:
    """Build the writing side."""
    return EspoSink(manifest, Client(manifest, connection, budget, breaker))

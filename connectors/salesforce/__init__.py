"""Salesforce: Lead and Contact records, accounts, opportunities with their contact roles, tasks, meetings and users, by REST.

Secrets: `client_id`, `client_secret` (client credentials flow of an external client app), or `private_key` (an RSA key in PEM form; JWT bearer
flow) with the option `username`, whose behalf it acts on, and `login_url` (https://login.salesforce.com; a sandbox's is https://test…).
The secret `nudge_secret` opens /nudge/salesforce for a record-triggered flow (`deploy/salesforce/TruceNudge.cls`, `sync/sources/nudge.py`).

Options: `api_version` (65.0), `lookback_s` (600), `page_rows` (2000), `default_company` and `default_last_name` (for a create that has none).
`events`: `on` listens to the change events of the objects that Setup selects for Change Data Capture (or names a channel of one's own:
`/data/Truce__chn`), by the Pub/Sub API at `events_url` (https://api.pubsub.salesforce.com:7443); the polls go on as the backstop.
`proxy`: an HTTP proxy by which all calls go, the stream of events too (HTTPS_PROXY and its like are left alone).
`event_objects` is how many the edition allows (5).
`bulk_from`: from so many records on all of an object is read by a query job of the Bulk API 2.0 (50000; 0: never), `bulk_page` of its
rows at a time (10000).
`touches`: `yes` reads responses to campaigns as touches; `campaign_types` ("Webinar=meeting,Email=click,Advertisement=") says which kind of
touch a response to a type of campaign is (campaign; blank: none). `campaigns` ("701…,701…"): campaigns whose member status is read and
written as a person's field `campaigns.701…` (18 characters); who has none is made a member, and a status goes forward only.
`lock`: a change that goes out alone, as nearly all do whose second counts, is refused if somebody changed the record since we knew it last
(If-Unmodified-Since, by whole seconds): it is read, and decided anew. It is one call like any other; `off` does without.
"""

from __future__ import annotations

from pathlib import Path

from connectors.base import Breaker, Budget, Connection, Manifest
from connectors.registry import read_manifest
from connectors.salesforce.client import Client
from connectors.salesforce.permissions import grants as grants
from connectors.salesforce.sink import SalesforceSink
from connectors.salesforce.source import SalesforceSource

manifest: Manifest = read_manifest(Path(__file__).with_name("manifest.yaml"))


def source(connection: Connection, budget: Budget, breaker: Breaker) -> SalesforceSource:
    """Build the reading side."""
    return SalesforceSource(manifest, Client(manifest, connection, budget, breaker))


def sink(connection: Connection, budget: Budget, breaker: Breaker) -> SalesforceSink:
    """Build the writing side."""
    return SalesforceSink(manifest, Client(manifest, connection, budget, breaker))

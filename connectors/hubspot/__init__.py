"""HubSpot: contacts, companies, deals, what reps did, form submissions and owners, over its REST API and its webhooks.

Secrets: `token` (private app), or `client_id`, `client_secret`, `refresh_token` (OAuth); `webhook_secret`, the app's client secret by which
webhooks are signed (two, separated by a space, while one is replaced); `developer_key`, by which `truce doctor` sees what a public app is
subscribed to.
Options: `api_version` (v3, 2026-03 or 2026-09) · `app_id` (our own app: its changes are `own`) · `portal_id` (webhook events of other
accounts are left out) · `lookback_s` (30: search shows changes late and out of order) · `archived_s` (3600: how often the list of deleted
records, which knows no filter by time, is read as the backstop of the webhooks) · `form_guids` ("guid=name,guid=name": submissions lists to
read as the backstop) · `subscription_ids` ("123,456": what an opt-in to all e-mail means; without it nobody can be opted in) · `legal_basis`
(CONSENT_WITH_NOTICE) and `legal_explanation`, which go with an opt-in · `lists` ("1001,1002": static lists, read and written as flags of
contacts named `lists.1001`: nurture) · `list_touches` ("1003": lists, static or active, whose new members did something: a touch of the kind
`campaign` by the list's name) · `email_events` (on: who opens or clicks marketing e-mails is told as touches; needs the scope `content`) ·
`meeting_touches` (on: who came to a meeting is told as a touch, too; one that was booked by a rep's link always is) · `notes` (on: a note that a rep
writes counts as a first response, too) · `daily_calls` (how many calls a day has in your
edition, which HubSpot tells no app with OAuth; 625000) · `page_rows` (100).
"""

from __future__ import annotations

from pathlib import Path

from connectors.base import Breaker, Budget, Connection, Sink, Source
from connectors.hubspot.client import Client
from connectors.hubspot.permissions import grants as grants
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

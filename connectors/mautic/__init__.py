"""Mautic 5.1: contacts, do-not-contact, stages, form submissions, visits and opened e-mails, over its REST API and its webhooks.

Secrets: `client_id`, `client_secret` (OAuth 2 credentials with the grant client_credentials, whose role is an administrator: only that
reads the audit log), or `username`, `password` (basic authentication, where it is switched on) of a user that nobody else is;
`webhook_secret`, the secret of the webhook (two, separated by a space, while one is replaced).
Options: `lock` (a contact that somebody else changed since it was known last is read again before it is written, which costs a call for each
batch; off: whoever is polled seldom is overwritten) · `lookback_s` (30: rows of the audit log become visible late and out of order) · `page_rows` (100) · `touches` ("form_submissions,
page_hits,email_stats": what people did, read at every poll; "" is none) · `lists` ("1,2": segments that are read and written as flags of contacts named `lists.1`: nurture) · `optout_reason` (3: what an opt-out is in Mautic; 1
unsubscribed by the person, 3 put there by a user) · `time_fields` ("mql_date,sal_date": texts that hold times, as `2026-11-23T09:12:40Z`;
of its own datetimes Mautic's API keeps whole minutes, so they are read and never written).

Fields beside a contact's own: `owner` (a user's id), `stage` (by its name), `dnc_email` and `dnc_sms` (true: must not be contacted there;
a bounce is none). A blank text and none are the same there, texts lose their tags and the white space around them, times are UTC.
Who is known and fills in a form in another browser becomes a new contact, into which the old one is merged; its do-not-contact entries
are lost by that, so an opt-out is written again.
"""

from __future__ import annotations

from pathlib import Path

from connectors.base import Breaker, Budget, Connection, Sink, Source
from connectors.mautic.client import Client
from connectors.mautic.sink import MauticSink
from connectors.mautic.source import MauticSource
from connectors.registry import read_manifest

manifest = read_manifest(Path(__file__).parent / "manifest.yaml")


def source(connection: Connection, budget: Budget, breaker: Breaker) -> Source:
    """Build the reading side; raises ValueError for options or secrets that cannot be."""
    return MauticSource(connection, Client(connection, budget, breaker, manifest), manifest)


def sink(connection: Connection, budget: Budget, breaker: Breaker) -> Sink:
    """Build the writing side; raises ValueError for options or secrets that cannot be."""
    return MauticSink(connection, Client(connection, budget, breaker, manifest), manifest)

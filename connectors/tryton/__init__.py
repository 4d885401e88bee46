"""Tryton (8.2): parties with their contact mechanisms, owner and categories, opportunities, merges and deletions, by its REST API.

The address names the database: https://tryton.acme.example/acme.
Secrets: `key`, of a user application of the kind REST API, whose user is nobody else's (in the user's preferences, tab Applications).
Options: `owners` (res.user; company.employee where parties are given to employees, whose address is that of their party) · `lists` ("3,4=2":
categories that are read and written as flags of parties named `lists.3`: nurture; one with the scenario that its members enter: who is taken
out is stopped there, too) · `touches` ("mails,campaigns": what people did is read, mails opened, clicked and left by the module
marketing_automation, opportunities that came of a campaign by marketing_campaign) · `lookback_s` (120: rows become visible late) ·
`page_rows` (100).

Fields are those of party.party, a shop's own ones included; a link to one of the `owners` is an owner. Besides: `email`, `phone`, `mobile`, `fax` and
`website` are the first contact mechanism of that type that is active, and `truce_id` is an identifier. Blank takes a mechanism out of use.
Opportunities are read alone (module sale_opportunity, group Sales, and the user's companies hold them): their fields, `employee` as the user who
that is, `currency` and `marketing_campaign` by name, and `people`, the parties in it. Into a scenario Tryton itself puts whoever its domain names:
a domain like [["categories", "where", [["id", "=", 4]]]] makes a category the way in. Who left by the link in a mail is not put back.
A party is deleted only if Tryton's log says so; one that is not active is there all the same. An opportunity, if its history shows it until then.
"""

from __future__ import annotations

from pathlib import Path

from connectors.base import Breaker, Budget, Connection, Sink, Source
from connectors.registry import read_manifest
from connectors.tryton.client import Client
from connectors.tryton.sink import TrytonSink
from connectors.tryton.source import TrytonSource

manifest = read_manifest(Path(__file__).with_name("manifest.yaml"))


def source(connection: Connection, budget: Budget, breaker: Breaker) -> Source:
    """Build the reading side."""
    return TrytonSource(manifest, Client(manifest, connection, budget, breaker))


def sink(connection: Connection, budget: Budget, breaker: Breaker) -> Sink:
    """Build the writing side."""
    return TrytonSink(manifest, Client(manifest, connection, budget, breaker))

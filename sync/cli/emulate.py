"""The emulated systems of demo and laptop, as one process: Acme's CRM, its marketing platform and Slack, with Acme's people."""

from __future__ import annotations

import asyncio
import gc
import json
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

from starlette.applications import Starlette

from connectors.emulator import hubspot, salesforce, slack
from connectors.emulator.control import serve
from sync.cli import vendors

REPS = {
    "maria@acme.example": "Maria Lund",
    "ana@acme.example": "Ana Diaz",
    "ben@acme.example": "Ben Roth",
    "lea@acme.example": "Lea Wolf",
    "sue@acme.example": "Sue Kim",
    "tom@acme.example": "Tom Reed",
    "joe@acme.example": "Joe Park",
    "head.of.sales@acme.example": "Vera Holm",
    "head.of.marketing@acme.example": "Paul Stein",
}
COLLECT = 100_000, 50, 100_000
"""What the systems hold stays: to look through all of it for garbage would make them silent for seconds where it is a whole town."""
ADMIN = "admin@acme.example"
PORTAL_ID, APP_ID = 4711, 9001
FORM_GUID = "6f0c1f2e-0000-4000-8000-000000000001"
FORM_NAME = "Talk to us"
STAGES = (
    ("subscriber", "Subscriber"),
    ("lead", "Lead"),
    ("marketingqualifiedlead", "Marketing Qualified Lead"),
    ("salesacceptedlead", "Sales Accepted Lead"),
    ("salesqualifiedlead", "Sales Qualified Lead"),
    ("opportunity", "Opportunity"),
    ("customer", "Customer"),
    ("recycled", "Recycled"),
    ("other", "Other"),
)
TRUCE_TOKEN, MARKETING_TOKEN = "pat-emulated-truce", "pat-emulated-marketing"
CLIENT_ID, CLIENT_SECRET, WEBHOOK_SECRET = "truce", "emulated", "emulated-webhook-secret"
SLACK_TOKEN, SIGNING_SECRET = "emulated-bot-token", "emulated-signing-secret"
SLACK_USERS = {email: f"U0ACME{n:03}" for n, email in enumerate(REPS, 1)} | {"lea@acme.example": "U024BE7LH"}  # team.yaml names it
PASSWORD, ESPO_KEY, MARKETER = "emulated", "emulated-api-key", "head.of.marketing@acme.example"
FORMS = {"Pricing": 1, "Demo": 2, "Contact": 3, "Newsletter": 4}
"""Mautic's forms, by the page that they stand on."""
PAIRS = (("salesforce", "hubspot"), ("salesforce", "marketo"), ("espocrm", "mautic"))
POLLS = {"salesforce": 1.0, "marketo": 14.0, "espocrm": 7.0, "mautic": 3.0}
"""How much longer than Salesforce each that is polled is left alone between two polls: by what it lets Truce ask.

Of a short window bulk gets three fifths (`sync.runtime.budget`): polls after a burst, of some ten calls each, must leave it room.
"""
SLOW = tuple(name for name, times in POLLS.items() if times > 1)
"""Those that are polled so seldom that one has to wait for it."""
ROOMS = {"sales-leads": "C0SALESLEADS", "managers": "C0MANAGERS"}


def crm(*, daily_quota: int = 100_000, events: Sequence[str] = ()) -> salesforce.Salesforce:
    """Give Acme's emulated Salesforce, with change events of these objects."""
    people = [salesforce.User(email, name) for email, name in REPS.items()]
    return salesforce.Salesforce(
        [*people, salesforce.User(ADMIN, "Admin")],
        daily_quota=daily_quota,
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        assign=False,
        events=events,
    )


def marketing(*, calls_per_10s: int | None = 190) -> hubspot.HubSpot:
    """Give Acme's emulated HubSpot."""
    names = [(email, *name.split(" ", 1)) for email, name in REPS.items()]
    owners = [hubspot.Owner(str(7000 + n), email, first, last, user_id=100 + n) for n, (email, first, last) in enumerate(names)]
    return hubspot.HubSpot(
        tokens={TRUCE_TOKEN: "truce", MARKETING_TOKEN: "head.of.marketing@acme.example"},
        owners=owners,
        forms=[hubspot.Form(FORM_GUID, FORM_NAME)],
        portal_id=PORTAL_ID,
        app_id=APP_ID,
        client_secret=WEBHOOK_SECRET,
        lifecycle=STAGES,
        calls_per_10s=calls_per_10s,
        unlimited=["head.of.marketing@acme.example"],
    )


def chat() -> slack.Slack:
    """Give Acme's emulated Slack: its people, and the rooms that alerts.yaml names."""
    people = [slack.Person(SLACK_USERS[email], email, name) for email, name in REPS.items()]
    return slack.Slack(people, {ident: name for name, ident in ROOMS.items()}, token=SLACK_TOKEN, signing_secret=SIGNING_SECRET)


def channels(url: str) -> dict[str, str]:
    """Give the environment variables by which Truce talks to that Slack."""
    head = "TRUCE_CHANNELS__"
    rooms = {f"{head}{name.replace('-', '_').upper()}__ADDRESS": ident for name, ident in ROOMS.items()}
    secrets = {f"{head}SLACK__SECRETS__TOKEN": SLACK_TOKEN, f"{head}SLACK__SECRETS__SIGNING_SECRET": SIGNING_SECRET}
    return {f"{head}SLACK__URL": f"{url}/api/", **secrets, **rooms}


def poll_s(vendor: str, base_s: float) -> float:
    """Give how often a vendor is polled where Salesforce is every `base_s`."""
    return base_s * POLLS[vendor]


def systems(urls: Mapping[str, str], *, base_s: float) -> dict[str, dict[str, Any]]:
    """Give how Truce reaches those of them that have an address, as `sync.cli.parts.connections` takes it."""
    secrets: dict[str, dict[str, str]] = {
        "salesforce": {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET},
        "hubspot": {"token": TRUCE_TOKEN, "webhook_secret": WEBHOOK_SECRET},
        "marketo": {"client_id": "truce", "client_secret": CLIENT_SECRET},
        "espocrm": {"api_key": ESPO_KEY},
        "mautic": {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET},
    }
    options: dict[str, dict[str, Any]] = {
        "hubspot": {
            "portal_id": PORTAL_ID,
            "app_id": APP_ID,
            "forms_url": urls.get("hubspot"),
            "form_guids": f"{FORM_GUID}={FORM_NAME}",
        },
        "marketo": {"sales_persons": ",".join(REPS), "gap_ids": 300},
        "mautic": {"time_fields": ",".join(vendors.TIMES)},
    }
    polled = {name: {"poll_s": poll_s(name, base_s)} for name in POLLS}
    return {
        name: {
            "vendor": name,
            "url": url,
            "secrets": secrets[name],
            "options": {"lookback_s": 3, **polled.get(name, {}), **options.get(name, {})},
        }
        for name, url in urls.items()
        if name in secrets
    }


def app(vendor: str) -> Starlette:
    """Give one of Acme's emulated systems to serve; raises KeyError for a vendor that it has not."""
    made: dict[str, Callable[[], Any]] = {
        "salesforce": crm,
        "hubspot": marketing,
        "slack": chat,
        "marketo": lambda: vendors.marketo_of(REPS, CLIENT_SECRET),
        "espocrm": lambda: vendors.espo(REPS, PASSWORD, ESPO_KEY),
        "mautic": lambda: vendors.mautic_of(REPS, FORMS, CLIENT_ID, CLIENT_SECRET),
    }
    found: Starlette = made[vendor]().app
    return found


async def run(served: Sequence[str]) -> None:
    """Serve these vendors' systems and Slack until a signal; prints their addresses as one JSON line when they listen."""
    gc.set_threshold(*COLLECT)
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    async with AsyncExitStack() as stack:
        urls = {name: (await stack.enter_async_context(serve(app(name)))).url for name in dict.fromkeys((*served, "slack"))}
        print(json.dumps(urls), flush=True)
        await stop.wait()

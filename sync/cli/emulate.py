"""The emulated systems of demo and laptop, as one process: Acme's Salesforce, HubSpot and Slack, with Acme's people."""

from __future__ import annotations

import asyncio
import json
import signal
from contextlib import AsyncExitStack
from typing import Any

from connectors.emulator import hubspot, salesforce, slack
from connectors.emulator.control import serve

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
ROOMS = {"sales-leads": "C0SALESLEADS", "managers": "C0MANAGERS"}


def crm(*, daily_quota: int = 100_000) -> salesforce.Salesforce:
    """Give Acme's emulated Salesforce."""
    people = [salesforce.User(email, name) for email, name in REPS.items()]
    return salesforce.Salesforce(
        [*people, salesforce.User(ADMIN, "Admin")], daily_quota=daily_quota, client_id=CLIENT_ID, client_secret=CLIENT_SECRET, assign=False
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


def systems(urls: dict[str, str], *, poll_s: float) -> dict[str, dict[str, Any]]:
    """Give how Truce reaches the two, as `sync.cli.parts.connections` takes it."""
    return {
        "salesforce": {
            "vendor": "salesforce",
            "url": urls["salesforce"],
            "secrets": {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET},
            "options": {"poll_s": poll_s, "lookback_s": 3},
        },
        "hubspot": {
            "vendor": "hubspot",
            "url": urls["hubspot"],
            "secrets": {"token": TRUCE_TOKEN, "webhook_secret": WEBHOOK_SECRET},
            "options": {
                "portal_id": PORTAL_ID,
                "app_id": APP_ID,
                "forms_url": urls["hubspot"],
                "lookback_s": 3,
                "form_guids": f"{FORM_GUID}={FORM_NAME}",
            },
        },
    }


async def run(salesforce_port: int = 0, hubspot_port: int = 0) -> None:
    """Serve all until a signal; prints their addresses as one JSON line when they listen."""
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    apps = {"salesforce": (crm().app, salesforce_port), "hubspot": (marketing().app, hubspot_port), "slack": (chat().app, 0)}
    async with AsyncExitStack() as stack:
        urls = {name: (await stack.enter_async_context(serve(app, port=port))).url for name, (app, port) in apps.items()}
        print(json.dumps(urls), flush=True)
        await stop.wait()

"""A small workspace that listens, and slack_sdk's own client talking to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from slack_sdk.web.async_client import AsyncWebClient

from connectors.emulator.control import serve
from connectors.emulator.slack import Person, Slack

ANA, BEN, GUEST = "U0000ANA", "U0000BEN", "U000GUEST"
ROOM = "C000SALES"
PEOPLE = (
    Person(ANA, "ana@acme.example", "Ana Diaz"),
    Person(BEN, "ben@acme.example", "Ben Roth"),
    Person(GUEST, "", "A Guest"),
    Person("U00GONE", "gone@acme.example", "Long Gone", deleted=True),
)


class Play(NamedTuple):
    """The workspace and the vendor's client of it."""

    slack: Slack
    client: AsyncWebClient
    url: str


@asynccontextmanager
async def playing(**more: Any) -> AsyncIterator[Play]:
    """Serve a workspace for the length of the block."""
    slack = Slack(PEOPLE, {ROOM: "sales-leads"}, **more)
    async with serve(slack.app) as running:
        yield Play(slack, AsyncWebClient("emulated-bot-token", base_url=f"{running.url}/api/"), running.url)


def button(action_id: str = "accept", value: str = "h:1") -> dict[str, Any]:
    return {"type": "button", "action_id": action_id, "value": value, "text": {"type": "plain_text", "text": "Press"}}


def actions(*elements: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"type": "actions", "block_id": "b1", "elements": list(elements or (button(),))}]

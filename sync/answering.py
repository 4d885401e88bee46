"""The doors through which people answer, put together: Slack's buttons and commands (signed HTTP or Socket Mode), and the HTTP API."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from starlette.routing import BaseRoute

from sync.alerts.known import record_links
from sync.alerts.slack.client import client
from sync.alerts.slack.desk import Desk
from sync.alerts.slack.door import Door
from sync.alerts.slack.errands import Errands
from sync.alerts.slack.people import People
from sync.alerts.slack.socket import Socket
from sync.playbook.models import Playbook
from sync.runtime.orders import Orders
from sync.settings import Settings
from sync.sources.api import Api
from sync.sources.publisher import Publisher
from sync.store import alerts

SLACK = "slack"
"""TRUCE_CHANNELS__SLACK__SECRETS__{TOKEN, SIGNING_SECRET, APP_TOKEN}."""


@asynccontextmanager
async def answering(
    settings: Settings, pool: Any, playbook: Callable[[], Awaitable[Playbook]], publisher: Publisher
) -> AsyncIterator[Sequence[BaseRoute]]:
    """Give the doors for which this installation is set up, for the length of the block; none where it is for none."""
    orders, routes, socket = Orders(pool, publisher.put), list[BaseRoute](), None
    if settings.api_tokens:
        tokens = {person.lower(): token.get_secret_value() for person, token in settings.api_tokens.items()}
        routes += Api(orders, tokens, playbook).routes()
    desk = _desk(settings, orders, playbook)
    secrets = _secrets(settings)
    if desk is not None and secrets.get("signing_secret"):
        routes += Door(desk, secrets["signing_secret"]).routes()
    stop = asyncio.Event()
    if desk is not None and secrets.get("app_token"):
        socket = asyncio.create_task(Socket(desk, secrets["app_token"], settings.channels[SLACK].url).run(stop))
    try:
        yield routes
    finally:
        stop.set()
        if socket is not None:
            await asyncio.wait({socket}, timeout=5)
            socket.cancel()
        if desk is not None:
            await desk.close()


def _secrets(settings: Settings) -> dict[str, str]:
    found = settings.channels.get(SLACK)
    return {name: value.get_secret_value() for name, value in found.secrets.items()} if found is not None else {}


def _desk(settings: Settings, orders: Orders, playbook: Callable[[], Awaitable[Playbook]]) -> Desk | None:
    token = _secrets(settings).get("token")
    if not token:
        return None
    web = client(token, settings.channels[SLACK].url)
    people = People(web)
    return Desk(
        web, people, orders, playbook, Errands(orders, people, settings.secret_bytes, alerts.snooze, record_links(settings.systems))
    )

"""Slack as a way out: sends once, finds what it sent by the key in its metadata, changes it in place, one message a second and channel."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from sync.alerts.card import Card
from sync.alerts.channel import Channel, Message, Outlet, Refused, Sent
from sync.alerts.slack.blocks import card_blocks, card_text, message_blocks, message_text
from sync.alerts.slack.client import client, refusals
from sync.alerts.slack.people import People
from sync.playbook.models.alerts import Medium

EVENT = "truce_message"
"""The event type of our messages' metadata; its payload's `key` is the message's."""
APART_S, PATIENCE_S = 1.0, 3.0
"""So long between two messages in a channel; who would wait longer than the second is told when to come again."""
PAGES, PAGE, BEFORE_S = 5, 200, 60.0
"""How far back a message is looked for: five pages, beginning a minute before it was tried (clocks differ)."""
_GONE = ("message_not_found", "cant_update_message", "edit_window_closed")


class Pace:
    """When a channel takes its next message."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._free = clock, dict[str, float]()

    def slot(self, channel: str) -> float:
        """Take the next place in a channel's line and give how long to wait for it; raises Refused when that is too long."""
        now = self._clock()
        wait = max(0.0, self._free.get(channel, 0.0) - now)
        if wait > PATIENCE_S:
            raise Refused("more messages wait for this channel than it takes", retry_after=wait)
        self._free[channel] = now + wait + APART_S
        return wait

    def held(self, channel: str, seconds: float) -> None:
        """Let nothing go to a channel for so long, as Slack asked."""
        self._free[channel] = max(self._free.get(channel, 0.0), self._clock() + seconds)


class SlackChannel:
    """One channel of alerts.yaml; `address` is the room, a message's `to` the person (a Slack user id or an e-mail)."""

    medium: Medium = "slack"

    def __init__(self, outlet: Outlet, web: AsyncWebClient | None = None, pace: Pace | None = None) -> None:
        self.name, self._address = outlet.name, outlet.address
        self._client = web or client(outlet.secrets.get("token", ""), outlet.url)
        self._people, self._pace = People(self._client), pace or Pace()
        self._direct: dict[str, str] = {}

    async def send(self, message: Message, *, key: str) -> Sent:
        """Send a message with its key as metadata; raises Refused."""
        room = await self._room(message)
        if wait := self._pace.slot(room):
            await asyncio.sleep(wait)
        try:
            async with refusals():
                answer = await self._client.chat_postMessage(
                    channel=room,
                    metadata={"event_type": EVENT, "event_payload": {"key": key}},
                    unfurl_links=False,
                    unfurl_media=False,
                    **_content(message),
                )
        except Refused as refused:
            if refused.retry_after:
                self._pace.held(room, refused.retry_after)
            raise
        return Sent(f"{answer['channel']}:{answer['ts']}")

    async def find(self, message: Message, *, key: str, since: datetime) -> Sent | None:
        """Look in the room's history for the message that carries the key; raises Refused when Slack does not say."""
        room, cursor = await self._room(message), ""
        for _ in range(PAGES):
            async with refusals():
                page: Any = await self._client.conversations_history(
                    channel=room,
                    oldest=f"{since.timestamp() - BEFORE_S:.6f}",
                    limit=PAGE,
                    include_all_metadata=True,
                    cursor=cursor or None,
                )
            for one in page["messages"]:
                told = one.get("metadata") or {}
                if told.get("event_type") == EVENT and (told.get("event_payload") or {}).get("key") == key:
                    return Sent(f"{room}:{one['ts']}")
            cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return None
        raise Refused("too much was said in this channel since to find whether it arrived", unsure=True)

    async def update(self, sent: Sent, message: Message) -> Sent | None:
        """Change a message in place; None when it is not there any more. Raises Refused."""
        room, _, ts = sent.ref.partition(":")
        try:
            async with refusals():
                await self._client.chat_update(channel=room, ts=ts, **_content(message))
        except Refused as refused:
            if any(word in str(refused) for word in _GONE):
                return None
            raise
        return sent

    async def zone(self, person: str) -> str:
        """Give the zone that a person's profile says; raises Refused."""
        return await self._people.zone(person)

    async def close(self) -> None:
        """Nothing is kept open between calls."""

    async def _room(self, message: Message) -> str:
        if message.to is None:
            if not self._address:
                raise Refused(f"no room is set for {self.name}: name its id under `channels` in env/<name>.yaml", permanent=True)
            return self._address
        user = await self._people.user(message.to) if "@" in message.to else message.to
        if user not in self._direct:
            async with refusals():
                opened: Any = await self._client.conversations_open(users=user)
            self._direct[user] = str(opened["channel"]["id"])
        return self._direct[user]


def _content(message: Message) -> dict[str, Any]:
    if isinstance(message.card, Card):
        return {"text": card_text(message.card), "blocks": card_blocks(message.card)}
    return {"text": message_text(message), "blocks": message_blocks(message)}


def open_channel(outlet: Outlet) -> Channel:
    """Give the channel of an outlet."""
    return SlackChannel(outlet)

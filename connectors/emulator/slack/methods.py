"""The Web API's methods about messages: chat.* with their checks and errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from connectors.emulator.slack.blocks import problems
from connectors.emulator.slack.limits import Limits
from connectors.emulator.slack.workspace import APP, BOT, BOT_USER, TEAM, Message, Workspace

MOST_TEXT, MOST_METADATA = 40_000, 8_000
Given = Mapping[str, Any]
Answer = dict[str, Any]


class Failed(Exception):
    """A method's `{"ok": false}`: its error, and what else stands beside it."""

    def __init__(self, error: str, **more: Any) -> None:
        super().__init__(error)
        self.body = {"ok": False, "error": error, **more}


class TooFast(Exception):
    """429, with the seconds of Retry-After."""

    def __init__(self, seconds: int) -> None:
        super().__init__(str(seconds))
        self.seconds = seconds


class Chat:
    """chat.postMessage, update, postEphemeral, delete."""

    def __init__(self, space: Workspace, limits: Limits) -> None:
        self.space, self.limits = space, limits

    def post(self, given: Given) -> Answer:
        """Say something in a channel, or to a person (their direct channel)."""
        channel = self._where(given)
        content = self._content(given, MOST_TEXT)
        if wait := self.limits.post(channel):
            raise TooFast(wait)
        message = Message(channel, self.space.ts(), thread=str(given.get("thread_ts") or ""), **content)
        self.space.messages[channel].append(message)
        return {"channel": channel, "ts": message.ts, "message": message.plain()}

    def update(self, given: Given) -> Answer:
        """Change a message of ours."""
        message = self._message(given)
        content = self._content(given, 4_000)
        message.text, message.edits = content["text"], message.edits + 1
        message.blocks = content["blocks"] if "blocks" in given else []
        if content["metadata"] is not None:
            message.metadata = content["metadata"]
        return {"channel": message.channel, "ts": message.ts, "text": message.text, "message": message.plain()}

    def ephemeral(self, given: Given) -> Answer:
        """Say something that one person sees."""
        channel, user = self._where(given), str(given.get("user") or "")
        if user not in self.space.people:
            raise Failed("user_not_in_channel")
        content = self._content(given, MOST_TEXT)
        self.space.private.append(Message(channel, self.space.ts(), ephemeral=user, **content))
        return {"message_ts": self.space.private[-1].ts}

    def delete(self, given: Given) -> Answer:
        """Take a message of ours away."""
        message = self._message(given)
        self.space.messages[message.channel].remove(message)
        return {"channel": message.channel, "ts": message.ts}

    def _where(self, given: Given) -> str:
        channel = str(given.get("channel") or "")
        if channel in self.space.messages:
            return channel
        person = self.space.people.get(channel)
        if person is None:
            raise Failed("channel_not_found")
        if person.deleted:
            raise Failed("cannot_dm_bot" if person.id == BOT_USER else "user_disabled")
        return self.space.direct(person.id)

    def _message(self, given: Given) -> Message:
        channel = str(given.get("channel") or "")
        if channel not in self.space.messages:
            raise Failed("channel_not_found")
        message = self.space.find(channel, str(given.get("ts") or ""))
        if message is None:
            raise Failed("message_not_found")
        return message

    def _content(self, given: Given, most: int) -> dict[str, Any]:
        text, blocks = str(given.get("text") or ""), given.get("blocks") or []
        if not text and not blocks:
            raise Failed("no_text")
        if len(text) > most:
            raise Failed("msg_too_long")
        if found := problems(blocks, "message"):
            raise Failed("invalid_blocks", errors=found, response_metadata={"messages": found})
        return {"text": text, "blocks": blocks, "metadata": metadata(given.get("metadata"))}


def metadata(given: Any) -> dict[str, Any] | None:
    """Check a message's metadata and give it; raises Failed."""
    if given is None:
        return None
    if not isinstance(given, dict) or not isinstance(given.get("event_type"), str) or not isinstance(given.get("event_payload"), dict):
        raise Failed("invalid_metadata_format")
    if any(not isinstance(value, str | int | float | bool | list | dict | None) for value in given["event_payload"].values()):
        raise Failed("invalid_metadata_schema")
    if len(orjson.dumps(given)) > MOST_METADATA:
        raise Failed("metadata_too_large")
    return given


def who(space: Workspace) -> Answer:
    """auth.test: whose token it is."""
    return {"url": "https://acme.slack.example/", "team": "Acme", "user": "truce", "team_id": TEAM, "user_id": BOT_USER, "bot_id": BOT, "app_id": APP}  # fmt: skip

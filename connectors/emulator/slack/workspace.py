"""One workspace in memory: people, channels, messages, modals, and the triggers that open them."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

TEAM, APP, BOT_USER, BOT = "T024BE7LD", "A024BE7LA", "U024BE7BT", "B024BE7LB"
TRIGGER_S = 3.0
"""So long a trigger id opens a modal."""
RESPONSES, RESPONSE_S = 5, 1_800.0
"""How often, and how long, a response_url is taken."""


@dataclass(frozen=True)
class Person:
    """Somebody of the workspace; who has no e-mail in the profile (a guest, a bot) has ''."""

    id: str
    email: str
    name: str
    deleted: bool = False
    team: str = TEAM
    """Another workspace's person is there by a channel that both share."""
    tz: str = ""
    """Their zone (IANA) as their profile says it; '' for none."""


@dataclass
class Message:
    """One message as it stands; `ephemeral` only one person sees."""

    channel: str
    ts: str
    text: str = ""
    blocks: list[dict[str, Any]] = field(default_factory=list)
    metadata: dict[str, Any] | None = None
    thread: str = ""
    edits: int = 0
    ephemeral: str = ""
    """The person who alone sees it; '' for everybody's."""

    def plain(self, *, metadata: bool = False) -> dict[str, Any]:
        """Give it as the Web API does; the metadata only if asked for."""
        found: dict[str, Any] = {"type": "message", "user": BOT_USER, "bot_id": BOT, "app_id": APP, "ts": self.ts, "text": self.text}
        if self.blocks:
            found["blocks"] = self.blocks
        if self.thread:
            found["thread_ts"] = self.thread
        if self.edits:
            found["edited"] = {"user": BOT, "ts": self.ts}
        if metadata and self.metadata:
            found["metadata"] = self.metadata
        return found


@dataclass
class View:
    """One modal that a person has open."""

    id: str
    user: str
    view: dict[str, Any]


@dataclass
class Response:
    """Where a response_url leads to, and how often it was used."""

    channel: str
    user: str
    ts: str
    until: float
    used: int = 0


class Workspace:
    """The state of one workspace."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.people: dict[str, Person] = {}
        self.channels: dict[str, str] = {}
        """Id → name."""
        self.members: dict[str, str] = {}
        """Direct channel → the person."""
        self.messages: dict[str, list[Message]] = {}
        """Channel → its messages, oldest first."""
        self.private: list[Message] = []
        """What only one person saw, in order."""
        self.views: dict[str, View] = {}
        self.triggers: dict[str, tuple[str, float]] = {}
        """Trigger id → the person, and until when it counts."""
        self.exchanged: set[str] = set()
        """Triggers that opened their modal."""
        self.responses: dict[str, Response] = {}
        self._numbers = itertools.count(1)
        self._last = 0

    def number(self) -> int:
        """Give a number that nothing else has."""
        return next(self._numbers)

    def ts(self) -> str:
        """Give a time that no other message has: seconds and six digits."""
        self._last = max(self._last + 1, int(self.clock() * 1_000_000))
        return f"{self._last // 1_000_000}.{self._last % 1_000_000:06}"

    def channel(self, name: str, ident: str = "") -> str:
        """Add a channel that the app is a member of; gives its id."""
        ident = ident or f"C{self.number():08}"
        self.channels[ident] = name
        self.messages.setdefault(ident, [])
        return ident

    def direct(self, user: str) -> str:
        """Give the direct channel to a person, opened now if it was not."""
        ident = f"D{user[1:]}"
        self.members[ident] = user
        self.messages.setdefault(ident, [])
        return ident

    def find(self, channel: str, ts: str) -> Message | None:
        """Give a message, by its channel and time."""
        return next((one for one in self.messages.get(channel, ()) if one.ts == ts), None)

    def trigger(self, user: str) -> str:
        """Give a trigger id that opens one modal for this person, within three seconds."""
        ident = f"{self.number()}.{TEAM}.trigger"
        self.triggers[ident] = (user, self.clock() + TRIGGER_S)
        return ident

    def response(self, channel: str, user: str, ts: str) -> str:
        """Open a response_url; gives its id."""
        ident = f"{TEAM}-{self.number()}"
        self.responses[ident] = Response(channel, user, ts, self.clock() + RESPONSE_S)
        return ident

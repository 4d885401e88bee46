"""What every way out looks like to the notifier: it sends one message once, finds what it sent, changes it in place, or refuses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from sync.playbook.models.alerts import Medium

Role = Literal["channel", "owner", "manager", "deputy", "accountable"]
"""What the reader is to the lead; `channel` is a room of many: company and owner, nothing personal."""
Level = Literal["good", "note", "trouble", "urgent"]
"""good: it is over; note: to be known; trouble: somebody must act; urgent: and in quiet hours too."""
ActionName = Literal["accept", "reject", "reassign", "snooze", "why", "remind_later", "assign", "see_all"]


@dataclass(frozen=True, slots=True)
class Link:
    """Words that lead somewhere: a button or a line with its address, as the medium has it."""

    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Action:
    """A button: where the medium has none it is left out (its `Link`, if any, says the same)."""

    name: ActionName
    label: str
    value: str
    """What it is about: `<hand-off id>:<offer>` of accept, reject, reassign and why (with the minutes after another colon of remind_later); the group's id of snooze, assign and see_all."""


@dataclass(frozen=True, slots=True)
class Message:
    """One thing to be said. Its texts are raw: each medium escapes them by its own rules (`escape.py`), so that no name is an order."""

    title: str
    lines: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    actions: tuple[Action, ...] = ()
    level: Level = "trouble"
    personal: Mapping[Role, tuple[str, ...]] = field(default_factory=dict)
    """Further lines that only a reader with that role may see: they go between title and lines."""
    reader: Role = "channel"
    to: str | None = None
    """Whom it is for in this medium (a Slack user id, an e-mail); None: the channel's own room or address."""
    person: str | None = None
    """E-mail of who is expected to act: the assignee of a task."""
    due: datetime | None = None
    """By when: the due date of a task."""
    thread: str | None = None
    """What belongs to one thing has the same: e-mails of it are one conversation."""
    card: Any = None
    """The hand-off's card: what a medium that can show more renders in place of title and lines."""
    event: Mapping[str, Any] | None = None
    """An event of Truce for another program, `{id, type, timestamp, data}`: a webhook sends it as it is."""

    def shown(self) -> tuple[str, ...]:
        """Give the lines that its reader may see, the personal ones first."""
        return (*self.personal.get(self.reader, ()), *self.lines)


@dataclass(frozen=True, slots=True)
class Sent:
    """Where a message is now: what `update` needs to change it. Kept in SQL as it stands."""

    ref: str
    """The medium's own name of it: Slack's `channel:ts`, an e-mail's Message-ID, a task's gid."""
    data: Mapping[str, str] = field(default_factory=dict)


class Refused(Exception):
    """The way out did not take a message; the text says why, without secret or personal value.

    `permanent`: trying the same again changes nothing (wrong token, unknown room). `retry_after`: seconds until it may be tried again.
    `unsure`: it may have arrived all the same (the connection broke after it was sent): look it up, or let the receiver drop the copy.
    """

    def __init__(self, words: str, *, permanent: bool = False, retry_after: float | None = None, unsure: bool = False) -> None:
        super().__init__(words)
        self.permanent, self.retry_after, self.unsure = permanent, retry_after, unsure


class Channel(Protocol):
    """One way out, by the name that alerts.yaml gives it. Every method raises Refused, and nothing else for what the other side did."""

    name: str
    medium: Medium

    async def send(self, message: Message, *, key: str) -> Sent:
        """Send a message; `key` is the same for every try of it and goes along, so that the receiver can drop a copy."""
        ...

    async def find(self, message: Message, *, key: str, since: datetime) -> Sent | None:
        """Look for a message of which it is not known whether it arrived; None: it is not there, or this medium cannot be asked."""
        ...

    async def update(self, sent: Sent, message: Message) -> Sent | None:
        """Change a message in place (resolved, accepted); None: this medium cannot, and the notifier decides whether to say it anew."""
        ...

    async def zone(self, person: str) -> str:
        """Give the zone (IANA) in which a person (a message's `to`) reads it; '' where the medium knows none."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class Zoneless:
    """What a channel is that does not know by which clock somebody reads it."""

    async def zone(self, person: str) -> str:
        """Nobody's is known."""
        return ""


class OneWay(Zoneless):
    """What a channel is whose medium can neither be asked what arrived nor change what was sent: receivers drop a copy by its id."""

    async def find(self, message: Message, *, key: str, since: datetime) -> Sent | None:
        """Nobody can be asked."""
        return None

    async def update(self, sent: Sent, message: Message) -> Sent | None:
        """What was sent cannot be changed."""
        return None

    async def close(self) -> None:
        """Nothing is kept open."""


@dataclass(frozen=True, slots=True)
class Outlet:
    """What a channel is made of: alerts.yaml's name and medium, env/<name>.yaml's address, the settings' secrets and options."""

    name: str
    medium: Medium
    address: str = ""
    url: str = ""
    secrets: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)

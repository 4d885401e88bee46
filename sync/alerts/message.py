"""A message as it is kept until it is sent, without anything personal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sync.alerts.channel import Action, Link, Message


def kept(message: Message) -> dict[str, Any]:
    """Give a message as plain data; what only some readers may see is not kept."""
    return {
        "title": message.title,
        "lines": list(message.lines),
        "links": [[one.text, one.url] for one in message.links],
        "actions": [[one.name, one.label, one.value] for one in message.actions],
        "level": message.level,
        "due": message.due.isoformat() if message.due else None,
        "thread": message.thread,
        **({"event": message.event} if message.event is not None else {}),
    }


def read(data: Mapping[str, Any], row: Mapping[str, Any]) -> Message:
    """Give the message that was kept, for the reader that its row names."""
    return Message(
        data["title"],
        tuple(data["lines"]),
        tuple(Link(*one) for one in data["links"]),
        tuple(Action(*one) for one in data["actions"]),
        data["level"],
        reader=row["role"],
        to=row["address"],
        person=row["person"],
        due=datetime.fromisoformat(data["due"]) if data.get("due") else None,
        thread=data.get("thread"),
        event=data.get("event"),
    )

"""How the story reaches the emulators' own doors, and Slack as Acme's people use it."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping
from typing import Any


def door(url: str, path: str, body: Mapping[str, Any] | None = None, method: str | None = None) -> Any:
    """Use an emulator's own door (journal, faults, webhooks): not the vendor's protocol, so plain HTTP."""
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(f"{url}/_emulator/{path}", data=data, method=method or ("POST" if data else "GET"))
    request.add_header("content-type", "application/json")
    with urllib.request.urlopen(request, timeout=20) as answer:
        raw = answer.read()
    return json.loads(raw) if raw else None


class Chat:
    """The emulated Slack as Acme's people use it."""

    def __init__(self, url: str) -> None:
        self.url = url

    def card(self, user: str, about: str) -> dict[str, Any] | None:
        """Give the newest card in a person's own channel that has these words in it and a button to accept."""
        room = f"D{user[1:]}"
        found = [one for one in door(self.url, "see/messages") if one["channel"] == room and about in json.dumps(one, ensure_ascii=False)]
        return next((one for one in reversed(found) if '"action_id": "accept"' in json.dumps(one)), None)

    def messages(self, about: str = "") -> list[dict[str, Any]]:
        """Give every message that stands there, oldest first, or those with these words in it."""
        return [one for one in door(self.url, "see/messages") if about in json.dumps(one, ensure_ascii=False)]

    def press(self, user: str, message: Mapping[str, Any], action: str) -> int:
        """Press a button of a message; gives the status that Truce answered to the signed request."""
        asked = {"user": user, "channel": message["channel"], "ts": message["ts"], "action": action}
        return int(door(self.url, "press", asked)["status"])

    def told(self, user: str) -> list[str]:
        """Give what only this person was told."""
        return [one["text"] for one in door(self.url, "see/private") if one["shown_to"] == user]

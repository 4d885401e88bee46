"""The generic webhook, signed by Standard Webhooks: `webhook-id` is the same for every try, so that the receiver drops a copy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from standardwebhooks.webhooks import Webhook as Signer

from sync.alerts.calls import Calls
from sync.alerts.channel import Channel, Message, OneWay, Outlet, Refused, Sent
from sync.alerts.escape import plain
from sync.playbook.models.alerts import Medium


def body(message: Message, now: datetime) -> Mapping[str, Any]:
    """Give what is sent: `{type, timestamp, data: {title, lines, level, links, person, due}}`, every text one line; an event as it is."""
    if message.event is not None:
        return message.event
    data = {
        "title": plain(message.title),
        "lines": [plain(line) for line in message.shown()],
        "level": message.level,
        "links": [{"text": plain(link.text), "url": link.url} for link in message.links],
        "person": message.person,
        "due": message.due.isoformat() if message.due else None,
        "thread": message.thread,
    }
    return {"type": "truce.alert", "timestamp": now.isoformat(), "data": {name: value for name, value in data.items() if value is not None}}


class Webhook(OneWay):
    """Posts to one address; its secret is a Standard Webhooks secret (`whsec_…`)."""

    medium: Medium = "webhook"

    def __init__(self, outlet: Outlet) -> None:
        self.name = outlet.name
        self._calls = Calls(outlet.name, outlet.url, hide=tuple(outlet.secrets.values()))
        try:
            self._signer = Signer(outlet.secrets.get("secret", ""))
        except (RuntimeError, ValueError):  # base64's own error is a ValueError
            raise Refused("its secret is none of Standard Webhooks (whsec_ and base64)", permanent=True) from None

    async def send(self, message: Message, *, key: str) -> Sent:
        """Post it, signed; raises Refused unless 2xx is answered."""
        now = datetime.now(UTC)
        content = json.dumps(body(message, now), ensure_ascii=False)
        headers = {
            "webhook-id": key,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._signer.sign(key, now, content),
        }
        await self._calls.call("POST", "", content.encode(), headers=headers, plain=True)
        return Sent(key)

    async def close(self) -> None:
        """Let go of connections."""
        await self._calls.close()


def open_channel(outlet: Outlet) -> Channel:
    """Make the channel of an outlet; raises Refused when its secret is none."""
    return Webhook(outlet)

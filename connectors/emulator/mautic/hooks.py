"""Mautic's webhooks: one call for each event at once, signed by its secret."""

from __future__ import annotations

import asyncio
import base64
import hmac
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import aiohttp
import orjson

TRIGGERS = (
    "mautic.lead_post_save_new", "mautic.lead_post_save_update", "mautic.lead_post_delete", "mautic.lead_channel_subscription_changed",
    "mautic.lead_list_change", "mautic.form_on_submit", "mautic.page_on_hit", "mautic.email_on_open",
)  # fmt: skip


class Hooks:
    """Sends what was told to `url`, in order, as Mautic does that processes at once; a call that fails is not sent again.

    Mautic switches one off of whose last 100 calls none was taken, with the first that fails (seen of 5.1.0); here it stays on.
    """

    def __init__(self) -> None:
        self.url, self.secret, self.published = "", "", True
        self.others: list[Mapping[str, Any]] = []
        """Webhooks of other tools, which only the API shows."""
        self.waiting: asyncio.Queue[bytes] = asyncio.Queue()

    def set(self, url: str, secret: str) -> None:
        """Send to this address from now on."""
        self.url, self.secret = url, secret

    def wire(self) -> list[dict[str, Any]]:
        """Give all as the API lists them."""
        own = {"isPublished": self.published, "name": "Truce", "webhookUrl": self.url, "triggers": list(TRIGGERS)}
        return [{"id": n, **one} for n, one in enumerate([*([own] if self.url else []), *self.others], 1)]

    def tell(self, trigger: str, entry: Mapping[str, Any], at: str) -> None:
        """Take one event."""
        if self.url and self.published:
            self.waiting.put_nowait(orjson.dumps({trigger: [{**entry, "timestamp": at}]}))

    def signature(self, body: bytes) -> str:
        """Give base64(HMAC-SHA256(secret, body))."""
        return base64.b64encode(hmac.new(self.secret.encode(), body, sha256).digest()).decode()

    async def run(self) -> None:
        """Send until cancelled."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=15)) as session:
            while True:
                body = await self.waiting.get()
                headers = {"Content-Type": "application/json", "Webhook-Signature": self.signature(body)}
                try:
                    async with session.post(self.url, data=body, headers=headers):
                        pass
                except (aiohttp.ClientError, TimeoutError):
                    continue
                finally:
                    self.waiting.task_done()

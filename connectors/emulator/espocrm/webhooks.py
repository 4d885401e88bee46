"""The job that tells webhooks what happened: for each webhook one call with all of its events, signed (measured on 9.0; Core/Webhook/Sender)."""

from __future__ import annotations

import base64
import hmac
import json
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import aiohttp

from connectors.emulator.espocrm.org import Org

TIMEOUT_S = 10.0
ATTEMPTS = 5


def signature(ident: str, secret: str, body: bytes) -> str:
    """Give the header Signature: base64 of the webhook's id, a colon, and the HMAC in hexadecimal."""
    return base64.b64encode(f"{ident}:{hmac.new(secret.encode(), body, sha256).hexdigest()}".encode()).decode()


@dataclass
class Hooks:
    """Delivers when told to, as EspoCRM's scheduled job does about every minute."""

    org: Org
    waiting: list[tuple[str, list[dict[str, Any]], int]] = field(default_factory=list)
    """Webhook id, its events, how often it was tried."""

    def calls(self) -> None:
        """Sort what happened into one call for each webhook."""
        events, self.org.events = self.org.events, []
        for row in self.org.live("Webhook"):
            told = [data for event, data in events if event == row["event"] and row["isActive"]]
            if told:
                self.waiting.append((str(row["id"]), told, 0))

    async def run(self) -> int:
        """Do the job once; gives how many calls were taken. What was not taken is tried again by the next run, five times."""
        self.calls()
        waiting, self.waiting, taken = self.waiting, [], 0
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            for ident, events, tried in waiting:
                row = self.org.rows["Webhook"][ident]
                body = json.dumps(events, separators=(",", ":")).encode()
                headers = {"Content-Type": "application/json", "Signature": signature(ident, row["secretKey"], body)}
                if await _taken(session, row["url"], body, headers):
                    taken += 1
                elif tried + 1 < ATTEMPTS:
                    self.waiting.append((ident, events, tried + 1))
        return taken


async def _taken(session: aiohttp.ClientSession, url: str, body: bytes, headers: dict[str, str]) -> bool:
    try:
        async with session.post(url, data=body, headers=headers) as answer:
            await answer.read()
            return 200 <= answer.status < 300
    except (aiohttp.ClientError, TimeoutError, OSError):
        return False

"""Who calls: the identity service, which gives one token until its end, and the users behind tokens."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from connectors.emulator.marketo.leads import API, Actor
from connectors.emulator.marketo.refusals import Refused

LIFETIME_S = 3599


@dataclass
class Identity:
    """The API users of one subscription: client id → (secret, e-mail of the API user)."""

    clock: Callable[[], datetime]
    users: Mapping[str, tuple[str, str]]
    revoked: bool = False
    mints: int = 0
    _tokens: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    """Client id → its token and the token's end."""
    _ended: set[str] = field(default_factory=set)

    def mint(self, given: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        """Answer the identity service: asked again before the end it gives the same token with what is left of its life."""
        secret, email = self.users.get(given.get("client_id", ""), ("", ""))
        if given.get("grant_type") != "client_credentials":
            return 400, {"error": "unsupported_grant_type", "error_description": "Unsupported grant type"}
        if self.revoked or not secret or not secrets.compare_digest(secret, given.get("client_secret", "")):
            return 401, {"error": "invalid_client", "error_description": "Bad client credentials"}
        now, client = self.clock(), given["client_id"]
        token, end = self._tokens.get(client, ("", now))
        if end <= now or token in self._ended:
            token, end = f"{secrets.token_hex(16)}:ab", now + timedelta(seconds=LIFETIME_S)
            self._tokens[client] = (token, end)
        self.mints += 1
        return 200, {"access_token": token, "token_type": "bearer", "expires_in": int((end - now).total_seconds()), "scope": email}

    def expire(self) -> None:
        """End every token that was given."""
        self._ended |= {token for token, _ in self._tokens.values()}

    def actor(self, header: str | None) -> Actor:
        """Give who calls; raises Refused with 600, 601 or 602."""
        kind, _, token = (header or "").partition(" ")
        if kind.lower() != "bearer" or not token:
            raise Refused("600", "Access token not specified")
        client = next((name for name, (known, _) in self._tokens.items() if known == token), None)
        if self.revoked or (client is None and token not in self._ended):
            raise Refused("601", "Access token invalid")
        if client is None or token in self._ended or self._tokens[client][1] <= self.clock():
            raise Refused("602", "Access token expired")
        return Actor(client, API, self.users[client][1])

"""Who calls: private-app tokens, OAuth tokens with their refresh, scopes, and what each client's changes are signed with."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

from connectors.emulator.hubspot import moments
from connectors.emulator.hubspot.errors import Refused, scopeless

LIFETIME_S = 1800
SCOPES = (
    "oauth",
    "crm.objects.contacts.read",
    "crm.objects.contacts.write",
    "crm.schemas.contacts.read",
    "crm.schemas.contacts.write",
    "crm.objects.companies.read",
    "crm.objects.companies.write",
    "crm.objects.deals.read",
    "crm.objects.deals.write",
    "crm.schemas.companies.read",
    "crm.schemas.deals.read",
    "crm.objects.owners.read",
    "content",
    "crm.lists.read",
    "crm.lists.write",
    "communication_preferences.read_write",
    "sales-email-read",
    "forms",
)


@dataclass(frozen=True)
class Actor:
    """Who changes something: the journal's name for them, and HubSpot's changeSource and sourceId."""

    client: str
    source: str
    source_id: str = ""


@dataclass
class Auth:
    """The tokens of one account."""

    clock: Callable[[], datetime]
    portal_id: int
    app_id: int
    tokens: Mapping[str, str]
    """Private-app token → client name."""
    client_id: str
    client_secret: str
    refresh_token: str
    app_client: str = "truce"
    developer_key: str = "developer-key"
    """What the app's own settings are read and changed by, as `hapikey`."""
    """The client that is an integration; all other clients are people in HubSpot's own screens."""
    apps: Mapping[str, int] = field(default_factory=dict)
    """Further clients that are integrations, with their app ids."""
    user_ids: Mapping[str, int] = field(default_factory=dict)
    """Client name → HubSpot user id; others get one made up."""
    missing: set[str] = field(default_factory=set)
    """Scopes that the apps do not have; may be changed at any time."""
    revoked: bool = False
    """True: nothing that the app presents is valid any more."""
    refreshes: int = 0
    _minted: dict[str, datetime] = field(default_factory=dict)
    _made_up: dict[str, int] = field(default_factory=dict)
    _next_user: itertools.count[int] = field(default_factory=lambda: itertools.count(70_001))

    def client(self, header: str | None) -> str:
        """Give the client behind an Authorization header; raises Refused (401)."""
        scheme, _, token = (header or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            words = "Authentication credentials not found. This API supports OAuth 2.0 authentication."
            raise Refused(401, "INVALID_AUTHENTICATION", words)
        if token in self._minted and not self.revoked:
            self._check_age(self._minted[token])
            return self.app_client
        name = self.tokens.get(token)
        if name is None or (self.revoked and self._is_app(name)):
            raise Refused(401, "INVALID_AUTHENTICATION", "Authentication credentials not found or no longer valid.")
        return name

    def by_oauth(self, header: str | None) -> bool:
        """Say whether a call comes with a token of OAuth, whose answers say nothing of the day's calls."""
        return (header or "").partition(" ")[2] in self._minted

    def _check_age(self, until: datetime) -> None:
        over = (self.clock() - until).total_seconds()
        if over >= 0:
            words = f"The OAuth token used to make this call expired {int(over)} second(s) ago."
            raise Refused(401, "EXPIRED_AUTHENTICATION", words, context={"expire time": [moments.iso(moments.millis(until))]})

    def _is_app(self, client: str) -> bool:
        return client == self.app_client or client in self.apps

    def check_scope(self, client: str, scope: str | None) -> None:
        """Raise Refused (403) when the app lacks the scope; people lack none."""
        if scope in self.missing and self._is_app(client):
            raise scopeless(str(scope))

    def actor(self, client: str) -> Actor:
        """Give how changes of a client are signed: INTEGRATION with the app id, or CRM_UI with the user id."""
        if client == self.app_client:
            return Actor(client, "INTEGRATION", str(self.app_id))
        if client in self.apps:
            return Actor(client, "INTEGRATION", str(self.apps[client]))
        user = self.user_ids.get(client) or self._made_up.setdefault(client, next(self._next_user))
        return Actor(client, "CRM_UI", f"userId:{user}")

    def expire(self) -> None:
        """Make every OAuth access token expire now."""
        past = self.clock() - timedelta(seconds=1)
        for token in self._minted:
            self._minted[token] = min(past, self._minted[token])

    def refresh(self, body: bytes) -> dict[str, Any]:
        """Answer /oauth/…/token: all parameters stand in the form body; raises Refused (400)."""
        form = {name: values[0] for name, values in parse_qs(body.decode(errors="replace")).items()}
        if form.get("grant_type") != "refresh_token":
            raise _oauth("BAD_GRANT_TYPE", "unsupported_grant_type", "missing or unknown grant_type")
        if form.get("client_id") != self.client_id or form.get("client_secret") != self.client_secret:
            raise _oauth("BAD_CLIENT_ID", "invalid_client", "missing or invalid client id")
        if self.revoked or form.get("refresh_token") != self.refresh_token:
            raise _oauth("BAD_REFRESH_TOKEN", "invalid_grant", "missing or unknown refresh token")
        token = f"CN{uuid.uuid4().hex}"
        self._minted[token] = self.clock() + timedelta(seconds=LIFETIME_S)
        self.refreshes += 1
        return {
            "access_token": token,
            "refresh_token": self.refresh_token,
            "expires_in": LIFETIME_S,
            "hub_id": self.portal_id,
            "scopes": [scope for scope in SCOPES if scope not in self.missing],
            "token_type": "bearer",
            "token_use": "access_token",
        }


def _oauth(status: str, error: str, words: str) -> Refused:
    return Refused(400, "", words, more={"status": status, "error": error, "error_description": words})

"""Who may come in: client credentials or a signed JWT for the integration, fixed session ids for people."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping

from starlette.types import Scope

from connectors.emulator.salesforce.org import Actor, Org, User

JWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
AUDIENCES = ("https://login.salesforce.com", "https://test.salesforce.com")
CLIENT = "truce"
"""The journal's name for whoever came in by client credentials."""


class Sessions:
    """The org's session ids, those of people and those minted for the integration client."""

    def __init__(self, org: Org, client_id: str, client_secret: str, integration_user: str) -> None:
        self.org, self.client_id, self.client_secret, self.integration_user = org, client_id, client_secret, integration_user
        self.revoked, self.public_key = False, ""
        self.minted = 0
        self._tokens: dict[str, tuple[str, str]] = {}

    def add_user(self, user: User, ident: str) -> None:
        """Let a person in by their fixed session id."""
        self._tokens[user.token] = (user.email, ident)

    def of(self, email: str) -> str:
        """Give the session id of a person; raises KeyError."""
        for token, (client, _) in self._tokens.items():
            if client == email:
                return token
        raise KeyError(email)

    def grant(self, form: Mapping[str, str], authorization: str, base_url: str) -> tuple[int, dict[str, str]]:
        """Answer a token request: HTTP status and body."""
        if form.get("grant_type") == JWT:
            return self._asserted(form.get("assertion", ""), base_url)
        if form.get("grant_type") != "client_credentials":
            return 400, {"error": "unsupported_grant_type", "error_description": "grant type not supported"}
        ident, secret = _basic(authorization) or (form.get("client_id", ""), form.get("client_secret", ""))
        if ident != self.client_id:
            return 400, {"error": "invalid_client_id", "error_description": "client identifier invalid"}
        if secret != self.client_secret or self.revoked:
            return 400, {"error": "invalid_client", "error_description": "invalid client credentials"}
        return 200, self._mint(base_url)

    def _asserted(self, assertion: str, base_url: str) -> tuple[int, dict[str, str]]:
        """Answer a JWT bearer request: signed by the client's key, for a user of the org, for this login server, soon over."""
        import jwt  # of the tests' tools: no emulator that is asked for no JWT needs it

        try:
            claims = jwt.decode(assertion, self.public_key, algorithms=["RS256"], audience=[*AUDIENCES, base_url], issuer=self.client_id)
        except jwt.InvalidAudienceError:
            return 400, {"error": "invalid_grant", "error_description": "audience is invalid"}
        except jwt.ExpiredSignatureError:
            return 400, {"error": "invalid_grant", "error_description": "expired authorization code"}
        except jwt.InvalidIssuerError:
            return 400, {"error": "invalid_client_id", "error_description": "client identifier invalid"}
        except (jwt.InvalidTokenError, jwt.InvalidKeyError, ValueError):
            return 400, {"error": "invalid_grant", "error_description": "invalid assertion"}
        if self.revoked or not self.org.users.find("Email", claims.get("sub")):
            return 400, {"error": "invalid_grant", "error_description": "user hasn't approved this consumer"}
        if int(claims["exp"]) > self.org.clock.now().timestamp() + 300:
            return 400, {"error": "invalid_grant", "error_description": "assertion is good for too long"}
        return 200, self._mint(base_url)

    def actor(self, scope: Scope) -> Actor | None:
        """Tell who sends a request; None without a valid session."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        scheme, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        found = self._tokens.get(token) if scheme.lower() in ("bearer", "oauth") else None
        if found is None:
            return None
        options = headers.get(b"sforce-call-options", b"").decode("latin-1")
        return Actor(*found, called=next((part.strip()[7:] for part in options.split(",") if part.strip().startswith("client=")), ""))

    def client(self, token: str) -> str | None:
        """Name who has this session; None for one that is none."""
        return self._tokens.get(token, (None,))[0]

    def expire(self, token: str | None = None) -> int:
        """End one session, or all that were minted; gives how many."""
        ended = [each for each, (client, _) in self._tokens.items() if (each == token if token else client == CLIENT)]
        for each in ended:
            del self._tokens[each]
        return len(ended)

    def _mint(self, base_url: str) -> dict[str, str]:
        self.minted += 1
        digest = hashlib.sha256(f"{self.client_id}:{self.minted}".encode()).hexdigest()
        token = f"{self.org.id[:15]}!AQ{digest}"
        self._tokens[token] = (CLIENT, self.integration_user)
        return {
            "access_token": token, "signature": base64.b64encode(digest.encode()).decode(), "scope": "api", "instance_url": base_url,
            "id": f"{base_url}/id/{self.org.id}/{self.integration_user}", "token_type": "Bearer", "issued_at": str(int(self.org.clock.now().timestamp() * 1000)),
        }  # fmt: skip


def _basic(authorization: str) -> tuple[str, str] | None:
    if not authorization.startswith("Basic "):
        return None
    try:
        ident, _, secret = base64.b64decode(authorization[6:], validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return ident, secret

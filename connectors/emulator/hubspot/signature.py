"""HubSpot's webhook signatures, versions 1 and 3 ("Validating requests" in its developer documentation)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

_DECODED = {
    "%3A": ":",
    "%2F": "/",
    "%3F": "?",
    "%40": "@",
    "%21": "!",
    "%24": "$",
    "%27": "'",
    "%28": "(",
    "%29": ")",
    "%2A": "*",
    "%2C": ",",
    "%3B": ";",
}
_ENCODED = re.compile("|".join(_DECODED), re.IGNORECASE)


def plain_uri(uri: str) -> str:
    """Decode those %XX of a URI that version 3 wants decoded before signing, and no others."""
    return _ENCODED.sub(lambda found: _DECODED[found[0].upper()], uri)


def v1(secret: str, body: bytes) -> str:
    """Give the hex SHA-256 of secret and body."""
    return hashlib.sha256(secret.encode() + body).hexdigest()


def v3(secret: str, method: str, uri: str, body: bytes, timestamp: str) -> str:
    """Give the base64 HMAC-SHA256 over method, decoded URI, raw body and the timestamp in milliseconds."""
    signed = method.encode() + plain_uri(uri).encode() + body + timestamp.encode()
    return base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()


def headers(secret: str, uri: str, body: bytes, now_ms: int) -> dict[str, str]:
    """Give the headers of one webhook call."""
    timestamp = str(now_ms)
    return {
        "Content-Type": "application/json",
        "User-Agent": "HubSpot Connect 2.0 (http://dev.hubspot.com/) (namespace: webhooks-nio-http-client) - WebhooksExecutorDaemon-executor",
        "X-HubSpot-Signature-Version": "v1",
        "X-HubSpot-Signature": v1(secret, body),
        "X-HubSpot-Signature-v3": v3(secret, "POST", uri, body, timestamp),
        "X-HubSpot-Request-Timestamp": timestamp,
    }

"""Slack's request signature v0 ("Verifying requests from Slack" in its developer documentation)."""

from __future__ import annotations

import hashlib
import hmac


def v0(secret: str, timestamp: str, body: bytes) -> str:
    """Give `v0=` and the hex HMAC-SHA256 over `v0:timestamp:body`."""
    return "v0=" + hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256).hexdigest()


def headers(secret: str, body: bytes, now_s: int) -> dict[str, str]:
    """Give the headers of one call to the app."""
    return {
        "Content-Type": "application/x-www-form-urlencoded",
        "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
        "X-Slack-Request-Timestamp": str(now_s),
        "X-Slack-Signature": v0(secret, str(now_s), body),
    }

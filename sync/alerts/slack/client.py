"""Slack's own client set up for us, and its refusals as ours: what is to be done next stands in the exception."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from sync.alerts.channel import Refused

API = "https://slack.com/api/"
TIMEOUT_S = 10
_HOOK = re.compile(r"https://hooks\.slack(-gov)?\.com/[\x21-\x7e]*")
_PASSING = {"internal_error", "fatal_error", "service_unavailable", "team_added_to_org", "request_timeout", "ratelimited", "rate_limited"}
"""Errors after which the same call may pass; every other one stays until somebody changes something."""
_TODO = {
    "not_in_channel": "invite the app to the channel",
    "channel_not_found": "the channel's id in env/<name>.yaml is not one that the app can see",
    "is_archived": "the channel is archived",
    "invalid_auth": "the token is not valid",
    "token_revoked": "the token was revoked: install the app again",
    "missing_scope": "the app lacks a scope: add it and install the app again",
    "users_not_found": "nobody in Slack has that address: name the user id in team.yaml under reach.slack",
}


def client(token: str, url: str = "") -> AsyncWebClient:
    """Give a client that tries each call once: when to try again is decided by who calls."""
    base = url or API
    return AsyncWebClient(token, base_url=base if base.endswith("/") else f"{base}/", timeout=TIMEOUT_S, retry_handlers=[])


def takes(url: str, api: str) -> bool:
    """Say whether a response_url leads to Slack, or to where its API is said to be: what a call names besides is asked for nothing."""
    own = urlsplit(api)
    return bool(_HOOK.fullmatch(url)) or url.startswith(f"{own.scheme}://{own.netloc}/")


@asynccontextmanager
async def refusals() -> AsyncIterator[None]:
    """Turn whatever a call meets into Refused."""
    try:
        yield
    except SlackApiError as error:
        raise refused(error.response) from None
    except aiohttp.ClientConnectorError as error:
        raise Refused(f"Slack is not reached ({type(error).__name__})") from None
    except (TimeoutError, aiohttp.ClientError, SlackClientError, OSError) as error:
        raise Refused(f"Slack broke off ({type(error).__name__})", unsure=True) from None


def refused(response: Any) -> Refused:
    """Give what an answer without `ok` means."""
    status, headers = (
        int(getattr(response, "status_code", None) or getattr(response, "status", 0) or 0),
        getattr(response, "headers", {}) or {},
    )
    data = getattr(response, "data", None)
    error = str(data.get("error", "")) if isinstance(data, dict) else ""
    if status == 429:
        return Refused("Slack takes no more now", retry_after=_seconds(headers.get("Retry-After")))
    if not error or status >= 500:
        return Refused(f"Slack answered {status}", unsure=True)
    words = f"Slack: {error}{f' ({_TODO[error]})' if error in _TODO else ''}"
    return Refused(words, permanent=error not in _PASSING, unsure=error in _PASSING)


def _seconds(text: object) -> float:
    try:
        return min(600.0, max(1.0, float(str(text))))
    except ValueError:
        return 30.0

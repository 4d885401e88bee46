"""Calls of channels over HTTP: one attempt each, because the notifier tries again; every failure is Refused."""

from __future__ import annotations

import json as _json
from collections.abc import Mapping
from typing import Any

from connectors.base import Connection
from connectors.dialect import Complaint, Dialect
from connectors.errors import ConnectorError, RateLimited, Unavailable
from connectors.http import Session
from connectors.shape import STUMBLES, place
from connectors.unmetered import Unmetered
from sync.alerts.channel import Refused

TIMEOUT_S = 10.0


def _explain(status: int, body: Any) -> Complaint:
    """Give the words of an answer that has some: `{errors: [{message}]}` or `{error | message: …}`."""
    if not isinstance(body, dict):
        return Complaint()
    first = body.get("errors", [{}])
    found = first[0].get("message") if isinstance(first, list) and first and isinstance(first[0], dict) else None
    return Complaint(words=str(found or body.get("error") or body.get("message") or ""))


class Calls:
    """One channel's way to a web address."""

    def __init__(self, name: str, url: str, *, headers: Mapping[str, str] | None = None, hide: tuple[str, ...] = ()) -> None:
        secrets = {str(n): value for n, value in enumerate((url, *hide)) if value}
        where = Connection(name, "channel", url, secrets, {"retry_s": "0"}, TIMEOUT_S)
        self._session = Session(where, Unmetered(), Unmetered(), dialect=Dialect(_explain), headers=headers, in_flight=2)

    async def call(self, method: str, path: str, body: Any = None, *, headers: Mapping[str, str] | None = None, plain: bool = False) -> Any:
        """Send one request and give the JSON that is answered (nothing, if `plain`); raises Refused."""
        content = None if body is None else body if isinstance(body, bytes) else _json.dumps(body, ensure_ascii=False).encode()
        try:
            answer = await self._session.call(method, path, content=content, headers=headers, plain=plain, idempotent=False)
        except RateLimited as error:
            raise Refused(error.words, retry_after=error.retry_after) from None
        except Unavailable as error:
            raise Refused(error.words, unsure=error.unknown_outcome) from None
        except ConnectorError as error:
            raise Refused(error.words or type(error).__name__, permanent=True) from None
        except STUMBLES as error:  # an answer of any shape keeps nobody else's message
            raise Refused(f"an answer that cannot be read ({place(error)})", unsure=True) from None
        return answer.body

    async def close(self) -> None:
        """Let go of connections."""
        await self._session.close()

"""Slack's doors: POST /slack/actions and /slack/commands, signed by Slack within five minutes; 2xx when what was asked stands on `changes`."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

from aiokafka.errors import KafkaError
from slack_sdk.signature import Clock, SignatureVerifier
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from schemas import strict
from sync.alerts.slack.asked import Odd, interactive, typed
from sync.alerts.slack.desk import Desk, now
from sync.runtime import body as bodies
from sync.runtime import log
from sync.runtime.guard import passing
from sync.runtime.metrics import metrics

MAX_BODY = 256 * 1024
"""A payload holds the message that it is about: 50 blocks of 3,000 characters are the most."""
PATIENCE_S = 2.5
"""Slack gives up after three seconds, and shows the person that it did not work."""
_STAMP, _SIGNATURE = re.compile(r"^\d{9,11}$"), re.compile(r"^v0=[0-9a-f]{64}$")
_log = log.get("slack")


@dataclass(frozen=True)
class Door:
    """The two doors of one desk; `secret` is the app's signing secret."""

    desk: Desk
    secret: str
    clock: Callable[[], datetime] = now

    def routes(self) -> list[Route]:
        """Give the routes."""
        return [
            Route("/slack/actions", self._actions, methods=["POST"]),
            Route("/slack/commands", self._commands, methods=["POST"]),
        ]

    async def _actions(self, request: Request) -> Response:
        return await self._guarded(request, self._act)

    async def _commands(self, request: Request) -> Response:
        return await self._guarded(request, self._command)

    async def _act(self, form: Mapping[str, str], at: datetime) -> Response:
        asked = interactive(strict.parse(form.get("payload", "").encode()), self.clock(), at)
        answer = await self.desk.act(asked) if asked is not None else None
        return Response(status_code=200) if answer is None else JSONResponse(answer)

    async def _command(self, form: Mapping[str, str], at: datetime) -> Response:
        if form.get("ssl_check") == "1":
            return Response(status_code=200)
        return JSONResponse(await self.desk.slash(typed(form, at)))

    async def _guarded(self, request: Request, act: Callable[[Mapping[str, str], datetime], Any]) -> Response:
        try:
            body = await bodies.read(request, MAX_BODY)
            stamp = self._signed(request, body)
            if stamp is None:
                return _refuse("forged", 401, "signature or time not accepted")
            async with asyncio.timeout(PATIENCE_S):
                answer: Response = await act(_form(body), min(stamp, self.clock()))
                return answer
        except bodies.TooLarge:
            return _refuse("too_large", 413, f"at most {MAX_BODY} bytes, not compressed")
        except bodies.TooSlow:
            return _refuse("too_slow", 408, f"at most {bodies.BODY_S:g} s for the body", {"Connection": "close"})
        except ClientDisconnect:
            return Response(status_code=400)
        except (Odd, strict.Unfit) as error:
            return _refuse("unwelcome", 400, str(error)[:200])
        except Exception as error:
            if not isinstance(error, KafkaError | OSError | TimeoutError) and passing(error) is None:
                raise
            _log.warning("turned away, the person sees that it did not work", error=type(error).__name__)
            return _refuse("busy", 503, "try again", {"Retry-After": "5"})

    def _signed(self, request: Request, body: bytes) -> datetime | None:
        """Give when Slack sent a call; None where the signature is not Slack's, or its time is five minutes off, to either side."""
        stamp = request.headers.get("x-slack-request-timestamp", "")
        signature = request.headers.get("x-slack-signature", "")
        if not self.secret or not _STAMP.match(stamp) or not stamp.isascii() or not _SIGNATURE.match(signature):
            return None
        try:
            body.decode()  # slack_sdk takes for granted that it is text
        except UnicodeDecodeError:
            return None
        verifier = SignatureVerifier(self.secret, _Clock(self.clock))
        return datetime.fromtimestamp(int(stamp), UTC) if verifier.is_valid(body, stamp, signature) else None


class _Clock(Clock):
    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock

    def now(self) -> float:
        return self._clock().timestamp()


def _form(body: bytes) -> dict[str, str]:
    """Read a form; raises Odd for what is none, or has a name twice."""
    try:
        found = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=50, errors="strict")
    except (UnicodeDecodeError, ValueError):
        raise Odd("no form in UTF-8 of at most 50 fields") from None
    if any(len(values) > 1 for values in found.values()):
        raise Odd("a field stands there twice")
    return {name: values[0] for name, values in found.items()}


def _refuse(why: str, status: int, words: str, headers: dict[str, str] | None = None) -> Response:
    metrics.count("truce_refused_total", system="slack", why=why)
    return JSONResponse({"error": words}, status_code=status, headers=headers)

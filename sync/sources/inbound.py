"""The door for vendors' webhooks: size and encoding first, then the signature, then Kafka, and only then 2xx."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from aiokafka.errors import KafkaError
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from connectors.base import Forged, Unwelcome
from sync.runtime import body as bodies
from sync.runtime import log, web
from sync.runtime.metrics import metrics
from sync.sources.publisher import now
from sync.sources.runner import Runner

ANSWER_S = 4.0
"""Senders give up after about 5 s (HubSpot); by then they know that they must come again."""
MOST_EVENTS = 1_000
"""So much may one call tell (HubSpot's tell 100 at most): what is more is no vendor's, and would hold up the others."""
_log = log.get("inbound")


@dataclass
class Inbound:
    """Takes webhooks for the systems of this process; `public_url` is the address that vendors call, which signatures cover."""

    runners: Mapping[str, Runner]
    public_url: str | None = None
    further: Sequence[BaseRoute] = ()
    """Doors beside the vendors'."""

    def app(self) -> Starlette:
        """Give the ASGI app: POST /webhooks/{system}, GET /health, and further doors."""
        own = [Route("/webhooks/{system}", self._webhook, methods=["POST"]), Route("/health", self._health)]
        return web.site([*own, *self.further])

    async def _health(self, _: Request) -> Response:
        return JSONResponse({"systems": sorted(self.runners)})

    async def _webhook(self, request: Request) -> Response:
        runner = self.runners.get(request.path_params["system"])
        if runner is None:
            return refuse("?", "unknown", 404, "no such system here")

        async def step() -> None:
            body = await bodies.read(request)
            notice = runner.source.notice(request.method, self._uri(request), dict(request.headers), body, received_at=now())
            if len(notice.items) + len(notice.read) > MOST_EVENTS:
                raise Unwelcome(f"more than {MOST_EVENTS} events in one call")
            async with asyncio.timeout(ANSWER_S):
                await runner.noticed(notice)

        return await answered(runner.system, step)

    def _uri(self, request: Request) -> str:
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return f"{self.public_url.rstrip('/')}{path}" if self.public_url else str(request.url)


async def answered(system: str, step: Callable[[], Awaitable[None]], most: int = bodies.MAX_BODY) -> Response:
    """Take one call: 204 when the step is done, else a refusal that says whether to come again; `most`: bytes that its body may have."""
    try:
        await step()
    except bodies.TooLarge:
        return refuse(system, "too_large", 413, f"at most {most} bytes, not compressed")
    except bodies.TooSlow:
        return refuse(system, "too_slow", 408, f"at most {bodies.BODY_S:g} s for the body", {"Connection": "close"})
    except Forged:
        return refuse(system, "forged", 401, "signature or time not accepted")
    except Unwelcome as error:
        return refuse(system, "unwelcome", 400, str(error)[:200])
    except ClientDisconnect:
        return Response(status_code=400)
    except (KafkaError, OSError, TimeoutError) as error:
        _log.warning("webhook turned away, nothing lost: the sender comes again", system=system, error=type(error).__name__)
        return refuse(system, "busy", 503, "try again", {"Retry-After": "5"})
    except Exception as error:
        if not type(error).__module__.startswith("asyncpg"):
            raise
        return refuse(system, "busy", 503, "try again", {"Retry-After": "5"})
    return Response(status_code=204)


def refuse(system: str, why: str, status: int, words: str, headers: dict[str, str] | None = None) -> Response:
    """Refuse a call, and count it."""
    metrics.count("truce_refused_total", system=system, why=why)
    return JSONResponse({"error": words}, status_code=status, headers=headers)

"""What a health check and Prometheus ask a role: GET /health and GET /metrics."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sync.runtime import web
from sync.runtime.health import Health


def _app(health: Health, registry: CollectorRegistry) -> Starlette:
    async def alive(_: Request) -> Response:
        return JSONResponse(health.report(), status_code=503 if health.stalled() else 200)

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(registry), headers={"content-type": CONTENT_TYPE_LATEST})

    return web.site([Route("/health", alive), Route("/metrics", metrics)])


@asynccontextmanager
async def serve(health: Health, *, host: str, port: int, registry: CollectorRegistry = REGISTRY) -> AsyncIterator[int]:
    """Answer for the length of the block: /health 200 while alive, 503 once only a restart can help; gives the port (0 took a free one)."""
    listener = web.bind(host, port, "TRUCE_METRICS_PORT", "for none")
    async with web.serving(_app(health, registry), listener):
        yield int(listener.getsockname()[1])

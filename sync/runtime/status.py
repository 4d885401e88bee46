"""What a health check and Prometheus ask a role: GET /health and GET /metrics."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sync.runtime.health import Health


class StatusPortTaken(OSError):
    """The metrics port is in use; the text says which and what to do."""


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to whoever runs us."""
        yield


def _app(health: Health, registry: CollectorRegistry) -> Starlette:
    async def alive(_: Request) -> Response:
        return JSONResponse(health.report(), status_code=503 if health.stalled() else 200)

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(registry), headers={"content-type": CONTENT_TYPE_LATEST})

    return Starlette(routes=[Route("/health", alive), Route("/metrics", metrics)])


def _bind(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(16)  # from here on callers wait for the server rather than be refused
    except OSError as error:
        listener.close()
        raise StatusPortTaken(
            f"port {port} on {host} is in use ({error.strerror}): set TRUCE_METRICS_PORT to another, or to 0 for none."
        ) from error
    return listener


@asynccontextmanager
async def serve(health: Health, *, host: str, port: int, registry: CollectorRegistry = REGISTRY) -> AsyncIterator[int]:
    """Answer for the length of the block: /health 200 while alive, 503 once only a restart can help; gives the port (0 took a free one)."""
    listener = _bind(host, port)
    config = uvicorn.Config(_app(health, registry), log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1)
    server = _Server(config)
    serving = asyncio.create_task(server.serve([listener]))
    try:
        yield int(listener.getsockname()[1])
    finally:
        server.should_exit = True
        await serving
        listener.close()

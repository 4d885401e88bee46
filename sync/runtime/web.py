"""A web server inside a role: its address taken first, signals left to whoever runs us."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from sync.runtime.patience import Impatient


class AddressTaken(RuntimeError):
    """A port is in use; the text says which and which setting names it."""


class Server(uvicorn.Server):
    """uvicorn without its own signal handlers."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to whoever runs us."""
        yield


def site(routes: Sequence[BaseRoute]) -> Starlette:
    """Give the ASGI app of these routes; a path with a slash too many is not found, since to be sent on would be to a host of the caller's choice."""
    app = Starlette(routes=routes)
    app.router.redirect_slashes = False
    return app


def bind(host: str, port: int, setting: str, zero: str = "takes a free one") -> socket.socket:
    """Take a port (0: a free one); raises AddressTaken with what to do about it: another `setting`, or 0, which `zero` explains.

    From here on callers wait for the server rather than be refused.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # named: else no TCP_NODELAY
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(64)
    except OSError as error:
        listener.close()
        raise AddressTaken(
            f"port {port} on {host} is in use ({error.strerror}): stop what uses it, or set {setting} to another (0 {zero})."
        ) from error
    return listener


@asynccontextmanager
async def serving(app: Any, listener: socket.socket, *, http: type[Impatient] = Impatient) -> AsyncIterator[None]:
    """Answer HTTP, and no other protocol, for the length of the block, and give the port back however it ends."""
    config = uvicorn.Config(
        app, http=http, ws="none", log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=2, timeout_keep_alive=20
    )
    server = Server(config)
    task = asyncio.create_task(server.serve([listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await task
        listener.close()

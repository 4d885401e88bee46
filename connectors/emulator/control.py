"""The emulator's own doors, apart from the vendor's protocol: `/_emulator/…`, and the way to run one on a free port."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors.emulator.faults import Fault, Faults
from connectors.emulator.journal import Journal

_GRACE_S = 1.0


def routes(journal: Journal, faults: Faults) -> list[Route]:
    """Give the control routes: GET journal/{effects|calls}?since=N, GET journal/{effects|calls}/count, POST faults, DELETE faults, POST latency."""

    async def entries(request: Request) -> Response:
        since = int(request.query_params.get("since", "0"))
        return JSONResponse(list(journal.lines(request.path_params["kind"], since)))

    async def count(request: Request) -> Response:
        return JSONResponse(journal.count(request.path_params["kind"]))

    async def add(request: Request) -> Response:
        faults.add(Fault.model_validate_json(await request.body()))
        return Response(status_code=204)

    async def clear(request: Request) -> Response:
        faults.clear()
        return Response(status_code=204)

    async def latency(request: Request) -> Response:
        faults.latency_s = float((await request.json())["seconds"])
        return Response(status_code=204)

    return [
        Route("/_emulator/journal/{kind:str}", entries, methods=["GET"]),
        Route("/_emulator/journal/{kind:str}/count", count, methods=["GET"]),
        Route("/_emulator/faults", add, methods=["POST"]),
        Route("/_emulator/faults", clear, methods=["DELETE"]),
        Route("/_emulator/latency", latency, methods=["POST"]),
    ]


@dataclass(frozen=True)
class Running:
    """An emulator that listens."""

    url: str


@asynccontextmanager
async def serve(app: Starlette, *, port: int = 0) -> AsyncIterator[Running]:
    """Run an app on loopback (0: a free port) until the block ends; one with `state.sends_date` tells its own time in `Date`."""
    # asyncio sets TCP_NODELAY only on sockets that say they are TCP; without it every small answer waits 40 ms for a delayed ACK
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    server = _Server(
        uvicorn.Config(
            app,
            log_level="error",
            access_log=False,
            date_header=not getattr(app.state, "sends_date", False),
            lifespan="on",
            timeout_keep_alive=20,  # longer than clients keep a connection that rests: at 5 s both would let go of it in the same moment
        )
    )
    task = asyncio.create_task(server.serve([listener]))
    while not server.started:
        if task.done():
            await task
        await asyncio.sleep(0.005)
    try:
        yield Running(f"http://127.0.0.1:{listener.getsockname()[1]}")
    finally:
        server.ended.set()
        await task
        listener.close()


class _Server(uvicorn.Server):
    """uvicorn that ends at once: its own end takes two waits of a tenth of a second, and a test makes a server of its own."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ended = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to whoever runs us."""
        yield

    async def main_loop(self) -> None:
        """Tell the time in `Date` anew each second until the end is asked for."""
        while not self.ended.is_set():
            await self.on_tick(0)
            with suppress(TimeoutError):
                async with asyncio.timeout(1):  # not wait_for: it makes a task each time
                    await self.ended.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Hang up on all who are connected, give answers that are under way a second, and end."""
        for listening in (*self.servers, *(sockets or ())):
            listening.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        with suppress(TimeoutError):
            async with asyncio.timeout(_GRACE_S):
                while self.server_state.connections or self.server_state.tasks:
                    await asyncio.sleep(0.002)
        for task in self.server_state.tasks:
            task.cancel()
        await self.lifespan.shutdown()

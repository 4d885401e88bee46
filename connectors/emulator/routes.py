"""Routes whose patterns are compiled once: a test makes an emulator of its own, and with many doors most of its time went into compiling."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, request_response


def route(path: str, method: str, endpoint: Callable[[Request], Awaitable[Response]]) -> Route:
    """Give a route to an endpoint."""
    made = Route.__new__(Route)
    made.__dict__ = {**_compiled(path, method).__dict__, "endpoint": endpoint, "app": request_response(endpoint)}
    return made


@cache
def _compiled(path: str, method: str) -> Route:
    return Route(path, _nobody, methods=[method])


async def _nobody(_: Request) -> Response:
    return Response(status_code=404)

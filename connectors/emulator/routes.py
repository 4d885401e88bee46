"""Routes whose patterns are compiled once: a test makes an emulator of its own, and with many doors most of its time went into compiling."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from copy import copy
from functools import cache

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, request_response


def route(path: str, method: str, endpoint: Callable[[Request], Awaitable[Response]]) -> Route:
    """Give a route to an endpoint."""
    made = copy(_compiled(path, method))
    made.endpoint, made.app = endpoint, request_response(endpoint)
    return made


@cache
def _compiled(path: str, method: str) -> Route:
    return Route(path, _nobody, methods=[method])


async def _nobody(_: Request) -> Response:
    return Response(status_code=404)

"""Reading requests and writing answers, the same way in every handler."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from connectors.emulator.salesforce.door import Visit
from connectors.emulator.salesforce.org import Org
from connectors.emulator.salesforce.refusals import Refusal, Refused, not_found
from connectors.emulator.salesforce.saving import Options, Saving
from connectors.emulator.salesforce.table import Table

Handler = Callable[[Request], Awaitable[Response]]


def answer(content: object, status: int = 200) -> Response:
    """Give a JSON answer."""
    return Response(orjson.dumps(content), status, media_type="application/json;charset=UTF-8")


def nothing() -> Response:
    """Give 204."""
    return Response(status_code=204)


def refusing(handler: Handler) -> Handler:
    """Turn what a handler refuses into Salesforce's error array."""

    async def handle(request: Request) -> Response:
        try:
            return await handler(request)
        except Refused as error:
            return answer(error.bodies("errorCode"), error.status)

    return handle


async def body(request: Request) -> dict[str, Any]:
    """Read a JSON object; raises Refused with UNSUPPORTED_MEDIA_TYPE where the body is not said to be JSON, or with JSON_PARSER_ERROR."""
    kind = request.headers.get("content-type", "")
    if kind.partition(";")[0].strip().lower() != "application/json":
        raise Refused(Refusal("UNSUPPORTED_MEDIA_TYPE", f"Content-Type header specified in HTTP request is not supported: {kind}", None))
    try:
        read = orjson.loads(await request.body())
    except orjson.JSONDecodeError as error:
        raise Refused(Refusal("JSON_PARSER_ERROR", f"{error.msg} at [line:{error.lineno}, column:{error.colno}]", None)) from error
    if not isinstance(read, dict):
        raise Refused(Refusal("JSON_PARSER_ERROR", "The HTTP entity body is required to be an object at [line:1, column:1]", None))
    return read


def visit(request: Request, rows: int) -> Visit:
    """Say how many records the request named; gives what the door knows."""
    found: Visit = request.scope["visit"]
    found.rows = rows
    return found


def saving(org: Org, request: Request, rows: int) -> Saving:
    """Make the saver for a request, with the options that its headers ask for."""
    actor = visit(request, rows).actor
    duplicates = _options(request.headers.get("sforce-duplicate-rule-header", ""))
    origin = f"com/salesforce/api/rest/{request.path_params['version']}" + (f";client={actor.called}" if actor.called else "")
    options = Options(
        auto_assign=request.headers.get("sforce-auto-assign", "TRUE").upper() != "FALSE",
        allow_duplicates=duplicates.get("allowsave") == "true",
        record_details=duplicates.get("includerecorddetails") == "true",
        origin=origin,
    )
    return Saving(org, actor, options)


def table(org: Org, request: Request) -> Table:
    """Give the sObject that the path names; raises Refused."""
    found = org.table(request.path_params["object"])
    if found is None:
        raise not_found()
    return found


def record_url(request: Request, table_name: str, ident: str) -> str:
    """Give a record's path in the request's API version."""
    return f"/services/data/v{request.path_params['version']}/sobjects/{table_name}/{ident}"


def _options(header: str) -> Mapping[str, str]:
    pairs = (part.partition("=") for part in header.lower().replace(",", ";").split(";"))
    return {name.strip(): value.strip() for name, _, value in pairs}

"""`/composite`: up to 25 requests in one call, five of them queries at most, each with its own answer; one call toward the day's limit."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message

from connectors.emulator.salesforce.refusals import refused
from connectors.emulator.salesforce.wire import answer, body, refusing

MOST, MOST_QUERIES = 25, 5


class Composite:
    """The handler; the requests inside meet the same routes as any other, and no second door."""

    def routes(self, base: str) -> list[Route]:
        """Give the route under `/services/data/v…`."""
        return [Route(f"{base}/composite", refusing(self.run), methods=["POST"])]

    async def run(self, request: Request) -> Response:
        """Run the requests in order; one that fails leaves the others alone (`allOrNone` and references between them are not emulated)."""
        sent = await body(request)
        parts = sent.get("compositeRequest")
        if not isinstance(parts, list) or not all(isinstance(one, dict) and one.get("referenceId") for one in parts):
            raise refused("JSON_PARSER_ERROR", "The request needs a list named compositeRequest, each entry with a referenceId", None)
        queries = [one for one in parts if "/query" in str(one.get("url"))]
        if len(parts) > MOST or len(queries) > MOST_QUERIES:
            words = f"The request has {len(parts)} subrequests, {len(queries)} of them queries; {MOST} and {MOST_QUERIES} are allowed"
            raise refused("LIMIT_EXCEEDED", words, None)
        if sent.get("allOrNone") or any("@{" in str(one) for one in parts):
            raise refused("INVALID_INPUT", "this emulator runs subrequests by themselves: no allOrNone, no references", None)
        visit = request.scope["visit"]
        results = [await self._one(request, part) for part in parts]
        visit.reads = all(str(part.get("method")).upper() == "GET" for part in parts)
        return answer({"compositeResponse": results})

    async def _one(self, request: Request, part: dict[str, Any]) -> dict[str, object]:
        url, told = urlsplit(str(part.get("url"))), list[Message]()
        scope = {
            **request.scope, "method": str(part.get("method")).upper(), "path": url.path, "raw_path": url.path.encode(),
            "query_string": url.query.encode(), "path_params": {},
        }  # fmt: skip
        for name in ("endpoint", "route"):
            scope.pop(name, None)

        async def receive() -> Message:
            return {"type": "http.request", "body": orjson.dumps(part.get("body")), "more_body": False}

        async def send(message: Message) -> None:
            told.append(message)

        await request.app.router(scope, receive, send)
        content = b"".join(one.get("body", b"") for one in told if one["type"] == "http.response.body")
        status, read = next(one["status"] for one in told if one["type"] == "http.response.start"), orjson.loads(content or b"null")
        return {"body": read, "httpHeaders": {}, "httpStatusCode": status, "referenceId": part["referenceId"]}

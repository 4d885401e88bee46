"""The HTTP API through which other programs answer a hand-off: POST /api/handoffs/{id}/{accept|reject|reassign|note}, with a person's token."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from aiokafka.errors import KafkaError
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from schemas import strict
from schemas.command import MOST_COMMENT
from schemas.envelope import derived_id
from sync.playbook.models import Playbook
from sync.playbook.problems import did_you_mean
from sync.runtime import body as bodies
from sync.runtime.guard import passing
from sync.runtime.metrics import metrics
from sync.runtime.orders import LATER, Handoff, Orders, order

MAX_BODY = 16 * 1024
KEY, MOST_KEY = "idempotency-key", 200
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=MOST_COMMENT)]
WHAT = ("accept", "reject", "reassign", "note")


class Asked(BaseModel):
    """What may stand in the body; nothing needs to, except what the order itself needs."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    reason: Text = ""
    """Of reject: the id of a reason of sla.yaml."""
    comment: Text = ""
    to: Text = ""
    """Of reassign: an e-mail of team.yaml, or `pool:NAME`; empty: to whom the route finds."""
    offer: int | None = None
    """Which offer was seen; none: the one that is open."""
    clocks: Literal["keep", "restart"] = "keep"


class _Refused(Exception):
    def __init__(self, status: int, words: str, **headers: str) -> None:
        super().__init__(words)
        self.status, self.headers = status, headers


@dataclass(frozen=True)
class Api:
    """Answers for people's programs; `tokens` is e-mail → secret."""

    orders: Orders
    tokens: Mapping[str, str]
    playbook: Callable[[], Awaitable[Playbook]]
    answer_s: float = 3.0

    def routes(self) -> list[Route]:
        """Give POST /api/handoffs/{id}/{what} and GET /api/answers/{id}."""
        return [
            Route("/api/handoffs/{id}/{what}", self._post, methods=["POST"]),
            Route("/api/answers/{id}", self._get, methods=["GET"]),
        ]

    async def _post(self, request: Request) -> Response:
        return await self._guarded(self._ordered, request)

    async def _get(self, request: Request) -> Response:
        return await self._guarded(self._answered, request)

    async def _guarded(self, act: Callable[[Request], Awaitable[Response]], request: Request) -> Response:
        try:
            return await act(request)
        except _Refused as refused:
            return _said(refused.status, str(refused), refused.headers)
        except bodies.TooLarge:
            return _said(413, f"at most {MAX_BODY} bytes, not compressed")
        except bodies.TooSlow:
            return _said(408, f"at most {bodies.BODY_S:g} s for the body", {"Connection": "close"})
        except ClientDisconnect:
            return Response(status_code=400)
        except Exception as error:
            if not isinstance(error, KafkaError | OSError | TimeoutError) and passing(error) is None:
                raise
            return _said(503, "Truce cannot take it now, and nothing was changed: try again", {"Retry-After": "5"})

    async def _ordered(self, request: Request) -> Response:
        by, what = self._person(request), request.path_params["what"]
        if what not in WHAT:
            raise _Refused(404, f"no such order: {', '.join(WHAT)} are there")
        asked = _asked(await bodies.read(request, MAX_BODY))
        _complete(what, asked, await self.playbook())
        about = await self.orders.find(request.path_params["id"])
        if about is None:
            raise _Refused(404, "no such hand-off")
        return await self._give(what, about, asked, by, _key(request))

    async def _give(self, what: str, about: Handoff, asked: Asked, by: str, key: str) -> Response:
        more: dict[str, Any] = {"comment": asked.comment, "offer": asked.offer}
        more |= {"code": asked.reason} if what == "reject" else {}
        more |= {"to": asked.to or None, "clocks": asked.clocks} if what == "reassign" else {}
        ident = derived_id("command", "api", by, what, about.id, key) if key else None
        message = order(what, about, by=by, at=datetime.now(UTC), source="api", ident=ident, **more)
        async with asyncio.timeout(self.answer_s):
            known = await self.orders.give(about, message)
        found = known or await self.orders.answer(message.id, self.answer_s)
        if found is None:
            return JSONResponse({"id": message.id, "text": LATER}, 202, {"Location": f"/api/answers/{message.id}"})
        return JSONResponse({"id": message.id, "ok": found.ok, "text": found.text}, 200 if found.ok else 409)

    async def _answered(self, request: Request) -> Response:
        self._person(request)
        ident = request.path_params["id"][:100]
        found = await self.orders.answer(ident, 0.0) if ident.isprintable() else None
        if found is None:
            raise _Refused(404, "no answer of that id (yet): answers are kept for eight days")
        return JSONResponse({"id": ident, "ok": found.ok, "text": found.text})

    def _person(self, request: Request) -> str:
        """Give the person whose token it is; every token is compared, so that the time it takes says nothing."""
        given = request.headers.get("authorization", "")
        token = given[7:].strip().encode(errors="surrogateescape") if given[:7].lower() == "bearer " else b""
        mine = [person for person, secret in self.tokens.items() if hmac.compare_digest(secret.encode(), token) and token]
        if not mine:
            raise _Refused(401, "a person's token is needed: Authorization: Bearer …", **{"WWW-Authenticate": "Bearer"})
        return mine[0]


def _asked(body: bytes) -> Asked:
    try:
        return Asked.model_validate(strict.parse(body) if body.strip() else {})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise _Refused(400, f"{strict.named(first['loc'])}: {first['msg']}") from None
    except strict.Unfit as error:
        raise _Refused(400, str(error)) from None


def _complete(what: str, asked: Asked, playbook: Playbook) -> None:
    """Refuse an order that lacks what it needs, with what there is to choose from."""
    if what == "reject":
        reason = playbook.slas.reasons.get(asked.reason)
        if reason is None:
            raise _Refused(422, f"reason: one of {', '.join(playbook.slas.reasons) or 'none; sla.yaml has no reasons'}")
        if reason.comment and not asked.comment:
            raise _Refused(422, f"comment: the reason {asked.reason} needs a sentence")
    if what == "reassign" and asked.to and asked.to not in playbook.reps and asked.to.removeprefix("pool:") not in playbook.pools:
        hint = did_you_mean(asked.to, [*playbook.reps, *(f"pool:{name}" for name in playbook.pools)])
        raise _Refused(422, f"to: nobody of team.yaml, and no pool (pool:NAME). {hint}".strip())
    if what == "note" and not asked.comment:
        raise _Refused(422, "comment: what is to be noted")


def _key(request: Request) -> str:
    key = request.headers.get(KEY, "").strip()
    if len(key) > MOST_KEY or not key.isprintable():
        raise _Refused(400, f"Idempotency-Key: at most {MOST_KEY} printable characters")
    return key


def _said(status: int, words: str, headers: Mapping[str, str] | None = None) -> Response:
    metrics.count("truce_refused_total", system="api", why=str(status))
    return JSONResponse({"error": words}, status, dict(headers or {}))

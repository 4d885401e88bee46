"""POST /nudge/{system}: a system's own automation (a record-triggered flow, a workflow) says which of its records moved, and they are read.

For where no stream or webhook tells of changes: {"object": "Lead", "ids": ["00Q…"]} (or "id"), signed by Standard Webhooks with the
connection's secret `nudge_secret`. A read does no harm, so that a call may come twice or late.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.base import Notice, Unwelcome
from schemas import strict
from schemas.base import Ref
from sync.runtime import body as bodies
from sync.settings import NO_SECRET, usable
from sync.sources.inbound import ANSWER_S, answered, refuse
from sync.sources.runner import Runner
from sync.sources.signed import signers, verified

SECRET = "nudge_secret"
MOST = 2_000
"""Records that one call may name."""
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True)
class Nudges:
    """The nudges of this process's systems, those that have a secret for it."""

    runners: Mapping[str, Runner]

    def routes(self) -> list[Route]:
        """Give POST /nudge/{system}; none where no system has a secret. Raises ValueError for a secret that is none."""
        for system, runner in self.runners.items():
            if SECRET in runner.connection.secrets and not all(map(usable, runner.connection.secrets[SECRET].split() or [""])):
                raise ValueError(f"TRUCE_SYSTEMS__{system.upper()}__SECRETS__NUDGE_SECRET: {NO_SECRET}")
        some = any(SECRET in runner.connection.secrets for runner in self.runners.values())
        return [Route("/nudge/{system}", self._post, methods=["POST"])] if some else []

    async def _post(self, request: Request) -> Response:
        runner = self.runners.get(request.path_params["system"])
        if runner is None or SECRET not in runner.connection.secrets:
            return refuse("?", "unknown", 404, "no such system here")
        return await answered(runner.system, partial(self._nudged, runner, request))

    async def _nudged(self, runner: Runner, request: Request) -> None:
        body = await bodies.read(request)
        verified(signers(runner.connection.secrets[SECRET]), dict(request.headers), body)
        notice = Notice(read=named(runner.system, (*runner.source.objects, *runner.source.acts), body))
        async with asyncio.timeout(ANSWER_S):
            await runner.noticed(notice)


def named(system: str, objects: tuple[str, ...], body: bytes) -> tuple[str, ...]:
    """Read which records a nudge names; raises Unwelcome, without values."""
    try:
        data: Any = strict.parse(body)
    except strict.Unfit as error:
        raise Unwelcome(str(error)) from None
    ids = data.get("ids", [data.get("id")])
    if data.get("object") not in objects:
        raise Unwelcome(f"object is none that is read here: {', '.join(objects)}")
    if not (isinstance(ids, list) and 0 < len(ids) <= MOST and all(isinstance(one, str) and _ID.fullmatch(one) for one in ids)):
        raise Unwelcome(f"ids is no list of 1 to {MOST} record ids")
    return tuple(dict.fromkeys(str(Ref(system, data["object"], one)) for one in ids))

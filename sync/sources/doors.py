"""Doors for whoever signs by Standard Webhooks: POST /doors/{name}, mapped by the playbook's inbound/<name>.yaml.

Size first, then the signature and its time (github.com/standard-webhooks/standard-webhooks, spec), then the JSON within bounds, then the
rules; 2xx is answered when Kafka, or PostgreSQL for a company's visit, has it. The same `webhook-id` is taken once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from standardwebhooks.webhooks import Webhook
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.base import Unwelcome
from schemas import strict
from sync.lead.decision import ProblemNote
from sync.lead.identity import email_identity
from sync.lead.inbound import Delivery, Said, Unmapped, read
from sync.playbook.conditions import TooMuch, fits
from sync.playbook.models import Playbook
from sync.runtime import body as bodies
from sync.runtime.metrics import metrics
from sync.sources.inbound import ANSWER_S, answered, refuse
from sync.sources.publisher import Publisher, now
from sync.sources.signed import signers, verified
from sync.store import deliveries, problems, visits
from sync.store.statement import run

MAX_BODY = 128 * 1024
AT_ONCE = 3
"""So many deliveries are taken at once, of all doors: what else comes waits its turn, so that a sender's backlog leaves connections to the others."""


class NoRules(Exception):
    """The playbook in force has no file for the door yet: the sender comes again."""


def parsed(body: bytes) -> dict[str, Any]:
    """Read a payload; raises Unwelcome for one that is no JSON object, or too much to look through."""
    try:
        data = strict.parse(body)
        fits(data)
    except (strict.Unfit, TooMuch) as error:
        raise Unwelcome(str(error)) from None
    return data


@dataclass(frozen=True)
class Doors:
    """The doors of this process; `secrets`: door (with _ for -) → the sender's secrets, white space between."""

    secrets: Mapping[str, str]
    pool: Any
    publisher: Publisher
    playbook: Callable[[], Awaitable[Playbook]]
    secret: bytes
    """Keys e-mails."""
    _places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    def routes(self) -> list[Route]:
        """Give POST /doors/{name}; none where there is no secret."""
        return [Route("/doors/{name}", self._post, methods=["POST"])] if self.secrets else []

    async def _post(self, request: Request) -> Response:
        name = request.path_params["name"]
        known = self.secrets.get(name.replace("-", "_"))
        if known is None:
            return refuse("?", "unknown", 404, "no such door here")
        try:
            return await answered(name, partial(self._call, name, signers(known), request), MAX_BODY)
        except Unmapped as error:
            return refuse(name, "unmapped", 422, str(error)[:200])
        except NoRules:
            return refuse(name, "no_rules", 503, "try again", {"Retry-After": "60"})

    async def _call(self, name: str, keys: Sequence[Webhook], request: Request) -> None:
        body = await bodies.read(request, MAX_BODY)
        ident = verified(keys, dict(request.headers), body)
        payload = parsed(body)
        async with asyncio.timeout(ANSWER_S), self._places:
            await self.take(name, ident, payload, now())

    async def take(self, name: str, ident: str, payload: Mapping[str, Any], at: datetime) -> str:
        """Take a payload, and say what became of it; raises Unmapped, and NoRules where the playbook does not know the door."""
        door = (await self.playbook()).doors.get(name)
        if door is None:
            raise NoRules
        first, done = await deliveries.begin(self.pool, name, ident, at)
        if done:
            outcome = "again"
        else:
            said = await self._read(partial(read, door, payload, Delivery(name, ident, first)), name)
            outcome = await self._on(name, ident, said)
            await deliveries.done(self.pool, name, ident, outcome, said.rule.id if said.rule else "", at)
        metrics.count("truce_deliveries_total", door=name, outcome=outcome)
        return outcome

    async def _read(self, reading: Callable[[], Said], name: str) -> Said:
        """Read a payload; what a line could not give is a problem for as long as it is so."""
        try:
            said = reading()
        except Unmapped as error:
            text = f"The door {name} turns payloads away, and their sender comes again: {error}"
            await run(self.pool, problems.write([_problem(name, f"{error.rule.id}.{error.what}", text)]))
            metrics.count("truce_deliveries_total", door=name, outcome="unmapped")
            raise
        notes = [_problem(name, what, f"The door {name} leaves out what {why}") for what, why in said.left.items()]
        if notes:
            await run(self.pool, problems.write(notes))
        if said.rule is not None:
            await deliveries.well(self.pool, name, f"{name}:{said.rule.id}.", [note.key for note in notes])
        return said

    async def _on(self, name: str, ident: str, said: Said) -> str:
        """Let what was said go on: a person's to `changes`, a company's visit to the list."""
        if said.visit is not None:
            one = said.visit
            kept = visits.Visit(name, ident, one.domain, one.company, one.at, one.pages, one.seconds, one.source)
            await visits.put(self.pool, kept)
        if said.record is not None:
            if said.only_known and not await self._known(said.record.email):
                return "unknown"
            await self.publisher.publish(said.items, source=name, kind="webhook")
        return said.outcome

    async def _known(self, email: str | None) -> bool:
        identity = email_identity(self.secret, email)
        return identity is not None and await deliveries.known(self.pool, identity[1])


def _problem(name: str, what: str, text: str) -> ProblemNote:
    return ProblemNote("schema", f"{name}:{what}", True, text, system=name, field=what)

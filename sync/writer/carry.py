"""One batch carried through: look-up, intents, call, outcomes, results. What a vendor has done is never forgotten while we live."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic
from typing import Any

from connectors.base import Priority, Sink
from connectors.errors import AuthExpired, ConnectorError, RateLimited, Surprising, Unavailable
from sync.runtime.guard import OUTAGES, passing
from sync.runtime.health import here
from sync.runtime.metrics import metrics
from sync.store import intents as store
from sync.store import pauses
from sync.topology import Lane
from sync.writer.batch import Ended, Sent, Teller
from sync.writer.control import Knowledge
from sync.writer.guard import Guard
from sync.writer.intents import Desk, Unit, kept
from sync.writer.results import News, Results, corrected
from sync.writer.settle import Settler, Sum, hits, publishable

Group = tuple[Lane, str, str]
PRIORITY: dict[Lane, Priority] = {"hot": "hot", "bulk": "bulk"}
SLICE, APART_S = 50, 0.1
"""So many results of bulk are told at once, and so long after each other: a form fill does not wait until all of a batch are decided."""


@dataclass(slots=True)
class Carrier:
    """What all batches of one system share."""

    pool: Any
    system: str
    sink: Sink
    knowledge: Knowledge
    desk: Desk
    settler: Settler
    results: Results
    guard: Guard
    log: Any
    in_flight: set[str] = field(default_factory=set)
    """Intents whose calls are under way here."""
    published: dict[str, None] = field(default_factory=dict)
    """Intents whose results this process has published."""
    rest_until: float = 0.0
    _failures: int = 0

    def rest(self, seconds: float) -> None:
        """Begin nothing for so long."""
        self.rest_until = max(self.rest_until, monotonic() + seconds)

    async def carry(self, group: Group, batch: Sequence[Unit]) -> set[str]:
        """Carry a batch through; gives the leads that are done with, the others are to be looked at again. Raises OUTAGES before the call."""
        done: set[str] = set()
        ready = await self._look_up(group, batch, done)
        allowed = await self.guard.allow(sum(len(unit.sent) for unit in ready), batch[0].playbook.guards)
        ready = _first(ready, allowed.rows)
        committed = await self.desk.commit(ready) if ready else frozenset()
        standing = [unit for unit in ready if all(one.intent_id in committed for one in unit.sent)]
        ids = {one.intent_id for unit in standing for one in unit.sent}
        await self.guard.give_back(allowed, len(ids))
        self.in_flight |= ids
        try:
            ended = await self._tell(group, [one for unit in standing for one in unit.sent])
        finally:
            self.in_flight -= ids
        return done | await self._keep(group, standing, ended)

    async def _look_up(self, group: Group, batch: Sequence[Unit], done: set[str]) -> list[Unit]:
        """Look up the e-mails of what would be created: a hit is told as a change and decided, not written, and is `done`."""
        asked: dict[str, Unit] = {}
        second: set[str] = set()
        for unit in batch:
            if (
                unit.plan.email
                and unit.sent[0].row.kind == "create"
                and asked.setdefault(unit.plan.email.strip().lower(), unit) is not unit
            ):
                second.add(unit.lead.id)  # one create per address and batch: the next look-up finds the first one's record
        if not asked:
            return list(batch)
        try:
            found = hits(await self.sink.find(list(asked), self.knowledge.wanted(), priority=PRIORITY[group[0]]))
        except ConnectorError as error:
            await self._trouble([error])
            return []
        total = Sum()
        for email, items in found.items():
            if (first := asked.get(email)) is None:
                continue
            others = await self.settler.other_leads([item.ref for item in items], first.lead.id)
            if others:
                self.settler.duplicate(first.lead.id, [item.ref for item in items], others, "", total)
            total.news += [(None, News(first.lead.key, corrected(item, self.knowledge.skew))) for item in items]
            done.add(first.lead.id)  # the lead agent rings again
        await self.settler.keep(total)
        await self.publish(publishable(total, frozenset()))
        return [unit for unit in batch if unit.lead.id not in done | second]

    async def _tell(self, group: Group, sent: Sequence[Sent]) -> list[Ended]:
        able = self.knowledge.capabilities.get(group[2])
        teller = Teller(
            self.sink, able.consent_fields if able else frozenset(), self.knowledge.unique(), self.knowledge.agrees, self.knowledge.skew
        )
        kinds = sorted({(one.row.kind, one.row.object) for one in sent})
        ended: list[Ended] = []
        for kind in kinds:
            rows = [one for one in sent if (one.row.kind, one.row.object) == kind]
            for start in range(0, len(rows), self.sink.manifest.batch_write):
                begun = monotonic()
                ended += await teller.tell(rows[start : start + self.sink.manifest.batch_write], PRIORITY[group[0]])
                metrics.observe("truce_call_seconds", monotonic() - begun, system=self.system)
        return ended

    async def _keep(self, group: Group, units: Sequence[Unit], ended: Sequence[Ended]) -> set[str]:
        """Keep the outcomes, tell the lead agent, and only then let go of the leads; in an outage, until it is done."""
        if not units:
            return set()
        keys = {unit.lead.id: unit.lead.key for unit in units}
        total = await self._insist(lambda: self.settler.sum_up(ended, keys, PRIORITY[group[0]]))
        clean = [(u.lead.id, u.lead.dirty_rev or 0) for u in units if u.lead.id not in total.unclean and not u.plan.stays_dirty]
        await self._insist(lambda: self.settler.keep(total))  # first: a question must not be lost with us once its lead is clean
        ours = await self._insist(lambda: store.settle(self.pool, self.system, total.settled, clean=clean, **kept(units)))
        await self._insist(lambda: self.publish(publishable(total, ours), group[0]))
        for one in ended:
            metrics.count("truce_writes_total", system=self.system, outcome=one.end)
        await self._insist(lambda: self._trouble([one.error for one in ended if one.error is not None], whole=len(ended)))
        return {unit.lead.id for unit in units} - {one.sent.lead_id for one in ended if one.end == "void"}

    async def _insist(self, act: Callable[[], Awaitable[Any]]) -> Any:
        """Do it, again after every outage: what a vendor has done must not be forgotten while this process lives."""
        while True:
            try:
                return await act()
            except OUTAGES as error:
                self.log.warning("an outcome waits", system=self.system, waiting=type(error).__name__)
                with here().waiting(passing(error) or "database"):
                    await asyncio.sleep(0.5)

    async def publish(self, news: Sequence[News], lane: Lane = "hot") -> None:
        """Publish messages, bulk's a few at a time, and remember which intents they settle."""
        for start in range(0, len(news), SLICE):
            if start and lane == "bulk":
                await asyncio.sleep(APART_S)
            await self.results.publish(news[start : start + SLICE], datetime.now(UTC))
        for one in news:
            if intent := getattr(one.data, "intent_id", None):
                self.published[intent] = None
        while len(self.published) > 50_000:
            del self.published[next(iter(self.published))]

    async def _trouble(self, errors: Sequence[ConnectorError], *, whole: int = 1) -> None:
        """Rest or pause, as the errors ask."""
        for error in errors:
            if isinstance(error, RateLimited):
                self.rest(error.retry_after)
            elif isinstance(error, AuthExpired | Surprising):
                reason = f"{self.system}: {error.words}" + (f" ({error.code})" if error.code else "")
                if await pauses.halt(self.pool, self.system, reason):
                    self.log.error("the system is paused", system=self.system, code=error.code, status=error.status)
        down = sum(isinstance(error, Unavailable) for error in errors)
        self._failures = self._failures + 1 if down and down == whole else 0
        if self._failures:
            self.rest(min(30.0, 0.25 * 2**self._failures) * random.uniform(0.5, 1.0))


def _first(units: Sequence[Unit], rows: int) -> list[Unit]:
    """Give the first units whose rows are so many at most; one whose rows are more goes alone, so that it is not waited for in vain."""
    found: list[Unit] = []
    for unit in units:
        if rows <= 0 or (found and rows < len(unit.sent)):
            break
        rows -= len(unit.sent)
        found.append(unit)
    return found

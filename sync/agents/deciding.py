"""Deciding a batch: message by message in order, then what its choices depend on is locked, and whom that changes decided again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce

from sync.agents.input import Input, set_aside
from sync.agents.rules import Rules
from sync.agents.writing import Decided
from sync.lead.basis import NOTHING, Basis, Standing
from sync.lead.decision import Decision, Facts, fold
from sync.lead.identity import follow
from sync.playbook.models import Playbook
from sync.runtime.clock import Clock
from sync.runtime.guard import Failure, attempt
from sync.runtime.metrics import metrics
from sync.store import turns
from sync.store.statement import Connection


class Deciding:
    """Decides one worker's batches, and remembers how pools stood: most often they still do once they are locked."""

    def __init__(self, rules: Rules, clock: Clock, budget_s: float) -> None:
        self.rules, self.clock, self.budget_s = rules, clock, budget_s
        self._standing = Standing()

    async def decide(
        self, connection: Connection, todo: Sequence[Input], facts: Facts, once: set[str], playbook: Playbook, why: Failure | None
    ) -> list[Decided]:
        """Decide as many as the time allows; with `why` the one message is parked. The facts are left as they are."""
        items, after = self._first(todo, _with(facts, self._standing), set(once), playbook, why)
        held = NOTHING
        while (needed := _basis(items)) | held != held:
            truth = await turns.lock(connection, needed, min(item.message.record.timestamp for item in items))
            held |= needed
            if not self._standing.holds(truth):
                self._standing = self._standing.learn(truth)
                items, after = self._again(items, _with(facts, self._standing), set(once), playbook, why)
        self._standing = Standing(after.pools, after.given, after.open)
        return items

    def _first(
        self, todo: Sequence[Input], facts: Facts, once: set[str], playbook: Playbook, why: Failure | None
    ) -> tuple[list[Decided], Facts]:
        start, items = self.clock.monotonic(), list[Decided]()
        for message in todo:
            items.append(self._one(message, facts, once, playbook, why))
            fold(facts, items[-1].decision)
            if self.clock.monotonic() - start > self.budget_s:
                break
        metrics.observe("truce_decide_seconds", self.clock.monotonic() - start)
        return items, facts

    def _again(
        self, items: Sequence[Decided], facts: Facts, once: set[str], playbook: Playbook, why: Failure | None
    ) -> tuple[list[Decided], Facts]:
        """Decide again what chose somebody, and what came after it for the same leads; all else stays as it was decided."""
        made, moved = list[Decided](), set[str]()
        for old in items:
            item, before = old, {lead.id for lead in old.decision.leads}
            if old.decision.basis.locked or not moved.isdisjoint(before | _about(old.message, facts)):
                item = self._one(old.message, facts, once, playbook, why)
                moved |= before | {lead.id for lead in item.decision.leads}
            elif old.once is not None:
                once.add(old.once)
            made.append(item)
            fold(facts, item.decision)
        return made, facts

    def _one(self, message: Input, facts: Facts, once: set[str], playbook: Playbook, why: Failure | None) -> Decided:
        read, ident = why or message.read, message.wanted.once
        if isinstance(read, Failure):
            return Decided(message, set_aside(message, read), read.traceback)
        if ident is not None and ident in once:
            return Decided(message, Decision("noop", "applied before"))
        got = attempt(self.rules.decide, read, facts, playbook, message.record.timestamp)
        if isinstance(got, Failure):
            return Decided(message, set_aside(message, got), got.traceback)
        if ident is None or got.outcome == "parked":
            return Decided(message, got)
        once.add(ident)
        return Decided(message, got, once=ident)


def _with(facts: Facts, standing: Standing) -> Facts:
    """Give facts that may be folded into, with pools and people as they are thought to stand."""
    return replace(
        facts,
        identities=dict(facts.identities),
        leads=dict(facts.leads),
        touches=set(facts.touches),
        pools=dict(standing.pools),
        given=dict(standing.given),
        open=dict(standing.open),
        ledger=facts.ledger.copy(),
    )


def _basis(items: Sequence[Decided]) -> Basis:
    return reduce(Basis.__or__, (item.decision.basis for item in items if item.decision.basis.locked), NOTHING)


def _about(message: Input, facts: Facts) -> set[str]:
    """Give the leads that a message is about, as the facts have them by now."""
    named = {*message.wanted.leads, *(facts.identities[one] for one in message.wanted.identities if one in facts.identities)}
    return named | {lead.id for one in named if (lead := follow(facts, one)) is not None}

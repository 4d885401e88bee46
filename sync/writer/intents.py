"""From leads to intents: load the newest state, plan, and commit what is about to be told."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from schemas.envelope import derived_id
from sync.lead.decision import ProblemNote
from sync.lead.plan import Plan, Row, plan
from sync.lead.seen import NO_USER
from sync.lead.state import load as load_lead
from sync.playbook.models import Playbook
from sync.runtime.rest import Fair
from sync.store import intents as store
from sync.store.intents import Gates, Intent, LeadRow, Would
from sync.topology import Lane
from sync.writer.batch import Sent
from sync.writer.control import Knowledge

GRACE_S = 2.0
"""How much longer than its call an intent waits before it is read back."""


@dataclass(slots=True)
class Unit:
    """All that is to be told of one lead at this moment."""

    lead: LeadRow
    lane: Lane
    plan: Plan
    gates: Gates
    playbook: Playbook
    sent: list[Sent] = field(default_factory=list)

    @property
    def group(self) -> tuple[Lane, str, str]:
        """Name the calls that its rows can share: (lane, kind, object)."""
        row = self.plan.rows[0]
        return self.lane, row.kind, row.object

    def would(self) -> list[Would]:
        """Give the differences of observe mode as they are kept."""
        return [Would(self.lead.id, one.record_id, one.field, one.before, one.after, one.rule) for one in self.plan.would]

    def lacks(self) -> list[tuple[str, str]]:
        """Give what must be there before the rest of the lead can be told, as it is kept."""
        return sorted({(self.lead.id, one.lacks) for one in self.plan.left if one.lacks})


def intent_fields(row: Row) -> Mapping[str, Mapping[str, Any]]:
    """Give a row's fields as the intent keeps them."""
    return {
        name: {"name": told.name, "value": told.value, "sent": told.sent, "version": told.version, "at": told.at}
        for name, told in row.fields.items()
    }


def _id(lead: LeadRow, system: str, row: Row) -> str:
    """The same plan after the same tries is the same intent, so that two writers cannot both commit it."""
    return derived_id("intent", lead.id, system, row.kind, row.object, row.record_id, lead.rev, *lead.tries)


@dataclass(slots=True)
class Desk:
    """Plans for one system."""

    pool: Any
    system: str
    knowledge: Knowledge
    timeout_s: float
    clock: Callable[[], float] = time.time

    async def look(self, leads: Sequence[tuple[str, Lane]]) -> tuple[list[Unit], dict[str, Exception]]:
        """Load leads and plan each: (units, leads whose state cannot be planned); a lead that does not exist is in neither."""
        rows, gates = await store.load(self.pool, self.system, [lead for lead, _ in leads])
        playbook, lanes = await self.knowledge.playbook(gates.playbook), dict(leads)
        units: list[Unit] = []
        bad: dict[str, Exception] = {}
        fair = Fair()
        for row in rows:
            try:
                units.append(await self._unit(row, lanes[row.id], gates, playbook))
            except Exception as error:  # one lead's state must not stop the others; it stays dirty and is a problem
                bad[row.id] = error
            await fair.give_way()
        return units, bad

    async def _unit(self, row: LeadRow, lane: Lane, gates: Gates, playbook: Playbook) -> Unit:
        if row.dirty_rev is None:
            return Unit(row, lane, Plan(), gates, playbook)
        control = await self.knowledge.control(gates, row.id, lane)
        now = int(self.clock() * 1000)
        planned = plan(load_lead(row.doc), self.system, playbook, row.intents, self.knowledge.capabilities, control, now)
        unit = Unit(row._replace(doc=""), lane, planned, gates, playbook)  # many wait for their call, and none needs its document any more
        unit.sent = [Sent(_id(row, self.system, one), row.id, one) for one in planned.rows]
        return unit

    async def commit(self, units: Sequence[Unit]) -> frozenset[str]:
        """Commit the intents of units that were planned under the same gates; gives those that stand."""
        intents = [
            Intent(one.intent_id, unit.lead.id, unit.lead.rev, one.row.kind, one.row.object, one.row.record_id, intent_fields(one.row))
            for unit in units
            for one in unit.sent
        ]
        return await store.commit(self.pool, self.system, intents, units[0].gates, self.timeout_s + GRACE_S)

    def problems(self, units: Sequence[Unit]) -> list[ProblemNote]:
        """Name the owners whom this system does not know."""
        return [
            ProblemNote(
                "unknown_owner",
                owner_key(self.system, left.lacks.removeprefix("user:")),
                True,
                "the owner of a lead is no active user of this system; the owner is left out there",
                system=self.system,
                field=left.field,
                lead_id=unit.lead.id,
            )
            for unit in units
            for left in unit.plan.left
            if left.reason == NO_USER
        ]


def kept(units: Sequence[Unit]) -> dict[str, Any]:
    """Give what is kept of planned leads, as `settle` takes it: which they are, what observe mode would write of them, what they lack."""
    return {
        "planned": [unit.lead.id for unit in units],
        "would": [one for unit in units for one in unit.would()],
        "lacks": [one for unit in units for one in unit.lacks()],
    }


def owner_key(system: str, email: str) -> str:
    """Name the problem of an owner without naming the person: `store.dirty.revive` finds it by the same digest."""
    from hashlib import md5

    return f"{system}:{md5(email.strip().lower().encode(), usedforsecurity=False).hexdigest()}"

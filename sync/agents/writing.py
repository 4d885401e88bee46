"""Turns the decisions of a batch into set-based statements, one per table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sync.agents.input import Input
from sync.agents.outbox import Payload
from sync.lead.cycle import HandoffNote
from sync.lead.decision import ClockNote, Decision, Identity, ParkedNote
from sync.lead.state import Lead
from sync.lead.turns import PoolState
from sync.store import (
    accounts,
    answers,
    clocks,
    copies,
    decided,
    duplicates,
    erased,
    handoffs,
    identities,
    joined,
    leads,
    notices,
    outbox,
    parked,
    presence,
    problems,
    seen,
    tasks,
    timeline,
    turns,
)
from sync.store.parked import Original
from sync.store.statement import Statement
from sync.topology import Lane


@dataclass(slots=True)
class Decided:
    """A message with what follows from it."""

    message: Input
    decision: Decision
    traceback: str | None = None
    once: str | None = None
    """The input's id when it must be remembered as applied."""


@dataclass(slots=True)
class Net:
    """What all decisions of a batch come to; where two say something of the same thing, the later one counts."""

    leads: dict[str, Lead] = field(default_factory=dict)
    identities: dict[Identity, str] = field(default_factory=dict)
    pools: dict[str, PoolState] = field(default_factory=dict)
    dirty: dict[tuple[str, str], Lane] = field(default_factory=dict)
    where: dict[tuple[str, str], int] = field(default_factory=dict)
    """Which partition's outbox rings for it."""
    payloads: dict[int, Payload] = field(default_factory=dict)
    once: list[str] = field(default_factory=list)
    clocks: dict[tuple[str, str], ClockNote | None] = field(default_factory=dict)
    handoffs: dict[str, tuple[str, HandoffNote]] = field(default_factory=dict)

    @property
    def next_due(self) -> int | None:
        """Give when the first of the clocks that are set is due."""
        return min((clock.due_at for clock in self.clocks.values() if clock is not None), default=None)

    def add(self, item: Decided) -> None:
        """Take one more decision in."""
        decision, partition = item.decision, item.message.partition
        self.leads.update((lead.id, lead) for lead in decision.leads)
        self.identities.update(decision.identities)
        self.pools.update(decision.pools)
        self.clocks.update(decision.clocks)
        self.handoffs.update(decision.handoffs)
        for lead, system, lane in decision.dirty:
            key = (lead, system)
            self.dirty[key] = "hot" if lane == "hot" else self.dirty.get(key, lane)
            self.where.setdefault(key, partition)
        if decision.events:
            self.payloads.setdefault(partition, Payload()).events.extend(decision.events)
        if item.once is not None:
            self.once.append(item.once)


def net(items: Sequence[Decided]) -> Net:
    """Sum up decisions, in their order."""
    total = Net()
    for item in items:
        total.add(item)
    for (lead, system), lane in total.dirty.items():
        total.payloads.setdefault(total.where[lead, system], Payload()).doorbells.append((lead, system, lane))
    return total


def _parked(items: Sequence[Decided]) -> list[Statement]:
    notes: list[tuple[ParkedNote, Original | None]] = []
    for item in items:
        for note in item.decision.parked:
            notes.append((note, item.message.original(item.traceback) if note.kind == "message" else None))
    ids = {note.id for note, _ in notes}
    released = {ident for item in items for ident in item.decision.released} - ids
    made = [parked.write(notes)] if notes else []
    return [*made, parked.settle(released, "replayed")] if released else made


def statements(items: Sequence[Decided], total: Net, locked: dict[str, Lead], unused: set[Identity]) -> list[Statement]:
    """Give everything that a batch writes besides `applied`; each table (or row of it) is touched by one statement."""
    decisions = [item.decision for item in items]
    lines = [line for d in decisions for line in d.lines]
    touches = [touch for d in decisions for touch in d.touches]
    notes = [note for d in decisions for note in d.duplicates]
    reads = {ref for d in decisions for ref in d.read_orders}
    given = [turn for d in decisions for turn in d.turns]
    copied = {pair for d in decisions for pair in d.copies}
    intents = {ident for d in decisions for ident in d.settled_intents}
    revs = {lead: (total.leads.get(lead) or locked[lead]).rev for lead, _ in total.dirty if lead in total.leads or lead in locked}
    dirty = {key: (lane, revs.get(key[0], 0)) for key, lane in total.dirty.items()}
    survivors = {lead.id: lead.survivor for lead in total.leads.values() if lead.survivor is not None}
    gone = [lead.id for lead in total.leads.values() if lead.erased]
    aside = {note.id for d in decisions for note in d.parked} | {ident for d in decisions for ident in d.released}
    undecided = {item.message.clock for item in items if item.decision.outcome == "parked"}
    stuck = {clock for clock in undecided if clock is not None and clock[:2] not in total.clocks}
    told = [note for d in decisions for note in d.notices if note.lead_id not in gone]
    said = [note for d in decisions for note in d.answers]
    made = [
        leads.write(total.leads.values()) if total.leads else None,
        leads.write_records(total.leads.values()) if total.leads else None,
        identities.write(total.identities) if total.identities else None,
        identities.forget(unused - total.identities.keys()) if unused - total.identities.keys() else None,
        seen.count_touches(touches) if touches else None,
        seen.remember(total.once) if total.once else None,
        decided.mark_dirty(dirty) if dirty else None,
        decided.order_reads(reads) if reads else None,
        decided.settle_intents(intents, gone) if intents else None,
        turns.keep(total.pools) if total.pools else None,
        turns.write(given) if given else None,
        *handoffs.write(total.handoffs.values()),
        *tasks.write(task for d in decisions for task in d.tasks if task.lead_id not in gone),
        notices.write(told) if told else None,
        answers.write(said) if said else None,
        *presence.write(note for d in decisions for note in d.presence),
        *(clocks.write(total.clocks) if total.clocks else ()),
        clocks.stand_still(stuck) if stuck else None,
        timeline.write(lines) if lines else None,
        duplicates.write(notes) if notes else None,
        *(handoffs.move(survivors, total.handoffs) if survivors else ()),
        *(handoffs.forget(gone, total.handoffs) if gone else ()),
        *(joined.move(survivors, settled=intents, noted={note.id for note in notes}) if survivors else ()),
        *(erased.forget(gone, parked=aside, settled=intents) if gone else ()),
        *accounts.write((entry for d in decisions for entry in d.entries), intents),
        copies.ask(copied, intents) if copied else None,
        *problems.write(note for d in decisions for note in d.problems),
        *_parked(items),
        outbox.write({p: payload.pack() for p, payload in total.payloads.items()}) if total.payloads else None,
    ]
    return [statement for statement in made if statement is not None]

"""What follows from the outcomes of one call: kept in SQL, told to the lead agent, and what nobody can decide put before a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from connectors.base import Item, Priority, Sink
from connectors.errors import AuthExpired, Conflict, ConnectorError, Gone, RateLimited, Unavailable
from schemas.base import Ref
from schemas.change import RecordChanged
from schemas.envelope import derived_id
from schemas.write import WriteDone
from sync.lead.decision import DuplicateNote, ProblemNote
from sync.runtime.rest import Fair
from sync.store import duplicates, problems, read_orders
from sync.store import intents as store
from sync.store.intents import Settled
from sync.store.statement import run
from sync.writer.batch import Ended
from sync.writer.control import Knowledge
from sync.writer.results import News, corrected, result


@dataclass(slots=True)
class Sum:
    """What some outcomes come to."""

    settled: list[Settled] = field(default_factory=list)
    news: list[tuple[str | None, News]] = field(default_factory=list)
    """(the intent that it belongs to, message): published only if that intent was settled by us; None: in any case."""
    unclean: set[str] = field(default_factory=set)
    """Leads that have something left to be told."""
    reads: list[str] = field(default_factory=list)
    duplicates: list[DuplicateNote] = field(default_factory=list)
    problems: list[ProblemNote] = field(default_factory=list)


@dataclass(slots=True)
class Settler:
    """Settles the outcomes of one system."""

    pool: Any
    system: str
    sink: Sink
    knowledge: Knowledge

    async def sum_up(self, ended: Sequence[Ended], keys: Mapping[str, str], priority: Priority = "normal") -> Sum:
        """Say what follows; `keys`: lead id → the key that its messages carry."""
        total, fair = Sum(), Fair()
        for one in ended:
            await fair.give_way()
            lead = one.sent.lead_id
            if one.end == "conflict":
                await self._exists(one, keys[lead], priority, total)
            elif one.end == "unknown":
                total.unclean.add(lead)
            elif one.end == "void":
                total.settled.append(Settled(one.sent.intent_id, "void", None))
                total.unclean.add(lead)
                if isinstance(one.error, Conflict) and one.record_id:
                    total.reads.append(str(Ref(self.system, one.sent.row.object, one.record_id)))
            else:
                self._told(one, keys[lead], total)
        return total

    def _told(self, one: Ended, key: str, total: Sum) -> None:
        done = result(self.system, one, skew=self.knowledge.skew)
        total.settled.append(Settled(done.intent_id, "done", done.model_dump(mode="json", exclude_defaults=True)))
        total.news.append((done.intent_id, News(key, done)))
        if isinstance(one.error, Unavailable | RateLimited | AuthExpired):  # of the rest, once the refused fields were left out
            total.unclean.add(one.sent.lead_id)
        if one.end == "gone" and done.ref:
            total.reads.append(done.ref)
            if isinstance(one.error, Gone) and one.error.became:
                total.reads.append(str(Ref(self.system, one.sent.row.object, one.error.became)))

    async def _exists(self, one: Ended, key: str, priority: Priority, total: Sum) -> None:
        """A create was refused because a record exists: it is linked if it is one, this person's, and nobody else's; else a person decides."""
        lead, error = one.sent.lead_id, one.error
        refs = _named(self.system, one)
        other = await self.other_leads([str(ref) for ref in refs], lead)
        try:
            found = await self._read(refs[0], priority) if len(refs) == 1 and not other else []
        except ConnectorError:  # whether it is this person is not known: it is tried again
            total.settled.append(Settled(one.sent.intent_id, "void", None))
            total.unclean.add(lead)
            total.reads += map(str, refs)
            return
        if len(refs) != 1 or other or any(_somebody_else(item, one) for item in found):
            self.duplicate(lead, [str(ref) for ref in refs], other, error.words if error else "", total)
            total.settled.append(Settled(one.sent.intent_id, "void", None))
            return
        total.news += [(None, News(key, corrected(item, self.knowledge.skew))) for item in found]
        row = replace(one.sent.row, object=refs[0].object)
        linked = replace(one, sent=replace(one.sent, row=row), record_id=refs[0].id, held={}, refused=())
        done = result(self.system, linked, "linked")
        total.settled.append(Settled(done.intent_id, "done", done.model_dump(mode="json", exclude_defaults=True)))
        total.news.append((done.intent_id, News(key, done)))

    async def other_leads(self, refs: Sequence[str], lead: str) -> list[str]:
        """Name the leads, other than this one, that these records belong to."""
        owners = await store.owners(self.pool, refs) if refs else {}
        return sorted({owner for owner in owners.values() if owner != lead})

    async def _read(self, ref: Ref, priority: Priority) -> Sequence[Item]:
        return await self.sink.read([ref.id], self.knowledge.mapped(ref.object), object_=ref.object, priority=priority)

    def duplicate(self, lead: str, refs: Sequence[str], others: Sequence[str], words: str, total: Sum) -> None:
        """Put a create that met records of somebody else's, or several, before a person; nothing is created meanwhile."""
        ref = refs[0] if refs else None
        ident = derived_id("duplicate", self.system, lead, ref)
        many = "a record for this person already" if len(refs) < 2 else f"{len(refs)} records that may be this person"
        named = f" ({', '.join(refs)})" if refs else ""
        reason = f"{self.system} has {many}{named}" + (f": {words}" if words else "")
        total.duplicates.append(DuplicateNote(ident, ref, (lead, *others), reason))
        total.problems.append(ProblemNote("duplicate", ident, True, reason, system=self.system, ref=ref, lead_id=lead))

    async def keep(self, total: Sum) -> None:
        """Keep duplicates, problems and read orders."""
        statements = problems.write(total.problems)
        if total.duplicates:
            statements = [*statements, duplicates.write(total.duplicates)]
        async with self.pool.acquire() as connection:
            await run(connection, statements)
        if total.reads:
            await read_orders.order(self.pool, sorted(set(total.reads)))


def publishable(total: Sum, ours: frozenset[str]) -> list[News]:
    """Give what goes to `changes`: of results only those that we settled ourselves."""
    return [news for intent, news in total.news if intent is None or intent in ours]


def republished(key: str, outcome: Mapping[str, Any]) -> News:
    """Give a kept result as it was published, or should have been."""
    return News(key, WriteDone.model_validate(outcome))


def _named(system: str, one: Ended) -> list[Ref]:
    """Give the records that the vendor named, those of the row's own object first."""
    error = one.error
    if not isinstance(error, Conflict):
        return []
    return [*(Ref(system, one.sent.row.object, ident) for ident in error.existing), *(Ref(system, *each) for each in error.beside)]


def _somebody_else(item: Item, one: Ended) -> bool:
    """Say whether a record has another address than the one that was to be made: a rule that matched by name alone knows no better."""
    told = one.sent.row.fields.get("email")
    ours, theirs = str(told.sent or "") if told else "", (item.email or "") if isinstance(item, RecordChanged) else ""
    return bool(ours and theirs) and ours.strip().lower() != theirs.strip().lower()


def hits(found: Sequence[RecordChanged]) -> dict[str, list[RecordChanged]]:
    """Sort records by their e-mail."""
    by_email: dict[str, list[RecordChanged]] = {}
    for one in found:
        by_email.setdefault((one.email or "").strip().lower(), []).append(one)
    return by_email

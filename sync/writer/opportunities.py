"""Sales' opportunities as records of marketing's system: looked up by their key before one is made, then kept as the policies say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from connectors.base import Item
from schemas.base import Ref
from schemas.change import RecordChanged
from sync.lead.copies import Copying, key_of, over, plan_copy
from sync.lead.ledger import Asked, Entry, Kind, Ledger
from sync.lead.plan import Control, Plan
from sync.lead.seen import FROZEN
from sync.playbook.models import Playbook, SharedField
from sync.store import accounts, copies, meta, read_orders
from sync.store.account_writes import Claimed
from sync.writer.accounts import BULK, LATER_S, Accounts, Planned
from sync.writer.results import corrected
from sync.writer.sweep import by_record

SOON_S, LATE_S = 5.0, 3600.0
"""Who is in an opportunity and not known yet is looked for again: soon while the opportunity is new, later and later as it gets older."""


@dataclass(slots=True)
class Opportunities(Accounts):
    """The copies of opportunities in one system; a row's `ref` is the opportunity, its `record` the copy."""

    about: ClassVar[Kind] = "opportunity"
    spread: int = 0
    """The version of the playbook up to which all opportunities are known to be asked for."""
    since: int = 0
    """When copies were first made here (ms)."""

    def _object(self, playbook: Playbook) -> str:
        """Name the object of copies, where the key is the field by which the sink finds them, and the vendor keeps it unique."""
        key = key_of(playbook, self.system)
        object_ = playbook.systems[self.system].opportunity if key == self.sink.manifest.truce_id_field else ""
        able = self.knowledge.capabilities.get(object_)
        return object_ if able is not None and able.creates else ""

    def _fields(self, playbook: Playbook) -> Mapping[str, SharedField]:
        return playbook.opportunity_fields

    async def _begin(self, playbook: Playbook) -> None:
        if self.spread != playbook.version:
            self.since = int(await meta.begin(self.pool, f"copies_since:{self.system}", int(self.clock() * 1000)))
            await copies.spread(self.pool, self.system, sorted(playbook.sales))
            self.spread = playbook.version

    async def _reread(self, rows: Sequence[Claimed], object_: str, names: Sequence[str]) -> Mapping[str, Item]:
        """Read copies by their ids, and those that may have been made by their keys."""
        made = {one.ref: Ref.parse(one.record).id for one in rows if one.record is not None}
        found = by_record(await self.sink.read(sorted(made.values()), names, object_=object_, priority=BULK)) if made else {}
        there: dict[str, Item] = {ref: found[ident] for ref, ident in made.items() if ident in found}
        return there | await self._by_key([one.ref for one in rows if one.record is None], object_, names)

    async def _by_key(self, refs: Sequence[str], object_: str, names: Sequence[str]) -> dict[str, RecordChanged]:
        """Look copies up by their keys; gives what is there by opportunity."""
        found = await self.sink.find_created(refs, names, object_=object_, priority=BULK) if refs else []
        return {str(one.truce_id): one for one in found if one.truce_id}

    async def _planned(self, rows: Sequence[Claimed], playbook: Playbook, control: Control, now: int) -> Planned:
        """Plan each copy; left out is one that was just found, by its key or where it was merged to: it must be known first."""
        refs = {one.ref for one in rows} | {one.record for one in rows if one.record}
        ledger = await accounts.look(self.pool, Asked(frozenset(refs)))
        own = {one.ref: ledger.opportunity(one.ref) for one in rows if one.record is None}
        wanted = {ref for ref, entry in own.items() if entry is not None and not over(entry, self.since, playbook)}
        found = await self._made_already([one for one in rows if one.ref in wanted], playbook)
        held = {one.ref: ledger.entries.get(one.record) for one in rows if one.record is not None}
        moved = {ref: entry.became for ref, entry in held.items() if entry is not None and entry.became is not None}
        await copies.found(self.pool, self.system, found | moved, LATER_S)
        unknown = {one.ref: one.record for one in rows if one.record and held[one.ref] is None}
        await read_orders.order(self.pool, sorted(unknown.values()))
        ready = [one for one in rows if one.ref not in {*found, *moved, *unknown}]
        return await self._plans(ready, held, ledger, playbook, control, now)

    async def _made_already(self, rows: Sequence[Claimed], playbook: Playbook) -> dict[str, str]:
        """Find copies that bear the key already (a person's, or one of a try that nobody noted), and tell of them."""
        object_ = self._object(playbook)
        there = await self._by_key([one.ref for one in rows], object_, sorted(self._mapped(playbook, object_)))
        await self._publish([corrected(one, self.knowledge.skew) for one in there.values()])
        return {ref: one.ref for ref, one in there.items()}

    async def _plans(
        self, rows: Sequence[Claimed], held: Mapping[str, Entry | None], ledger: Ledger, playbook: Playbook, control: Control, now: int
    ) -> Planned:  # fmt: skip
        own = {one.ref: ledger.opportunity(one.ref) for one in rows}
        named = {person for entry in own.values() if entry is not None for person in entry.people}
        known = await copies.people(self.pool, self.system, self.sink.manifest.person_object, named)
        what = Copying(ledger, playbook, self.knowledge.capabilities, control, now, known, self.since)
        made = {one.ref: plan_copy(one.ref, held.get(one.ref), self.system, what, one.refused, one.frozen) for one in rows}
        plans: dict[str, Plan] = {ref: copy.plan for ref, copy in made.items()}
        age_s = {ref: (now - entry.at) / 1000 for ref, entry in own.items() if entry is not None and made[ref].waits}
        again = {ref: min(LATE_S, max(SOON_S, age / 4)) for ref, age in age_s.items()}
        return Planned(
            plans, again | {ref: LATER_S for ref, made in plans.items() if any(one.stays and one.reason != FROZEN for one in made.left)}
        )

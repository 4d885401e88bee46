"""The backstop: rings for what stays dirty, reads back what has no outcome, publishes again what nobody applied."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from connectors.base import Item, Sink
from connectors.errors import ConnectorError
from schemas.base import Ref, Scalar
from schemas.change import RecordChanged, RecordConverted, RecordDeleted, RecordMerged
from sync.lead.plan import Row, Told
from sync.lead.seen import TRUCE_ID
from sync.runtime.metrics import metrics
from sync.store import account_writes, dirty
from sync.store import intents as store
from sync.store.cursors import FIRST, READING
from sync.store.intents import Overdue
from sync.topology import Lane, writes_name
from sync.writer.batch import Ended, Sent
from sync.writer.control import Knowledge
from sync.writer.results import News, Results, corrected
from sync.writer.settle import Settler, publishable, republished

MOST = 5_000
WATCH_S = 0.5
"""How often pauses and the first read are looked at: when one of them ends, everything dirty is rung for."""
_STATE = f"""
SELECT EXISTS (SELECT 1 FROM pauses WHERE scope IN ('all', 'system:' || $1::text)) AS paused,
  (SELECT value FROM meta WHERE key = 'resumed') AS resumed,
  EXISTS (SELECT 1 FROM cursors WHERE system = $1 AND name = 'everything' AND done_at IS NOT NULL) AS read_fully,
  EXISTS (SELECT 1 FROM leases WHERE name LIKE '{FIRST}%' AND until > now()) AS filling,
  {READING} AS reading,
  (SELECT value FROM meta WHERE key = 'active_playbook') AS playbook
"""


def row_of(one: Overdue) -> Row:
    """Give the row of an intent as it was planned."""
    fields = {
        name: Told(told["name"], told.get("sent"), told["value"], told["version"], told["at"], "")
        for name, told in one.intent.fields.items()
    }
    return Row(one.intent.kind, one.intent.object, one.intent.record_id, fields)


def found_out(one: Overdue, item: Item | None, agrees: Callable[[str, Scalar, Scalar], bool]) -> Ended:
    """Say what became of a call without answer by what was read since; `item` None: there is no such record."""
    sent = Sent(one.intent.id, one.intent.lead_id, row_of(one))
    now = datetime.now(UTC)
    ended = Ended(sent, "void", one.opened_at, now, one.intent.record_id)
    if item is None:
        return ended
    if not isinstance(item, RecordChanged):
        return Ended(sent, "gone", one.opened_at, now, one.intent.record_id) if one.intent.kind == "update" else ended
    ended.record_id = Ref.parse(item.ref).id
    told = sent.row.fields.values()
    ended.held = {one.name: one.sent for one in told if one.name in item.fields and agrees(one.name, one.sent, item.fields[one.name])}
    if item.truce_id and item.truce_id == _truce_id(one):
        ended.held |= {one.name: one.sent for one in told if one.sent == item.truce_id}
    if one.intent.kind == "create" or len(ended.held) == len(sent.row.fields):
        ended.end, ended.done_at, ended.by_vendor, ended.answered_at = "written", item.at, True, item.read_at
    return ended


def _truce_id(one: Overdue) -> str:
    """Give the id that the call wrote: not the lead's when that was joined into another one meanwhile."""
    told = one.intent.fields.get(TRUCE_ID)
    return str(told["value"]) if told else one.intent.lead_id


def by_record(found: Sequence[Item]) -> dict[str, Item]:
    """Give what a read says of each record id: its fields, or its end. What the person did, which comes along, says nothing of the record."""
    by_id: dict[str, Item] = {}
    for item in found:
        match item:
            case RecordChanged() | RecordDeleted() | RecordConverted():
                by_id[Ref.parse(item.ref).id] = item
            case RecordMerged():
                by_id |= {Ref.parse(ref).id: item for ref in item.losers}
    return by_id


class State(NamedTuple):
    """What holds back what is dirty."""

    resumed: str | None
    """When a pause ended last: one may begin and end between two looks, and whoever was passed over for it waits."""
    reading: frozenset[str]
    """The systems that are read for the first time."""
    rest: tuple[bool, Any]
    """Whether this one was read fully, and the playbook in force."""


@dataclass(slots=True)
class Sweep:
    """One system's sweep; several processes share the work by claiming rows."""

    pool: Any
    installation: str
    system: str
    sink: Sink
    knowledge: Knowledge
    settler: Settler
    results: Results
    timeout_s: float
    every_s: float
    _before: State | None = None
    _due_at: float = 0.0

    async def ring(self, older_s: float, *, unknown: bool, reading: Collection[str] = ()) -> int:
        """Ring for the leads that nobody rang for in so long, hot first; gives how many. `unknown` and `reading` are those of `dirty.due`."""
        bells = await dirty.due(self.pool, self.system, older_s, MOST, unknown=unknown, reading=reading)
        lanes: tuple[Lane, ...] = ("hot", "bulk")
        for lane in lanes:
            leads = [bell.lead_id for bell in bells if bell.lane == lane]
            await self.results.ring(writes_name(self.installation, self.system, lane), leads)
            metrics.count("truce_doorbells_total", len(leads), system=self.system, lane=lane)
        return len(bells)

    async def watch(self) -> None:
        """Ring for everything when a pause ended, the first full read is done, or the playbook changed; otherwise from time to time."""
        row = await self.pool.fetchrow(_STATE, self.system)
        self.knowledge.filling = row["filling"]
        state = State(row["resumed"], frozenset(row["reading"]), (row["read_fully"], row["playbook"]))
        before, self._before = self._before, state
        now = asyncio.get_running_loop().time()
        if row["paused"]:
            return
        moved = before is not None and bool(before.reading - state.reading or (before.resumed, before.rest) != (state.resumed, state.rest))
        if moved:
            await dirty.unring(self.pool, self.system)
        if moved or now >= self._due_at:
            self._due_at = now + self.every_s
            writable = self.knowledge.writable()
            await dirty.revive(self.pool, self.system, writable)
            await account_writes.revive(self.pool, self.system, writable)
            # until all of it was read nobody is made there: who has no record waits for that moment, which rings for everybody
            while await self.ring(self.every_s, unknown=row["read_fully"], reading=state.reading) == MOST:
                await asyncio.sleep(0)
            await self._again()
            await store.forget(self.pool, self.system)
            metrics.set("truce_dirty_leads", await dirty.count(self.pool, self.system), system=self.system)

    async def _again(self) -> None:
        """Publish again the results that the lead agent has not applied for long: perhaps it never got them."""
        rows = await store.unapplied(self.pool, self.system, self.every_s, MOST)
        await self.results.publish([republished(key, outcome) for key, outcome in rows], datetime.now(UTC))

    async def read_back(self) -> int:
        """Find out what became of calls without outcome; gives how many were looked at."""
        late = await store.overdue(self.pool, self.system, self.sink.manifest.batch_read, self.timeout_s)
        updates = [one for one in late if one.intent.kind == "update"]
        creates = [one for one in late if one.intent.kind == "create"]
        for kind, look in ((updates, self._read), (creates, self._find)):
            for name in sorted({one.intent.object for one in kind}):
                await self._settle([one for one in kind if one.intent.object == name], look)
        return len(late)

    async def _settle(self, late: Sequence[Overdue], look: Callable[[Sequence[Overdue]], Awaitable[dict[str, Item]]]) -> None:
        if not late:
            return
        try:
            items = await look(late)
        except ConnectorError:
            return  # they come back when their new time has passed
        ended = [found_out(one, items.get(one.intent.id), self.knowledge.agrees) for one in late]
        keys = {one.intent.lead_id: one.key for one in late}
        total = await self.settler.sum_up(ended, keys)
        seen = [(None, News(one.key, corrected(items[one.intent.id], self.knowledge.skew))) for one in late if one.intent.id in items]
        total.news = [*seen, *total.news]
        ours = await store.settle(self.pool, self.system, total.settled)
        await self.settler.keep(total)
        await self.results.publish(publishable(total, ours), datetime.now(UTC))
        await self.results.ring(writes_name(self.installation, self.system, "hot"), [one.intent.lead_id for one in late])

    async def _read(self, late: Sequence[Overdue]) -> dict[str, Item]:
        ids, name = [str(one.intent.record_id) for one in late], late[0].intent.object
        found = await self.sink.read(ids, self.knowledge.mapped(name), object_=name, priority="hot")
        by_id = by_record(found)
        return {one.intent.id: by_id[str(one.intent.record_id)] for one in late if str(one.intent.record_id) in by_id}

    async def _find(self, late: Sequence[Overdue]) -> dict[str, Item]:
        ids, name = [_truce_id(one) for one in late], late[0].intent.object
        found = await self.sink.find_created(ids, self.knowledge.mapped(name), object_=name, priority="hot")
        by_id = {item.truce_id: item for item in found}
        return {one.intent.id: by_id[_truce_id(one)] for one in late if _truce_id(one) in by_id}

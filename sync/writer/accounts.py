"""Accounts' records, written by the policies of their shared fields: planned as leads are, the intent kept before the call, read back without an answer.

Copies of opportunities are written in the same way; what is particular to them stands in `opportunities`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, ClassVar

from connectors.base import Item, Priority, Sink
from connectors.errors import AuthExpired, ConnectorError, RateLimited, Surprising
from schemas.base import Ref, Scalar
from schemas.change import RecordChanged, RecordMerged
from schemas.envelope import derived_id
from schemas.keys import lead_key
from sync.lead.accounts import plan_account, seen_through, told_again, writing_id
from sync.lead.copies import LINKS
from sync.lead.decision import ProblemNote
from sync.lead.ledger import Kind
from sync.lead.plan import Control, Plan, Row
from sync.lead.state import from_ms
from sync.playbook.models import Playbook, SharedField
from sync.runtime.metrics import metrics
from sync.store import account_writes as store
from sync.store import accounts, intents, meta, playbooks, problems, read_orders
from sync.store.account_writes import Claimed, Ended
from sync.store.intents import Gates, Would
from sync.store.statement import run
from sync.writer import batch
from sync.writer.batch import Sent, Teller
from sync.writer.control import Knowledge, NoPlaybook
from sync.writer.guard import Guard
from sync.writer.intents import GRACE_S
from sync.writer.left import Troubles, quiet_of, waits
from sync.writer.results import News, Results, corrected
from sync.writer.sweep import by_record

BULK: Priority = "bulk"
"""An import of accounts does not compete with what people wait for."""
LATER_S = 15.0
TRIES = 5
"""So often a write is begun that comes to nothing before it waits for the next change."""
STUCK_S = 3600.0


@dataclass(slots=True)
class Planned:
    """What is to be told of claimed rows, by ref; `again`: the seconds after which something may be known that is not yet."""

    plans: Mapping[str, Plan]
    again: Mapping[str, float]


@dataclass(slots=True)
class Accounts:
    """One system's accounts; several processes share the work by claiming rows."""

    about: ClassVar[Kind] = "account"
    pool: Any
    system: str
    sink: Sink
    knowledge: Knowledge
    results: Results
    guard: Guard
    timeout_s: float
    secret: bytes
    clock: Callable[[], float] = time.time

    async def step(self) -> int:
        """Tell what is to be told now; gives how many records were looked at. Raises OUTAGES."""
        try:
            playbook = await self.knowledge.playbook(int(await meta.read(self.pool, playbooks.ACTIVE) or 0))
        except NoPlaybook:
            return 0
        if not (object_ := self._object(playbook)):
            return 0
        await self._begin(playbook)
        most, seconds = self.sink.manifest.batch_write, self.timeout_s + GRACE_S
        reads = [name for name, rules in playbook.systems.items() if rules.account]
        claimed = await store.claim(self.pool, self.system, playbook.version, most, seconds, self.about, reads)
        await self._unheard([one for one in claimed if one.intent is not None], object_, playbook)
        fresh = [one for one in claimed if one.intent is None]
        gates = await intents.gates(self.pool, self.system) if fresh else None
        if gates is not None and gates.playbook == playbook.version:  # under another one they are looked at when they come back
            await self._look(fresh, playbook, gates)
        return len(claimed)

    # --- what is particular to accounts ----------------------------------------------------------------------------------------------

    def _object(self, playbook: Playbook) -> str:
        """Name the object that is written here; empty when none is."""
        rules = playbook.systems.get(self.system)
        return rules.account if rules is not None and playbook.account_fields else ""

    def _fields(self, playbook: Playbook) -> Mapping[str, SharedField]:
        """Give the shared fields that are told."""
        return playbook.account_fields

    async def _begin(self, playbook: Playbook) -> None:
        """Make ready for a version."""

    async def _reread(self, rows: Sequence[Claimed], object_: str, names: Sequence[str]) -> Mapping[str, Item]:
        """Read the records of rows; gives what is there by the row's ref."""
        found = by_record(await self.sink.read([Ref.parse(one.ref).id for one in rows], names, object_=object_, priority=BULK))
        return {one.ref: found[ident] for one in rows if (ident := Ref.parse(one.ref).id) in found}

    async def _planned(self, rows: Sequence[Claimed], playbook: Playbook, control: Control, now: int) -> Planned:
        """Plan each row; one that is left out waits."""
        known = await accounts.companies(self.pool, frozenset(one.ref for one in rows))
        ledger = seen_through(known, await store.under_way(self.pool, known.entries))
        able, entries = self.knowledge.capabilities, ledger.entries
        made = {
            one.ref: plan_account(entries[one.ref], ledger, playbook, able, control, now, one.refused, one.frozen)
            for one in rows
            if one.ref in entries
        }
        return Planned({one.ref: made.get(one.ref, Plan()) for one in rows}, {})

    # --- what an earlier call came to -------------------------------------------------------------------------------------------

    async def _unheard(self, rows: Sequence[Claimed], object_: str, playbook: Playbook) -> None:
        """Tell again what nobody took in, and find out by reading what nobody answered."""
        known = [one for one in rows if one.outcome is not None]
        await self._publish([RecordChanged.model_validate(one.outcome) for one in known])
        await store.end(self.pool, [Ended(one.ref, _intent(one)["id"], one.outcome, wait=LATER_S) for one in known])
        lost = [one for one in rows if one.outcome is None]
        if not lost:
            return
        try:
            found = await self._reread(lost, object_, sorted(self._mapped(playbook, object_)))
        except ConnectorError:
            return  # they come back when their time has passed
        for one in lost:
            await self._found(one, found.get(one.ref), playbook)

    async def _found(self, one: Claimed, item: Item | None, playbook: Playbook) -> None:
        held: dict[str, Scalar] = {}
        ref = _ref(item) if item is not None else one.ref
        if isinstance(item, RecordChanged):
            told = _intent(one)["fields"].values()
            agrees = self.knowledge.agreeing(self._mapped(playbook, Ref.parse(ref).object))
            held = {f["name"]: f["sent"] for f in told if f["name"] in item.fields and agrees(f["name"], f["sent"], item.fields[f["name"]])}
        outcome = self._outcome(ref, _intent(one), held) if held else None
        await self._publish([*([corrected(item, self.knowledge.skew)] if item is not None else []), *([outcome] if outcome else [])])
        kept = outcome.model_dump(mode="json") if outcome else None
        flips, frozen = self._counted(one, _intent(one), held, playbook)
        ended = Ended(one.ref, _intent(one)["id"], kept, wait=LATER_S if held else 0.0, flips=flips, frozen=frozen)
        await store.end(self.pool, [ended._replace(record=ref if held else None)])
        await self._note(self._troubles.frozen(one.ref, frozen, self._freezing(playbook)))

    # --- what is to be told -----------------------------------------------------------------------------------------------------

    async def _look(self, rows: Sequence[Claimed], playbook: Playbook, gates: Gates) -> None:
        """Plan each record; tell what there is to tell, and be done with those that show what they should."""
        control, now = await self.knowledge.control(gates, ""), int(self.clock() * 1000)
        await self._thaw(rows, now)
        planned = await self._planned(rows, playbook, control, now)
        plans, rows = planned.plans, [one for one in rows if one.ref in planned.plans]
        kept = [(ref, one) for ref, made in plans.items() for one in made.would]
        would = [Would(writing_id(ref), w.record_id, f"{self.about}.{w.field}", w.before, w.after, w.rule) for ref, w in kept]
        await intents.settle(self.pool, self.system, planned=[writing_id(ref) for ref in plans], would=would)
        if reads := sorted({ref for made in plans.values() for ref in made.reads}):
            await read_orders.order(self.pool, reads)
        telling = [one for one in rows if plans[one.ref].rows]
        done = [one for one in rows if one not in telling and not waits(plans[one.ref])]  # the rest comes back as claimed rows do
        quiet = [quiet_of(one, plans[one.ref], planned.again.get(one.ref), now) for one in done]
        await store.quiet(self.pool, self.system, quiet, playbook.version)
        await self._note(self._troubles.refused([one.ref for one in quiet if not one.refused], ""))
        await self._note([note for one in done for note in self._troubles.nobody(one.ref, plans[one.ref].left)])
        allowed = await self.guard.allow(len(telling), playbook.guards)
        first = {ref: made.rows[0] for ref, made in plans.items() if made.rows}
        told = 0
        for kind in ("update", "create"):  # a call is of one kind
            some = [one for one in telling[: allowed.rows] if first[one.ref].kind == kind]
            told += await self._tell(some, first, playbook, now)
        await self.guard.give_back(allowed, told)

    async def _tell(self, rows: Sequence[Claimed], planned: Mapping[str, Row], playbook: Playbook, now: int) -> int:
        """Make one call: the intents are kept before it, the outcomes after it; gives how many it told."""
        made = {one.ref: self._intent_of(one, planned[one.ref], now) for one in rows}
        kept = [(one.ref, one.rev, made[one.ref]) for one in rows]
        begun = await store.begin(self.pool, self.system, kept, playbook.version, self.timeout_s + GRACE_S) if rows else frozenset()
        standing = [one for one in rows if one.ref in begun]
        if not standing:
            return 0
        agrees = self.knowledge.agreeing(self._mapped(playbook, planned[standing[0].ref].object))
        sent = [Sent(made[one.ref]["id"], writing_id(one.ref), planned[one.ref]) for one in standing]
        ended = {one.sent.intent_id: one for one in await Teller(self.sink, agrees=agrees).tell(sent, BULK)}
        for one in standing:
            await self._ended(one, made[one.ref], ended[made[one.ref]["id"]], playbook)
        return len(standing)

    def _intent_of(self, one: Claimed, row: Row, now: int) -> Mapping[str, Any]:
        fields = {name: {"name": f.name, "value": f.value, "sent": f.sent, "at": f.at} for name, f in row.fields.items()}
        ident = derived_id("account intent", one.ref, self.system, one.rev, one.attempts, now)
        return {"id": ident, "at": now, "fields": fields, "beside": dict(row.defaults)}

    async def _thaw(self, rows: Sequence[Claimed], now: int) -> None:
        """Let fields be told again that were left alone long enough."""
        over = {one.ref: names for one in rows if (names := [name for name, until in one.frozen.items() if until <= now])}
        await store.thaw(self.pool, self.system, list(over), now)
        await self._note([note for ref, names in over.items() for note in self._troubles.thawed(ref, names)])

    async def _ended(self, one: Claimed, intent: Mapping[str, Any], ended: batch.Ended, playbook: Playbook) -> None:
        """Keep how one write ended, and let the lead agent take it in."""
        ref = _made(one, ended.sent.row, self.system, ended.record_id)
        outcome = self._outcome(ref, intent, ended.held) if ended.held else None
        names = {f["name"]: (name, f["value"]) for name, f in intent["fields"].items()}
        refused = dict(names[r.field] for r in ended.refused if r.field in names)
        kept = outcome.model_dump(mode="json") if outcome else None
        counted = self._counted(one, intent, ended.held, playbook)
        how = Ended(
            one.ref, intent["id"], kept, refused, ended.end != "unknown", self._wait(one, ended), ref if outcome else None, *counted
        )
        await store.end(self.pool, [how])
        await self._publish([outcome] if outcome else [])
        await self._note(self._troubles.frozen(one.ref, how.frozen, self._freezing(playbook)))
        if refused:
            words = next((r.words or r.code for r in ended.refused if r.field in names), "")
            await self._note(
                self._troubles.refused([one.ref], f"{self.system} refuses {', '.join(sorted(refused))} of an {self.about}: {words}")
            )
        if ended.end == "gone":
            await read_orders.order(self.pool, [ref])
        metrics.count("truce_writes_total", system=self.system, outcome=f"{self.about}_{ended.end}")

    def _wait(self, one: Claimed, ended: batch.Ended) -> float:
        """Say how long a record rests: an outcome is to be taken in, trouble to pass; what fails again and again waits long."""
        match ended.error:
            case None:
                return LATER_S
            case RateLimited(retry_after=seconds):
                return max(1.0, seconds)
            case AuthExpired() | Surprising():
                return 60.0
        if ended.end == "unknown":
            return 1.0
        return STUCK_S if one.attempts + 1 >= TRIES else 0.0 if ended.refused else 5.0

    def _counted(
        self, one: Claimed, intent: Mapping[str, Any], held: Mapping[str, Scalar], playbook: Playbook
    ) -> tuple[Mapping[str, Sequence[int]], Mapping[str, int]]:
        """Count the fields that were told, and freeze those that were too often; associations only ever become more."""
        told = [name for name, f in intent["fields"].items() if f["name"] in held and name not in LINKS]
        return told_again(one.flips, told, int(self.clock() * 1000), self._freezing(playbook))

    def _freezing(self, playbook: Playbook) -> Playbook:
        """Give the playbook by whose fields it is judged how often is too often."""
        return replace(playbook, fields=self._fields(playbook))

    @property
    def _troubles(self) -> Troubles:
        return Troubles(self.system, self.about)

    # --- words --------------------------------------------------------------------------------------------------------------------

    def _outcome(self, ref: str, intent: Mapping[str, Any], held: Mapping[str, Scalar]) -> RecordChanged:
        """Say what our write left there: each value with the time that it has where it comes from."""
        times = {f["name"]: from_ms(f["at"]) for f in intent["fields"].values() if f["name"] in held}
        fields = {**intent.get("beside", {}), **held}
        return RecordChanged(
            ref=ref, at=from_ms(intent["at"]), fields=fields, times=times, origin="own", received_at=datetime.now(UTC), intent_id=intent["id"],
        )  # fmt: skip

    def _mapped(self, playbook: Playbook, object_: str) -> dict[str, SharedField]:
        """Give the shared fields by the vendor's names."""
        every = (one for one in self._fields(playbook).values() if self.system in one.systems)
        return {name: one for one in every if (name := one.systems[self.system].name_of(object_))}

    async def _publish(self, items: Sequence[Item]) -> None:
        if items:
            news = [News(lead_key(self.secret, None, _ref(item)), item) for item in items]
            await self.results.publish(news, datetime.now(UTC))

    async def _note(self, notes: Sequence[ProblemNote]) -> None:
        if notes:
            await run(self.pool, problems.write(notes))


def _ref(item: Item) -> str:
    return item.survivor if isinstance(item, RecordMerged) else str(item.ref)


def _intent(one: Claimed) -> Mapping[str, Any]:
    assert one.intent is not None
    return one.intent


def _made(one: Claimed, row: Row, system: str, ident: str | None) -> str:
    """Give the record that a row was written to."""
    return one.ref if one.record is None and row.kind == "update" else f"{system}:{row.object}:{ident or row.record_id}"

"""Tasks for reps: made once, found again before a second try, brought to the state that is wanted, and told when the vendor refuses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from connectors.base import Done, Failed, Priority, RowOutcome, Sink, TaskWanted
from connectors.errors import AuthExpired, ConnectorError, Gone, RateLimited, Surprising, Unavailable
from sync.lead.decision import ProblemNote
from sync.lead.state import Lead
from sync.lead.state import load as load_lead
from sync.playbook.models import Playbook
from sync.runtime.metrics import metrics
from sync.store import intents, problems
from sync.store import tasks as store
from sync.store.statement import run
from sync.store.tasks import Claimed, Ended
from sync.writer.control import Knowledge
from sync.writer.guard import Guard
from sync.writer.intents import GRACE_S

HOT: Priority = "hot"
LATER_S = 15.0
"""How long a task waits for what it needs: its person's record, its owner's user there, a person who resumes."""
TRIES = 5
"""So often a task is refused before a person must look: a lead that was just converted takes no task, its contact does."""
VOID = "No longer needed: "


@dataclass(slots=True)
class Tasks:
    """One system's tasks; several processes share the work by claiming rows."""

    pool: Any
    system: str
    sink: Sink
    knowledge: Knowledge
    guard: Guard
    timeout_s: float

    async def step(self) -> int:
        """Tell what is to be told now; gives how many tasks were looked at. Raises OUTAGES before a call."""
        if not self.sink.manifest.task_object:
            return 0
        claimed = await store.claim(self.pool, self.system, self.sink.manifest.batch_write, self.timeout_s + GRACE_S)
        if not claimed:
            return 0
        rows, gates = await intents.load(self.pool, self.system, sorted({one.lead_id for one in claimed}))
        playbook, leads = await self.knowledge.playbook(gates.playbook), {row.id: load_lead(row.doc) for row in rows}
        rest = await self._aside(claimed, playbook, leads, paused={"all", f"system:{self.system}"} & {*gates.scopes} != set())
        try:
            rest = await self._found_again(rest)
        except ConnectorError as error:
            await self._all(rest, error)
            return len(claimed)
        never = [one for one in rest if one.state != "open" and one.record_id is None]
        await store.end(self.pool, [Ended(one.key, None, one.rev) for one in never])  # nobody need be told of what was never made
        rest = [one for one in rest if one not in never]
        wanted = {one.key: told for one in rest if (told := await self._wanted(one, leads[one.lead_id], playbook)) is not None}
        ready = [one for one in rest if one.key in wanted]
        await store.end(self.pool, [Ended(one.key, one.record_id, 0, wait=LATER_S) for one in rest if one.key not in wanted])
        for known in (False, True):
            some = [one for one in ready if (one.record_id is not None) is known]
            allowed = await self.guard.allow(len(some), playbook.guards)
            await self.guard.give_back(allowed, await self._tell(some[: allowed.rows], wanted))
        return len(claimed)

    async def _aside(self, claimed: Sequence[Claimed], playbook: Playbook, leads: dict[str, Lead], *, paused: bool) -> list[Claimed]:
        """Settle the tasks of which nothing is told now, and give the others."""
        rules = playbook.systems.get(self.system)
        observed = rules is None or rules.mode_of(self.sink.manifest.task_object) == "observe"
        gone = [one for one in claimed if one.lead_id not in leads or leads[one.lead_id].erased]
        left = [one for one in claimed if one not in gone]
        await store.drop(self.pool, [one.key for one in gone])
        if observed and left:
            await store.would(self.pool, self.system, left)
        if observed or paused:
            await store.end(self.pool, [Ended(one.key, None, 0, known=False, wait=LATER_S) for one in left])
            return []
        return left

    async def _found_again(self, rows: Sequence[Claimed]) -> list[Claimed]:
        """Look up those whose making was begun and has no outcome: nothing is made twice."""
        lost = [one for one in rows if one.tried_at is not None and one.record_id is None]
        if not lost:
            return list(rows)
        asked = [TaskWanted(key=one.key, person=await self._last_person(one), owner="", subject="", due=one.due) for one in lost]
        found = {seen.key: seen.id for seen in await self.sink.find_tasks(asked, priority=HOT)}
        return [one._replace(record_id=found.get(one.key, one.record_id)) for one in rows]

    async def _last_person(self, one: Claimed) -> str:
        ref = await self.pool.fetchval(
            "SELECT ref FROM records WHERE lead_id = $1::uuid AND system = $2 ORDER BY gone IS NOT NULL, seen_at DESC LIMIT 1",
            one.lead_id,
            self.system,
        )
        return str(ref or f"{self.system}:{self.sink.manifest.person_object}:none")

    async def _wanted(self, one: Claimed, lead: Lead, playbook: Playbook) -> TaskWanted | None:
        """Give a task as the vendor is to have it; None while its person has no record there, or its owner is no active user."""
        record = lead.primary(self.system, playbook.systems[self.system].primary)
        owner = (await self.knowledge.users()).get(one.owner.strip().lower())
        if record is None or owner is None:
            if owner is None:
                await self._problem(one, f"the task of {one.owner} cannot be made in {self.system}: nobody active there has this e-mail")
            return None
        subject = f"{VOID}{one.subject}" if one.state == "void" else one.subject
        return TaskWanted(
            key=one.key, person=record.ref, owner=owner, subject=subject, body=one.body, due=one.due, done=one.state != "open", id=one.record_id,
        )  # fmt: skip

    async def _tell(self, rows: Sequence[Claimed], wanted: dict[str, TaskWanted]) -> int:
        """Make one call: the intent is kept before it, the outcomes after it; gives how many it told."""
        begun = await store.begin(self.pool, self.system, rows, self.timeout_s + GRACE_S) if rows else frozenset()
        standing = [one for one in rows if one.key in begun]
        if not standing:
            return 0
        try:
            told = {one.key: one for one in await self.sink.tasks([wanted[one.key] for one in standing], priority=HOT)}
        except ConnectorError as error:
            await self._all(standing, error)
            return len(standing)
        lost = Unavailable("the answer does not speak of this task", unknown_outcome=True)
        for one in standing:
            await self._ended(one, told.get(one.key) or Failed(one.key, lost))
        return len(standing)

    async def _all(self, rows: Sequence[Claimed], error: ConnectorError) -> None:
        for one in rows:
            await self._ended(one, Failed(one.key, error), asking=one.tried_at is not None and one.record_id is None)

    async def _ended(self, one: Claimed, outcome: RowOutcome, *, asking: bool = False) -> None:
        """Keep how one task went; `asking`: it was only looked up, so that an earlier call still has no outcome."""
        if isinstance(outcome, Done):
            await store.end(self.pool, [Ended(one.key, outcome.id, one.rev)])
            await self._problem(one, "", opened=False)
            return metrics.count("truce_writes_total", system=self.system, outcome="task_told")
        error = outcome.error
        match error:
            case Unavailable(unknown_outcome=True):
                await store.end(self.pool, [Ended(one.key, None, 0, known=False, wait=1.0)])
            case Unavailable() | RateLimited():
                wait = error.retry_after if isinstance(error, RateLimited) else 5.0
                await store.end(self.pool, [Ended(one.key, one.record_id, 0, known=not asking, wait=max(1.0, wait))])
            case Gone() if one.record_id is not None:  # somebody there deleted it: it is not made again
                await store.end(self.pool, [Ended(one.key, None, one.rev)])
            case _:
                await self._refused(one, error, asking=asking)
        metrics.count("truce_writes_total", system=self.system, outcome="task_failed")

    async def _refused(self, one: Claimed, error: ConnectorError, *, asking: bool) -> None:
        """Try a refusal again a few times, then put it before a person; what is wrong with the connection is tried for ever."""
        waits = isinstance(error, AuthExpired | Surprising)
        last = one.attempts + 1 >= TRIES
        if waits or last:
            await self._problem(one, f"the task of {one.owner} was refused by {self.system}: {error.words}")
        told = one.rev if last and not waits else 0
        await store.end(
            self.pool, [Ended(one.key, one.record_id, told, known=not asking, wait=60.0 if waits else 0.0 if last else LATER_S)]
        )

    async def _problem(self, one: Claimed, text: str, *, opened: bool = True) -> None:
        key = f"{self.system}:task:{one.key}"
        note = ProblemNote("write_refused", key, opened, text, system=self.system, lead_id=one.lead_id)
        await run(self.pool, problems.write([note]))

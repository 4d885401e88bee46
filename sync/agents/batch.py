"""The one transaction: lock, look, decide, lock the pools, write everything, advance `applied` where the epoch is ours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from schemas.envelope import Envelope
from sync.agents.deciding import Deciding
from sync.agents.input import Input
from sync.agents.rules import Rules
from sync.agents.writing import Decided, net, statements
from sync.lead.asking import asked
from sync.lead.decision import Facts, Identity, OutcomeKind, VendorUser
from sync.lead.ledger import Asked, Ledger
from sync.lead.presence import present
from sync.lead.state import Lead
from sync.playbook.models import Playbook
from sync.runtime.clock import Clock
from sync.runtime.guard import Contended, Failure, attempt
from sync.runtime.metrics import metrics
from sync.store import account_writes, accounts, applied, identities, leads, presence, users
from sync.store.applied import Epoch
from sync.store.look import Seen, look
from sync.store.outbox import Unpublished, published
from sync.store.statement import Connection, run


class Moved(Exception):
    """Somebody else changed what we had looked up: start over."""


class Concerned(Exception):
    """What was decided concerns leads that nothing named before: they must be locked too."""

    def __init__(self, identities: set[Identity]) -> None:
        super().__init__(f"{len(identities)} more")
        self.identities = identities


class EpochMoved(Exception):
    """These partitions have a newer owner."""

    def __init__(self, partitions: set[int]) -> None:
        super().__init__(sorted(partitions))
        self.partitions = partitions


@dataclass(slots=True)
class Done:
    """What a committed batch came to."""

    count: int
    """How many of the given messages are dealt with."""
    next: dict[int, int] = field(default_factory=dict)
    """Partition → next offset, for each partition that went on or stood elsewhere than thought."""
    lost: set[int] = field(default_factory=set)
    """Partitions with a newer owner."""
    outcomes: list[OutcomeKind] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    """Whose message each outcome is."""
    unpublished: list[Unpublished] = field(default_factory=list)
    next_due: int | None = None
    """When the first of the clocks that it set is due (ms)."""


@dataclass(slots=True)
class _Locked:
    identities: dict[Identity, str | None]
    leads: dict[str, Lead]


class Batch:
    """Applies messages of one topic, many partitions at a time."""

    def __init__(self, topic: str, rules: Rules, secret: bytes, clock: Clock, *, budget_ms: int = 250) -> None:
        self.topic, self.rules, self.secret, self.clock = topic, rules, secret, clock
        self._present: tuple[Playbook, int | None, Playbook] | None = None
        """The version in force, at which change of who is there, and both together."""
        self._users: tuple[str, dict[str, dict[str, VendorUser]]] = ("", {})
        self._deciding = Deciding(rules, clock, budget_ms / 1000)

    async def apply(
        self, connection: Connection, messages: Sequence[Input], epoch: Epoch, forget: Sequence[int] = (), why: Failure | None = None
    ) -> Done:
        """Apply as many of the messages as the time allows, in one transaction; with `why` the one message is parked.

        `forget`: outbox rows that Kafka has. Raises what PostgreSQL raises; nothing is applied then.
        """
        lost, besides = set[int](), set[Identity]()
        for _ in range(10):
            try:
                async with connection.transaction():
                    done = await self._once(connection, [m for m in messages if m.partition not in lost], epoch, forget, why, besides)
            except Moved:
                continue
            except Concerned as concerned:
                besides |= concerned.identities
                continue
            except EpochMoved as moved:
                metrics.count("truce_batches_total", result="dropped")
                lost |= moved.partitions
                continue
            done.lost = lost
            done.count = _prefix(messages, lost, done.count)
            return done
        raise Contended("others changed the same leads ten times in a row")

    async def _once(
        self,
        connection: Connection,
        messages: list[Input],
        epoch: Epoch,
        forget: Sequence[int],
        why: Failure | None,
        besides: set[Identity],
    ) -> Done:
        locked = await _lock(connection, messages, besides)
        seen = await self._look(connection, messages, locked.leads)
        strangers = {p for p in {m.partition for m in messages} if p not in seen.positions or seen.positions[p].epoch != epoch}
        if strangers:
            raise EpochMoved(strangers)
        todo, next_ = _in_turn(messages, seen)
        playbook = await self._team(connection, await self.rules.playbook(connection, seen.playbook), seen.presence)
        ledger = await self._ledger(connection, todo, locked, playbook) if seen.entries else Ledger()
        facts = self._facts(locked, seen, ledger)
        items = await self._deciding.decide(connection, todo, facts, set(seen.once), playbook, why)
        if more := {identity for item in items for identity in item.decision.concerns} - locked.identities.keys():
            raise Concerned(more)
        total = net(items)
        outcomes: dict[int, list[OutcomeKind]] = {}
        for item in items:
            next_[item.message.partition] = item.message.offset + 1
            outcomes.setdefault(item.message.partition, []).append(item.decision.outcome)
        unused = {identity for identity, lead in locked.identities.items() if lead is None}
        todo_sql = statements(items, total, locked.leads, unused)
        if forget:
            todo_sql.append(published(forget))
        if outcomes:
            todo_sql.append(applied.advance(self.topic, epoch, {p: (next_[p], kinds) for p, kinds in outcomes.items()}))
        entered = [entry for item in items for entry in item.decision.entries]
        await account_writes.alone(connection, entered)
        answer = await run(connection, todo_sql)
        await account_writes.wake(connection, entered)
        _check(answer, items, total.once, set(outcomes))
        kept = [Unpublished(row["id"], row["partition"], total.payloads[row["partition"]].pack()) for row in answer.get("kept", ())]
        count = len(messages) if len(items) == len(todo) else messages.index(todo[len(items)])
        told, sources = [item.decision.outcome for item in items], [item.message.source for item in items]
        return Done(count, next_, set(), told, sources, kept, total.next_due)

    def _facts(self, locked: _Locked, seen: Seen, ledger: Ledger) -> Facts:
        known = {identity: lead for identity, lead in locked.identities.items() if lead is not None}
        return Facts(
            *(self.secret, known, locked.leads, seen.touches),
            users=self._users[1], read_fully=seen.read_fully, intents=seen.intents, ledger=ledger,
        )  # fmt: skip

    async def _look(self, connection: Connection, messages: Sequence[Input], known: Iterable[str]) -> Seen:
        touches = {touch for m in messages for touch in m.wanted.touches}
        once = {m.wanted.once for m in messages if m.wanted.once}
        seen = await look(connection, self.topic, {m.partition for m in messages}, touches, once, known)
        if seen.users != self._users[0]:
            self._users = (seen.users, await users.every(connection))
        return seen

    async def _team(self, connection: Connection, playbook: Playbook, stamp: int | None) -> Playbook:
        """Give the playbook with its team as people said they are there; looked up when that changed."""
        if stamp is None:
            return playbook
        known = self._present
        if known is None or known[0] is not playbook or known[1] != stamp:
            known = self._present = (playbook, stamp, present(playbook, await presence.current(connection)))
        return known[2]

    async def _ledger(self, connection: Connection, todo: Sequence[Input], locked: _Locked, playbook: Playbook) -> Ledger:
        """Look up the accounts and opportunities that the messages and their leads lead to."""
        messages = [m.read.data for m in todo if isinstance(m.read, Envelope)]
        wanted = attempt(asked, messages, locked.leads.values(), playbook, self.secret)
        return await accounts.look(connection, wanted) if isinstance(wanted, Asked) else Ledger()


async def _lock(connection: Connection, messages: Sequence[Input], besides: set[Identity]) -> _Locked:
    """Lock identities first and leads after, both in one order for all: nothing can move between, so nothing is read twice."""
    known = await identities.lock(connection, {identity for m in messages for identity in m.wanted.identities} | besides)
    ids = {lead for m in messages for lead in m.wanted.leads} | {lead for lead in known.values() if lead is not None}
    locked = await leads.lock(connection, ids)
    if not locked.closed:
        raise Moved
    return _Locked(known, locked.leads)


def _in_turn(messages: Sequence[Input], seen: Seen) -> tuple[list[Input], dict[int, int]]:
    """Leave out what was applied before, and of each partition what comes after a gap."""
    expected = {p: position.next_offset for p, position in seen.positions.items()}
    next_, turn = dict(expected), []
    for m in messages:
        if m.offset == expected[m.partition]:
            expected[m.partition] += 1
            turn.append(m)
    return turn, next_


def _check(answer: dict[str, list[dict[str, object]]], items: Sequence[Decided], once: Sequence[str], advanced: set[int]) -> None:
    lost = advanced - {int(str(row["partition"])) for row in answer.get("advanced", ())}
    if lost:
        raise EpochMoved(lost)
    touches = {touch[:2] for item in items for touch in item.decision.touches}
    if len(answer.get("touched", ())) < len(touches) or len(answer.get("remembered", ())) < len(set(once)):
        raise Moved  # another worker counted the same touch, or applied the same input, since we looked


def _prefix(messages: Sequence[Input], lost: set[int], count: int) -> int:
    """Give how many of all messages are dealt with when `count` of those outside the lost partitions are."""
    for n, message in enumerate(messages):
        if message.partition not in lost:
            if count == 0:
                return n
            count -= 1
    return len(messages)

"""A company that was on the website is told to the owner of its account: once a day, and at once while an opportunity is open.

Whose account it is says the domain alone. What is nobody's stands on the list (`truce visits`); no person is made up of a visit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from schemas.envelope import derived_id
from sync.alerts.channel import Message
from sync.alerts.flush import Ground, ms
from sync.alerts.message import kept
from sync.alerts.reach import Target, anybody, of_person
from sync.alerts.times import next_digest, quiet_until
from sync.lead import account, hours
from sync.lead.account import Match
from sync.lead.ledger import Asked, Ledger
from sync.playbook.models import Playbook
from sync.playbook.models.alerts import Digest
from sync.runtime.clock import Clock
from sync.store import accounts, digests, telling, visits
from sync.store.telling import Intent
from sync.store.visits import Visit

EVERY_S = 5.0
AGAIN = timedelta(hours=4)
"""While an opportunity is open its owner is told of the account's visits at once no more often than this, and never in quiet hours."""
DAILY = Digest(frozenset({1, 2, 3, 4, 5}), "08:30", ())
"""When the rest is told where alerts.yaml has no digest."""
TICK = "visits"


@dataclass(frozen=True, slots=True)
class Seen:
    """An account's visits that nobody was told of."""

    domain: str
    match: Match
    owner: str
    visits: tuple[Visit, ...]

    @property
    def name(self) -> str:
        """How the account is called."""
        return self.match.account.text("name") or self.visits[-1].company or self.domain


def words(seen: Seen, zone: str) -> str:
    """Say in one line what an account looked at."""
    pages, seconds = (sum(getattr(one, name) or 0 for one in seen.visits) for name in ("pages", "seconds"))
    last = seen.visits[-1]
    sources = list(dict.fromkeys(one.source for one in seen.visits if one.source))[:3]
    parts = [
        f"{len(seen.visits)} visits" if len(seen.visits) > 1 else "one visit",
        *([f"{pages} {'page' if pages == 1 else 'pages'}"] if pages else []),
        *([span(seconds)] if seconds else []),
        *([f"from {', '.join(sources)}"] if sources else []),
        f"{'last ' if len(seen.visits) > 1 else ''}{hours.wall(ms(last.at), zone):%a %d %b %H:%M}",
    ]
    return " · ".join(parts)


def span(seconds: float) -> str:
    """Say how long: 40 s, 3 min."""
    return f"{round(seconds)} s" if seconds < 60 else f"{round(seconds / 60)} min"


class Visits:
    """Looks every few seconds for visits that nobody was told of; one notifier does."""

    def __init__(self, pool: Any, clock: Clock) -> None:
        self._pool, self._clock, self._next = pool, clock, -EVERY_S

    async def look(self, ground: Ground) -> None:
        """Tell what is new, and what has waited for its time; without a channel it waits."""
        at = self._clock.monotonic()
        if not ground.ready or at < self._next:
            return
        self._next = at + EVERY_S
        now = self._clock.now()
        async with self._pool.acquire() as connection, connection.transaction():
            last = await digests.last(connection, now, TICK)
            if last is None:
                return  # another notifier does it
            digest = ground.playbook.alerts.digest or DAILY
            due = next_digest(ms(last), digest, ground.zone) <= ms(now)
            if due:
                await digests.done(connection, now, TICK)
            rows = await visits.untold(connection, waiting=due)
            if rows:
                await self._tell(connection, ground, rows, now, due=due)

    async def _tell(self, connection: Any, ground: Ground, rows: Sequence[Visit], now: datetime, *, due: bool) -> None:
        by_domain: dict[str, list[Visit]] = defaultdict(list)
        for row in rows:
            by_domain[row.domain].append(row)
        ledger = await accounts.look(connection, Asked(domains=frozenset(by_domain)))
        seen = list(_seen(by_domain, ledger, ground.playbook))
        known = {one.domain for one in seen}
        await visits.told(connection, [one for one in rows if one.domain not in known], "list", now)
        last = await visits.last_told(connection, known)
        quiet = quiet_until(ms(now), ground.playbook.alerts.quiet, ground.zone) is not None
        hot = [one for one in seen if one.match.open and not quiet and (one.domain not in last or last[one.domain] + AGAIN <= now)]
        intents = [intent for one in hot for intent in _at_once(ground, one)]
        rest = [one for one in seen if one not in hot]
        if due:
            intents += _daily(ground, rest, now)
        else:
            await visits.wait(connection, [one for each in rest for one in each.visits])
        await telling.intend(connection, intents, now)
        await visits.told(connection, [one for each in (seen if due else hot) for one in each.visits], "owner", now)


def _seen(by_domain: Mapping[str, Sequence[Visit]], ledger: Ledger, playbook: Playbook) -> Iterator[Seen]:
    for domain, some in by_domain.items():
        match = account.of_domain(domain, "visit", ledger, playbook)
        owner = account.owner_of(match, playbook) if match is not None else None
        if match is not None and owner is not None:
            yield Seen(domain, match, owner, tuple(some))


def _at_once(ground: Ground, one: Seen) -> Iterator[Intent]:
    deal = one.match.open[0].text("name") or one.match.open[0].ref
    first = one.visits[0]
    for target in _readers(ground, one.owner):
        text = Message(
            f"{one.name} is on your website: an opportunity is open",
            (words(one, ground.zone), f"Open: {deal}", f"It is {_whose(ground, target)} account ({one.domain}). Who it was nobody knows."),
            level="note",
            thread=f"visits:{one.domain}",
        )
        yield _intent(target, text, "visit", first.door, first.delivery)


def _daily(ground: Ground, rest: Sequence[Seen], now: datetime) -> Iterator[Intent]:
    by_owner: dict[str, list[Seen]] = defaultdict(list)
    for one in rest:
        by_owner[one.owner].append(one)
    for owner, some in sorted(by_owner.items()):
        for target in _readers(ground, owner):
            yield _intent(target, _digest(ground, some, _whose(ground, target)), "visits", owner, ms(now))


def _digest(ground: Ground, some: Sequence[Seen], whose: str) -> Message:
    ranked = sorted(some, key=lambda one: (-len(one.visits), one.name))
    lines = [f"{one.name} ({one.domain}): {words(one, ground.zone)}" for one in ranked[:20]]
    more = [f"… and {len(ranked) - 20} more: truce visits --all"] if len(ranked) > 20 else []
    count = f"{len(some)} of {whose} accounts were" if len(some) > 1 else f"One of {whose} accounts was"
    return Message(f"{count} on your website", (*lines, *more), level="note", thread="visits")


def _readers(ground: Ground, owner: str) -> tuple[Target, ...]:
    """Give how an owner hears of it: their own way, else the channels that are told for them, which see company and owner; never nobody."""
    found = of_person(ground.playbook, owner, "owner", ground.ready)
    if found is not None:
        return (found,)
    return tuple(one._replace(person=owner) for one in anybody(ground.playbook, ground.ready))


def _whose(ground: Ground, reader: Target) -> str:
    """Say whose account it is, to the owner or to a room."""
    return "your" if reader.role == "owner" else f"{ground.playbook.name_of(reader.person or '')}'s"


def _intent(to: Target, text: Message, *ident: object) -> Intent:
    return Intent(derived_id(*ident, to.channel), "visit", to.channel, to.to, to.role, to.person, kept(text))

"""A shared goal is reached, lost again, or missed: told once to both teams, in the channels of the agreement and to who answers for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

from schemas.envelope import derived_id
from sync.alerts import goal_events
from sync.alerts.channel import Level, Message
from sync.alerts.flush import Ground
from sync.alerts.message import kept
from sync.alerts.notices import Publish
from sync.alerts.reach import Target, anybody, of_person
from sync.lead import hours
from sync.lead.periods import current
from sync.lead.state import to_ms
from sync.playbook.models import Goals, money, number
from sync.playbook.models.goals import Goal
from sync.runtime.clock import Clock
from sync.store import meta, reporting, telling
from sync.store.statement import Connection
from sync.store.telling import Intent

EVERY_S = 900.0
AGAIN_S = 15.0
"""Where Kafka did not take an event."""
LATE = timedelta(days=7)
"""So long after a period its goals are still looked at: what counted for it may have been seen later."""
News = Literal["reached", "lost", "missed"]
_LEVELS: dict[News, Level] = {"reached": "good", "lost": "trouble", "missed": "trouble"}


@dataclass(frozen=True, slots=True)
class _Seen:
    """How a goal stands in a period."""

    goal: Goal
    got: float
    spans: tuple[date, date]
    over: bool
    besides: Mapping[str, float]
    """What was won in other currencies, which does not count."""


async def _news(connection: Connection, kind: str, seen: _Seen) -> tuple[News | None, News, int] | None:
    """Give (what was told last, what is new, the how many-th news that is) and note it; None where nothing is, or another notifier was first."""
    key = f"{kind}:{seen.goal.id}:{seen.spans[0].isoformat()}"
    held = await meta.read(connection, key)
    before, count = held if isinstance(held, list) else (held, int(held is not None))  # before they were counted it stood there alone
    what = news(before, seen.got, seen.goal.target, over=seen.over)
    if what is None or not await meta.swap(connection, key, held, [what, count + 1]):
        return None
    return before, what, count + 1


def news(before: str | None, got: float, target: float, *, over: bool) -> News | None:
    """Say what is new of a goal since it was told last (`before`); `over`: its period has ended."""
    if got >= target:
        return None if before == "reached" else "reached"
    if before == "reached":
        return "lost"
    return "missed" if over and before != "missed" else None


def words(goal: Goal, what: News, got: float, spans: tuple[date, date], currency: str, besides: Mapping[str, float]) -> tuple[str, str]:
    """Give (title, line) for people of both teams."""
    last = spans[1] - timedelta(days=1)
    unit = f" {currency}" if goal.measure == "amount" else ""
    said = {"reached": "is reached", "lost": "is lost again", "missed": "was missed"}[what]
    line = f"{number(got)} of {number(goal.target)}{unit} in the {goal.per} from {hours.short(spans[0].isoformat())} to {hours.short(last.isoformat())}."
    others = f" Besides, {money(besides)} were won, which {currency} does not count." if besides else ""
    return f"Shared goal: {goal.name} {said}", f"{line}{others}"


def people(goals: Goals, goal: Goal) -> tuple[str, ...]:
    """Give who answers for a goal and for each side's promises, each once."""
    sides = [one.accountable for one in goals.marketing] + [one.accountable for one in goals.sales]
    return tuple(dict.fromkeys((goal.accountable, *sides)))


class Goalposts:
    """Looks now and then how the shared goals stand; what was told is kept, so that each news is told once, and is one event."""

    def __init__(self, pool: Any, clock: Clock, publish: Publish | None = None) -> None:
        """Take where it is kept what was told; `publish` puts a message on `events`."""
        self._pool, self._clock, self._publish = pool, clock, publish
        self._next: datetime | None = None

    async def look(self, ground: Ground) -> None:
        """Tell what is new of each goal, in the channels and on `events`."""
        now, goals = self._clock.now(), ground.playbook.goals
        if self._next is not None and now < self._next:
            return
        self._next = now + timedelta(seconds=EVERY_S)
        for goal in goals.goals:
            await self._goal(ground, goal, now)
        if self._publish is not None and not await goal_events.publish(self._pool, self._publish):
            self._next = now + timedelta(seconds=AGAIN_S)

    async def _goal(self, ground: Ground, goal: Goal, now: datetime) -> None:
        goals, zone = ground.playbook.goals, ground.playbook.goals.timezone or ground.playbook.timezone
        crm = ground.playbook.sales
        days = (now - LATE, now)
        for spans in dict.fromkeys(current(goal.per, hours.wall(to_ms(at), zone).date(), goals) for at in days):
            start, end = (to_ms(datetime(one.year, one.month, one.day, tzinfo=hours.zone(zone))) for one in spans)
            reached = await reporting.reached(self._pool, start, end, crm, goals.currency)
            seen = _Seen(goal, reached.get(goal.counts, 0.0), spans, over=to_ms(now) >= end, besides=goal.besides(reached))
            await self._event(ground, seen, now)
            if ground.ready:  # without a channel it stays untold
                await self._tell(ground, seen, now)

    async def _event(self, ground: Ground, seen: _Seen, now: datetime) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            found = await _news(connection, "goal event", seen)
            if found is not None:
                before, what, number = found
                currency, version = ground.playbook.goals.currency, ground.playbook.version
                event = goal_events.made(seen.goal, what, before, seen.got, seen.spans, currency, version, now)
                await goal_events.keep(connection, event, number)

    async def _tell(self, ground: Ground, seen: _Seen, now: datetime) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            found = await _news(connection, "goal", seen)
            if found is not None:
                _, what, number = found
                text = words(seen.goal, what, seen.got, seen.spans, ground.playbook.goals.currency, seen.besides)
                thread = f"{seen.goal.id}:{seen.spans[0].isoformat()}:{number}"
                await telling.intend(connection, self._intents(ground, seen.goal, what, text, thread), now)

    def _intents(self, ground: Ground, goal: Goal, what: News, text: tuple[str, str], thread: str) -> Iterator[Intent]:
        told = Message(
            text[0],
            (text[1], "Both sides have the same figures: truce report goals."),
            level=_LEVELS[what],
            thread=derived_id("goal", thread),
        )
        for target in dict.fromkeys(self._targets(ground, goal)) or anybody(ground.playbook, ground.ready):
            ident = derived_id("goal", thread, what, target.channel, target.to or "")
            yield Intent(ident, "goal", target.channel, target.to, target.role, target.person, kept(told))

    def _targets(self, ground: Ground, goal: Goal) -> Iterable[Target]:
        root = ground.playbook.alerts.root
        for name in root.to if root is not None else ():
            if ground.ready.get(name) in ("slack", "email"):
                yield Target(name, None, "channel")
        for who in people(ground.playbook.goals, goal):
            if (target := of_person(ground.playbook, who, "accountable", ground.ready)) is not None:
                yield target

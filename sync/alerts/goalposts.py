"""A shared goal is reached, lost again, or missed: told once to both teams, in the channels of the agreement and to who answers for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Any, Literal

from schemas.envelope import derived_id
from sync.alerts.channel import Level, Message
from sync.alerts.flush import Ground
from sync.alerts.message import kept
from sync.alerts.reach import Target, of_person
from sync.lead import hours
from sync.lead.periods import current
from sync.lead.state import to_ms
from sync.playbook.models import Goals, number
from sync.playbook.models.goals import Goal
from sync.runtime.clock import Clock
from sync.store import meta, reporting, telling
from sync.store.telling import Intent

EVERY_S = 900.0
LATE = timedelta(days=7)
"""So long after a period its goals are still looked at: what counted for it may have been seen later."""
News = Literal["reached", "lost", "missed"]
_LEVELS: dict[News, Level] = {"reached": "good", "lost": "trouble", "missed": "trouble"}


def news(before: str | None, got: float, target: float, *, over: bool) -> News | None:
    """Say what is new of a goal since it was told last (`before`); `over`: its period has ended."""
    if got >= target:
        return None if before == "reached" else "reached"
    if before == "reached":
        return "lost"
    return "missed" if over and before != "missed" else None


def words(goal: Goal, what: News, got: float, spans: tuple[date, date], currency: str) -> tuple[str, str]:
    """Give (title, line) for people of both teams."""
    last = spans[1] - timedelta(days=1)
    unit = f" {currency}" if goal.measure == "amount" else ""
    said = {"reached": "is reached", "lost": "is lost again", "missed": "was missed"}[what]
    line = f"{number(got)} of {number(goal.target)}{unit} in the {goal.per} from {hours.short(spans[0].isoformat())} to {hours.short(last.isoformat())}."
    return f"Shared goal: {goal.name} {said}", line


def people(goals: Goals, goal: Goal) -> tuple[str, ...]:
    """Give who answers for a goal and for each side's promises, each once."""
    sides = [one.accountable for one in goals.marketing] + [one.accountable for one in goals.sales]
    return tuple(dict.fromkeys((goal.accountable, *sides)))


class Goalposts:
    """Looks now and then how the shared goals stand; what was told is kept, so that each news is told once."""

    def __init__(self, pool: Any, clock: Clock) -> None:
        self._pool, self._clock = pool, clock
        self._next: datetime | None = None

    async def look(self, ground: Ground) -> None:
        """Tell what is new of each goal; money of one segment alone is not counted."""
        now, goals = self._clock.now(), ground.playbook.goals
        if not ground.ready or (self._next is not None and now < self._next):
            return
        self._next = now + timedelta(seconds=EVERY_S)
        for goal in goals.goals:
            if goal.segment is None or goal.measure != "amount":
                await self._goal(ground, goal, now)

    async def _goal(self, ground: Ground, goal: Goal, now: datetime) -> None:
        goals, zone = ground.playbook.goals, ground.playbook.goals.timezone or ground.playbook.timezone
        crm = ground.playbook.sales
        days, name = (now - LATE, now), f"{goal.measure}:{goal.segment}" if goal.segment else goal.measure
        for spans in dict.fromkeys(current(goal.per, hours.wall(to_ms(at), zone).date(), goals) for at in days):
            start, end = (to_ms(datetime(one.year, one.month, one.day, tzinfo=hours.zone(zone))) for one in spans)
            got = (await reporting.reached(self._pool, start, end, crm)).get(name, 0.0)
            key = f"goal:{goal.id}:{spans[0].isoformat()}"
            before = await meta.read(self._pool, key)
            what = news(before, got, goal.target, over=to_ms(now) >= end)
            if what is not None:
                text = words(goal, what, got, spans, goals.currency)
                await telling.intend(self._pool, self._intents(ground, goal, what, text, f"{key}:{before}"), now)
                await meta.put(self._pool, key, what)

    def _intents(self, ground: Ground, goal: Goal, what: News, text: tuple[str, str], thread: str) -> Iterator[Intent]:
        told = Message(
            text[0],
            (text[1], "Both sides have the same figures: truce report goals."),
            level=_LEVELS[what],
            thread=derived_id("goal", thread),
        )
        for target in dict.fromkeys(self._targets(ground, goal)):
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

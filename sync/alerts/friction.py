"""Friction between the teams, looked for every hour: told to both managers together, as what isn't working, with the leads behind it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from schemas.envelope import derived_id
from sync.alerts.channel import Message
from sync.alerts.flush import Ground, ms
from sync.alerts.message import kept
from sync.alerts.reach import anybody, of_person
from sync.alerts.times import quiet_until
from sync.lead.hours import wall
from sync.playbook.models import Playbook
from sync.playbook.models.alerts import AlertRoute
from sync.runtime.clock import Clock
from sync.store import alerts, signals, telling
from sync.store.signals import Signal
from sync.store.telling import Intent

EVERY_S, SHOWN = 3600.0, 5
LEAST = 5
"""Fewer than this are no signal."""
_LEGS = {"accept": "accepting", "first_response": "the first response", "work": "the work on leads"}


def notable(one: Signal) -> bool:
    """Say whether figures are a signal: enough of it, and clearly worse than the week before."""
    if one.now < LEAST:
        return False
    if one.kind in ("stale", "silent"):
        return True
    if one.kind == "parked":
        return one.now >= 2 * max(1, one.before)
    share, before = one.now / max(1, one.of), one.before / one.before_of if one.before_of else 0.0
    return share >= before + 0.1 and share >= 1.5 * before


def words(playbook: Playbook, one: Signal) -> tuple[str, str]:
    """Give (title, line): what isn't working, never who is to blame."""
    rep = playbook.reps.get(one.about)
    name = rep.name if rep else one.about
    was = f"{one.before} of {one.before_of} in the week before" if one.before_of else "none in the week before"
    return {
        "rejects": (
            f"Leads of {name} do not fit: more are rejected",
            f"{one.now} of {one.of} offers were rejected in the last 7 days, {was}.",
        ),
        "late": (
            f"{_LEGS.get(one.about, one.about).capitalize()} takes longer than agreed",
            f"{one.now} of {one.of} were late in the last 7 days, {was}.",
        ),
        "parked": (f"More is set aside at {name}", f"{one.now} wait for somebody, a day ago it was {one.before}: truce parked says why."),
        "stale": (f"Leads with {name} stand still", f"{one.now} were accepted more than a week ago and have gone no further."),
        "silent": (f"Offers to {name} get no answer", f"{one.now} offers of the last 7 days were neither accepted nor rejected."),
    }[one.kind]


def _accountable(route: AlertRoute | None) -> Iterator[str]:
    if route is not None:
        yield route.accountable
        for one in route.routes:
            yield from _accountable(one)


def managers(playbook: Playbook) -> tuple[str, ...]:
    """Give who answers for both sides: everybody whom alerts.yaml names as accountable, each once."""
    return tuple(dict.fromkeys(_accountable(playbook.alerts.root)))


class Friction:
    """Looks for signals, one process for all."""

    def __init__(self, pool: Any, clock: Clock) -> None:
        self._pool, self._clock = pool, clock

    async def look(self, ground: Ground) -> None:
        """Tell both managers of each signal, once a day of theirs at most, and not in quiet hours."""
        now = self._clock.now()
        people = managers(ground.playbook)
        if not ground.ready or not people or quiet_until(ms(now), ground.playbook.alerts.quiet, ground.zone):
            return
        if not await alerts.tick(self._pool, "friction", now, EVERY_S):
            return
        found = [one for one in await signals.measured(self._pool, now) if notable(one)]
        day = wall(ms(now), ground.zone).date().isoformat()
        await telling.intend(self._pool, [intent for one in found for intent in self._intents(ground, one, people, day)], now)

    def _intents(self, ground: Ground, one: Signal, people: tuple[str, ...], day: str) -> Iterator[Intent]:
        title, line = words(ground.playbook, one)
        names = " and ".join(ground.playbook.name_of(who) for who in people)
        more = " and more" if len(one.companies) > SHOWN else ""
        behind = (f"Behind it: {', '.join(one.companies[:SHOWN])}{more}.",) if one.companies else ()
        text = Message(
            title, (line, *behind, f"This goes to {names} together."), level="note", thread=derived_id("friction", one.kind, one.about)
        )
        found = [target for who in people if (target := of_person(ground.playbook, who, "accountable", ground.ready))]
        for target in dict.fromkeys(found or anybody(ground.playbook, ground.ready)):
            ident = derived_id("friction", one.kind, one.about, day, target.channel, target.to or "")
            yield Intent(ident, "friction", target.channel, target.to, target.role, target.person, kept(text))

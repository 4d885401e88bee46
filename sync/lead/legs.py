"""The clock of one leg: by when it is due in somebody's working time, what happens then, and how it stands still and goes on. Times are ms."""

from __future__ import annotations

from typing import NamedTuple

from sync.lead import business
from sync.lead.cycle import NO_RULE, HandoffNote, LegNote
from sync.playbook.models import LEGS, Clock, Hours, Leg, LegRule, Playbook


class Calendar(NamedTuple):
    """By whose working time a clock goes."""

    hours: Hours
    home: str
    """The company's zone."""


def calendar_of(playbook: Playbook, email: str) -> Calendar:
    """Give somebody's calendar; who is not on the team works at any time."""
    rep = playbook.reps.get(email)
    return Calendar(rep.hours if rep is not None else Hours(), playbook.timezone)


def _clock(leg: LegNote) -> Clock:
    return "always" if leg.clock == "always" else "business"


def _spent(leg: LegNote, start: int, end: int, by: Calendar) -> int:
    return business.spent(start, end, by.hours, by.home, _clock(leg))


def _on(leg: LegNote, start: int, length: int, by: Calendar) -> int:
    return start + length if leg.clock == "always" else business.add(start, length, by.hours, by.home)


_ORDER = {"warn": 0, "breach": 1, "reassign": 3, "fallback": 3}
"""Of what comes at the same time: what is about whoever had it comes before it is somebody else's."""


def begin(rule: LegRule, at: int, by: Calendar, version: int) -> LegNote:
    """Start a leg: everything that will happen, and when, is worked out now and stays."""
    due = business.after(at, rule.within, by.hours, by.home)
    steps: list[list[object]] = []
    if rule.warn is not None and (early := business.before(due, rule.warn, by.hours, by.home)) > at:
        steps.append([early, "warn", None])
    steps.append([due, "breach", None])
    for follow in rule.then:
        then = due if follow.after is None else business.after(due, follow.after, by.hours, by.home)
        steps.append([then, follow.do, follow.misses])
    steps.sort(key=lambda step: (int(str(step[0])), _ORDER.get(str(step[1]), 2)))
    within = business.spent(at, due, by.hours, by.home, rule.within.clock)
    return LegNote(at, at, due, version, within, steps, clock=rule.within.clock)


def anew(old: LegNote, rule: LegRule, at: int, by: Calendar, version: int) -> LegNote:
    """Start a leg again for somebody else: what was missed and how long it took so far stays known."""
    made = begin(rule, max(at, old.held_at or at), by, version)
    made.started_at, made.elapsed_ms, made.paused_ms = old.started_at, old.elapsed_ms, old.paused_ms
    made.breached_at, made.cause, made.escalated = old.breached_at, old.cause, old.escalated
    made.owner = old.owner if old.breached_at is not None else ""
    return made


def stop(leg: LegNote, at: int, by: Calendar) -> None:
    """Let a leg stand still; what is gone by the calendar of who had it stays gone."""
    if leg.since is None:
        return
    leg.elapsed_ms += _spent(leg, leg.since, at, by)
    leg.since, leg.held_at = None, at


def go_on(leg: LegNote, at: int, before: Calendar, by: Calendar, *, waited: bool = False) -> None:
    """Let a leg go on: what was left of it by the old calendar is left of it by the new one. `waited`: it stood still for the customer."""
    if leg.held_at is None or leg.done_at is not None:
        return
    since = leg.held_at
    at = max(at, since)  # of a yes that is known late: it ran until then
    leg.due_at = _on(leg, at, _spent(leg, since, leg.due_at, before), by) if leg.due_at > since else leg.due_at
    leg.steps = [[_on(leg, at, _spent(leg, since, when, before), by), what, misses] for when, what, misses in leg.steps]
    leg.paused_ms += max(0, at - since) if waited else 0
    leg.quiet_until = leg.quiet_until if waited else None  # who has it now did not ask for quiet
    leg.since, leg.held_at = at, None


def finish(leg: LegNote, at: int, owner: str, by: Calendar) -> None:
    """End a leg that was done at `at`; done before a deadline that it is said to have missed, it missed none."""
    if leg.done_at is not None:
        return
    if leg.since is not None:
        leg.elapsed_ms += _spent(leg, leg.since, at, by)
    leg.elapsed_ms = min(leg.elapsed_ms, max(0, at - leg.started_at))  # what is known late ended earlier than it ran
    leg.since = leg.held_at = None
    leg.done_at, leg.steps = at, []
    if leg.breached_at is not None and at <= leg.breached_at:
        leg.breached_at, leg.cause = None, ""
    elif leg.breached_at is None and at > leg.due_at:
        leg.breached_at = leg.due_at
    leg.owner = leg.owner or owner


def grace(leg: LegNote, now: int, by: Calendar, at_most: int) -> None:
    """Give a leg whose time came late some time from now on: nobody pays for our own outage."""
    first = leg.steps[0][0]
    length = min(at_most, leg.within_ms)
    begin_ = _on(leg, now, length, by)
    if any(what == "breach" for _, what, _ in leg.steps):
        leg.due_at = _on(leg, begin_, _spent(leg, first, leg.due_at, by), by)
    leg.steps = [[_on(leg, begin_, _spent(leg, first, when, by), by), what, misses] for when, what, misses in leg.steps]


def running(note: HandoffNote) -> tuple[Leg, LegNote] | None:
    """Give a hand-off's leg that is under its clock; None where none is."""
    return next(((name, leg) for name in LEGS if (leg := note.legs.get(name)) is not None and leg.since is not None), None)


def cause_of(note: HandoffNote) -> str:
    """Say why whoever has it misses a deadline, as far as the hand-off itself tells: no rule names them, or ''."""
    return NO_RULE if note.offers and note.offers[-1].unruled else ""


def snooze(leg: LegNote, until: int) -> int:
    """Remind nobody before a time, and then; never later than the deadline, and the clock runs on. Gives until when."""
    leg.quiet_until = until = min(until, leg.due_at)
    again = [[until, "warn", None]] if until < leg.due_at else []
    leg.steps = [*again, *(step for step in leg.steps if step[1] != "warn")]
    return until


def next_at(leg: LegNote) -> int | None:
    """Give when something happens to a leg if nothing else does; None while it does not run."""
    if leg.since is None or leg.done_at is not None or not leg.steps:
        return None
    return max(int(leg.steps[0][0]), leg.again_at or 0)

"""What is said of a group at a moment, and when it is looked at next: as Alertmanager does it. Moments are ms; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from sync.playbook.models.alerts import AlertRoute

Say = Literal["open", "more", "repeat", "changed", "quiet", "over"]
"""open: the first word; more: others joined; repeat: still open; changed: some are over, quiet: somebody snoozed it, both shown in place; over: all are."""


@dataclass(frozen=True, slots=True)
class State:
    """A group as it stands."""

    opened_at: int
    """When its first problem came."""
    open: int
    """Its open problems …"""
    new: int = 0
    """… so many of which were not told yet."""
    gone: int = 0
    """Problems that were told, are over, and whose end was not told."""
    last_at: int | None = None
    """When something was said last; None: never."""
    snoozed_until: int | None = None
    snooze_shown: bool = True
    """Whether what was said shows already who keeps it quiet."""


class Verdict(NamedTuple):
    """What to say now, if anything, and when to look again; None: when something changes."""

    say: Say | None
    due: int | None


def judge(route: AlertRoute, state: State, now: int, quiet: int | None) -> Verdict:
    """Say what is due. `quiet`: until when only what wakes is sent, None when it is not quiet."""
    if not state.open and (state.last_at is None or not state.gone):
        return Verdict(None, None)  # nobody was told, so there is nothing to take back
    if route.digest:
        return Verdict(None, None)  # the digest tells it
    snoozed = state.snoozed_until if state.open else None  # that all are over is no reminder
    held = max((until for until in (snoozed, None if route.wakes else quiet) if until and until > now), default=None)
    wanted, at = _wanted(route, state)
    if held is not None and not state.snooze_shown and state.last_at is not None and (snoozed or 0) > now:
        return Verdict("quiet", max(at, held))
    if wanted is None or at > now:
        return Verdict(None, at if wanted is None or held is None else max(at, held))
    if held is not None:
        return Verdict(None, held)
    return Verdict(wanted, now + route.repeat_interval_s * 1000 if state.open else None)


def _wanted(route: AlertRoute, state: State) -> tuple[Say | None, int]:
    """Give what is to be said next if nothing changes, and from when on."""
    if state.last_at is None:
        return "open", state.opened_at + route.group_wait_s * 1000
    soon = state.last_at + route.group_interval_s * 1000
    if not state.open:
        return "over", soon
    if state.new:
        return "more", soon
    if state.gone:
        return "changed", soon
    return "repeat", state.last_at + route.repeat_interval_s * 1000


def sooner(route: AlertRoute, state: State) -> int:
    """Give when a group is to be looked at once something joined it or left it."""
    return _wanted(route, state)[1]

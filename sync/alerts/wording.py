"""What a message about a group says: how many of what, whose, since when, and where to see each. Pure; no personal value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sync.alerts.channel import Action, Level, Link, Message, Role
from sync.alerts.judging import Say
from sync.alerts.reach import Target
from sync.playbook.models import Playbook
from sync.playbook.models.alerts import AlertRoute

SHOWN = 5
_LEADS: Mapping[str, str] = {
    "not_accepted": "not accepted in time", "not_worked": "accepted and not worked in time", "owner_away": "with somebody who is away",
    "inactive_owner": "with somebody who cannot work on them", "fell_back": "that fell to the fallback",
    "unrouted": "that nobody may be given", "no_handoff": "handed to sales without an owner or an open hand-off",
}  # fmt: skip
"""Causes that are about a lead: `3 leads …`."""
_OTHERS: Mapping[str, str] = {
    "write_refused": "refused by {system}", "bad_value": "not readable in {system}", "frozen_field": "left alone because two sides change it in turn",
    "duplicate": "possible duplicates for a person to settle", "held": "held hand-offs of a bulk change", "paused": "paused",
    "message_parked": "messages set aside", "schema": "fields that {system} does not have as the playbook says",
    "unreachable": "{system} cannot be reached", "alerts_failing": "alerts cannot be delivered as they should",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Summary:
    """The open problems of a group in short."""

    open: int
    new: int
    oldest: datetime | None
    owners: tuple[str, ...]
    texts: tuple[tuple[str, int], ...]
    """The texts of the problems, each with how many say it, the most frequent first."""
    gone: int = 0
    now_with: tuple[tuple[str, bool, int], ...] = ()
    """(person, whether it is still whose it was, how many) of hand-offs that were missed."""


def spell(ms: float) -> str:
    """Give a span of time as people say it: 41 min, 3 h 10 min, 2 d 4 h."""
    minutes = max(0, int(ms // 60_000))
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [(days, "d"), (hours, "h"), (rest, "min")] if days == 0 else [(days, "d"), (hours, "h")]
    return " ".join(f"{n} {unit}" for n, unit in parts if n) or "less than a minute"


def _what(cause: str, system: str, count: int) -> str:
    if cause in _LEADS:
        return f"{count:,} lead{'s' * (count != 1)} {_LEADS[cause]}"
    words = _OTHERS.get(cause, cause.replace("_", " ")).format(system=system or "a system")
    return f"{words[:1].upper()}{words[1:]}" + (f" ({count:,})" if count > 1 else "")


def title(labels: Mapping[str, str], names: Sequence[str], say: Say, summary: Summary) -> str:
    """Give the title: what is new about it first, and whose they are if they are one person's."""
    count = summary.gone if say == "over" else summary.open
    what = _what(labels.get("cause", "problem"), labels.get("system", ""), count)
    whose = f": {names[0]}" if len(names) == 1 else f": {len(names)} people" if names else ""
    lead = {"open": "", "more": f"{summary.new:,} more · ", "repeat": "Still · ", "changed": "", "over": "Over · "}[say]
    return f"{lead}{what}{whose}"


def _now_with(playbook: Playbook, summary: Summary) -> list[str]:
    """Say what became of what was missed: who has it by now, and what waits for somebody to do something."""
    moved = [f"{playbook.name_of(person)} has {count:,}" for person, stays, count in summary.now_with if not stays]
    waiting = [f"{count:,} still with {playbook.name_of(person)}" for person, stays, count in summary.now_with if stays]
    return [*([f"Moved on: {', '.join(moved)}."] if moved else []), *([f"Needs somebody: {', '.join(waiting)}."] if waiting else [])]


def message(
    playbook: Playbook,
    route: AlertRoute,
    group: str,
    labels: Mapping[str, str],
    say: Say,
    summary: Summary,
    target: Target,
    link: str,
    now: datetime,
) -> Message:
    """Give what one reader is told about a group."""
    names = [playbook.name_of(one) for one in summary.owners]
    lines: list[str] = []
    if say != "over":
        if summary.oldest is not None:
            lines.append(f"The oldest waits {spell((now - summary.oldest).total_seconds() * 1000)}.")
        lines += [f"{count:,} × {text}" if count > 1 else text for text, count in summary.texts[:SHOWN]]
        told = sum(count for _, count in summary.texts[:SHOWN])
        lines += [f"… and {summary.open - told:,} more"] if summary.open > told else []
        lines += _now_with(playbook, summary)
        lines += [f"{summary.gone:,} of them are over."] if say == "changed" and summary.gone else []
        answers = playbook.reps.get(route.accountable)
        lines.append(f"{answers.name if answers else route.accountable} answers for it.")
    level: Level = "good" if say == "over" else "urgent" if route.wakes else "trouble"
    asks = say != "over" and target.role != "owner"  # who let it run out does not silence it for their manager
    actions = (Action("snooze", "Snooze 1 h", group),) if asks else ()
    if labels.get("cause") in _LEADS and asks:
        actions = (Action("assign", "Assign…", group), *actions)
    links = (Link(f"See all {summary.open:,}" if summary.open > 1 else "See it", link),) if link and say != "over" else ()
    role: Role = target.role
    return Message(
        title(labels, names, say, summary),
        tuple(lines),
        links,
        actions,
        level,
        reader=role,
        to=target.to,
        person=target.person,
        thread=group,
    )

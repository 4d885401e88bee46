"""What a message about a group says: how many of what, whose, since when, of which companies, and where to see each. Pure; no personal value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sync.alerts.channel import Action, Level, Link, Message, Role
from sync.alerts.judging import Say
from sync.alerts.reach import Target
from sync.lead import hours
from sync.lead.legible import plain
from sync.lead.state import to_ms
from sync.playbook.models import Playbook
from sync.playbook.models.alerts import AlertRoute

SHOWN = 5
NAMED = 3
"""So many companies are named."""
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
    "vanished": "{system} shows far fewer records than are known", "erased_elsewhere": "erased elsewhere and still in {system}",
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
    companies: tuple[tuple[str, int], ...] = ()
    """The first companies that the leads are of, each with how many. Every reader may see them: a room of many sees company and owner."""
    quiet: tuple[int, str] | None = None
    """(until when, who wanted it so) of a group that was snoozed just now."""


def spell(ms: float) -> str:
    """Give a span of time as people say it: 41 min, 3 h 10 min, 2 d 4 h."""
    minutes = max(0, int(ms // 60_000))
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [(days, "d"), (hours, "h"), (rest, "min")] if days == 0 else [(days, "d"), (hours, "h")]
    return " ".join(f"{n} {unit}" for n, unit in parts if n) or "less than a minute"


def of_leads(labels: Mapping[str, str]) -> bool:
    """Say whether a group is of leads, whose companies can be named."""
    return labels.get("cause") in _LEADS


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
    lead = {"more": f"{summary.new:,} more · ", "repeat": "Still · ", "over": "Over · "}.get(say, "")
    return f"{lead}{what}{whose}"


def _now_with(playbook: Playbook, summary: Summary) -> list[str]:
    """Say what became of what was missed: who has it by now, and what waits for somebody to do something."""
    moved = [f"{playbook.name_of(person)} has {count:,}" for person, stays, count in summary.now_with if not stays]
    waiting = [f"{count:,} still with {playbook.name_of(person)}" for person, stays, count in summary.now_with if stays]
    return [*([f"Moved on: {', '.join(moved)}."] if moved else []), *([f"Needs somebody: {', '.join(waiting)}."] if waiting else [])]


def _companies(summary: Summary) -> list[str]:
    """Name the first companies, and how many leads there are besides."""
    if not summary.companies:
        return []
    named = [f"{plain(name, 60)} ({count:,})" if count > 1 else plain(name, 60) for name, count in summary.companies]
    more = summary.open - sum(count for _, count in summary.companies)
    listed = f"{', '.join(named)} and {more:,} more" if more > 0 else " and ".join(one for one in (", ".join(named[:-1]), named[-1]) if one)
    return [f"From {listed}."]


def _quiet(playbook: Playbook, summary: Summary, target: Target, now: int) -> list[str]:
    """Say until when nothing more is said, and who wanted it so, by the reader's clock."""
    if summary.quiet is None:
        return []
    (until, by), rep = summary.quiet, playbook.reps.get(target.person or "")
    zone = (rep.hours.timezone if rep is not None else "") or playbook.alerts.timezone or playbook.timezone
    return [
        f"Quiet until {hours.moment(until, now, zone)}{f' (by {playbook.name_of(by)})' if by else ''}. What is open then is told again."
    ]


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
            since = spell((now - summary.oldest).total_seconds() * 1000)
            lines.append(f"{'The oldest is open' if summary.open > 1 else 'Open'} for {since}.")
        lines += _companies(summary)
        lines += [f"{count:,} × {text}" if count > 1 else text for text, count in summary.texts[:SHOWN]]
        told = sum(count for _, count in summary.texts[:SHOWN])
        lines += [f"… and {summary.open - told:,} more"] if summary.open > told else []
        lines += _now_with(playbook, summary)
        lines += [f"{summary.gone:,} of them are over."] if say == "changed" and summary.gone else []
        answers = playbook.reps.get(route.accountable)
        lines.append(f"{answers.name if answers else route.accountable} answers for it.")
        lines += _quiet(playbook, summary, target, to_ms(now))
    level: Level = "good" if say == "over" else "urgent" if route.wakes else "trouble"
    asks = say != "over" and target.role != "owner"  # who let it run out does not silence it for their manager
    actions = (Action("snooze", "Snooze 1 h", group),) if asks else ()
    if of_leads(labels) and asks:
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

"""What the calendar makes of a playbook: pools that nobody is left in on a day, cover by somebody who is away, rules and rows whose days are over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta

from sync.playbook import forms
from sync.playbook.build import team as build
from sync.playbook.build.files import Files
from sync.playbook.document import Path
from sync.playbook.models import Rep, Table
from sync.playbook.models.calendar import public_holidays

TEAM, ROUTING = "team.yaml", "routing.yaml"
AHEAD = 60
"""So many days ahead are looked at."""
FAR = 180
"""A rule that begins later than in so many days is worth a look: it may be the wrong year."""
_NAMES = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def run(files: Files, today: date) -> None:
    """Warn of what the coming days make of the team, the routes and the tables."""
    if files.team:
        reps = build.reps(files, files.team)
        for name in files.team.pools:
            _pool(files, files.team, name, reps, today)
        for email in files.team.reps:
            _cover(files, files.team, email, today)
    if files.routing:
        for path, route in forms.walk(files.routing.routes):
            _route(files, path, route, today)
    for table in files.read.values():
        _table(files, table, today)


def said(day: date) -> str:
    """Give a day as people say it: Fri 25 Dec 2026."""
    return f"{_NAMES[day.weekday()]} {day.day} {_MONTHS[day.month - 1]} {day.year}"


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _why(rep: Rep, day: date, reps: Mapping[str, Rep]) -> str | None:
    """Say why somebody is given nothing on a day; None: they or who covers are there, or it is no working day of theirs anyway."""
    own = _gone(rep, day)
    names = [one.cover for one in rep.away if one.first <= day.isoformat() <= one.last] if own == "away" else []
    covers = [reps[name] for name in names if name is not None and name in reps]
    return None if any(cover is not rep and _gone(cover, day) is None for cover in covers) else own


def _gone(rep: Rep, day: date) -> str | None:
    if any(one.first <= day.isoformat() <= one.last for one in rep.away):
        return "away"
    return public_holidays(rep.hours.calendar, day.year).get(day) if rep.hours.calendar else None


def _pool(files: Files, team: forms.TeamFile, name: str, reps: Mapping[str, Rep], today: date) -> None:
    members = [reps[one.rep] for one in forms.members(team.pool(name)) if one.rep in reps]
    stretches = list(_empty(members, today, reps))
    if not stretches:
        return
    days = ", ".join(f"{_when(first, last)} ({_reasons(members, reasons)})" for first, last, reasons in stretches)
    text = f"nobody of {name} ({', '.join(rep.name for rep in members)}) is there {days}"
    holiday = all("away" not in reasons for _, _, reasons in stretches)
    hint = "somebody with another calendar" if holiday else "somebody, or name a cover"
    files.problem(TEAM, ("pools", name), text, f"leads of these days go to the fallback: add {hint}", key=True, warning=True)


def _when(first: date, last: date) -> str:
    return f"on {said(first)}" if first == last else f"from {said(first)} to {said(last)}"


def _reasons(members: list[Rep], reasons: tuple[str, ...]) -> str:
    if len(set(reasons)) == 1:
        return reasons[0] if len(reasons) == 1 else f"all {reasons[0]}" if reasons[0] == "away" else reasons[0]
    return ", ".join(f"{rep.name}: {why}" for rep, why in zip(members, reasons, strict=True))


def _empty(members: list[Rep], today: date, reps: Mapping[str, Rep]) -> Iterator[tuple[date, date, tuple[str, ...]]]:
    """Give the stretches of days on which nobody is left, each with why, in the order of the members."""
    stretch: tuple[date, date, tuple[str, ...]] | None = None
    for day in (today + timedelta(days=number) for number in range(AHEAD + 1)):
        works = not all(rep.hours.days and day.isoweekday() not in rep.hours.days for rep in members)
        reasons = [_why(rep, day, reps) for rep in members] if members and works else [None]
        found = tuple(why for why in reasons if why is not None)
        if len(found) < len(reasons):
            if stretch is not None and works:
                yield stretch
                stretch = None
        elif stretch is not None and stretch[2] == found:
            stretch = (stretch[0], day, found)
        else:
            if stretch is not None:
                yield stretch
            stretch = (day, day, found)
    if stretch is not None:
        yield stretch


def _cover(files: Files, team: forms.TeamFile, email: str, today: date) -> None:
    """Warn of cover by somebody who is away at that time; who covers for the cover is not asked either."""
    for index, away in enumerate(team.reps[email].away):
        cover = team.reps.get(away.cover or "")
        if cover is None or away.cover == email or away.to < today.isoformat():
            continue
        for other in cover.away:
            first, last = _day(max(away.from_, other.from_)), _day(min(away.to, other.to))
            if first and last and first <= last:
                when = _when(first, last)
                text = f"{cover.name}, who covers for {team.reps[email].name}, is away too {when}"
                path: Path = ("reps", email, "away", index, "cover")
                files.problem(TEAM, path, text, "name somebody who is there; until then the next of the pool has the lead", warning=True)
                break


def _route(files: Files, path: Path, route: forms.RouteForm, today: date) -> None:
    last, first = _day(route.until or ""), _day(route.from_ or "")
    if last and last < today:
        text = f"{route.id} has taken no lead since {said(last)}: its days are over"
        files.problem(ROUTING, (*path, "until"), text, "delete the route, or give it new days", warning=True)
    elif first and (first - today).days > FAR:
        text = f"{route.id} takes its first lead on {said(first)}, in {(first - today).days} days"
        files.problem(ROUTING, (*path, "from"), text, "is this the year that you mean?", warning=True)


def _table(files: Files, table: Table, today: date) -> None:
    """Warn of a table of which no row counts any more."""
    ends = [table.days(number)[1] for number in range(len(table.rows))] if table.dated else []
    if ends and all(ends) and max(ends) < today.isoformat():
        newest = _day(max(ends))
        text = f"every row is over: the last one counted until {said(newest)}" if newest else "every row is over"
        files.documents[table.where.file].problem(
            (), text, "add rows for the coming time, or delete the table and what asks it", warning=True
        )

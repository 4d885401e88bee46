"""Whether the times of team.yaml can be: zones, hours, calendars, absences and their cover, the first weeks of a new hire."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from sync.playbook import forms
from sync.playbook.build.files import Files
from sync.playbook.build.team import FILE, numbers, span
from sync.playbook.checks.people import person
from sync.playbook.document import Path
from sync.playbook.problems import did_you_mean


def zone(files: Files, path: Path, name: str) -> None:
    """Note a time zone that does not exist."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        files.problem(FILE, path, f"unknown time zone {name}", did_you_mean(name, available_timezones(), list_up_to=0))


@lru_cache(maxsize=1)
def _calendars() -> frozenset[str]:
    from holidays.registry import EntityLoader  # takes a while; only who names a calendar pays

    return frozenset(EntityLoader.get_country_codes())


def _parts(country: str) -> list[str]:
    import holidays

    return list(getattr(holidays, country).subdivisions)


def calendar(files: Files, path: Path, name: str) -> None:
    """Note a calendar that does not exist."""
    if name == "none":
        return
    country, _, part = name.partition("-")
    known = _calendars()
    if country not in known:
        files.problem(
            FILE, path, f"there is no calendar of {country}", did_you_mean(country, known, list_up_to=0) or "write two letters, as DE"
        )
    elif part and part not in (there := _parts(country)):
        parts = ", ".join(there[:20])
        hint = f"{country} has {parts}" if parts else f"write {country}"
        files.problem(FILE, path, f"there is no calendar of {part} in {country}", hint)


def hours(files: Files, path: Path, form: forms.Hours) -> None:
    """Note spans that end before they begin, or that overlap."""
    taken: dict[int, list[tuple[str, str]]] = {}
    for name, given in form.items():
        listed = not isinstance(given, str)
        for index, text in enumerate([given] if isinstance(given, str) else given):
            place = (*path, name, index) if listed else (*path, name)
            start, end = span(text)
            if start >= end:
                hint = "the earlier time comes first; past midnight it is two spans: 22:00-24:00, and 00:00-06:00 of the next day"
                files.problem(FILE, place, f"{end} is not after {start}", hint)
                continue
            days = numbers(name)
            other = next((one for day in days for one in taken.get(day, ()) if one[0] < end and start < one[1]), None)
            if other is not None:
                files.problem(FILE, place, f"{text} overlaps {other[0]}-{other[1]}", "let one begin where the other ends")
            for day in days:
                taken.setdefault(day, []).append((start, end))


def day(files: Files, path: Path, text: str, file: str = FILE) -> date | None:
    """Give a day, noting one that there is not."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        files.problem(file, path, f"there is no day {text}")
        return None


def absences(files: Files, team: forms.TeamFile, email: str) -> None:
    """Note absences that end before they begin, and cover that nobody can give."""
    for index, away in enumerate(team.reps[email].away):
        path: Path = ("reps", email, "away", index)
        first, last = day(files, (*path, "from"), away.from_), day(files, (*path, "to"), away.to)
        if first and last and first > last:
            files.problem(FILE, (*path, "to"), f"{away.to} is before {away.from_}", "the first day comes first; both are included")
        person(files, FILE, (*path, "cover"), away.cover)
        if away.cover == email:
            files.problem(FILE, (*path, "cover"), "nobody covers for themselves", "name somebody else, or delete cover")
        elif away.cover and (others := _circle(team, email, away)):
            said = f"cover goes in a circle while all are away: {' → '.join(team.reps[one].name for one in others)}"
            files.problem(FILE, (*path, "cover"), said, "name somebody who is there")


def _circle(team: forms.TeamFile, email: str, away: forms.AwayForm) -> list[str]:
    """Give who covers whom in a circle on one of these days; empty where the circle does not close."""
    seen, first, last, now = [email], away.from_, away.to, away.cover
    while now is not None and now in team.reps:
        if now in seen:
            return [*seen, now] if now == email else []
        seen.append(now)
        away_too = next((one for one in team.reps[now].away if one.cover and one.from_ <= last and first <= one.to), None)
        if away_too is None:
            return []
        first, last, now = max(first, away_too.from_), min(last, away_too.to), away_too.cover
    return []


def ramp(files: Files, path: Path, form: forms.RampForm) -> None:
    """Note a first day that there is not."""
    day(files, (*path, "since"), form.since)

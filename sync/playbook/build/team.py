"""From team.yaml to people and pools as the core sees them."""

from __future__ import annotations

from sync.playbook import forms
from sync.playbook.build.files import Files
from sync.playbook.models import Absence, Caps, Hours, Pool, Ramp, Rep, Span

FILE = "team.yaml"


def reps(files: Files, form: forms.TeamFile) -> dict[str, Rep]:
    """Build the people, by e-mail."""
    return {email: _rep(files, form, email, one) for email, one in form.reps.items()}


def _rep(files: Files, team: forms.TeamFile, email: str, form: forms.RepForm) -> Rep:
    return Rep(
        email,
        form.name,
        files.where(FILE, ("reps", email), key=True),
        form.manager,
        tuple(Absence(one.from_, one.to, one.cover) for one in form.away),
        deputy=form.deputy,
        role=form.role,
        reach=dict(form.reach),
        hours=hours(team, form),
        caps=caps(form.caps),
        ramp=None if form.ramp is None else Ramp(form.ramp.since, form.ramp.weeks, form.ramp.share),
        skills=frozenset(form.skills),
        languages=frozenset(form.languages),
    )


def hours(team: forms.TeamFile, rep: forms.RepForm) -> Hours:
    """Give when somebody works: what they say themselves, else what the team says."""
    calendar = team.calendar if rep.calendar is None else rep.calendar
    return Hours(week(team.hours if rep.hours is None else rep.hours), rep.timezone or "", "" if calendar == "none" else calendar)


def week(form: forms.Hours) -> dict[int, tuple[Span, ...]]:
    """Give the spans of each ISO weekday that has some, in order."""
    days: dict[int, list[Span]] = {}
    for name, given in form.items():
        spans = [span(one) for one in ([given] if isinstance(given, str) else given)]
        for number in numbers(name):
            days.setdefault(number, []).extend(spans)
    return {number: tuple(sorted(spans)) for number, spans in sorted(days.items()) if spans}


def numbers(name: str) -> list[int]:
    """Give the ISO weekdays of `mon` or `mon-fri`; a range that ends before it begins goes over Sunday."""
    first, _, last = name.partition("-")
    start, end = forms.DAYS.index(first), forms.DAYS.index(last or first)
    return [(start + step) % 7 + 1 for step in range((end - start) % 7 + 1)]


def span(text: str) -> Span:
    """Give the two ends of `9:00-17:30`, each as HH:MM."""
    start, _, end = text.partition("-")
    return start.zfill(5), end.zfill(5)


def caps(form: forms.CapsForm) -> Caps:
    """Build caps."""
    return Caps(form.day, form.week, (form.window.days, form.window.leads) if form.window else None, form.open)


def pools(files: Files, form: forms.TeamFile) -> dict[str, Pool]:
    """Build the pools."""
    return {name: _pool(files, name, form.pool(name)) for name in form.pools}


def _pool(files: Files, name: str, form: forms.PoolForm) -> Pool:
    given = forms.members(form)
    return Pool(
        name,
        tuple(one.rep for one in given),
        files.where(FILE, ("pools", name), key=True),
        {one.rep: one.weight for one in given if one.weight != 1},
        form.by,
        caps(form.each),
        caps(form.total),
    )

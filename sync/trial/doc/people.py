"""Pools with who is in them and who is away today, and the people of the team with how to reach them."""

from __future__ import annotations

from collections.abc import Iterator

from sync.playbook.models import Absence, Playbook, Pool, Rep
from sync.playbook.models.goals import number
from sync.trial.doc.routing import BY
from sync.trial.doc.tree import Paragraph, Section, Strong, Words, grid
from sync.trial.doc.wording import Naming, caps, count, day, hours, several, share

_MEMBER = ("Who", "Weight", "At most", "Works", "Today")
_CONTACT = ("Who", "E-mail", "Role", "Manager", "Deputy", "Reached by", "Languages", "Skills", "Works", "At most", "Ramp", "Absences")
REACH = "Numbers and addresses are left out: `truce playbook doc --reach` prints them for those who may see them."


def pools(playbook: Playbook, naming: Naming, today: str) -> Section:
    """Tell each pool: how it shares out, and who is there today."""
    return Section("Pools", (), tuple(_pool(one, playbook, naming, today) for one in playbook.pools.values()))


def _pool(pool: Pool, playbook: Playbook, naming: Naming, today: str) -> Section:
    total = caps(pool.total)
    how = f"Shares out {BY[pool.by]}." if "whoever" not in BY[pool.by] else f"Goes to {BY[pool.by]}."
    said = f"{how}{f' The pool as a whole gets at most {total}.' if total else ''}"
    rows = [_member(playbook.reps[email], pool, naming, today, playbook.timezone) for email in pool.members if email in playbook.reps]
    return Section(f"Pool {pool.name}", (Paragraph((said,)), *grid(f"Members of {pool.name}", _MEMBER, rows)))


def _member(rep: Rep, pool: Pool, naming: Naming, today: str, zone: str) -> tuple[Words, ...]:
    weight = number(pool.weights.get(rep.email, 1)) if pool.weights else ""
    most = "; ".join(filter(None, (caps(rep.caps), f"{each} from this pool" if (each := caps(pool.caps)) else "")))
    off = absent(rep, today)
    there = f"away until {day(off.last)}{_cover(off, naming)}" if off else "there"
    return ((Strong(naming.person(rep.email)),), *_cells(weight, most, hours(rep.hours, zone), there))


def _cells(*texts: str) -> tuple[Words, ...]:
    return tuple((text,) if text else () for text in texts)


def absent(rep: Rep, today: str) -> Absence | None:
    """Give the absence in which a person is on a day (ISO), None when they are there."""
    return next((one for one in rep.away if one.first <= today <= one.last), None)


def _cover(off: Absence, naming: Naming) -> str:
    return f", {naming.person(off.cover)} covers" if off.cover else ""


def contacts(playbook: Playbook, naming: Naming, *, reach: bool) -> Section:
    """Tell who is who; numbers and addresses of channels are personal, and stand only where they are asked for."""
    rows = [_contact(one, playbook, naming, reach=reach) for one in playbook.reps.values()]
    note = () if reach or not any(one.reach for one in playbook.reps.values()) else (Paragraph((REACH.replace("`", ""),)),)
    return Section("Contacts", (*note, *grid("The team", _CONTACT, rows)))


def _contact(rep: Rep, playbook: Playbook, naming: Naming, *, reach: bool) -> tuple[Words, ...]:
    reached = ", ".join(f"{name} {address}" if reach else name for name, address in rep.reach.items())
    ramp = (
        f"from {day(rep.ramp.since)} on {share(rep.ramp.share)} of the turns, all after {count(rep.ramp.weeks, 'week')}" if rep.ramp else ""
    )
    texts = (
        rep.email, rep.role, naming.person(rep.manager) if rep.manager else "", naming.person(rep.deputy) if rep.deputy else "", reached,
        several(sorted(rep.languages)), several(sorted(rep.skills)), hours(rep.hours, playbook.timezone), caps(rep.caps), ramp,
        "; ".join(_absences(rep, naming)),
    )  # fmt: skip
    return ((Strong(rep.name),), *_cells(*texts))


def _absences(rep: Rep, naming: Naming) -> Iterator[str]:
    for one in rep.away:
        days = day(one.first) if one.first == one.last else f"{day(one.first)} to {day(one.last)}"
        yield f"{days}{_cover(one, naming)}"

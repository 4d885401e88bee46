"""How people work over a week, as far as team.yaml says so: the lengths of their days, and the stretches in which they are off."""

from __future__ import annotations

from sync.playbook.build import team
from sync.playbook.build.files import Files
from sync.playbook.models import Hours, Rep

DAY = 1440
WEEK = 7 * DAY
_NAMES = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
Stretch = tuple[int, int]
"""From, to, in minutes since Monday 0:00."""


def people(files: Files) -> dict[str, Rep]:
    """Give the people of team.yaml, by e-mail."""
    return team.reps(files, files.team) if files.team else {}


def lengths(files: Files) -> tuple[int, ...]:
    """Give the lengths, in minutes, of the days that somebody of the team works, shortest first; a whole day where nobody has hours."""
    found = {length for rep in people(files).values() for length in days(rep.hours)}
    return tuple(sorted(found)) or (DAY,)


def days(hours: Hours) -> list[int]:
    """Give the length of each day that is worked, Monday first."""
    return [sum(end - start for start, end in _day(hours, number)) for number in sorted(hours.days)]


def _minutes(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])


def _day(hours: Hours, number: int) -> list[Stretch]:
    """Give the stretches that begin on an ISO weekday; one that ends before it begins goes on past midnight."""
    spans = [(_minutes(start), _minutes(end)) for start, end in hours.days.get(number, ())]
    return [(start, end if end > start else end + DAY) for start, end in spans]


def off(hours: Hours) -> list[Stretch]:
    """Give the stretches of a week in which somebody does not work; the last one may go on into the next Monday. Empty: never off."""
    worked = sorted((DAY * (number - 1) + start, DAY * (number - 1) + end) for number in hours.days for start, end in _day(hours, number))
    found: list[Stretch] = []
    for index, (_, end) in enumerate(worked):
        until = max(one[1] for one in worked[: index + 1])
        following = worked[index + 1][0] if index + 1 < len(worked) else worked[0][0] + WEEK
        if end == until and following > end:
            found.append((end, following))
    return found


def moment(minute: int) -> str:
    """Give a minute of the week as people say it: Fri 17:30."""
    day, rest = divmod(minute % WEEK, DAY)
    return f"{_NAMES[day]} {rest // 60:02}:{rest % 60:02}"


def length(minutes: int) -> str:
    """Give a length of time as people say it: 15 h 30 min."""
    hours, rest = divmod(minutes, 60)
    return " ".join(part for part in (f"{hours} h" if hours else "", f"{rest} min" if rest or not hours else "") if part)

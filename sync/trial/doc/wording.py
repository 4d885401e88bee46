"""How the document calls people, values, times and shares."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date

from sync.playbook.models import Caps, Hours, Playbook, Span, Within
from sync.playbook.models.goals import number
from sync.trial.doc.tree import Strong, Words

UNITS = {"s": "second", "m": "minute", "h": "hour", "d": "day"}
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
TITLES = {"mql": "MQL", "sal": "SAL", "sql": "SQL"}
SHORT = {"email": "e-mail", "mql": "MQL", "sal": "SAL", "sql": "SQL", "url": "URL", "id": "id", "crm": "CRM"}
_SPECIAL = {
    "created_at": "the day it was first seen",
    "cycle": "number of hand-offs",
    "email_domain": "e-mail domain",
    "open_opportunities": "number of open opportunities",
    "won_opportunities": "number of won opportunities",
}
_SCOPES = {"account": "the account’s", "opportunity": "the opportunity’s"}


class Naming:
    """Calls people by their names; by their e-mail too where two have one name."""

    def __init__(self, playbook: Playbook) -> None:
        """Take the team."""
        self._reps = playbook.reps
        self._twice = {name for name, count in Counter(rep.name for rep in playbook.reps.values()).items() if count > 1}

    def person(self, email: str | None) -> str:
        """Give a person's name."""
        rep = self._reps.get(email or "")
        if rep is None:
            return email or "nobody"
        return f"{rep.name} ({rep.email})" if rep.name in self._twice else rep.name

    def people(self, emails: Iterable[str], last: str = "and") -> str:
        """Give several names."""
        return several([self.person(email) for email in emails], last)


def several(texts: Iterable[str], last: str = "and") -> str:
    """Give `a, b and c`."""
    found = list(texts)
    return found[0] if len(found) == 1 else f"{', '.join(found[:-1])} {last} {found[-1]}" if found else ""


def count(amount: float, one: str, many: str = "") -> str:
    """Give `1 day` and `3 days`."""
    return f"{number(amount)} {one if amount == 1 else many or f'{one}s'}"


def stage(name: str) -> str:
    """Give a stage as people call it."""
    return TITLES.get(name, name)


def value_name(name: str) -> str:
    """Give a value as people call it: `email_domain` is e-mail domain, `account.industry` the account's industry."""
    scope, _, bare = name.rpartition(".")
    said = _SPECIAL.get(bare) or " ".join(SHORT.get(word, word) for word in bare.split("_"))
    return f"{_SCOPES[scope]} {said}" if scope in _SCOPES else said


def span(seconds: float) -> str:
    """Give a length of time in its largest whole unit: `14 days`."""
    for size, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size and seconds % size == 0:
            return count(seconds // size, name)
    return count(seconds, "second")


def within(time: Within) -> str:
    """Give a deadline's length: `4 working hours`, `2 days`."""
    unit = UNITS[time.unit]
    return count(time.amount, f"working {unit}" if time.clock == "business" else unit)


def share(part: float) -> str:
    """Give a share as people write it: 95 %."""
    return f"{part * 100:.15g} %"


def points(amount: float) -> str:
    """Give points with their sign."""
    return f"{amount:+g}".replace("-", "−")


def day(iso: str) -> str:
    """Give an ISO day as people write it: 2 Jan 2027."""
    try:
        found = date.fromisoformat(iso)
    except ValueError:
        return iso
    return f"{found.day} {found:%b %Y}"


def between(first: str, last: str) -> str:
    """Say on which days something counts."""
    if first and last:
        return f"from {day(first)} until {day(last)}"
    return f"from {day(first)} on" if first else f"until {day(last)}" if last else ""


def caps(limits: Caps) -> str:
    """Say how much somebody may be given; empty: any."""
    said = [
        f"{number(limits.day)} a day" if limits.day is not None else "",
        f"{number(limits.week)} a week" if limits.week is not None else "",
    ]
    if limits.window is not None:
        said.append(f"{number(limits.window[1])} in any {count(limits.window[0], 'day')}")
    said.append(f"{number(limits.open)} open at one time" if limits.open is not None else "")
    return several(filter(None, said))


def hours(when: Hours, zone: str = "") -> str:
    """Say when somebody works; empty: at any time."""
    runs: list[tuple[int, int, tuple[Span, ...]]] = []
    for number_, spans in sorted(when.days.items()):
        if runs and runs[-1][1] == number_ - 1 and runs[-1][2] == spans:
            runs[-1] = (runs[-1][0], number_, spans)
        else:
            runs.append((number_, number_, spans))
    said = [f"{weekdays(first, last)} {several(f'{a}–{b}' for a, b in spans)}" for first, last, spans in runs if spans]
    zoned = when.timezone or zone
    more = [f"{zoned} time" if said and zoned else "", f"without the public holidays of {when.calendar}" if when.calendar else ""]
    return ", ".join([*said, *filter(None, more)])


def weekdays(first: int, last: int) -> str:
    """Give ISO weekdays as `Mon–Fri`."""
    return DAYS[first - 1] if first == last else f"{DAYS[first - 1]}–{DAYS[last - 1]}"


def titled(name: str, text: str = "") -> Words:
    """Give a name that a line is about, with what is said of it."""
    return (Strong(name), f": {text}") if text else (Strong(name),)


def mapped(values: Mapping[str, str]) -> str:
    """Give pairs: `mql = MQL`."""
    return ", ".join(f"{name} = {value}" for name, value in values.items())

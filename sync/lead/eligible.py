"""Who may be given a lead at this moment, and why somebody may not: never who is unknown, inactive, away or full. Times are ms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from sync.lead import caps, hours, presence
from sync.lead.basis import UNCAPPED
from sync.lead.caps import Given, Quarters
from sync.lead.decision import VendorUser
from sync.lead.index import index
from sync.lead.turns import PoolState
from sync.playbook.models import Absence, Playbook, Pool, Rep, Value, queue_of

NOBODY: frozenset[str] = frozenset()


class Strict(NamedTuple):
    """What is still asked for: as long as nobody is found, less."""

    holidays: bool = True
    """Who keeps a holiday today is passed over."""
    refusals: bool = True
    """Who had this lead before, and did not keep it, is passed over."""


INACTIVE = "is inactive in"
HAD = "had this lead before"
"""They said no, or it was taken from them: whoever did not answer said nothing."""
ROUNDS = (Strict(), Strict(holidays=False), Strict(holidays=False, refusals=False))
"""A lead that comes on a holiday of everybody is given to somebody all the same; one whom all have refused, to the last resort."""


class Stand(NamedTuple):
    """Somebody who may be given the lead: themselves, or as cover of an absent one."""

    owner: str
    covers: str | None = None


@dataclass(frozen=True, slots=True)
class Team:
    """Everybody as they stand at this moment, towards one lead."""

    playbook: Playbook
    users: Mapping[str, Mapping[str, VendorUser]]
    now: int
    pools: Mapping[str, PoolState] = field(default_factory=dict)
    given: Given = field(default_factory=dict)
    """What was given lately, by person and by pool."""
    open: Mapping[str, int] = field(default_factory=dict)
    """Person → open leads, this one left out."""
    had: tuple[str, ...] = ()
    """Who had this lead before, newest last."""
    said_no: frozenset[str] = NOBODY

    def week(self) -> str:
        """Give the first day of the company's week."""
        return hours.week(self.now, self.playbook.timezone, self._first)

    @property
    def _first(self) -> int:
        """The ISO weekday on which the company's week begins (goals.yaml)."""
        return self.playbook.goals.week_starts

    def zone(self, rep: Rep) -> str:
        """Give somebody's own zone."""
        return rep.hours.timezone or self.playbook.timezone

    def today(self, rep: Rep) -> str:
        """Give the day that it is for somebody."""
        return hours.day(self.now, self.zone(rep))

    def works(self, email: str) -> bool:
        """Say whether it is within somebody's hours."""
        rep = self.playbook.reps.get(email)
        return rep is not None and hours.working(rep.hours, self.now, self.playbook.timezone)

    def absence(self, email: str) -> Absence | None:
        """Give the absence that somebody is on."""
        rep = self.playbook.reps.get(email)
        return presence.on_leave(rep, self.now, self.playbook.timezone) if rep is not None else None

    def obstacle(self, email: str, strict: Strict = ROUNDS[-1]) -> str | None:
        """Say why a person may not be given the lead; None when they may."""
        rep = self.playbook.reps.get(email)
        if rep is None:
            return "is a queue" if queue_of(email) is not None else "is not in team.yaml"
        away = self.absence(email)
        if away is not None:
            return presence.told(away, self.zone(rep))
        if strict.holidays and rep.hours.calendar and (name := hours.holiday(rep.hours.calendar, self.today(rep))):
            return f"holiday: {name}"
        if strict.refusals and email in self.said_no:
            return HAD
        return self._unknown(email) or self.full(rep)

    def _unknown(self, email: str) -> str | None:
        for name in self.playbook.sales:
            known = _by_email(self.users.get(name, {})).get(email.lower())
            if known is None:
                return f"has no user in {name}"
            if not known:
                return f"{INACTIVE} {name}"
        return None

    def gone(self, email: str) -> str | None:
        """Say why somebody is there no more: not on the team, or shut out of the CRM. Whom the CRM does not know yet may still come."""
        if email not in self.playbook.reps:
            return "is not in team.yaml"
        found = self._unknown(email)
        return found if found is not None and found.startswith(INACTIVE) else None

    def full(self, rep: Rep) -> str | None:
        """Say which of their own caps one more would break."""
        if rep.caps == UNCAPPED:
            return None
        return caps.full(rep.caps, self._of(rep.email, rep.email), self.open.get(rep.email, 0), self.now, self.zone(rep), self._first)

    def full_in(self, pool: Pool, email: str) -> str | None:
        """Say which cap that a pool sets each of its members one more would break."""
        rep = self.playbook.reps.get(email)
        if pool.caps == UNCAPPED or rep is None:
            return None
        said = caps.full(pool.caps, self._of(pool.name, email), self.open.get(email, 0), self.now, self.zone(rep), self._first)
        return said and f"{said} from {pool.name}"

    def pool_full(self, pool: Pool) -> str | None:
        """Say which cap of the pool as a whole one more would break."""
        if pool.total == UNCAPPED:
            return None
        open_ = sum(self.open.get(member, 0) for member in pool.members)
        said = caps.full(pool.total, self.given.get(pool.name, {}).values(), open_, self.now, self.playbook.timezone, self._first)
        return said and f"{said} for the whole pool"

    def capped(self, pool: Pool) -> bool:
        """Say whether anything is capped of a pool, its members or those who may cover them."""
        reps = self.playbook.reps
        members = [rep for member in pool.members if (rep := reps.get(member))]
        covers = [rep for member in members for one in member.away if one.cover and (rep := reps.get(one.cover))]
        return any(caps != UNCAPPED for caps in (pool.caps, pool.total, *(rep.caps for rep in (*members, *covers))))

    def this_minute(self) -> dict[object, object]:
        """Give where to keep what hangs on the playbook, the users and this minute alone: no day, hour or absence changes within it."""
        kept, minute = index(self.playbook).kept, self.now // hours.MINUTE_MS
        held = kept.get("minute")
        if not isinstance(held, _Minute) or held.minute != minute or held.users is not self.users:
            held = kept["minute"] = _Minute(minute, self.users)
        return held.known

    def _of(self, name: str, email: str) -> Iterable[Quarters]:
        mine = self.given.get(name, {}).get(email)
        return () if mine is None else (mine,)

    def stand(self, email: str, strict: Strict) -> tuple[Stand | None, str]:
        """Give who would get what is somebody's: they themselves, or while they are away who covers them; else why nobody does."""
        why = self.obstacle(email, strict)
        if why is None:
            return Stand(email), ""
        away = self.absence(email)
        cover = away.cover if away is not None else None
        if cover is None or cover == email:
            return None, why
        hindered = self.obstacle(cover, strict)
        if hindered is None:
            return Stand(cover, email), ""
        return None, f"{why}; {self.name(cover)}, who covers, {hindered}"

    def name(self, email: str) -> str:
        """Give somebody's name."""
        return self.playbook.name_of(email)

    def misfit(self, email: str, skills: Iterable[str], language: Value) -> str | None:
        """Say what somebody cannot do that the lead asks for."""
        rep = self.playbook.reps.get(email)
        if rep is None:
            return "is not in team.yaml"
        missing = [skill for skill in skills if skill not in rep.skills]
        if missing:
            return f"has no skill {', '.join(missing)}"
        spoken = str(language or "").strip().lower()
        return f"does not speak {spoken}" if spoken and spoken not in rep.languages else None

    def ramp(self, email: str) -> float:
        """Give the share of the weight that somebody has by now: it grows day by day over the weeks of their ramp."""
        rep = self.playbook.reps.get(email)
        if rep is None or rep.ramp is None:
            return 1.0
        passed = (date.fromisoformat(self.today(rep)) - date.fromisoformat(rep.ramp.since)).days
        part = min(1.0, max(0.0, passed / (7 * rep.ramp.weeks))) if rep.ramp.weeks > 0 else 1.0
        return rep.ramp.share + (1.0 - rep.ramp.share) * part


@dataclass(frozen=True, slots=True)
class _Minute:
    """What is known of one minute, with these users, which nobody changes."""

    minute: int
    users: Mapping[str, Mapping[str, VendorUser]]
    known: dict[object, object] = field(default_factory=dict)


_KNOWN: dict[int, tuple[Mapping[str, VendorUser], dict[str, bool]]] = {}


def _by_email(users: Mapping[str, VendorUser]) -> dict[str, bool]:
    """Give e-mail → whether one of their users is active; worked out once for the same mapping, which nobody changes."""
    held = _KNOWN.get(id(users))
    if held is not None and held[0] is users:
        return held[1]
    while len(_KNOWN) >= 16:
        _KNOWN.pop(next(iter(_KNOWN)))
    made: dict[str, bool] = {}
    for user in users.values():
        email = user.email.strip().lower()
        made[email] = made.get(email, False) or user.active
    _KNOWN[id(users)] = (users, made)
    return made

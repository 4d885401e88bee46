"""When will a lead's stage change by time alone, if nothing else happens? Never later than it does; earlier costs one look. Times are ms."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sync.lead.atoms import Atom, Op, compare, of_when
from sync.lead.fading import NEVER, Fading
from sync.lead.hours import zone
from sync.lead.index import index
from sync.lead.qualify import place_of, recycled_at, rested_at, sent_back_at
from sync.lead.reconcile import TRUCE
from sync.lead.score import DAY_MS, engagement
from sync.lead.state import Lead
from sync.playbook.models import SIDE_EXITS, Playbook, Stage, Value, Values
from sync.playbook.models.values import instant

STAGE = "stage"
"""The kind of clock that judges a lead's stage again."""
FARTHEST_MS = 3_650 * DAY_MS
"""What is farther away is looked at before: times beyond a calendar cannot be kept."""
_OPPOSITE: dict[Op, Op] = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
UNTOLD_MS = 3_600_000
"""How soon a condition is looked at again that does not tell when it changes; `truce check` refuses such ones."""


@dataclass(frozen=True, slots=True)
class Timing:
    """What time alone may change, by where a lead stands; worked out once per playbook."""

    entries: tuple[tuple[Atom, ...], ...]
    """By the place of Truce's own word, plus one: what can let a lead into a later stage."""
    calm: tuple[tuple[Atom, ...], ...]
    """The same for a lead that nothing counts against: its scores never rise by themselves."""
    exits: dict[str, tuple[Atom, ...]]
    """Stage → what can take a lead out of it."""
    returns: tuple[Atom, ...]
    days: dict[str, tuple[int, ...]]
    """Table → when one of its rows begins or ends to count."""


class _Static:
    """Works out the timing of one playbook."""

    def __init__(self, playbook: Playbook) -> None:
        self.playbook = playbook
        computed = "engagement" not in playbook.scores
        moving = [p for p in playbook.engagement if computed and (p.half_life_days is not None or p.window_days is not None)]
        self.falls, self.rises = any(p.points > 0 for p in moving), any(p.points < 0 for p in moving)
        self.fit = tuple(atom for one in playbook.fit for atom in of_when(one.when, holds=None)) if "fit" not in playbook.scores else ()
        self.segments = tuple(atom for one in playbook.segments for atom in of_when(one.when, holds=None))

    def matters(self, atom: Atom) -> bool:
        """Say whether time can turn an atom at all, in the direction that counts."""
        if atom.kind == "table":
            return bool(_bounds(self.playbook, atom.name))
        if atom.kind == "touched":
            return atom.want is not True  # what was done only grows older
        if atom.kind == "days":
            grows = atom.op in (">", ">=")
            return atom.op in ("==", "!=") or atom.want is None or atom.want is grows
        if atom.kind != "score" or (atom.name == "score" and "score" in self.playbook.scores):
            return atom.kind == "untold"
        low = atom.op in ("<", "<=")
        if atom.op in ("==", "!=") or atom.want is None:
            return self.falls or self.rises
        return self.falls if atom.want is low else self.rises

    def pruned(self, atoms: Iterable[Atom], names: frozenset[str]) -> tuple[Atom, ...]:
        """Give what matters of a condition's atoms, and of what its values follow from."""
        if "segment" in names:
            names = names.union(*(one.when.names for one in self.playbook.segments))
        more = [*(self.fit if names & {"fit", "score"} else ()), *(self.segments if "segment" in names else ())]
        return tuple(dict.fromkeys(atom for atom in (*atoms, *more) if self.matters(atom)))

    def entry(self, stage: Stage) -> tuple[Atom, ...]:
        """Give what can let a lead into a stage."""
        if stage.id in SIDE_EXITS:
            return ()
        whens = [stage.when, *(segment.stages[stage.id] for segment in self.playbook.segments if stage.id in segment.stages)]
        known = [when for when in whens if when is not None]
        if not known:
            return ()
        atoms = [atom for when in known for atom in of_when(when)]
        names = frozenset[str]().union(*(when.names for when in known))
        if any(stage.id in segment.stages for segment in self.playbook.segments):
            names |= {"segment"}
        if stage.exit is not None:
            atoms += of_when(stage.exit, holds=False)
            names |= stage.exit.names
        for kind in self.playbook.handoffs if stage.handoff else ():
            atoms += of_when(kind.when, holds=False)
            names |= kind.when.names
        return self.pruned(atoms, names)

    def timing(self) -> Timing:
        """Put it together."""
        every = [self.entry(stage) for stage in self.playbook.stages]
        entries = tuple(tuple(dict.fromkeys(a for one in every[floor:] for a in one)) for floor in range(len(every) + 1))
        exits = {s.id: self.pruned(of_when(s.exit), s.exit.names) for s in self.playbook.stages if s.exit is not None}
        back = next((s.returns for s in self.playbook.stages if s.id == "recycled"), None)
        returns = self.pruned(of_when(back.when), back.when.names) if back is not None else ()
        atoms = [*(atom for one in (*entries[:1], *exits.values()) for atom in one), *returns]
        days = {atom.name: _bounds(self.playbook, atom.name) for atom in atoms if atom.kind == "table"}
        calm = tuple(tuple(a for a in some if not _rises(a)) for some in entries)
        return Timing(entries, calm, exits, returns, days)


def _rises(atom: Atom) -> bool:
    """Say whether only a score that goes up makes an atom count."""
    return atom.kind == "score" and atom.want is not None and atom.op not in ("==", "!=") and atom.want is not (atom.op in ("<", "<="))


def timing_of(playbook: Playbook) -> Timing:
    """Give what time alone may change under a playbook; worked out once."""
    kept = index(playbook).kept
    if "timing" not in kept:
        kept["timing"] = _Static(playbook).timing()
    found = kept["timing"]
    assert isinstance(found, Timing)
    return found


def _bounds(playbook: Playbook, name: str) -> tuple[int, ...]:
    """Give when rows of a table begin or end to count, in ms, growing."""
    table = playbook.territories.table if name == "territories" and playbook.territories else playbook.tables.get(name)
    if table is None or not table.dated:
        return ()
    home, days = zone(playbook.timezone), set[str]()
    for number in range(len(table.rows)):
        first, last = table.days(number)
        days |= {first} if first else set()
        days |= {(date.fromisoformat(last) + timedelta(days=1)).isoformat()} if last else set()
    return tuple(sorted(int(datetime.fromisoformat(day).replace(tzinfo=home).timestamp() * 1000) for day in days))


def next_change(lead: Lead, playbook: Playbook, now: int, values: Values, sums: Mapping[int, float] | None = None) -> int | None:
    """Give the first time after `now` at which the stage may be another one although nothing happened; None: never.

    `values`: what conditions look at now; `sums`: what the lead's touches come to per line of engagement, where that is known already.
    """
    calm = sums is not None and not any(raw < 0 for raw in sums.values())
    atoms = _atoms(lead, timing_of(playbook), playbook, now, calm=calm)
    if isinstance(atoms, int):
        return atoms
    due = _Next(lead, playbook, now, values, sums).of(atoms) if atoms else None
    return None if due is None else max(now + 1, min(due, now + FARTHEST_MS))


def _atoms(lead: Lead, timing: Timing, playbook: Playbook, now: int, *, calm: bool) -> tuple[Atom, ...] | int:
    """Give what may move this lead, or until when nothing can."""
    entries, stage = timing.calm if calm else timing.entries, str(lead.value("stage") or "")
    recycled = recycled_at(lead) if stage == "recycled" else None
    out = recycled if recycled is not None else sent_back_at(lead, playbook)
    if out is not None:
        if not any(touch.at > out for touch in lead.touches):
            return ()
        if recycled is None:
            return entries[0]
        rested = rested_at(lead, playbook, recycled)
        return rested if now < rested else (*timing.returns, *entries[0])
    claim = lead.claims.get("stage", {}).get(TRUCE)
    atoms = entries[place_of(playbook, claim.value) + 1 if claim is not None else 0]
    leaving = timing.exits.get(stage)
    return (*atoms, *leaving) if leaving and lead.desired["stage"].ref == TRUCE else atoms


class _Next:
    """The next time at which one of some atoms turns."""

    def __init__(self, lead: Lead, playbook: Playbook, now: int, values: Values, sums: Mapping[int, float] | None) -> None:
        self.lead, self.playbook, self.now, self.values, self.sums = lead, playbook, now, values, sums
        self._fading: Fading | None = None

    def of(self, atoms: Iterable[Atom]) -> int | None:
        """Give the earliest."""
        return min((at for atom in atoms if (at := self._one(atom)) is not None), default=None)

    def _one(self, atom: Atom) -> int | None:
        match atom.kind:
            case "score":
                return self._score(atom)
            case "days":
                return self._days(atom)
            case "touched":
                return self._touched(atom)
            case "table":
                return next((at for at in timing_of(self.playbook).days[atom.name] if at > self.now), None)
            case _:
                return self.now + UNTOLD_MS

    def _score(self, atom: Atom) -> int | None:
        """Say when a comparison of a score turns: engagement has a goal then, in hundredths, above or below what it is now."""
        value, points = self.values.get(atom.name), self.values.get("engagement")
        if not isinstance(value, int | float) or not isinstance(points, int | float) or not self.lead.touches:
            return None
        true = compare(atom.op, value, atom.number)
        if atom.want is true:
            return None
        op, fit = _OPPOSITE[atom.op] if true else atom.op, self.values.get("fit") if atom.name == "score" else None
        known = float(fit) if isinstance(fit, int | float) else 0.0
        found = min(self._reaches(_goal(op, atom.number, known, points, down=down), down) for down in _ways(op, value, atom.number))
        return None if found == NEVER else math.floor(found)

    def _reaches(self, goal: float, down: bool) -> float:
        if self._fading is None:
            sums = self.sums if self.sums is not None else engagement(self.lead.touches, self.playbook, self.now).sums
            self._fading = Fading.of(self.lead.touches, self.playbook, self.now, sums)
        return self._fading.reaches(goal, down=down)

    def _days(self, atom: Atom) -> int | None:
        since = _moment(self.values.get(atom.name))
        if since is None:
            return None
        at = math.ceil(since + atom.number * DAY_MS) - 1  # a moment sooner: what is nearly so may count as so
        return next((one for one in (at, at + 1, at + 2) if one > self.now), None)

    def _touched(self, atom: Atom) -> int | None:
        acts, word = self.values.get("touches"), atom.name.casefold()
        if not isinstance(acts, tuple):
            return None
        newest = max((at for kind, name, at in acts if word in kind.casefold() or word in name.casefold()), default=None)
        if newest is None:
            return None
        over = math.floor(newest + atom.number * DAY_MS) + 1
        return over if over > self.now else None


def _ways(op: Op, value: float, number: float) -> tuple[bool, ...]:
    """Give the ways on which a comparison that does not hold comes to hold: down, up."""
    if op in ("<", "<="):
        return (True,)
    if op in (">", ">="):
        return (False,)
    return (value > number,) if op == "==" else (True, False)


def _goal(op: Op, number: float, fit: float, points: float, *, down: bool) -> float:
    """Give the sum from which on a comparison holds that does not hold now: scores are kept in whole hundredths, engagement and fit apart."""
    low, high, here = math.floor(number * 100 + 1e-9), math.ceil(number * 100 - 1e-9), round(points * 100)
    step = high - 1 if op in ("<", "!=") and down else low + 1 if op in (">", "!=") else low if down else high
    if fit:
        step = math.floor(step + 0.5 - 100 * fit + 1e-6) if down else math.ceil(step - 0.5 - 100 * fit - 1e-6)
    return (min(step, here - 1) + 0.5) / 100 if down else (max(step, here + 1) - 0.5) / 100


def _moment(value: Value) -> float | None:
    if isinstance(value, str):
        seconds = instant(value)
        return None if seconds is None else seconds * 1000
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

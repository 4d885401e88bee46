"""Who got what of each pool, what fair would have been, and what made the difference: worked out from the turns alone. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from sync.lead.pool import BY_TURNS
from sync.lead.turns import TIE, PoolState, Turn, after, first


@dataclass(slots=True)
class Missed:
    """Leads that somebody could not have, for one reason."""

    why: str
    turns: list[tuple[int, str]] = field(default_factory=list)
    """(number, lead id)."""


@dataclass(slots=True)
class Member:
    """One member of a pool."""

    who: str
    had: int = 0
    """Turns that were theirs."""
    fair: float = 0.0
    """What would have been theirs of the leads that they might have had, by weight."""
    might: int = 0
    """Leads that they might have had."""
    covered: dict[str, int] = field(default_factory=dict)
    """Who covered them → leads of theirs that went there."""
    missed: dict[str, Missed] = field(default_factory=dict)
    """Why → leads that they could not have."""


@dataclass(slots=True)
class PoolReport:
    """One pool."""

    name: str
    members: dict[str, Member] = field(default_factory=dict)
    turns: int = 0
    """Those that are told of."""
    by: list[str] = field(default_factory=list)
    last: Turn | None = None
    next: str | None = None
    """Whose turn it would be if the next lead might be given to the same people as the last."""
    broken: list[str] = field(default_factory=list)
    """What should not be: each a sentence."""

    def plain(self) -> dict[str, Any]:
        """Give it as plain data, for `--json`."""
        members = [
            {
                "who": one.who,
                "had": one.had,
                "fair": round(one.fair, 3),
                "difference": round(one.had - one.fair, 3),
                "might_have_had": one.might,
                "covered_by": one.covered,
                "missed": [{"why": m.why, "turns": [{"number": n, "lead_id": lead} for n, lead in m.turns]} for m in one.missed.values()],
            }
            for one in self.members.values()
        ]
        return {"pool": self.name, "by": self.by, "turns": self.turns, "next": self.next, "members": members, "broken": self.broken}


class _Audit:
    """Goes through one pool's turns from the first on; tells of those from `since` (ms) on."""

    def __init__(self, name: str, since: int, known: Collection[str]) -> None:
        self.report, self.since, self.known = PoolReport(name), since, known
        self.state, self.number = PoolState(), 0
        self.counts: dict[str, int] = {}
        self.weights: dict[str, set[float]] = {}
        self.apart: set[frozenset[str]] = set()
        """Pairs of whom one might once have a lead that the other might not."""
        self.uneven: set[frozenset[str]] = set()
        """Pairs whose weights once differed."""
        self.patterns: set[tuple[tuple[str, float], ...]] = set()
        self.worst: dict[frozenset[str], float] = {}

    def add(self, turn: Turn) -> None:
        """Take in the next turn."""
        number, member = turn.number or 0, turn.member or turn.owner
        if number != self.number + 1:
            self.report.broken.append(f"turn {number} comes after turn {self.number}: one is missing, or stands twice")
        self.number = number
        if turn.by in BY_TURNS:
            self._check(turn, member)
        self.state = after(self.state, member, turn.eligible, "", due=turn.by in BY_TURNS)
        self.report.last = turn
        if turn.at >= self.since:
            self._tell(turn, member)

    def _check(self, turn: Turn, member: str) -> None:
        due = first(self.state, turn.eligible)
        if member != due:
            self.report.broken.append(f"turn {turn.number} (lead {turn.lead_id}) went to {member}, though {due} was further behind")
        self.counts[member] = self.counts.get(member, 0) + 1
        self._compare(turn.eligible)
        for other in turn.eligible:
            if other != member:
                self._differ(member, other)

    def _compare(self, eligible: Mapping[str, float]) -> None:
        """Note which pairs are no equals: once only one of them might have a lead, or their weights differed."""
        pattern = tuple(sorted(eligible.items()))
        if pattern in self.patterns:
            return
        self.patterns.add(pattern)
        fresh = eligible.keys() - self.weights.keys()
        self.apart |= {frozenset({a, b}) for a in eligible for b in self.weights if b not in eligible or a in fresh}
        self.uneven |= {frozenset({a, b}) for a, b in combinations(eligible, 2) if eligible[a] != eligible[b]}
        for who, weight in pattern:
            self.weights.setdefault(who, set()).add(weight)

    def _differ(self, a: str, b: str) -> None:
        """Hold the bound for two who might always have the same leads: by one where they weigh the same, else by a step of constant weights."""
        pair = frozenset({a, b})
        one, other = max(self.weights[a]), max(self.weights[b])
        if pair not in self.uneven:
            one = other = 1.0
        elif len(self.weights[a]) > 1 or len(self.weights[b]) > 1:
            return
        off = abs(self.counts.get(a, 0) / one - self.counts.get(b, 0) / other)
        if pair not in self.apart and off > (1 / one + 1 / other) / 2 + TIE and off > self.worst.get(pair, 0.0):
            self.worst[pair] = off
            self.report.broken.append(f"{a} and {b} might always have the same leads, and differ by {off:.2f} for their weight")

    def _tell(self, turn: Turn, member: str) -> None:
        report, total = self.report, sum(turn.eligible.values())
        report.turns += 1
        if turn.by and turn.by not in report.by:
            report.by.append(turn.by)
        for who, weight in turn.eligible.items():
            one = report.members.setdefault(who, Member(who))
            one.fair, one.might = one.fair + weight / total, one.might + 1
        mine = report.members[member]
        mine.had += 1
        if turn.owner != member:
            mine.covered[turn.owner] = mine.covered.get(turn.owner, 0) + 1
        for who, why in dict(turn.passed_over).items():
            if who not in turn.eligible:
                missed = report.members.setdefault(who, Member(who)).missed
                missed.setdefault(why, Missed(why)).turns.append((turn.number or 0, turn.lead_id))

    def end(self) -> PoolReport:
        """Give the report."""
        members, last = self.report.members, self.report.last
        self.report.members = {who: one for who, one in members.items() if one.might or who in self.weights or who in self.known}
        if last is not None and last.by in BY_TURNS:
            self.report.next = first(self.state, last.eligible)
        return self.report


class Examination:
    """Takes the turns of pools, each pool's from the first on and in their order, and tells of those from `since` (ms) on."""

    def __init__(self, since: int = 0, members: Mapping[str, Collection[str]] | None = None) -> None:
        """`members`: of each pool, as it is now; others who were passed over on the way to it are not told of."""
        self.since, self.members = since, members or {}
        self._audits: dict[str, _Audit] = {}

    def add(self, turn: Turn) -> None:
        """Take in one turn; one that was no pool's is left out."""
        if turn.pool is not None:
            if turn.pool not in self._audits:
                self._audits[turn.pool] = _Audit(turn.pool, self.since, self.members.get(turn.pool, ()))
            self._audits[turn.pool].add(turn)

    def reports(self) -> list[PoolReport]:
        """Give a report per pool, by name."""
        return [self._audits[name].end() for name in sorted(self._audits)]


def examine(turns: Iterable[Turn], since: int = 0) -> list[PoolReport]:
    """Give a report per pool of these turns."""
    examination = Examination(since)
    for turn in turns:
        examination.add(turn)
    return examination.reports()

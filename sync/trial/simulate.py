"""What a candidate would have changed: stages, owners, SLAs, MQLs per week and source, load per person; from what was replayed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from schemas.base import Scalar
from sync.lead import hours
from sync.playbook.models import Playbook
from sync.trial.echoes import Users
from sync.trial.effect import LEAST_DAYS, Effect, days, effects
from sync.trial.owners import Owners, settle
from sync.trial.replay import Person, Replayed
from sync.trial.sure import Share, share
from sync.trial.world import Qualified, Stand

EXAMPLES = 10
TURN = "the same rule, another's turn"
"""Why a lead is with somebody else although no rule says so."""
What = Literal["stage", "owner", "sla"]
NOBODY = Share(0, 0, 0, 0, 0)
Pair = tuple[int, int]
"""Under the rules in force, under the candidate."""


@dataclass(frozen=True, slots=True)
class Change:
    """One lead that stands otherwise, and the rules that say so."""

    what: What
    ref: str
    before: Scalar
    after: Scalar
    rule_before: str
    rule_after: str
    detail: str = ""
    """The line that made the difference, with what it saw."""
    name: str = ""
    """The lead's e-mail or company, where the history has one."""


@dataclass(slots=True)
class Simulation:
    """The whole difference between two playbooks over one history."""

    messages: int = 0
    looked: int = 0
    """Leads that were replayed."""
    everyone: int = 0
    counts: dict[What, Share] = field(default_factory=dict)
    changed: Share = NOBODY
    """Leads of which anything changes."""
    examples: dict[What, list[Change]] = field(default_factory=dict)
    weeks: dict[str, Pair] = field(default_factory=dict)
    """First day of the week → leads that qualified."""
    sources: dict[str, Pair] = field(default_factory=dict)
    load: dict[str, Pair] = field(default_factory=dict)
    """Person → hand-offs."""
    days: float = 0.0
    """How many days the history covers."""
    goals: list[Effect] = field(default_factory=list)
    """What the candidate's goals and promises of MQLs come to, at the rate of this history."""
    too_short: bool = False
    """The history is too short to say what it means for the goals that there are."""
    turns: int = 0
    """Of the leads that were replayed and change owner: those that do only because turns fall otherwise."""
    unusable: list[tuple[int, str]] = field(default_factory=list)
    """(line, why): left out."""

    @property
    def sampled(self) -> bool:
        """Say whether it looked at some of the leads only."""
        return self.looked < self.everyone

    def plain(self) -> dict[str, Any]:
        """Give it as plain data, for `--json`."""
        counts = {what: one._asdict() | {"estimate": one.estimate} for what, one in self.counts.items()}
        tables = {name: _rows(getattr(self, name)) for name in ("weeks", "sources", "load")}
        return {
            "messages": self.messages,
            "leads": {"replayed": self.looked, "all": self.everyone},
            "changed": self.changed._asdict() | {"estimate": self.changed.estimate},
            "counts": counts,
            "examples": {what: [asdict(one) for one in some] for what, some in self.examples.items()},
            **tables,
            "days": round(self.days, 2),
            "goals": [one.plain() for one in self.goals],
            "too_short_for_goals": self.too_short,
            "other_turns": self.turns,
            "left_out": [{"line": line, "why": why} for line, why in self.unusable],
        }


def _rows(table: Mapping[str, Pair]) -> list[dict[str, Any]]:
    return [{"name": name, "before": before, "after": after} for name, (before, after) in table.items()]


def merge(parts: Iterable[Replayed]) -> Replayed:
    """Put together what was replayed apart; the order in which the parts came does not matter."""
    whole = Replayed()
    for part in parts:
        whole.people += part.people
        for place in (0, 1):
            whole.qualified[place].extend(part.qualified[place])
            whole.given[place].extend(part.given[place])
        whole.unusable += part.unusable
        whole.messages += part.messages
    whole.people.sort(key=lambda person: person.ref)
    whole.unusable.sort()
    return whole


def compare(
    whole: Replayed, in_force: Playbook, candidate: Playbook, users: Users, share_of: float = 1.0, span: tuple[int, int] | None = None
) -> Simulation:
    """Say what differs; `share_of`: which part of all persons was replayed; `span`: the history's first and last moment, ms."""
    owners = tuple(settle(given, book, users) for given, book in zip(whole.given, (in_force, candidate), strict=True))
    looked = len(whole.people)
    everyone = looked if share_of >= 1.0 else round(looked / share_of)
    found = Simulation(whole.messages, looked, everyone, unusable=list(whole.unusable))
    changes: dict[What, list[Change]] = {"stage": [], "owner": [], "sla": []}
    moved = 0
    for person in whole.people:
        some = _changes(person, owners[0], owners[1])
        moved += bool(some)
        for change in some:
            changes[change.what].append(change)
    changes["owner"].sort(key=lambda one: one.detail == TURN)
    found.turns = sum(one.detail == TURN for one in changes["owner"])
    found.counts = {what: share(len(some), looked, everyone) for what, some in changes.items()}
    found.changed = share(moved, looked, everyone)
    found.examples = {what: some[:EXAMPLES] for what, some in changes.items()}
    found.weeks = _table(whole.qualified, lambda one: hours.week(one.at, in_force.timezone, in_force.goals.week_starts))
    found.sources = _table(whole.qualified, lambda one: one.source)
    found.days = days(span)
    found.goals = effects(candidate.goals, whole.qualified, found.days, share_of)
    found.too_short = bool(candidate.goals.marketing) and found.days < LEAST_DAYS
    names = sorted({*owners[0].load, *owners[1].load})
    found.load = {name: (owners[0].load.get(name, 0), owners[1].load.get(name, 0)) for name in names}
    return found


def _table(qualified: tuple[list[Qualified], list[Qualified]], key: Any) -> dict[str, Pair]:
    counts: dict[str, list[int]] = {}
    for place, some in enumerate(qualified):
        for one in some:
            counts.setdefault(key(one), [0, 0])[place] += 1
    return {name: (counts[name][0], counts[name][1]) for name in sorted(counts)}


def _owner(stand: Stand | None, owners: Owners) -> Scalar:
    """Give whose the lead is: where Truce chose, whoever had the turn; else whom the CRM says."""
    if stand is None:
        return None
    return owners.last.get(stand.lead_id, stand.owner) if stand.ours else stand.owner


def _changes(person: Person, before: Owners, after: Owners) -> list[Change]:
    one, other = person.before, person.after
    stages = (one.stage if one else None, other.stage if other else None)
    people = (_owner(one, before), _owner(other, after))
    legs = (one.sla if one else "", other.sla if other else "")
    rules = (one.rule if one else "", other.rule if other else "")
    found: list[Change] = []
    if stages[0] != stages[1]:
        detail = person.because.detail if person.because else ""
        said = (one.stage_rule if one else "", other.stage_rule if other else "")
        found.append(Change("stage", person.ref, *stages, *said, detail, person.name))
    if people[0] != people[1]:
        detail = TURN if rules[0] == rules[1] and rules[0] else ""
        found.append(Change("owner", person.ref, *people, *rules, detail, person.name))
    if legs[0] != legs[1]:
        found.append(Change("sla", person.ref, legs[0] or None, legs[1] or None, *rules, name=person.name))
    return found

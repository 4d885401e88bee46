"""What would move if every open lead were judged again under another playbook: the size of a change before it is in force. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, NamedTuple

from schemas.base import Scalar
from schemas.command import Command
from schemas.envelope import Envelope, derived_id
from sync.lead.decide import decide
from sync.lead.decision import Facts
from sync.lead.state import Lead, branch, from_ms
from sync.playbook.models import Playbook
from sync.trial.world import slas as slas_of

What = Literal["stage", "route", "sla"]
EXAMPLES = 10
"""So many moves are kept to be shown, the first ones in the order of the leads."""
ENDED = ("customer", "disqualified")
"""Stages in which nobody waits for a lead any more."""


@dataclass(frozen=True, slots=True)
class Move:
    """One lead that would stand elsewhere, and the rules that say so: file:line and id, before and after."""

    lead_id: str
    what: What
    before: Scalar
    after: Scalar
    rule_before: str
    rule_after: str


@dataclass(slots=True)
class Moves:
    """How many leads would move, in what, and the first examples."""

    looked: int = 0
    """Open leads that were judged."""
    moved: int = 0
    """Leads of which anything moves."""
    counts: dict[What, int] = field(default_factory=lambda: {"stage": 0, "route": 0, "sla": 0})
    ways: Counter[tuple[What, str, str]] = field(default_factory=Counter)
    """(what, before, after) → leads."""
    examples: list[Move] = field(default_factory=list)

    @property
    def share(self) -> float:
        """The share of open leads that move, 0 to 1."""
        return self.moved / self.looked if self.looked else 0.0

    def add(self, other: Moves) -> None:
        """Count what was found among other leads too."""
        self.looked += other.looked
        self.moved += other.moved
        for what, count in other.counts.items():
            self.counts[what] += count
        self.ways += other.ways
        self.examples = [*self.examples, *other.examples][:EXAMPLES]

    def plain(self) -> dict[str, Any]:
        """Give it as plain data, for `--json`."""
        ways = [{"what": w, "before": b, "after": a, "leads": n} for (w, b, a), n in sorted(self.ways.items(), key=lambda o: (-o[1], o[0]))]
        shown = {"looked": self.looked, "moved": self.moved, "share": round(self.share, 4), "counts": self.counts}
        return {**shown, "ways": ways, "examples": [asdict(move) for move in self.examples]}


class Stand(NamedTuple):
    """Where a lead stands under one playbook."""

    stage: Scalar
    stage_rule: str
    route: str
    route_rule: str
    sla: str


def is_open(lead: Lead) -> bool:
    """Say whether a lead is anybody's concern now: in scope, a person of its own, neither a customer nor out."""
    aside = lead.erased or lead.survivor is not None or lead.undecided is not None
    return lead.in_scope and not aside and lead.value("stage") not in ENDED


def _judged(lead: Lead, facts: Facts, playbook: Playbook, now: int, slas: dict[str, str]) -> Stand:
    """Judge a copy as `truce rejudge` would, as if it were handed over now; who is next in a pool does not count, which route does."""
    fresh = branch(lead)
    fresh.handoff = fresh.held = None
    fresh.why.pop("owner", None)
    alone = replace(facts, leads={lead.id: fresh}, identities={}, intents={}, pools=dict(facts.pools))
    at = from_ms(now)
    order = Command(name="rejudge", lead_id=lead.id, by="truce", at=at)
    message = Envelope(derived_id("preview", lead.id), "truce.command.rejudge", "truce", at, order)
    decision = decide(message, alone, playbook, now)
    after = decision.leads[0] if decision.leads else fresh
    desired, told = after.desired.get("stage"), after.why.get("stage") or {}
    rule = str(told.get("rule") or "") if told.get("stage") == after.value("stage") else desired.rule if desired else ""
    chosen = str((after.why.get("owner") or {}).get("rule") or "")
    route = chosen.rpartition(" ")[2]
    return Stand(after.value("stage"), rule, route, chosen, slas.get(route, ""))


def stands(lead: Lead, facts: Facts, now: int, playbook: Playbook) -> Stand:
    """Say where a lead would stand if it were judged now under a playbook; nothing of the lead or the facts is changed."""
    return _judged(lead, facts, playbook, now, slas_of(playbook))


def preview(leads: Iterable[Lead], facts: Facts, now: int, in_force: Playbook, candidate: Playbook) -> Moves:
    """Say what judging every open lead again under the candidate would move, against the same under the playbook in force.

    `facts` give the users and pools; nothing in them is changed. Leads that would move under the rules in force as well (by time
    alone) are no moves of the candidate.
    """
    moves = Moves()
    before, after = slas_of(in_force), slas_of(candidate)
    for lead in leads:
        if not is_open(lead):
            continue
        moves.looked += 1
        now_stands = _judged(lead, facts, in_force, now, before)
        would_stand = _judged(lead, facts, candidate, now, after)
        found = [
            Move(lead.id, "stage", now_stands.stage, would_stand.stage, now_stands.stage_rule, would_stand.stage_rule),
            Move(lead.id, "route", now_stands.route, would_stand.route, now_stands.route_rule, would_stand.route_rule),
            Move(lead.id, "sla", now_stands.sla, would_stand.sla, now_stands.route_rule, would_stand.route_rule),
        ]
        _count(moves, [move for move in found if move.before != move.after])
    return moves


def _count(moves: Moves, found: list[Move]) -> None:
    moves.moved += bool(found)
    for move in found:
        moves.counts[move.what] += 1
        moves.ways[move.what, str(move.before or ""), str(move.after or "")] += 1
    if found and len(moves.examples) < EXAMPLES:
        moves.examples.append(found[0])

"""Whether a case comes out as the lead that it was made of: which made-up value makes a difference, and what a case cannot give. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from sync.lead import account
from sync.lead.decision import Facts
from sync.lead.qualify import stage_values
from sync.lead.state import Lead
from sync.playbook.models import MQL, NOWHERE, Case, Expect, Given, Playbook, Value
from sync.trial.cases import NONE, Got, outcome
from sync.trial.given import Rules, build, values_of
from sync.trial.masks import Masked
from sync.trial.parts import lines
from sync.trial.rejudge import stands


class Outcome(NamedTuple):
    """How the rules judge somebody, as far as a lead and a case can be compared."""

    stage: str
    rule: str
    fit: float
    engagement: float


def played(given: Given, ready: Rules) -> Got:
    """Say what comes of what is given."""
    return outcome(build(Case("made", NOWHERE, given, Expect()), ready))


def differs(fresh: Lead, facts: Facts, real: Given, mask: Masked, got: Got, ready: Rules) -> Iterator[str]:
    """Say what a made-up value makes otherwise, and what a case cannot give; `fresh`: the lead without what Truce decided of it."""
    plain = played(real, ready)
    if _of(plain) != _of(got):
        yield f"with made-up values {_said(_of(plain), _of(got))}: {_culprits(real, mask, _of(got), ready)} made the difference"
    judged = _judged(fresh, facts, real.at, ready.awake)
    if not _same(judged, _of(plain)) and plain.handoff in (NONE, MQL):
        seen = build(Case("made", NOWHERE, real, Expect()), ready)
        names = list(_seen_otherwise(fresh, facts, real.at, ready.awake, values_of(seen)))
        why = (
            f"the case sees {', '.join(names)} otherwise"
            if names
            else "the team, its pools or the records stand otherwise than a case has them"
        )
        yield f"of the lead itself comes {_words(judged)}, of the case {_words(_of(plain))}: {why}"


def _of(got: Got) -> Outcome:
    return Outcome(got.stage, got.rule, round(got.scores["fit"], 1), round(got.scores["engagement"], 1))


def _judged(fresh: Lead, facts: Facts, at: int, playbook: Playbook) -> Outcome:
    stand = stands(fresh, facts, at, playbook)
    values = stage_values(fresh, playbook, at, account.values_of(fresh, facts, playbook))
    scores = [round(float(str(values.get(name) or 0)), 1) for name in ("fit", "engagement")]
    return Outcome(str(stand.stage or NONE), stand.route or NONE, scores[0], scores[1])


def _same(one: Outcome, other: Outcome) -> bool:
    """Compare; a moment's fading between the lead's seconds and the case's is none."""
    near = abs(one.fit - other.fit) < 0.15 and abs(one.engagement - other.engagement) < 0.15
    return near and (one.stage, one.rule) == (other.stage, other.rule)


def _culprits(real: Given, mask: Masked, got: Outcome, ready: Rules) -> str:
    """Name the values that, put back alone, change what comes out; all of them when no single one does."""
    found = [name for name in mask.replaced if _of(played(_put_back(mask.given, name, real), ready)) != got]
    return ", ".join(found or mask.replaced)


def _put_back(given: Given, name: str, real: Given) -> Given:
    about, _, field = name.rpartition(".")
    if about == "account":
        return replace(given, account={**given.account, field: real.account[field]})
    if about == "opportunity":
        return replace(given, opportunity={**given.opportunity, field: real.opportunity[field]})
    return replace(given, lead={**given.lead, field: real.lead[field]})


def _seen_otherwise(fresh: Lead, facts: Facts, at: int, playbook: Playbook, seen: Mapping[str, Value]) -> Iterator[str]:
    own = stage_values(fresh, playbook, at, account.values_of(fresh, facts, playbook))
    asked = {
        name
        for line in lines((playbook.stages, playbook.segments, playbook.fit, playbook.handoffs, playbook.routes))
        for name in line.names
    }
    for name in sorted({*own, *seen} & asked):
        if name not in ("touches", "created_at", "fit", "engagement", "score", "cycle") and own.get(name) != seen.get(name):
            yield name
    if _acts(own) != _acts(seen):
        yield "touches"


def _acts(values: Mapping[str, Value]) -> list[tuple[str, str]]:
    acts = values.get("touches")
    return sorted((kind, name) for kind, name, _ in acts) if isinstance(acts, tuple) else []


def _said(before: Outcome, after: Outcome) -> str:
    changes = [f"{name} is {new} instead of {old}" for name, old, new in zip(Outcome._fields, before, after, strict=True) if old != new]
    return ", ".join(changes)


def _words(one: Outcome) -> str:
    return f"stage {one.stage}, rule {one.rule}, fit {one.fit:g}, engagement {one.engagement:g}"

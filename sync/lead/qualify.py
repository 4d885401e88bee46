"""Which stage: what conditions look at, the rules of the playbook in order, and what they saw. Times are ms."""

from __future__ import annotations

from typing import Any, NamedTuple

from schemas.base import Scalar
from sync.lead.index import index
from sync.lead.reconcile import TRUCE
from sync.lead.score import Engagement, engagement, fit, fitness
from sync.lead.score import touches as acts
from sync.lead.state import Claim, Lead
from sync.playbook.models import SIDE_EXITS, Kind, Playbook, Stage, Value, Values, Verdict, When

Verdicts = tuple[Verdict, ...]
_NOTHING: Values = {}


class Found(NamedTuple):
    """The stage that the rules say, by which rule, and what its lines saw."""

    stage: Stage
    rule: str
    verdicts: Verdicts
    names: frozenset[str]


def _number(value: Value) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _scores(lead: Lead, values: dict[str, Value], playbook: Playbook, now: int, sums: dict[int, float] | None) -> None:
    """Put in fit, engagement and score: summed up, or as a shared field says; a field without a value is no score."""
    given, acting = playbook.scores, values["touches"] or lead.touches
    values["fit"] = _number(values.get(given["fit"])) if "fit" in given else fitness(values, playbook)
    if "engagement" in given:
        values["engagement"] = _number(values.get(given["engagement"]))
    else:
        found = engagement(lead.touches, playbook, now) if acting else Engagement()
        values["engagement"] = round(found.total(playbook), 2) if acting else 0.0
        if sums is not None:
            sums.update(found.sums)
    if "score" in given:
        values["score"] = _number(values.get(given["score"]))
    else:
        values["score"] = round((_number(values["fit"]) or 0.0) + (_number(values["engagement"]) or 0.0), 2)


def stage_values(
    lead: Lead, playbook: Playbook, now: int, more: Values = _NOTHING, sums: dict[int, float] | None = None
) -> dict[str, Value]:
    """Give the values that conditions look at: the shared fields, and what follows from the lead at `now`.

    That is touches, cycle, fit, engagement, score, segment, email_domain, created_at, now; `more` is what is known besides, of the lead's
    account and open opportunity (`account.industry`, `opportunity.amount`). `sums` takes what each line of engagement comes to.
    """
    values: dict[str, Value] = {name: held.value for name, held in lead.desired.items()}
    values.update(more)
    values["now"], values["created_at"] = now, lead.created_at
    values["cycle"] = lead.handoff.cycle if lead.handoff else 0
    email = values.get("email")
    values["email_domain"] = email.rpartition("@")[2] if isinstance(email, str) and "@" in email else None
    values["touches"] = acts(lead.touches, playbook)
    _scores(lead, values, playbook, now, sums)
    if playbook.segments:
        values["segment"] = next((one.id for one in playbook.segments if one.when.holds(values)), None)
    return values


def trace(verdicts: Verdicts) -> list[dict[str, Any]]:
    """Give verdicts as they are kept and shown."""
    return [{"text": text, "where": where, "why": why, "matched": matched} for matched, text, where, why in verdicts]


def place_of(playbook: Playbook, stage: Scalar) -> int:
    """Give a stage's place in their order, -1 for one that does not exist."""
    return index(playbook).places.get(str(stage), -1)


def definition(stage: Stage, values: Values, playbook: Playbook) -> When | None:
    """Give what lets a lead with these values enter a stage: its segment's own definition, else the stage's."""
    segment = index(playbook).segments.get(str(values.get("segment"))) if playbook.segments else None
    return segment.stages.get(stage.id, stage.when) if segment is not None else stage.when


def kind_of(values: Values, playbook: Playbook) -> tuple[Kind, Verdicts] | None:
    """Give the kind of hand-off that an act of this lead is, where it is no MQL: the first whose `when` holds."""
    for kind in playbook.handoffs:
        if kind.when.holds(values):
            return kind, kind.when.judge(values)[1]
    return None


def _lets_in(stage: Stage, values: Values, playbook: Playbook) -> Found | None:
    """Say whether a stage's rule lets the lead in: its definition holds and its exit does not, and it is not sales' already."""
    if stage.id in SIDE_EXITS:
        return None
    when = definition(stage, values, playbook)
    if when is None or not when.holds(values) or (stage.exit is not None and stage.exit.holds(values)):
        return None
    if stage.handoff and any(kind.when.holds(values) for kind in playbook.handoffs):
        return None
    return Found(stage, f"{stage.where} {stage.id}", when.judge(values)[1], when.names)


def judge(lead: Lead, values: Values, playbook: Playbook) -> Found | None:
    """Give the most advanced stage whose rule lets the lead in, if that is more than Truce said before."""
    claim = lead.claims.get("stage", {}).get(TRUCE)
    floor = place_of(playbook, claim.value) if claim is not None else -1
    for stage in reversed(playbook.stages[floor + 1 :]):
        found = _lets_in(stage, values, playbook)
        if found is not None:
            return found
    return None


def leaves(lead: Lead, values: Values, playbook: Playbook) -> Found | None:
    """Give the stage that a lead falls back to because the `exit` of its stage holds; only what Truce itself gave is taken back."""
    held = lead.desired.get("stage")
    place = place_of(playbook, held.value) if held is not None and held.ref == TRUCE else -1
    stage = playbook.stages[place]
    if place < 1 or stage.exit is None:
        return None
    if not stage.exit.holds(values):
        return None
    verdicts = stage.exit.judge(values)[1]
    earlier = playbook.stages[:place]
    lower = next((one for one in reversed(earlier) if _lets_in(one, values, playbook) is not None), earlier[0])
    return Found(lower, f"{verdicts[-1].where if verdicts else stage.where} {stage.id}.exit", verdicts, stage.exit.names)


def recycled_at(lead: Lead) -> int | None:
    """Give when sales recycled the lead, if Truce's own word is older."""
    ended = [c.at for ref, c in lead.claims.get("stage", {}).items() if c.value == "recycled" and ref != TRUCE]
    claim = lead.claims.get("stage", {}).get(TRUCE)
    out = lead.value("stage") == "recycled" and bool(ended) and (claim is None or claim.at <= max(ended))
    return max(ended) if out else None


def sent_back_at(lead: Lead, playbook: Playbook) -> int | None:
    """Give when somebody moved the lead back behind what Truce said, if Truce's own word is older."""
    held, claim = lead.desired.get("stage"), lead.claims.get("stage", {}).get(TRUCE)
    if held is None or claim is None or held.ref == TRUCE or held.value in SIDE_EXITS or held.at <= claim.at:
        return None
    return held.at if place_of(playbook, held.value) < place_of(playbook, claim.value) else None


def rested_at(lead: Lead, playbook: Playbook, recycled: int) -> int:
    """Give when a lead recycled at a moment may come back: after what `returns` says, nor before what the reason of the no said."""
    stage, note = playbook.stages[place_of(playbook, "recycled")], lead.handoff
    rested = recycled + (stage.returns.after_ms if stage.returns is not None else 0)
    said = note.returns_at if note is not None and note.state == "closed" and note.closed_as == "recycled" else None
    return rested if said is None else max(rested, said)


def _may_count_again(lead: Lead, values: Values, playbook: Playbook, at: int) -> bool:
    """After somebody took a lead out or back only what the person does later counts, and a recycled one rests, and needs what `returns` says."""
    recycled = recycled_at(lead)
    since = recycled if recycled is not None else sent_back_at(lead, playbook)
    if since is None:
        return True
    if at <= since or not any(touch.at > since for touch in lead.touches):
        return False
    if recycled is not None:
        now, returns = values.get("now"), playbook.stages[place_of(playbook, "recycled")].returns
        if not isinstance(now, int) or now < rested_at(lead, playbook, recycled):
            return False
        if returns is not None and not returns.when.judge(values)[0]:
            return False
    lead.claims["stage"].pop(TRUCE, None)
    return True


def stands(lead: Lead, playbook: Playbook, values: Values, at: int) -> dict[str, Any] | None:
    """Judge the lead's stage; Truce's claim and the reason are put down when it says something new. `at`: of the act that did it."""
    if not _may_count_again(lead, values, playbook, at):
        return None
    found = judge(lead, values, playbook)
    if found is None:
        found, said = leaves(lead, values, playbook), lead.claims.get("stage", {}).get(TRUCE)
        at = at if said is None else max(at, said.at)
    if found is None:
        return None
    lead.claims.setdefault("stage", {})[TRUCE] = Claim(found.stage.id, at, TRUCE)
    now = values.get("now")
    why: dict[str, Any] = {
        "stage": found.stage.id,
        "rule": found.rule,
        "lines": trace(found.verdicts),
        "values": {name: values.get(name) for name in sorted(found.names - {"touches"})},
        "version": playbook.version,
        "at": at,
    }
    if found.names & {"fit", "score"} and "fit" not in playbook.scores:
        why["fit"] = fit(values, playbook)[1]
    if found.names & {"engagement", "score"} and "engagement" not in playbook.scores:
        why["engagement"] = engagement(lead.touches, playbook, now if isinstance(now, int) else at).lines(playbook)
    return why

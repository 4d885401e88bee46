"""Which stage: fit and engagement in points, the rules of the playbook in order, and what they saw. Times are ms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.base import Scalar
from sync.lead.reconcile import TRUCE
from sync.lead.state import Claim, Lead, TouchNote
from sync.playbook.models import SIDE_EXITS, Playbook, Points, Stage, Verdict

DAY_MS = 86_400_000
_NOTHING: Mapping[str, Scalar] = {}


def fit(values: Mapping[str, Scalar], playbook: Playbook) -> tuple[float, list[dict[str, Any]]]:
    """Give the points of fit, and each line that gave some."""
    total, lines = 0.0, []
    for points in playbook.fit:
        matched, verdicts = points.when.judge(values) if points.when else (True, ())
        if matched:
            total += points.points
            lines.append(
                {"label": points.label, "points": points.points, "where": str(points.where), "why": verdicts[0].why if verdicts else ""}
            )
    return total, lines


def _scores(points: Points, touch: TouchNote) -> bool:
    return (points.kind is None or points.kind == touch.kind) and (points.name is None or points.name.casefold() in touch.name.casefold())


def engagement(touches: list[TouchNote], playbook: Playbook, now: int) -> tuple[float, list[dict[str, Any]]]:
    """Give the points of what the person did, faded by `now` and capped; the first line that fits a touch counts."""
    sums: dict[int, float] = {}
    counts: dict[int, int] = {}
    for touch in touches:
        for i, points in enumerate(playbook.engagement):
            if _scores(points, touch):
                age = max(0, now - touch.at) / DAY_MS
                worth = points.points * (0.5 ** (age / points.half_life_days) if points.half_life_days else 1.0)
                sums[i] = sums.get(i, 0.0) + worth
                counts[i] = counts.get(i, 0) + 1
                break
    total, lines = 0.0, []
    for i, raw in sorted(sums.items()):
        points = playbook.engagement[i]
        worth = raw if points.cap is None else min(raw, points.cap)
        total += worth
        lines.append({"label": points.label, "points": round(worth, 1), "touches": counts[i], "where": str(points.where)})
    return total, lines


def stage_values(lead: Lead, playbook: Playbook, now: int, more: Mapping[str, Scalar] = _NOTHING) -> dict[str, Scalar]:
    """Give the values that conditions look at: the shared fields, and fit, engagement, score, email_domain, created_at, now.

    `more`: what is known besides, of the lead's account and opportunity.
    """
    values: dict[str, Scalar] = {name: held.value for name, held in lead.desired.items()}
    values.update(more)
    values["now"], values["created_at"] = now, lead.created_at
    email = values.get("email")
    values["email_domain"] = email.rpartition("@")[2] if isinstance(email, str) and "@" in email else None
    fitting, acting = fit(values, playbook)[0], engagement(lead.touches, playbook, now)[0]
    values["fit"], values["engagement"], values["score"] = fitting, round(acting, 2), round(fitting + acting, 2)
    return values


def trace(verdicts: tuple[Verdict, ...]) -> list[dict[str, Any]]:
    """Give verdicts as they are kept and shown."""
    return [{"text": v.text, "where": v.where, "why": v.why, "matched": v.matched} for v in verdicts]


def _place(playbook: Playbook, stage: Scalar) -> int:
    return next((i for i, one in enumerate(playbook.stages) if one.id == stage), -1)


def judge(lead: Lead, values: Mapping[str, Scalar], playbook: Playbook) -> tuple[Stage, tuple[Verdict, ...]] | None:
    """Give the most advanced stage whose rule lets the lead in, if that is more than Truce said before; never back."""
    claim = lead.claims.get("stage", {}).get(TRUCE)
    floor = _place(playbook, claim.value) if claim is not None else -1
    for stage in reversed(playbook.stages[floor + 1 :]):
        if stage.when is None or stage.id in SIDE_EXITS:
            continue
        matched, verdicts = stage.when.judge(values)
        if matched:
            return stage, verdicts
    return None


def may_return(lead: Lead, playbook: Playbook) -> int | None:
    """Give when sales recycled the lead, if Truce's own word is older: only what the person does after that counts again."""
    ended = [c.at for ref, c in lead.claims.get("stage", {}).items() if c.value == "recycled" and ref != TRUCE]
    claim = lead.claims.get("stage", {}).get(TRUCE)
    out = lead.value("stage") == "recycled" and bool(ended) and (claim is None or claim.at <= max(ended))
    return max(ended) if out else None


def stands(lead: Lead, playbook: Playbook, values: Mapping[str, Scalar], at: int) -> dict[str, Any] | None:
    """Judge the lead's stage; Truce's claim and the reason are put down when it says something new. `at`: of the act that did it."""
    recycled = may_return(lead, playbook)
    if recycled is not None:
        if at <= recycled or not any(touch.at > recycled for touch in lead.touches):
            return None
        lead.claims["stage"].pop(TRUCE, None)
    found = judge(lead, values, playbook)
    if found is None:
        return None
    stage, verdicts = found
    lead.claims.setdefault("stage", {})[TRUCE] = Claim(stage.id, at, TRUCE)
    names = stage.when.names if stage.when else frozenset()
    now = int(values.get("now") or 0)
    why: dict[str, Any] = {
        "stage": stage.id,
        "rule": f"{stage.where} {stage.id}",
        "lines": trace(verdicts),
        "values": {name: values.get(name) for name in sorted(names)},
        "version": playbook.version,
        "at": at,
    }
    if names & {"fit", "score"}:
        why["fit"] = fit(values, playbook)[1]
    if names & {"engagement", "score"}:
        why["engagement"] = engagement(lead.touches, playbook, now)[1]
    return why

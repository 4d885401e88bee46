"""Both sides of the agreement in one period: what marketing promised and brought, what sales promised and did, and the goals that they share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from sync.playbook.models import MONTHS, MQL, REACHED, STAGES, MqlPromise, Playbook, WorkPromise
from sync.playbook.models.goals import Goal
from sync.reports.sla import Label, Share, Unit, shares

Side = Literal["marketing", "sales", "both"]


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was promised, and what came of it."""

    side: Side
    id: str
    accountable: str
    segment: str
    what: str
    promised: float
    reached: float | None
    """None: nothing of it is decided yet."""
    of: int
    """How many it is counted over."""
    kept: bool | None
    versions: str
    """The versions of the playbook under which its hand-offs were opened, the one in force where there are none."""
    currency: str = ""
    """Of promised and reached, where they are money."""
    besides: Mapping[str, float] = field(default_factory=dict)
    """What was won in other currencies, which does not count: amounts of different ones are never added."""

    @property
    def is_share(self) -> bool:
        """Say whether shares of something are promised, not a number."""
        return self.side != "both" and self.what != "MQLs"

    def plain(self) -> dict[str, Any]:
        """Give it as JSON and CSV show it."""
        return asdict(self)


def lines(
    playbook: Playbook,
    handoffs: Sequence[Mapping[str, Any]],
    units: Sequence[Unit],
    labels: Mapping[str, Label],
    reached: Mapping[str, float],
    length: int,
) -> list[Line]:
    """Give every promise of both sides and every shared goal of a period of `length` months."""
    goals = playbook.goals
    own = {one.segment for one in goals.marketing if one.segment}
    found = [line for one in goals.marketing for line in _marketing(one, handoffs, own, length, playbook.version)]
    found += [line for one in goals.sales for line in _sales(one, units, labels, playbook.version)]
    return [*found, *(_shared(one, reached, length, playbook) for one in goals.goals)]


def _versions(versions: Iterable[int], now: int) -> str:
    return ", ".join(f"v{one}" for one in sorted(set(versions)) or [now])


def _marketing(promise: MqlPromise, handoffs: Sequence[Mapping[str, Any]], own: set[str], length: int, version: int) -> list[Line]:
    mine = [
        one for one in handoffs
        if one["kind"] == MQL and (one["segment"] == promise.segment if promise.segment else one["segment"] not in own)
    ]  # fmt: skip
    head = ("marketing", promise.id, promise.accountable, promise.segment or "")
    versions = _versions((one["playbook_version"] for one in mine), version)
    count, promised = len(mine), promise.mqls * length
    found = [Line(*head, "MQLs", promised, count, count, count >= promised, versions)]  # type: ignore[arg-type]
    for stage, share in promise.quality.items():
        got = sum(_got(one, stage) for one in mine)
        part = got / count if count else None
        found.append(Line(*head, f"MQLs that become {stage}", share, part, count, None if part is None else part >= share, versions))  # type: ignore[arg-type]
    return found


def _got(handoff: Mapping[str, Any], stage: str) -> bool:
    """Say whether an MQL got so far: as its hand-off knows, or as its lead stands now."""
    if stage == REACHED[0] and handoff["accepted_at"] is not None:
        return True
    places = [STAGES.index(one) for one in (handoff["closed_as"], handoff["stage"]) if one in STAGES]
    return max(places, default=-1) >= STAGES.index(stage)


def _sales(promise: WorkPromise, units: Sequence[Unit], labels: Mapping[str, Label], version: int) -> list[Line]:
    mine = {
        ident: label for ident, label in labels.items()
        if label.sla == promise.sla and (promise.segment is None or label.segment == promise.segment)
    }  # fmt: skip
    found = shares(units, mine, lambda *_: "").get("", {})
    versions = _versions((label.version for label in mine.values()), version)
    made = []
    for leg, share in promise.within.items():
        got = found.get(leg, Share())
        kept = None if got.attained is None else got.attained >= share
        what = f"{promise.sla}: {leg.replace('_', ' ')} in time"
        head = ("sales", promise.id, promise.accountable, promise.segment or "")
        made.append(Line(*head, what, share, got.attained, got.met + got.missed, kept, versions))  # type: ignore[arg-type]
    return made


def _shared(goal: Goal, reached: Mapping[str, float], length: int, playbook: Playbook) -> Line:
    target = goal.target * length / MONTHS[goal.per]
    got = float(reached.get(goal.counts, 0))
    head = (goal.id, goal.accountable, goal.segment or "", goal.name)
    money = (playbook.goals.currency, goal.besides(reached)) if goal.measure == "amount" else ("", {})
    return Line("both", *head, target, got, int(got), got >= target, f"v{playbook.version}", *money)

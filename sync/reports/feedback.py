"""What sales says of marketing's leads: per source, campaign and rule; which lines let in what is given back, and the next stricter one. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sync.playbook.models import MQL

FEW = 3
"""So many leads given back say nothing about a line yet."""
_THRESHOLD = re.compile(r"(?P<head>\blead\.(?P<name>\w+)\s*)>=?(?P<gap>\s*)-?\d+(?:\.\d+)?")


@dataclass(slots=True)
class Tally:
    """What became of the leads of one source, campaign, rule or line."""

    offered: int = 0
    accepted: int = 0
    won: int = 0
    amounts: dict[str, float] = field(default_factory=dict)
    """The money of the opportunities that they won, by currency: amounts of different ones are never added."""
    rejected: dict[str, int] = field(default_factory=dict)
    """By reason."""

    @property
    def refused(self) -> int:
        """How many were given back."""
        return sum(self.rejected.values())

    def plain(self) -> dict[str, Any]:
        """Give it as JSON shows it."""
        return {
            "offered": self.offered,
            "accepted": self.accepted,
            "rejected": dict(sorted(self.rejected.items())),
            "won": self.won,
            "amounts": dict(sorted(self.amounts.items())),
        }


@dataclass(frozen=True, slots=True)
class Result:
    """One MQL's hand-off: where it came from, which lines let it in, and what came of it."""

    handoff: str
    source: str
    campaign: str
    rule: str
    accepted: bool
    won: bool
    reason: str
    """Of the last no that was said to it; '' where nobody said no."""
    against: bool
    """That reason counts against the quality that marketing promised."""
    lines: tuple[tuple[str, str, str], ...] = ()
    """The lines that let it into the stage: (text, file:line, what it saw)."""
    amounts: Mapping[str, float] = field(default_factory=dict)
    """The money of the opportunities that it won, by currency."""


def results(
    handoffs: Iterable[Mapping[str, Any]],
    offers: Iterable[Mapping[str, Any]],
    let_in: Mapping[str, Sequence[Mapping[str, Any]]],
    against: Callable[[str], bool],
    money: Mapping[str, Mapping[str, float]] | None = None,
) -> list[Result]:
    """Read the ledger: `let_in`: hand-off → the lines of the stage's rule as they were judged; `against`: whether a reason counts.

    `money`: hand-off → what its opportunities won, by currency.
    """
    said: dict[str, str] = {}
    for offer in offers:
        if offer["ended"] == "rejected":
            said[offer["handoff_id"]] = offer["reason"]
    found = []
    for one in handoffs:
        if one["kind"] != MQL:
            continue
        source, _, campaign = one["source"].partition(":")
        reason = said.get(one["id"], one["reason"] or "")
        lines = tuple((str(v["text"]), str(v["where"]), str(v["why"])) for v in let_in.get(one["id"], ()) if v.get("matched"))
        amounts = (money or {}).get(one["id"], {})
        won = any(amount > 0 for amount in amounts.values()) or "customer" in (one["closed_as"], one["stage"])
        accepted = one["accepted_at"] is not None
        found.append(
            Result(
                one["id"],
                source or "unknown",
                campaign,
                one["rule"],
                accepted,
                won,
                reason,
                bool(reason) and against(reason),
                lines,
                amounts,
            )
        )
    return found


def tallies(found: Iterable[Result], by: Callable[[Result], str]) -> dict[str, Tally]:
    """Count results under what `by` names ('' is left out), the most offered first."""
    counted: dict[str, Tally] = {}
    for one in found:
        if name := by(one):
            _count(counted.setdefault(name, Tally()), one)
    return dict(sorted(counted.items(), key=lambda item: (-item[1].offered, item[0])))


def _count(tally: Tally, one: Result) -> None:
    tally.offered += 1
    tally.accepted += one.accepted
    tally.won += one.won
    for currency, amount in one.amounts.items():
        tally.amounts[currency] = tally.amounts.get(currency, 0.0) + amount
    if one.reason:
        tally.rejected[one.reason] = tally.rejected.get(one.reason, 0) + 1


@dataclass(frozen=True, slots=True)
class Stricter:
    """A line with its threshold at the next value that was seen above the weakest lead that was given back."""

    text: str
    value: float
    keeps_out: int
    """Leads given back against marketing's quality that would not have come."""
    loses: int
    """Leads that sales took and that would not have come by this line."""
    won: int
    """Customers among those."""


@dataclass(frozen=True, slots=True)
class LineResult:
    """One line of the playbook that let leads in, and what sales made of them."""

    text: str
    where: str
    tally: Tally
    against: int
    stricter: Stricter | None


def worst(found: Sequence[Result], most: int = 5) -> list[LineResult]:
    """Give the lines whose leads were given back most, by share; those with fewer than three say nothing yet."""
    by: dict[tuple[str, str], list[tuple[Result, str]]] = {}
    for one in found:
        for text, where, why in one.lines:
            by.setdefault((text, where), []).append((one, why))
    made = []
    for (text, where), some in by.items():
        against = sum(one.against for one, _ in some)
        if against < FEW:
            continue
        tally = Tally()
        for one, _ in some:
            _count(tally, one)
        made.append(LineResult(text, where, tally, against, stricter(text, some)))
    return sorted(made, key=lambda one: (-one.against / one.tally.offered, -one.against, one.where))[:most]


def stricter(text: str, some: Sequence[tuple[Result, str]]) -> Stricter | None:
    """Give a line with `lead.x >= N` in it with the nearest threshold that keeps out a lead that was given back; None for one of another form."""
    parts = _THRESHOLD.search(text)
    if parts is None:
        return None
    seen = [(value, one) for one, why in some if (value := _seen(why, parts["name"])) is not None]
    bad = [value for value, one in seen if one.against]
    higher = sorted({value for value, _ in seen if bad and value > min(bad)})
    if not bad:
        return None
    limit = higher[0] if higher else min(bad) + 1
    out = [one for value, one in seen if value < limit]
    took = [one for one in out if not one.reason]
    line = f"{text[: parts.start()]}{parts['head']}>={parts['gap']}{limit:g}{text[parts.end() :]}"
    return Stricter(line, limit, sum(one.against for one in out), len(took), sum(one.won for one in took))


def _seen(why: str, name: str) -> float | None:
    """Read from what a line saw the value of a field: `engagement 52 ≥ 40`, `engagement 52, fit 60`."""
    found = re.search(rf"(?:^|, |\.){re.escape(name)} (-?\d+(?:[.,]\d+)*)", why)
    return float(found[1].replace(",", "")) if found else None


def changed(files: Mapping[str, bytes], one: LineResult) -> dict[str, bytes] | None:
    """Give the playbook's files with the stricter line; None where the line is not to be found once in its place."""
    file, _, number = one.where.partition(":")
    if one.stricter is None or file not in files or not number.isdigit():
        return None
    lines = files[file].decode().split("\n")
    at = int(number) - 1
    if at >= len(lines) or lines[at].count(one.text) != 1:
        return None
    lines[at] = lines[at].replace(one.text, one.stricter.text)
    return {**files, file: "\n".join(lines).encode()}

"""Where the people of both sides change a field of late: the best guess at who owns it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors.base import Edits
from sync.cli.init.matching import Matching
from sync.playbook.models import Side

ENOUGH = 10
"""Of so few changes nothing follows."""
CLEAR = 0.7
"""So large a share says who owns the field."""
MONTH = timedelta(days=30)


@dataclass(frozen=True)
class Share:
    """One field's changes in a month: where most of them were made, which side that is, and the share, of how many."""

    title: str
    side: Side
    part: float
    changes: int

    def __str__(self) -> str:
        return f"{self.part:.0%} of {self.changes:,} edits last month came from {self.title}"

    @property
    def owner(self) -> Side | None:
        """Give the side that clearly has it, None where nothing follows."""
        return self.side if self.part >= CLEAR and self.changes >= ENOUGH else None


def edited(matching: Matching, systems: Sequence[tuple[str, str, Side, Edits | None]], now: datetime) -> dict[str, Share]:
    """Give each shared field's share, where both systems keep a history: (name, title, side, edits) of each."""
    if any(edits is None for *_, edits in systems):
        return {}
    found = {}
    for one in matching.found:
        rates: Mapping[tuple[str, Side], float] = {
            (title, side): edits.counts.get(one.systems[name].seen.name, 0) * (MONTH / max(now - edits.since, timedelta(minutes=1)))
            for name, title, side, edits in systems
            if edits is not None and name in one.systems
        }
        every = sum(rates.values())
        if len(rates) == len(systems) and every:
            (title, side), most = max(rates.items(), key=lambda rate: rate[1])
            found[one.known.name] = Share(title, side, most / every, round(every))
    return found

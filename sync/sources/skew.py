"""A vendor's clock against ours: the largest lead that was seen, because a change cannot be received before it happened."""

from __future__ import annotations

from collections.abc import Iterable

from connectors.base import Item
from schemas.response import ResponseRecorded
from schemas.touch import TouchRecorded

LARGEST_S = 300.0


def ahead(items: Iterable[Item]) -> float:
    """Give by how many seconds the vendor's clock is ahead at least, judged by these items; 0 when nothing shows it.

    Touches and responses do not count: a form's time may be the visitor's own, a call's what the rep wrote down, and neither must set the
    clock of all others.
    """
    own = (item for item in items if not isinstance(item, TouchRecorded | ResponseRecorded))
    return max([0.0, *((item.at - item.received_at).total_seconds() for item in own)])


def settle(known: float, seen: float) -> float:
    """Give the skew to use from now on: the larger, but none that is beyond what a clock may be off."""
    return max(known, seen) if seen <= LARGEST_S else known

"""How sure a count is that comes from a sample. Pure."""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

Z95 = 1.959964
"""Standard deviations within which 95 of 100 samples lie."""


class Share(NamedTuple):
    """So many of those looked at, and between which counts the true one lies among all, 95 times of 100."""

    found: int
    looked: int
    everyone: int
    low: int
    high: int

    @property
    def estimate(self) -> int:
        """Give the likeliest count among all."""
        return round(self.found * self.everyone / self.looked) if self.looked else 0


def share(count: int, looked: int, everyone: int) -> Share:
    """Give Wilson's interval of a share, narrower the more of all were looked at; exact when all were."""
    if looked >= everyone or not looked:
        return Share(count, looked, everyone, count, count)
    left = (everyone - looked) / (everyone - 1)
    z2, p = Z95**2 * left, count / looked
    middle = (p + z2 / (2 * looked)) / (1 + z2 / looked)
    half = sqrt(z2) * sqrt(p * (1 - p) / looked + z2 / (4 * looked**2)) / (1 + z2 / looked)
    low, high = max(0.0, middle - half), min(1.0, middle + half)
    return Share(count, looked, everyone, max(count, round(low * everyone)), min(everyone - looked + count, round(high * everyone)))

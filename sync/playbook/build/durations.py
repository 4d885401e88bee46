"""Lengths of time as files write them: 90s, 15m, 2h, 3d, 1w."""

from __future__ import annotations

UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def seconds(text: str) -> int:
    """Give the seconds of a length of time: `15m` is 900."""
    return int(text[:-1]) * UNITS[text[-1]]

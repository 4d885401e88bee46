"""How many examples a property is tried on: all in `make test`, a part in `make check`, which is there to be run often."""

from __future__ import annotations

import os
from collections.abc import Collection

from hypothesis import HealthCheck, settings

FEWER = "TRUCE_TEST_EXAMPLES"
"""The part of all examples, as a number from 0 to 1."""
SLOW = (HealthCheck.too_slow,)
"""A slow machine is no failure."""


def examples(most: int, *, suppress_health_check: Collection[HealthCheck] = ()) -> settings:
    """Give the settings for a property that is worth `most` examples."""
    return settings(max_examples=part_of(most), deadline=None, suppress_health_check=[*SLOW, *suppress_health_check])


def usual() -> None:
    """Have properties that do not say what they are worth be worth 100 examples."""
    settings.register_profile("truce", max_examples=part_of(100), deadline=None, suppress_health_check=SLOW)
    settings.load_profile("truce")


def part_of(most: int) -> int:
    """Give how many of `most` examples are tried now, ten at least."""
    return min(most, max(10, round(most * float(os.environ.get(FEWER, "1")))))

"""How many examples a property is tried on: all in `make test`, a part in `make check`, which is there to be run often."""

from __future__ import annotations

import os
from collections.abc import Collection

from hypothesis import HealthCheck, settings

FEWER = "TRUCE_TEST_EXAMPLES"
"""The part of all examples, as a number from 0 to 1."""


def examples(most: int, *, suppress_health_check: Collection[HealthCheck] = ()) -> settings:
    """Give the settings for a property that is worth `most` examples; a slow machine is no failure."""
    return settings(max_examples=part_of(most), deadline=None, suppress_health_check=suppress_health_check)


def part_of(most: int) -> int:
    """Give how many of `most` examples are tried now, ten at least."""
    return min(most, max(10, round(most * float(os.environ.get(FEWER, "1")))))

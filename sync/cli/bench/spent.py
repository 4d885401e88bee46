"""What a backfill costs in calls: the least possible, from what has to be told, and what was spent, by lane, as Truce's own budget counts it."""

from __future__ import annotations

import urllib.request
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

PAGES = {"hubspot": 100, "salesforce": 2_000}
"""So many people a system gives in one call."""
BATCHES = {"hubspot": 100, "salesforce": 200}
"""So many it takes in one."""
APART = 20
"""Of so many people one is in HubSpot alone, and one in Salesforce alone."""


@dataclass(frozen=True)
class Due:
    """What a backfill has to do in one system."""

    read: int
    update: int
    """Records that are there: each has to be told Truce's id, its stage and its score, once."""
    create: int
    """People whom only the other system has."""

    def least(self, system: str) -> tuple[int, int]:
        """Give the least number of calls (to read, to write)."""
        batch = BATCHES[system]
        return _calls(self.read, PAGES[system]), _calls(self.update, batch) + _calls(self.create, batch)


def _calls(rows: int, batch: int) -> int:
    return -(-rows // batch)


def spread(people: int, both: int) -> dict[str, Sequence[int]]:
    """Say who is in which system: the first `both` in either, of the others a few in one alone."""
    here = [n for n in range(people) if n < both or n % APART != 7]
    return {"hubspot": here, "salesforce": [n for n in range(people) if n < both or n % APART != 13]}


def due(who: Mapping[str, Sequence[int]], known: int) -> dict[str, Due]:
    """Give what there is to do where the first `known` people of either have been read and told before."""
    everyone = {n for some in who.values() for n in some}
    return {system: Due(len(some) - known, len(some) - known, len(everyone - set(some))) for system, some in who.items()}


def counted(url: str) -> Counter[str]:
    """Give priority → calls that a process has spent, of all systems' days."""
    with urllib.request.urlopen(url, timeout=20) as answer:
        families = list(text_string_to_metric_families(answer.read().decode()))
    found = Counter[str]()
    for sample in (one for family in families for one in family.samples if one.name == "truce_slots_total"):
        if sample.labels["quota"] == "daily":
            found[sample.labels["priority"]] += int(sample.value)
    return found

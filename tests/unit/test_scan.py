"""A scan remembers what its next one meets again, and no more, however long it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.scan import Place, Places, Rows, Scan

START = datetime(2026, 11, 30, 10, tzinfo=UTC)


@dataclass(kw_only=True)
class Listed(Scan):
    """Reads a list of times, one record each, by pages of ten."""

    times: list[datetime] = field(default_factory=list)
    now: datetime = START

    async def ask(self, place: Place, fields: str) -> Rows:
        first = int(place.after[1]) + 1 if place.after else 0
        low = self.low(place.base)
        found = [{"id": str(n), "at": at.isoformat()} for n, at in enumerate(self.times) if n >= first and at >= low]
        return Rows(found[:10], len(found) > 10, self.now, self.now, self.now)  # type: ignore[arg-type]  # a row is any mapping

    def moment(self, wire: Any) -> datetime:
        return datetime.fromisoformat(wire)

    def literal(self, moment: datetime) -> str:
        return moment.isoformat()


async def test_a_long_scan_remembers_the_last_moments_alone() -> None:
    times = [START - timedelta(seconds=1000 - n) for n in range(1000)]
    scan = Listed(boot="b", lookback_s=60, stamp="at", times=times)
    place, told, most = Place(base=times[0], high=times[0]), 0, 0
    async for step in scan.pages(place, "at"):
        told, most, place = told + len(step.new), max(most, len(scan._seen)), step.place
    assert told == 1000
    assert most <= 61 + 10
    again = [step async for step in scan.pages(place, "at")]
    assert [row for step in again for row in step.new] == [], "what was told is not told again"


def test_what_is_read_of_one_object_moves_only_those_on_that_nobody_reads_yet() -> None:
    places = Places.begin(START).begun(["Account", "Lead"])
    later = Place(base=START + timedelta(hours=1), high=START + timedelta(hours=1))
    places = Places.read(places.moved("Account", later).text(), "Lead")
    assert [places.of(name).base for name in ("Account", "Lead", "Task")] == [later.base, START, START]
    assert places.moved("Lead", later).of("Task").base == later.base

"""The first-sync report: everybody read, put together, decided on paper, counted; nothing is written but a file beside the memory."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from schemas.base import Ref
from schemas.change import RecordChanged
from sync.cli.first import lists as listing
from sync.cli.first.around import Around
from sync.cli.first.lists import Lists
from sync.cli.first.reading import Heap, Reader, read, readers
from sync.cli.first.spill import Spill
from sync.lead.asking import asked as asking_for
from sync.lead.ledger import Asked as Asking
from sync.lead.state import from_ms, to_ms
from sync.playbook.models import Playbook
from sync.runtime.budget import SHARE
from sync.settings import Settings, SystemSettings
from sync.sources.publisher import wrap
from sync.trial.first.companies import Companies, Deals
from sync.trial.first.lines import Line
from sync.trial.first.person import Together, together
from sync.trial.first.tally import Tally
from sync.trial.given import rules

Tell = Callable[[str, int], None]
"""Is told (what, how many by now)."""


@dataclass(frozen=True)
class Asked:
    """What the report is to be about."""

    system: str = ""
    object: str = ""
    """Of the system: only this one of its objects for people."""
    since: datetime | None = None
    """Only people of whom a record changed since then."""
    folder: Path | None = None
    """Where the lists go."""


async def report(settings: Settings, systems: Mapping[str, SystemSettings], playbook: Playbook, asked: Asked, tell: Tell) -> dict[str, Any]:
    """Give the report as plain data."""
    awake = rules(playbook).awake
    settings.home.mkdir(parents=True, exist_ok=True)
    async with readers(settings, systems, awake) as found:
        await asyncio.gather(*(one.look(awake, asked.object if one.system == asked.system else "") for one in found.values()))
        with tempfile.TemporaryDirectory(dir=settings.home, prefix="backfill-") as folder, Lists(asked.folder) as lists:
            counting = _Counting(awake, settings.secret_bytes, found, asked, lists, tell)
            with counting.heap(Path(folder)) as heap:
                await asyncio.gather(*(read(one, n, heap, tell) for n, one in enumerate(found.values())))
                await asyncio.to_thread(counting.count, heap)
            listing.unmapped(lists, list(counting.tally.values.lines()))
        return counting.plain() | {
            "lacking": {one.system: one.lacks for one in found.values() if one.lacks},
            "calls": {one.system: _calls(one, counting) for one in found.values()},
            "lists": dict(lists.files.items()) if asked.folder else {},
        }


class _Counting:
    """Counts what was read: accounts first, opportunities and people with what is known of those around them."""

    def __init__(self, playbook: Playbook, secret: bytes, found: Mapping[str, Reader], asked: Asked, lists: Lists, tell: Tell) -> None:
        self._playbook, self._secret, self._asked, self._lists, self._tell = playbook, secret, asked, lists, tell
        self._now, self._users = to_ms(datetime.now(UTC)), {name: one.users for name, one in found.items()}
        targets = {name: one.target() for name, one in found.items()}
        self.tally = Tally(playbook, targets, self._now)
        self.companies, self.deals = Companies(playbook, targets, self._now), Deals(playbook, targets, self._now)

    @contextmanager
    def heap(self, folder: Path) -> Iterator[Heap]:
        """Give where records go, as files of a folder."""
        people, firms, around = Spill(folder / "people.sqlite"), Spill(folder / "firms.sqlite"), Around(folder / "around.sqlite")
        try:
            yield Heap(people, firms, around, self._playbook, self._secret, self._users, self.tally.values)
        finally:
            for one in (people, firms, around):
                one.close()

    def count(self, heap: Heap) -> None:
        """Count everything."""
        for group in heap.firms.groups():
            entries = [one for row in group if (one := heap.around.entry(row.ref)) is not None]
            if self._wanted(max((one.at for one in group), default=None)) and entries:
                self._list(self.companies.take(entries))
        for deal in heap.around.opportunities():
            if self._wanted(from_ms(deal.at)):
                self._list(self.deals.take(deal, heap.around.look(Asking(frozenset({deal.ref}))), heap.people.knows))
        for group in heap.people.groups():
            if self._wanted(max(row.at for row in group)):
                self._list(self.tally.take(self._together(group, heap.around)))
                self._tell("decided", sum(self.tally.records.values()))

    def _together(self, group: Sequence[RecordChanged], around: Around) -> Together:
        ledger = None
        if around.count and (asking := asking_for(group, (), self._playbook, self._secret)) is not None:
            ledger = around.look(asking)
        return together(
            [wrap(row, Ref.parse(row.ref).system) for row in group], self._users, self._secret, self._playbook, self._now, ledger
        )

    def _wanted(self, at: datetime | None) -> bool:
        return self._asked.since is None or (at is not None and at >= self._asked.since)

    def _list(self, lines: Iterator[Line]) -> None:
        for line in lines:
            self._lists.put(line)

    def plain(self) -> dict[str, Any]:
        """Give what was counted as plain data."""
        around = {"accounts": self.companies.plain(), "opportunities": self.deals.plain()}
        return self.tally.plain() | around | {"held_after": self.tally.held_after()}

    def writing(self, system: str) -> int:
        """Say how many calls it takes at the least to write to a system."""
        every = (self.tally.writes, self.companies.writes, self.deals.copies)
        return sum(one[system].calls for one in every if system in one)


def _calls(reader: Reader, counting: _Counting) -> dict[str, Any]:
    """Say what the run would cost, beside the day's quota: reading as it was just done, writing in full batches."""
    writing, daily = counting.writing(reader.system), reader.daily
    found: dict[str, Any] = {"read": reader.calls - reader.asked, "write": writing}
    if daily is None:
        return found
    limit, used = reader.budget.limits.get(daily.name, daily.calls), reader.budget.used.get(daily.name)
    share = int(limit * SHARE["bulk"])
    needed = found["read"] + writing
    return found | {"a_day": limit, "used_by_all": used, "for_bulk": share, "days": max(1, -(-needed // max(1, share)))}

"""The first-sync report: everybody read, put together, decided on paper, counted; nothing is written but a file beside the memory."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from schemas.base import Ref
from schemas.change import RecordChanged
from schemas.envelope import Envelope
from sync.cli.first import lists as listing
from sync.cli.first.lists import Lists
from sync.cli.first.reading import Reader, read, readers
from sync.cli.first.spill import Spill
from sync.lead.state import to_ms
from sync.playbook.models import Playbook
from sync.runtime.budget import SHARE
from sync.settings import Settings, SystemSettings
from sync.sources.publisher import wrap
from sync.trial.first.person import together
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
            spill = Spill(Path(folder) / "seen.sqlite")
            try:
                secret = settings.secret_bytes
                await asyncio.gather(*(read(one, n, spill, awake, secret, tell) for n, one in enumerate(found.values())))
                tally = await asyncio.to_thread(_counted, spill, found, awake, secret, asked, lists, tell)
            finally:
                spill.close()
            listing.unmapped(lists, list(tally.values.lines()))
        return tally.plain() | {
            "lacking": {one.system: one.lacks for one in found.values() if one.lacks},
            "calls": {one.system: _calls(one, tally) for one in found.values()},
            "lists": dict(lists.files.items()) if asked.folder else {},
        }


def _counted(spill: Spill, found: Mapping[str, Reader], playbook: Playbook, secret: bytes, asked: Asked, lists: Lists, tell: Tell) -> Tally:
    now = to_ms(datetime.now(UTC))
    tally = Tally(playbook, {name: one.target() for name, one in found.items()}, now)
    users = {name: one.users for name, one in found.items()}
    for group in spill.groups():
        if asked.since is not None and all(row.at < asked.since for row in group):
            continue
        for line in tally.take(together([_message(row) for row in group], users, secret, playbook, now)):
            lists.put(line)
        tell("decided", sum(tally.records.values()))
    return tally


def _message(row: RecordChanged) -> Envelope:
    return wrap(row, Ref.parse(row.ref).system)


def _calls(reader: Reader, tally: Tally) -> dict[str, Any]:
    """Say what the run would cost, beside the day's quota: reading as it was just done, writing in full batches."""
    writing, daily = tally.writes[reader.system].calls, reader.daily
    found: dict[str, Any] = {"read": reader.calls - reader.asked, "write": writing}
    if daily is None:
        return found
    limit, used = reader.budget.limits.get(daily.name, daily.calls), reader.budget.used.get(daily.name)
    share = int(limit * SHARE["bulk"])
    needed = found["read"] + writing
    return found | {"a_day": limit, "used_by_all": used, "for_bulk": share, "days": max(1, -(-needed // max(1, share)))}

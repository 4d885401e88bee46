"""The pure functions that the batch runs, and the playbook version they run under."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from schemas.envelope import Envelope
from sync.lead.decision import Decision, Facts, Wanted
from sync.playbook.models import Playbook
from sync.runtime import log
from sync.runtime.guard import Failure, Wait, attempt
from sync.runtime.metrics import metrics
from sync.store import playbooks
from sync.store.statement import Connection

Decide = Callable[[Envelope, Facts, Playbook, int], Decision]
Want = Callable[[Envelope, bytes], Wanted]
Load = Callable[[Mapping[str, bytes], int], Playbook]
_LOG = log.get("worker")


class NoPlaybook(Wait):
    """No version of the playbook can be used yet; nothing is decided until there is one."""

    reason = "playbook"


@dataclass(slots=True)
class Rules:
    """What decides, given from outside so that tests and `simulate` can give their own."""

    decide: Decide
    wanted: Want
    load: Load
    _loaded: dict[int, Playbook] = field(default_factory=dict)
    _broken: set[int] = field(default_factory=set)

    async def playbook(self, connection: Connection, version: int | None) -> Playbook:
        """Give the version, compiled once; a broken one never replaces a good one: then the newest good one before it."""
        if version is None:
            raise NoPlaybook("no version of the playbook is active: `truce apply` one")
        if version not in self._loaded and version not in self._broken:
            await self._read(connection, version)
        if version in self._loaded:
            return self._loaded[version]
        for older in await playbooks.upto(connection, version):
            if older not in self._loaded and older not in self._broken:
                await self._read(connection, older)
            if older in self._loaded:
                return self._loaded[older]
        raise NoPlaybook(f"neither version {version} of the playbook nor one before it loads")

    async def _read(self, connection: Connection, version: int) -> None:
        kept = await playbooks.get(connection, version)
        got = await asyncio.to_thread(attempt, self.load, kept.files, version) if kept else Failure("there is no such version", "missing")
        metrics.set("truce_playbook_last_load_ok", 0 if isinstance(got, Failure) else 1)
        if isinstance(got, Failure):
            self._broken.add(version)
            _LOG.error("playbook broken, the last good one stays", version=version, code=got.code)
            return
        if len(self._loaded) > 8:
            self._loaded.clear()
        self._loaded[version] = got
        metrics.set("truce_playbook_version", version)


def _load(files: Mapping[str, bytes], version: int) -> Playbook:
    """Load a version, ready to be decided by: its territories, and the holidays of its team for this year and the next, are worked out."""
    from sync.lead import hours
    from sync.playbook.loader import load_files

    playbook, year = load_files(files, version), datetime.now(UTC).year
    if playbook.territories is not None:
        playbook.territories.prepare()
    hours.prepare((rep.hours.calendar for rep in playbook.reps.values()), (year, year + 1))
    return playbook


def real() -> Rules:
    """Give the rules that Truce runs by."""
    from sync.lead.decide import decide
    from sync.lead.identity import wanted

    return Rules(decide, wanted, _load)

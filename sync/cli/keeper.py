"""What `truce up` does while it is up: tells alerts, and starts again whatever ended, less often what ends at once."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field
from math import inf
from time import monotonic
from typing import TYPE_CHECKING

from sync.cli.output import console
from sync.cli.pages import Pages
from sync.cli.parts import PartEnded
from sync.runtime.folder import frozen
from sync.runtime.guard import passing
from sync.runtime.kafka import KafkaUnavailable
from sync.runtime.postgres import PostgresUnavailable

if TYPE_CHECKING:
    from sync.cli.local import Local
    from sync.cli.watch import Watch

LOOK_S, CALM_S, LONGEST_S = 1.0, 60.0, 30.0
ALERTS_S = 3.0
EMULATED = "emulators"


@dataclass
class _Life:
    """When something was started last, and when it may be started again once it ended."""

    begun: float = -inf
    wait: float = 0.0
    due: float | None = None


@dataclass
class Keeper:
    """Keeps one local run up until `stopped` is set."""

    local: Local
    installation: str
    stopped: threading.Event
    watch: Watch | None = None
    """Takes what is saved in the playbook's folder in force."""
    pages: Pages | None = None
    """Says where the pages for people are."""
    _lives: dict[str, _Life] = field(default_factory=dict)
    _silent: bool = False
    _stopped: dict[str, int] = field(default_factory=dict)

    def run(self) -> None:
        """Look once a second; raises PartEnded when the emulated systems ended, because what they held is gone with them."""
        while not self.stopped.wait(LOOK_S):
            self._servers()
            self._parts()
            self._frozen()
            self._alerts()
            if self.pages is not None:
                self.pages.look()
            if self.watch is not None:
                self.watch.look()

    def _servers(self) -> None:
        for name, server in self.local.servers.items():
            if server.ended and self._due(name, f"{name} ended; everything waits for it, and it keeps its data"):
                try:
                    server.again()
                except (KafkaUnavailable, PostgresUnavailable) as error:  # tried again
                    console.print(str(error), markup=False)

    def _parts(self) -> None:
        for name, part in list(self.local.parts.running.items()):
            if (code := part.process.poll()) is None or self.stopped.is_set():
                continue
            if name == EMULATED:
                raise PartEnded(f"the emulated systems ended with {code}, and what they held is gone with them: start `truce up` again.")
            if self._due(name, f"{name} ended with {code}", f". The end of {part.log}:\n{part.tail(3)}"):
                self.local.parts.start(name, "edge" if name == "edge" else "worker")

    def _frozen(self) -> None:
        """Say which process was stopped, and that it goes on."""
        now = frozen(self.local.folder)
        for name in now.keys() - self._stopped.keys():
            console.print(f"{name} is stopped (process {now[name]}) and does nothing: kill -CONT {now[name]} lets it go on", markup=False)
        for name in self._stopped.keys() - now.keys():
            console.print(f"{name} is no longer stopped.", markup=False)
        self._stopped = now

    def _due(self, name: str, what: str, more: str = "") -> bool:
        """Say whether what ended is to be started now: at once the first time, later and later when it ends again soon."""
        now, life = monotonic(), self._lives.setdefault(name, _Life())
        if life.due is None:
            life.wait = min(LONGEST_S, max(1.0, 2 * life.wait)) if now - life.begun < CALM_S else 0.0
            life.due = now + life.wait
            console.print(f"{what}; started again {f'in {life.wait:.0f} s' if life.wait else 'now'}{more}", markup=False)
        if now < life.due:
            return False
        life.begun, life.due = now, None
        return True

    def _alerts(self) -> None:
        try:
            lines = asyncio.run(asyncio.wait_for(self._due_alerts(), ALERTS_S))
        except Exception as error:
            if passing(error) is None:
                raise
            if not self._silent:
                console.print("PostgreSQL does not answer: alerts wait for it.", markup=False)
            self._silent = True
            return
        if self._silent:
            console.print("PostgreSQL answers again: what waited for it goes on.", markup=False)
        self._silent = False
        for line in lines:
            console.print("ALERT", line, markup=False)

    async def _due_alerts(self) -> list[str]:
        from sync.alerts.terminal import claim
        from sync.store.connect import connect

        connection = await connect(self.local.dsn, self.installation)
        try:
            return await claim(connection)
        finally:
            connection.terminate()

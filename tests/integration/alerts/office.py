"""A notifier with its playbook and channels, and a clock that the test moves."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from sync.alerts.flush import Ground
from sync.alerts.notifier import Notifier
from sync.alerts.outlets import Outlets
from sync.lead.decision import ProblemNote
from sync.playbook import loader
from sync.playbook.models import Playbook
from sync.playbook.models.alerts import AlertRoute, Alerts, Channel
from sync.playbook.models.base import Where
from sync.runtime.clock import SetClock
from sync.settings import ChannelSettings, Settings
from sync.store import problems
from sync.store.statement import run

HERE = Where("alerts.yaml", 1, 1)
EXAMPLE = loader.load(Path("deploy/playbook"))


def agreed(to: tuple[str, ...] = ("ops",), *, channels: dict[str, Channel] | None = None, **more: Any) -> Playbook:
    """The example with a tree of one node."""
    root = AlertRoute("root", HERE, to, "head.of.sales@acme.example", **more)
    known = channels or {
        "ops": Channel("ops", "webhook", HERE, "mail"),
        "mail": Channel("mail", "email", HERE),
        "other": Channel("other", "webhook", HERE),
    }
    return replace(EXAMPLE, alerts=Alerts(root, known))


@dataclass
class Office:
    pool: Any
    settings: dict[str, ChannelSettings]
    playbook: Playbook = field(default_factory=agreed)
    clock: SetClock = field(default_factory=lambda: SetClock(round(datetime.now(UTC).timestamp() * 1000)))
    published: list[tuple[bytes, bytes, list[tuple[str, bytes]]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.outlets = Outlets(Settings(channels=self.settings))
        self.notifier = self.another()

    def another(self) -> Notifier:
        """One more notifier on the same store, as after a restart."""

        async def playbook() -> Playbook:
            return self.playbook

        return Notifier(self.pool, self.outlets, playbook, publish=self._publish, console="http://truce.example", clock=self.clock)

    async def _publish(self, key: bytes, value: bytes, headers: list[tuple[str, bytes]]) -> None:
        self.published.append((key, value, headers))

    def ground(self) -> Ground:
        """What this notifier tells by."""
        return Ground(self.playbook, self.outlets.ready(self.playbook), "http://truce.example")

    async def opened(self, *notes: ProblemNote) -> None:
        await run(self.pool, problems.write(notes))

    async def after(self, seconds: float = 0.0) -> None:
        """Let time pass and the notifier do all that is due by then."""
        self.clock.forward(seconds)
        while await self.notifier.step():
            pass

    async def minutes(self, count: float, step_s: int = 10) -> None:
        """Let time pass bit by bit."""
        for _ in range(int(count * 60 / step_s)):
            await self.after(step_s)

    async def close(self) -> None:
        await self.outlets.close()


def problem(
    n: int, cause: str = "not_accepted", owner: str | None = "ben@acme.example", *, opened: bool = True, **more: Any
) -> ProblemNote:
    return ProblemNote(cause, f"handoff-{n}", opened, f"not accepted by 09:{n % 60:02}", owner=owner, **more)


def secret(value: str) -> SecretStr:
    return SecretStr(value)


def later(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)

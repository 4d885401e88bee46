"""What a scene works with: the clients, the parts, the journals, and waiting until something is so."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sync.cli import emulate
from sync.cli.demo.clients import Chat, Crm, Marketing, door
from sync.cli.demo.judge import Row, writing
from sync.cli.demo.screen import Screen
from sync.cli.parts import Parts
from sync.playbook.models import Playbook
from sync.store.connect import connect

Found = TypeVar("Found")


class NotSo(AssertionError):
    """Something that the story needs did not come about in time; the text says what."""


@dataclass
class Stage:
    """The demo while it runs."""

    parts: Parts
    screen: Screen
    urls: dict[str, str]
    chat: Chat
    dsn: str
    installation: str
    playbook: Playbook
    crm: Crm
    admin: Crm
    marketing: Marketing
    quick: bool = False
    latencies_ms: list[float] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    def until(self, what: str, so: Callable[[], Found], *, seconds: float = 30.0, every: float = 0.05) -> Found:
        """Wait until something is so and give it; raises NotSo with `what`, PartEnded when a part died meanwhile."""
        end = time.monotonic() + seconds
        while not (found := so()):
            self.parts.check()
            if time.monotonic() > end:
                raise NotSo(f"not within {seconds:.0f} s: {what}")
            time.sleep(every)
        return found

    def ask(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        """Ask Truce's own store."""

        async def run() -> list[dict[str, Any]]:
            connection = await connect(self.dsn, self.installation)
            try:
                return [dict(row) for row in await connection.fetch(statement, *values)]
            finally:
                await connection.close()

        return asyncio.run(run())

    def journal(self, system: str, kind: str = "effects", since: int = 0) -> list[Row]:
        """Read an emulator's journal."""
        rows: list[Row] = door(self.urls[system], f"journal/{kind}?since={since}")
        return rows

    def marks(self) -> dict[str, int]:
        """Note where both effect journals stand."""
        return {system: len(self.journal(system)) for system in self.urls}

    def settled(self, *, seconds: float = 60.0) -> None:
        """Wait until nothing is under way: all decided, nothing dirty, no intent without its result."""
        statement = (
            "SELECT (SELECT count(*) FROM dirty) + (SELECT count(*) FROM intents WHERE state IN ('open', 'done')) "
            "+ (SELECT count(*) FROM read_orders) AS n"
        )
        calm = 0

        def quiet() -> bool:
            nonlocal calm
            calm = calm + 1 if not self.ask(statement)[0]["n"] and not door(self.urls["hubspot"], "webhooks")["pending"] else 0
            return calm >= 3

        self.until("everything written (nothing dirty, no open intent)", quiet, seconds=seconds, every=0.15)

    def writes(self) -> dict[str, int]:
        """Count Truce's writing calls so far."""
        return {system: len(writing(self.journal(system, "calls"))) for system in self.urls}

    def owner_name(self, email: str) -> str:
        """Give the name of a rep."""
        return emulate.REPS.get(email, email)

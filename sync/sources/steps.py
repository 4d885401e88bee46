"""Steps of reading one system, each done again and again at its own pace; one that fails is waited for, and a person is told where it matters."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from connectors.errors import ConnectorError, RateLimited, Surprising, Unavailable
from connectors.shape import place
from sync.lead.decision import ProblemNote
from sync.runtime.guard import OUTAGES, passing
from sync.runtime.health import here
from sync.store import problems
from sync.store.statement import clean, run


@dataclass
class Steps:
    """One system's; `doubt` is called when what is known of the live schema may be wrong."""

    system: str
    pool: Any
    log: Any
    doubt: Callable[[], None]
    _fine: set[str] = field(default_factory=set)
    """Steps that worked when they were done last."""

    async def every(self, name: str, seconds: Callable[[], float], step: Callable[[], Awaitable[None]]) -> None:
        """Do a step for ever, so many seconds apart."""
        while True:
            await self.patiently(name, step)
            await asyncio.sleep(seconds())

    async def patiently(self, name: str, step: Callable[[], Awaitable[None]]) -> None:
        """Do a step until it is done; a vendor, Kafka or PostgreSQL that is away is waited for, with the reason in the log."""
        with ExitStack() as named:  # as long as a step fails, that is what the health check shows
            await self._until_done(name, step, named)

    async def _until_done(self, name: str, step: Callable[[], Awaitable[None]], named: ExitStack) -> None:
        wait = 0.5
        while True:
            try:
                await step()
                return await self._well(name)
            except RateLimited as error:
                reason = self.system
                wait = max(error.retry_after, 0.1)
                self.log.warning("waiting as told", code=error.code, retry_after=wait)
            except Unavailable as error:
                reason = self.system
                self.doubt()
                self.log.warning("reading goes on later", error=type(error).__name__, reason=str(error)[:200], seconds=wait)
            except ConnectorError as error:  # it understood, and refuses: so it will the next time
                reason, wait = self.system, 60.0
                self.doubt()  # perhaps a field is gone
                await self._page(name, error)
            except Exception as error:
                reason = passing(error) or self.system
                if passing(error):
                    self.log.warning("waiting", waiting=reason, error=type(error).__name__, seconds=wait)
                else:  # a defect, ours or theirs, in reading one system must not end the process that reads and writes them all
                    wait = 60.0
                    await self._page(name, Surprising(f"what was read cannot be handled ({place(error)})"))
            named.close()
            named.enter_context(here().waiting(reason))
            await asyncio.sleep(wait)
            wait = min(wait * 2, 30.0)

    async def _page(self, name: str, error: ConnectorError) -> None:
        self.log.error("a person must look", error=type(error).__name__, reason=error.words[:200])
        text = clean(f"{self.system} cannot be read: {error.words[:300]}. `truce doctor` says what to do.")
        try:
            await run(self.pool, problems.write([ProblemNote("connection", f"{self.system}:{name}", True, text, system=self.system)]))
        except OUTAGES as outage:
            self.log.warning("a problem was not noted", error=type(outage).__name__)
        self._fine.discard(name)

    async def _well(self, name: str) -> None:
        """Close what an earlier failure of a step opened, in this process or in one before."""
        if name not in self._fine:
            await run(self.pool, problems.write([ProblemNote("connection", f"{self.system}:{name}", False, "", system=self.system)]))
            self._fine.add(name)

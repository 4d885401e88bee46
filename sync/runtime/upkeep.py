"""Keeping up the parts of one process: an outage is waited out, a defect is told and the part begun again, the other parts go on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from time import monotonic
from typing import Any

from connectors.shape import place
from sync.lead.decision import ProblemNote
from sync.runtime import log
from sync.runtime.guard import OUTAGES, passing
from sync.runtime.health import here
from sync.runtime.rest import rest
from sync.store import problems
from sync.store.statement import run

LONGEST_S = 30.0
CALM_S = 60.0
"""A part that ran for so long before it failed is begun again at once."""
_log = log.get("app")


async def keep(
    name: str,
    part: Callable[[], Awaitable[None]],
    pool: Any,
    stop: asyncio.Event,
    ends: tuple[type[Exception], ...] = (),
    wait_s: float = 0.5,
) -> None:
    """Run a part until told to stop; raises what `ends` names, because beginning again would change nothing."""
    wait = wait_s
    while not stop.is_set():
        begun = monotonic()
        try:
            await part()
            reason, error = None, None
        except Exception as raised:
            error, reason = first(raised), passing(raised)
            if isinstance(error, ends):
                raise error from None
        if stop.is_set():
            return
        wait = wait_s if monotonic() - begun > CALM_S else wait
        await _tell(name, error, reason, pool)
        with here().waiting(reason or name):
            await rest(wait, stop)
        wait = min(LONGEST_S, wait * 2)


def first(error: BaseException) -> BaseException:
    """Give the first error of a group: one is enough to say why a part ended."""
    return first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


async def _tell(name: str, error: BaseException | None, reason: str | None, pool: Any) -> None:
    what = place(error) if error else "it ended by itself"
    if reason:
        _log.warning("waiting", waiting=reason, reason=what, kind=name)
        return
    _log.error("a part failed and is begun again", kind=name, reason=what)
    text = f"The {name} failed ({what}) and was begun again: a defect of Truce itself, if it comes again. The logs say when."
    with suppress(*OUTAGES):
        await run(pool, problems.write([ProblemNote("part_failed", name, True, text)]))

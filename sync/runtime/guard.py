"""The guard: the only catch. It never raises to Faust, because Faust acknowledges what raised.

Connection errors wait with a named reason; any other failure halves the batch down to the one message, which is parked.
"""

from __future__ import annotations

import asyncio
import traceback
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

import asyncpg
from aiokafka.errors import KafkaError

from schemas.envelope import Unreadable
from sync.lead.decision import OutcomeKind
from sync.runtime import log
from sync.runtime.health import Health
from sync.runtime.metrics import metrics
from sync.store.statement import clean

T = TypeVar("T")
M = TypeVar("M")
Next = Literal["wait", "again", "poison"]
_LOG = log.get("worker")

_DATABASE = (
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.PostgresSystemError,
    asyncpg.InternalClientError,
)


class Wait(Exception):
    """Nothing can go on until somebody does something; `reason` names it for the health check."""

    reason = "database"


class Contended(Exception):
    """Others changed the same rows again and again: try with fewer messages."""


_AGAIN = (asyncpg.TransactionRollbackError, asyncpg.LockNotAvailableError, Contended)
OUTAGES = (
    *_DATABASE,
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
    asyncpg.InterfaceError,
    OSError,
    TimeoutError,
    KafkaError,
)
"""PostgreSQL or Kafka is away, or PostgreSQL chose others (a deadlock, a lock that did not come): what was begun is to be done again."""


class TooMuchParked(RuntimeError):
    """So much was parked that the poison is most likely us; stop, and let a person look."""


class CannotPark(RuntimeError):
    """A message can neither be applied nor parked; stop, nothing of it is lost."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why one message could not be handled."""

    reason: str
    code: str
    traceback: str | None = None


def failure(error: Exception) -> Failure:
    """Put an error into words that can be kept."""
    if isinstance(error, Unreadable):
        return Failure(clean(str(error)), "unreadable")
    lines = "".join(traceback.format_exception(error))
    return Failure(clean(f"{type(error).__name__}: {error}", 1000), type(error).__name__, clean(lines, 20_000))


def attempt(step: Callable[..., T], *args: Any) -> T | Failure:
    """Do one pure step for one message; what it raises is that message's failure and no other's."""
    try:
        return step(*args)
    except Exception as error:
        return failure(error)


def waits_for(error: Exception) -> str | None:
    """Name what an error says must be waited for, None when waiting would not help."""
    if isinstance(error, Wait):
        return error.reason
    if isinstance(error, KafkaError):
        return "kafka"
    lost = isinstance(error, asyncpg.InterfaceError) and not isinstance(error, ValueError)  # the driver's DataError is both, and is poison
    return "database" if lost or isinstance(error, (*_DATABASE, OSError, TimeoutError)) else None


def passing(error: BaseException) -> str | None:
    """Name what an error says will pass (`database`, `kafka`, `locks`; of a group, each must), None when waiting would not help."""
    if isinstance(error, BaseExceptionGroup):
        found = [passing(one) for one in error.exceptions]
        return found[0] if all(found) else None
    if isinstance(error, _AGAIN):
        return "locks"
    return waits_for(error) if isinstance(error, Exception) else None


def judge(error: Exception) -> Next:
    """Say what happens next after an error."""
    if isinstance(error, _AGAIN):
        return "again"
    return "wait" if waits_for(error) else "poison"


@dataclass(slots=True)
class _Source:
    """What became of one source's messages lately."""

    last: deque[bool]
    parked: int = 0
    row: int = 0
    at: float = 0.0

    def note(self, parked: bool, at: float) -> None:
        if len(self.last) == self.last.maxlen:
            self.parked -= self.last[0]
        self.last.append(parked)
        self.parked += parked
        self.row = self.row + 1 if parked else 0
        self.at = at


class Flood:
    """Counts what is parked, source by source (a system, a door, our own parts).

    More than `share` of a source's last `window`, or `row` in a row, is a flood. One source alone may send nothing but nonsense: what it
    sends is parked, and all others go on. Where two flood within `recent_s`, the poison is our own.
    """

    def __init__(self, window: int = 1000, share: float = 0.1, row: int = 50, recent_s: float = 600.0) -> None:
        self.window, self.most, self.row, self.recent_s = window, window * share, row, recent_s
        self.sources: dict[str, _Source] = {}

    def note(self, outcomes: Iterable[tuple[str, OutcomeKind]], at: float) -> None:
        """Add what became of messages, each with its source, at a moment (monotonic seconds); raises TooMuchParked."""
        for source, outcome in outcomes:
            if source not in self.sources:
                self.sources[source] = _Source(deque(maxlen=self.window))
            self.sources[source].note(outcome == "parked", at)
        recent = {name: one for name, one in self.sources.items() if at - one.at <= self.recent_s}
        flooding = {name: one for name, one in recent.items() if one.row >= self.row or one.parked > self.most}
        if len(flooding) > 1:
            told = (f"of {name} {one.parked} of the last {len(one.last)}" for name, one in sorted(flooding.items()))
            raise TooMuchParked(f"messages of {len(flooding)} sources were parked ({', '.join(told)})")


class Guard(Generic[M]):
    """Runs `apply` over messages until each is done or parked."""

    def __init__(self, health: Health, apply: Callable[[Sequence[M], Failure | None], Awaitable[int]]) -> None:
        self.health, self._apply = health, apply

    async def run(self, messages: Sequence[M]) -> None:
        """Apply all messages in order; raises only CannotPark and what `apply` means as an order to stop (TooMuchParked)."""
        with ExitStack() as named:  # what is waited for stays named while it is tried again
            await self._all(messages, named)

    async def _all(self, messages: Sequence[M], named: ExitStack) -> None:
        at, size, tries = 0, len(messages), 0
        while at < len(messages):
            part = messages[at : at + size]
            try:
                done = await self._apply(part, None)
            except (TooMuchParked, CannotPark):
                raise
            except Exception as error:
                tries += 1
                size = await self._next(part, error, tries, named)
                at += 0 if size else 1
                size = size or 1
                continue
            named.close()
            at, size, tries = at + done, max(2 * size, 8), 0

    async def _next(self, part: Sequence[M], error: Exception, tries: int, named: ExitStack) -> int:
        """Give the size to go on with; 0: the one message was parked."""
        what = judge(error)
        if what == "wait":
            named.close()
            named.enter_context(self.health.waiting(waits_for(error) or "locks"))
            await self.wait(error, tries)
            return len(part)
        metrics.count("truce_batches_total", result="halved")
        _LOG.info("smaller batch", reason=type(error).__name__, count=len(part), attempt=tries)
        if len(part) > 1:
            return (len(part) + 1) // 2
        if what == "again":
            await asyncio.sleep(min(0.02 * tries, 0.5))
            return 1
        await self._park(part, failure(error))
        return 0

    async def _park(self, part: Sequence[M], why: Failure) -> None:
        for tries in range(1, 1_000_000):
            try:
                await self._apply(part, why)
                return
            except TooMuchParked:
                raise
            except Exception as error:
                if judge(error) == "poison":
                    raise CannotPark(f"a message can neither be applied ({why.code}) nor parked ({type(error).__name__})") from error
                await self.wait(error, tries)

    async def wait(self, error: Exception, tries: int) -> None:
        """Wait a little, longer each time, with the reason named."""
        reason = waits_for(error) or "locks"
        _LOG.warning("waiting", waiting=reason, reason=type(error).__name__, attempt=tries)
        with self.health.waiting(reason):
            await asyncio.sleep(min(0.05 * 2 ** min(tries, 6), 1.0))

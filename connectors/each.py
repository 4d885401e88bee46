"""Rows written one call each, side by side, for vendors whose API has no batch: what the others would meet too ends the batch."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from connectors.base import Create, Done, Failed, RowOutcome, Update
from connectors.errors import AuthExpired, ConnectorError, RateLimited, Unavailable
from connectors.shape import STUMBLES, told_of

_WHOLE = (Unavailable, RateLimited, AuthExpired)
"""What ends a batch: the next row would meet the same."""
_R = TypeVar("_R", Update, Create)


async def each(rows: Sequence[_R], step: Callable[[_R], Awaitable[Done]], *, in_flight: int) -> Sequence[RowOutcome]:
    """Write rows side by side; a failure that the others would meet too ends the batch, and where nothing else came of it, it is raised."""
    room, ended, failed = asyncio.Semaphore(in_flight), list[ConnectorError](), list[ConnectorError]()

    async def one(row: _R) -> RowOutcome:
        async with room:
            if ended:
                failed.append(ended[0])
                return Failed(row.key, _unsent(ended[0]))
            try:
                return await step(row)
            except _WHOLE as error:
                ended.append(error)
                failed.append(error)
                return Failed(row.key, error)
            except ConnectorError as error:
                return Failed(row.key, error)
            except STUMBLES as error:  # here, or the others would be left to themselves
                return Failed(row.key, told_of(error, wrote=True))

    told = await asyncio.gather(*(one(row) for row in rows))
    if rows and len(failed) == len(rows):
        raise next((error for error in failed if isinstance(error, Unavailable) and error.unknown_outcome), failed[0])
    return told


def _unsent(error: ConnectorError) -> ConnectorError:
    """Give the error of a row that was not sent because another one failed: nothing was done."""
    return Unavailable(f"not sent: {error.words}", code=error.code, status=error.status) if isinstance(error, Unavailable) else error

"""Pages read one after the other by somebody who waits for them: a vendor that is away for a moment is asked again from the last page on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

from connectors.base import Page
from connectors.errors import RateLimited, Unavailable

TRIES = 5
"""So often in a row a vendor that is away is waited for."""


async def pages(
    read: Callable[[str | None], AsyncIterator[Page]], cursor: str | None, wait: Callable[[float], None] = lambda seconds: None
) -> AsyncGenerator[Page]:
    """Give the pages that `read` gives from a cursor on; `wait` is told of each wait.

    Raises the ConnectorError where waiting does not help: AuthExpired, Surprising, a day's quota that is used up, or too many in a row.
    """
    failed = 0
    while True:
        try:
            rows: Any = read(cursor)
            async with aclosing(rows):  # whoever stops in the middle leaves nothing open
                async for page in rows:
                    yield page
                    cursor, failed = page.cursor, 0
            return
        except (RateLimited, Unavailable) as error:
            failed += 1
            if failed > TRIES or (isinstance(error, RateLimited) and error.daily):
                raise
            seconds = error.retry_after if isinstance(error, RateLimited) else 2.0**failed
        wait(seconds)
        await asyncio.sleep(seconds)

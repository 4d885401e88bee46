"""A budget and breaker for calls that nobody counts: a handful by hand, or to receivers of our own."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import datetime


class Unmetered:
    """Lets everything pass."""

    def slot(self, quota: str, *, priority: str) -> AbstractAsyncContextManager[None]:
        """Give a slot at once."""
        return nullcontext()

    async def seen(self, quota: str, *, used: int | None = None, limit: int | None = None, blocked_until: datetime | None = None) -> None:
        """Take no notice."""

    async def before(self) -> None:
        """Never be open."""

    async def after(self, *, ok: bool) -> None:
        """Take no notice."""

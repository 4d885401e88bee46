"""A budget and a breaker that let everything pass."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import datetime


class Free:
    """Both protocols of connectors.base at once."""

    def slot(self, quota: str, *, priority: str) -> AbstractAsyncContextManager[None]:
        return nullcontext()

    async def seen(self, quota: str, *, used: int | None = None, limit: int | None = None, blocked_until: datetime | None = None) -> None:
        return None

    async def before(self) -> None:
        return None

    async def after(self, *, ok: bool) -> None:
        return None

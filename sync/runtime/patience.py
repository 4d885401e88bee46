"""A server's patience with whoever connects and then says nothing, or says it a byte at a time: uvicorn itself has none before a request."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_S = 10.0
"""How long a connection may take until the head of its request is there."""


class Impatient(H11Protocol):
    """uvicorn's HTTP protocol that hangs up when no head of a request came within `head_s` seconds."""

    head_s = HEAD_S
    _due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin to wait."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Wait on, or no longer: the head may be complete now."""
        super().data_received(data)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        super().connection_lost(exc)
        self._rest()

    def _headless(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _wait(self) -> None:
        if not self._headless():
            self._rest()
        elif self._due is None:
            self._due = self.loop.call_later(self.head_s, self._hang_up)

    def _rest(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None

    def _hang_up(self) -> None:
        self._due = None
        if self._headless() and not self.transport.is_closing():
            self.transport.close()

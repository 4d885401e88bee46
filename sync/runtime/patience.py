"""A server's patience with whoever connects and then says nothing, or says it a byte at a time: uvicorn itself has none before a request."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_S = 10.0
"""How long a connection may take until the head of its request is there."""
MOST = 400
"""Connections at once: a process may commonly have 1,024 files open, and ours to PostgreSQL, Kafka and vendors are among them."""


class Impatient(H11Protocol):
    """uvicorn's HTTP protocol that hangs up when no head of a request came within `head_s` seconds, or sooner to make room for others."""

    head_s, most = HEAD_S, MOST
    _due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin to wait."""
        super().connection_made(transport)
        self._wait()
        if len(self.connections) > self.most:
            self._make_room()

    def data_received(self, data: bytes) -> None:
        """Wait on, or no longer: the head may be complete now."""
        super().data_received(data)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        super().connection_lost(exc)
        self._rest()

    def _make_room(self) -> None:
        """Hang up on who was answered and asks no more, else on whom was waited for longest; where all others are being answered, that is we."""
        idle = [one for one in self.connections if isinstance(one, Impatient) and one._headless() and not one.transport.is_closing()]
        min(idle, key=lambda one: one._due.when() if one._due else 0.0)._hang_up()

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

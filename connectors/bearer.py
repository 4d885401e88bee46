"""The token of a session: minted when needed, once for however many calls need it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import NamedTuple

from connectors.errors import AuthExpired, Conflict, Gone, Rejected


class Token(NamedTuple):
    """A bearer token, and for how many seconds it is good, where the vendor says so."""

    text: str
    lifetime_s: float | None = None


class Bearer:
    """The token of one session: minted when first needed, a minute before its end, and once for however many refusals of it."""

    def __init__(self, mint: Callable[[], Awaitable[Token]] | None = None, *, fixed: str = "") -> None:
        self._mint, self._token, self._until = mint, fixed or None, float("inf")
        self._minting: asyncio.Task[str] | None = None

    async def token(self) -> str:
        """Give the token to send."""
        if self._token is not None and monotonic() < self._until:
            return self._token
        return await self.renew(self._token)

    async def renew(self, stale: str | None) -> str:
        """Give another token than `stale`; whoever asks at the same time shares one minting. Raises AuthExpired if there is no way."""
        if self._token is not None and self._token != stale:
            return self._token
        if self._mint is None:
            raise AuthExpired("the token is not accepted, and a fixed token cannot be renewed", status=401)
        if self._minting is None:
            self._minting = asyncio.create_task(self._run(self._mint))
            self._minting.add_done_callback(self._minted)
        return await asyncio.shield(self._minting)

    async def _run(self, mint: Callable[[], Awaitable[Token]]) -> str:
        try:
            token = await mint()
        except (Rejected, Conflict, Gone) as error:  # of our credentials, whoever is to be written with the token: no record's fault
            raise AuthExpired(error.words, code=error.code, status=error.status) from None
        self._until = float("inf") if token.lifetime_s is None else monotonic() + max(token.lifetime_s - 60, token.lifetime_s / 2)
        self._token = token.text
        return token.text

    def _minted(self, task: asyncio.Task[str]) -> None:
        self._minting = None
        if not task.cancelled():
            task.exception()  # whoever asked has it; unread it would be reported as lost

    async def close(self) -> None:
        """End a minting under way."""
        if self._minting is not None:
            self._minting.cancel()

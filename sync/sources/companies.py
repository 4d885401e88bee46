"""A first read tells people when the accounts are decided that they may belong to: an account's news judges nobody again.

Each system's accounts are read before its people; where several systems are read at once, the people of one wait for the others' accounts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.base import Item
from schemas.base import Ref
from sync.playbook.models import Playbook
from sync.sources.lag import LagGate
from sync.sources.publisher import ref_of
from sync.store import cursors


@dataclass
class AccountsFirst:
    """What one system's first read waits for before its first people."""

    pool: Any
    system: str
    people: Sequence[str]
    """The objects that people are."""
    gate: LagGate
    says: Callable[[str], None] = lambda why: None
    """Told what is waited for."""
    _told: bool = False
    """Whether something was told that people may belong to."""
    _past: bool = False

    async def before(self, items: Sequence[Item], playbook: Playbook) -> None:
        """Return when these items may be told; call it with everything that is read, in its order."""
        if self._past:
            return
        people = [Ref.parse(ref).object in self.people for item in items if (ref := ref_of(item))]
        self._told |= not all(people)
        if any(people):
            await cursors.put(self.pool, self.system, cursors.ACCOUNTS, "", done=True)
            await self._known(playbook)
            self._past = True

    async def _known(self, playbook: Playbook) -> None:
        others = [name for name, rules in playbook.systems.items() if rules.account and name != self.system]
        while left := await cursors.accounts_left(self.pool, others):
            self._told = True
            self.says(f"waiting for the accounts of {', '.join(left)}, which are read now")
            await asyncio.sleep(0.2)
        if self._told:
            self.says("waiting until the accounts are decided (does a worker run?)")
            await self.gate.passed()

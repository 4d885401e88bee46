"""What a scene works with: the clients, the parts, the journals, and waiting until something is so."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from schemas.base import Scalar
from sync.cli import emulate
from sync.cli.demo.clients import Chat, door
from sync.cli.demo.judge import Row, spoken, writing
from sync.cli.demo.screen import Screen
from sync.cli.demo.sides import Marketing, Sales, Side
from sync.cli.demo.sides.own import Own, marked
from sync.cli.demo.world import Person, spelled
from sync.cli.parts import Parts
from sync.playbook.models import Playbook
from sync.store.connect import connect

Found = TypeVar("Found")
UNDER_WAY = """SELECT (SELECT count(*) FROM dirty) AS "to be planned", (SELECT count(*) FROM read_orders) AS "to be read again",
(SELECT count(*) FROM intents WHERE state = 'open') AS "to be written", (SELECT count(*) FROM intents WHERE state = 'done') AS "to be told",
(SELECT count(*) FROM cursors WHERE name = 'changes' AND system = ANY($2) AND coalesce(seen_until, '-infinity') < $1) AS "systems unread" """


@dataclass(frozen=True, slots=True)
class Manner:
    """What can be seen and done of the systems, and how it is called."""

    journals: bool
    """They keep journals of everything, and what they tell can be held back."""
    patience: int
    """So many times longer may things take."""
    every: float
    """So rarely are they asked (s)."""
    burst: int
    """So many people at once fill in a form."""
    order: str
    writes: str


EMULATED = Manner(True, 1, 0.0, 500, "delivered in reverse order", "writing calls")
OWN = Manner(False, 4, 0.5, 40, "as it comes", "records changed")
"""Nobody knows how fast one's own systems are."""


class NotSo(AssertionError):
    """Something that the story needs did not come about in time; the text says what."""


@dataclass
class Stage:
    """The demo while it runs."""

    parts: Parts
    screen: Screen
    urls: dict[str, str]
    chat: Chat
    dsn: str
    installation: str
    playbook: Playbook
    pair: tuple[str, str]
    """The names of the CRM and the marketing platform, which are their vendors' too."""
    titles: Mapping[str, str]
    """What people call them."""
    crm: Sales
    marketing: Marketing
    mark: str = ""
    """What this run's addresses have in one's own systems; blank: the emulated ones."""
    latencies_ms: list[float] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    _users: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def manner(self) -> Manner:
        """Give what can be done here."""
        return OWN if self.mark else EMULATED

    def until(self, what: str, so: Callable[[], Found], *, seconds: float = 30.0, every: float = 0.05) -> Found:
        """Wait until something is so and give it; raises NotSo with `what`, PartEnded when a part died meanwhile."""
        seconds, every = seconds * self.manner.patience, max(every, self.manner.every)
        end = time.monotonic() + seconds
        while not (found := so()):
            self.parts.check()
            if time.monotonic() > end:
                raise NotSo(f"not within {seconds:.0f} s: {what}")
            time.sleep(every)
        return found

    @property
    def sides(self) -> dict[str, Side]:
        """Give both systems by name."""
        return dict(zip(self.pair, (self.crm, self.marketing), strict=True))

    def name(self, system: str, shared: str) -> str:
        """Give what a system calls a field."""
        return self.playbook.fields[shared].systems[system].name

    def row(self, system: str, email: str, *shared: str) -> dict[str, Scalar]:
        """Give what a system says of a person, canonically; nothing of whom it does not have."""
        found = self.sides[system].one(email, [self.name(system, one) for one in shared])
        return {one: self._said(system, one, found.get(self.name(system, one))) for one in shared} if found else {}

    def _said(self, system: str, shared: str, value: Any) -> Scalar:
        return spoken(self.playbook.fields[shared], system, value, self._user, None)

    def _user(self, system: str, ident: Scalar) -> str | None:
        """Give a user's address; all are read again only for one who is not known yet."""
        known = self._users.setdefault(system, {})
        if str(ident) not in known:
            known.update(self.sides[system].users())
        return known.get(str(ident))

    def emails(self, system: str) -> set[str]:
        """Give the address of everybody in a system, in lower case."""
        name = self.name(system, "email")
        return {str(row[name]).lower() for row in self.sides[system].rows([name])}

    def submit(self, person: Person, page: str) -> None:
        """Let somebody fill in the form of a page."""
        self.marketing.submit(self.spelled(self.pair[1], **person.fields()), page)

    def spelled(self, system: str, **fields: Scalar) -> dict[str, Any]:
        """Give values as a system spells them."""
        return spelled(self.playbook, system, fields)

    def ask(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        """Ask Truce's own store."""

        async def run() -> list[dict[str, Any]]:
            connection = await connect(self.dsn, self.installation)
            try:
                return [dict(row) for row in await connection.fetch(statement, *values)]
            finally:
                await connection.close()

        return asyncio.run(run())

    def journal(self, system: str, kind: str = "effects", since: int = 0) -> list[Row]:
        """Read an emulator's journal; one's own systems have none."""
        if not self.manner.journals:
            return []
        rows: list[Row] = door(self.urls[system], f"journal/{kind}?since={since}")
        return rows

    def marks(self) -> dict[str, int]:
        """Note where both effect journals stand."""
        return {system: len(self.journal(system)) for system in self.urls}

    def settled(self, *, seconds: float = 60.0) -> None:
        """Wait until nothing is under way: all read up to now, all decided, nothing dirty, no intent without its result."""
        now, polled, calm, left = datetime.now(UTC), [name for name in self.pair if name in emulate.SLOW], 0, dict[str, int]()

        def quiet() -> bool:
            nonlocal calm, left
            left = {name: count for name, count in self.ask(UNDER_WAY, now, polled)[0].items() if count}
            calm = calm + 1 if not left and not self.marketing.pending() else 0
            return calm >= 3

        try:
            self.until("everything written", quiet, seconds=seconds, every=0.15)
        except NotSo as error:
            raise NotSo(f"{error}; left: {', '.join(f'{count} {name}' for name, count in left.items())}") from None

    def writes(self) -> Counter[str]:
        """Count Truce's writing calls so far; of one's own systems, when their records were changed."""
        if not self.manner.journals:
            return Counter(time_ for side in self.sides.values() if isinstance(side, Own) for time_ in side.times())
        return Counter({system: len(writing(self.journal(system, "calls"))) for system in self.urls})

    def address(self, email: str) -> str:
        """Give the address that somebody of the story has in this run."""
        return marked(email, self.mark) if self.mark else email

    def owner_name(self, email: str) -> str:
        """Give the name of a rep."""
        return emulate.REPS.get(email, email)

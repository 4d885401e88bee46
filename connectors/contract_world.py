"""What the contract suite stands on: an emulated system as a test drives it, and a budget and a breaker that note what they are told."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, Protocol

from connectors.base import Connection, Item, Page, Priority, Sink, Source, Wanted
from schemas.base import Ref, Scalar
from schemas.change import RecordChanged

Role = Literal["email", "last_name", "phone", "text", "number", "money", "flag", "date", "time"]
"""The kinds of fields that the suite writes and reads; each vendor's emulated schema has one of each (`text` is long, 1,000 at least)."""

NAMES = ("Müller-Łukasiewicz", 'O\'Hara \\ "Quote" %_', "عبد الرحمن", "Ana 🦊👩‍💻")
MADE, MOVED, TWICE = "Madehill", "Movedale", "Twicewell"
PERSONAL = ("@example.com", "49 30", "Łukasiewicz", "O'Hara", "عبد الرحمن", "🦊", MADE, MOVED, TWICE)
"""What stands in every address, phone number and name of the suite's people: no log may have any of it."""

ZONES = ("America/St_Johns", "Pacific/Chatham")
"""Newfoundland, whose clocks are three hours and a half behind, and the Chatham Islands, almost thirteen hours ahead."""


class Emulated(Protocol):
    """One vendor's emulator, freshly started and empty, as the suite drives it: a person's acts, faults, and the journal.

    The fields of `seed` and `edit` are by the vendor's field name, values canonical.
    """

    roles: Mapping[Role, str]
    """Role → the vendor's field name."""
    refused: tuple[str, Scalar]
    """A field and a value that the vendor refuses for one row of a batch, naming the field."""
    page: int
    """How many rows one page of `changes` and `everything` holds on `connection()`; small."""
    read_path: str
    """A part of the path of the call behind `Source.read` and `Sink.read`."""
    write_path: str
    """A part of the path of the call behind `Sink.update`."""
    create_path: str
    """A part of the path of the call behind `Sink.create` that makes records."""
    token_path: str
    """The path by which a token is had; blank where none is."""
    renamed: str
    """What the field of the role `text` may be called once it is renamed."""
    stripped: set[str]
    """Fields that never arrive with what is sent: so does a vendor that lets a field drop without a word."""

    def connection(self, *, timeout_s: float = 5.0, **options: str) -> Connection:
        """Say how to reach it, with a token that can be renewed, small pages and a short look-back; `options` are added."""
        ...

    async def seed(self, fields: Mapping[str, Scalar]) -> str:
        """Create a record as a person; give its id."""
        ...

    async def seed_at_once(self, rows: Sequence[Mapping[str, Scalar]]) -> Sequence[str]:
        """Create records that all bear the very same time of change."""
        ...

    def ago(self, seconds: float) -> AbstractContextManager[None]:
        """Let what is done until the block ends bear a time that is over, as far as the vendor's clock can be set."""
        ...

    async def edit(self, ident: str, fields: Mapping[str, Scalar]) -> None:
        """Change a record as a person."""
        ...

    async def rival(self, ident: str, fields: Mapping[str, Scalar]) -> None:
        """Change a record as another tool does, by the API with credentials of its own."""
        ...

    async def delete(self, ident: str) -> None:
        """Delete a record as a person."""
        ...

    async def merge(self, winner: str, loser: str) -> str:
        """Merge two records as a person; give the id of the one that is left."""
        ...

    def hidden(self, ident: str) -> AbstractAsyncContextManager[None]:
        """Keep a record out of every query and search until the block ends, its time of change untouched."""
        ...

    async def restore(self, ident: str) -> None:
        """Bring a deleted record back as a person, where the manifest says that one can."""
        ...

    async def drop_field(self, name: str) -> None:
        """Take a field out of the schema, as an admin may."""
        ...

    async def rename(self, old: str, new: str) -> None:
        """Give a field another name in the API, as an admin may."""
        ...

    async def retype(self, name: str) -> None:
        """Make a text of a field for numbers or dates, or of a picklist, as an admin may."""
        ...

    async def offer(self, name: str, value: str) -> None:
        """Add a value to a picklist, as an admin may."""
        ...

    async def expire(self) -> None:
        """Let every token that was given be refused from now on; new ones are good."""
        ...

    async def revoke(self) -> None:
        """Refuse every token, and every attempt to get one."""
        ...

    async def mints(self) -> int:
        """Count the tokens given out so far."""
        ...

    async def fault(self, **fault: Any) -> None:
        """Add one fault; the keywords are those of `connectors.emulator.faults.Fault`."""
        ...

    async def effects(self) -> Sequence[Mapping[str, Any]]:
        """Give the journal's effects, as the emulator's control door shows them."""
        ...

    async def calls(self) -> Sequence[Mapping[str, Any]]:
        """Give the journal's calls, as the emulator's control door shows them."""
        ...


@dataclass
class NotedBudget:
    """A budget without end that keeps what it was asked and told."""

    slots: list[tuple[str, Priority]] = field(default_factory=list)
    told: list[tuple[str, int | None, int | None, datetime | None]] = field(default_factory=list)

    @asynccontextmanager
    async def slot(self, quota: str, *, priority: Priority) -> AsyncIterator[None]:
        """Give a slot at once."""
        self.slots.append((quota, priority))
        yield

    async def seen(self, quota: str, *, used: int | None = None, limit: int | None = None, blocked_until: datetime | None = None) -> None:
        """Keep what the vendor said."""
        self.told.append((quota, used, limit, blocked_until))


@dataclass
class NotedBreaker:
    """A breaker that never opens and keeps what it was told."""

    told: list[bool] = field(default_factory=list)

    async def before(self) -> None:
        """Let every call through."""

    async def after(self, *, ok: bool) -> None:
        """Keep how the call went."""
        self.told.append(ok)


@contextmanager
def elsewhere(zone: str = ZONES[0]) -> Iterator[None]:
    """Be far from UTC: who takes a time of UTC for a local one, or a local one for one of UTC, is off by hours."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = zone
    time.tzset()
    try:
        yield
    finally:
        os.environ.pop("TZ")
        if before is not None:
            os.environ["TZ"] = before
        time.tzset()


def long_ago() -> datetime:
    """Give a moment before anything that a test does."""
    return datetime.now(UTC) - timedelta(hours=1)


def people(side: Source | Sink, wanted: Sequence[str] | Wanted) -> Wanted:
    """Say that these fields of people are wanted."""
    return wanted if isinstance(wanted, Mapping) else {side.manifest.person_object: wanted}


async def pages(source: Source, cursor: str, wanted: Sequence[str] | Wanted) -> list[Page]:
    """Read all pages there are now, of people where only fields are named; never an endless many."""
    found: list[Page] = []
    async for page in source.changes(cursor, people(source, wanted)):
        found.append(page)
        assert len(found) < 500, "changes() does not come to an end"
    return found


def items(found: Iterable[Page]) -> list[Item]:
    """Give the items of pages, in order."""
    return [item for page in found for item in page.items]


def snapshots(found: Iterable[Item]) -> dict[str, RecordChanged]:
    """Give the last RecordChanged of each record, by the vendor's id."""
    return {Ref.parse(item.ref).id: item for item in found if isinstance(item, RecordChanged)}

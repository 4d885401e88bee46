"""Who vanished without a trace: what is known, and a finished sweep did not show, is ordered to be read; what became of it the read alone says.

A sweep that lacks many at once tells of a lost right, or of the vendor's own trouble: then nothing is ordered, and a person is told.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from os import urandom
from struct import unpack
from typing import Any

from connectors.base import Item, Manifest
from schemas.change import RecordChanged, RecordConverted, RecordDeleted, RecordMerged
from sync.lead.decision import ProblemNote
from sync.sources.publisher import now
from sync.store import known, problems, read_orders
from sync.store.statement import run

SHARE, FEW = 0.02, 10
"""More than this share of an object's known records does not vanish between two sweeps, unless they are few."""
PROBLEM = "vanished"


class Shown:
    """The refs that a sweep showed, in four to eight bytes each however long they are.

    Whoever was shown is found again; of those who were not, one in 200,000 is taken for shown, and not by the next sweep, whose salt is another.
    """

    def __init__(self, count: int) -> None:
        self._bits, self._salt = bytearray(1 << max(10, (4 * count).bit_length())), urandom(16)

    def _places(self, ref: str) -> Iterator[tuple[int, int]]:
        for number in unpack("8I", blake2b(ref.encode(), digest_size=32, key=self._salt).digest()):
            yield number >> 3 & len(self._bits) - 1, 1 << (number & 7)

    def add(self, ref: str) -> None:
        """Note that it was shown."""
        for place, bit in self._places(ref):
            self._bits[place] |= bit

    def __contains__(self, ref: str) -> bool:
        return all(self._bits[place] & bit for place, bit in self._places(ref))


def told(items: Iterable[Item]) -> Iterator[str]:
    """Name the records of which items say something themselves, if only their end; that somebody did something says nothing of a record."""
    for item in items:
        if isinstance(item, RecordChanged | RecordConverted | RecordDeleted):
            yield item.ref
        elif isinstance(item, RecordMerged):
            yield from (item.survivor, *item.losers)


@dataclass
class Vanished:
    """One sweep's look for who is not there any more."""

    pool: Any
    system: str
    manifest: Manifest
    share: float
    known: int
    """So many of its records are known, about."""
    shown: Shown = field(init=False)
    began: datetime = field(default_factory=now)

    def __post_init__(self) -> None:
        self.shown = Shown(self.known)

    @classmethod
    async def begin(cls, pool: Any, system: str, manifest: Manifest, share: str = "") -> Vanished:
        """Begin with nothing shown."""
        return cls(pool, system, manifest, float(share or SHARE), await known.count(pool, system))

    def note(self, items: Iterable[Item]) -> None:
        """Take in a page of the sweep."""
        for ref in told(items):
            self.shown.add(ref)

    async def order(self, objects: Iterable[str]) -> int:
        """Order what the sweep of these objects did not show to be read, once it is finished; gives how many."""
        manifest = self.manifest
        watched = {*manifest.people, manifest.account_object, manifest.opportunity_object}
        return sum([await self._look(name) for name in objects if name in watched])

    async def _look(self, object_: str) -> int:
        count, lacks, refs = 0, 0, list[str]()
        async for page in self._known(object_):
            missed = [ref for ref in page if ref not in self.shown]
            count, lacks = count + len(page), lacks + len(missed)
            refs += missed if len(refs) <= self._most(self.known) else []
        if lacks > self._most(count):
            await self._tell(object_, self._suspicion(object_, lacks, count))
            return 0
        await self._tell(object_)
        for start in range(0, lacks, known.PAGE):
            await read_orders.order(self.pool, refs[start : start + known.PAGE], last=True)
        return lacks

    def _most(self, count: int) -> int:
        return max(FEW, int(count * self.share))

    def _known(self, object_: str) -> AsyncIterator[Sequence[str]]:
        kind = {self.manifest.account_object: known.ACCOUNTS, self.manifest.opportunity_object: known.OPPORTUNITIES}
        return known.refs(self.pool, kind.get(object_, known.PEOPLE), self.system, object_, self.began)

    def _suspicion(self, object_: str, lacks: int, count: int) -> str:
        enough = min(1.0, (100 * lacks // count + 1) / 100)
        return (
            f"{self.system} showed {lacks:,} of {count:,} known {object_} records no more when all were read: so many are not deleted in a day, and "
            "none is taken as deleted. Does Truce's user still see them all? If they are gone indeed, the next sweep believes it with the option "
            f"vanished_share at {enough:g}."
        )

    async def _tell(self, object_: str, text: str = "") -> None:
        await run(self.pool, problems.write([ProblemNote(PROBLEM, f"{self.system}:{object_}", bool(text), text, system=self.system)]))

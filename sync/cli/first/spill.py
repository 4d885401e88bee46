"""Records that were read, kept in a file of SQLite beside the memory, and given out person by person: a hundred thousand fit as ten do."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from schemas.change import RecordChanged

_TABLES = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -16000;
CREATE TABLE seen (ref TEXT PRIMARY KEY, place INTEGER, data TEXT, person INTEGER) WITHOUT ROWID;
CREATE TABLE tokens (token TEXT PRIMARY KEY, person INTEGER) WITHOUT ROWID;
"""
PAGE = 500


@dataclass(slots=True)
class Spill:
    """Takes records in any order; whoever shares a token (an address, a Truce id) is one group."""

    path: Path
    _base: sqlite3.Connection = field(init=False)
    _joined: dict[int, int] = field(default_factory=dict)
    """Groups that turned out to be another's."""
    _next: int = 0

    def __post_init__(self) -> None:
        self._base = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        self._base.executescript(_TABLES)

    def put(self, place: int, rows: Sequence[tuple[RecordChanged, tuple[str, ...]]]) -> None:
        """Keep a page of one system's records with their tokens; `place`: the system's, by which a group is sorted. Read twice, kept once."""
        self._base.execute("BEGIN")
        for data, tokens in rows:
            values = (data.ref, place, data.model_dump_json(), self._group(tokens))
            self._base.execute("INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?)", values)
        self._base.execute("COMMIT")

    def _group(self, tokens: Sequence[str]) -> int:
        known = [self._known(token) for token in tokens]
        found = [group for group in known if group is not None]
        if not found:
            self._next += 1
        group = min(found) if found else self._next
        self._joined.update((other, group) for other in found if other != group)
        for token, before in zip(tokens, known, strict=True):
            if before is None:
                self._base.execute("INSERT INTO tokens VALUES (?, ?)", (token, group))
        return group

    def _known(self, token: str) -> int | None:
        row = self._base.execute("SELECT person FROM tokens WHERE token = ?", (token,)).fetchone()
        return self._root(int(row[0])) if row else None

    def _root(self, group: int) -> int:
        while group in self._joined:
            group = self._joined[group]
        return group

    @property
    def count(self) -> int:
        """So many records are kept."""
        return int(self._base.execute("SELECT count(*) FROM seen").fetchone()[0])

    def knows(self, name: str) -> bool:
        """Say whether a record of this ref, or one with this token, was put here."""
        there = "SELECT EXISTS (SELECT 1 FROM seen WHERE ref = ?) OR EXISTS (SELECT 1 FROM tokens WHERE token = ?)"
        return bool(self._base.execute(there, (name, name)).fetchone()[0])

    def groups(self) -> Iterator[list[RecordChanged]]:
        """Give each group's records, those of the first system first; memory holds one page of them."""
        self._base.execute("CREATE INDEX by_person ON seen (person, place, ref)")
        for group in sorted(self._joined):
            self._base.execute("UPDATE seen SET person = ? WHERE person = ?", (self._root(group), group))
        rows = self._base.execute("SELECT person, data FROM seen ORDER BY person, place, ref")
        for _, some in itertools.groupby(self._paged(rows), key=lambda row: row[0]):
            yield [RecordChanged.model_validate_json(text) for _, text in some]

    def _paged(self, rows: sqlite3.Cursor) -> Iterator[tuple[int, str]]:
        while page := rows.fetchmany(PAGE):
            yield from page

    def close(self) -> None:
        """Let go of the file, and of what stands in it."""
        self._base.close()
        self.path.unlink(missing_ok=True)

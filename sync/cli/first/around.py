"""Accounts and opportunities that were read, in a file of SQLite beside the memory: looked up for each person as the lead agent looks them up."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from sync.lead.account import SAME_NAME
from sync.lead.ledger import BLOCK, Asked, Entry, Ledger
from sync.lead.naming import alike

_TABLES = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -8000;
CREATE TABLE entries (ref TEXT PRIMARY KEY, kind TEXT, data BLOB) WITHOUT ROWID;
CREATE TABLE leads_to (key TEXT, ref TEXT, PRIMARY KEY (key, ref)) WITHOUT ROWID;
CREATE TABLE names (block TEXT, solid TEXT, name TEXT, ref TEXT, PRIMARY KEY (block, ref)) WITHOUT ROWID;
"""
PAGE = 500
ALIKE = 200
"""So many names that begin alike are compared."""


@dataclass(slots=True)
class Around:
    """Takes entries in any order; gives those that a decision may need."""

    path: Path
    count: int = 0
    _base: sqlite3.Connection = field(init=False)

    def __post_init__(self) -> None:
        self._base = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        self._base.executescript(_TABLES)

    def put(self, entries: Sequence[Entry]) -> None:
        """Keep what records show; the last word on one counts."""
        self._base.execute("BEGIN")
        for one in entries:
            before = self._base.execute("SELECT 1 FROM entries WHERE ref = ?", (one.ref,)).fetchone()
            self.count += before is None
            self._base.execute("INSERT OR REPLACE INTO entries VALUES (?, ?, ?)", (one.ref, one.kind, msgspec.json.encode(one)))
            self._base.executemany("INSERT OR IGNORE INTO leads_to VALUES (?, ?)", ((key, one.ref) for key in _keys(one)))
            if one.kind == "account" and one.name_key:
                solid = one.name_key.replace(" ", "")
                self._base.execute("INSERT OR REPLACE INTO names VALUES (?, ?, ?, ?)", (solid[:BLOCK], solid, one.name_key, one.ref))
        self._base.execute("COMMIT")

    def look(self, asked: Asked) -> Ledger:
        """Give every account and opportunity that may matter, by name what no domain finds."""
        found, keys = Ledger(), [*(f"domain:{one}" for one in asked.domains), *(f"person:{one}" for one in asked.people)]
        self._follow(found, [*asked.refs, *self._led(keys)])
        lost = [key for key, domains in sorted(asked.names) if not any(found.with_domain(domain) for domain in domains)]
        self._follow(found, [ref for key in lost for ref in self._named(key)])
        return found

    def entry(self, ref: str) -> Entry | None:
        """Give what one record shows, None where it was not read."""
        row = self._base.execute("SELECT data FROM entries WHERE ref = ?", (ref,)).fetchone()
        return None if row is None else msgspec.json.decode(row[0], type=Entry)

    def opportunities(self) -> Iterator[Entry]:
        """Give every opportunity; memory holds one page of them."""
        rows = self._base.execute("SELECT data FROM entries WHERE kind = 'opportunity' ORDER BY ref")
        while page := rows.fetchmany(PAGE):
            yield from (msgspec.json.decode(data, type=Entry) for (data,) in page)

    def _follow(self, found: Ledger, refs: Iterable[str]) -> None:
        """Take in records, their accounts, those accounts' other records and their opportunities."""
        todo = list(refs)
        while todo:
            ref = todo.pop()
            entry = None if ref in found.entries else self.entry(ref)
            if entry is None:
                continue
            found.put(entry)
            if entry.kind == "account":
                todo += self._led([f"account:{ref}", *(f"domain:{one}" for one in entry.domains)])
            elif account := entry.text("account"):
                todo.append(account)

    def _led(self, keys: Iterable[str]) -> list[str]:
        return [ref for key in keys for (ref,) in self._base.execute("SELECT ref FROM leads_to WHERE key = ?", (key,))]

    def _named(self, key: str) -> Iterator[str]:
        solid = key.replace(" ", "")
        same = self._base.execute("SELECT name, ref FROM names WHERE block = ? AND solid = ?", (solid[:BLOCK], solid)).fetchall()
        near = (
            """SELECT name, ref FROM names WHERE block = ? AND length(solid) BETWEEN ? AND ? ORDER BY abs(length(solid) - ?), ref LIMIT ?"""
        )
        size = len(solid)
        if not same and size >= BLOCK:
            same = self._base.execute(near, (solid[:BLOCK], size * 0.8, size * 1.25, size, ALIKE)).fetchall()
        yield from (ref for name, ref in same if alike(key, name) >= SAME_NAME)

    def close(self) -> None:
        """Let go of the file, and of what stands in it."""
        self._base.close()
        self.path.unlink(missing_ok=True)


def _keys(one: Entry) -> Iterator[str]:
    """Give by what an entry is found."""
    if one.kind == "account":
        yield from (f"domain:{domain}" for domain in one.domains)
        return
    yield from (f"person:{person}" for person in one.people)
    if (account := one.text("account")) and one.outcome != "lost":  # of lost ones nothing follows for others
        yield f"account:{account}"

"""What changes in a table, row by row: which were added, taken away, or say something else now."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from schemas.base import Scalar
from sync.playbook.models import Table, Where
from sync.playbook.models.tables import FROM, OWNER, POOL, UNTIL

PLACED = ("country", "state", "postal_from", "postal_to")
TARGETS = (OWNER, POOL)
Cells = tuple[tuple[str, Scalar], ...]


@dataclass(frozen=True, slots=True)
class Told:
    """One row that is another now: `+ LT, east → lea@acme.example`."""

    kind: Literal["added", "removed", "changed"]
    key: str
    before: str
    after: str
    said: str
    where: Where


def rows(before: Table, after: Table) -> Iterator[Told]:
    """Give the rows that differ, each by its key, in the order of the new table; those that are gone come first."""
    names = _keys(after)
    same = Counter(_cells(before, number) for number in range(len(before.rows)))
    new = list[int]()
    for number in range(len(after.rows)):
        cells = _cells(after, number)
        if same[cells]:
            same[cells] -= 1
        else:
            new.append(number)
    old = defaultdict[tuple[Scalar, ...], list[int]](list)
    for number in range(len(before.rows)):
        cells = _cells(before, number)
        if same[cells]:
            same[cells] -= 1
            old[_key(cells, names)].append(number)
    pairs = [(number, old[key].pop(0) if old.get(key := _key(_cells(after, number), names)) else None) for number in new]
    for number in sorted(number for left in old.values() for number in left):
        cells = _cells(before, number)
        yield Told("removed", _title(cells, names), _row(cells), "", f"- {_row(cells)}", _where(before, number))
    for number, was in pairs:
        cells = _cells(after, number)
        if was is None:
            yield Told("added", _title(cells, names), "", _row(cells), f"+ {_row(cells)}", _where(after, number))
        else:
            first = _cells(before, was)
            said = f"{_title(cells, names)}: {_changes(dict(first), dict(cells))}"
            yield Told("changed", _title(cells, names), _row(first), _row(cells), said, _where(after, number))


def columns(table: Table) -> str:
    """Give a table's columns as its first line has them."""
    plain = {OWNER, POOL, FROM, UNTIL}
    return ", ".join(one.name if one.name in plain or one.kind in ("text", one.name) else f"{one.name}:{one.kind}" for one in table.columns)


def _keys(table: Table) -> tuple[str, ...]:
    """Give the columns that tell rows apart: a place, or the first column; and the days on which a row counts."""
    placed = tuple(name for name in PLACED if name in table.names) if table.name == "territories" else ()
    return (*(placed or (table.key,)), *(name for name in (FROM, UNTIL) if name in table.names))


def _cells(table: Table, number: int) -> Cells:
    return tuple((name, cell) for name, cell in sorted(zip(table.names, table.rows[number], strict=True)) if cell is not None)


def _key(cells: Cells, names: tuple[str, ...]) -> tuple[Scalar, ...]:
    found = dict(cells)
    return tuple(found.get(name) for name in names)


def _where(table: Table, number: int) -> Where:
    return Where(table.where.file, table.lines[number])


def _title(cells: Cells, names: tuple[str, ...]) -> str:
    return ", ".join(_text(one) for one in _key(cells, names) if one is not None)


def _row(cells: Cells) -> str:
    """Say a whole row: its place or key, what it says of it, and whom it leads to."""
    found = dict(cells)
    order = sorted(found, key=lambda name: PLACED.index(name) if name in PLACED else len(PLACED))
    said = ", ".join(_text(found[name]) for name in order if name not in TARGETS)
    target = _target(found)
    return f"{said} → {target}" if target else said


def _target(found: dict[str, Scalar]) -> str:
    return " or ".join(_text(found[name]) for name in TARGETS if name in found)


def _changes(before: dict[str, Scalar], after: dict[str, Scalar]) -> str:
    names = [name for name in {**before, **after} if name not in TARGETS and before.get(name) != after.get(name)]
    said = [f"{name} {_text(before.get(name))} → {_text(after.get(name))}" for name in names]
    if (first := _target(before)) != (then := _target(after)):
        said.append(f"{first or 'nobody'} → {then or 'nobody'}")
    return ", ".join(said)


def _text(value: Scalar) -> str:
    if value is None:
        return "blank"
    return f"{value:.15g}" if isinstance(value, float) else str(value)

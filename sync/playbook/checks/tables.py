"""Whether the tables add up: keys that are there and stand once at a time, people and pools that exist, dates in order."""

from __future__ import annotations

from collections.abc import Iterable

from sync.playbook.build.files import Files
from sync.playbook.checks import territories
from sync.playbook.checks.rows import Rows
from sync.playbook.models import TERRITORIES
from sync.playbook.models.tables import FROM, OWNER, POOL, UNTIL, Cell, folded
from sync.playbook.problems import did_you_mean


def run(files: Files) -> None:
    """Note every problem of the tables."""
    for name, table in files.read.items():
        rows = Rows(files, table)
        _names(rows)
        _dates(rows)
        if name == TERRITORIES:
            territories.run(rows)
        else:
            _keys(rows)
            _one_target(rows)
        rows.end()


def _names(rows: Rows) -> None:
    team = rows.files.team
    if team is None:
        return
    for column in rows.table.columns:
        if column.kind == "person":
            rows.each(column.name, lambda who: None if who in team.reps else _unknown(f"{who} is not in team.yaml", who, team.reps))
        elif column.kind == "pool":
            rows.each(column.name, lambda pool: None if pool in team.pools else _unknown(f"unknown pool {pool}", pool, team.pools))


def _unknown(said: str, word: str, known: Iterable[str]) -> tuple[str, str]:
    return said, did_you_mean(word, known)


def _dates(rows: Rows) -> None:
    table = rows.table
    if table.column(FROM) is None or table.column(UNTIL) is None:
        return
    for number in range(len(table.rows)):
        first, last = table.days(number)
        if first and last and first > last:
            rows.problem(number, UNTIL, f"{last} is before {first}", "the first day comes first; both are included")


def _keys(rows: Rows) -> None:
    """Note keys that are blank, or that two rows have on the same day."""
    table = rows.table
    column = table.columns[0]
    if column.name in (FROM, UNTIL, OWNER, POOL):
        rows.problem(None, column.name, f"{column.name} cannot be the key", "the first column is what a row is found by: put it first")
        return
    seen: dict[Cell, list[int]] = {}
    for number, row in enumerate(table.rows):
        key = folded(row[0]) if column.kind == "text" else row[0]
        if key is None:
            rows.problem(number, column.name, f"{column.name} is blank", "a row is found by it: fill it in, or delete the row")
            continue
        before = seen.setdefault(key, [])
        other = next((one for one in before if table.meet(one, number)), None)
        if other is not None:
            when = " on the same days" if table.dated else ""
            rows.problem(number, column.name, f"{row[0]} stands here twice{when}", f"the first is on {rows.line(other)}; delete one")
        elif len(before) < MANY:
            before.append(number)


MANY = 100
"""So many rows of one key are compared by their dates."""


def _one_target(rows: Rows) -> None:
    owner, pool = rows.table.column(OWNER), rows.table.column(POOL)
    if owner is not None and pool is not None:
        for number, row in enumerate(rows.table.rows):
            if row[owner] is not None and row[pool] is not None:
                rows.problem(number, POOL, "both owner and pool are given", "one of them gets the lead; leave the other blank")

"""Problems of a table's rows, told at their cells: a mistake that stands in many rows once, and of very many only the first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sync.playbook.build.files import Files
from sync.playbook.models import Table
from sync.playbook.models.tables import Cell
from sync.playbook.tables import TOLD, spot


@dataclass(slots=True)
class Rows:
    """One table, and what is wrong with it so far."""

    files: Files
    table: Table
    told: int = 0
    untold: int = field(default=0)

    def problem(self, number: int | None, column: str, text: str, suggestion: str = "", *, warning: bool = False) -> None:
        """Note a problem of a cell; without a row that of the column's name."""
        if self.told >= TOLD:
            self.untold += 1
            return
        self.told += 1
        document = self.files.documents[self.table.where.file]
        line = self.table.where.line if number is None else self.table.lines[number]
        at = spot(document, line, self.table.column(column) or 0)
        document.problem((column,) if number is not None else (), text, suggestion, at=at, warning=warning)

    def line(self, number: int) -> str:
        """Give a row's place, as it is told."""
        return f"line {self.table.lines[number]}"

    def each(self, column: str, wrong: Callable[[str], tuple[str, str] | None]) -> None:
        """Note the texts of a column that are wrong, each at its first row."""
        at = self.table.column(column)
        if at is None:
            return
        rows: dict[Cell, list[int]] = {}
        for number, row in enumerate(self.table.rows):
            if row[at] is not None:
                rows.setdefault(row[at], []).append(number)
        for cell, numbers in rows.items():
            said = wrong(str(cell))
            if said:
                also = f" (and in {len(numbers) - 1:,} more row{'s' * (len(numbers) > 2)})" if len(numbers) > 1 else ""
                self.problem(numbers[0], column, said[0] + also, said[1])

    def end(self) -> None:
        """Say how many were not told."""
        if self.untold:
            said = f"and {self.untold:,} more problems in this table"
            self.files.documents[self.table.where.file].problem((), said)

"""The lists that people clean from, as CSV files of a folder: written line by line, for their owner alone, and no cell is ever a formula."""

from __future__ import annotations

import csv
import os
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from schemas.base import Scalar
from sync.cli.output import CannotRun, cell
from sync.trial.first.lines import Line, head


@dataclass(slots=True)
class Lists:
    """The files of one report; none where no folder is given. A list without a line is no file."""

    folder: Path | None
    files: dict[str, int] = field(default_factory=dict)
    """File → its lines."""
    _open: dict[str, Any] = field(default_factory=dict)
    _stack: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Lists:
        """Make the folder; lists of a report before are taken away, so that none is taken for today's."""
        if self.folder is None:
            return self
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for name in self.folder.glob("*.csv"):
                if head(name.stem):
                    name.unlink()
        except OSError as error:
            raise CannotRun(f"{self.folder}: {error.strerror or error}") from None
        return self

    def __exit__(self, *_: object) -> None:
        """Close the files."""
        self._stack.close()

    def put(self, line: Line) -> None:
        """Add a line to its list."""
        if self.folder is None:
            return
        writer = self._open.get(line.list) or self._begin(line.list, self.folder / f"{line.list}.csv")
        writer.writerow([cell("" if one is None else one) for one in line.cells])
        self.files[f"{line.list}.csv"] = self.files.get(f"{line.list}.csv", 0) + 1

    def _begin(self, name: str, path: Path) -> Any:
        made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        file = self._stack.enter_context(os.fdopen(made, "w", newline="", encoding="utf-8-sig"))  # by the mark Excel knows that it is UTF-8
        self._open[name] = csv.writer(file)  # its \r\n: a cell with either is quoted, and begins no row of its own
        self._open[name].writerow(head(name) or ())
        return self._open[name]


def unmapped(lists: Lists, lines: list[tuple[Scalar, ...]]) -> None:
    """Add the values that nobody knows."""
    for line in lines:
        lists.put(Line("unmapped", line))

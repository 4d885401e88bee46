"""How the demo reads: rich in a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time

from rich.console import Console
from rich.table import Table

from sync.cli.demo.judge import Comparison


class Screen:
    """Prints scenes as they end, with their time."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.console = Console(highlight=False, quiet=quiet, soft_wrap=not sys.stdout.isatty(), width=None if sys.stdout.isatty() else 160)
        self._began = time.monotonic()

    def say(self, text: str, style: str | None = None) -> None:
        """Print a line."""
        self.console.print(text, style=style, markup=False)

    def scene(self, number: int, title: str) -> None:
        """Begin a scene."""
        self._title, self._number, self._at = title, number, time.monotonic()

    def done(self, *lines: str) -> None:
        """End the scene with what came out."""
        took = f"{time.monotonic() - self._at:.1f} s"
        head, *rest = lines
        self.console.print(f"[bold]\\[{self._number}][/] {self._title:<15} ", end="")
        self.console.print(head, markup=False, end="   ")
        self.console.print(took, style="dim", markup=False)
        for line in rest:
            self.console.print(" " * 20 + line, markup=False)

    def table(self, comparison: Comparison) -> None:
        """Print the table per shared field."""
        table = Table(title="Do the two systems agree?", title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))
        for column in ("field", "people", "equal", ""):
            table.add_column(column, justify="left" if column in ("field", "") else "right")
        for score in comparison.fields:
            right = score.compared == score.equal
            table.add_row(
                score.name,
                str(score.compared),
                str(score.equal),
                "✔" if right else "✘ " + "; ".join(score.examples),
                style=None if right else "red",
            )
        self.console.print(table)

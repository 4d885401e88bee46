"""How commands answer: text for people, `--json` for programs, and errors as one sentence with an exit code."""

from __future__ import annotations

import os
import re
import sys
import textwrap
import traceback
from typing import Any

import orjson
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

DONE, PROBLEM, CANNOT_RUN = 0, 1, 2
_USAGE: type[Any] = typer.BadParameter.__mro__[2]
"""The ClickException of whichever click typer brings."""
_UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What a terminal may take for an order (escape sequences, C0 and C1 controls) or what makes text read otherwise than it is stored."""


def plain(text: str) -> str:
    """Give text that a terminal only shows: control characters are written out (`\\x1b`), line breaks and tabs stay."""
    return _UNSAFE.sub(lambda found: found.group().encode("unicode_escape", "surrogatepass").decode(), text)


class _Console(Console):
    """Prints what people see; values come from anywhere, so that nothing in a text is ever an order to the terminal."""

    def print(self, *objects: Any, **more: Any) -> None:
        """Print texts as they are spelled: no bracket in one is a style."""
        super().print(*(plain(one) if isinstance(one, str) else one for one in objects), **{"markup": False, **more})


WIDE = 400
"""As wide as a table may be where no terminal wraps it: a word that is cut in two is found by nobody."""
console = _Console(
    highlight=False, soft_wrap=not sys.stdout.isatty(), width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else WIDE
)


def line(value: object, most: int = 120) -> str:
    """Give a value as it may stand within a line: none of its own, and not endless."""
    text = " ".join(str(value).split())
    return text if len(text) <= most else f"{text[: most - 1]}…"


def hung(text: str, width: int = 0) -> str:
    """Give a line that goes on under its own words, behind its sign, where a terminal would break it; elsewhere it stays one line."""
    width = width or (console.width if console.is_terminal else 0)
    wrapped = textwrap.wrap(text, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False) if width else [text]
    return "\n".join(wrapped)


def cell(value: Any) -> Any:
    """Give a value for a CSV as a spreadsheet shows it and does not take it for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r", "\n") else value


class CannotRun(RuntimeError):
    """A command that cannot run; the text says why and what to do."""


def as_json(value: Any) -> None:
    """Print a value as JSON."""
    sys.stdout.write(orjson.dumps(value, default=str, option=orjson.OPT_INDENT_2).decode() + "\n")


def table(columns: tuple[str, ...], rows: list[tuple[Any, ...]], empty: str) -> None:
    """Print rows as a table, or the sentence for no rows."""
    if not rows:
        console.print(empty, markup=False)
        return
    shown = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        shown.add_column(column, overflow="fold", no_wrap=column == "topic")
    for row in rows:
        shown.add_row(*(Text("" if value is None else plain(str(value))) for value in row))
    console.print(shown)


def _expected() -> tuple[type[Exception], ...]:
    from aiokafka.errors import KafkaError
    from asyncpg import PostgresError
    from pydantic import ValidationError
    from pydantic_settings import SettingsError

    from connectors.registry import BadManifest, UnknownVendor
    from sync.app import NotSet
    from sync.cli.parts import PartEnded
    from sync.cli.place import NothingThere
    from sync.runtime.folder import FolderBusy
    from sync.runtime.kafka import KafkaUnavailable
    from sync.runtime.postgres import PostgresUnavailable
    from sync.runtime.web import AddressTaken
    from sync.store.cursors import StillHeld

    return (
        CannotRun, NotSet, StillHeld, PartEnded, NothingThere, FolderBusy, KafkaUnavailable, PostgresUnavailable, AddressTaken, UnknownVendor, BadManifest,
        ValidationError, SettingsError, KafkaError, PostgresError, OSError,
    )  # fmt: skip


def problem_exit(error: Exception) -> int:
    """Tell about an error on standard error; gives the exit code."""
    from sync.playbook.problems import PlaybookError

    if isinstance(error, _USAGE):
        error.show()
        return CANNOT_RUN
    if isinstance(error, PlaybookError):
        sys.stderr.write(plain(error.render()) + "\n")
        return PROBLEM
    if isinstance(error, _expected()):
        sys.stderr.write(plain(f"truce: {error}\n"))
        return CANNOT_RUN
    traceback.print_exception(error)
    sys.stderr.write("truce: this is a defect of Truce itself; the lines above say where.\n")
    return CANNOT_RUN

"""How commands answer: text for people, `--json` for programs, and errors as one sentence with an exit code."""

from __future__ import annotations

import sys
import traceback
from typing import Any

import orjson
import typer
from rich.console import Console
from rich.table import Table

DONE, PROBLEM, CANNOT_RUN = 0, 1, 2
_USAGE: type[Any] = typer.BadParameter.__mro__[2]
"""The ClickException of whichever click typer brings."""
console = Console(highlight=False, soft_wrap=not sys.stdout.isatty())


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
        shown.add_row(*("" if value is None else str(value) for value in row))
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
    from sync.sources.service import AddressInUse

    return (
        CannotRun, NotSet, PartEnded, NothingThere, FolderBusy, KafkaUnavailable, PostgresUnavailable, AddressInUse, UnknownVendor, BadManifest,
        ValidationError, SettingsError, KafkaError, PostgresError, OSError,
    )  # fmt: skip


def problem_exit(error: Exception) -> int:
    """Tell about an error on standard error; gives the exit code."""
    from sync.playbook.problems import PlaybookError

    if isinstance(error, _USAGE):
        error.show()
        return CANNOT_RUN
    if isinstance(error, PlaybookError):
        sys.stderr.write(error.render() + "\n")
        return PROBLEM
    if isinstance(error, _expected()):
        sys.stderr.write(f"truce: {error}\n")
        return CANNOT_RUN
    traceback.print_exception(error)
    sys.stderr.write("truce: this is a defect of Truce itself; the lines above say where.\n")
    return CANNOT_RUN

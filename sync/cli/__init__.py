"""`truce`: every command, with exit codes 0 (done), 1 (found a problem), 2 (cannot run)."""

from __future__ import annotations

import sys

import typer

from sync.cli.commands import STYLE, Commands
from sync.cli.output import problem_exit

app = typer.Typer(
    name="truce",
    no_args_is_help=True,
    rich_markup_mode=STYLE,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    cls=Commands,
)


@app.callback()
def truce() -> None:
    """Keeps a CRM and a marketing-automation platform telling one story about every lead."""


def main() -> None:
    """Run a command line; turns every expected error into one clear sentence and its exit code."""
    try:
        code = app(standalone_mode=False)
    except typer.Abort:
        sys.exit(130)
    except Exception as error:
        sys.exit(problem_exit(error))
    sys.exit(code if isinstance(code, int) else 0)

"""What keeps the house in order, for those who change it: `truce house check`, `test` and `fuzz`, as `make` calls them."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from sync.cli.output import PROBLEM, CannotRun
from sync.cli.parts import compiling

ROOT = Path(__file__).resolve().parents[2]
CHECKS: dict[str, tuple[str, ...]] = {
    "format": ("-m", "ruff", "format", "--check", "--quiet", "."),
    "lint": ("-m", "ruff", "check", "--quiet", "."),
    "imports": ("-c", "from importlinter.cli import lint_imports_command as lint; lint(['--no-logo'])"),
    "types": ("-m", "mypy"),
    "tests": ("-m", "pytest", "-m", "not integration", "--ignore", "tests/integration", "-n", "2", "--dist", "worksteal"),
}
"""The fast part, quickest first; generated files and the rest of the house are among the tests."""
BESIDE = ("types",)
"""Begun before all others and told of last: one process, and there are two cores."""
FEWER = {"TRUCE_TEST_EXAMPLES": "0.3"}
"""So much of a property's examples the fast part tries; `test` tries all (tests/examples.py)."""
TEST: tuple[str, ...] = ("-m", "pytest", "-n", "4", "--dist", "worksteal")
"""All tests, on two cores: four processes, because those on real servers wait more than they work (tests/order.py mixes them with the others)."""
app = typer.Typer(help="Check Truce's own code; for those who change it, in a checkout.", no_args_is_help=True)


def _run(*arguments: str) -> int:
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, env=compiling(), check=False).returncode


def _in_a_checkout() -> None:
    if not (ROOT / "tests").is_dir():
        raise CannotRun("the house is checked in a checkout of Truce, not where it is installed.")


def failures(checks: dict[str, tuple[str, ...]]) -> Sequence[str]:
    """Run every check, also after one that failed; gives the names of those that failed."""
    with ThreadPoolExecutor() as pool:
        beside = {name: pool.submit(_check, command, quiet=True) for name, command in checks.items() if name in BESIDE}
        codes = {name: _told(name, _check(command)) for name, command in checks.items() if name not in beside}
        codes |= {name: _told(name, one.result()) for name, one in beside.items()}
    return [name for name in checks if codes[name]]


@dataclass(frozen=True, slots=True)
class _Checked:
    code: int
    seconds: float
    said: str


def _check(command: tuple[str, ...], *, quiet: bool = False) -> _Checked:
    """Run a check; a quiet one keeps what it says."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, env={**compiling(), **FEWER}, check=False, text=True,
        stdout=subprocess.PIPE if quiet else None, stderr=subprocess.STDOUT if quiet else None,
    )  # fmt: skip
    return _Checked(done.returncode, time.monotonic() - began, done.stdout or "")


def _told(name: str, done: _Checked) -> int:
    print(f"{done.said}{'✘' if done.code else '✔'} {name} {done.seconds:.0f} s", flush=True)
    return done.code


@app.command()
def check() -> None:
    """Check format, lint, imports, types, and run the tests that need no servers; exit 1 if anything is wrong.

    Example: `truce house check`
    """
    _in_a_checkout()
    if failures(CHECKS):
        raise typer.Exit(PROBLEM)


@app.command()
def test() -> None:
    """Run every test, those on a real Kafka and a real PostgreSQL too; ends with pytest's closing line and exit code.

    Example: `truce house test`
    """
    _in_a_checkout()
    raise typer.Exit(_run(*TEST))


@app.command()
def fuzz(
    inputs: Annotated[int, typer.Option("--inputs", min=1, help="How many playbooks and conditions.")] = 100_000,
    seconds: Annotated[int, typer.Option("--seconds", min=1, help="It ends after so long, with what it has looked at by then.")] = 600,
    seed: Annotated[str, typer.Option("--seed", help="The same seed makes the same inputs; without one they are new every day.")] = "",
    processes: Annotated[int, typer.Option("--processes", min=1, help="In so many processes.")] = 2,
) -> None:
    """Look at playbooks and conditions that nobody meant: nothing but problems may come of them, each at its place; exit 1 otherwise.

    Example: `truce house fuzz --inputs 5000`
    """
    _in_a_checkout()
    chosen = seed or time.strftime("%Y-%m-%d")
    given = {"--inputs": inputs, "--seconds": seconds, "--seed": chosen, "--processes": processes}
    raise typer.Exit(_run("-m", "tests.fuzz.run", *(str(part) for pair in given.items() for part in pair)))

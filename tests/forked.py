"""Modules run as processes of their own, forked from one that has imported what they need: imports are most of what a short-lived process costs."""

from __future__ import annotations

import multiprocessing
import os
import runpy
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

BEFOREHAND = (
    "sync.app", "sync.cli.roles", "sync.agents.lead", "sync.agents.rules", "faust.app", "faust.agents", "faust.tables", "connectors.http",
    "connectors.salesforce.sink", "connectors.salesforce.source", "connectors.hubspot.sink", "connectors.hubspot.source",
)  # fmt: skip
"""What every process has imported as it begins."""
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(list(BEFOREHAND))


class Forked:
    """A process, with so much of subprocess.Popen as tests need."""

    def __init__(self, environment: Mapping[str, str], log: Path, module: str, *words: str) -> None:
        """Start it, as `python -m MODULE WORDS` does; what it says is appended to the log."""
        log.touch()
        self._process = _FORKS.Process(target=_run, args=(dict(environment), log, module, *words))
        self._process.start()

    def send_signal(self, number: int) -> None:
        """Send it a signal."""
        assert self._process.pid
        if self.poll() is None:
            os.kill(self._process.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self._process.terminate()

    def kill(self) -> None:
        """Kill it with -9, as a power cut would."""
        self._process.kill()

    def poll(self) -> int | None:
        """Give its exit code, None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end and give its exit code."""
        self._process.join(timeout)
        if (code := self.poll()) is None:
            raise subprocess.TimeoutExpired(self._process.name, timeout or 0)
        return code


def _run(environment: Mapping[str, str], log: Path, module: str, *words: str) -> None:
    os.environ.clear()
    os.environ.update(environment)
    sys.argv[1:] = words
    with log.open("ab") as out:
        os.dup2(out.fileno(), 1)
        os.dup2(out.fileno(), 2)
    runpy.run_module(module, run_name="__main__")

"""Truce's parts as processes of this machine: started, watched, stopped together, their logs in one folder."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import psutil

from sync.runtime.folder import end, forget, remember
from sync.runtime.signals import uninterrupted

PATIENCE_S = 12.0
ROLES = ("worker", "edge", "notifier")
"""The commands that answer /health and /metrics."""


class PartEnded(RuntimeError):
    """A part ended although it should run; the text says which, how, and the last lines of its log."""


def compiling() -> dict[str, str]:
    """Give our environment for a Python that keeps what it compiles: each start would compile all of it again, for seconds."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


@dataclass
class Part:
    """One process of ours."""

    name: str
    process: subprocess.Popen[str]
    log: Path

    def tail(self, lines: int = 5) -> str:
        """Give the last lines of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


@dataclass
class Parts:
    """The processes of one run; `environment` is what each of them gets besides ours."""

    folder: Path
    environment: Mapping[str, str]
    metrics_port: int = 0
    """The first part's port for health and metrics, the second has the next one …; 0: none."""
    running: dict[str, Part] = field(default_factory=dict)
    _ports: dict[str, int] = field(default_factory=dict)

    def port(self, name: str) -> int:
        """Give the port on which a part answers /health and /metrics: always the same for the same name."""
        return self._ports.setdefault(name, self.metrics_port + len(self._ports)) if self.metrics_port else 0

    def start(self, name: str, *arguments: str, pipe: bool = False) -> Part:
        """Start `truce ARGUMENTS` as a process; its standard error goes to NAME.log (and its output too, unless `pipe`)."""
        log = self.folder / f"{name}.log"
        with log.open("ab") as out, uninterrupted():
            process = subprocess.Popen(
                [sys.executable, "-m", "sync.cli", *arguments],
                env={**compiling(), **self.environment, **self._own(name, arguments), "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if pipe else out,
                stderr=out,
                text=True,
                start_new_session=True,
            )
            self.running[name] = Part(name, process, log)
            remember(self.folder, name, process.pid)
        return self.running[name]

    def _own(self, name: str, arguments: tuple[str, ...]) -> dict[str, str]:
        return {"TRUCE_METRICS_PORT": str(self.port(name) if arguments[0] in ROLES else 0)}

    def kill(self, name: str) -> int:
        """Kill a part with -9, as a power cut would; gives its pid."""
        part = self.running.pop(name)
        part.process.kill()
        part.process.wait(10)
        forget(self.folder, name)
        return part.process.pid

    def check(self) -> None:
        """Raise PartEnded when one of them is not there any more."""
        for part in self.running.values():
            if (code := part.process.poll()) is not None:
                raise PartEnded(f"{part.name} ended with {code}; the end of {part.log}:\n{part.tail()}")

    def stop(self) -> dict[str, int]:
        """Ask all to end, then make them; gives the exit codes."""
        for part in self.running.values():
            with suppress(ProcessLookupError):
                part.process.terminate()
        codes, until = {}, time.monotonic() + PATIENCE_S
        for name, part in self.running.items():
            try:
                codes[name] = part.process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                with suppress(psutil.NoSuchProcess):
                    end(psutil.Process(part.process.pid), 0.1)
                codes[name] = part.process.wait(5)
            forget(self.folder, name)
        self.running.clear()
        return codes


Vendor = Literal["salesforce", "hubspot"]


def connections(systems: Mapping[str, Mapping[str, object]]) -> dict[str, str]:
    """Give the environment variables by which a part finds the systems: {"salesforce": {"vendor": …, "url": …, "secrets": {…}, "options": {…}}}."""
    found = {}
    for system, values in systems.items():
        head = f"TRUCE_SYSTEMS__{system.upper()}__"
        for name, value in values.items():
            if isinstance(value, Mapping):
                found.update({f"{head}{name.upper()}__{key.upper()}": str(inner) for key, inner in value.items()})
            else:
                found[head + name.upper()] = str(value)
    return found

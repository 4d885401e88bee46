"""README's "Change a routing rule", done word by word: its edits made, its commands run, beside a running Truce."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.house.project import ROOT
from tests.readme import blocks, edit, section

HEADING = "## Change a routing rule"
PATIENCE_S = 60.0


@dataclass
class Desk:
    """Where the person sits: a folder with the example playbook, and a Truce that runs."""

    folder: Path
    home: Path

    @property
    def environment(self) -> dict[str, str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith(("TRUCE_", "KAFKA_"))}
        return {**own, "TRUCE_HOME": str(self.home), "TRUCE_PLAYBOOK": "deploy/playbook", "PYTHONPATH": str(ROOT), "COLUMNS": "200"}

    def run(self, line: str) -> subprocess.CompletedProcess[str]:
        words = shlex.split(line, comments=True)
        if words[0] == "truce":
            words = [sys.executable, "-m", "sync.cli", *words[1:]]
        return subprocess.run(words, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=200, check=False)


@pytest.fixture
def desk(servers_folder: Path) -> Iterator[Desk]:
    made = Desk(servers_folder / "walk", servers_folder / "walk" / "home")
    shutil.copytree(ROOT / "deploy" / "playbook", made.folder / "deploy" / "playbook")
    command = [sys.executable, "-m", "sync.cli", "up", "--port", "0", "--workers", "1"]
    log = (made.folder / "up.log").open("w+b")
    process = subprocess.Popen(command, cwd=made.folder, env=made.environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 2 * PATIENCE_S
        while "Truce is up" not in (made.folder / "up.log").read_text():
            assert process.poll() is None, (made.folder / "up.log").read_text()
            assert time.monotonic() < until, (made.folder / "up.log").read_text()
            time.sleep(0.2)
        yield made
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)
        log.close()


def tell(desk: Desk, line: str) -> str:
    """Run one line of README; its comment says what must come of it: `# exit 1`, `# … with Sue Kim`."""
    comment = line.partition("#")[2].strip()
    wanted = int(found[1]) if (found := re.search(r"exit (\d)", comment)) else 0
    shown = re.findall(r"«(.+?)»", comment)
    until = time.monotonic() + PATIENCE_S
    while True:  # what somebody did arrives a moment later
        done = desk.run(line)
        said = done.stdout + done.stderr
        if done.returncode == wanted and all(words in said for words in shown):
            return said
        over = not shown or time.monotonic() > until
        assert not over, f"$ {line}\n(exit {done.returncode}, wanted {wanted} {shown})\n{said}"
        time.sleep(0.5)


def test_the_walk_through_does_what_it_says(desk: Desk) -> None:
    found = blocks(section(HEADING))
    assert [language for language, _ in found].count("diff") == 2
    ran = []
    for language, block in found:
        if language == "diff":
            edit(desk.folder, block)
        for line in block.splitlines() if not language else ():
            if line.strip() and not line.startswith("truce up"):
                tell(desk, line)
                ran.append(shlex.split(line, comments=True)[:2])
    assert "The pages answer at http://127.0.0.1:" in (desk.folder / "up.log").read_text()
    for command in ("check", "test", "simulate", "diff", "apply", "visitor", "explain", "playbook"):
        assert ["truce", command] in ran, f"the walk-through no longer shows truce {command}"

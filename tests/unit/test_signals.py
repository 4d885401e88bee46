"""A signal that comes while a process is being started waits until its starter knows it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

STARTED = """
import signal, sys
from pathlib import Path
from sync.cli.parts import Parts

signals = iter((signal.{ending},))

def end(*_):
    raise SystemExit(128 + signal.SIGTERM)

def told(event, _):  # in the very moment of the birth
    if event == "subprocess.Popen" and (number := next(signals, None)):
        signal.raise_signal(number)

signal.signal(signal.SIGTERM, end)
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever starts us in the background has it ignored
sys.addaudithook(told)
parts = Parts(Path({folder!r}), {{}})
try:
    parts.start("one", "--version")
finally:
    print(sorted(parts.running), sorted(note.name for note in parts.folder.glob("*.pid")), signal.getsignal(signal.SIGTERM) is end)
    parts.stop()
"""


def _started(folder: Path, ending: str) -> subprocess.CompletedProcess[str]:
    code = STARTED.format(folder=str(folder), ending=ending)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)


def test_a_part_that_begins_while_its_starter_is_told_to_end_is_known_to_it(tmp_path: Path) -> None:
    done = _started(tmp_path, "SIGTERM")
    assert (done.returncode, done.stdout) == (143, "['one'] ['one.pid'] True\n"), done.stderr
    assert list(tmp_path.glob("*.pid")) == []


def test_the_same_by_ctrl_c(tmp_path: Path) -> None:
    done = _started(tmp_path, "SIGINT")
    assert "KeyboardInterrupt" in done.stderr
    assert done.stdout == "['one'] ['one.pid'] True\n"

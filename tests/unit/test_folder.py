"""What a local run remembers of its processes: who was stopped is named until it goes on, who ended is not there."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.runtime.folder import frozen, remember, remembered


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    made = subprocess.Popen(["sleep", "60"])
    yield made
    made.kill()
    made.wait()


def test_who_was_stopped_is_named_until_they_go_on(tmp_path: Path, process: subprocess.Popen[bytes]) -> None:
    remember(tmp_path, "worker-1", process.pid)
    assert frozen(tmp_path) == {}
    process.send_signal(signal.SIGSTOP)
    os.waitpid(process.pid, os.WUNTRACED)
    assert frozen(tmp_path) == {"worker-1": process.pid}
    process.send_signal(signal.SIGCONT)
    os.waitpid(process.pid, os.WCONTINUED)
    assert frozen(tmp_path) == {}


def test_another_process_of_the_same_id_is_not_meant(tmp_path: Path, process: subprocess.Popen[bytes]) -> None:
    (tmp_path / "worker-1.pid").write_text(f"{process.pid} 1.00")
    (tmp_path / "worker-2.pid").write_text("no number")
    remember(tmp_path, "edge", process.pid)
    assert list(remembered(tmp_path)) == ["edge"]

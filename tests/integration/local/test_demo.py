"""The demo as a stranger runs it: a process of its own, servers of its own, an end by itself."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from sync.cli.emulate import PAIRS
from sync.cli.local import PAIR
from tests.house.project import ROOT

FIGURES = {
    "agree": bool, "people": int, "fields_compared": int, "fields_equal": int, "lost": int, "duplicate_effects": int, "parked": int,
    "parked_left": int, "calls": int, "calls_minimum": int, "idle_writes": int, "stall_s_after_kill": float, "seconds": float,
}  # fmt: skip
SHARED = 35
"""Fields of deploy/playbook/fields.yaml that both systems have."""


def _truce(*arguments: str, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("TRUCE_", "KAFKA_"))}
    return subprocess.run(
        [sys.executable, "-m", "sync.cli", *arguments],
        cwd=ROOT,
        env={**own, "TRUCE_HOME": str(home), **environment},
        capture_output=True,
        text=True,
        timeout=600,  # each scene has a bound of its own; a busy machine plays all of them slowly
        check=False,
    )


def _running_in(home: Path) -> list[str]:
    """Name what still runs with something of this folder on its command line or as its data."""
    found = []
    for process in psutil.process_iter(["cmdline", "environ"]):
        words = " ".join(process.info["cmdline"] or ()) + (process.info["environ"] or {}).get("TRUCE_HOME", "")
        if str(home) in words:
            found.append(words[:200])
    return found


@pytest.fixture
def home(servers_folder: Path, request: pytest.FixtureRequest) -> Path:
    return servers_folder / str(request.node.name)


def test_the_demo_ends_with_two_systems_that_agree_and_leaves_nothing_running(home: Path) -> None:
    done = _truce("demo", home=home)
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads((home / "demo.json").read_text())
    assert {name: type(figures[name]) for name in FIGURES} == FIGURES
    assert figures["agree"]
    assert figures["fields_compared"] == figures["fields_equal"] == SHARED * figures["people"]
    assert (figures["lost"], figures["duplicate_effects"], figures["parked"], figures["parked_left"], figures["idle_writes"]) == (
        0,
        0,
        1,
        0,
        0,
    )
    given = figures["handoffs"]
    assert (given["accepted"], given["expired"], given["reassigned"], given["without_responsible_human"]) == (2, 1, 1, 0)
    assert given["offered"] > 500
    assert figures["alerts_sent"] > 0
    assert figures["alert_duplicates"] == 0
    assert set(figures["latency_ms"]) == {"p50", "p99"}
    for scene in range(1, 10):
        assert f"[{scene}]" in done.stdout
    assert "routing.yaml:" in done.stdout
    assert "fields equal everywhere ✔" in done.stdout
    assert _running_in(home) == []

    told = _truce("explain", "kim.larsen@nordwind.example", home=home)  # from the data that the demo left
    assert told.returncode == 0, told.stderr
    assert "with Ana Diaz" in told.stdout
    assert _running_in(home) == []


def test_a_demo_that_is_told_to_end_leaves_nothing_running(home: Path) -> None:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("TRUCE_", "KAFKA_"))}
    told = subprocess.Popen(
        [sys.executable, "-m", "sync.cli", "demo"], cwd=ROOT, env={**own, "TRUCE_HOME": str(home)}, stdout=subprocess.DEVNULL
    )
    logs = home / "demo"
    while not list(logs.glob("worker-*.log")):
        assert told.poll() is None, "it ended by itself"
        time.sleep(0.2)  # it has no other way to say how far it is
    told.terminate()
    assert told.wait(60) == 128 + signal.SIGTERM
    assert _running_in(home) == []


@pytest.mark.parametrize("pair", [",".join(pair) for pair in PAIRS if pair != PAIR])
def test_the_demo_runs_with_another_pair_on_servers_of_ones_own(pair: str, home: Path, kafka: str, postgres: str) -> None:
    done = _truce("demo", "--pair", pair, "--json", home=home, KAFKA_BOOTSTRAP_SERVERS=kafka, TRUCE_DATABASE=postgres)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["agree"]
    assert not (home / "demo" / "kafka").exists()
    assert _running_in(home) == []

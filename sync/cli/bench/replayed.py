"""How fast `truce simulate` is: messages a second under two playbooks, and how long the default sample takes of a large history."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from sync.cli import parallel
from sync.cli.bench import past, playbook
from sync.cli.parallel import Books
from sync.cli.past import File
from sync.cli.simulate import SAMPLE


def books() -> Books:
    """Give the bench's playbook, and a candidate that asks for more engagement."""
    files = playbook.files()
    candidate = files | {"lifecycle.yaml": files["lifecycle.yaml"].replace("lead.engagement >= 40", "lead.engagement >= 50")}
    return Books({name: text.encode() for name, text in files.items()}, {name: text.encode() for name, text in candidate.items()})


def measure(folder: Path, few: int, many: int) -> dict[str, Any]:
    """Replay `few` leads' history in one process, then the default sample of `many` leads' on every core."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "history.jsonl.gz"
    past.write(path, few)
    began = time.perf_counter()
    found = parallel.simulate(File(path), books(), 0, processes=1)
    one = time.perf_counter() - began
    past.write(path, many)
    began = time.perf_counter()
    sampled = parallel.simulate(File(path), books(), SAMPLE)
    seconds = time.perf_counter() - began
    path.unlink()
    return {
        "messages": found.messages,
        "per_core_and_playbook_per_s": 2 * found.messages / one,
        "sample": {"leads": many, "looked": sampled.looked, "seconds": seconds, "cores": parallel.cores()},
    }

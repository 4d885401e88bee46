"""Looks at many inputs in several processes, says how far it is, and ends with what was found: `truce house fuzz` calls it."""

from __future__ import annotations

import argparse
import faulthandler
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.fuzz.looking import look

CHUNK = 100
SHARE = {"playbook": 2, "condition": 3}
"""So many chunks of a kind for so many of the other."""
HANGS_S = 120.0
"""Whoever takes so long for one input hangs: the process ends itself, and says where."""
SHOWN = 20


@dataclass(slots=True)
class Found:
    """What came of it."""

    looked: int = 0
    wrong: list[str] = field(default_factory=list)
    slowest: tuple[float, str] = (0.0, "")


def chunk(kind: str, seed: str, notes: Path) -> Found:
    """Look at the inputs of one chunk; the one at hand stands in a note of this process."""
    found, note = Found(), notes / str(os.getpid())
    for number in range(CHUNK):
        one = f"{seed}:{number}"
        note.write_text(f"{kind} {one}")
        faulthandler.dump_traceback_later(HANGS_S, exit=True)
        began = time.process_time()
        said = look(kind, one)
        found.slowest = max(found.slowest, (time.process_time() - began, f"{kind} {one}"))
        faulthandler.cancel_dump_traceback_later()
        found.looked += 1
        if said:
            found.wrong.append(said)
    return found


def chunks(inputs: int, seed: str) -> Iterator[tuple[str, str]]:
    """Give kind and seed of each chunk, the kinds by turns."""
    turn = [kind for kind, share in SHARE.items() for _ in range(share)]
    return ((turn[number % len(turn)], f"{seed}:{number}") for number in range(-(-inputs // CHUNK)))


def run(inputs: int, seconds: float, seed: str, processes: int) -> Found:
    """Look at the inputs, until the time is up."""
    until, total, waiting = time.monotonic() + seconds, Found(), chunks(inputs, seed)
    with TemporaryDirectory() as folder, ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        notes = Path(folder)
        going: set[Future[Found]] = set()
        told = time.monotonic()
        while True:
            for kind, one in islice(waiting, max(0, 2 * processes - len(going))) if time.monotonic() < until else ():
                going.add(pool.submit(chunk, kind, one, notes))
            if not going:
                return total
            done, going = wait(going, timeout=5, return_when=FIRST_COMPLETED)
            for future in done:
                _add(total, future, notes)
            if time.monotonic() - told > 5:
                told = time.monotonic()
                print(f"{total.looked:,} of {inputs:,} inputs, {len(total.wrong)} wrong", flush=True)


def _add(total: Found, future: Future[Found], notes: Path) -> None:
    try:
        found = future.result()
    except BrokenProcessPool:
        last = " or ".join(sorted(note.read_text() for note in notes.iterdir()))
        raise SystemExit(f"✘ {last}: it hangs, or ends the process; the lines above say where") from None
    total.looked += found.looked
    total.wrong += found.wrong
    total.slowest = max(total.slowest, found.slowest)


def main(arguments: list[str]) -> int:
    """Read the command line, run, and tell; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.run")
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", default="house")
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args(arguments)
    found = run(given.inputs, given.seconds, given.seed, given.processes)
    for said in found.wrong[:SHOWN]:
        print(f"\n✘ {said}")
    less = "" if found.looked >= given.inputs else f" of {given.inputs:,}, for the time was up"
    print(f"\n{found.looked:,} inputs{less} with seed {given.seed}: {len(found.wrong)} wrong.")
    print(f"The slowest took {found.slowest[0] * 1000:.0f} ms: {found.slowest[1]}.")
    return 1 if found.wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

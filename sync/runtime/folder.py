"""A data folder that one process group holds at a time, and the servers a dead one left in it."""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import fasteners
import psutil


class FolderBusy(RuntimeError):
    """Somebody else holds the folder; the text says where and what to do."""


@dataclass
class Folder:
    """A folder held by us until `release`."""

    path: Path
    _lock: fasteners.InterProcessLock

    def release(self) -> None:
        """Let others have it."""
        self._lock.release()


def hold(home: Path, name: str) -> Folder:
    """Take `home/name` for this process; raises FolderBusy when another one has it."""
    home.mkdir(parents=True, exist_ok=True)
    lock = fasteners.InterProcessLock(str(home / f".{name}.lock"))
    if not lock.acquire(blocking=False):
        raise FolderBusy(f"{home / name} is in use by another Truce on this machine: stop it, or set TRUCE_HOME to another folder.")
    path = home / name
    path.mkdir(exist_ok=True)
    return Folder(path.resolve(), lock)


def hold_any(home: Path, name: str, most: int = 20) -> Folder:
    """Take the first free of name, name-2, name-3 …; raises FolderBusy when all are in use."""
    for n in range(1, most + 1):
        with suppress(FolderBusy):
            return hold(home, name if n == 1 else f"{name}-{n}")
    raise FolderBusy(f"{most} runs are under way in {home}: stop one, or set TRUCE_HOME to another folder.")


def empty(folder: Folder) -> None:
    """Stop what a dead run left in it and remove its data."""
    stop_left_over(folder.path)
    for entry in folder.path.iterdir():
        shutil.rmtree(entry, ignore_errors=True) if entry.is_dir() else entry.unlink(missing_ok=True)


def remember(folder: Path, name: str, pid: int) -> None:
    """Note a process of this folder, so that a later start can stop it if we die."""
    (folder / f"{name}.pid").write_text(f"{pid} {psutil.Process(pid).create_time():.2f}")


def forget(folder: Path, name: str) -> None:
    """The process ended."""
    (folder / f"{name}.pid").unlink(missing_ok=True)


def remembered(folder: Path) -> dict[str, psutil.Process]:
    """Give every remembered process that still runs, by its name: the same one, by id and start time."""
    found = {}
    for note in sorted(folder.glob("*.pid")):
        pid, _, born = note.read_text().partition(" ")
        with suppress(psutil.Error, ValueError):
            process = psutil.Process(int(pid))
            if abs(process.create_time() - float(born)) < 1:
                found[note.stem] = process
    return found


def frozen(folder: Path) -> dict[str, int]:
    """Give the processes that were stopped (a signal, a debugger) and do nothing until they are let go on: name → id."""
    found = {}
    for name, process in remembered(folder).items():
        with suppress(psutil.Error):
            if process.status() == psutil.STATUS_STOPPED:
                found[name] = process.pid
    return found


def stop_left_over(folder: Path) -> None:
    """End every remembered process that still runs (the same one: pid and start time), and PostgreSQL's."""
    for process in remembered(folder).values():
        with suppress(psutil.Error):
            end(process)
    for note in folder.glob("*.pid"):
        note.unlink(missing_ok=True)
    master = folder / "postgres" / "postmaster.pid"
    with suppress(OSError, psutil.Error, ValueError, IndexError):
        process = psutil.Process(int(master.read_text().split("\n")[0]))
        if "postgres" in process.name():
            end(process)


def end(process: psutil.Process, patience_s: float = 8.0) -> None:
    """Ask a process and its children to end, then make them."""
    with suppress(psutil.NoSuchProcess):
        family = [process, *process.children(recursive=True)]
        process.terminate()
        _, alive = psutil.wait_procs(family, timeout=patience_s)
        for one in alive:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        psutil.wait_procs(alive, timeout=3)

"""Where a command finds Truce's store and Kafka: what is set, else what `truce up` runs here, else the data of the last run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sync.settings import Settings

NOTE = "last.json"


class NothingThere(RuntimeError):
    """There is no installation to talk to; the text says what to do."""


@dataclass(frozen=True)
class Place:
    """An installation's addresses; no `bootstrap` where only its store is there."""

    dsn: str
    installation: str
    bootstrap: str | None
    secret: str


def running(settings: Settings) -> Path | None:
    """Give the folder of the local run that is under way here; None where the servers are one's own and no run is, or none at all."""
    import psutil

    try:
        note = json.loads((settings.home / NOTE).read_text())
    except (OSError, ValueError):
        return None
    return settings.home / str(note["folder"]) if psutil.pid_exists(note["pid"]) else None


def remember(home: Path, folder: Path, place: Place, pid: int) -> None:
    """Note a local run, so that other commands find it."""
    home.mkdir(parents=True, exist_ok=True)
    note = {"folder": folder.name, "dsn": place.dsn, "installation": place.installation, "kafka": place.bootstrap, "pid": pid}
    (home / NOTE).write_text(json.dumps(note))


@contextmanager
def find(settings: Settings, *, start: bool = True) -> Iterator[Place]:
    """Give the installation to talk to; starts the last run's PostgreSQL for the length of the block if it stands still (and `start`)."""
    secret = settings.secret.get_secret_value()
    if settings.database:
        yield Place(settings.database.get_secret_value(), settings.installation, settings.kafka, secret)
        return
    try:
        note = json.loads((settings.home / NOTE).read_text())
    except (OSError, ValueError):
        raise NothingThere(
            "no Truce here yet: run `truce demo` or `truce up` first, or set TRUCE_DATABASE and KAFKA_BOOTSTRAP_SERVERS."
        ) from None
    import psutil  # this and what runs servers only where there is one: most calls of `truce check` have none

    from sync.runtime import postgres
    from sync.runtime.folder import FolderBusy, hold

    if psutil.pid_exists(note["pid"]):
        yield Place(note["dsn"], note["installation"], note["kafka"], secret)
        return
    if not start:
        raise NothingThere("Truce does not run here now: start `truce up`.")
    try:
        folder = hold(settings.home, note["folder"])
    except FolderBusy:
        yield Place(note["dsn"], note["installation"], None, secret)
        return
    try:
        with postgres.local(folder.path) as server:
            yield Place(server.dsn, note["installation"], None, secret)
    finally:
        folder.release()

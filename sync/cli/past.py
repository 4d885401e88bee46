"""Where `truce simulate` has history from: a file, or what the store remembers."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

from sync.cli.output import CannotRun
from sync.trial.echoes import Users
from sync.trial.history import Header, Recorded, Unusable, read_header, read_record


class Past(Protocol):
    """Recorded history that can be gone through more than once."""

    users: Users
    broken: dict[int, str]
    """Lines that are no messages, and why."""

    def records(self, wanted: Callable[[int], bool] = ...) -> Iterator[Recorded]:
        """Give the messages of these lines, in order."""
        ...


def _every(_: int) -> bool:
    return True


class File:
    """A history file, gzip or plain."""

    def __init__(self, path: Path) -> None:
        """Read the header; raises CannotRun for what is no history."""
        self.path = path
        self.broken: dict[int, str] = {}
        try:
            first = next(self._lines(), b"")
            self.header: Header = read_header(first)
        except (OSError, EOFError, zlib.error) as error:
            raise CannotRun(f"{path} cannot be read: {error}") from None
        except Unusable as error:
            raise CannotRun(f"{path}: {error}. `truce history export {path.name}` writes one.") from None
        self.users: Users = self.header.team()

    def _lines(self) -> Iterator[bytes]:
        with self.path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            if packed:
                with gzip.open(raw) as text:
                    yield from text
            else:
                yield from raw

    def records(self, wanted: Callable[[int], bool] = _every) -> Iterator[Recorded]:
        """Give the messages of these lines; what cannot be read is noted in `broken`."""
        number = 0
        try:
            for number, text in enumerate(self._lines(), 1):
                if number > 1 and text.strip() and wanted(number):
                    try:
                        yield read_record(number, text)
                    except Unusable as error:
                        self.broken[number] = str(error)
        except (OSError, EOFError, zlib.error) as error:
            self.broken[number + 1] = f"the file ends in the middle: {error}"


class Kept:
    """Messages that are in memory already."""

    def __init__(self, rows: list[Recorded], users: Any) -> None:
        """Take the messages in their order, and the vendors' users."""
        self._rows, self.users, self.broken = rows, users, dict[int, str]()

    def records(self, wanted: Callable[[int], bool] = _every) -> Iterator[Recorded]:
        """Give the messages of these lines."""
        return (record for record in self._rows if wanted(record.line))

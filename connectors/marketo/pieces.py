"""The file of an extract, CSV that comes in pieces of bytes: cut into whole lines, and read as leads. Pure.

Source: Adobe's developer guide, "Bulk Lead Extract" (fields under their API names in the first line, `null` for what is blank).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from connectors.marketo.mapping import Row

LONGEST = 16 * 1024 * 1024
"""No line of a file is longer."""


class Broken(Exception):
    """A file is not what its job promised, or not there."""


def cut(text: bytes, *, last: bool) -> tuple[list[bytes], bytes]:
    """Cut the text into whole lines (a line break between quotation marks is part of its line) and what is left; of the last piece nothing is."""
    lines, start, end, quotes = list[bytes](), 0, 0, 0
    while at := text.find(b"\n", end) + 1:
        quotes += text.count(b'"', end, at)
        end = at
        if quotes % 2 == 0:
            lines.append(text[start:end])
            start = end
    rest = text[start:]
    if last and rest:
        return [*lines, rest], b""
    if len(rest) > LONGEST:
        raise Broken("a line without an end")
    return lines, rest


def cells(lines: Sequence[bytes]) -> list[list[str]]:
    """Read lines as cells; raises Broken."""
    try:
        return list(csv.reader(io.StringIO(b"".join(lines).decode("utf-8-sig"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error):
        raise Broken("no CSV") from None


def leads(lines: Sequence[bytes], head: Sequence[str], asked: Sequence[str]) -> list[Row]:
    """Read lines as leads; raises Broken where a field that was asked for is not there, or a line has other columns than the head."""
    found = [row for row in cells(lines) if row]
    if not {*asked} <= {*head} or any(len(row) != len(head) for row in found):
        raise Broken("other columns")
    return [{name: None if cell in ("", "null") else cell for name, cell in zip(head, row, strict=True)} for row in found]

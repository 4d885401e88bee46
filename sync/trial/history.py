"""Recorded history as a file has it: a header, then one line per message of `changes`, in the order in which the log took them. Pure.

Each line is one JSON object: `at` (log-append time, ms), `key`, `headers` (CloudEvents attributes), `value` (the message's own JSON as
text, or base64 under `value64` where it is no text). The header says whose it is, from when to when, how many, and whom the systems know.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from sync.lead.decision import VendorUser

FORMAT = 1


class Unusable(ValueError):
    """A line that cannot be replayed; the text says why, without a value."""


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What a history says of itself."""

    truce_history: int = FORMAT
    installation: str = ""
    incarnation: int = 0
    since: int = 0
    """Log-append time of the first message, ms."""
    until: int = 0
    count: int = 0
    users: dict[str, list[tuple[str, str, bool]]] = {}
    """System → (the vendor's user id, e-mail, active) as they were when it was written."""

    def team(self) -> dict[str, dict[str, VendorUser]]:
        """Give the users as facts have them."""
        return {system: {one[0]: VendorUser(system, *one) for one in some} for system, some in self.users.items()}


class _Line(msgspec.Struct, omit_defaults=True):
    at: int
    key: str | None = None
    headers: dict[str, str] = {}
    value: str | None = None
    value64: str | None = None


class Recorded(NamedTuple):
    """One message as the log kept it."""

    line: int
    """Its line in the file, 1-based: the order of the log."""
    at: int
    """Log-append time, ms."""
    key: str | None
    headers: Mapping[str, str]
    value: bytes | None

    @property
    def type(self) -> str:
        """Give the message's CloudEvents type, '' when it has none."""
        return self.headers.get("ce_type", "")

    @property
    def id(self) -> str:
        """Give its CloudEvents id."""
        return self.headers.get("ce_id", "")

    def pairs(self) -> list[tuple[str, bytes]]:
        """Give the headers as Kafka has them."""
        return [(name, text.encode()) for name, text in self.headers.items()]


def recorded(line: int, at: int, value: bytes, headers: Sequence[tuple[str, bytes]], key: str | None = None) -> Recorded:
    """Give a message as the log would keep it."""
    return Recorded(line, at, key, {name: text.decode() for name, text in headers}, value)


_ENCODE = msgspec.json.Encoder().encode
_HEADER = msgspec.json.Decoder(Header).decode
_LINE = msgspec.json.Decoder(_Line).decode


def write_header(header: Header) -> bytes:
    """Give the first line."""
    return _ENCODE(header) + b"\n"


def read_header(text: bytes) -> Header:
    """Read the first line; raises Unusable when it is no header of this format or an older one."""
    try:
        header = _HEADER(text)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Unusable(f"the first line is no header of a history: {_said(error)}") from None
    if b'"truce_history"' not in text or header.truce_history > FORMAT:
        raise Unusable("the first line is no header of a history that this version reads")
    return header


def write_record(at: int, key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes]]) -> bytes:
    """Give the line of one message."""
    named = {name: text.decode(errors="backslashreplace") for name, text in headers if text is not None}
    line = _Line(at, None if key is None else key.decode(errors="backslashreplace"), named)
    if value is not None:
        try:
            line.value = value.decode()
        except UnicodeDecodeError:
            line.value64 = b64encode(value).decode()
    return _ENCODE(line) + b"\n"


def read_record(number: int, text: bytes) -> Recorded:
    """Read the line of one message; raises Unusable with what is wrong."""
    try:
        line = _LINE(text)
        value = line.value.encode() if line.value is not None else None if line.value64 is None else b64decode(line.value64, validate=True)
    except (msgspec.MsgspecError, ValueError) as error:
        raise Unusable(f"no line of a history: {_said(error)}") from None
    return Recorded(number, line.at, line.key, line.headers, value)


def _said(error: Exception) -> str:
    """Give a parser's words without the value that they may quote."""
    return str(error).partition(":")[0].partition(", got")[0] or type(error).__name__

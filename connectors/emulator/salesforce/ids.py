"""Salesforce record ids: a three-character prefix per object, 15 characters that tell case, 18 with the checksum that does not need it."""

from __future__ import annotations

from functools import lru_cache

_CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_POD = "5f00000"  # the middle of every id of one org: instance and reserved characters


def full(ident: object) -> str | None:
    """Give the 18-character form of a 15- or 18-character id; None for anything that is no id."""
    return _full(ident) if isinstance(ident, str) else None


@lru_cache(maxsize=65_536)
def _full(ident: str) -> str | None:
    if len(ident) not in (15, 18) or not ident.isascii() or not ident.isalnum():
        return None
    whole = ident[:15] + _checksum(ident[:15])
    return whole if ident in (whole, whole[:15]) else None


def _checksum(short: str) -> str:
    """Tell for each block of five, lowest bit first, which characters are upper case."""
    return "".join(_CHECK[sum(1 << bit for bit in range(5) if "A" <= short[block + bit] <= "Z")] for block in (0, 5, 10))


class Ids:
    """Gives ids in ascending order, so that the order of ids is the order of creation."""

    def __init__(self) -> None:
        self._next: dict[str, int] = {}

    def take(self, prefix: str) -> str:
        """Give the next 18-character id of the object with this prefix."""
        number = self._next[prefix] = self._next.get(prefix, 0) + 1
        tail = ""
        for _ in range(5):
            number, digit = divmod(number, 62)
            tail = _DIGITS[digit] + tail
        short = prefix + _POD + tail
        return short + _checksum(short)

"""Texts from anywhere as one line that shows what it is."""

from __future__ import annotations

import unicodedata

MOST = 2000
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def plain(text: str, most: int = MOST) -> str:
    """Give text as one line that shows what it is: no line breaks, no escape sequences, nothing that is not seen or turns the order round."""
    seen = "".join(" " if unicodedata.category(sign) in _HIDDEN else sign for sign in text[: 4 * most])
    short = " ".join(seen.split())
    return short if len(short) <= most else short[: most - 1] + "…"

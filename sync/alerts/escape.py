"""Texts from anywhere made harmless, by the rules of each medium: no name of a company is an order, a link or a line of its own.

Slack's rules stand with Slack's cards.
"""

from __future__ import annotations

import html as _html

from sync.lead.legible import plain

__all__ = ["address", "header", "html", "plain", "unmarked"]
_MARKS = str.maketrans(
    {"*": "∗", "_": "＿", "`": "ˋ", "~": "∼", "[": "［", "]": "］", "|": "¦", "#": "＃", "<": "‹", ">": "›", "@": "＠", "\\": "＼", "&": "＆"}
)  # fmt: skip
"""What some service takes for bold, a link, a mention or a tag → a sign that looks like it and is none."""


def header(text: str) -> str:
    """Give text for a header of an e-mail or of HTTP: one line, and short."""
    return plain(text, 180)


def html(text: str) -> str:
    """Give text for HTML, in an element or an attribute."""
    return _html.escape(plain(text), quote=True)


def address(url: str) -> str:
    """Give a link's address for an attribute of HTML; empty for one that is no web address, so that none runs a script."""
    shown = plain(url, 2000).replace(" ", "%20")
    return _html.escape(shown, quote=True) if shown.startswith(("https://", "http://")) else ""


def unmarked(text: str) -> str:
    """Give text for services of which it is not known what they read into it: signs with a meaning become signs that look like them."""
    return plain(text).translate(_MARKS)

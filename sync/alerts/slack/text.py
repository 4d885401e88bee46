"""Text for Slack: what comes from data is never mrkdwn; it stands in rich text and plain text, which Slack shows as they are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

from sync.alerts.channel import Link
from sync.alerts.escape import plain

MOST = 600
Block = dict[str, Any]
BETWEEN: Block = {"type": "text", "text": " · "}


class Linked(str):
    """A line that leads somewhere at its end."""

    __slots__ = ("link",)
    link: Link

    @classmethod
    def to(cls, text: str, link: Link) -> Self:
        """Give a line with where it leads."""
        made = cls(text)
        made.link = link
        return made


def words(text: str, most: int = MOST) -> str:
    """Give text as one visible line, never empty."""
    return plain(text, most) or "–"


def label(text: str, most: int = 75) -> Block:
    """Give a plain text object; colons stay colons, not faces."""
    return {"type": "plain_text", "text": words(text, most), "emoji": False}


def fallback(text: str, most: int = 3_000) -> str:
    """Give the text of a notification: Slack's three signs escaped, so that none of it is a call, a link or an order."""
    return words(text, most).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def bold(text: str) -> Block:
    """Give a bold part of a line."""
    return {"type": "text", "text": words(text), "style": {"bold": True}}


def part(text: str) -> Block:
    """Give a part of a line, with the spaces that it begins with."""
    before = len(text) - len(text.lstrip(" ")) if text.strip(" ") else 0
    return {"type": "text", "text": f"{' ' * min(before, 2)}{words(text)}"}


def link(text: str, url: str) -> Block:
    """Give a part of a line that leads somewhere; what is no web address is only words."""
    return {"type": "link", "url": url, "text": words(text, 200)} if web(url) else part(text)


def line(text: str) -> list[Block]:
    """Give the parts of a line of words, with the link of one that leads somewhere."""
    end = [BETWEEN, link(text.link.text, text.link.url)] if isinstance(text, Linked) else []
    return [part(text), *end]


def web(url: str) -> bool:
    """Say whether an address is one that a link may have."""
    return url.startswith(("https://", "http://")) and url.isprintable() and " " not in url and len(url) <= 3_000


def rich(lines: Iterable[Iterable[Block]], ident: str = "") -> list[Block]:
    """Give lines of parts as one block of rich text; none for no lines."""
    sections: list[Block] = []
    every = [list(line) for line in lines]
    for n, line in enumerate(every):
        end: list[Block] = [{"type": "text", "text": "\n"}] if n + 1 < len(every) else []
        sections.append({"type": "rich_text_section", "elements": [*line, *end]})
    return [{"type": "rich_text", **({"block_id": ident} if ident else {}), "elements": sections}] if sections else []

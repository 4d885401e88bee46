"""Text as Slack takes and shows it: composition objects with their lengths, and what mrkdwn makes of a text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_ENTITY = re.compile(r"<([^<>\n]+)>")
_STYLE = {"*": "bold", "_": "italic", "~": "strike", "`": "code"}
_STYLED = re.compile(r"(?<![\w*_~`])([*_~`])(?=\S)([^\n]*?\S)\1(?![\w*_~`])")
_BARE = re.compile(r"\bhttps?://[^\s<>|]+|\b[\w.+-]+@[\w-]+\.[\w.-]+\b")


class Bad(ValueError):
    """A block that Slack would refuse; the text is the line that stands in `response_metadata.messages`."""


def sized(value: object, where: str, most: int, least: int = 1) -> str:
    """Give a text of an allowed length; raises Bad."""
    if not isinstance(value, str):
        raise Bad(f"must be a string [json-pointer:{where}]")
    if len(value) > most:
        raise Bad(f"must be less than {most + 1} characters [json-pointer:{where}]")
    if len(value) < least:
        raise Bad(f"must be more than {least - 1} characters [json-pointer:{where}]")
    return value


def text(value: object, where: str, most: int, *, plain: bool = False) -> None:
    """Check a text object; `plain`: only plain_text is taken there; raises Bad."""
    if not isinstance(value, Mapping):
        raise Bad(f"must provide an object [json-pointer:{where}]")
    kind = value.get("type")
    if kind not in ("plain_text", "mrkdwn") or (plain and kind != "plain_text"):
        raise Bad(f"unsupported type: {kind} [json-pointer:{where}/type]")
    if kind == "mrkdwn" and "emoji" in value:
        raise Bad(f"no more than allowed: emoji [json-pointer:{where}/emoji]")
    only(value, where, {"type", "text", "emoji" if kind == "plain_text" else "verbatim"})
    sized(value.get("text"), f"{where}/text", most)


def only(value: Mapping[str, Any], where: str, allowed: set[str]) -> None:
    """Refuse keys that Slack does not know there; raises Bad."""
    for name in value:
        if name not in allowed:
            raise Bad(f"invalid additional property: {name} [json-pointer:{where}]")


def shown(mrkdwn: str) -> list[tuple[str, str]]:
    """Give what mrkdwn makes of a text besides plain words: (broadcast | user | channel | link | bold | italic | strike | code, of what)."""
    found: list[tuple[str, str]] = []
    for match in _ENTITY.finditer(mrkdwn):
        inner = match[1]
        kind = {"!": "broadcast", "@": "user", "#": "channel"}.get(inner[0], "link")
        found.append((kind, inner.lstrip("!@#").partition("|")[0]))
    rest = _ENTITY.sub(" ", mrkdwn)
    found += [(_STYLE[match[1]], match[2]) for match in _STYLED.finditer(rest)]
    found += [("link", match[0]) for match in _BARE.finditer(rest)]
    found += [("quote", line) for line in mrkdwn.split("\n") if line.startswith(("&gt;", ">"))]
    return found


def called(message: Mapping[str, Any]) -> list[str]:
    """Name everybody whom a message calls: `channel`, `here`, `everyone`, user ids; by its text, its blocks' mrkdwn and its rich text."""
    blocks = message.get("blocks") or []
    found = [
        what for one in (str(message.get("text") or ""), *mrkdwns(blocks)) for kind, what in shown(one) if kind in ("broadcast", "user")
    ]
    return found + [str(one.get("range") or one.get("user_id")) for one in parts(blocks) if one.get("type") in ("broadcast", "user")]


def parts(value: object) -> list[Mapping[str, Any]]:
    """Give every object in blocks, however deep."""
    if isinstance(value, Mapping):
        return [value, *(one for part in value.values() for one in parts(part))]
    return [one for part in value for one in parts(part)] if isinstance(value, list | tuple) else []


def mrkdwns(value: object) -> list[str]:
    """Give every mrkdwn text in blocks."""
    return [str(one.get("text")) for one in parts(value) if one.get("type") == "mrkdwn"]

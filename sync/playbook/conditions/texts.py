"""Looking through texts, within bounds: words in a title, patterns and how much they stand for."""

from __future__ import annotations

import re
from functools import lru_cache

MAX_STEPS = 5_000_000
"""So much may be looked at for one condition, in characters times what is looked for; about 20 ms."""
MAX_PATTERN = 200
"""The longest pattern, as written."""
MAX_PLACES = 500
"""The largest pattern, by the places that it stands for."""
_ATOM = re.compile(
    r"\\[pP](?:\{\^?\w+\}|\w)|\\x\{[0-9a-fA-F]+\}|\\Q.*?\\E|\\.|\[\^?\]?(?:\\.|\[:\^?\w+:\]|[^\]\\])*\]|\(\?P?<\w+>|\(\?[a-zA-Z-]*[:)]|.",
    re.DOTALL,
)
_REPEAT = re.compile(r"\{(\d+)(?:,(\d*))?\}")
_CLASS = 130
"""A class of Unicode letters stands for so many places."""


@lru_cache(maxsize=4_096)
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    parts = [re.escape(word.strip().casefold()) for word in words if word.strip()]
    return re.compile(rf"(?<!\w)(?:{'|'.join(parts)})(?!\w)" if parts else r"(?!)")


def any_of(text: str, words: tuple[str, ...]) -> bool:
    """Say whether the text has one of these words or phrases, as whole words, ignoring case ("CTO" is not in "Director")."""
    return _pattern(words).search(text.casefold()) is not None


def weight(words: tuple[str, ...]) -> int:
    """Give how many steps one character of a text costs that is looked through for these words."""
    return 8 + len(words)


def places(pattern: str) -> int:
    """Give how many places a regular expression stands for, repetitions multiplied out: what it costs per character, at most."""
    sizes: list[list[int]] = [[]]
    at = 0
    while at < len(pattern):
        repeat = _REPEAT.match(pattern, at)
        if repeat and sizes[-1]:
            most = max(int(repeat[1]), int(repeat[2] or 0), 1)
            sizes[-1][-1] *= min(most, 10_000)
            at = repeat.end()
            continue
        atom = _ATOM.match(pattern, at)
        word = atom.group() if atom else pattern[at]
        at += len(word)
        _add(sizes, word)
    return sum(sum(level) for level in sizes)


def _add(sizes: list[list[int]], atom: str) -> None:
    if atom == "(" or (atom.startswith("(?") and not atom.endswith(")")):
        sizes.append([])
    elif atom == ")" and len(sizes) > 1:
        inner = sum(sizes.pop())
        sizes[-1].append(inner + 1)
    elif atom.startswith(("\\p", "\\P")) or "[:" in atom or (atom.startswith("[") and "\\p" in atom.lower()):
        sizes[-1].append(_CLASS)
    elif atom.startswith("\\Q"):
        sizes[-1].append(len(atom))
    elif atom not in "*+?|":
        sizes[-1].append(2 if atom == "." or atom.startswith("[") else 1)

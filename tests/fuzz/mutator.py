"""Makes inputs that nobody meant: files and conditions of the good and the bad corpora with a few things wrong, the same for the same seed."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from random import Random

SNIPPETS = [
    *(
        "&a ",
        "*a",
        "!!python/object ",
        "!x ",
        "? ",
        "| ",
        ">-",
        "- ",
        "-",
        ": ",
        ":",
        "#",
        " #",
        "%YAML 1.1",
        "---",
        "...",
        "<<: *a",
        "'",
        '"',
    ),
    *(
        "{",
        "}",
        "[",
        "]",
        ", ",
        "\t",
        "\x00",
        "\ufeff",
        "\u2028",
        "\x85",
        "\r",
        "\r\n",
        "\u202e",
        "\ud7ff",
        "é",
        "e\u0301",
        "İ",
        "𝕏",
        "💥",
        "\\",
    ),
    *("null", "~", "NO", "true", "0123", "1_000", "0x1F", ".nan", ".inf", "1e999", "-0", "2026-02-30", "12:60", "=", "@", "`"),
]
VALUES = [
    *(
        "",
        "null",
        "[]",
        "{}",
        "''",
        "-1",
        "0",
        "999999999999999999999999",
        "1e400",
        "1.5",
        "true",
        "NO",
        "'x'",
        "2026-13-45",
        "DE",
        "[[[]]]",
    ),
    *(
        "{a: {b: {c: d}}}",
        "lead.employees >= 500",
        "!has(lead.phone)",
        'lead.title == "VP: Sales"',
        "ana@acme.example",
        "*x",
        "&x 1",
        "!!str 1",
    ),
    *("x" * 300, "ß" * 80, "[" * 40, "{a: " * 40, "9" * 5_000, "- a", "'unclosed", '"\\ud800"', "a #b", "a: b", "|", ">"),
]
_KEY = re.compile(rb"(?m)^([ \t-]*)([\w.@-]+):")
_VALUE = re.compile(rb"(?m)(?<=: )[^\n,}\]]+")


def _lines(content: bytes) -> list[bytes]:
    return content.splitlines(keepends=True) or [b""]


def _flip(rng: Random, content: bytes) -> bytes:
    made = bytearray(content or b"x")
    for _ in range(rng.randint(1, 3)):
        made[rng.randrange(len(made))] = rng.randrange(256)
    return bytes(made)


def _cut(rng: Random, content: bytes) -> bytes:
    """A half-written file, or one with a hole."""
    first, last = sorted(rng.randrange(len(content) + 1) for _ in range(2))
    return content[:first] if rng.random() < 0.5 else content[:first] + content[last:]


def _insert(rng: Random, content: bytes) -> bytes:
    at = rng.randrange(len(content) + 1)
    return content[:at] + rng.choice(SNIPPETS).encode() * rng.choice((1, 1, 1, 2, 40)) + content[at:]


def _swap(rng: Random, content: bytes) -> bytes:
    lines = _lines(content)
    one, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return b"".join(lines)


def _double(rng: Random, content: bytes) -> bytes:
    lines = _lines(content)
    first = rng.randrange(len(lines))
    some = lines[first : first + rng.randint(1, 6)]
    return b"".join([*lines[:first], *some * rng.choice((2, 2, 3, 60)), *lines[first + len(some) :]])


def _move(rng: Random, content: bytes) -> bytes:
    """Indent a line otherwise."""
    lines = _lines(content)
    at = rng.randrange(len(lines))
    lines[at] = rng.choice((b" ", b"  ", b"\t", b"    ")) + lines[at] if rng.random() < 0.6 else lines[at].lstrip()
    return b"".join(lines)


def _rename(rng: Random, content: bytes) -> bytes:
    keys = list(_KEY.finditer(content))
    if not keys:
        return _flip(rng, content)
    found = rng.choice(keys)
    name = rng.choice(keys)[2] if rng.random() < 0.5 else _flip(rng, found[2]) if rng.random() < 0.5 else rng.choice(VALUES).encode()
    return content[: found.start(2)] + name + content[found.end(2) :]


def _replace(rng: Random, content: bytes) -> bytes:
    values = list(_VALUE.finditer(content))
    if not values:
        return _insert(rng, content)
    found = rng.choice(values)
    value = rng.choice(values).group() if rng.random() < 0.4 else rng.choice(VALUES).encode()
    return content[: found.start()] + value + content[found.end() :]


def _deepen(rng: Random, content: bytes) -> bytes:
    depth, at = rng.choice((3, 31, 33, 200, 3_000)), rng.randrange(len(content) + 1)
    head = rng.choice((b"[", b"{a: ", b"- ", b"a:\n "))
    return content[:at] + head * depth + content[at:]


MUTATIONS: tuple[Callable[[Random, bytes], bytes], ...] = (
    *(_flip, _cut, _insert, _swap, _double, _move, _rename, _rename, _replace, _replace, _replace, _deepen),
)


def file(rng: Random, corpus: Sequence[tuple[str, bytes]]) -> tuple[str, bytes]:
    """Give a file's name and a content that one like it was made into."""
    name, content = rng.choice(corpus)
    if rng.random() < 0.1:
        content = content[: rng.randrange(len(content) + 1)] + rng.choice(corpus)[1]
    for _ in range(rng.choice((1, 1, 1, 2, 2, 4))):
        content = rng.choice(MUTATIONS)(rng, content)[:200_000]
    return name, content


_TOKEN = re.compile(r"\s+|r?'(?:[^'\\]|\\.)*'|r?\"(?:[^\"\\]|\\.)*\"|\w+|&&|\|\||[=!<>]=|.", re.DOTALL)
WORDS = [
    *("lead.fit", "lead.country", "lead.title", "lead.employees", "account.industry", "opportunity.amount", "lead.mql_date", "lead.email_domain"),
    *("'DE'", '"x"', "r'a+'", "'\\u00e9'", "'\\ud800'", "''", "500", "0.5", "1e9", "1e308", "9" * 40, "007", "-1", "true", "false", "null"),
    *("==", "!=", "<", ">=", "&&", "||", "!", "-", "+", "*", "/", "%", "?", ":", "in", "(", ")", "[", "]", ",", ".", "=", "&"),
    *("['DE', 'NO']", "[1, 2]", "has(lead.phone)", "any_of(lead.title, ['VP'])", "days_since(lead.mql_date)", "touched('pricing', 7)"),
    *("in_table(lead.email_domain, 'partners')", "territory('dach')", "lead.title.contains('a')", "lead.title.matches('(a|b)*c')", "size(", "and", "not"),
    *("“", "é", "💥", "\t", "\n", "\x00", "\u202e", "lead", "lead.", ".x", "has(", "any_of("),
]  # fmt: skip


def condition(rng: Random, corpus: Sequence[str]) -> str:
    """Give a text that a condition was made into."""
    text = rng.choice(corpus)
    for _ in range(rng.choice((0, 1, 1, 1, 2, 3, 6))):
        text = _reworded(rng, text)
    return text[:3_000]


def _reworded(rng: Random, text: str) -> str:
    if rng.random() < 0.15:
        joint = rng.choice((" && ", " || ", " ? ", " == ", ", ", " in "))
        return joint.join([text] * rng.choice((2, 2, 3, 30)))
    if rng.random() < 0.1:
        sign = rng.choice(("!", "-", "(", "[", "!(", "has("))
        return sign * rng.choice((1, 2, 25, 300)) + text + rng.choice(("", ")", "]", ")" * 25))
    parts = _TOKEN.findall(text) or [""]
    at = rng.randrange(len(parts))
    match rng.randrange(5):
        case 0:
            del parts[at]
        case 1:
            parts.insert(at, rng.choice(WORDS))
        case 2:
            parts[at] = rng.choice(WORDS)
        case 3:
            other = rng.randrange(len(parts))
            parts[at], parts[other] = parts[other], parts[at]
        case _:
            letters = list(parts[at] or "x")
            letters[rng.randrange(len(letters))] = chr(rng.choice((rng.randrange(32, 127), rng.randrange(0x250), rng.randrange(0x10FFFF))))
            parts[at] = "".join(letters)
    return "".join(parts)

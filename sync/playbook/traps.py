"""The traps of YAML that people who write conditions fall into, each answered with the line as it should be."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice

_ENTRY = re.compile(r"^(?P<lead>\s*(?:- +)*(?:[\w.-]+: +)?)(?P<rest>\S.*?)\s*$")
_MARKER = re.compile(r"^[ \t]*+(?:- +|[\w.-]++: +)+(?P<mark>[!&*])\S*", re.MULTILINE)
MARKED = 100
"""So many tags, aliases and anchors are told of a large file."""
_QUOTED_START = re.compile(r"""^(?P<quoted>'(?:[^']|'')*'|"(?:[^"\\]|\\.)*")\s*(?P<more>[^\s#:,\]}].*)$""")
_IN_FIELD = re.compile(r"""^(?P<word>'[^']*'|"[^"]*")\s+in\s+(?P<field>lead\.\w+)$""")
_NOT_HAS = re.compile(r"^!\s*(?P<inner>has\([^()]*\))$")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the line does in YAML, the line as it should be, and where the caret stands (1-based)."""

    text: str
    suggestion: str
    column: int
    width: int = 1


def quoted(line: str) -> str:
    """Give a condition in single quotes, as YAML takes it literally."""
    return "'" + line.replace("'", "''") + "'"


def _rest(line: str, column: int = 0) -> tuple[str, int]:
    """Give what stands on a line after `- ` or `key: ` (from a 0-based column on), and its 1-based column."""
    if column:
        return line[column:].rstrip(), column + 1
    match = _ENTRY.match(line)
    return (match["rest"], match.start("rest") + 1) if match else (line.strip(), 1)


def tag(line: str, column: int) -> Answer:
    """Answer `- !has(x)`: YAML takes a "!" at the beginning for a tag."""
    rest, at = _rest(line, column)
    if not rest.startswith("!"):
        return Answer("tags are not part of the playbook's YAML", "delete the tag", at)
    plain = _NOT_HAS.match(rest)
    other = f", or none: [{plain['inner']}]" if plain else ""
    if re.match(r"!+[\w/.:-]*(\s|$)", rest):
        word = rest.split()[0]
        return Answer('a word that begins with "!" is a YAML tag, and tags are refused', f"delete {word}", at, len(word))
    return Answer('a line that begins with "!" is a YAML tag', f"write {quoted(rest)}{other}", at)


def alias(line: str, column: int) -> Answer:
    """Answer `*name`: aliases are refused, because a rule should say what it does where it stands."""
    rest, at = _rest(line, column)
    word = rest.split()[0] if rest else ""
    return Answer('a word that begins with "*" is a YAML alias, and aliases are refused', "write the value out", at, max(1, len(word)))


def anchor(line: str, column: int) -> Answer:
    """Answer `&name`: anchors are refused, with the aliases that they serve."""
    rest, at = _rest(line, column)
    word = rest.split()[0] if rest else ""
    return Answer('a word that begins with "&" is a YAML anchor, and anchors are refused', f"delete {word}", at, max(1, len(word)))


def marked(text: str) -> list[int]:
    """Give the 1-based lines of a text that have a tag, alias or anchor at the beginning of a value, by their look alone."""
    return [text.count("\n", 0, found.start()) + 1 for found in islice(_MARKER.finditer(text), MARKED)]


def marker(line: str) -> Answer | None:
    """Find a tag, alias or anchor at the beginning of a value, by the look of the line alone."""
    match = _MARKER.match(line)
    if not match:
        return None
    column = match.start("mark")
    return {"!": tag, "*": alias, "&": anchor}[match["mark"]](line, column)


def broken(line: str) -> Answer | None:
    """Answer a line that no YAML parser reads, when it is one of the known traps."""
    rest, column = _rest(line)
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return Answer("the line is indented with a tab", "use spaces", line.index("\t") + 1)
    start = _QUOTED_START.match(rest)
    if start:
        inner = _IN_FIELD.match(rest)
        better = f"any_of({inner['field']}, [{inner['word']}])" if inner else quoted(rest)
        return Answer("a line that begins with a quote ends with that quote", f"write {better}", column + start.start("more"))
    if rest.startswith("!"):
        return tag(line, column - 1)
    if re.search(r":\s", rest) and re.match(r"lead\.|!|\w+\(", rest):
        return mapping(line, column - 1, rest[: rest.index(":")])
    if rest[:1] in ("[", "{") and line.lstrip().startswith("- "):
        return Answer(f'a line that begins with "{rest[0]}" is a list or mapping of YAML', f"write {quoted(rest)}", column)
    if rest[:1] in ("%", "@", "`"):
        return Answer(f'a line may not begin with "{rest[0]}" in YAML', f"write {quoted(rest)}", column)
    return None


def mapping(line: str, column: int, key: str) -> Answer:
    """Answer `- lead.title == "VP: Sales"`: YAML takes ": " for a key and its value. `column` (0-based) is where the key begins."""
    rest, at = _rest(line, column)
    return Answer('YAML takes ": " for a key and its value', f"put single quotes round the whole line: {quoted(rest)}", at + len(key))


def cut(line: str, column: int, text: str, end: int) -> Answer | None:
    """Answer `- lead.campaign == "Webinar #4"`: what follows " #" is a comment. `end` (0-based) is where the text ended."""
    if line[end:].lstrip()[:1] != "#" or (text.count('"') % 2 == 0 and text.count("'") % 2 == 0):
        return None
    rest, _ = _rest(line, column)
    at = line.index("#", end) + 1
    return Answer('the line stops here: YAML takes " #" for a comment', f"put single quotes round the whole line: {quoted(rest)}", at)


def lost_zero(raw: str) -> str | None:
    """Answer `01234`: as a number it loses its zero."""
    return f"{raw} is a number and loses its zero: write '{raw}'" if re.fullmatch(r"0\d+", raw) else None

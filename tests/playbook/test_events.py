"""The quick way through a file: where it is taken, it gives what ruamel gives, to the column; where the two may differ, it is not taken."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from ruamel.yaml.error import YAMLError

from sync.playbook import events
from sync.playbook.document import Document
from sync.playbook.walk import Walk, walk

HERE = Path(__file__).parent
FILES = sorted(path for folder in (HERE, HERE.parents[1] / "deploy" / "playbook") for path in folder.rglob("*.yaml"))


def by(read: object, text: str) -> tuple[object, object, object, object] | None:
    """Give data, positions and problems as one reader has them, None where it cannot read the text."""
    made = Walk(Document("some.yaml", text.splitlines()))
    try:
        made.through(read(text))  # type: ignore[operator]
    except (YAMLError, events.Unreadable, ValueError):
        return None
    return made.data, made.document.values, made.document.keys, made.document.problems


def agree(text: str) -> bool:
    """Say whether the quick way was taken; it must then have told the same."""
    quick = by(events.quick, text) if events.ordinary(text) else None
    if quick is not None:
        slow = by(events.read, text)
        assert slow == quick
        assert repr(slow) == repr(quick)
    return quick is not None


def decoded(path: Path) -> str:
    return path.read_bytes().decode("utf-8-sig", errors="replace")


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_file_is_read_alike(path: Path) -> None:
    agree(decoded(path))
    agree(decoded(path).replace("\n", "\r\n"))


def test_nearly_every_file_is_read_quickly() -> None:
    example = [path for path in FILES if "deploy" in path.parts]
    slow = [path.name for path in example if not agree(decoded(path))]
    assert len(example) > 9
    assert len(slow) <= 1, slow


SCALARS = (
    "a",
    "NO",
    "1e3",
    "0o17",
    "~",
    "é中😀",
    "'it''s'",
    '"a \\" b"',
    '"\\/\\x41"',
    "lead.x >= 5",
    "a: b",
    "[a, b]",
    "{a: b}",
    "x # c",
    "'a\n   b'",
    "a\n   b",
    "",
    "*x",
    "&x a",
    "!t a",
    "|\n   a",
    "? a",
)
PIECES = (
    ": ",
    ":",
    "- ",
    "- - ",
    "\n",
    "\n  ",
    "\n    ",
    " #c",
    ",",
    "{",
    "}",
    "[",
    "]",
    '"',
    "'",
    "a",
    "k: v",
    "\t",
    "\ufeff",
    "\r",
    "\u2028",
    '{"a":b}',
    "[a: b]",
    "[? a]",
    "---\n",
    "%",
    "@",
)


@st.composite
def trees(draw: st.DrawFn, depth: int = 0) -> str:
    """Give the text of a small block document, indented as people do."""
    pad = "  " * depth
    lines = []
    for number in range(draw(st.integers(1, 3))):
        head = f"{pad}- " if depth % 2 else f"{pad}{draw(st.sampled_from(('a', 'b', 'c', 'a b', chr(39) + 'q' + chr(39))))}{number}:"
        nested = depth < 3 and not depth % 2 and draw(st.booleans())
        lines.append(head + "\n" + draw(trees(depth + 1)) if nested else f"{head} {draw(st.sampled_from(SCALARS))}\n")
    return "".join(lines)


@st.composite
def spoiled(draw: st.DrawFn) -> str:
    """Give a document with pieces put in anywhere, some of which no parser takes."""
    text = draw(st.one_of(trees(), st.sampled_from([decoded(path)[-600:] for path in FILES])))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(st.sampled_from(PIECES)) + text[at + draw(st.integers(0, 2)) :]
    return text + draw(st.sampled_from(("\n", "", "\n\n", "\n# c\n")))


@given(spoiled())
@example('to: ["k":v]\n')
@example("k: |+\n  \n    a\n")
@example("a: {b: }\n")
@example("- a")
@example("[*a: b]\n")
def test_whatever_is_read_quickly_is_read_alike(text: str) -> None:
    agree(text)


def test_what_cannot_be_read_quickly_is_answered_in_the_same_words() -> None:
    document = Document("some.yaml", ["a: 1", "  b: 2"])
    assert walk(document, "a: 1\n  b: 2\n") == {}
    assert [(one.line, one.column, one.text) for one in document.problems] == [(2, 4, "not YAML: mapping values are not allowed here")]

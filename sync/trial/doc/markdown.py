"""A document as Markdown (CommonMark with tables); nothing in a text is taken for markup. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sync.trial.doc.tree import Block, Code, Document, Grid, Item, Listing, Paragraph, Section, Strong, Words

_MARKUP = re.compile(r"([\\`*\[\]<>|~&#$]|(?<![a-zA-Z0-9])_|_(?![a-zA-Z0-9]))")
_AT_START = re.compile(r"^(\s*)([-+=]|\d+(?=[.)]))")


def markdown(document: Document) -> str:
    """Give the document as Markdown."""
    facts = [f"- {_plain(name)}: {_text(words)}" for name, words in document.facts]
    parts = [f"# {_plain(document.title)}", "\n".join(facts)]
    for section in document.sections:
        parts += _section(section, 2)
    return "\n\n".join(part for part in parts if part) + "\n"


def _section(section: Section, level: int) -> Iterator[str]:
    yield f"{'#' * level} {_plain(section.title)}"
    tables = sum(isinstance(block, Grid) for block in section.blocks)
    for block in section.blocks:
        if isinstance(block, Grid) and tables > 1:
            yield f"{_plain(block.caption)}:"
        yield "\n".join(_block(block))
    for inner in section.sections:
        yield from _section(inner, level + 1)


def _block(block: Block) -> Iterator[str]:
    if isinstance(block, Paragraph):
        yield _first(_text(block.words))
    elif isinstance(block, Listing):
        yield from _listing(block)
    else:
        yield from _grid(block)


def _listing(block: Listing) -> Iterator[str]:
    for number, item in enumerate(block.items, 1):
        mark = f"{number}. " if block.ordered else "- "
        yield mark + _first(_text(item.words))
        yield from (f"{' ' * len(mark)}{line}" if line else "" for line in _under(item))


def _under(item: Item) -> Iterator[str]:
    for block in item.blocks:
        if not isinstance(block, Listing):
            yield ""
        yield from _block(block)
        if not isinstance(block, Listing):
            yield ""


def _grid(block: Grid) -> Iterator[str]:
    yield f"| {' | '.join(map(_plain, block.columns))} |"
    yield f"|{'|'.join(' --- ' for _ in block.columns)}|"
    for row in block.rows:
        yield f"| {' | '.join(map(_text, row))} |"


def _first(text: str) -> str:
    """Give a text that begins a line: a dash or a number there would begin a list."""
    return _AT_START.sub(r"\1\\\2", text)


def _text(words: Words) -> str:
    return "".join(_piece(piece) for piece in words)


def _piece(piece: str) -> str:
    if isinstance(piece, Code):
        return _code(piece)
    return f"**{_plain(piece)}**" if isinstance(piece, Strong) else _plain(piece)


def _plain(text: str) -> str:
    return _MARKUP.sub(r"\\\1", _one_line(text))


def _one_line(text: str) -> str:
    return " ".join(text.split()) if "\n" in text or "\r" in text else text


def _code(text: str) -> str:
    """Fence with more backticks than the text has in a row; a table's bar is escaped within code as well."""
    fence = "`" * (1 + max((len(run) for run in re.findall(r"`+", text)), default=0))
    edge = " " if text.startswith("`") or text.endswith("`") else ""
    inner = _one_line(text).replace("|", "\\|")
    return f"{fence}{edge}{inner}{edge}{fence}"

"""A document as a tree: sections of paragraphs, lists and tables, whose texts are plain until somebody renders them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


class Code(str):
    """A piece of text that is shown letter by letter, as it stands in a file."""

    __slots__ = ()


class Strong(str):
    """A piece of text that names what the line is about."""

    __slots__ = ()


class Quiet(str):
    """A piece of text in second place: an id by which files name what the line is about."""

    __slots__ = ()


Words = tuple[str, ...]
"""One text in pieces: plain ones, Code, Strong and Quiet."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One text."""

    words: Words


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of a list, with what belongs under it."""

    words: Words
    blocks: tuple[Block, ...] = ()


@dataclass(frozen=True, slots=True)
class Listing:
    """Entries one under the other; `ordered` where the order decides."""

    items: tuple[Item, ...]
    ordered: bool = False


@dataclass(frozen=True, slots=True)
class Grid:
    """A table; the first cell of a row names what the row is about."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Words, ...], ...]


Block = Paragraph | Listing | Grid


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with what stands under it."""

    title: str
    blocks: tuple[Block, ...] = ()
    sections: tuple[Section, ...] = ()

    def walk(self) -> Iterator[Section]:
        """Give this section and all inside it."""
        yield self
        for inner in self.sections:
            yield from inner.walk()


@dataclass(frozen=True, slots=True)
class Document:
    """The whole: a title, facts about the document itself, and its sections."""

    title: str
    facts: tuple[tuple[str, Words], ...]
    sections: tuple[Section, ...]

    def walk(self) -> Iterator[Section]:
        """Give every section, in the order in which they are read."""
        for section in self.sections:
            yield from section.walk()


def words(*pieces: str | Words) -> Words:
    """Put pieces and texts together into one text, without the empty ones."""
    found: list[str] = []
    for piece in pieces:
        found += [piece] if isinstance(piece, str) else piece
    return tuple(piece for piece in found if piece)


def joined(texts: list[Words], between: str = ", ", last: str | None = None) -> Words:
    """Put texts into one: `a, b and c`."""
    found: list[str] = []
    for place, text in enumerate(texts):
        if place:
            found.append(between if last is None or place < len(texts) - 1 else last)
        found += text
    return tuple(found)


def listing(*items: Item | Words | None, ordered: bool = False) -> tuple[Listing, ...]:
    """Give a list of these as blocks, none when there is no entry."""
    found = tuple(item if isinstance(item, Item) else Item(item) for item in items if item)
    return (Listing(found, ordered),) if found else ()


def grid(caption: str, columns: tuple[str, ...], rows: Iterator[tuple[Words, ...]] | list[tuple[Words, ...]]) -> tuple[Grid, ...]:
    """Give a table of these rows as blocks, without the columns in which nothing is said; none when there is no row."""
    found = list(rows)
    said = [at for at in range(len(columns)) if any(row[at] for row in found)]
    if not found:
        return ()
    return (Grid(caption, tuple(columns[at] for at in said), tuple(tuple(row[at] for at in said) for row in found)),)

"""YAML 1.2 with positions, a strict subset: no aliases, anchors, tags or duplicate keys; bounded size, depth and number of rules."""

from __future__ import annotations

from sync.playbook import scan
from sync.playbook.document import Document, rows, spot_at
from sync.playbook.walk import NO_TEXT, walk

MAX_BYTES = 1 << 20


def parse(file: str, content: bytes) -> Document:
    """Read one file; whatever is wrong with it stands in `problems`, and then `data` is None."""
    document = Document(file, [])
    text = _text(document, content)
    if text is None:
        return document
    document.lines = rows(text)
    if scan.small(document, text):
        data = walk(document, text)
        document.data = None if document.problems else data
    return document


def _text(document: Document, content: bytes) -> str | None:
    if len(content) > MAX_BYTES:
        document.problem((), f"{len(content):,} bytes are too many: a file of the playbook has {MAX_BYTES:,} at most")
        return None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8-sig", errors="replace")
        document.problem((), "not UTF-8", "save the file as UTF-8", at=spot_at(before, len(before)))
        return None
    bad = NO_TEXT.search(text)
    if bad:
        document.lines, spot = rows(text), spot_at(text, bad.start())
        document.problem((), f"the character U+{ord(bad.group()):04X} may not stand in YAML", "delete it", at=spot)
        return None
    return text

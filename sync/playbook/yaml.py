"""YAML 1.2 with positions, a strict subset: no aliases, anchors, tags or duplicate keys; bounded size, depth and number of rules."""

from __future__ import annotations

import re

from sync.playbook import scan
from sync.playbook.document import Document, Spot
from sync.playbook.walk import walk

MAX_BYTES = 1 << 20


def parse(file: str, content: bytes) -> Document:
    """Read one file; whatever is wrong with it stands in `problems`, and then `data` is None."""
    document = Document(file, [])
    text = _text(document, content)
    if text is None:
        return document
    document.lines = text.splitlines()
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
        line = content.count(b"\n", 0, error.start) + 1
        document.problem((), "not UTF-8", "save the file as UTF-8", at=Spot(line, error.start - content.rfind(b"\n", 0, error.start)))
        return None
    bad = re.search("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", text)
    if bad:
        at = bad.start()
        document.lines = text.splitlines()
        spot = Spot(text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))
        document.problem((), f"the character U+{ord(bad.group()):04X} may not stand in YAML", "delete it", at=spot)
        return None
    return text

"""YAML 1.2 with positions, a strict subset: no aliases, anchors, tags or duplicate keys; bounded size, depth and number of rules."""

from __future__ import annotations

import re
from typing import Any

from sync.playbook import scan
from sync.playbook.document import Document, Path, Spot
from sync.playbook.scan import spot_of

MAX_BYTES = 1 << 20
Node = Any
_INT = re.compile(r"[-+]?[0-9]{1,18}$|0o[0-7]{1,18}$|0x[0-9a-fA-F]{1,15}$")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$")
_WORDS: dict[str, bool | None] = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
_WORDS |= {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


def parse(file: str, content: bytes) -> Document:
    """Read one file; whatever is wrong with it stands in `problems`, and then `data` is None."""
    document = Document(file, [])
    text = _text(document, content)
    if text is None:
        return document
    document.lines = text.splitlines()
    if not scan.small(document, text) or not scan.scan(document, text):
        return document
    node = scan.reader().compose(text)
    before = len(document.problems)
    data = _construct(document, node, ()) if node is not None else {}
    if len(document.problems) == before:
        document.data = data
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


def _construct(document: Document, node: Node, path: Path) -> Any:
    """Turn a node into plain data by the rules of YAML 1.2's core schema, keeping every position."""
    if node.id == "scalar":
        spot = spot_of(node)
        document.values[path] = Spot(spot.line, spot.column, node.value, node.style, spot.end_line, spot.end_column)
        return _plain(node.value) if node.style is None else node.value
    document.values[path] = spot_of(node)
    if node.id == "sequence":
        return [_construct(document, item, (*path, index)) for index, item in enumerate(node.value)]
    data: dict[str, Any] = {}
    for key, value in node.value:
        if key.id != "scalar":
            document.problem(path, "a key must be a word", "put the whole line in single quotes", at=spot_of(key))
            continue
        name = str(key.value)
        here = (*path, name)
        if name in data:
            first = document.keys[here].line
            document.problem(here, f"{name} stands here twice", f"the first is on line {first}; delete one", at=spot_of(key))
        document.keys[here] = spot_of(key)
        data[name] = _construct(document, value, here)
    return data


def _plain(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if _INT.match(text):
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    return float(text) if _FLOAT.match(text) else text

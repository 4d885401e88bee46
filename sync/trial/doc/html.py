"""A document as one self-contained HTML page: no scripts, nothing fetched; every text is escaped. Pure."""

from __future__ import annotations

import re
from functools import cache
from itertools import chain, count

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from sync.trial.doc.tree import Code, Document, Grid, Listing, Paragraph, Quiet, Strong


def html(document: Document) -> str:
    """Give the document as a page."""
    anchors = _anchors(document)
    return _page().render(document=document, anchor=lambda section: anchors[id(section)])


def _anchors(document: Document) -> dict[int, str]:
    """Give each section the name by which a link finds it, once each."""
    named: dict[int, str] = {}
    for section in document.walk():
        plain = re.sub(r"[^a-z0-9]+", "-", section.title.lower()).strip("-") or "part"
        taken = set(named.values())
        named[id(section)] = next(name for name in chain((plain,), (f"{plain}-{n}" for n in count(2))) if name not in taken)
    return named


@cache
def _page() -> Template:
    environment = Environment(
        loader=PackageLoader("sync.trial.doc"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.tests |= {
        "code": lambda piece: isinstance(piece, Code),
        "strong": lambda piece: isinstance(piece, Strong),
        "quiet": lambda piece: isinstance(piece, Quiet),
        "paragraph": lambda block: isinstance(block, Paragraph),
        "listing": lambda block: isinstance(block, Listing),
        "grid": lambda block: isinstance(block, Grid),
    }
    return environment.get_template("page.html")

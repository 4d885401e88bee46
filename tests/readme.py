"""README as it is read: the code blocks of a section, and the edits that they show."""

from __future__ import annotations

import re
from pathlib import Path

from tests.house.project import ROOT


def section(heading: str) -> str:
    """Give what stands under a heading of README, up to the next one of its kind."""
    return (ROOT / "README.md").read_text(encoding="utf-8").partition(f"\n{heading}\n")[2].partition("\n## ")[0]


def blocks(text: str) -> list[tuple[str, str]]:
    """Give (language, text) of every code block, in order."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", text, re.M | re.S)


def edit(folder: Path, block: str) -> None:
    """Make an edit in a folder as the block shows it: lines with - become lines with +."""
    first, _, body = block.partition("\n")
    path = folder / first.removeprefix("--- ")
    lines = body.splitlines()
    before = "".join(line[1:] + "\n" for line in lines if line[:1] != "+")
    after = "".join(line[1:] + "\n" for line in lines if line[:1] != "-")
    text = path.read_text(encoding="utf-8")
    assert text.count(before) == 1, f"README shows lines that are not in {path.name}:\n{before}"
    path.write_text(text.replace(before, after), encoding="utf-8")

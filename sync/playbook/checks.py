"""What a schema cannot see: names that lead nowhere, maps that are not total, rules that leave a lead without a person."""

from __future__ import annotations

from sync.playbook.build import Files


def run(files: Files) -> None:
    """Note every problem that several keys or files make together."""

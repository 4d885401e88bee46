"""Which mapped fields are formulas: what they show may change while the record that shows it does not. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connectors.base import FieldSeen, Finding
from sync.playbook.models import Playbook
from sync.sources import schema


def formulas(playbook: Playbook, system: str, object_: str, live: Sequence[FieldSeen]) -> Iterator[Finding]:
    """Name the formulas of an object that the playbook reads, in one line."""
    mapped = schema.mapped(playbook, system, object_)
    if named := [one.name for one in live if one.computed and one.name in mapped]:
        what = f"{object_}.{', '.join(named)}: worked out by a formula, and seen only when its record changes, or with the daily sweep"
        yield Finding(ok=True, what=what, todo="map the fields that it reckons with, where that is too late")

"""Which fields hold less text than the same fields of other systems: what is longer is refused there. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from connectors.base import FieldSeen, Finding
from sync.playbook.models import Playbook, SharedField

Lives = Mapping[str, Mapping[str, FieldSeen]]
"""System → the fields of its usual object for people, by their names."""
_KINDS = ("text", "email", "phone", "url")
_SHOWN = 6


def shorter(playbook: Playbook, lives: Lives) -> Iterator[Finding]:
    """Say of each system which fields are shorter than another's, in one line; it is no fault before somebody writes a longer value."""
    for system, live in lives.items():
        found = [text for shared in playbook.fields.values() if (text := _short(shared, system, live, lives))]
        if found:
            more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
            what = f"{system}: these are shorter than in another system, and a longer value is refused: {', '.join(found[:_SHOWN])}{more}"
            yield Finding(ok=True, what=what, todo="make them longer there, where the system lets you")


def _short(shared: SharedField, system: str, live: Mapping[str, FieldSeen], lives: Lives) -> str:
    how = shared.systems.get(system)
    if how is None or how.read_only or how.mode != "write" or shared.kind not in _KINDS:
        return ""
    own = _length(shared, system, live)
    others = {name: most for name, other in lives.items() if name != system and (most := _length(shared, name, other))}
    longest = max(others, key=lambda name: others[name], default="")
    return f"{how.name} {own:,} ({longest} {others[longest]:,})" if own and longest and own < others[longest] else ""


def _length(shared: SharedField, system: str, live: Mapping[str, FieldSeen]) -> int:
    how = shared.systems.get(system)
    seen = live.get(how.name) if how is not None else None
    return (seen.length or 0) if seen is not None else 0

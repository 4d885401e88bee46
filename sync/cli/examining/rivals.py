"""Who else writes what Truce would write: one line for each, with the fields that both would write. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connectors.base import Finding, Rival
from sync.playbook.models import Playbook

_SHOWN = 6


def written(playbook: Playbook, system: str, object_: str) -> list[str]:
    """Name the vendor fields of people that Truce writes there, in write mode or once it is switched on."""
    mapped = playbook.mapped(system, object_)
    return [name for name, shared in mapped.items() if not (how := shared.systems[system]).read_only and how.mode == "write"]


def told(rivals: Sequence[Rival], writes: Sequence[str], object_: str) -> Iterator[Finding]:
    """Say of each rival which fields both would write; one that writes others is no rival, and is said as well."""
    for one in rivals:
        both = [name for name in one.fields if name in writes]
        seen = f" ({one.seen})" if one.seen else ""
        if both:
            what = f"{one.who} writes {object_}.{', '.join(both[:_SHOWN])}{_more(both)} too{seen}"
            yield Finding(
                ok=False, what=what, todo="stop it for these fields, or say read_only: true of them in fields.yaml, before `mode: write`"
            )
        elif one.fields:
            yield Finding(ok=True, what=f"{one.who} writes {object_}, but no field that Truce writes{seen}")
        else:
            what = f"{one.who} writes {object_}; which fields is not told{seen}"
            yield Finding(ok=False, what=what, todo="see what it writes: a field that both write is frozen once it goes to and fro")
    if not rivals:
        yield Finding(ok=True, what=f"nobody else was seen to write {object_} by machine, as far as the system tells")


def _more(names: Sequence[str]) -> str:
    return f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""

"""Who else writes what Truce would write: one line for each, with the fields that both would write. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from connectors.base import Finding, Rivals, Source
from connectors.errors import Gone, Rejected, Surprising
from sync.lead.copies import key_of
from sync.playbook.models import Playbook
from sync.sources import schema

_SHOWN = 6


def written(playbook: Playbook, system: str, object_: str) -> list[str]:
    """Name the vendor fields of an object that Truce writes there, in write mode or once it is switched on."""
    rules = playbook.systems.get(system)
    if rules is not None and object_ == rules.opportunity and not key_of(playbook, system):
        return []  # it is only read
    return [name for name, shared in schema.mapped(playbook, system, object_).items() if not shared.systems[system].read_only]


async def looked(playbook: Playbook, system: str, source: Source) -> list[Finding]:
    """Ask of every object with a field that Truce writes who else does."""
    found = list[Finding]()
    for object_ in schema.objects(playbook, system, source):
        writes = written(playbook, system, object_) if object_ not in source.manifest.response_objects else []
        if not writes:
            continue
        try:
            rivals = await source.rivals(object_, [*schema.mapped(playbook, system, object_)])
        except (Rejected, Gone, Surprising) as error:  # what only some may see says nothing of the rest
            rivals = Rivals(hidden={error.words: "let Truce's user read it, to know who else writes"})
        found += told(rivals, writes, object_)
    return found


def hidden(rivals: Mapping[str, Rivals | None]) -> str:
    """Say in one sentence what is not told of some objects' rivals; blank where all is."""
    mute = [object_ for object_, one in rivals.items() if one is None]
    veiled = list(dict.fromkeys(what for one in rivals.values() if one is not None for what in one.hidden))
    parts = [f"of {', '.join(mute)} it is not told"] if mute else []
    return "; ".join([*parts, *([f"{', '.join(veiled)} cannot be seen"] if veiled else [])])


def told(rivals: Rivals | None, writes: Sequence[str], object_: str) -> Iterator[Finding]:
    """Say of each rival which fields both would write; one that writes others is no rival, and is said as well. What is hidden is no all-clear."""
    if rivals is None:
        yield Finding(ok=True, what=f"who else writes {object_} by machine is not told here", todo="ask whoever runs the system")
        return
    for one in rivals.found:
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
    for what, todo in rivals.hidden.items():
        yield Finding(ok=True, what=f"who else writes {object_} is not told in full: {what} cannot be seen", todo=todo)
    if not rivals.found and not rivals.hidden:
        yield Finding(ok=True, what=f"nobody else was seen to write {object_} by machine, as far as the system tells")


def _more(names: Sequence[str]) -> str:
    return f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""

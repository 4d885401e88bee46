"""One system as `truce doctor` looks at it: what its connector says, its schema beside the playbook, its users, and what can be made there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import replace

from connectors.base import FieldSeen, FieldType, Finding, Source
from connectors.errors import AuthExpired, ConnectorError, RateLimited, Unavailable
from connectors.registry import load
from connectors.unmetered import Unmetered
from sync.cli.examining import rights
from sync.cli.examining.formulas import formulas
from sync.cli.examining.grants import wishes
from sync.cli.examining.opened import column
from sync.cli.examining.reach import door
from sync.cli.examining.reps import strangers
from sync.cli.examining.rivals import looked
from sync.cli.examining.suited import suited
from sync.lead.shown import LONGEST
from sync.playbook.models import COMPUTED, Playbook, SharedField
from sync.settings import SystemSettings
from sync.sources import schema

SCORES = ("engagement_score", "fit_score", "lead_score")
FORBIDDEN = 403
"""The status of a credential that is good and lacks a right: that is of one object, and not of all."""
RETRIED_S = "6"
"""So long a call is repeated: less than doctor waits for a system, so that it says with which words it was not reached."""


async def look(
    system: str, how: SystemSettings, playbook: Playbook, *, fix: bool,
    lives: dict[str, dict[str, Mapping[str, FieldSeen]]] | None = None, public_url: str | None = None,
) -> list[Finding]:  # fmt: skip
    """Give everything about one system; `fix` makes the fields that Truce fills in, where the vendor lets us.

    `lives` is given the fields of each of its objects; `public_url` is where vendors reach us.
    """
    free, found = Unmetered(), list[Finding]()
    try:
        called_at = door(public_url, system) if public_url else ""
        connection = replace(how.connection(system), called_at=called_at, options={"retry_s": RETRIED_S, **how.options})
        source = load(how.vendor).source(connection, free, free)
    except ValueError as error:  # what it needs is not set
        todo = f"TRUCE_SYSTEMS__{system.upper()}__… says it; connectors/{how.vendor}/__init__.py names every secret and option"
        return [Finding(ok=False, what=str(error), todo=todo)]
    try:
        found += await _made(source, system, playbook) if fix else []
        person = source.manifest.person_object
        mapped = {name: not shared.systems[system].read_only for name, shared in playbook.mapped(system, person).items()}
        found += [one for one in await source.doctor(mapped, fix=fix) if not _bare(one, system, how.vendor, person, mapped)]
        if system in playbook.systems:
            async for some in _beside(source, system, playbook, {} if lives is None else lives):
                found += some
    except ConnectorError as error:
        what = f"it cannot be looked at{' any further' if found else ''}: {error.words}"
        found.append(Finding(ok=False, what=what, todo=_todo(system, error)))
    finally:
        await source.close()
    return [
        one.model_copy(update={"what": f"{system}: {one.what.removeprefix(f'{how.vendor}: ').removeprefix(f'{system}: ')}"})
        for one in found
    ]


def _bare(one: Finding, system: str, vendor: str, object_: str, mapped: Iterable[str]) -> bool:
    """Say whether a finding only says of one mapped field that it is as it should be: one line counts all of them."""
    what = one.what.removeprefix(f"{vendor}: ").removeprefix(f"{system}: ")
    name, _, more = what.removeprefix(f"{object_}.").partition(" is there")
    return one.ok and not one.todo and what.startswith(f"{object_}.") and name in mapped and more in ("", " and can be written")


def _todo(system: str, error: ConnectorError) -> str:
    """Say what a person can do about what a system answered."""
    if told := column(error.words):
        return told
    if isinstance(error, AuthExpired):
        secrets = f"TRUCE_SYSTEMS__{system.upper()}__SECRETS__…"
        return f"put {secrets} right (after that: start its source and writer again), or give its user back what it may do; it is tried again by itself"
    if isinstance(error, Unavailable | RateLimited):
        return "is it up, and is its address right? It is tried again by itself, and what is to be written waits"
    return "its answer is not what it should be: is the address right? The log of its source and writer says more"


async def _beside(
    source: Source, system: str, playbook: Playbook, lives: dict[str, dict[str, Mapping[str, FieldSeen]]]
) -> AsyncIterator[Iterable[Finding]]:
    """Compare the live schema and the users with the playbook, step by step: what was seen stays, whatever is refused after it."""
    responses, here = source.manifest.response_objects, lives.setdefault(system, {})
    for name in schema.objects(playbook, system, source):
        if name in responses:
            continue
        try:
            live = await source.described(name)
        except ConnectorError as error:
            if isinstance(error, Unavailable | RateLimited) or (isinstance(error, AuthExpired) and error.status != FORBIDDEN):
                raise  # so is all else
            todo = f"let Truce read {name}, or take it out of fields.yaml"
            yield [Finding(ok=False, what=f"{name} cannot be described: {error.words}", todo=todo)]
            continue
        here[name] = {one.name: one for one in live}
        yield [*suited(playbook, system, name, live, said=name == source.manifest.person_object), *formulas(playbook, system, name, live)]
    wished = wishes(playbook, system, source.manifest)
    yield rights.told(wished, {wish.object: await source.rights(wish.object) for wish in wished})
    yield await source.allows(wished)
    yield await looked(playbook, system, source)
    yield strangers(playbook, system, await source.users())


async def _made(source: Source, system: str, playbook: Playbook) -> list[Finding]:
    """Make the fields that Truce itself fills in and the system does not have yet, on each of its objects for people."""
    rules, person = playbook.systems.get(system), source.manifest.person_object
    objects = [name for name in rules.people if name in source.objects] if rules is not None else []
    return [one for name in dict.fromkeys([person, *objects]) for one in await _made_on(name, source, system, playbook)]


async def _made_on(object_: str, source: Source, system: str, playbook: Playbook) -> list[Finding]:
    found = list[Finding]()
    try:
        there = {one.name for one in await source.described(object_)}
    except ConnectorError:
        return []  # what is wrong is said by the connector
    for name, shared in playbook.mapped(system, object_).items():
        if name in there or not (shared.name in COMPUTED or shared.name in SCORES):
            continue
        try:
            words = await source.make_field(object_, wanted(name, shared, system))
            found.append(Finding(ok=True, what=f"{object_}.{name} was created{f': {words}' if words else ''}"))
        except ConnectorError as error:
            what, todo = f"{object_}.{name} cannot be created: {error.words}", "create it by hand, or take it out of fields.yaml"
            found.append(Finding(ok=False, what=what, todo=todo))
    return found


_KINDS: dict[str, FieldType] = {"number": "number", "flag": "flag", "date": "date", "time": "time", "picklist": "picklist"}


def wanted(name: str, shared: SharedField, system: str) -> FieldSeen:
    """Say what field a shared one needs in a system."""
    kind, how = _KINDS.get(shared.kind, "text"), shared.systems[system]
    values: Sequence[str] = [*(how.to_vendor.values() or shared.order)] if kind == "picklist" else []
    label = shared.name.replace("_", " ").capitalize()
    return FieldSeen(
        name=name, type=kind, label=label, length=LONGEST if kind == "text" else None, custom=True, values=tuple((one, one) for one in values), closed=bool(values)
    )  # fmt: skip

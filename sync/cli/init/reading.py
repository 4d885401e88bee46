"""Reads two live systems for a first playbook: schemas, users, and what a record needs to be made. Nothing is written."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar

from connectors.base import About, Edits, FieldSeen, Manifest, Rivals, User
from connectors.errors import ConnectorError
from connectors.registry import load
from connectors.unmetered import Unmetered
from schemas.base import Scalar
from sync.cli.init.matching import Schema
from sync.cli.output import CannotRun
from sync.settings import SystemSettings

T = TypeVar("T")
LATELY = timedelta(days=30)
MOST_VALUES = 40
"""So many values are counted, by one call each."""


@dataclass(frozen=True)
class Live:
    """One system as it is."""

    name: str
    manifest: Manifest
    users: Sequence[User]
    objects: Mapping[str, Sequence[FieldSeen]]
    """Object → its fields; of an object that cannot be read there are none."""
    defaults: Mapping[str, Scalar] = field(default_factory=dict)
    about: About = field(default_factory=About)
    counts: Mapping[str, int] = field(default_factory=dict)
    """Object → its records, as far as the vendor tells."""
    converted: int | None = None
    """How many of a person's records have become others; None where there is no such thing, or it is not told."""
    rivals: Mapping[str, Rivals | None] = field(default_factory=dict)
    """Object → who else writes it by machine; None where nothing of it is told."""
    edits: Edits | None = None
    """How often fields of people were changed of late; None where it is not told."""
    values: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """(field, value) that nobody knows → people who have it."""

    @property
    def person(self) -> str:
        """The object that a person usually is."""
        return self.manifest.person_object

    def schema(self, object_: str) -> Schema:
        """Give one object for matching."""
        manifest = self.manifest
        return Schema(self.name, manifest.title, manifest.side, self.objects.get(object_, ()), manifest.truce_id_field)

    def has(self, object_: str) -> str:
        """Give the object's name where it can be read, else nothing."""
        return object_ if self.objects.get(object_) else ""


async def read(name: str, how: SystemSettings) -> Live:
    """Read one system; raises CannotRun with the vendor's words where people cannot be read."""
    connector, free, connection = load(how.vendor), Unmetered(), how.connection(name)
    manifest = connector.manifest
    source, sink = connector.source(connection, free, free), connector.sink(connection, free, free)
    others = [*manifest.people, manifest.account_object, manifest.opportunity_object]
    about, counts, converted = About(), dict[str, int](), None
    try:
        objects = {manifest.person_object: await source.described(manifest.person_object)}
        users, able = await source.users(), await sink.capabilities(manifest.person_object)
        for object_ in dict.fromkeys(one for one in others if one and one not in objects):
            try:
                objects[object_] = await source.described(object_)
            except ConnectorError:
                objects[object_] = ()
        about = await _or_else(source.about(), about)
        counts = {one: many for one, seen in objects.items() if seen and (many := await _or_else(source.count(one), None)) is not None}
        if manifest.converted and manifest.person_object in counts:
            converted = await _or_else(source.count(manifest.person_object, manifest.converted), None)
    except ConnectorError as error:
        raise CannotRun(f"{name} cannot be read: {error.words}. `truce doctor` says what is missing.") from None
    finally:
        await source.close()
        await sink.close()
    return Live(name, manifest, users, objects, able.defaults, about, counts, converted)


async def _or_else(asked: Awaitable[T], otherwise: T) -> T:
    """Give what a system tells, or something else where it does not."""
    try:
        return await asked
    except ConnectorError:
        return otherwise


async def looked_closer(
    live: Live, how: SystemSettings, fields: Mapping[str, Sequence[str]], strange: Sequence[tuple[str, str]], now: datetime
) -> Live:
    """Say besides who else writes these fields of each object, how often those of people were changed, and how many have strange values."""
    free, values = Unmetered(), dict[tuple[str, str], int]()
    source = load(how.vendor).source(how.connection(live.name), free, free)
    try:
        rivals = {object_: await _or_else(source.rivals(object_, names), None) for object_, names in fields.items()}
        edits = await _or_else(source.edits(live.person, fields.get(live.person, ()), now - LATELY), None)
        for one in strange[:MOST_VALUES]:
            many = await _or_else(source.count(live.person, one), None)
            values |= {one: many} if many is not None else {}
    finally:
        await source.close()
    return replace(live, rivals=rivals, edits=edits, values=values)

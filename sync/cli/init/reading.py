"""Reads two live systems for a first playbook: schemas, users, and what a record needs to be made. Nothing is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from connectors.base import FieldSeen, Manifest, Rival, User
from connectors.errors import ConnectorError
from connectors.registry import load
from connectors.unmetered import Unmetered
from schemas.base import Scalar
from sync.cli.init.matching import Schema
from sync.cli.output import CannotRun
from sync.settings import SystemSettings


@dataclass(frozen=True)
class Live:
    """One system as it is."""

    name: str
    manifest: Manifest
    users: Sequence[User]
    objects: Mapping[str, Sequence[FieldSeen]]
    """Object → its fields; of an object that cannot be read there are none."""
    defaults: Mapping[str, Scalar] = field(default_factory=dict)
    rivals: Sequence[Rival] = ()
    """Who else writes people there by machine."""

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
    try:
        objects = {manifest.person_object: await source.described(manifest.person_object)}
        users, able = await source.users(), await sink.capabilities(manifest.person_object)
        for object_ in dict.fromkeys(one for one in others if one and one not in objects):
            try:
                objects[object_] = await source.described(object_)
            except ConnectorError:
                objects[object_] = ()
    except ConnectorError as error:
        raise CannotRun(f"{name} cannot be read: {error.words}. `truce doctor` says what is missing.") from None
    finally:
        await source.close()
        await sink.close()
    return Live(name, manifest, users, objects, able.defaults)


async def with_rivals(live: Live, how: SystemSettings, fields: Sequence[str]) -> Live:
    """Say besides who else writes these fields of people there by machine; nobody, where that cannot be read."""
    free = Unmetered()
    source = load(how.vendor).source(how.connection(live.name), free, free)
    try:
        return replace(live, rivals=await source.rivals(live.person, fields))
    except ConnectorError:
        return live
    finally:
        await source.close()

"""What the writer knows of its system besides the leads: the playbook's version, the users, what the sink can."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic
from typing import Any

from connectors.base import Capabilities, Sink, Wanted
from connectors.errors import AuthExpired, ConnectorError, RateLimited, Unavailable
from schemas.base import Scalar
from sync.lead.canonical import Unfit, canonical
from sync.lead.copies import key_of
from sync.lead.plan import Control
from sync.lead.seen import same
from sync.playbook.loader import load_files
from sync.playbook.models import Playbook, SharedField
from sync.store import playbooks
from sync.store.intents import Gates
from sync.topology import Lane

FRESH_S = 5.0


class NoPlaybook(RuntimeError):
    """There is no active playbook yet, or the system does not say what it can do with an object that it names."""


async def stored_playbook(pool: Any, version: int) -> Playbook:
    """Load a version from SQL; raises NoPlaybook when there is none."""
    found = await playbooks.get(pool, version)
    if found is None:
        raise NoPlaybook("no playbook is active: `truce check` the folder, then start a worker with it")
    return load_files(found.files, version)


@dataclass(slots=True)
class Knowledge:
    """Kept for a few seconds (users) or until told to look again (capabilities)."""

    pool: Any
    system: str
    sink: Sink
    load: Callable[[Any, int], Any] = stored_playbook
    capabilities: dict[str, Capabilities] = field(default_factory=dict)
    _playbook: Playbook | None = None
    filling: bool = False
    """Some system is being read as bulk at this moment: there is more to come."""
    skew: timedelta = timedelta()
    """The vendor's clock minus ours, as it was measured."""
    _users: Mapping[str, str] = field(default_factory=dict)
    _users_at: float = float("-inf")

    async def playbook(self, version: int) -> Playbook:
        """Give a version of the playbook; the last one is kept."""
        if self._playbook is None or self._playbook.version != version:
            fresh = await self.load(self.pool, version)
            await self._learn(one for one in (*self._objects(fresh), *self._beside(fresh)) if one not in self.capabilities)
            self._playbook = fresh
        return self._playbook

    async def _learn(self, names: Iterable[str]) -> None:
        """Ask what can be done with objects that a new version names: nothing is planned before that is known."""
        for name in names:
            try:
                self.capabilities[name] = await self.sink.capabilities(name)
            except (Unavailable, RateLimited, AuthExpired) as error:
                raise NoPlaybook(f"{self.system} does not say what can be done with {name}: {error.words}") from None
            except ConnectorError:  # it is not there or not ours to see: nothing of it can be written
                self.capabilities[name] = Capabilities(frozenset(), creates=False)

    async def look_again(self) -> None:
        """Read what the sink can from the live schema; raises ConnectorError."""
        for name in self.objects:
            self.capabilities[name] = await self.sink.capabilities(name)
        await self._learn(self._beside(self._playbook) if self._playbook else ())

    async def users(self) -> Mapping[str, str]:
        """Give e-mail → vendor's id of the active users, at most a few seconds old."""
        if monotonic() - self._users_at > FRESH_S:
            rows = await self.pool.fetch("SELECT id, email FROM vendor_users WHERE system = $1 AND active ORDER BY id DESC", self.system)
            self._users, self._users_at = {row["email"]: row["id"] for row in rows}, monotonic()
            self.skew = timedelta(seconds=await self.pool.fetchval("SELECT seconds FROM skews WHERE system = $1", self.system) or 0.0)
        return self._users

    async def control(self, gates: Gates, lead_id: str, lane: Lane = "hot") -> Control:
        """Give what `plan` needs for one lead; what is hot waits for no system that is being read."""
        return Control(
            self.sink.manifest.truce_id_field,
            frozenset(gates.scopes),
            await self.users(),
            gates.read_fully,
            lead_id in gates.duplicates,
            gates.reading if lane == "bulk" else frozenset(),
        )

    @property
    def objects(self) -> tuple[str, ...]:
        """Name the objects for a person that are read and written here, the usual one first."""
        return self._objects(self._playbook) if self._playbook else (self.sink.manifest.person_object,)

    def _objects(self, playbook: Playbook) -> tuple[str, ...]:
        person, rules = self.sink.manifest.person_object, playbook.systems.get(self.system)
        others = (one for one in (rules.people if rules else ()) if one != person and one in self.sink.objects)
        return (person, *others)

    def _beside(self, playbook: Playbook) -> tuple[str, ...]:
        """Name the objects beside people that are written: accounts, and opportunities where copies are made."""
        rules = playbook.systems.get(self.system)
        named = (rules.account, rules.opportunity if key_of(playbook, self.system) else "") if rules is not None else ()
        return tuple(name for name in named if name)

    def writable(self) -> list[str]:
        """Name every field that can be written, as `Left.lacks` names one that cannot."""
        return [f"field:{object_}.{name}" for object_, able in self.capabilities.items() for name in able.writable | able.consent_fields]

    def mapped(self, object_: str = "") -> list[str]:
        """Name the vendor fields of a person that the playbook maps, as an object (the usual one unless it is named) calls them."""
        return sorted(self._playbook.mapped(self.system, object_ or self.sink.manifest.person_object)) if self._playbook else []

    def wanted(self) -> Wanted:
        """Name them for each object that a person may be here."""
        return {name: self.mapped(name) for name in self.objects}

    def _names(self) -> dict[str, SharedField]:
        """Give the shared fields by every name that an object has for them; what a person's record calls so comes first."""
        if self._playbook is None:
            return {}
        every = {
            name: one for one in self._playbook.fields.values() if self.system in one.systems for name in one.systems[self.system].names
        }
        return every | self._playbook.mapped(self.system, self.sink.manifest.person_object)

    def unique(self) -> frozenset[str]:
        """Name the vendor fields of which no two records may have the same value."""
        return frozenset({name for name, one in self._names().items() if one.kind == "email"} | {self.sink.manifest.truce_id_field})

    def agrees(self, name: str, sent: Scalar, kept: Scalar) -> bool:
        """Say whether two of the vendor's values are one in canonical form."""
        return self.agreeing(self._names())(name, sent, kept)

    def agreeing(self, names: Mapping[str, SharedField]) -> Callable[[str, Scalar, Scalar], bool]:
        """Give what says so of fields by the vendor's names."""

        def agrees(name: str, sent: Scalar, kept: Scalar) -> bool:
            shared = names.get(name)
            if shared is None or self._playbook is None:
                return str(sent).lower() == str(kept).lower()
            country = self._playbook.systems[self.system].country
            try:
                ours, theirs = (canonical(shared, one, spelled=shared.systems[self.system], country=country) for one in (sent, kept))
            except Unfit:
                return False
            return same(shared.kind, ours, theirs)

        return agrees

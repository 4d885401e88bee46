"""The records of one object of the emulated account: their indexes, and every way in which they change."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from connectors.emulator.hubspot import moments
from connectors.emulator.hubspot.auth import Actor
from connectors.emulator.hubspot.index import Index
from connectors.emulator.hubspot.kinds import Kind
from connectors.emulator.hubspot.properties import Schema
from connectors.emulator.hubspot.webhooks import Hooks
from connectors.emulator.journal import Journal

HISTORY = 20


@dataclass(slots=True)
class Record:
    """One record; `properties` is replaced and never mutated, so that a reference to it is a snapshot."""

    id: int
    properties: dict[str, str]
    created: int
    modified: int
    archived: int | None = None
    history: list[tuple[int, Actor, Mapping[str, str]]] = field(default_factory=list)
    """When, who, and which values were set; the oldest entries are dropped."""


class Records:
    """All records of one object; changes are journalled, told by webhooks and become visible in search later."""

    def __init__(
        self, kind: Kind, schema: Schema, journal: Journal, hooks: Hooks, index: Index, clock: Callable[[], datetime],
        defaults: Mapping[str, str],
    ) -> None:  # fmt: skip
        self.kind, self._schema, self._journal, self._hooks, self._index, self._clock = kind, schema, journal, hooks, index, clock
        self._defaults = {**dict(kind.defaults), **defaults}
        self.live: dict[int, Record] = {}
        self.archived: dict[int, Record] = {}
        self.ids: list[int] = []
        self.blocked: set[str] = set()
        """Addresses erased for privacy: imports leave them out, the API may create them again."""
        self.flags: Callable[[str], dict[str, str]] = lambda _: {}
        """Gives the consent properties that belong to an e-mail address."""
        self.moved: Callable[[tuple[int, ...], int], None] = lambda _old, _new: None
        """Takes what hangs on merged records to the new one."""
        self._alias: dict[int, int] = {}
        self._unique: dict[str, dict[str, int]] = {}
        self._next = itertools.count(1001)
        self.reindex()

    def now(self) -> int:
        """Give the time of the account in milliseconds."""
        return moments.millis(self._clock())

    def reindex(self) -> None:
        """Build the unique indexes anew, as the schema now says."""
        self._unique = {name: {} for name in self._schema.unique()}
        for one in self.live.values():
            self._index_unique(one)

    def _index_unique(self, one: Record) -> None:
        for name, values in self._unique.items():
            if value := one.properties.get(name):
                values[value] = one.id
        for more in filter(None, one.properties.get("hs_additional_emails", "").split(";")):
            self._unique["email"].setdefault(more, one.id)

    def _unindex_unique(self, one: Record) -> None:
        mails = (one.properties.get("email", ""), *one.properties.get("hs_additional_emails", "").split(";"))
        for name, values in self._unique.items():
            for value in mails if name == "email" else (one.properties.get(name, ""),):
                if values.get(value) == one.id:
                    del values[value]

    def holder(self, name: str, value: str) -> int | None:
        """Give the id of the live record that has this value of a unique property."""
        return self._unique.get(name, {}).get(value)

    def find(self, ident: str, by: str | None = None, *, archived: bool = False) -> Record | None:
        """Find by record id (old ids of merged records lead to the new record) or by a unique property."""
        if by and by != "hs_object_id":
            known = self._unique.get(by, {}).get(ident.strip().lower() if by == "email" else ident)
            return None if known is None or archived else self.live[known]
        if not (ident.isascii() and ident.isdigit() and len(ident) < 19):
            return None
        number = int(ident)
        while number in self._alias:
            number = self._alias[number]
        return (self.archived if archived else self.live).get(number)

    def insert(self, properties: Mapping[str, str], actor: Actor, *, quiet: bool = False) -> Record:
        """Make a record of checked properties; `quiet` leaves out journal, webhooks and the delay of search."""
        now = self.now()
        given = {name: value for name, value in properties.items() if value != ""}
        given = self._defaults | given
        given = (
            self.flags(given.get("email", "")) | {name: value for name, value in self.kind.derive({}, given, now).items() if value} | given
        )
        one = Record(next(self._next), {}, now, now)
        stamps = {"hs_object_id": str(one.id), self.kind.created: moments.iso(now), self.kind.modified: moments.iso(now)}
        one.properties = given | stamps
        one.history.append((now, actor, one.properties))
        self._add(one)
        self._index.note(one.id, now, one.properties, at_once=quiet)
        if not quiet:
            self._journal.effect(actor.client, "create", self.kind.object, str(one.id), dict.fromkeys(given), given)
            self._hooks.tell(self.kind, "creation", one.id, now, actor, changeFlag="CREATED")
            self._tell(one, given, now, actor)
        return one

    def _add(self, one: Record) -> None:
        self.live[one.id] = one
        if self.ids and self.ids[-1] > one.id:
            bisect.insort(self.ids, one.id)
        else:
            self.ids.append(one.id)
        self._index_unique(one)

    def _tell(self, one: Record, changed: Iterable[str], now: int, actor: Actor) -> None:
        for name in changed:
            known = self._schema.get(name)
            if known is not None and name not in self.kind.always:
                value = known.raw(one.properties.get(name, ""))
                self._hooks.tell(self.kind, "propertyChange", one.id, now, actor, propertyName=name, propertyValue=value)

    def change(self, one: Record, properties: Mapping[str, str], actor: Actor) -> None:
        """Set checked properties; what changes nothing is journalled but not told, a backward lifecycle stage is ignored in silence."""
        before = {name: one.properties.get(name) for name in properties}
        changed = {name: value for name, value in properties.items() if value != (one.properties.get(name) or "")}
        if "lifecyclestage" in changed and self._backward(one.properties.get("lifecyclestage", ""), changed["lifecyclestage"]):
            del changed["lifecyclestage"]
        if "email" in changed:
            gone = {name: "" for name in one.properties if name.startswith("hs_email_optout")}
            changed |= {name: v for name, v in (gone | self.flags(changed["email"])).items() if v != one.properties.get(name, "")}
        if changed:
            own = self.kind.derive(one.properties, changed, self.now())
            self._put(one, changed | {name: value for name, value in own.items() if value != one.properties.get(name, "")}, actor)
        self._journal.effect(
            actor.client, "update", self.kind.object, str(one.id), before, {name: one.properties.get(name) for name in properties}
        )

    def stamp(self, one: Record, changed: Mapping[str, str], actor: Actor, *, quiet: bool = False) -> None:
        """Set properties that follow from something else (consent, associations); told by webhook, journalled by whoever calls."""
        news = {name: value for name, value in changed.items() if value != one.properties.get(name, "")}
        if news:
            self._put(one, news, actor, quiet=quiet)

    def _put(self, one: Record, changed: dict[str, str], actor: Actor, *, quiet: bool = False) -> None:
        now = self.now()
        if not self._unique.keys().isdisjoint(changed):
            self._unindex_unique(one)
        merged = one.properties | changed | {self.kind.modified: moments.iso(now)}
        one.properties = {name: value for name, value in merged.items() if value != ""}
        one.modified = now
        one.history = [*one.history[-HISTORY:], (now, actor, changed)]
        if not self._unique.keys().isdisjoint(changed):
            self._index_unique(one)
        self._index.note(one.id, now, one.properties, at_once=quiet)
        if not quiet:
            self._tell(one, changed, now, actor)

    def _backward(self, old: str, new: str) -> bool:
        stages = self._schema.get("lifecyclestage")
        order = [value for value, _ in stages.options] if stages else []
        return old in order and new in order and order.index(new) < order.index(old)

    def archive(self, one: Record, actor: Actor) -> None:
        """Put a record into the recycle bin."""
        self._remove(one)
        one.archived = self.now()
        self.archived[one.id] = one
        self._journal.effect(actor.client, "delete", self.kind.object, str(one.id), {}, {})
        self._hooks.tell(self.kind, "deletion", one.id, one.archived, actor, changeFlag="DELETED")

    def _remove(self, one: Record) -> None:
        del self.live[one.id]
        del self.ids[bisect.bisect_left(self.ids, one.id)]
        self._unindex_unique(one)
        self._index.note(one.id, self.now(), None)

    def restore(self, ident: int, actor: Actor) -> Record:
        """Take a record out of the recycle bin, as a person can; raises KeyError when it is not there."""
        one = self.archived.pop(ident)
        one.archived = None
        one.modified = self.now()
        one.properties = one.properties | {self.kind.modified: moments.iso(one.modified)}
        self._add(one)
        self._index.note(one.id, one.modified, one.properties)
        self._journal.effect(actor.client, "restore", self.kind.object, str(one.id), {}, {})
        self._hooks.tell(self.kind, "restore", one.id, one.modified, actor, changeFlag="RESTORED")
        return one

    def erase(self, one: Record, actor: Actor) -> None:
        """Delete for privacy: nothing of it is kept, its address is blocked.

        The plain deletion is told besides (changelog "Webhooks now support privacy-compliant contact deletions").
        """
        at = self.now()
        if one.archived is None:
            self._remove(one)
            self._hooks.tell(self.kind, "deletion", one.id, at, actor, changeFlag="DELETED")
        self.archived.pop(one.id, None)
        if mail := one.properties.get("email"):
            self.blocked.add(mail)
        self._journal.effect(actor.client, "erase", self.kind.object, str(one.id), {}, {})
        self._hooks.tell(self.kind, "privacyDeletion", one.id, at, actor, changeFlag="PRIVACY_DELETED")

    def merge(self, primary: Record, other: Record, actor: Actor) -> Record:
        """Merge two records into a NEW record: values of the primary, blanks filled from the other; old ids lead to it."""
        now = self.now()
        for one in (primary, other):
            self._remove(one)
        new = Record(next(self._next), {}, min(primary.created, other.created), now)
        filled = {name: value for name, value in other.properties.items() if name not in primary.properties}
        mails = _joined(
            primary.properties.get("hs_additional_emails"), other.properties.get("email"), other.properties.get("hs_additional_emails")
        )
        new.properties = other.properties | primary.properties | self._identity(new, primary, other)
        if mails and primary.properties.get("email"):
            new.properties["hs_additional_emails"] = mails
        new.history.append((now, actor, new.properties))
        self._alias |= {primary.id: new.id, other.id: new.id}
        self._add(new)
        self._index.note(new.id, now, new.properties)
        self._journal.effect(actor.client, "merge", self.kind.object, str(new.id), {}, {"primary": primary.id, "merged": other.id})
        self.moved((primary.id, other.id), new.id)
        told = {"primaryObjectId": primary.id, "mergedObjectIds": [other.id], "newObjectId": new.id, "numberOfPropertiesMoved": len(filled)}
        self._hooks.tell(self.kind, "merge", primary.id, now, actor, changeFlag="MERGED", **told)
        return new

    def page(self, after: int, limit: int, *, archived: bool) -> list[Record]:
        """Give up to `limit` records with an id above `after`, by id."""
        ids = sorted(self.archived) if archived else self.ids
        start = bisect.bisect_right(ids, after)
        source = self.archived if archived else self.live
        return [source[number] for number in ids[start : start + limit]]

    def _identity(self, new: Record, primary: Record, other: Record) -> dict[str, str]:
        old = _joined(
            primary.properties.get("hs_merged_object_ids"), other.properties.get("hs_merged_object_ids"), str(primary.id), str(other.id)
        )
        return {
            "hs_object_id": str(new.id),
            "hs_merged_object_ids": old,
            self.kind.created: moments.iso(new.created),
            self.kind.modified: moments.iso(new.modified),
        }


def _joined(*parts: str | None) -> str:
    return ";".join(part for part in parts if part)

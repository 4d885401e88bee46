"""The contacts of the emulated account: the records, their indexes, and every way in which they change."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from connectors.emulator.hubspot import moments
from connectors.emulator.hubspot.auth import Actor
from connectors.emulator.hubspot.index import Index
from connectors.emulator.hubspot.properties import Schema
from connectors.emulator.hubspot.webhooks import Hooks
from connectors.emulator.journal import Journal

HISTORY = 20
SILENT = frozenset({"lastmodifieddate", "createdate", "hs_object_id"})
"""Properties whose change is told by no webhook."""


@dataclass(slots=True)
class Contact:
    """One contact; `properties` is replaced and never mutated, so that a reference to it is a snapshot."""

    id: int
    properties: dict[str, str]
    created: int
    modified: int
    archived: int | None = None
    history: list[tuple[int, Actor, Mapping[str, str]]] = field(default_factory=list)
    """When, who, and which values were set; the oldest entries are dropped."""


class Contacts:
    """All contacts; changes are journalled, told by webhooks and become visible in search later."""

    def __init__(
        self, schema: Schema, journal: Journal, hooks: Hooks, index: Index, clock: Callable[[], datetime], default_stage: str | None
    ) -> None:
        self._schema, self._journal, self._hooks, self._index, self._clock = schema, journal, hooks, index, clock
        self._default_stage = default_stage
        self.live: dict[int, Contact] = {}
        self.archived: dict[int, Contact] = {}
        self.ids: list[int] = []
        self.blocked: set[str] = set()
        """Addresses erased for privacy: imports leave them out, the API may create them again."""
        self.flags: Callable[[str], dict[str, str]] = lambda _: {}
        """Gives the consent properties that belong to an e-mail address."""
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

    def _index_unique(self, one: Contact) -> None:
        for name, values in self._unique.items():
            if value := one.properties.get(name):
                values[value] = one.id
        for more in filter(None, one.properties.get("hs_additional_emails", "").split(";")):
            self._unique["email"].setdefault(more, one.id)

    def _unindex_unique(self, one: Contact) -> None:
        mails = (one.properties.get("email", ""), *one.properties.get("hs_additional_emails", "").split(";"))
        for name, values in self._unique.items():
            for value in mails if name == "email" else (one.properties.get(name, ""),):
                if values.get(value) == one.id:
                    del values[value]

    def holder(self, name: str, value: str) -> int | None:
        """Give the id of the live contact that has this value of a unique property."""
        return self._unique.get(name, {}).get(value)

    def find(self, ident: str, by: str | None = None, *, archived: bool = False) -> Contact | None:
        """Find by record id (old ids of merged contacts lead to the new record) or by a unique property."""
        if by and by != "hs_object_id":
            known = self._unique.get(by, {}).get(ident.strip().lower() if by == "email" else ident)
            return None if known is None or archived else self.live[known]
        if not (ident.isascii() and ident.isdigit() and len(ident) < 19):
            return None
        number = int(ident)
        while number in self._alias:
            number = self._alias[number]
        return (self.archived if archived else self.live).get(number)

    def insert(self, properties: Mapping[str, str], actor: Actor, *, quiet: bool = False) -> Contact:
        """Make a contact of checked properties; `quiet` leaves out journal, webhooks and the delay of search."""
        now = self.now()
        given = {name: value for name, value in properties.items() if value != ""}
        if self._default_stage and "lifecyclestage" not in given:
            given["lifecyclestage"] = self._default_stage
        given = self.flags(given.get("email", "")) | given
        one = Contact(next(self._next), {}, now, now)
        stamps = {"hs_object_id": str(one.id), "createdate": moments.iso(now), "lastmodifieddate": moments.iso(now)}
        one.properties = given | stamps
        one.history.append((now, actor, one.properties))
        self._add(one)
        self._index.note(one.id, now, one.properties, at_once=quiet)
        if not quiet:
            self._journal.effect(actor.client, "create", "contacts", str(one.id), dict.fromkeys(given), given)
            self._hooks.tell("contact.creation", one.id, now, actor, changeFlag="CREATED")
            self._tell(one, given, now, actor)
        return one

    def _add(self, one: Contact) -> None:
        self.live[one.id] = one
        if self.ids and self.ids[-1] > one.id:
            bisect.insort(self.ids, one.id)
        else:
            self.ids.append(one.id)
        self._index_unique(one)

    def _tell(self, one: Contact, changed: Iterable[str], now: int, actor: Actor) -> None:
        for name in changed:
            known = self._schema.get(name)
            if known is not None and name not in SILENT:
                value = known.raw(one.properties.get(name, ""))
                self._hooks.tell("contact.propertyChange", one.id, now, actor, propertyName=name, propertyValue=value)

    def change(self, one: Contact, properties: Mapping[str, str], actor: Actor) -> None:
        """Set checked properties; what changes nothing is journalled but not told, a backward lifecycle stage is ignored in silence."""
        before = {name: one.properties.get(name) for name in properties}
        changed = {name: value for name, value in properties.items() if value != (one.properties.get(name) or "")}
        if "lifecyclestage" in changed and self._backward(one.properties.get("lifecyclestage", ""), changed["lifecyclestage"]):
            del changed["lifecyclestage"]
        if "email" in changed:
            gone = {name: "" for name in one.properties if name.startswith("hs_email_optout")}
            changed |= {name: v for name, v in (gone | self.flags(changed["email"])).items() if v != one.properties.get(name, "")}
        if changed:
            self._put(one, changed, actor)
        self._journal.effect(
            actor.client, "update", "contacts", str(one.id), before, {name: one.properties.get(name) for name in properties}
        )

    def stamp(self, one: Contact, changed: Mapping[str, str], actor: Actor) -> None:
        """Set properties that follow from something else (consent); told by webhook, journalled by whoever calls."""
        news = {name: value for name, value in changed.items() if value != one.properties.get(name, "")}
        if news:
            self._put(one, news, actor)

    def _put(self, one: Contact, changed: dict[str, str], actor: Actor) -> None:
        now = self.now()
        if not self._unique.keys().isdisjoint(changed):
            self._unindex_unique(one)
        merged = one.properties | changed | {"lastmodifieddate": moments.iso(now)}
        one.properties = {name: value for name, value in merged.items() if value != ""}
        one.modified = now
        one.history = [*one.history[-HISTORY:], (now, actor, changed)]
        if not self._unique.keys().isdisjoint(changed):
            self._index_unique(one)
        self._index.note(one.id, now, one.properties)
        self._tell(one, changed, now, actor)

    def _backward(self, old: str, new: str) -> bool:
        stages = self._schema.get("lifecyclestage")
        order = [value for value, _ in stages.options] if stages else []
        return old in order and new in order and order.index(new) < order.index(old)

    def archive(self, one: Contact, actor: Actor) -> None:
        """Put a contact into the recycle bin."""
        self._remove(one)
        one.archived = self.now()
        self.archived[one.id] = one
        self._journal.effect(actor.client, "delete", "contacts", str(one.id), {}, {})
        self._hooks.tell("contact.deletion", one.id, one.archived, actor, changeFlag="DELETED")

    def _remove(self, one: Contact) -> None:
        del self.live[one.id]
        del self.ids[bisect.bisect_left(self.ids, one.id)]
        self._unindex_unique(one)
        self._index.note(one.id, self.now(), None)

    def restore(self, ident: int, actor: Actor) -> Contact:
        """Take a contact out of the recycle bin, as a person can; raises KeyError when it is not there."""
        one = self.archived.pop(ident)
        one.archived = None
        one.modified = self.now()
        one.properties = one.properties | {"lastmodifieddate": moments.iso(one.modified)}
        self._add(one)
        self._index.note(one.id, one.modified, one.properties)
        self._journal.effect(actor.client, "restore", "contacts", str(one.id), {}, {})
        self._hooks.tell("contact.restore", one.id, one.modified, actor, changeFlag="RESTORED")
        return one

    def erase(self, one: Contact, actor: Actor) -> None:
        """Delete for privacy: nothing of the contact is kept, its address is blocked."""
        if one.archived is None:
            self._remove(one)
        self.archived.pop(one.id, None)
        if mail := one.properties.get("email"):
            self.blocked.add(mail)
        self._journal.effect(actor.client, "erase", "contacts", str(one.id), {}, {})
        self._hooks.tell("contact.privacyDeletion", one.id, self.now(), actor, changeFlag="PRIVACY_DELETED")

    def merge(self, primary: Contact, other: Contact, actor: Actor) -> Contact:
        """Merge two contacts into a NEW record: values of the primary, blanks filled from the other; old ids lead to it."""
        now = self.now()
        for one in (primary, other):
            self._remove(one)
        new = Contact(next(self._next), {}, min(primary.created, other.created), now)
        filled = {name: value for name, value in other.properties.items() if name not in primary.properties}
        mails = _joined(
            primary.properties.get("hs_additional_emails"), other.properties.get("email"), other.properties.get("hs_additional_emails")
        )
        new.properties = other.properties | primary.properties | _identity(new, primary, other)
        if mails and primary.properties.get("email"):
            new.properties["hs_additional_emails"] = mails
        new.history.append((now, actor, new.properties))
        self._alias |= {primary.id: new.id, other.id: new.id}
        self._add(new)
        self._index.note(new.id, now, new.properties)
        self._journal.effect(actor.client, "merge", "contacts", str(new.id), {}, {"primary": primary.id, "merged": other.id})
        told = {"primaryObjectId": primary.id, "mergedObjectIds": [other.id], "newObjectId": new.id, "numberOfPropertiesMoved": len(filled)}
        self._hooks.tell("contact.merge", primary.id, now, actor, changeFlag="MERGED", **told)
        return new

    def page(self, after: int, limit: int, *, archived: bool) -> list[Contact]:
        """Give up to `limit` contacts with an id above `after`, by id."""
        ids = sorted(self.archived) if archived else self.ids
        start = bisect.bisect_right(ids, after)
        source = self.archived if archived else self.live
        return [source[number] for number in ids[start : start + limit]]


def _joined(*parts: str | None) -> str:
    return ";".join(part for part in parts if part)


def _identity(new: Contact, primary: Contact, other: Contact) -> dict[str, str]:
    old = _joined(
        primary.properties.get("hs_merged_object_ids"), other.properties.get("hs_merged_object_ids"), str(primary.id), str(other.id)
    )
    return {
        "hs_object_id": str(new.id),
        "hs_merged_object_ids": old,
        "createdate": moments.iso(new.created),
        "lastmodifieddate": moments.iso(new.modified),
    }

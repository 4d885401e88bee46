"""Associations: which record belongs to which, by type, in both directions at once; told by webhooks, with the properties that count them.

Type ids: HubSpot's guide "Associations v4", association type id values. Bodies as hubspot-api-client 12 (crm.associations.v4) reads them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from connectors.emulator.hubspot.errors import Refused, malformed
from connectors.emulator.hubspot.kinds import KINDS, Kind

if TYPE_CHECKING:
    from connectors.emulator.hubspot.auth import Actor
    from connectors.emulator.hubspot.portal import Portal

_PAIRS: Mapping[tuple[str, str], Sequence[tuple[int, int, str | None]]] = {
    ("contacts", "companies"): ((279, 280, None), (1, 2, "Primary")),
    ("deals", "contacts"): ((3, 4, None),),
    ("deals", "companies"): ((341, 342, None), (5, 6, "Primary")),
    ("contacts", "calls"): ((193, 194, None),),
    ("contacts", "emails"): ((197, 198, None),),
    ("contacts", "meetings"): ((199, 200, None),),
    ("contacts", "notes"): ((201, 202, None),),
    ("contacts", "tasks"): ((203, 204, None),),
    ("companies", "calls"): ((181, 182, None),),
    ("companies", "emails"): ((185, 186, None),),
    ("companies", "meetings"): ((187, 188, None),),
    ("companies", "notes"): ((189, 190, None),),
    ("companies", "tasks"): ((191, 192, None),),
    ("deals", "calls"): ((205, 206, None),),
    ("deals", "emails"): ((209, 210, None),),
    ("deals", "meetings"): ((211, 212, None),),
    ("deals", "notes"): ((213, 214, None),),
    ("deals", "tasks"): ((215, 216, None),),
}
"""(one, the other) → (type id there, type id back, label): the first is the default one."""
TYPES: dict[tuple[str, str], dict[int, str | None]] = {}
_BACK: dict[int, int] = {}
for (_one, _other), _rows in _PAIRS.items():
    for _there, _home, _label in _rows:
        TYPES.setdefault((_one, _other), {})[_there] = _label
        TYPES.setdefault((_other, _one), {})[_home] = _label
        _BACK |= {_there: _home, _home: _there}
PRIMARY = frozenset(ident for types in TYPES.values() for ident, label in types.items() if label == "Primary")


class Link(NamedTuple):
    """One association as seen from a record: to which object and record, and of which types."""

    object: str
    id: int
    types: tuple[int, ...]


class Links:
    """All associations of one account."""

    def __init__(self, objects: Mapping[str, Portal]) -> None:
        self._objects = objects
        self._held: dict[tuple[str, int, str], dict[int, set[int]]] = {}

    def of(self, kind: Kind, ident: int, other: str) -> dict[int, set[int]]:
        """Give what a record is associated with in another object: live record ids → type ids."""
        live = self._objects[other].records.live
        return {to: types for to, types in sorted(self._held.get((kind.object, ident, other), {}).items()) if to in live}

    def wanted(self, kind: Kind, asked: Any) -> list[Link]:
        """Read `associations` of a create; raises Refused (400) for what cannot be."""
        found: list[Link] = []
        for one in asked or ():
            if not isinstance(one, dict) or not isinstance(one.get("to"), dict):
                raise malformed("Invalid input JSON: associations need `to` and `types`")
            ids = types_of(one.get("types"))
            other = next((other for (here, other), types in TYPES.items() if here == kind.object and ids[0] in types), None)
            if other is None:
                raise malformed(f"No association type {ids[0]} from {kind.type_id}")
            found.append(Link(other, self.live(KINDS[other], str(one["to"].get("id"))), ids))
        return found

    def live(self, kind: Kind, ident: str) -> int:
        """Give a live record's id (the new one of a merged record); raises Refused (400) when there is none."""
        one = self._objects[kind.object].records.find(ident)
        if one is None:
            words = f"{kind.singular.upper()}={ident[:40]} is not valid"
            raise Refused(400, "VALIDATION_ERROR", words, context={"id": [ident[:40]]})
        return one.id

    def make(self, kind: Kind, ident: int, links: Iterable[Link], actor: Actor, *, quiet: bool = False) -> None:
        """Associate a record; of primary companies there is one: the new one."""
        for link in links:
            extra = {next(iter(TYPES[kind.object, link.object]))} if PRIMARY & set(link.types) else set()
            ids = {*link.types} | extra
            if PRIMARY & ids:
                self._demote(kind.object, ident, link)
            held = self._held.setdefault((kind.object, ident, link.object), {}).setdefault(link.id, set())
            fresh = ids - held
            held |= ids
            back = self._held.setdefault((link.object, link.id, kind.object), {}).setdefault(ident, set())
            back |= {_BACK[one] for one in ids}
            if fresh:
                self._told(kind, ident, link, fresh, actor, removed=False, quiet=quiet)

    def _demote(self, object_: str, ident: int, link: Link) -> None:
        """Let what was the primary company be one of several; the primary one is seen from the person or deal, never from the company."""
        people, companies = (object_, ident), (link.object, link.id)
        here, there = (people, companies) if link.object == "companies" else (companies, people)
        for other, types in self._held.get((*here, there[0]), {}).items():
            if other != there[1] and PRIMARY & types:
                types.difference_update(PRIMARY)
                self._held[there[0], other, here[0]][here[1]] -= PRIMARY

    def cut(self, kind: Kind, ident: int, other: Kind, to: int, actor: Actor) -> None:
        """End an association of two records, whatever its types."""
        types = self._held.get((kind.object, ident, other.object), {}).pop(to, None)
        self._held.get((other.object, to, kind.object), {}).pop(ident, None)
        if types:
            self._told(kind, ident, Link(other.object, to, tuple(types)), types, actor, removed=True)

    def moved(self, kind: Kind, old: Iterable[int], new: int) -> None:
        """Take the associations of merged records to the new one, in silence."""
        for ident in old:
            for other in KINDS:
                for to, types in self._held.pop((kind.object, ident, other), {}).items():
                    back = self._held[other, to, kind.object]
                    self._held.setdefault((kind.object, new, other), {}).setdefault(to, set()).update(types)
                    back.setdefault(new, set()).update(back.pop(ident, set()))

    def _told(
        self, kind: Kind, ident: int, link: Link, types: Iterable[int], actor: Actor, *, removed: bool, quiet: bool = False
    ) -> None:  # fmt: skip
        other = KINDS[link.object]
        for here, own, there, far in ((kind, ident, other, link.id), (other, link.id, kind, ident)):
            self._counted(here, own, there, actor, quiet=quiet)
            if not quiet:
                self._event(here, own, there, far, actor, primary=bool(PRIMARY & set(types)), removed=removed)
        if not quiet:
            portal, names = self._objects[kind.object], {"to": f"{link.object}:{link.id}"}
            portal.journal.effect(actor.client, "dissociate" if removed else "associate", kind.object, str(ident), {}, names)

    def _event(self, here: Kind, own: int, there: Kind, far: int, actor: Actor, *, primary: bool, removed: bool) -> None:
        """Tell one side; both sides are told, each as the one that it comes from (changelog "New subscription types for Webhooks")."""
        portal = self._objects[here.object]
        said: dict[str, Any] = {"fromObjectId": own, "toObjectId": far, "associationRemoved": removed, "isPrimaryAssociation": primary}
        said["associationType"] = f"{here.singular}_to_{there.singular}".upper()
        said |= {"fromObjectTypeId": here.type_id, "toObjectTypeId": there.type_id, "associationCategory": "HUBSPOT_DEFINED"}
        said["associationTypeId"] = next(one for one, label in TYPES[here.object, there.object].items() if (label == "Primary") is primary)
        portal.hooks.tell(here, "associationChange", None, portal.records.now(), actor, **said)

    def _counted(self, here: Kind, own: int, there: Kind, actor: Actor, *, quiet: bool) -> None:
        """Set the properties that follow from associations; they are why a deal's time of change moves when its people do."""
        portal = self._objects[here.object]
        one, found = portal.records.live.get(own), self.of(here, own, there.object)
        count, news = f"num_associated_{there.object}", dict[str, str]()
        if count in portal.schema:
            news[count] = str(len(found))
        if here.object == "contacts" and there.object == "companies" and "associatedcompanyid" in portal.schema:
            news["associatedcompanyid"] = next((str(to) for to, types in found.items() if PRIMARY & types), "")
        if one is not None and news:
            portal.records.stamp(one, news, actor, quiet=quiet)

    def shown(self, kind: Kind, ident: int, others: Sequence[str]) -> dict[str, Any]:
        """Give the part `associations` of a read that asks for it."""
        found: dict[str, Any] = {}
        for name in others:
            other = next((one for one in KINDS.values() if name.lower() in (one.object, one.singular, one.type_id)), None)
            if other is None:
                raise malformed(f"Unable to infer object type from: {name[:40]}")
            if linked := self.of(kind, ident, other.object):
                plain = f"{kind.singular}_to_{other.singular}"
                rows = [(to, one in PRIMARY) for to, types in linked.items() for one in sorted(types)]
                found[other.object] = {"results": [{"id": str(to), "type": plain + ("_primary" if main else "")} for to, main in rows]}
        return {"associations": found} if found else {}


def types_of(asked: Any) -> tuple[int, ...]:
    """Read `types`: at least one {associationCategory, associationTypeId}; raises Refused (400)."""
    rows = asked if isinstance(asked, list) else []
    given = [one.get("associationTypeId") for one in rows if isinstance(one, dict)]
    ids = tuple(one for one in given if isinstance(one, int))
    if not ids or len(ids) != len(rows):
        raise malformed("Invalid input JSON: types must be a list of associationCategory and associationTypeId")
    return ids

"""Whether a live schema can hold what the playbook maps: there, writable, of the type, long enough, with the same values. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from connectors.base import FieldSeen, FieldType, Finding
from sync.lead.copies import key_of
from sync.lead.shown import LONGEST
from sync.playbook.models import COMPUTED, FieldKind, Playbook, SharedField, SystemField
from sync.sources import schema

FITS: Mapping[FieldKind, frozenset[FieldType]] = {
    "text": frozenset({"text", "picklist"}), "email": frozenset({"email", "text"}), "phone": frozenset({"phone", "text"}),
    "country": frozenset({"text", "picklist"}), "url": frozenset({"text"}), "domain": frozenset({"text"}), "number": frozenset({"number"}),
    "flag": frozenset({"flag"}), "date": frozenset({"date"}), "time": frozenset({"time"}), "picklist": frozenset({"picklist", "text"}),
    "user": frozenset({"user"}), "ref": frozenset({"text"}),
}  # fmt: skip
"""Which live fields can hold a shared field of a kind."""
_SHOWN = 6


def suited(playbook: Playbook, system: str, object_: str, live: Sequence[FieldSeen], *, said: bool) -> Iterator[Finding]:
    """Say what of an object's mapped fields does not go together; `said`: the connector itself says which are missing or read-only."""
    known, good = {one.name: one for one in live}, 0
    rules = playbook.systems[system]
    told = object_ != rules.opportunity or bool(key_of(playbook, system))
    lacks = {} if said else schema.lacking(playbook, system, object_, {one.name: one.type for one in live})
    for name, where in lacks.items():
        yield _wrong(f"{object_}.{name} does not exist or cannot be seen ({where})", "make the field, or change fields.yaml")
    for name, shared in schema.mapped(playbook, system, object_).items():
        if name in known:
            found = [*_field(object_, known[name], shared, shared.systems[system], said=said, told=told, further=object_ in rules.people)]
            good += not found
            yield from found
    if good:
        yield Finding(ok=True, what=f"{good} mapped fields of {object_} have the type, the length and the values that the playbook needs")


def _field(
    object_: str, seen: FieldSeen, shared: SharedField, how: SystemField, *, said: bool, told: bool, further: bool
) -> Iterator[Finding]:
    what, where = f"{object_}.{seen.name}", f"{shared.where} {shared.name}"
    written = told and how.mode == "write" and not how.read_only
    if written and not seen.writable and not said:
        yield _fixed(object_, seen.name, where, computed=seen.computed and further)
    if seen.type not in FITS[shared.kind] and not (shared.kind == "number" and seen.numbers):
        yield _wrong(f"{what} is a {seen.type}, and {where} a {shared.kind}", f"map a field that holds a {shared.kind}, or change the type")
        return
    needs = _needs(shared, how)
    if written and seen.length and seen.length < needs:
        yield _wrong(f"{what} is too short: {seen.length} characters, and Truce writes up to {needs} ({where})", "make it longer")
    if written and shared.kind == "text" and seen.closed and seen.values and len(shared.systems) > 1:
        todo = "truce backfill --dry-run counts the others and writes the `values` of a picklist; or say read_only: true"
        yield _wrong(f"{what} takes only the {len(seen.values)} values of its list, and {where} is any text: another one is refused", todo)
    if shared.kind == "picklist" and seen.values:
        yield from _values(what, where, seen, shared, how, written=written)


def _needs(shared: SharedField, how: SystemField) -> int:
    """Give how long the longest text is that Truce itself writes there."""
    if shared.kind == "picklist":
        return max((len(one) for one in (how.to_vendor.values() or shared.order)), default=0)
    return LONGEST if shared.kind == "text" and shared.name in COMPUTED else 0


def _values(what: str, where: str, seen: FieldSeen, shared: SharedField, how: SystemField, *, written: bool) -> Iterator[Finding]:
    """Compare the playbook's spelling with the list there, both ways."""
    there = [value for value, _ in seen.values]
    spelled = how.to_vendor or {one: one for one in shared.order}
    gone = [theirs for theirs in dict.fromkeys(spelled.values()) if theirs not in there]
    if gone and written:
        outcome = "is refused" if seen.closed else "would stand there all the same"
        yield _wrong(
            f"{what} does not have {_some(gone)}: what {where} writes {outcome}", "add them to the list there, or spell them otherwise"
        )
    read = how.from_vendor or spelled.values()
    if more := [value for value in there if value not in read and spelled]:
        yield _wrong(f"{what} also has {_some(more)}: read as nothing", f"say under `reads` of {where} which of ours each is")


def _some(values: Sequence[str]) -> str:
    more = f" and {len(values) - _SHOWN} more" if len(values) > _SHOWN else ""
    return ", ".join(values[:_SHOWN]) + more


def _fixed(object_: str, name: str, where: str, *, computed: bool) -> Finding:
    """Say that a field cannot be written; that one of people's further objects works it out itself is no fault, and nobody can change it."""
    what = f"{object_}.{name}"
    if computed:
        todo = f"say objects: {{{object_}: false}} in {where}, or name another field of it there"
        return Finding(ok=True, what=f"{what} is worked out there, and is not written", todo=todo)
    return _wrong(f"{what} is read-only", f"let it be written, or say read_only: true in {where}")


def _wrong(what: str, todo: str) -> Finding:
    return Finding(ok=False, what=what, todo=todo)

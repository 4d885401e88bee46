"""Which live field is which shared one: by known names, by name or label, and by type. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from connectors.base import FieldSeen, FieldType
from sync.cli.examining.suited import FITS
from sync.cli.init.known import Known
from sync.cli.init.spelling import Spelled, common, plain, slug, spell
from sync.lead.reconcile import SCORES
from sync.playbook.conditions import DERIVED
from sync.playbook.models import COMPUTED, FieldKind, Side

SAME: Mapping[FieldType, FieldKind] = {
    "text": "text", "email": "email", "phone": "phone", "number": "number", "flag": "flag", "date": "date", "time": "time", "picklist": "text",
}  # fmt: skip
"""The kind of a shared field that nobody knows beforehand."""
_OURS = frozenset({*DERIVED, "now", "account", "fit_score", "lead_score"})
"""Names that have a meaning of their own."""


@dataclass(frozen=True, eq=False)
class Schema:
    """One object of one system, live."""

    system: str
    title: str
    side: Side
    fields: Sequence[FieldSeen]
    truce_id: str = ""


@dataclass(frozen=True)
class Mapped:
    """One system's field for a shared one."""

    seen: FieldSeen
    spelled: Spelled = field(default_factory=Spelled)
    read_only: bool = False
    objects: Mapping[str, str] = field(default_factory=dict)
    """Another object → how it calls the field; blank where it has none."""
    people: Mapping[str, int] = field(default_factory=dict)
    """Of values that are none of ours: how many people have one, as far as it was counted."""


@dataclass(frozen=True)
class Match:
    """A shared field as it was found; `notes` are what a person should look at."""

    known: Known
    systems: Mapping[str, Mapped]
    values: Sequence[str] = ()
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Matching:
    """All shared fields of one kind of object; `left_out`: fields that both systems have and nobody may write."""

    found: Sequence[Match]
    lacking: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Shared fields of Truce's own → systems that have no field for them."""
    left_out: int = 0


def match(known: Sequence[Known], schemas: Sequence[Schema], *, more: bool = False) -> Matching:
    """Match the known fields, and with `more` all others that two systems call alike."""
    taken: dict[str, set[str]] = {schema.system: {schema.truce_id} for schema in schemas}
    found, lacking = list[Match](), dict[str, Sequence[str]]()
    for one in known:
        have = {schema: seen for schema in schemas if (seen := _find(one, schema, taken[schema.system]))}
        made = _owned(_match(one, have), schemas) if len(have) == len(schemas) or (have and one.lone) else None
        if made is None:
            continue
        for system, mapped in made.systems.items():
            taken[system].add(mapped.seen.name)
        found.append(made)
        if gone := [schema.title for schema in schemas if schema.system not in made.systems]:
            lacking[one.name] = gone
    for refusal in _refused(schemas, taken) if more else ():
        found.append(refusal)
        gone = [schema.title for schema in schemas if schema.system not in refusal.systems]
        lacking |= {refusal.known.name: gone} if gone else {}
    alike, left_out = _alike(schemas, taken, {one.known.name for one in found}) if more and len(schemas) == 2 else ([], 0)
    return Matching([*found, *alike], lacking, left_out)


def _owned(made: Match | None, schemas: Sequence[Schema]) -> Match | None:
    """Give a field whose policy names a side that has it; what only sales can say is nothing without sales."""
    if made is None:
        return None
    sides = {schema.side for schema in schemas if schema.system in made.systems}
    if made.known.policy not in ("sales", "marketing") or made.known.policy in sides:
        return made
    return None if made.known.name.startswith("reject_") else replace(made, known=made.known._replace(policy="latest"))


def strange(matching: Matching, system: str) -> list[tuple[str, str]]:
    """Give (field, value) of the values of a system's lists that are none of ours: how many people have one says whether it matters."""
    mapped = [one.systems[system] for one in matching.found if system in one.systems]
    return [(how.seen.name, value) for how in mapped for value in how.spelled.unread]


def counted(matching: Matching, counts: Mapping[str, Mapping[tuple[str, str], int]]) -> Matching:
    """Note of each list that has values which are none of ours how many people have which; system → (field, value) → people."""

    def told(one: Match) -> Match:
        notes, systems = list(one.notes), dict(one.systems)
        for system, how in one.systems.items():
            known = counts.get(system, {})
            people = {value: known[how.seen.name, value] for value in how.spelled.unread if (how.seen.name, value) in known}
            systems[system] = replace(how, people=people)
            shown = sorted(((value, many) for value, many in people.items() if many), key=lambda some: -some[1])
            if shown:
                notes.append(
                    f"people with a value of {system} that is none of these: {', '.join(f'{value} {many:,}' for value, many in shown)}"
                )
        return replace(one, notes=notes, systems=systems)

    return replace(matching, found=[told(one) for one in matching.found])


def elsewhere(matching: Matching, system: str, object_: str, fields: Sequence[FieldSeen]) -> Matching:
    """Say how a second object of a system calls the fields, where it calls them otherwise or has none."""
    other = Schema(system, "", "sales", fields)

    def told(one: Match) -> Match:
        mapped = one.systems.get(system)
        here = {field.name for field in fields}
        if mapped is None or mapped.seen.name in here or one.known.kind == "picklist":
            return one
        seen = _find(one.known, other, set())
        if seen is None:
            objects = {} if one.known.name in (*COMPUTED, *SCORES) else {object_: ""}  # what Truce fills in can be made there, too
        else:
            objects = {object_: seen.name} if seen.type == mapped.seen.type else {}
        return replace(one, systems={**one.systems, system: replace(mapped, objects={**mapped.objects, **objects})})

    return replace(matching, found=[told(one) for one in matching.found])


def _find(known: Known, schema: Schema, taken: Iterable[str]) -> FieldSeen | None:
    """Give the live field of a shared one: the surest name that has a type that fits."""
    free = [one for one in schema.fields if one.name not in taken and one.type in FITS[known.kind]]
    names = [*known.names, *(name for name in map(plain, (known.name, *known.names)))]
    for name in names:
        for one in free:
            if name in (one.name, plain(one.name), plain(one.label)):
                return one
    return None


def _match(known: Known, have: Mapping[Schema, FieldSeen]) -> Match | None:
    """Give a shared field with its systems; None where no system can hold it."""
    if known.words:
        return _listed(known, have)
    if known.kind == "picklist":  # its values are theirs, and a machine of lifecycle.yaml
        return Match(
            known,
            {
                schema.system: Mapped(seen, Spelled({slug(value): value for value, _ in seen.values}))
                for schema, seen in have.items()
                if seen.values
            },
        )
    systems, policy, notes = dict[str, Mapped](), known.policy, list[str]()
    closed = [schema for schema, seen in have.items() if seen.closed and known.kind in ("text", "country")]
    if known.kind == "text" and len(have) == len(closed) == 2 and known.policy != "latest":
        return _picklists(known, have)
    for schema, seen in have.items():
        fixed = not seen.writable or schema in closed
        systems[schema.system] = Mapped(seen, read_only=fixed)
        if seen.computed:
            notes.append(f"{schema.title} works it out by a formula: it is seen only when its record changes, or with the daily sweep")
        if schema in closed and len(have) > 1:
            policy = schema.side
            notes.append(f"{schema.title} takes only what is on its list, so that it is asked and never told: say `values` to write it too")
    return Match(known._replace(policy=policy), systems, notes=notes)


def _listed(known: Known, have: Mapping[Schema, FieldSeen]) -> Match | None:
    """Map a picklist whose values are ours."""
    words, systems, notes = known.words, dict[str, Mapped](), list[str]()
    for schema, seen in have.items():
        spelled = spell(words, seen)
        if spelled is None or (known.name in ("reject_reason", "sla_met") and spelled.lacking):
            continue
        told = known.name != "status" or schema.side == "marketing"  # reps and conversions set it there
        systems[schema.system] = Mapped(seen, spelled, read_only=not (seen.writable and told))
        if spelled.lacking:
            notes.append(
                f"{schema.title} has no {', '.join(spelled.lacking)}: add it there, then write it here; until then its neighbour stands for it"
            )
        if spelled.unread:
            notes.append(f"{schema.title} also has {', '.join(spelled.unread)}: say under `reads` what each is")
    if not systems or (not known.lone and len(systems) < 2):
        return None
    values = () if known.name in ("stage", "status") else tuple(words)
    return Match(known, systems, values, notes)


def _picklists(known: Known, have: Mapping[Schema, FieldSeen]) -> Match | None:
    """Map two lists by what they have in common."""
    (one, seen), (other, theirs) = have.items()
    left, right = common(seen, theirs)
    if len(left) < 2:
        return None
    counts = f"{len(seen.values)} values in {one.title}, {len(theirs.values)} in {other.title}, {len(left)} the same by name"
    systems = {
        one.system: Mapped(seen, Spelled(left, unread=_others(seen, left)), read_only=not seen.writable),
        other.system: Mapped(theirs, Spelled(right, unread=_others(theirs, right)), read_only=not theirs.writable),
    }
    more = len(left) < max(len(seen.values), len(theirs.values))
    notes = [f"{counts}; the others are read as nothing, until they stand here"] if more else []
    return Match(known._replace(kind="picklist"), systems, tuple(left), notes)


def _refused(schemas: Sequence[Schema], taken: Mapping[str, set[str]]) -> list[Match]:
    """Match the kinds of messages that people may refuse one by one: each is a consent of its own, wherever it is kept."""
    kinds = dict.fromkeys(
        one.refuses for schema in schemas for one in schema.fields if one.refuses and one.name not in taken[schema.system]
    )
    found = list[Match]()
    for kind in kinds:
        name, words = f"{slug(kind)}_opt_out", (f"{kind} opt out", f"opted out of {kind}", f"unsubscribed from {kind}", f"no {kind}")
        known = Known(
            name,
            "flag",
            "stricter",
            words,
            f"whoever refuses {kind} refuses it on both sides",
            consent=slug(kind).replace("_", "-"),
            lone=True,
        )
        have = {schema: seen for schema in schemas if (seen := _refusal(kind, known, schema, taken[schema.system]))}
        for schema, seen in have.items():
            taken[schema.system].add(seen.name)
        found.append(Match(known, {schema.system: Mapped(seen, read_only=not seen.writable) for schema, seen in have.items()}))
    return found


def _refusal(kind: str, known: Known, schema: Schema, taken: Iterable[str]) -> FieldSeen | None:
    own = next((one for one in schema.fields if one.refuses == kind and one.name not in taken), None)
    return own or _find(known, schema, taken)


def _others(seen: FieldSeen, known: Mapping[str, str]) -> list[str]:
    return [value for value, _ in seen.values if value not in known.values()]


def _alike(schemas: Sequence[Schema], taken: Mapping[str, set[str]], names: set[str]) -> tuple[list[Match], int]:
    """Match what two systems call alike, and count what nobody may write on one side."""
    ours, theirs = schemas
    free = {
        plain(text): one
        for one in reversed(theirs.fields)
        if one.name not in taken[theirs.system]
        for text in (one.label, one.name)
        if text
    }
    found, left_out, used = list[Match](), 0, set[str]()
    for one in ours.fields:
        other = free.get(plain(one.name)) or free.get(plain(one.label) or "-")
        if one.name in taken[ours.system] or other is None or other.name in used or one.type == "user":
            continue
        if not (one.writable and other.writable):
            left_out += 1
            continue
        made = _new(one, other, schemas, names)
        if made is not None:
            used.add(other.name)
            names.add(made.known.name)
            found.append(made)
    return found, left_out


def _new(one: FieldSeen, other: FieldSeen, schemas: Sequence[Schema], names: set[str]) -> Match | None:
    """Give a shared field of two live ones that are called alike, if their types go together."""
    kind, name = SAME.get(one.type), slug(one.label or one.name.removesuffix("__c"))
    if kind is None or name in names | _OURS or other.type not in FITS[kind]:
        return None
    known = Known(name, kind, "latest", why="both call it so: the last word counts")
    both = dict(zip(schemas, (one, other), strict=True))
    if one.closed and other.closed:
        return _picklists(known, both)
    return _match(known, both)

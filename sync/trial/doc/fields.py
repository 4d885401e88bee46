"""What is shared: the systems, the scope, each field with whose value wins and how every system spells it, and the tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from schemas.base import Scalar
from sync.playbook.models import Playbook, SharedField, System, SystemField
from sync.playbook.models.goals import number
from sync.playbook.models.tables import OWNER, Column, Table
from sync.trial.doc.conditions import Speaker
from sync.trial.doc.tree import Block, Code, Grid, Item, Paragraph, Section, Strong, Words, grid, joined, listing, words
from sync.trial.doc.wording import Naming, count, share, stage
from sync.trial.parts import values_of

_POLICY = {
    "sales": "sales",
    "marketing": "marketing",
    "latest": "the last edit",
    "first": "what was there first",
    "most_advanced": "the most advanced, never backwards",
    "stricter": "the stricter: an opt-out anywhere",
}
MOST_ROWS = 50
"""So many rows of a table are shown; who reads an agreement reads no more."""
_ABOUT = {"lead": "Fields of leads", "account": "Fields of accounts", "opportunity": "Fields of opportunities"}


def shared(playbook: Playbook, speaker: Speaker) -> Section:
    """Tell what both systems are to agree on."""
    scope = Section("Scope", listing(*_scope(playbook, speaker)))
    groups = (
        (_ABOUT["lead"], playbook.fields),
        (_ABOUT["account"], playbook.account_fields),
        (_ABOUT["opportunity"], playbook.opportunity_fields),
    )
    fields = tuple(_fields(title, fields, playbook) for title, fields in groups if fields)
    return Section("Shared fields and systems", (), (_systems(playbook, speaker), scope, *fields))


def _scope(playbook: Playbook, speaker: Speaker) -> Iterator[Item | Words]:
    yield speaker.item("Leads are kept equal when", playbook.scope)
    if playbook.scope.lines:
        yield ("Outside the scope nobody is created and nothing is written; an opt-out crosses all the same.",)
    guards = playbook.guards
    yield (f"A person is asked before more than {number(guards.writes_per_hour)} writes an hour.",)
    yield (f"A person is asked before more than {share(guards.share_of_records)} of the records are written.",)
    yield (f"A playbook that moves more than {share(guards.moves_share)} of the open leads waits for a person who has seen it.",)
    yield (
        f"A field that changes more than {count(guards.flips, 'time')} in {count(guards.flip_window_s / 60, 'minute')} is left alone, and told.",
    )


def _systems(playbook: Playbook, speaker: Speaker) -> Section:
    return Section("Systems", listing(*(_system(one, speaker) for one in playbook.told.values()), ordered=True))


def _system(one: System, speaker: Speaker) -> Item:
    mode = {"write": "Truce writes into it", "observe": "observed only: Truce writes nothing into it"}
    other = [f"{name}: {mode[kept]}" for name, kept in one.objects.items() if kept != one.mode]
    apart = f" ({'; '.join(other)})" if other else ""
    facts: list[Item | Words] = [(f"The system of {one.side}; {mode[one.mode]}{apart}.",)]
    if not one.creates:
        facts.append(("Nobody is created here.",))
    facts += [speaker.item(f"A person is created as {rule.object} when", rule.when) for rule in one.creates]
    if one.bulk == "hold":
        facts.append(("An import sets values and stages; its hand-offs are held.",))
    return Item((Strong(one.name), f" ({one.vendor})" if one.vendor != one.name else ""), listing(*facts))


def _fields(title: str, fields: Mapping[str, SharedField], playbook: Playbook) -> Section:
    systems = [name for name in playbook.told if any(name in one.systems for one in fields.values())]
    columns = ("Field", "Type", "Whose value wins", "Personal", "Consent for", *(f"In {name}" for name in systems))
    rows = [_field(one, systems) for one in fields.values()]
    values = [block for one in fields.values() for block in _values(one, systems)]
    return Section(title, (*grid(title, columns, rows), *values))


def _field(one: SharedField, systems: list[str]) -> tuple[Words, ...]:
    policy = _POLICY.get(one.policy, f"the system {one.policy}")
    facts = (one.kind, policy, "yes" if one.personal else "", one.consent or "")
    return ((Strong(one.name),), *((text,) if text else () for text in facts), *(_spelled(one.systems.get(name)) for name in systems))


def _spelled(spelled: SystemField | None) -> Words:
    if spelled is None:
        return ()
    others = joined([words(f"{object_} ", Code(name) if name else "has none") for object_, name in spelled.objects.items()])
    more = words(" (", others, ")") if others else ()
    note = ", read only" if spelled.read_only else ", observed only" if spelled.mode == "observe" else ""
    return words(Code(spelled.name) if spelled.name else "", more, note)


def _values(one: SharedField, systems: list[str]) -> tuple[Grid, ...]:
    """Give a picklist's values as each system spells them."""
    spelled = [name for name in systems if name in one.systems and one.systems[name].to_vendor]
    if one.kind != "picklist" or not spelled:
        return ()
    rows = [
        ((Strong(stage(value) if one.name == "stage" else value),), *(_code(one.systems[name].to_vendor.get(value)) for name in spelled))
        for value in values_of(one)
    ]
    return grid(f"How the values of {one.name} are spelled", ("Value", *(f"In {name}" for name in spelled)), rows)


def _code(text: str | None) -> Words:
    return (Code(text),) if text else ()


def tables(playbook: Playbook, naming: Naming) -> Section:
    """Tell which tables there are, and what stands in the small ones; e-mail addresses of people outside the team stay in their table."""
    rows: list[tuple[Words, ...]] = [
        ((Strong(one.name),), (number(len(one.rows)),), (", ".join(one.names),), ("yes",) if one.dated else ())
        for one in playbook.tables.values()
    ]
    named = sorted(playbook.territories.all) if playbook.territories is not None else []
    said = (Paragraph((f"Territories: {', '.join(named)}.",)),) if named else ()
    inner = tuple(Section(f"Table {one.name}", _rows(one, naming)) for one in playbook.tables.values() if one.rows)
    return Section("Tables", grid("Tables", ("Table", "Rows", "Columns", "Rows with dates"), rows) + said, inner)


def _rows(table: Table, naming: Naming) -> tuple[Block, ...]:
    shown = [column for column in table.columns if column.kind != "email"]
    hidden = [column.name for column in table.columns if column.kind == "email"]
    columns = tuple(column.name for column in shown)
    cells = [table.row(at).values for at in range(min(len(table.rows), MOST_ROWS))]
    rows = [
        tuple(_cell(row.get(column.name), strong=not place, naming=naming, column=column) for place, column in enumerate(shown))
        for row in cells
    ]
    notes = []
    if hidden:
        notes.append(f"E-mail addresses are left out ({', '.join(hidden)}).")
    if len(table.rows) > MOST_ROWS:
        notes.append(f"The first {MOST_ROWS} of {number(len(table.rows))} rows; {table.where.file} has all.")
    return (*(Paragraph((note,)) for note in notes), *grid(f"Rows of {table.name}", columns, rows if shown else []))


def _cell(value: Scalar, *, strong: bool, naming: Naming, column: Column) -> Words:
    if value in (None, ""):
        return ()
    told = number(value) if isinstance(value, float) else naming.person(str(value)) if column.name == OWNER else str(value)
    return (Strong(told),) if strong else (told,)

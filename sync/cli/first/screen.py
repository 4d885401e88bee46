"""How the first-sync report reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sync.cli.output import console, table

FEW = 3
"""So many examples of a field are shown; --json has ten."""
SHOWN = 8
"""So many values and reasons of a kind are shown; --json and the lists have all."""

_COUNTED = ("all_blank", "equal", "one_blank", "differing")


def show(found: Mapping[str, Any], folder: str) -> None:
    """Print the report for people."""
    console.print("\n".join(_people(found)))
    _fields(found["fields"])
    for part in (_unmapped(found["unmapped"]), _writes(found["writes"]), _calls(found["calls"]), _rest(found, folder)):
        if lines := list(part):
            console.print("\n" + "\n".join(lines))


def people(count: int) -> str:
    """Say how many people."""
    return "1 person" if count == 1 else f"{count:,} people"


def _records(count: int) -> str:
    return "1 record" if count == 1 else f"{count:,} records"


def counts(rows: Mapping[str, int], most: int = SHOWN) -> str:
    """Say `a 3, b 2`."""
    told = [f"{name} {count:,}" for name, count in list(rows.items())[:most]]
    return ", ".join([*told, *([f"and {len(rows) - most} more"] if len(rows) > most else [])])


def _people(found: Mapping[str, Any]) -> Iterable[str]:
    yield f"Read {counts(found['records'])}: {people(found['people'])}. Nothing was written."
    for one in found["in"]:
        only = "only " if len(one["systems"]) == 1 else ""
        yield f"  {one['people']:>9,}  {only}in {' and '.join(one['systems']) or 'no system'}"
    if found["matched_by"]:
        yield f"  matched by: {counts(found['matched_by'])}"
    if found["ambiguous"]:
        yield f"  for a person to place: {sum(one['records'] for one in found['ambiguous']):,}"
    for one in found["ambiguous"][:SHOWN]:
        yield f"  {one['records']:>9,}  {one['reason']}, as {', '.join(one['examples'][:FEW])}"
    for name, what in (
        ("several_records_of_one_address", "addresses that several records of one system have"),
        ("records_without_email", "records without an e-mail: they match nobody"),
    ):
        if found[name]:
            yield f"  {what}: {counts(found[name])}"
    for rule, count in found["outside_the_scope"].items():
        yield f"  {count:>9,}  outside the scope: {rule}"


def _fields(fields: list[dict[str, Any]]) -> None:
    """Show the fields that differ for anybody; the others are named."""
    if not fields:
        return
    differing = [one for one in fields if one["one_blank"] or one["differing"]]
    rows = [(*(one[name] for name in ("field", "policy", *_COUNTED)), counts(one["wins"]), one["where"]) for one in differing]
    console.print("\nFields of people whom several systems have")
    table(("field", "policy", "all blank", "equal", "one is blank", "differ", "whose value it would be", "by"), rows, "All are equal.")
    equal = [one["field"] for one in fields if one not in differing]
    if equal and differing:
        console.print(f"Equal or blank for everybody: {', '.join(equal)}")
    lines = [f"  {_example(one['field'], row)}" for one in differing for row in one["examples"][:FEW] if one["differing"]]
    if lines:
        console.print("\n".join(["For example", *lines]))


def _example(name: str, row: Mapping[str, Any]) -> str:
    values = " · ".join(f"{system} {_value(value)}" for system, value in row["values"].items())
    return f"{name}: {values} → {row['wins']} ({row['rule']})  {' '.join(row['records'].values())}"


def _value(value: object) -> str:
    return "(blank)" if value in (None, "") else str(value)[:60]


def _unmapped(found: Mapping[str, Any]) -> Iterable[str]:
    if not found["fields"]:
        return
    yield "Values that the playbook does not know (those of picklists are set aside, and the rest of the record goes on)"
    for one in found["fields"]:
        values = {str(value["value"]): int(value["records"]) for value in one["values"]} or {"(personal)": int(one["records"])}
        field = f"{one['field']}, {one['kind']}" if one["field"] != one["kind"] else one["field"]
        yield f"  {one['system']} {one['name']} ({field}), {_records(one['records'])}: {counts(values)}"
    if found["blocks"]:
        yield "As they may stand in fields.yaml; look at each line, then `truce check`:"
        yield from found["blocks"]


def _writes(found: Mapping[str, Any]) -> Iterable[str]:
    yield "What would be written"
    for system, one in found.items():
        marked = f" ({one['only_marked']:,} of them get the Truce id only)" if one["only_marked"] else ""
        yield f"  {system}: {_records(one['updated'])} changed{marked}, {one['created']:,} made"
        if one["values"]:
            yield f"    values: {counts(one['values'])}"
        for reason, count in one["not_created"].items():
            yield f"    {people(count)} not made: {reason}"
        for left in one["not_told"][:SHOWN]:
            yield f"    {left['field']}: {left['records']:,} not told: {left['reason']}"


def _calls(found: Mapping[str, Any]) -> Iterable[str]:
    yield "Calls that it takes"
    for system, one in found.items():
        head = f"  {system}: {one['read']:,} to read people, {one['write']:,} to write at the least"
        if "a_day" not in one:
            yield head
            continue
        used = f", {one['used_by_all']:,} used by everybody so far" if one["used_by_all"] is not None else ""
        days = "within a day" if one["days"] == 1 else f"{one['days']:,} days"
        yield f"{head}, of {one['a_day']:,} a day ({one['for_bulk']:,} may be bulk's{used}): {days}"


def _rest(found: Mapping[str, Any], folder: str) -> Iterable[str]:
    for system, lacks in found["lacking"].items():
        yield from (f"{system} has no field {name} ({where}): it is neither read nor written" for name, where in lacks.items())
    if found["lists"]:
        yield f"Lists in {folder}: {counts(found['lists'], 20)}"
    elif not folder:
        yield "--csv FOLDER writes the lists to clean from."

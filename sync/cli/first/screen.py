"""How the first-sync report reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sync.cli.output import console, table
from sync.trial.first.compare import PERSONAL

FEW = 3
"""So many examples of a field are shown; --json has ten."""
SHOWN = 8
"""So many values and reasons of a kind are shown; --json and the lists have all."""

_COUNTED = ("all_blank", "equal", "one_blank", "differing")


def show(found: Mapping[str, Any], folder: str) -> None:
    """Print the report for people."""
    console.print("\n".join(_people(found)))
    _fields(found["fields"], "people whom several systems have")
    for lines, fields in ((_accounts(found["accounts"]), found["accounts"]["fields"]), (_opportunities(found["opportunities"]), ())):
        if some := list(lines):
            console.print("\n" + "\n".join(some))
        _fields(fields, "accounts that several systems have")
    for part in (_unmapped(found["unmapped"]), _writes(found), _calls(found["calls"]), _rest(found, folder)):
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
    yield f"Read {counts(found['records']) or 'all systems'}: {people(found['people'])}. Nothing was written."
    for one in found["in"]:
        only = "only " if len(one["systems"]) == 1 else ""
        yield f"  {one['people']:>9,}  {only}in {' and '.join(one['systems']) or 'no system'}"
    if found["matched_by"]:
        yield f"  matched by: {counts(found['matched_by'])}"
    if found["ambiguous"]:
        yield f"  for a person to place, each counted above as one of their own: {sum(one['records'] for one in found['ambiguous']):,}"
    for one in found["ambiguous"][:SHOWN]:
        yield f"  {one['records']:>9,}  {one['reason']}, as {', '.join(one['examples'][:FEW])}"
    for name, what in (
        ("several_records_of_one_address", "addresses that several records of one system have"),
        ("records_without_email", "records without an e-mail: they match nobody"),
    ):
        if found[name]:
            yield f"  {what}: {counts(found[name])}"
    if found["accounts"]["records"]:
        yield f"  with an account that was read: {found['with_account']:,}"
    for rule, count in found["outside_the_scope"].items():
        yield f"  {count:>9,}  outside the scope: {rule}"


def _accounts(found: Mapping[str, Any]) -> Iterable[str]:
    """Say which accounts there are where."""
    if not found["records"]:
        return
    yield f"Accounts: {counts(found['records'])}"
    for one in found["in"]:
        only = "only " if len(one["systems"]) == 1 else ""
        yield f"  {one['accounts']:>9,}  {only}in {' and '.join(one['systems'])}{'' if only else ', by their domains'}"
    for name, what in (
        (
            "several_records_of_one_domain",
            "of several records of one domain nobody knows which is meant, so that they are left as they are",
        ),
        ("records_without_domain", "records without a company's domain: they match none of another system"),
    ):
        if found[name]:
            yield f"  {what}: {counts(found[name])}"


def _opportunities(found: Mapping[str, Any]) -> Iterable[str]:
    """Say how deals stand, and which of them say nothing of anybody."""
    if not found["records"]:
        return
    yield "Opportunities"
    for system, count in found["records"].items():
        yield f"  {system} {count:,}: {counts(found['outcomes'][system])}"
        stages = {name or "(none that the playbook knows)": many for name, many in found["stages"][system].items()}
        yield f"    by stage: {counts(stages)}"
        if lone := found["without_people"].get(system):
            yield f"    {lone:,} with nobody in it who was read: they move no one's stage"
        if lost := found["without_account"].get(system):
            yield f"    {lost:,} without an account that was read"


def _fields(fields: Sequence[Mapping[str, Any]], whose: str) -> None:
    """Show the fields that differ for anybody; the others are named."""
    if not fields:
        return
    differing = [one for one in fields if one["one_blank"] or one["differing"]]
    rows = [(*(one[name] for name in ("field", "policy", *_COUNTED)), counts(one["wins"]), one["where"]) for one in differing]
    console.print(f"\nFields of {whose}")
    table(("field", "policy", "all blank", "equal", "one is blank", "differ", "whose value it would be", "by"), rows, "All are equal.")
    equal = [one["field"] for one in fields if one not in differing]
    if equal and differing:
        console.print(f"Equal or blank for everybody: {', '.join(equal)}")
    if lines := list(_examples([one for one in differing if one["differing"]])):
        console.print("\n".join(lines))


def _examples(fields: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    """Show a few examples of each field, and say where the others are."""
    some = [(one["field"], row) for one in fields for row in _few(one)]
    if not some:
        return
    yield "For example"
    yield from (f"  {_example(name, row)}" for name, row in some)
    if sum(len(one["examples"]) for one in fields) > len(some):
        yield "  Ten of each field: the same with --json."


def _few(one: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Give some of a field's examples; of values that are not shown one tells as much as three."""
    hidden = any(PERSONAL in row["values"].values() for row in one["examples"])
    return [*one["examples"][: 1 if hidden else FEW]]


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
        yield "As they may stand in fields.yaml in the place of those that stand there; look at each line, then `truce check`:"
        yield from found["blocks"]


def _writes(found: Mapping[str, Any]) -> Iterable[str]:
    yield "What would be written"
    for system, one in found["writes"].items():
        yield from _told(system, one)
    for system, one in found["accounts"]["writes"].items():
        yield from _told(f"{system}, accounts", one) if one["updated"] or one["not_told"] else ()
    for system, one in found["opportunities"]["copies"].items():
        yield from _told(f"{system}, copies of opportunities", one)
    for system, most in found["held_after"].items():
        yield f"  the guards of fields.yaml pause {system} after every {_records(most)}, until `truce resume {system}`; with `--waiting` all that wait then go on"


def _told(where: str, one: Mapping[str, Any]) -> Iterable[str]:
    marked = f" ({one['only_marked']:,} of them get the Truce id only)" if one["only_marked"] else ""
    yield f"  {where}: {_records(one['updated'])} changed{marked}, {one['created']:,} made"
    if one["values"]:
        yield f"    values: {counts(one['values'], len(one['values']))}"  # an opt-out among them is never one of "and 5 more"
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

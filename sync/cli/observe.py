"""`truce observe report`: what Truce would have written while it writes nothing, and what those who write there today did."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from schemas.base import Scalar
from sync.cli import people, place
from sync.cli.duty import Json, with_store
from sync.cli.first.screen import counts
from sync.cli.output import as_json, console, table
from sync.cli.since import Since, moment
from sync.lead.copies import copying
from sync.lead.ledger import Asked, outcome_of
from sync.lead.state import load, to_ms
from sync.playbook.models import Playbook
from sync.store import accounts, copies, cursors, leads, would_write
from sync.store.would_write import WouldWrite
from sync.trial import beside
from sync.trial.observed import PERSONAL, Compared

observe = typer.Typer(help="What Truce would have written in observe mode.", no_args_is_help=True)
FEW = 3
"""So many examples of a field are shown; --json has ten."""
Found = tuple[list[tuple[str, str, int]], list[WouldWrite], dict[str, Any]]


@observe.command()
def report(since: Since = "", json: Json = False, limit: Annotated[int, typer.Option(min=1)] = 50) -> None:
    """Show what would have been written, and by which rule, while a system, object or field is in observe mode; and what was done instead.

    Example: `truce observe report --since 7d`
    """
    at = moment(since, datetime.now(UTC))

    async def step(connection: Any, _: place.Place) -> Found:
        playbook = await people.in_force(connection)
        rows = await would_write.report(connection, most=limit, since=at)
        compared = await _compared(connection, playbook, at) if playbook is not None else {}
        return await would_write.totals(connection, at), veiled(rows, playbook), compared

    totals, rows, compared = with_store(step)
    if json:
        as_json({"totals": totals, "examples": [row._asdict() for row in rows], "compared": compared})
        return
    _would(totals, rows)
    _beside(compared)


def veiled(rows: Sequence[WouldWrite], playbook: Playbook | None) -> list[WouldWrite]:
    """Give what would be written without personal values, as everywhere in this report; without a playbook nobody knows which those are."""

    def personal(name: str) -> bool:
        if playbook is None:
            return True
        about, _, own = name.rpartition(".")
        shared = {"": playbook.fields, "account": playbook.account_fields, "opportunity": playbook.opportunity_fields}.get(about, {}).get(
            own
        )
        return shared is not None and shared.personal

    def veil(value: Scalar) -> Scalar:
        return value if value in (None, "") else PERSONAL

    return [row._replace(before=veil(row.before), after=veil(row.after)) if personal(row.field) else row for row in rows]


async def _compared(connection: Any, playbook: Playbook, since: datetime | None) -> dict[str, Any]:
    found = Compared(playbook, to_ms(since) if since is not None else 0)
    async for row in leads.stream(connection):
        found.take(load(row["doc"]))
    await around(connection, found)
    return found.plain()


async def around(connection: Any, found: Compared) -> None:
    """Look at all accounts and copies of opportunities as well."""
    book, read = found.playbook, {name: to_ms(at) for name, at in (await cursors.read_at(connection)).items()}
    async for refs, ledger in accounts.stream(connection):
        found.accounts += len(refs)
        for ref in refs:
            found.count(beside.firm(ledger.entries[ref], ledger, book, read, found.since))
    for system in copying(book):
        observed = beside.observed(book, system, book.systems[system].opportunity)
        async for pairs in copies.stream(connection, system):
            ledger = await accounts.look(connection, Asked(frozenset(ref for pair in pairs.items() for ref in pair if ref)))
            for own, record in ((one, pairs[ref]) for ref in pairs if (one := ledger.opportunity(ref)) is not None):
                copy = ledger.opportunity(record)
                if copy is not None:
                    found.count(beside.copy_of(own, copy, book, read, found.since))
                elif observed and record is None and outcome_of(own, book) == "open" and own.at >= found.since:
                    found.copies[system] += 1


def _would(totals: Sequence[tuple[str, str, int]], rows: Sequence[WouldWrite]) -> None:
    table(("system", "field", "would be written"), list(totals), "Nothing would be written: all agree, or nothing is in observe mode.")
    if rows:
        console.print()
        shown = [(r.system, r.record_id, r.field, r.before, r.after, r.rule) for r in rows]
        table(("system", "record", "field", "now", "would be", "because"), shown, "")


def _beside(found: Mapping[str, Any]) -> None:
    """Show what the tools of today did where Truce would have written."""
    if not found or not (found["fields"] or found["would_be_made"] or found["would_be_copied"]):
        return
    console.print("\nWhere Truce would have written, those who write there today did")
    columns = ("system", "field", "policy", "the same", "later by", "otherwise", "nothing", "whose leads differ")
    table(columns, [_row(one) for one in found["fields"]], "nothing yet")
    if found["would_be_made"]:
        console.print(f"People whom Truce would have made: {counts(found['would_be_made'])}")
    if found["would_be_copied"]:
        console.print(f"Opportunities that Truce would have copied: {counts(found['would_be_copied'])}")
    console.print("\n".join([*_owners(found["owners"]), *_examples(found["fields"])]))


def _row(one: Mapping[str, Any]) -> tuple[Any, ...]:
    later = "" if one["same_after_s"] is None else _span(one["same_after_s"])
    return (
        *(one[name] for name in ("system", "field", "policy", "same")),
        later,
        one["otherwise"],
        one["not_done"],
        counts(one["owners"], 4),
    )


def _span(seconds: int) -> str:
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min" if seconds < 7_200 else f"{seconds // 3_600} h"


def _owners(rows: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    if rows:
        yield "Who would have it, and who has it"
    yield from (f"  {one['would_be']} → {one['is']}: {one['leads']:,}" for one in rows[:10])


def _examples(rows: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    some = [(one, example) for one in rows for example in one["examples"][:FEW] if one["otherwise"]]
    if some:
        yield "For example"
    for one, row in some:
        yield f"  {one['field']}: {row['record']} is {_value(row['is'])}, would be {_value(row['would_be'])} ({row['rule']})"


def _value(value: object) -> str:
    return "(blank)" if value in (None, "") else str(value)[:60]

"""`truce report`: what each side promised and what came of it; what sales says of marketing's leads; what those who bought have in common."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from sync.cli.duty import Json, with_store
from sync.cli.output import as_json, cell, console, table
from sync.cli.periods import Period, bounds, in_force, zone_of
from sync.cli.quality import feedback, profile
from sync.lead import hours
from sync.lead.periods import months
from sync.lead.state import to_ms
from sync.playbook.models import LEGS, Leg, Playbook, money, number
from sync.reports import goals as both
from sync.reports.sla import Label, Share, Unit, causes, from_ledger, from_timeline, shares
from sync.store import reporting

app = typer.Typer(help="What each side promised and what came of it, from the ledger of hand-offs.", no_args_is_help=True)


@dataclass(frozen=True)
class Counted:
    """The hand-offs of a period, with what became of each leg."""

    playbook: Playbook
    start: int
    end: int
    handoffs: list[dict[str, Any]]
    units: list[Unit]
    labels: dict[str, Label]


def label(row: Mapping[str, Any]) -> Label:
    """Give what a hand-off is counted under."""
    return Label(
        *(row["id"], row["lead_id"], row["kind"], row["sla"], row["pool"], row["segment"], row["playbook_version"], row["opened_at"])
    )


async def count(connection: Any, playbook: Playbook, start: int, end: int) -> Counted:
    """Count the hand-offs that were opened in a period, from the ledger."""
    rows = await reporting.handoffs(connection, start, end)
    units = from_ledger(rows, await reporting.legs(connection, [row["id"] for row in rows]))
    return Counted(playbook, start, end, rows, units, {row["id"]: label(row) for row in rows})


async def recount(connection: Any, counted: Counted) -> list[Unit]:
    """Find the same out of the timeline alone."""
    promised = {
        row["id"]: frozenset(rule.leg for rule in found.legs)
        for row in counted.handoffs
        if (found := counted.playbook.slas.get(row["sla"])) is not None
    }
    lines = await reporting.lines(connection, promised, [row["lead_id"] for row in counted.handoffs])
    return from_timeline(lines, promised)


def _plain(found: Mapping[str, Mapping[Leg, Share]]) -> dict[str, Any]:
    return {
        name: {leg: {"met": one.met, "missed": one.missed, "attained": one.attained} for leg, one in legs.items()}
        for name, legs in found.items()
    }


def _cell(legs: Mapping[Leg, Share], leg: Leg) -> str:
    one = legs.get(leg, Share())
    return "" if one.attained is None else f"{one.attained:.0%} ({one.met} of {one.met + one.missed})"


def _shares(title: str, found: Mapping[str, Mapping[Leg, Share]], names: Mapping[str, str]) -> None:
    rows = [(names.get(name, name) or "(none)", *(_cell(legs, leg) for leg in LEGS)) for name, legs in found.items()]
    if rows:
        table((title, *(leg.replace("_", " ") for leg in LEGS)), rows, "")


NO_IS_AN_ANSWER = (
    "A lead that was given back in time was answered, so it counts for accept here; report feedback counts it as given back, not accepted."
)


@app.command()
def sla(
    week: Annotated[bool, typer.Option("--week", help="The week that it is, by the company's calendar.")] = False,
    period: Period = "",
    json: Json = False,
) -> None:
    """Show how many hand-offs each leg of the SLA was kept for: what was missed by cause first, then by team, person and segment.

    Example: `truce report sla --week`
    """

    async def step(connection: Any, _: Any) -> tuple[Counted, list[Unit], list[both.Line]]:
        playbook, now = await in_force(connection), to_ms(datetime.now(UTC))
        start, end = hours.week_span(now, zone_of(playbook), playbook.goals.week_starts) if week else bounds(playbook, period, now)
        counted = await count(connection, playbook, start, end)
        return counted, await recount(connection, counted), promises(counted, {})

    counted, again, promised = with_store(step)
    ways = {
        "all": lambda unit, label: "all",
        "team": lambda unit, label: label.pool,
        "person": lambda unit, label: unit.owner,
        "segment": lambda unit, label: label.segment,
    }
    found = {name: shares(counted.units, counted.labels, by) for name, by in ways.items()}
    missed, sales = causes(counted.units), [one for one in promised if one.side == "sales"]
    if json:
        return as_json(
            {
                "from": _iso(counted.start),
                "to": _iso(counted.end),
                "handoffs": len(counted.handoffs),
                "missed_by_cause": missed,
                **{name: _plain(one) for name, one in found.items()},
                "promises": [one.plain() for one in sales],
                "timeline_agrees": again == counted.units,
            }
        )
    _sla(counted, found, missed, sales, again)


def _over(counted: Counted) -> bool:
    return counted.end <= to_ms(datetime.now(UTC))


def _iso(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat()


def _sla(
    counted: Counted,
    found: Mapping[str, Mapping[str, Mapping[Leg, Share]]],
    missed: Mapping[str, Mapping[Leg, int]],
    sales: Sequence[both.Line],
    again: Sequence[Unit],
) -> None:
    names = {rep.email: rep.name for rep in counted.playbook.reps.values()}
    console.print(f"{len(counted.handoffs)} hand-offs were opened {span(counted)}.", markup=False)
    if not counted.units:
        console.print("No leg of them is decided yet.")
        return
    rows = [(cause, *(legs.get(leg) or "" for leg in LEGS)) for cause, legs in missed.items()]
    table(("missed because of", *(leg.replace("_", " ") for leg in LEGS)), rows, "Nothing was missed.")
    for title in ("all", "team", "person", "segment"):
        _shares(title, found[title], names)
    _promised(sales, over=_over(counted))
    console.print(NO_IS_AN_ANSWER, markup=False)
    if list(again) != counted.units:
        other = len(set(again) ^ set(counted.units))
        console.print(
            f"✘ the timeline tells {other} of these otherwise: truce explain WHO shows it; a defect of Truce itself.", markup=False
        )


def span(counted: Counted) -> str:
    """Say which days a report is about."""
    zone = zone_of(counted.playbook)
    first, last = (hours.wall(at, zone) for at in (counted.start, counted.end - 1))
    return f"from {first:%a} {first.day} {first:%b} to {last:%a} {last.day} {last:%b %Y}"


def promises(counted: Counted, reached: Mapping[str, float]) -> list[both.Line]:
    """Give every promise and shared goal of the period."""
    zone = zone_of(counted.playbook)
    first, last = (hours.wall(at, zone).date() for at in (counted.start, counted.end))
    return both.lines(counted.playbook, counted.handoffs, counted.units, counted.labels, reached, months(first, last))


def _amount(value: float | None, line: both.Line) -> str:
    return "" if value is None else f"{value:.0%}" if line.is_share else money({line.currency: value}) if line.currency else number(value)


def kept(line: both.Line, *, over: bool) -> str:
    """Say whether a promise is kept; before the period is over nothing is broken yet, nor is a share sure."""
    if line.kept is None:
        return ""
    return ("kept" if line.kept else "not kept") if over else ("so far" if line.kept else "not yet")


def _promised(lines: Sequence[both.Line], *, over: bool) -> None:
    rows = [
        (
            *(one.side, one.id, one.what, one.segment, _amount(one.promised, one), _amount(one.reached, one), one.of),
            *(kept(one, over=over), one.versions),
        )
        for one in lines
    ]
    table(("side", "promise", "what", "segment", "promised", "reached", "of", "", "under"), rows, "goals.yaml promises nothing.")
    for one in lines:
        if one.besides:
            console.print(f"{one.id}: besides, {money(one.besides)} were won, which {one.currency} does not count.", markup=False)


@app.command()
def goals(
    period: Period = "",
    csv_: Annotated[bool, typer.Option("--csv", help="Print CSV, one line per promise and goal.")] = False,
    json: Json = False,
) -> None:
    """Show both sides of the agreement in one period: what each promised, what came of it, and the version that it was counted under.

    Example: `truce report goals --csv --period 2026-Q4`
    """

    async def step(connection: Any, _: Any) -> tuple[Counted, list[both.Line]]:
        playbook, now = await in_force(connection), to_ms(datetime.now(UTC))
        start, end = bounds(playbook, period, now)
        counted = await count(connection, playbook, start, end)
        return counted, promises(counted, await reporting.reached(connection, start, end, playbook.sales, playbook.goals.currency))

    counted, found = with_store(step)
    if json:
        as_json([one.plain() for one in found])
    elif csv_:
        sys.stdout.write(as_csv([one.plain() for one in found]))
    else:
        _promised(found, over=_over(counted))


def as_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Write rows as CSV that a spreadsheet opens and does not take for formulas."""
    out = io.StringIO()
    if rows:
        writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: _for_csv(value) for name, value in row.items()} for row in rows)
    return out.getvalue()


def _for_csv(value: Any) -> Any:
    if isinstance(value, Mapping):
        return "; ".join(f"{name} {one:g}" for name, one in value.items())
    return cell(value)


app.command()(feedback)
app.command()(profile)

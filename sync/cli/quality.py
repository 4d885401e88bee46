"""`truce report feedback` and `truce report profile`: what sales made of marketing's leads, and what those who bought have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from sync.cli.duty import Json, with_store
from sync.cli.output import CannotRun, as_json, console, table
from sync.cli.periods import Period, bounds, in_force
from sync.lead import account
from sync.lead.decision import Facts
from sync.lead.qualify import stage_values
from sync.lead.state import load, to_ms
from sync.playbook.models import SIDE_EXITS, Playbook, Values, money
from sync.reports.feedback import LineResult, Result, Tally, changed, results, tallies, worst
from sync.reports.profile import Trait, candidate, traits
from sync.store import accounts, leads, playbooks, reporting

GIVEN_BACK = (
    "Accepted are those to whom sales said yes; a lead that was given back in time was answered all the same: report sla counts it as kept."
)
SAMPLE = 2_000
"""Leads that are replayed to say what a stricter line would have been."""


def feedback(
    period: Period = "",
    simulated: Annotated[
        bool, typer.Option("--simulate/--no-simulate", help="Replay the past under the nearest stricter threshold.")
    ] = True,
    json: Json = False,
) -> None:
    """Show what sales made of marketing's leads, per source, campaign and rule; which lines let in what is given back, and the next stricter one.

    Example: `truce report feedback --period 2026-Q4`
    """

    async def step(connection: Any, _: Any) -> tuple[Playbook, list[Result], dict[str, bytes]]:
        kept = await playbooks.active(connection)
        playbook, now = await in_force(connection), to_ms(datetime.now(UTC))
        rows = await reporting.handoffs(connection, *bounds(playbook, period, now))
        ids, stage = [row["id"] for row in rows], next((one.id for one in playbook.stages if one.handoff), "")
        offered, lines = await reporting.offers(connection, ids), await reporting.let_in(connection, ids, stage)
        reasons, money = playbook.slas.reasons, await reporting.won(connection, ids, playbook.sales, playbook.goals.currency)
        found = results(rows, offered, lines, lambda reason: reason not in reasons or reasons[reason].quality, money)
        return playbook, found, kept.files if kept is not None else {}

    playbook, found, files = with_store(step)
    ways = {"source": lambda one: one.source, "campaign": lambda one: one.campaign, "rule": lambda one: one.rule}
    counted = {name: tallies(found, by) for name, by in ways.items()}
    lines = worst(found)
    says = {one.where: said for one in lines if simulated and (said := _simulated(files, one)) is not None}
    if json:
        plain = {name: {key: one.plain() for key, one in some.items()} for name, some in counted.items()}
        return as_json({**plain, "lines": [_line_plain(one) | {"simulated": says.get(one.where)} for one in lines]})
    _feedback(playbook, counted, lines, says)


def _line_plain(one: LineResult) -> dict[str, Any]:
    stricter = None if one.stricter is None else asdict(one.stricter)
    return {"line": one.text, "where": one.where, **one.tally.plain(), "against_quality": one.against, "stricter": stricter}


def _simulated(files: Mapping[str, bytes], one: LineResult) -> str | None:
    """Say what the past would have been under the stricter line; None where there is none, or it cannot be put in its place."""
    from sync.cli.simulate import replayed
    from sync.playbook.loader import load_files
    from sync.playbook.problems import PlaybookError

    made = changed(files, one)
    if made is None:
        return None
    try:
        load_files(made)
    except PlaybookError as error:
        return f"truce check would refuse it: {str(error).splitlines()[0]}"
    found = replayed(dict(files), made, SAMPLE)
    before, after = (sum(pair[place] for pair in found.weeks.values()) for place in (0, 1))
    return f"of {found.looked:,} leads in 30 days {before:,} become MQLs now, {after:,} would"


def _feedback(playbook: Playbook, counted: Mapping[str, Mapping[str, Tally]], lines: Sequence[LineResult], says: Mapping[str, str]) -> None:
    labels = {ident: reason.label for ident, reason in playbook.slas.reasons.items()}
    for title, some in counted.items():
        rows = [
            (
                *(name, one.offered, one.accepted, one.refused, ", ".join(f"{labels.get(r, r)} {n}" for r, n in one.rejected.items())),
                *(one.won, money(one.amounts)),
            )
            for name, one in some.items()
        ]
        if rows or title == "source":
            table(
                (title, "offered", "accepted", "given back", "why", "won", "money"),
                rows,
                "No MQL was handed over in that time.",
            )
    if any(one.refused for one in counted["source"].values()):
        console.print(GIVEN_BACK, markup=False)
    if lines:
        console.print("Lines whose leads are given back most:")
    for line in lines:
        console.print(f"  {line.where}  {line.text}", markup=False)
        console.print(f"      {line.against} of {line.tally.offered} given back for what they are; {line.tally.won} won", markup=False)
        if line.stricter is not None:
            out = f"keeps out {line.stricter.keeps_out} of them and loses {line.stricter.loses} that were not given back ({line.stricter.won} won)"
            console.print(f"      {line.stricter.text}  {out}", markup=False)
        if line.where in says:
            console.print(f"      simulated: {says[line.where]}", markup=False)


def profile(
    candidate_: Annotated[
        Path | None, typer.Option("--candidate", help="Write the playbook with the suggested points into this folder.")
    ] = None,
    json: Json = False,
) -> None:
    """Show what is more often true of those who bought than of those who did not, beside the points of fit, and the lines that follow from it.

    Example: `truce report profile`
    """

    async def step(connection: Any, here: Any) -> tuple[list[Trait], dict[str, bytes]]:
        kept = await playbooks.active(connection)
        playbook, now = await in_force(connection), to_ms(datetime.now(UTC))
        won, lost = await _ended(connection, playbook, here.secret.encode(), now)
        return traits(playbook, won, lost), kept.files if kept is not None else {}

    found, files = with_store(step)
    made, lines = candidate(files, found)
    if candidate_ is not None:
        _write(candidate_, made)
    if json:
        return as_json({"traits": [one.plain() for one in found], "lines": lines})
    _profile(found, lines, candidate_)


async def _ended(connection: Any, playbook: Playbook, secret: bytes, now: int) -> tuple[list[Values], list[Values]]:
    """Give the values of who bought, and of who was handed over and did not."""
    won, lost = list[Values](), list[Values]()
    async with aclosing(leads.stream(connection)) as rows:
        async for row in rows:
            lead = load(row["doc"])
            stage = lead.value("stage")
            if stage == "customer" or (stage in SIDE_EXITS and lead.handoff is not None):
                ledger = await accounts.known(connection, [lead], playbook, secret)
                more = account.values_of(lead, Facts(secret, ledger=ledger), playbook)
                (won if stage == "customer" else lost).append(stage_values(lead, playbook, now, more))
    return won, lost


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    if folder.exists() and any(folder.iterdir()):
        raise CannotRun(f"{folder} is not empty: name another folder.")
    for name, content in files.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)


def _profile(found: Sequence[Trait], lines: Sequence[str], folder: Path | None) -> None:
    if not found or not (found[0].of_won and found[0].of_lost):
        console.print("Nobody who was handed over has bought or been given up yet: there is nothing to compare.")
        return
    rows = [
        (
            *(one.what, f"{one.won} of {one.of_won}", f"{one.lost} of {one.of_lost}", f"{one.lift:.1f}", f"{one.points:g}"),
            *("too few" if one.suggested is None else f"{one.suggested:g}", one.where or f"new: {one.when}"),
        )
        for one in found
    ]
    table(("true of", "bought", "did not", "×", "points", "says", "where"), rows, "")
    for line in lines:
        console.print(f"  {line}", markup=False)
    if folder is not None:
        console.print(f"Written to {folder}. Next: truce simulate --candidate {folder}", markup=False)
    elif lines:
        console.print("truce report profile --candidate DIR writes these lines as a playbook to try.")

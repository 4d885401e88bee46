"""`truce reassign`: give what somebody has to others: who would get what, then in slices, and all of it back if it was wrong."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import uuid4

import typer

from schemas.envelope import Envelope
from sync.cli import people, place
from sync.cli.away import rep_of
from sync.cli.duty import Json, with_store
from sync.cli.output import PROBLEM, CannotRun, as_json, console, table
from sync.cli.rejudge import Wanted, condition
from sync.lead import account, basis
from sync.lead.decision import Facts
from sync.lead.eligible import Team
from sync.lead.presence import present
from sync.lead.qualify import stage_values
from sync.lead.receivers import POOL, Passed, held, order, pass_on, without
from sync.lead.state import Lead, load, to_ms
from sync.playbook.models import Playbook, Values
from sync.playbook.problems import closest, did_you_mean, near_person
from sync.sources.lag import LagGate
from sync.store import accounts, answers, presence, reassignments, turns, users
from sync.store.answers import Answer
from sync.topology import changes_name

What = Literal["handoff", "lead"]
WAIT_S = 20.0


def target(playbook: Playbook, to: str) -> str | None:
    """Read `--to`: a pool, a person, or nothing; raises CannotRun where it is none."""
    if not to:
        return None
    name = to.removeprefix(POOL)
    if name in playbook.pools:
        return POOL + name
    if to.startswith(POOL) or ("@" not in to and closest(name, playbook.pools)):
        raise CannotRun(f"--to: there is no pool {name}. {did_you_mean(name, playbook.pools)}".rstrip())
    return rep_of(playbook, to).email


async def _values(connection: Any, leads: Sequence[Lead], playbook: Playbook, secret: bytes, now: int) -> list[tuple[Lead, Values, Facts]]:
    facts = Facts(secret, ledger=await accounts.known(connection, list(leads), playbook, secret))
    return [(lead, stage_values(lead, playbook, now, account.values_of(lead, facts, playbook)), facts) for lead in leads]


async def _team(connection: Any, playbook: Playbook, now: int) -> Team:
    """Give everybody as they stand, pools and loads too, holding no lock longer than the look."""
    pools = [(pool, None) for pool in playbook.pools.values()]
    async with connection.transaction():
        standing = await turns.lock(connection, basis.of(playbook, playbook.reps, pools), now)
    return Team(playbook, await users.every(connection), now, standing.pools, standing.given, standing.open)


async def planned(
    connection: Any, playbook: Playbook, secret: bytes, *, person: str, to: str | None, what: Sequence[What], when: str | None
) -> tuple[list[Passed], dict[str, str]]:
    """Give who would get each lead of somebody, and each lead's key."""
    now = to_ms(datetime.now(UTC))
    left = without(present(playbook, await presence.current(connection)), person, now)
    rows = await reassignments.theirs(connection, person)
    leads = [lead for row in rows if held(lead := load(row["doc"]), person) in what]
    wanted = Wanted(condition(when, playbook, "--when") if when else None, False, playbook)
    some = [
        (lead, values) for lead, values, facts in await _values(connection, leads, playbook, secret, now) if wanted.takes(lead, facts, now)
    ]
    return pass_on(some, person, to, await _team(connection, left, now)), {row["id"]: row["key"] for row in rows}


async def _send(here: place.Place, connection: Any, orders: Sequence[tuple[str, Envelope]], size: int, *, quiet: bool) -> None:
    """Send orders in slices, the next when the workers keep up; says how far it is unless `quiet`."""
    gate = LagGate(str(here.bootstrap), changes_name(here.installation, await people.incarnation(connection)), connection)
    try:
        for at in range(0, len(orders), size):
            await gate.open()
            await people.publish(str(here.bootstrap), here.installation, connection, orders[at : at + size])
            if not quiet:
                console.print(f"{min(at + size, len(orders))} of {len(orders)} ordered", markup=False)
    finally:
        await gate.close()


async def _became(connection: Any, orders: Sequence[tuple[str, Envelope]]) -> list[Answer | None]:
    """Wait a little for what became of each order; None: it is not decided yet."""
    loop = asyncio.get_running_loop()
    until = loop.time() + WAIT_S
    return [await answers.wait(connection, one.id, max(0.0, until - loop.time())) for _, one in orders]


def _counted(said: Sequence[Answer | None]) -> dict[str, Any]:
    """Count what became of orders, with why some were refused."""
    counts = Counter("done" if one and one.ok else "refused" if one else "not decided yet" for one in said)
    return {"answers": dict(counts), "refused": dict(Counter(one.text for one in said if one and not one.ok))}


def _tell(told: dict[str, Any], what: str) -> None:
    said = ", ".join(f"{count} {how}" for how, count in told["answers"].items()) or "nothing to do"
    console.print(f"{what}: {said}.", markup=False)
    for text, count in told["refused"].items():
        console.print(f"  {count} refused: {text}", markup=False)


def _preview(rows: Sequence[Passed], playbook: Playbook, clocks: str) -> dict[str, Any]:
    names = {rep.email: rep.name for rep in playbook.reps.values()}
    per = Counter((one.after, one.what) for one in rows)
    receivers = [
        {
            "person": who,
            "name": names.get(who or "", who or "nobody"),
            "handoffs": per[who, "handoff"],
            "leads": per[who, "lead"],
            "why": next((one.why for one in rows if one.after == who), ""),
        }
        for who in dict.fromkeys(one.after for one in rows)
    ]
    return {"leads": len(rows), "clocks": clocks, "receivers": receivers, "nobody": sum(one.after is None for one in rows)}


def _show(told: dict[str, Any], who: str, playbook: Playbook) -> None:
    if not told["leads"]:
        meant = "" if who in playbook.reps else near_person(who, playbook.reps)
        console.print(f"{who} has nothing of that{f', and is not in team.yaml: {meant}' if meant else '.'}", markup=False)
        return
    rows = [(one["name"], one["handoffs"], one["leads"], one["why"]) for one in told["receivers"]]
    table(("who gets it", "open hand-offs", "other leads", "why"), rows, "")
    kept = (
        "are kept: time that is gone counts for whoever has it next"
        if told["clocks"] == "keep"
        else "begin anew, and it is to be accepted again"
    )
    console.print(f"What is not accepted yet is offered with the whole time for the answer. Of what was accepted the clocks {kept}.")


def reassign(
    from_: Annotated[str, typer.Option("--from", help="Whose: an e-mail of team.yaml, or of somebody who is there no more.")] = "",
    to: Annotated[str, typer.Option(help="Who gets them: a pool or a person; none: whom each lead's route finds next.")] = "",
    what: Annotated[
        str, typer.Option(help="handoffs (the open ones), leads (theirs without an open hand-off), or both.")
    ] = "handoffs,leads",
    when: Annotated[str | None, typer.Option(help="Only leads for which this line holds: \"lead.country == 'DE'\".")] = None,
    clocks: Annotated[
        str,
        typer.Option(
            help="keep: what was accepted stays so, and time that is gone counts; restart: it is offered again. Who is offered one has the whole time for the answer."
        ),
    ] = "keep",
    slice_: Annotated[int, typer.Option("--slice", min=1, help="So many are ordered at once; the next when the workers keep up.")] = 100,
    reason: Annotated[str, typer.Option(help="Why; it stands in each lead's timeline.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show who would get what.")] = False,
    undo: Annotated[str, typer.Option(help="A run: give everything back that is still where the run put it.")] = "",
    runs: Annotated[bool, typer.Option("--runs", help="Show the runs that there were.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Give what somebody has to others, by turns and within caps: who would get what, then in slices; a run can be undone as one.

    Example: `truce reassign --from ana@acme.example --to emea-ae --dry-run`
    """
    if runs:
        return _list(json)
    if undo:
        return _undo(undo, slice_, yes=yes, json=json)
    kinds = _kinds(what)
    if clocks not in ("keep", "restart"):
        raise CannotRun(f"--clocks is keep or restart, not {clocks!r}.")
    if not from_:
        raise CannotRun("say whose: truce reassign --from ana@acme.example --to emea-ae (or --undo RUN, or --runs).")

    async def step(connection: Any, here: place.Place) -> dict[str, Any]:
        playbook = await _in_force(connection)
        person = from_.strip().lower() if "@" in from_ else rep_of(playbook, from_).email
        rows, keys = await planned(
            connection, playbook, here.secret.encode(), person=person, to=target(playbook, to), what=kinds, when=when
        )
        told: dict[str, Any] = _preview(rows, playbook, clocks) | {"run": None}
        if not json:
            _show(told, person, playbook)
        given = [one for one in rows if one.after is not None]
        if dry_run or not given:
            return told
        _ask(f"{len(given)} go to {len({one.after for one in given})} people. Go on?", here, yes=yes)
        run, at = f"{datetime.now(UTC):%m%d}-{uuid4().hex[:6]}", datetime.now(UTC)
        await reassignments.note(connection, run, given, clocks=clocks, by=people.whoami(), reason=reason)
        kept: Literal["keep", "restart"] = "restart" if clocks == "restart" else "keep"
        orders = [(keys[one.lead_id], order(one, run, by=people.whoami(), at=at, clocks=kept, reason=reason)) for one in given]
        await _send(here, connection, orders, slice_, quiet=json)
        return told | {"run": run} | _counted(await _became(connection, orders))

    _end(with_store(step), json=json)


def _kinds(what: str) -> list[What]:
    words: dict[str, What] = {"handoffs": "handoff", "leads": "lead"}
    asked = [one.strip() for one in what.split(",") if one.strip()]
    if wrong := [one for one in asked if one not in words]:
        raise CannotRun(f"--what is handoffs, leads, or handoffs,leads; not {wrong[0]!r}.")
    return [words[one] for one in asked]


async def _in_force(connection: Any) -> Playbook:
    playbook = await people.in_force(connection)
    if playbook is None:
        raise CannotRun("no playbook is in force yet: truce apply DIR puts one in force.")
    return playbook


def _ask(question: str, here: place.Place, *, yes: bool) -> None:
    if not here.bootstrap:
        raise CannotRun("no Kafka to send it to: start `truce up`, or set KAFKA_BOOTSTRAP_SERVERS.")
    if not yes and not typer.confirm(question):
        raise CannotRun("nothing was ordered.")


def _end(told: dict[str, Any], *, json: bool) -> None:
    if json:
        as_json(told)
    elif told["run"]:
        _tell(told, f"Run {told['run']}")
        console.print(f"Back again: truce reassign --undo {told['run']}", markup=False)


def _undo(run: str, size: int, *, yes: bool, json: bool) -> None:
    async def step(connection: Any, here: place.Place) -> dict[str, Any]:
        rows = await reassignments.of_run(connection, run)
        if not rows:
            raise CannotRun(f"there is no run {run} that could be undone: truce reassign --runs shows them.")
        still = [row for row in rows if held(load(row["doc"]), row["after"]) is not None]
        moved = len(rows) - len(still)
        if not json:
            console.print(f"{len(still)} go back" + (f"; {moved} moved on or ended since, and stay." if moved else "."))
        _ask("Go on?", here, yes=yes or not still)
        at, by = datetime.now(UTC), people.whoami()
        back = f"{run}:undo:{uuid4().hex[:4]}"  # what was refused can be tried again
        orders = []
        for row in still:
            one = Passed(row["lead_id"], row["what"], row["handoff"], row["after"], row["before"], "")
            orders.append((row["key"], order(one, back, by=by, at=at, clocks=row["clocks"], reason=f"run {run} undone")))
        await _send(here, connection, orders, size, quiet=json)
        said = await _became(connection, orders)
        over = {row["lead_id"] for row in rows} - {
            row["lead_id"] for row, one in zip(still, said, strict=True) if one is None or not one.ok
        }
        await reassignments.undone(connection, run, over, by)
        return {"run": back, "leads": len(still), "moved_on": moved, "left": len(rows) - len(over)} | _counted(said)

    told = with_store(step)
    if json:
        as_json(told)
    else:
        _tell(told, f"Run {run} is undone" if not told["left"] else f"Run {run} is undone in part")
        if told["left"]:
            console.print(f"{told['left']} are where the run put them: truce reassign --undo {run} tries them again.", markup=False)
    if told["left"]:
        raise typer.Exit(PROBLEM)


def _list(json: bool) -> None:
    async def step(connection: Any, _: Any) -> list[dict[str, Any]]:
        return await reassignments.runs(connection)

    rows = with_store(step)
    if json:
        return as_json(rows)
    table(
        ("run", "when", "by", "from", "to", "leads", "undone", "why"),
        [
            (
                *(row["run"], f"{row['at'].astimezone():%d %b %H:%M}", row["by"], ", ".join(row["from_"]), ", ".join(row["to_"])),
                *(row["leads"], row["undone"] or "", row["reason"]),
            )
            for row in rows
        ],
        "Nothing was given to somebody else yet.",
    )

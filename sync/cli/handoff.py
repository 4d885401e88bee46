"""`truce handoff`: answer a hand-off from the terminal as its owner would in the CRM or in Slack; the same orders, the same answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from schemas.command import too_long
from schemas.envelope import Envelope
from sync.cli import people, place
from sync.cli.away import when
from sync.cli.duty import Json, with_store
from sync.cli.names import owners_zone, stage
from sync.cli.output import PROBLEM, CannotRun, as_json, console
from sync.lead import dates, hours, legible
from sync.lead.state import from_ms, to_ms
from sync.playbook.models import Playbook
from sync.playbook.problems import did_you_mean
from sync.runtime import orders
from sync.runtime.orders import Handoff
from sync.store import answers

app = typer.Typer(help="Answer a hand-off: the same as in the CRM or in Slack.", no_args_is_help=True)
Which = Annotated[str, typer.Argument(metavar="WHO", help="The lead (e-mail, record ref, lead id), or the hand-off's own id.")]
By = Annotated[str | None, typer.Option("--as", help="On whose behalf: an e-mail of team.yaml; none: as you.")]
Comment = Annotated[str, typer.Option(help="A sentence for those who come after you.")]
WAIT_S = 10.0
Make = Callable[[Handoff, Playbook], Envelope]


async def find(connection: Any, who: str, secret: bytes) -> Handoff:
    """Give the hand-off that is meant; raises CannotRun."""
    known = await orders.handoff(connection, who)
    if known is None:
        lead = await people.lead_of(connection, who, secret)
        known = None if lead is None else await orders.of_lead(connection, str(lead["id"]))
        if known is None:
            why = f"nobody is known as {who}" if lead is None else f"{who} was never handed over"
            raise CannotRun(f"{why}: give an e-mail, a record ref (system:object:id), a lead id or a hand-off's id.")
    return known


def _give(who: str, make: Make, *, json: bool) -> None:
    """Order it and print the answer; exit 1 where it changed nothing, or is not decided yet."""

    async def step(connection: Any, here: place.Place) -> tuple[str, answers.Answer | None]:
        if not here.bootstrap:
            raise CannotRun("no Kafka to send it to: start `truce up`, or set KAFKA_BOOTSTRAP_SERVERS.")
        playbook = await people.in_force(connection)
        if playbook is None:
            raise CannotRun("no playbook is in force yet: truce apply DIR puts one in force.")
        known = await find(connection, who, here.secret.encode())
        message = make(known, playbook)
        await people.publish(here.bootstrap, here.installation, connection, [(known.key, message)])
        return message.id, await answers.wait(connection, message.id, WAIT_S)

    ident, found = with_store(step)
    text = (
        found.text if found is not None else "Sent, and not decided yet: is a worker running? `truce handoff show` says what became of it."
    )
    as_json({"id": ident, "ok": found.ok if found else None, "text": text}) if json else console.print(text, markup=False)
    if found is None or not found.ok:
        raise typer.Exit(PROBLEM)


def _order(name: str, known: Handoff, on_behalf: str | None, playbook: Playbook, **more: Any) -> Envelope:
    if on_behalf and on_behalf.lower() not in playbook.reps:
        raise CannotRun(f"--as {on_behalf}: nobody of team.yaml. {did_you_mean(on_behalf, playbook.reps)}".strip())
    if (long := too_long(str(more.get("comment") or ""))) is not None:
        raise CannotRun(f"{'the note' if name == 'note' else '--comment'}: {long}.")
    by = on_behalf.lower() if on_behalf else _me(playbook)
    return orders.order(name, known, by=by, at=datetime.now(UTC), source="cli", offer=known.offer or None, who=on_behalf and by, **more)


def _me(playbook: Playbook) -> str:
    """Name whoever types: by their e-mail where the team has one that begins with the account's name."""
    name = people.whoami()
    some = [email for email in playbook.reps if email.partition("@")[0] == name.lower()]
    return some[0] if len(some) == 1 else name


@app.command()
def accept(who: Which, on_behalf: By = None, comment: Comment = "", json: Json = False) -> None:
    """Take a lead: the first response is due from now on.

    Example: `truce handoff accept kim.larsen@nordwind.example`
    """
    _give(who, lambda known, playbook: _order("accept", known, on_behalf, playbook, comment=comment), json=json)


@app.command()
def reject(
    who: Which,
    reason: Annotated[str, typer.Option(help="The id of a reason of sla.yaml; a wrong one shows which there are.")],
    on_behalf: By = None,
    comment: Comment = "",
    json: Json = False,
) -> None:
    """Give a lead back, with a reason; what follows (the next person, back to marketing) is as sla.yaml says.

    Example: `truce handoff reject kim.larsen@nordwind.example --reason no_fit --comment "a reseller"`
    """

    def make(known: Handoff, playbook: Playbook) -> Envelope:
        found = playbook.slas.reasons.get(reason)
        if found is None:
            raise CannotRun(f"--reason {reason}: sla.yaml has no such reason; there are: {', '.join(playbook.slas.reasons) or 'none'}.")
        if found.comment and not comment:
            raise CannotRun(f"the reason {reason} needs a sentence: --comment '…'.")
        return _order("reject", known, on_behalf, playbook, code=reason, comment=comment)

    _give(who, make, json=json)


@app.command()
def reassign(
    who: Which,
    to: Annotated[str, typer.Option(help="An e-mail of team.yaml, or pool:NAME; none: to whom the route finds next.")] = "",
    restart: Annotated[bool, typer.Option("--restart", help="The next person has the whole time; without it what is gone counts.")] = False,
    on_behalf: By = None,
    comment: Comment = "",
    json: Json = False,
) -> None:
    """Give a lead to somebody else.

    Example: `truce handoff reassign kim.larsen@nordwind.example --to ben@acme.example`
    """

    def make(known: Handoff, playbook: Playbook) -> Envelope:
        if to and to not in playbook.reps and to.removeprefix("pool:") not in playbook.pools:
            hint = did_you_mean(to, [*playbook.reps, *(f"pool:{name}" for name in playbook.pools)])
            raise CannotRun(f"--to {to}: nobody of team.yaml and no pool. {hint}".strip())
        clocks = "restart" if restart else "keep"
        return _order("reassign", known, on_behalf, playbook, to=to or None, clocks=clocks, reason=comment, comment=comment)

    _give(who, make, json=json)


@app.command()
def note(who: Which, text: Annotated[str, typer.Argument(help="What is to be noted.")], on_behalf: By = None, json: Json = False) -> None:
    """Note something with a hand-off; it stands in the lead's story.

    Example: `truce handoff note kim.larsen@nordwind.example "called, no answer"`
    """
    _give(who, lambda known, playbook: _order("note", known, on_behalf, playbook, comment=text), json=json)


@app.command()
def hold(
    who: Which,
    until: Annotated[str, typer.Option(help=f"Until when: {dates.EXAMPLES}.")],
    on_behalf: By = None,
    comment: Comment = "",
    json: Json = False,
) -> None:
    """Stop a hand-off's clocks, waiting for the customer, for as long as its SLA allows.

    Example: `truce handoff hold kim.larsen@nordwind.example --until Fri`
    """

    def make(known: Handoff, playbook: Playbook) -> Envelope:
        rep = playbook.reps.get(known.owner)
        at = when(until, to_ms(datetime.now(UTC)), (rep.hours.timezone if rep else "") or playbook.timezone, "--until")
        return _order("hold_clock", known, on_behalf, playbook, until=from_ms(at), comment=comment)

    _give(who, make, json=json)


@app.command()
def run(who: Which, on_behalf: By = None, json: Json = False) -> None:
    """Let a hand-off's clocks go on.

    Example: `truce handoff run kim.larsen@nordwind.example`
    """
    _give(who, lambda known, playbook: _order("run_clock", known, on_behalf, playbook), json=json)


@app.command()
def show(who: Which, json: Json = False) -> None:
    """Show a hand-off: its state, everybody to whom it was offered, and what is due when.

    Example: `truce handoff show kim.larsen@nordwind.example`
    """

    async def step(connection: Any, here: place.Place) -> tuple[dict[str, Any], Playbook | None]:
        known = await find(connection, who, here.secret.encode())
        found = dict(await connection.fetchrow("SELECT * FROM handoffs WHERE id = $1::uuid", known.id))
        for table_, by in (("offers", "n"), ("legs", "started_at")):
            rows = await connection.fetch(f"SELECT * FROM {table_} WHERE handoff_id = $1::uuid ORDER BY {by}", known.id)
            found[table_] = [dict(row) for row in rows]
        return found, await people.in_force(connection)

    found, playbook = with_store(step)
    if json:
        return as_json(found)
    for line in told(found, playbook, to_ms(datetime.now(UTC))):
        console.print(line, markup=False)


def told(found: dict[str, Any], playbook: Playbook | None, now: int) -> list[str]:
    """Tell a hand-off's row, with its offers and legs, as lines: people by name, times as the owner's clock shows them."""
    zone = owners_zone(playbook, found["owner"])

    def at(moment: datetime | None) -> str:
        return hours.moment(to_ms(moment), now, zone) if moment else ""

    def name(email: str) -> str:
        return playbook.name_of(email) if playbook is not None else email

    ended = f" as {stage(found['closed_as'])}" if found["closed_as"] else ""
    lines = [
        f"{found['state']}{ended} · with {name(found['owner'])} · since {at(found['opened_at'])} ({zone}) · {found['rule']} · {found['id']}"
    ]
    for one in found["offers"]:
        end = f", {one['ended']} {at(one['ended_at'])}{' by ' + name(one['by']) if one['by'] else ''}" if one["ended"] else ""
        why = " · ".join(legible.plain(text) for text in (one["reason"], one["comment"]) if text)
        lines.append(f"  {one['n']}. {name(one['owner'])}  offered {at(one['at'])}{end}{f': {why}' if why else ''}")
    for one in found["legs"]:
        end = f"done {at(one['done_at'])}" if one["done_at"] else f"due {at(one['due_at'])}"
        late = f", missed {at(one['breached_at'])}{' (' + one['cause'] + ')' if one['cause'] else ''}" if one["breached_at"] else ""
        lines.append(f"  {one['leg'].replace('_', ' ')}: {end}{late}")
    return lines

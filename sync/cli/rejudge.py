"""`truce rejudge`: judge leads again under the rules in force, as bulk, or hand over what is held, in slices."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple

import typer

from schemas.command import Command
from sync.cli import people, place
from sync.cli.duty import Json, with_store
from sync.cli.evaluate import said
from sync.cli.output import CannotRun, as_json, console
from sync.lead import account
from sync.lead.decision import Facts
from sync.lead.qualify import stage_values
from sync.lead.state import Lead, load, to_ms
from sync.playbook.conditions import Wrong
from sync.playbook.models import Condition, Playbook, Where
from sync.sources.lag import LagGate
from sync.store import accounts, leads
from sync.topology import changes_name
from sync.trial.parts import conditions_of

SLICE = 500
"""So many orders go out before it is looked whether the workers keep up."""


@dataclass(frozen=True)
class Wanted:
    """Which leads are to be judged again, and how."""

    where: Condition | None
    hand_over: bool
    playbook: Playbook

    def takes(self, lead: Lead, facts: Facts, now: int) -> bool:
        """Say whether the condition holds for this one; `facts` know its account."""
        if self.where is None:
            return True
        more = account.values_of(lead, facts, self.playbook)
        return self.where.judge(stage_values(lead, self.playbook, now, more)).matched


def condition(text: str, playbook: Playbook, option: str) -> Condition:
    """Compile a line against the playbook in force; raises CannotRun with each mistake and a caret."""
    try:
        return conditions_of(playbook).compile(text, Where(option, 1))
    except Wrong as wrong:
        raise CannotRun(f"{option}:\n" + said(text, wrong)) from None


class Chosen(NamedTuple):
    """One lead that is meant, with the key that its messages carry, and as whom a person knows it."""

    id: str
    key: str
    who: str


def _who(lead: Lead, playbook: Playbook) -> str:
    emails = (lead.value(name) for name, shared in playbook.fields.items() if shared.kind == "email")
    return next((str(email) for email in emails if email), lead.id)


async def chosen(connection: Any, wanted: Wanted, secret: bytes, now: datetime) -> list[Chosen]:
    """Give every lead that is meant."""
    found, page = list[Chosen](), list[tuple[Lead, str]]()

    async def judge() -> None:
        ledger = await accounts.known(connection, [lead for lead, _ in page], wanted.playbook, secret)
        facts = Facts(secret, ledger=ledger)
        found.extend(Chosen(lead.id, key, _who(lead, wanted.playbook)) for lead, key in page if wanted.takes(lead, facts, to_ms(now)))
        page.clear()

    async with aclosing(leads.stream(connection)) as rows:
        async for row in rows:
            if wanted.hand_over and not row["held"]:
                continue
            page.append((load(row["doc"]), row["key"]))
            if len(page) == leads.PAGE:
                await judge()
    await judge()
    return found


async def _order(here: place.Place, connection: Any, found: Sequence[Chosen], *, bulk: bool, reason: str, per_minute: int) -> None:
    """Send the orders in slices: while the workers keep up, and never more a minute than asked."""
    from rich.progress import Progress

    topic = changes_name(here.installation, await people.incarnation(connection))
    gate = LagGate(str(here.bootstrap), topic, connection)
    step = min(SLICE, per_minute or SLICE)
    try:
        with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
            task = bar.add_task("judged again", total=len(found))
            for at in range(0, len(found), step):
                await gate.open()
                now, some = datetime.now(UTC), found[at : at + step]
                orders = [
                    (key, Command(name="rejudge", lead_id=i, bulk=bulk, by=people.whoami(), reason=reason, at=now)) for i, key, _ in some
                ]
                await people.send(str(here.bootstrap), here.installation, connection, orders)
                bar.advance(task, len(some))
                if per_minute and at + step < len(found):
                    await asyncio.sleep(60 * step / per_minute)
    finally:
        await gate.close()


def _leads(count: int) -> str:
    return "1 lead" if count == 1 else f"{count:,} leads"


def rejudge(
    where: Annotated[str | None, typer.Option(help="Only leads for which this line holds: \"lead.country == 'DE'\".")] = None,
    hand_over: Annotated[bool, typer.Option("--hand-over", help="Take the leads that bulk holds, and hand them over now.")] = False,
    per_minute: Annotated[int, typer.Option(min=0, help="No more than so many a minute; 0: as fast as the workers keep up.")] = 0,
    reason: Annotated[str, typer.Option(help="Why; it stands in each lead's timeline.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Judge leads again by the rules in force. It is bulk: stages and fields change, no hand-off is opened (see --hand-over).

    Example: `truce rejudge --where "lead.country == 'DE'" --reason "new threshold"`
    """

    async def step(connection: Any, here: place.Place) -> dict[str, Any]:
        if not here.bootstrap:
            raise CannotRun("no Kafka to send it to: start `truce up`, or set KAFKA_BOOTSTRAP_SERVERS.")
        playbook = await people.in_force(connection)
        if playbook is None:
            raise CannotRun("no playbook is in force yet: truce apply DIR puts one in force.")
        wanted = Wanted(condition(where, playbook, "--where") if where else None, hand_over, playbook)
        found = await chosen(connection, wanted, here.secret.encode(), datetime.now(UTC))
        asked = yes or dry_run or not found
        if not asked and not typer.confirm(f"{_leads(len(found))} will be judged again under v{playbook.version}. Go on?"):
            raise CannotRun("nothing was ordered.")
        if not dry_run:
            await _order(here, connection, found, bulk=not hand_over, reason=reason, per_minute=per_minute)
        return {
            "version": playbook.version,
            "leads": len(found),
            "ordered": not dry_run and bool(found),
            "first": [one.who for one in found[:10]],
        }

    told = with_store(step)
    if json:
        as_json(told)
    elif not told["leads"]:
        console.print("No lead is held." if hand_over else "No lead is meant by that.")
    elif not told["ordered"]:
        console.print(f"{_leads(told['leads'])} would be judged again under v{told['version']}; the first: {', '.join(told['first'])}")
    else:
        more = "" if hand_over else " New hand-offs are held: truce rejudge --hand-over --per-minute 10 opens them in slices."
        console.print(f"{_leads(told['leads'])} {'is' if told['leads'] == 1 else 'are'} judged again under v{told['version']}.{more}")

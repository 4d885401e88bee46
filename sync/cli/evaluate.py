"""`truce eval`: what a condition comes to, part by part, for a lead or for values given by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
import typer

from sync.cli import people
from sync.cli.duty import Json, with_store
from sync.cli.output import PROBLEM, CannotRun, as_json, console
from sync.cli.place import Place
from sync.lead.account import values_of
from sync.lead.canonical import Unfit, canonical
from sync.lead.decision import Facts
from sync.lead.qualify import stage_values
from sync.lead.state import load, to_ms
from sync.playbook import functions
from sync.playbook.conditions import Wrong
from sync.playbook.loader import load as load_folder
from sync.playbook.models import Playbook, Value
from sync.playbook.problems import did_you_mean
from sync.settings import Settings
from sync.store import accounts, users
from sync.trial.parts import Part, conditions_of, parts


def said(text: str, wrong: Wrong) -> str:
    """Give a line with each mistake under its place."""
    marks = [f"{' ' * one.at}{'^' * one.width} {one.text}{f': {one.suggestion}' if one.suggestion else ''}" for one in wrong.mistakes]
    return "\n".join([text, *marks])


def given(rows: Sequence[str], playbook: Playbook, now: int) -> dict[str, Value]:
    """Read `lead.country=NO` by the field's kind; raises CannotRun for a field that there is not, or a value that it cannot hold."""
    fields = dict(playbook.fields)
    fields |= {f"account.{name}": shared for name, shared in playbook.account_fields.items()}
    fields |= {f"opportunity.{name}": shared for name, shared in playbook.opportunity_fields.items()}
    found: dict[str, Value] = {"now": now, "touches": ()}
    for row in rows:
        name, equals, value = row.partition("=")
        short = name.removeprefix("lead.")
        if not equals:
            raise CannotRun(f"--set {row}: write --set lead.country=NO.")
        if short not in fields and short not in ("fit", "engagement", "score", "segment", "cycle"):
            raise CannotRun(f"--set {row}: there is no field {name}. {did_you_mean(short, fields)}")
        try:
            found[short] = canonical(fields[short], value) if short in fields else float(value) if short != "segment" else value
        except (Unfit, ValueError) as why:
            raise CannotRun(f"--set {row}: {why}.") from None
    return found


async def _of_lead(connection: Any, here: Place, who: str, now: datetime) -> tuple[Playbook, dict[str, Value]]:
    row, playbook = await people.lead_of(connection, who, here.secret.encode()), await people.in_force(connection)
    if row is None or playbook is None:
        raise CannotRun(f"nobody is known as {who}: give an e-mail, a record ref (system:object:id) or a lead id.")
    lead, secret = load(orjson.dumps(row["doc"])), here.secret.encode()
    facts = Facts(secret, users=await users.every(connection), ledger=await accounts.known(connection, [lead], playbook, secret))
    return playbook, stage_values(lead, playbook, to_ms(now), values_of(lead, facts, playbook))


def evaluate(
    text: Annotated[str, typer.Argument(metavar="EXPR", help="A condition, as it stands in the playbook: lead.employees >= 500.")],
    lead: Annotated[str | None, typer.Option(metavar="WHO", help="With this lead's values: e-mail, record ref or lead id.")] = None,
    values: Annotated[list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="With this value: lead.country=NO.")] = None,
    json: Json = False,
) -> None:
    """Say what a condition comes to, part by part; exit 1 if it is no condition.

    With `--lead` by the values of a lead and the rules in force, else by the folder's playbook and `--set`.

    Example: `truce eval "lead.employees >= 500 && has(lead.phone)" --set lead.employees=820`
    """
    now = datetime.now(UTC)

    async def step(connection: Any, here: Place) -> tuple[Playbook, dict[str, Value]]:
        return await _of_lead(connection, here, str(lead), now)

    playbook, seen = with_store(step) if lead else (load_folder(Settings().playbook), {})
    seen = {**seen, **given(values or [], playbook, to_ms(now))} if values or not lead else seen
    try:
        found = parts(conditions_of(playbook), text, seen)
    except Wrong as wrong:
        if json:
            as_json(
                {
                    "ok": False,
                    "mistakes": [{"at": m.at, "width": m.width, "text": m.text, "suggestion": m.suggestion} for m in wrong.mistakes],
                }
            )
        else:
            console.print(said(text, wrong), markup=False)
        raise typer.Exit(PROBLEM) from None
    if json:
        as_json({"ok": True, "value": found[0].value, "parts": [{"depth": p.depth, "text": p.text, "value": p.value} for p in found]})
    else:
        _show(found)


def _show(found: list[Part]) -> None:
    width = max(len(part.text) + 2 * part.depth for part in found)
    for part in found:
        console.print(f"{'  ' * part.depth + part.text:<{width}}  {part.shown}", markup=False)
    whole = found[0]
    if whole.value is None or isinstance(whole.value, bool):
        words = {True: "It holds.", False: "It does not hold.", None: "It is not matched: field empty."}
        console.print(words[whole.value], markup=False)


evaluate.__doc__ = f"{evaluate.__doc__}\n    What a condition may call:\n\n{functions.listed()}\n"

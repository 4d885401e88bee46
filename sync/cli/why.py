"""`truce explain`: where a lead stands and why; where it stood at an earlier time; what today's rules would say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
import typer

from sync.cli import people, place
from sync.cli.duty import Json, Who, with_store
from sync.cli.explain import Teller, render
from sync.cli.happened import happened
from sync.cli.lacks import following, plain
from sync.cli.names import Names
from sync.cli.output import CannotRun, as_json, console
from sync.lead import hours
from sync.lead.account import match, values_of
from sync.lead.decision import Facts
from sync.lead.state import Lead, load, to_ms
from sync.playbook.models import Playbook
from sync.store import accounts, users
from sync.trial import past
from sync.trial.rejudge import is_open, stands

LINES, EVERY = 40, 5_000


def moment(text: str) -> datetime:
    """Read a time as people type it: `2026-11-20`, `2026-11-20 14:00`, with a zone or without; raises CannotRun."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise CannotRun(f"{text!r} is no time: write 2026-11-20 14:00, or 2026-11-20T14:00:00+01:00.") from None


def _there(at: datetime, lead: Mapping[str, Any], around: people.Around) -> datetime:
    """Give a time that was typed as it is meant: without a zone by the clock by which the lead's times are told."""
    return at if at.tzinfo is not None else at.replace(tzinfo=hours.zone(Names(lead["doc"], around).zone))


def today(lead: Lead, facts: Facts, now: int, playbook: Playbook) -> str:
    """Say what the rules in force would say of a lead now, against where it stands."""
    if not is_open(lead):
        return ""
    would = stands(lead, facts, now, playbook)
    changes = []
    if would.stage != lead.value("stage"):
        changes.append(f"stage {would.stage or 'none'} ({would.stage_rule})")
    rule = str((lead.why.get("owner") or {}).get("rule") or "")
    if rule and would.route_rule and would.route != rule.rpartition(" ")[2]:
        changes.append(f"routed by {would.route_rule}")
    return f"Under today's rules (v{playbook.version}): {' · '.join(changes) or 'the same'}."


async def _now(connection: Any, here: place.Place, row: Mapping[str, Any], playbook: Playbook | None) -> tuple[dict[str, Any], str]:
    """Give what is known of the lead's account now, and what today's rules would say."""
    if playbook is None:
        return {}, ""
    lead, secret = load(orjson.dumps(row["doc"])), here.secret.encode()
    facts = Facts(secret, users=await users.every(connection), ledger=await accounts.known(connection, [lead], playbook, secret))
    found = match(lead, facts.ledger, playbook)
    account = {"ref": found.account.ref, "how": found.how, "values": values_of(lead, facts, playbook, found)} if found is not None else {}
    return account, today(lead, facts, to_ms(datetime.now(UTC)), playbook)


def explain(
    who: Who,
    at: Annotated[
        str | None, typer.Option(help="Where the lead stood then: 2026-11-20, or '2026-11-20 14:00', by the owner's clock.")
    ] = None,
    json: Json = False,
) -> None:
    """Say where a lead stands and why: which line of which file decided, with the values it saw; or where it stood at a time.

    Example: `truce explain kim.larsen@nordwind.example`
    """
    until = moment(at) if at else None

    async def step(connection: Any, here: place.Place) -> tuple[dict[str, Any] | None, list[dict[str, Any]], people.Around, str]:
        lead = await people.lead_of(connection, who, here.secret.encode())
        if lead is None:
            return None, [], people.Around(), ""
        statement = "SELECT at, kind, data FROM timeline WHERE lead_id::text = $1 ORDER BY id DESC LIMIT $2"
        rows = await connection.fetch(statement, lead["id"], EVERY if until else LINES)
        around = await people.around(connection, lead)
        account, told = ({}, "") if until else await _now(connection, here, lead, around.playbook)
        return lead, [dict(row) for row in reversed(rows)], replace(around, account=account), told

    lead, lines, around, told = with_store(step)
    if lead is None:
        raise CannotRun(f"nobody is known as {who}: give an e-mail, a record ref (system:object:id) or a lead id.")
    now = to_ms(datetime.now(UTC))
    if until is not None:
        _then(who, lead, lines, around, _there(until, lead, around), json=json)
    elif json:
        more = {
            "duplicates": around.duplicates,
            "problems": around.problems,
            "dirty": around.dirty,
            "today": told,
            "account": around.account,
            "next": plain(found) if (found := following(Names(lead["doc"], around), now)) is not None else None,
        }
        as_json({"lead": lead, "timeline": lines} | more)
    else:
        render(console, lead, lines, who, around, now=now)
        if told:
            console.print(told, markup=False)


def _then(who: str, lead: dict[str, Any], lines: list[dict[str, Any]], around: people.Around, until: datetime, *, json: bool) -> None:
    found = past.at(lines, to_ms(until))
    if json:
        as_json({"lead_id": lead["id"], "at": until, "values": found.values, "why": found.why, "timeline": found.lines})
        return
    if not found.lines:
        raise CannotRun(f"nothing is known of {who} at {until:%Y-%m-%d %H:%M %Z}: it begins later, or its timeline is not kept so long.")
    shown = {**lead["doc"], **found.doc()}
    teller = Teller(lambda text: console.print(text, markup=False), shown, replace(around, problems=[], duplicates=[]))
    console.print(f"As it stood on {until.astimezone(hours.zone(teller.zone)):%a %d %b %Y %H:%M}", markup=False)
    teller.head(who)
    for what in ("stage", "owner", "handoff"):
        teller.why(what)
    for text in happened(teller, found.lines[-LINES:], to_ms(datetime.now(UTC))):
        teller.say(text)

"""`truce away`, `truce back`, `truce team`: who is there, who covers, and how much each wants, as people say it while Truce runs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from sync.cli import people
from sync.cli.duty import Json, with_store
from sync.cli.output import CannotRun, as_json, console, table
from sync.lead import dates, hours
from sync.lead.presence import Presence, on_leave, present, told
from sync.lead.state import to_ms
from sync.playbook.models import Caps, Playbook, Rep
from sync.playbook.problems import did_you_mean
from sync.store import presence

Person = Annotated[
    str | None, typer.Argument(help="Whose: an e-mail of team.yaml, or its beginning; none: yourself, by your account's name.")
]


def rep_of(playbook: Playbook, who: str | None) -> Rep:
    """Find a person of the team by e-mail, by its beginning or by name; raises CannotRun when it is not one person."""
    asked = (who or people.whoami()).strip().lower()
    exact = playbook.reps.get(asked)
    some = [
        rep
        for rep in playbook.reps.values()
        if rep.email.startswith(asked + "@") or rep.email.startswith(asked) or rep.name.lower() == asked
    ]
    first = [rep for rep in some if rep.email.startswith(asked + "@") or rep.name.lower() == asked]
    found = [exact] if exact else first if len(first) == 1 else some
    if len(found) == 1:
        return found[0]
    if not found:
        hint = did_you_mean(asked, playbook.reps)
        raise CannotRun(f"{asked} is nobody of team.yaml.{f' {hint}' if hint else ''} Name them by e-mail.")
    raise CannotRun(f"{asked} may be {', '.join(rep.email for rep in found[:5])}: name one of them.")


def when(text: str, now: int, zone: str, option: str) -> int:
    """Read a date as people say it; raises CannotRun."""
    try:
        return dates.moment(text, now, zone)
    except dates.NoDate as no:
        raise CannotRun(f"{option}: {text!r} {no}") from None


async def _playbook(connection: Any) -> Playbook:
    playbook = await people.in_force(connection)
    if playbook is None:
        raise CannotRun("no playbook is in force yet: truce apply DIR puts one in force.")
    return playbook


def away(
    who: Person = None,
    since: Annotated[str, typer.Option("--from", help="From when on; a day is its beginning, in the person's own zone.")] = "now",
    until: Annotated[str, typer.Option(help=f"When they are back: {dates.EXAMPLES}; none: until `truce back`.")] = "",
    cover: Annotated[str, typer.Option(help="Who gets meanwhile what would be theirs; none: the others of the pool.")] = "",
    why: Annotated[str, typer.Option(help="Why; it is kept with it.")] = "",
    json: Json = False,
) -> None:
    """Say that somebody is away: they get no leads, and who covers inherits their open hand-offs until they are back.

    Example: `truce away ana@acme.example --until Mon --cover ben@acme.example`
    """

    async def step(connection: Any, _: Any) -> dict[str, Any]:
        playbook, now = await _playbook(connection), to_ms(datetime.now(UTC))
        rep = rep_of(playbook, who)
        instead = rep_of(playbook, cover) if cover else None
        zone = rep.hours.timezone or playbook.timezone
        begin = when(since, now, zone, "--from")
        end = when(until, begin, zone, "--until") if until else None
        if end is not None and end <= begin:
            raise CannotRun(f"--until {until}: {dates.shown(end, now, zone)} is not after {dates.shown(begin, now, zone)}.")
        if instead is not None and instead.email == rep.email:
            raise CannotRun(f"--cover: {rep.name} cannot cover for themselves.")
        covers = instead.email if instead else None
        await presence.away(connection, rep.email, since=begin, until=end, cover=covers, by=people.whoami(), source="cli", why=why)
        back = f"back on {dates.shown(end, now, zone)}" if end is not None else "until truce back"
        begins = "from now on" if begin <= now else f"from {dates.shown(begin, now, zone)}"
        text = f"{rep.name} is away {begins}, {back} ({zone})" + (f"; {instead.name} covers." if instead else "; nobody covers.")
        return {"person": rep.email, "from": begin, "until": end, "cover": covers, "text": text}

    said = with_store(step)
    as_json(said) if json else console.print(said["text"], markup=False)


def back(who: Person = None, json: Json = False) -> None:
    """Say that somebody is there again, whatever was said before or team.yaml says; hand-offs that their cover did not work come back.

    Example: `truce back ana@acme.example`
    """

    async def step(connection: Any, _: Any) -> dict[str, Any]:
        playbook, now = await _playbook(connection), to_ms(datetime.now(UTC))
        rep = rep_of(playbook, who)
        own = on_leave(rep, now, playbook.timezone)
        zone = rep.hours.timezone or playbook.timezone
        until = None if own is None else dates.end_of(own.last, now, zone)
        ended = await presence.back(connection, rep.email, at=now, by=people.whoami(), source="cli", until=until)
        was = ended or own is not None
        return {"person": rep.email, "ended": ended, "text": f"{rep.name} is there again." if was else f"{rep.name} was not away."}

    said = with_store(step)
    as_json(said) if json else console.print(said["text"], markup=False)


def team(
    who: Annotated[str | None, typer.Argument(help="One person: what was said of them, by whom and when; none: everybody.")] = None,
    weight: Annotated[
        float | None, typer.Option(min=0, help="With WHO: the weight with which they take turns, over the playbook's.")
    ] = None,
    day: Annotated[int | None, typer.Option(min=0, help="With WHO: so many new leads a day at most.")] = None,
    week: Annotated[int | None, typer.Option(min=0, help="With WHO: so many new leads a week at most.")] = None,
    open_: Annotated[int | None, typer.Option("--open", min=0, help="With WHO: so many open leads at most.")] = None,
    reset: Annotated[bool, typer.Option("--reset", help="With WHO: weight and caps as the playbook says again.")] = False,
    json: Json = False,
) -> None:
    """Show who is there, who is away and covered by whom, with weights, caps and open leads; or set one person's weight and caps.

    Example: `truce team ben@acme.example --weight 0.5 --day 3`
    """
    caps = Caps(day, week, None, open_)
    if who is None and (weight is not None or caps != Caps() or reset):
        raise CannotRun("say whose: truce team WHO --weight …")

    async def step(connection: Any, _: Any) -> list[dict[str, Any]]:
        playbook, now = await _playbook(connection), to_ms(datetime.now(UTC))
        rep = rep_of(playbook, who) if who else None
        if rep is not None:
            if weight is not None or reset:
                await presence.weigh(connection, rep.email, weight, by=people.whoami(), source="cli")
            if caps != Caps() or reset:
                await presence.cap(connection, rep.email, None if caps == Caps() else caps, by=people.whoami(), source="cli")
        said = await presence.current(connection)
        rows = _rows(present(playbook, said), said, await presence.open_leads(connection), now)
        if rep is not None:
            rows = [row for row in rows if row["person"] == rep.email]
            rows[0]["history"] = await presence.history(connection, rep.email)
        return rows

    rows = with_store(step)
    if json:
        return as_json(rows)
    _print(rows)


def _rows(playbook: Playbook, said: Mapping[str, Presence], counts: Mapping[str, tuple[int, int]], now: int) -> list[dict[str, Any]]:
    return [_row(rep, playbook, said.get(rep.email), counts.get(rep.email, (0, 0)), now) for rep in playbook.reps.values()]


def _row(rep: Rep, playbook: Playbook, said: Presence | None, counts: tuple[int, int], now: int) -> dict[str, Any]:
    leave, zone = on_leave(rep, now, playbook.timezone), rep.hours.timezone or playbook.timezone
    at = hours.holiday(rep.hours.calendar, hours.day(now, zone))
    there = "holiday: " + at if at else "there" if hours.working(rep.hours, now, playbook.timezone) else "outside their hours"
    weights = {name: pool.weights.get(rep.email, 1.0) for name, pool in playbook.pools.items() if rep.email in pool.members}
    limits = {name: value for name in ("day", "week", "window", "open") if (value := getattr(rep.caps, name)) is not None}
    return {
        "person": rep.email,
        "name": rep.name,
        "now": told(leave, zone) if leave else there,
        "cover": leave.cover if leave else None,
        "coming": [{"from": one.since, "until": one.until, "cover": one.cover} for one in (said.away if said else ()) if one.since > now],
        "weights": weights,
        "caps": limits,
        "set_here": bool(said and (said.weight is not None or said.caps != Caps())),
        "open_leads": counts[0],
        "open_handoffs": counts[1],
    }


def _print(rows: list[dict[str, Any]]) -> None:
    names = {row["person"]: row["name"] for row in rows}
    table(
        ("who", "now", "covered by", "weights", "caps", "open leads", "open hand-offs"),
        [
            (
                *(row["name"], row["now"], names.get(row["cover"], row["cover"]) or ""),
                ", ".join(f"{pool} {value:g}" for pool, value in row["weights"].items()),
                ", ".join(f"{name} {value}" for name, value in row["caps"].items()) + (" (set here)" if row["set_here"] else ""),
                *(row["open_leads"], row["open_handoffs"]),
            )
            for row in rows
        ],
        "Nobody is in team.yaml.",
    )
    for row in rows:
        for one in row.get("history", ()):
            end = f" to {one['until']:%d %b %H:%M}" if one["until"] else ""
            over = f", ended {one['ended_at']:%d %b %H:%M} by {one['ended_by']}" if one["ended_at"] else ""
            value = {"weight": one["weight"], "caps": one["caps"]}.get(one["kind"]) or one["cover"] or ""
            line = f"{one['at']:%d %b %H:%M}  {one['kind']} {value}  from {one['since']:%d %b %H:%M}{end}  by {one['by']} ({one['source']}){over}"
            console.print(f"  {line}  {one['why']}".rstrip(), markup=False)

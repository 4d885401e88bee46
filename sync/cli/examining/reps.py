"""Whether everybody who may be given a lead is a user of a system. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connectors.base import Finding, User
from sync.lead.route import TERRITORY
from sync.playbook.models import Assign, Playbook, Route, Step
from sync.playbook.models.tables import OWNER

_SHOWN = 6


def receivers(playbook: Playbook) -> list[str]:
    """Name everybody whom a rule may give a lead, or has answer for a queue: of pools, routes, fallbacks, tables, and who covers them.

    Managers, deputies and those who are accountable answer where they are told, which takes no user of any system.
    """
    assigns = list(_assigns(playbook.routes))
    steps = [step for one in assigns for step in (Step(one.owner, None, one.queue), *one.fallback)]
    steps += [step for kind in playbook.handoffs for step in kind.fallback]
    named = [email for pool in playbook.pools.values() for email in pool.members]
    named += [who for step in steps for who in (step.owner, step.queue.human if step.queue is not None else None) if who]
    named += _tabled(playbook, assigns)
    covers = [leave.cover for email in named if (rep := playbook.reps.get(email)) is not None for leave in rep.away if leave.cover]
    return list(dict.fromkeys([*named, *covers]))


def _assigns(routes: Sequence[Route]) -> Iterator[Assign]:
    for route in routes:
        yield route.assign
        yield from _assigns(route.routes)


def _tabled(playbook: Playbook, assigns: Sequence[Assign]) -> list[str]:
    """Name those whom the rows of tables name that routes go by."""
    tables = [playbook.tables[one.table] for one in assigns if one.table is not None and one.table in playbook.tables]
    pools = {pool for one in assigns for pool in (one.pool, *(step.pool for step in one.fallback))}
    if playbook.territories is not None and TERRITORY in pools:
        tables.append(playbook.territories.table)
    places = [(table, table.column(OWNER)) for table in tables]
    return [str(row[at]) for table, at in places if at is not None for row in table.rows if row[at]]


def strangers(playbook: Playbook, system: str, users: Sequence[User]) -> Iterator[Finding]:
    """Say who of them has no active user in a system of sales, or in one that shows owners; nothing where it tells no users."""
    sells = system in playbook.sales
    if not users or not (sells or any(system in one.systems for one in playbook.fields.values() if one.kind == "user")):
        return
    there, may = {one.email.strip().lower() for one in users if one.active}, receivers(playbook)
    gone = [email for email in may if email not in there]
    if gone:
        without = "they are passed over, and get no lead" if sells else "a lead of theirs shows no owner there"
        todo = f"add them there, or take them out of team.yaml and whatever names them: {without}"
        yield Finding(ok=False, what=f"{len(gone)} of {len(may)} reps have no active user: {_some(gone)}", todo=todo)
    elif may:
        others = [email for email in playbook.reps if email not in there]
        more = f"; the others of team.yaml need none, and these have none: {_some(others)}" if others else ""
        yield Finding(ok=True, what=f"all {len(may)} reps who may be given a lead have an active user{more}")


def _some(emails: Sequence[str]) -> str:
    more = f" and {len(emails) - _SHOWN} more" if len(emails) > _SHOWN else ""
    return ", ".join(emails[:_SHOWN]) + more

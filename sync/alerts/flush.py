"""Problems become messages: new ones join their group, and each group that is due says what its times allow. No network: one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from schemas.envelope import derived_id
from sync.alerts import grouping, wording
from sync.alerts.judging import Say, State, judge
from sync.alerts.message import kept
from sync.alerts.reach import Target, targets, without
from sync.alerts.times import quiet_until
from sync.playbook.models import Playbook
from sync.playbook.models.alerts import AlertRoute, Medium
from sync.store import alerts, telling
from sync.store.alerts import Held, Joined
from sync.store.telling import Intent

MOST = 2000
BROKEN = "alerts_failing"


def ms(at: datetime) -> int:
    """Give a moment in ms."""
    return round(at.timestamp() * 1000)


def moment(at: int | None) -> datetime | None:
    """Give ms as a moment."""
    return None if at is None else datetime.fromtimestamp(at / 1000, UTC)


@dataclass(frozen=True)
class Ground:
    """What telling goes by: the playbook, the channels that are set up here, and the address of the list page."""

    playbook: Playbook
    ready: Mapping[str, Medium]
    console: str = ""

    @property
    def zone(self) -> str:
        """The zone of quiet hours and digest."""
        return self.playbook.alerts.timezone or self.playbook.timezone

    def link(self, token: str) -> str:
        """Give the address of the page that lists a group's problems."""
        return f"{self.console.rstrip('/')}/problems?group={token}" if self.console else ""

    def node(self, ident: str) -> AlertRoute | None:
        """Give the node of the tree that a group was made by."""
        return grouping.node(self.playbook.alerts, ident)


async def group(pool: Any, ground: Ground, now: datetime) -> int:
    """Let new problems join their groups; gives how many did."""
    async with pool.acquire() as connection, connection.transaction():
        rows = await alerts.ungrouped(connection, MOST)
        joined = []
        for row in rows:
            found = grouping.place(ground.playbook.alerts, row)
            route = ground.node(found.route)
            times = (route.group_wait_s, route.group_interval_s) if route else (30, 300)
            joined.append(Joined(row["id"], found.id, found.route, found.labels, *times))
        if joined:
            await alerts.join(connection, joined, now)
        await alerts.ended(connection, now)
    return len(rows)


async def flush(pool: Any, ground: Ground, now: datetime) -> int:
    """Say what is due of each group, as intents; gives how many groups were looked at."""
    quiet = quiet_until(ms(now), ground.playbook.alerts.quiet, ground.zone)
    async with pool.acquire() as connection, connection.transaction():
        found = await alerts.due(connection, now)
        for one in found:
            await _look(connection, ground, one, now, quiet)
    return len(found)


async def _look(connection: Any, ground: Ground, held: Held, now: datetime, quiet: int | None) -> None:
    route = ground.node(held.route)
    if route is None:
        await alerts.look_again(connection, held.id, None, held=False)
        return
    last, snoozed = (ms(at) if at else None for at in (held.last_at, held.snoozed_until))
    state = State(ms(held.opened_at), held.open, len(held.new), len(held.gone), last, snoozed, held.snooze_shown)
    verdict = judge(route, state, ms(now), quiet)
    if verdict.say is None:
        if verdict.due is None:  # nobody has to hear that these are over
            await alerts.told(connection, (), held.gone, now)
        waits = (held.open > 0 and (snoozed or 0) > ms(now)) or (quiet is not None and not route.wakes)
        await alerts.look_again(connection, held.id, moment(verdict.due), held=waits)
        return
    if verdict.say == "quiet":
        await telling.intend(connection, await _intents(connection, ground, route, held, "quiet", now), now)
        await alerts.snooze_shown(connection, held.id, moment(verdict.due))
        return
    await telling.void(connection, held.id)
    await telling.intend(connection, await _intents(connection, ground, route, held, verdict.say, now), now)
    await alerts.said(connection, held, now, moment(verdict.due))


async def _intents(connection: Any, ground: Ground, route: AlertRoute, held: Held, say: Say, now: datetime) -> list[Intent]:
    """Give what is said to whom: what is over or changed to those who were told, in place where that can be; else to all of the node."""
    rows = await telling.shown(connection, held.id, held.opened_at) if say in ("over", "changed", "quiet") else []
    if rows or say == "quiet":
        readers = [(Target(row["channel"], row["address"], row["role"], row["person"]), row["changes"] or row["id"]) for row in rows]
    else:
        readers = [(target, None) for target in _told(ground, route, held)]
    owners = held.owners or tuple(one for one in (held.labels.get("owner"),) if one)  # nobody's are open where all are over
    named = await alerts.companies(connection, held.id, wording.NAMED) if say != "over" and wording.of_leads(held.labels) else ()
    quiet = (ms(held.snoozed_until), held.snoozed_by or "") if say == "quiet" and held.snoozed_until is not None else None
    summary = wording.Summary(held.open, len(held.new), held.oldest, owners, held.texts, len(held.gone), held.now_with, named, quiet)
    made = []
    for target, changes in readers:
        text = wording.message(ground.playbook, route, held.id, held.labels, say, summary, target, ground.link(held.token), now)
        ident = derived_id("alert", held.id, ms(held.opened_at), held.said, target.channel, target.to or "", *(quiet or ()))
        made.append(Intent(ident, say, target.channel, target.to, target.role, target.person, kept(text), held.id, None, changes))
    return made


def _told(ground: Ground, route: AlertRoute, held: Held) -> Iterable[Target]:
    found = targets(ground.playbook, route, held.owners, ground.ready)
    broken = held.fields if held.labels.get("cause") == BROKEN else ()
    return without(ground.playbook, found, broken, ground.ready)

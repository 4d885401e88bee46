"""What did not go at once, told together at a time of the day."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from schemas.envelope import derived_id
from sync.alerts import wording
from sync.alerts.channel import Link, Message
from sync.alerts.flush import Ground, ms
from sync.alerts.message import kept
from sync.alerts.times import next_digest
from sync.playbook.models.alerts import AlertRoute
from sync.store import alerts, digests, telling
from sync.store.telling import Intent


def _waiting(route: AlertRoute | None) -> list[str]:
    """Give the nodes whose problems wait for the digest."""
    return [] if route is None else [*([route.id] if route.digest else []), *(name for one in route.routes for name in _waiting(one))]


async def tell(pool: Any, ground: Ground, now: datetime) -> int:
    """Say the digest if its time has come; gives 1 when it was said."""
    digest = ground.playbook.alerts.digest
    if digest is None:
        return 0
    async with pool.acquire() as connection, connection.transaction():
        last = await digests.last(connection, now)
        if last is None or (due := next_digest(ms(last), digest, ground.zone)) > ms(now):
            return 0
        if await digests.joining(connection, due):  # told without it, it would wait for the next day
            return 0
        await digests.done(connection, now)
        rows = await digests.open_in(connection, _waiting(ground.playbook.alerts.root))
        if not rows:
            return 0
        text = _message(ground, rows)
        intents = [
            Intent(derived_id("digest", ms(now), name), "digest", name, None, "channel", None, kept(text))
            for name in digest.to
            if name in ground.playbook.alerts.channels
        ]
        await telling.intend(connection, intents, now)
        await alerts.told(connection, [ident for row in rows for ident in row["untold"] or ()], (), now)
    return 1


def _message(ground: Ground, rows: list[Any]) -> Message:
    """Give the digest: one line per group, the largest first."""
    lines, links = [], []
    for row in rows:
        what = wording.title(row["labels"], [], "open", wording.Summary(row["open"], 0, row["oldest"], (), ()))
        lines.append(
            f"{what}, {row['new']:,} of them new" if row["new"] and row["new"] < row["open"] else f"{what}, new" if row["new"] else what
        )
        if link := ground.link(row["token"]):
            links.append(Link(what, link))
    count = sum(row["open"] for row in rows)
    return Message(
        f"What waits for you: {count:,} open, none of them urgent", tuple(lines[:20]), tuple(links[:20]), (), "note", thread="digest"
    )

"""Sends what is to be said: one lane per channel, each message once as far as the medium allows, and by the next channel when one refuses."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connectors.shape import place
from schemas.envelope import derived_id
from sync.alerts.channel import Channel, Message, Refused, Sent
from sync.alerts.escape import plain
from sync.alerts.flush import BROKEN, Ground
from sync.alerts.outlets import Outlets
from sync.alerts.reach import Target, handed_on
from sync.lead.decision import ProblemNote
from sync.runtime import log
from sync.runtime.clock import Clock
from sync.runtime.guard import passing
from sync.runtime.metrics import metrics
from sync.store import notified, problems, telling
from sync.store.statement import run
from sync.store.telling import EVENT, Intent

CALL_S = 20.0
AGAIN_S = 8.0
PATIENCE_S = 20.0
"""After so long the next channel has it: with two calls that hang that is within a minute."""
BUSY_S = 40.0
"""So long a message waits for a channel that takes no more just now, before the next one has it."""
LANE_S = 15.0
"""So long one channel sends what was claimed for it; what is left is claimed anew, so that no claim runs out meanwhile."""
LOOK_S = 1.0
"""So long one look waits for its channels; one that takes longer goes on beside the next looks, and holds up no other."""
ENDING_S = 5.0
"""So long a message that is being sent is waited for at the end."""
TURNED_AWAY = 5
"""So many events in a row a program may turn away for good; then it is the program, and one is tried for all that wait."""
LONGEST_S = 300.0
EVENT_PATIENCE = timedelta(days=3)
"""So long an event is tried for a program that does not take it."""
IN_PLACE = frozenset({"changed", "quiet", "accepted", "rejected", "expired", "worked", "closed", "linked", "snoozed"})
"""What only changes a message that is there: where it cannot, nothing more is said."""

_log = log.get("notifier")

Render = Callable[[Any], Awaitable[Message | None]]
"""Gives the message of a row now; None: there is nothing to say any more."""


@dataclass(frozen=True, slots=True)
class _Done:
    sent: Sent
    copy: bool


class Sender:
    """Claims messages and sends them."""

    def __init__(self, pool: Any, outlets: Outlets, clock: Clock, render: Render) -> None:
        self._pool, self._outlets, self._clock, self._render = pool, outlets, clock, render
        self._broken: set[str] = set()
        """Channels that refused, and took nothing since."""
        self._turned_away: dict[str, int] = defaultdict(int)
        """Channel → how many events in a row it turned away for good."""
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._ends = False

    async def step(self, ground: Ground) -> int:
        """Send what is ready; gives how many messages were claimed, and channels are still at work."""
        async with self._pool.acquire() as connection, connection.transaction():
            rows = await telling.claim(connection, self._clock.now(), self._busy)
        lanes: dict[str, list[Any]] = defaultdict(list)
        for row in rows:
            lanes[row["channel"]].append(row)
        self._busy |= {name: asyncio.create_task(self._lane(ground, name, lane)) for name, lane in lanes.items()}
        if self._busy:
            await asyncio.wait(self._busy.values(), timeout=LOOK_S)
        for name in [name for name, lane in self._busy.items() if lane.done()]:
            await self._busy.pop(name)
        return len(rows) + len(self._busy)

    async def close(self) -> None:
        """Send nothing more; what takes too long to be sent is ended, and claimed anew."""
        self._ends = True
        if self._busy:
            await asyncio.wait(self._busy.values(), timeout=ENDING_S)
        for lane in self._busy.values():
            lane.cancel()
        await asyncio.gather(*self._busy.values(), return_exceptions=True)

    async def _lane(self, ground: Ground, name: str, rows: Sequence[Any]) -> None:
        """Send one channel's messages in turn; once it does not answer, none of the others waits for it to not answer again."""
        away: Refused | None = None
        begun = self._clock.monotonic()
        for row in rows:
            if away is None and (self._ends or self._clock.monotonic() - begun > LANE_S):
                await telling.back(self._pool, row["id"], self._clock.now(), unsure=row["was_unsure"])
                continue
            try:
                if away is not None:
                    raise _untried(away, row["was_unsure"])
                done = await self._one(ground, name, row)
            except Refused as refused:
                away = refused if self._is_away(name, row, refused) else None
                await self._refused(ground, row, refused)
            else:
                self._turned_away.pop(name, None)
                await self._sent(name, row, done)

    def _is_away(self, name: str, row: Any, refused: Refused) -> bool:
        """Say whether the channel's other messages would fare alike: it does not answer, or turned too many events away."""
        if not refused.permanent:
            return True
        self._turned_away[name] += row["say"] == EVENT
        return self._turned_away[name] >= TURNED_AWAY

    async def _one(self, ground: Ground, name: str, row: Any) -> _Done | None:
        """Send or change one message; None: there is nothing to say any more."""
        text = await self._worded(row)
        if text is None:
            return None
        try:
            async with asyncio.timeout(CALL_S):
                channel = await self._outlets.get(ground.playbook, name)
                earlier = await self._earlier(row)
                changed = await channel.update(earlier, text) if earlier is not None else None
                if changed is not None:
                    return _Done(changed, False)
                if row["say"] in IN_PLACE:
                    return None
                return await self._anew(channel, row, text)
        except TimeoutError:
            raise Refused(f"no answer within {CALL_S:g} s", unsure=True) from None

    async def _worded(self, row: Any) -> Message | None:
        """Put a message into words; one that cannot be is told as a problem, and the others go on."""
        try:
            return await self._render(row)
        except Exception as error:
            if passing(error) is not None:
                raise
            why = place(error)
            text = f"a message could not be put into words ({why}) and was left out: truce explain shows what it was about"
            note = ProblemNote("alerts_failing", f"words:{why}", True, text)
            await run(self._pool, problems.write([note]))
            return None

    async def _anew(self, channel: Channel, row: Any, text: Message) -> _Done:
        key, again = row["id"], row["was_unsure"]
        if again and (found := await channel.find(text, key=key, since=row["first_at"])) is not None:
            return _Done(found, False)
        return _Done(await channel.send(text, key=key), again)

    async def _earlier(self, row: Any) -> Sent | None:
        earlier = await telling.get(self._pool, row["changes"]) if row["changes"] else None
        if earlier is None or earlier["ref"] is None or earlier["channel"] != row["channel"]:
            return None
        return Sent(earlier["ref"], earlier["sent"] or {})

    async def _sent(self, name: str, row: Any, done: _Done | None) -> None:
        now = self._clock.now()
        if row["notice_id"] is not None:
            await notified.told(self._pool, row["notice_id"], now)
        if done is None:
            await telling.end(self._pool, row["id"], "void", "nothing to say any more")
            return
        await telling.sent(self._pool, row["id"], now, done.sent.ref, done.sent.data, copy=done.copy)
        metrics.count("truce_alert_messages_total", channel=name, outcome="copy" if done.copy else "sent")
        if name in self._broken:
            self._broken.discard(name)
            _log.info("channel takes messages again", channel=name)
        await run(self._pool, problems.write([ProblemNote(BROKEN, name, False)]))

    async def _refused(self, ground: Ground, row: Any, refused: Refused) -> None:
        """Try it again soon, or let the next channel have it, and open a problem."""
        now, words = self._clock.now(), plain(str(refused), 300)
        metrics.count("truce_alert_messages_total", channel=row["channel"], outcome="refused")
        busy = refused.retry_after is not None and not refused.permanent  # it works, and takes no more just now
        if not busy and row["channel"] not in self._broken:
            self._broken.add(row["channel"])
            _log.warning("channel does not take messages", channel=row["channel"], reason=words)
        wait = timedelta(seconds=max(1.0, refused.retry_after or 0) if busy else AGAIN_S)
        late = now + wait - row["first_at"] > timedelta(seconds=BUSY_S if busy else PATIENCE_S)
        if not refused.permanent and not late:
            await telling.later(self._pool, row["id"], now + wait, words, unsure=refused.unsure)
            return
        event = row["say"] == EVENT
        if event and now - row["first_at"] > EVENT_PATIENCE:
            await telling.end(self._pool, row["id"], "refused", words)
            return
        target = Target(row["channel"], row["address"], row["role"], row["person"])
        following = None if event else handed_on(ground.playbook, target, ground.ready)  # what is for a program is for no person
        async with self._pool.acquire() as connection, connection.transaction():
            if following is None:
                wait = min(timedelta(seconds=LONGEST_S), max(wait, (now - row["first_at"]) / 2))
                await telling.later(connection, row["id"], now + wait, words, unsure=refused.unsure)
            else:
                await telling.end(connection, row["id"], "refused", words)
                await telling.intend(connection, [_handed(row, following)], now)
            if not busy or following is None:
                await run(connection, problems.write([_broken(row["channel"], words, following)]))


def _untried(refused: Refused, unsure: bool) -> Refused:
    """Give the same refusal for a message that was not even tried: it is as unsure as it was before."""
    return Refused(str(refused), retry_after=refused.retry_after, unsure=unsure)


def _handed(row: Any, to: Target) -> Intent:
    ident = derived_id(row["id"], "next", to.channel, to.to or "")
    return Intent(ident, row["say"], to.channel, to.to, to.role, to.person, row["data"], row["group_id"], row["notice_id"])


def _broken(name: str, words: str, following: Target | None) -> ProblemNote:
    meanwhile = f"{following.channel} has its messages meanwhile" if following else "nobody has its messages meanwhile; it is tried again"
    return ProblemNote(BROKEN, name, True, f"The channel {name} does not take messages ({words}): {meanwhile}.", field=name)


def soon(now: datetime, due: datetime | None, most_s: float) -> float:
    """Give how many seconds may pass until the next look."""
    return most_s if due is None else min(most_s, max(0.0, (due - now).total_seconds()))

"""Delivers webhook calls: ten at a time, up to ten attempts each, the timetable of the attempts scaled by a factor."""

from __future__ import annotations

import asyncio
import json
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import aiohttp
from yarl import URL

from connectors.emulator.hubspot import moments, signature

ATTEMPTS = 10
IN_FLIGHT = 10
TIMEOUT_S = 5.0
KEEP_ALIVE_S = 2.0  # below the 5 s at which common servers hang up, so that a call seldom meets a dying connection
TIMETABLE_S = (60, 180, 600, 1_800, 3_600, 7_200, 14_400, 21_600, 36_000)
"""Seconds before each further attempt: about 24 hours together, as HubSpot spreads them."""


@dataclass
class Post:
    """One call: its events, and how often it was tried."""

    events: list[dict[str, Any]]
    attempt: int = 0


@dataclass
class Delivery:
    """One attempt as it was answered; status 0 is no answer at all."""

    events: Sequence[dict[str, Any]]
    attempt: int
    status: int


@dataclass
class Sender:
    """Sends to one target; nothing goes out before the target is set, and nothing while `hold` is on."""

    clock: Callable[[], datetime]
    secret: str
    target_url: str = ""
    delay_s: float = 0.02
    retry_scale: float = 0.005
    held: list[Post] | None = None
    """The calls held back, None when nothing is held."""
    deliveries: deque[Delivery] = field(default_factory=lambda: deque(maxlen=20_000))
    gave_up: list[Post] = field(default_factory=list)
    _loop: asyncio.AbstractEventLoop | None = None
    _ready: asyncio.Queue[Post] = field(default_factory=asyncio.Queue)
    _early: list[tuple[list[Post], random.Random | None]] = field(default_factory=list)
    _open: int = 0
    _quiet: asyncio.Event = field(default_factory=asyncio.Event)
    _due: list[Post] = field(default_factory=list)
    _timer: asyncio.TimerHandle | None = None

    def send(self, posts: list[Post], *, shuffle: random.Random | None = None) -> None:
        """Take calls that are due after the delay; what comes before the server runs waits for it."""
        if self._loop is None:
            self._early.append((posts, shuffle))
            return
        self._open += len(posts)
        self._quiet.clear()
        self._due.extend(posts)
        if self._timer is None:
            self._timer = self._loop.call_later(self.delay_s, self._release_due, shuffle)

    def _release_due(self, shuffle: random.Random | None) -> None:
        due, self._due, self._timer = self._due, [], None
        if shuffle is not None:
            shuffle.shuffle(due)
        for post in due:
            self._enqueue(post)

    def _enqueue(self, post: Post) -> None:
        if self.held is not None:
            self.held.append(post)
        else:
            self._ready.put_nowait(post)

    def hold(self) -> None:
        """Keep every call back from now on."""
        self.held = [] if self.held is None else self.held

    def release(self) -> None:
        """Send what was held back, the newest first."""
        held, self.held = self.held or [], None
        for post in reversed(held):
            self._ready.put_nowait(post)

    async def quiet(self) -> None:
        """Wait until every call was delivered or given up."""
        await self._quiet.wait()

    @property
    def pending(self) -> int:
        """How many calls are neither delivered nor given up."""
        return self._open + sum(len(posts) for posts, _ in self._early)

    async def run(self) -> None:
        """Deliver until cancelled."""
        self._loop = asyncio.get_running_loop()
        if not self._open:
            self._quiet.set()
        early, self._early = self._early, []
        for posts, shuffle in early:
            self.send(posts, shuffle=shuffle)
        connector = aiohttp.TCPConnector(limit=IN_FLIGHT, keepalive_timeout=KEEP_ALIVE_S)
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session, asyncio.TaskGroup() as group:
            for _ in range(IN_FLIGHT):
                group.create_task(self._worker(session))

    async def _worker(self, session: aiohttp.ClientSession) -> None:
        while True:
            post = await self._ready.get()
            status, retry_after = await self._attempt(session, post)
            self.deliveries.append(Delivery(tuple(post.events), post.attempt, status))
            if status in (0, 429) or status >= 500:
                self._again(post, retry_after)
            else:
                if status >= 300:
                    self.gave_up.append(post)
                self._close()

    async def _attempt(self, session: aiohttp.ClientSession, post: Post) -> tuple[int, float | None]:
        body = json.dumps([event | {"attemptNumber": post.attempt} for event in post.events], separators=(",", ":")).encode()
        url = self.target_url
        headers = signature.headers(self.secret, url, body, moments.millis(self.clock()))
        try:
            async with session.post(URL(url, encoded=True), data=body, headers=headers, allow_redirects=False) as answer:
                await answer.read()
                return answer.status, _seconds(answer.headers.get("Retry-After"))
        except (aiohttp.ClientError, TimeoutError, OSError):
            return 0, None

    def _again(self, post: Post, retry_after: float | None) -> None:
        if post.attempt + 1 >= ATTEMPTS or self._loop is None:
            self.gave_up.append(post)
            self._close()
            return
        wait = TIMETABLE_S[post.attempt] * self.retry_scale if retry_after is None else retry_after
        post.attempt += 1
        self._loop.call_later(wait, self._enqueue, post)

    def _close(self) -> None:
        self._open -= 1
        if self._open == 0:
            self._quiet.set()


def _seconds(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None

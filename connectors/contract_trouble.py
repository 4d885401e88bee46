"""The suite's bad days: limits, tokens, outages; each becomes the error that says what happens next."""

# ruff: noqa: D102  # a test's name says what must hold
from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import ClassVar
from urllib.parse import urlsplit

import psutil
import pytest

from connectors.base import Connection, Sink, Source, Update
from connectors.contract_answers import outcome_of
from connectors.contract_world import Emulated, NotedBreaker, NotedBudget, long_ago, pages, people
from connectors.errors import AuthExpired, RateLimited, Surprising, Unavailable
from connectors.registry import load


class Trouble:
    """What both sides promise when things go wrong."""

    vendor: ClassVar[str]

    def _sink(self, connection: Connection) -> Sink:
        return load(self.vendor).sink(connection, NotedBudget(), NotedBreaker())

    async def test_too_many_calls_wait_as_told(self, world: Emulated, source: Source) -> None:
        ident = await world.seed({world.roles["email"]: "wait@example.com"})
        await source.read([ident], [])
        await world.fault(kind="status", status=429, headers={"Retry-After": "1"}, body="{}")
        before = len(await world.calls())
        await source.read([ident], [])
        refused, *later = (await world.calls())[before:]
        waited = datetime.fromisoformat(later[0]["at"]) - datetime.fromisoformat(refused["at"])
        assert refused["status"] == 429
        assert waited.total_seconds() >= 0.99

    async def test_a_write_that_is_refused_for_rate_says_how_long(self, world: Emulated, sink: Sink) -> None:
        ident = await world.seed({world.roles["email"]: "rate@example.com"})
        await world.fault(kind="status", path=world.write_path, status=429, headers={"Retry-After": "7"}, body="{}")
        error = await outcome_of(sink, "update", ident, world.roles["phone"])
        assert isinstance(error, RateLimited)
        assert error.retry_after == 7
        assert not error.daily

    async def test_a_hundred_calls_with_an_expired_token_renew_it_once(self, world: Emulated, source: Source) -> None:
        ident = await world.seed({world.roles["email"]: "token@example.com"})
        await source.read([ident], [])
        before = await world.mints()
        await world.expire()
        found = await asyncio.gather(*(source.read([ident], []) for _ in range(100)))
        assert all(len(one) == 1 for one in found)
        assert await world.mints() == (before + 1 if before else 0), "a key that never ends is not renewed"

    async def test_a_write_goes_on_with_a_new_token_and_happens_once(self, world: Emulated, sink: Sink) -> None:
        ident = await world.seed({world.roles["email"]: "renewed@example.com"})
        await sink.read([ident], [])
        await world.expire()
        await sink.update([Update(key="k", object=sink.manifest.person_object, id=ident, fields={world.roles["phone"]: "+49 30 8"})])
        assert [one["verb"] for one in await world.effects()].count("update") == 1

    async def test_a_revoked_connection_is_told_as_that(self, world: Emulated, sink: Sink) -> None:
        ident = await world.seed({world.roles["email"]: "revoked@example.com"})
        await sink.read([ident], [])
        await world.revoke()
        for call in ("read", "update"):
            assert isinstance(await outcome_of(sink, call, ident, world.roles["phone"]), AuthExpired)

    async def test_a_read_survives_a_short_outage_and_a_write_is_sent_once(self, world: Emulated, source: Source, sink: Sink) -> None:
        ident = await world.seed({world.roles["email"]: "outage@example.com"})
        await world.fault(kind="status", status=503, body="", path=world.read_path)
        assert await source.read([ident], [])
        await world.fault(kind="status", status=503, body="", path=world.write_path)
        error = await outcome_of(sink, "update", ident, world.roles["phone"])
        assert isinstance(error, Unavailable)
        assert not error.unknown_outcome
        assert [one["status"] for one in await world.calls() if one["writing"]] == [503]

    async def test_an_answer_that_is_no_json_is_surprising(self, world: Emulated, source: Source) -> None:
        ident = await world.seed({world.roles["email"]: "json@example.com"})
        await source.read([ident], [])
        await world.fault(kind="invalid_json", path=world.read_path)
        with pytest.raises(Surprising):
            await source.read([ident], [])

    async def test_close_releases_everything(self, world: Emulated) -> None:
        await world.seed({world.roles["email"]: "close@example.com"})
        port, tasks = urlsplit(world.connection().url).port, asyncio.all_tasks()
        source = load(self.vendor).source(world.connection(), NotedBudget(), NotedBreaker())
        sink = self._sink(world.connection())
        await pages(source, source.start(long_ago()), [])
        await sink.find(["close@example.com"], people(sink, []))
        await source.close()
        await sink.close()
        ours = [
            one for one in psutil.Process().net_connections("tcp") if one.raddr and one.raddr.port == port and one.status == "ESTABLISHED"
        ]
        assert not ours
        left = {repr(task) for task in asyncio.all_tasks() - tasks if "uvicorn" not in repr(task)}
        assert left == set()


class Daily:
    """What both sides promise of a quota of the day, which the vendor tells."""

    vendor: ClassVar[str]

    async def test_the_used_up_day_is_recognised_in_the_vendors_own_form(self, world: Emulated) -> None:
        ident, budget = await world.seed({world.roles["email"]: "day@example.com"}), NotedBudget()
        sink = load(self.vendor).sink(world.connection(), budget, NotedBreaker())
        await sink.read([ident], [])
        await world.fault(kind="quota")
        error = await outcome_of(sink, "update", ident, world.roles["phone"])
        await sink.close()
        assert isinstance(error, RateLimited)
        assert error.daily
        blocked = [until for quota, _, _, until in budget.told if quota == "daily" and until]
        assert blocked
        assert blocked[-1] > datetime.now(UTC)

    async def test_the_vendors_count_of_the_day_reaches_the_budget(self, world: Emulated) -> None:
        ident, budget = await world.seed({world.roles["email"]: "count@example.com"}), NotedBudget()
        sink = load(self.vendor).sink(world.connection(), budget, NotedBreaker())
        await sink.read([ident], [])
        await sink.close()
        assert budget.slots
        assert {quota for quota, _ in budget.slots} <= {one.name for one in sink.manifest.quotas}
        assert [(used, limit) for quota, used, limit, _ in budget.told if quota == "daily" and used is not None and limit]

"""A vendor that answers anything at all, with a good status: every call ends in a result or in an error that says what happens next."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.base import Failed, Item, Sink, Source, TaskWanted, Update
from connectors.contract_objects import EmulatedDeals
from connectors.contract_world import Emulated, NotedBreaker, NotedBudget, long_ago, pages
from connectors.errors import ConnectorError, Surprising, Unavailable
from connectors.registry import load
from schemas.change import RecordChanged, RecordDeleted
from tests.contract.hubspot_world import hubspot_world
from tests.contract.salesforce_world import salesforce_world

CANARY = "CANARY-7731"
BODIES = (
    "", "null", "[]", "{}", '"x"', "7", f"<html>{CANARY}</html>", "[" * 5_000, "[{}]", "[null]", '[{"success": "perhaps", "errors": {}}]',
    '[{"success": false, "errors": [null]}]', '[{"success": true, "id": {"a": 1}}]', '[{"success": true, "id": "00Q000000000009AAA"}]', '{"results": [{}]}', '{"results": [null]}',
    f'{{"results": [{{"id": "zz", "properties": {{"lastmodifieddate": "{CANARY}"}}}}]}}', '{"results": [{"id": {"a": 1}, "properties": {}}]}',
    '{"results": [{"id": "1", "properties": {"lastmodifieddate": "2026-01-01T00:00:00Z", "email": 7}}]}',
    '{"results": [{"id": "1", "properties": [], "name": 5, "email": 7}]}', '{"results": [], "paging": 5}', '{"results": [], "errors": [5]}',
    f'{{"results": [{{"id": "1", "email": {{"{CANARY}": 1}}}}]}}', '{"records": [{}], "done": true}', '{"records": [null], "done": true}',
    f'{{"records": [{{"Id": 7, "SystemModstamp": "{CANARY}"}}], "done": true}}',
    '{"records": [{"Id": "00Q5f000000004ZEAQ", "SystemModstamp": "0001-01-01T00:00:00.000+0500"}], "done": true}',
    '{"results": [{"from": 5, "to": 7}]}', '{"results": [{"from": {"id": "1001"}, "to": [{"toObjectId": {"a": 1}, "associationTypes": [{"typeId": []}]}]}]}',
    '{"results": [{"from": {"id": "1001"}, "to": [null], "paging": {"next": {"after": "1"}}}]}',
    '{"records": [{"Id": null, "SystemModstamp": 5}], "done": "x"}', '{"fields": [{}]}', '{"fields": [null]}', '{"fields": [{"name": 5, "type": []}]}',
)  # fmt: skip
WORLDS: dict[str, Callable[[], AbstractAsyncContextManager[EmulatedDeals]]] = {"hubspot": hubspot_world, "salesforce": salesforce_world}


@pytest.fixture(params=sorted(WORLDS))
async def world(request: pytest.FixtureRequest) -> AsyncIterator[tuple[str, EmulatedDeals]]:
    async with WORLDS[request.param]() as found:
        yield request.param, found


async def _ends(call: Callable[[], Awaitable[Any]]) -> ConnectorError | None:
    """Give the named error that a call ends in, None when it ends well; anything else it raises fails the test."""
    found: ConnectorError | None = None
    try:
        await call()
    except ConnectorError as error:
        found = error
    assert CANARY not in str(found)
    return found


async def _others(there: EmulatedDeals, source: Source) -> Sequence[Callable[[], Awaitable[Any]]]:
    """Give reads of an account, an opportunity with its people, and an activity."""
    manifest, fields = source.manifest, list(there.opportunity.values())
    deal = await there.seed_as(manifest.opportunity_object, {there.opportunity["name"]: "D", there.opportunity["stage"]: there.stages[0]})
    await there.involve(deal)
    activity, cursor = manifest.response_objects[0], source.start(datetime.now(UTC) - timedelta(minutes=5))
    return (
        lambda: source.read([deal], fields, object_=manifest.opportunity_object),
        lambda: source.read([deal], [], object_=activity),
        lambda: pages(source, cursor, {manifest.account_object: [], manifest.opportunity_object: fields, activity: []}),
    )


def _reads(source: Source, ident: str, email: str) -> Sequence[Callable[[], Awaitable[Any]]]:
    cursor, object_ = source.start(datetime.now(UTC) - timedelta(minutes=5)), source.manifest.person_object

    async def every() -> None:
        async for _ in source.everything(None, {source.manifest.person_object: [email]}):
            break

    return (
        lambda: source.fields(object_), source.users, lambda: pages(source, cursor, [email]), every,
        lambda: source.read([ident], [email]), lambda: source.doctor({email: True}),
    )  # fmt: skip


async def test_reading_accounts_opportunities_and_activities_ends_in_a_named_error_too(world: tuple[str, EmulatedDeals]) -> None:
    vendor, there = world
    source = load(vendor).source(there.connection(), NotedBudget(), NotedBreaker())
    path, errors = {"hubspot": "/contacts/batch/read", "salesforce": "/queryAll"}[vendor], 0
    try:
        reads = await _others(there, source)
        for body in BODIES:
            for read in reads:
                for place in ("", path) if read is not reads[1] else ("",):  # the first call, and the one that tells who is in it
                    await there.fault(kind="status", status=200, body=body, times=1, path=place)
                    errors += await _ends(read) is not None
        assert errors > len(BODIES)
        told = await reads[0]()
        assert all(isinstance(one, RecordChanged) for one in told)
        assert told
    finally:
        await source.close()


async def test_reading_ends_in_a_named_error_whatever_is_answered(world: tuple[str, Emulated]) -> None:
    vendor, there = world
    email, last_name = there.roles["email"], there.roles["last_name"]
    ident = await there.seed({email: "kim@nordwind.example", last_name: "Larsen"})
    source = load(vendor).source(there.connection(), NotedBudget(), NotedBreaker())
    errors = 0
    try:
        for body in BODIES:
            for read in _reads(source, ident, email):
                await there.fault(kind="status", status=200, body=body, times=1)
                errors += await _ends(read) is not None
        assert errors > len(BODIES)
        assert await pages(source, source.start(long_ago()), [email])
    finally:
        await source.close()


async def _written(sink: Sink, row: Update) -> ConnectorError | None:
    try:
        (told,) = await sink.update([row])
    except ConnectorError as error:
        return error
    return told.error if isinstance(told, Failed) else None


async def test_a_write_with_an_odd_answer_is_never_taken_for_done(world: tuple[str, Emulated]) -> None:
    vendor, there = world
    email, phone = there.roles["email"], there.roles["phone"]
    ident = await there.seed({email: "kim@nordwind.example", there.roles["last_name"]: "Larsen"})
    connection = there.connection()
    sink = load(vendor).sink(connection, NotedBudget(), NotedBreaker())
    object_ = sink.manifest.person_object
    try:
        await sink.capabilities(object_)
        for n, body in enumerate(BODIES):
            await there.fault(kind="status", status=200, body=body, times=1, path=there.write_path)
            row = Update(key=f"key-{n}", id=ident, object=object_, fields={phone: f"+49 30 {CANARY} {n}"})
            error = await _written(sink, row)
            assert error is not None, body
            assert CANARY not in error.words
            assert not isinstance(error, Unavailable) or error.unknown_outcome, body
    finally:
        await sink.close()


async def _made(sink: Sink, row: TaskWanted) -> ConnectorError | None:
    try:
        (told,) = await sink.tasks([row])
    except ConnectorError as error:
        return error
    return told.error if isinstance(told, Failed) else None


TASKS = {"hubspot": ("contacts", "/tasks/batch/create"), "salesforce": ("Contact", "/composite/sobjects")}


async def test_a_task_with_an_odd_answer_is_never_taken_for_made(world: tuple[str, EmulatedDeals]) -> None:
    vendor, there = world
    object_, path = TASKS[vendor]
    deal = await there.seed_as(
        {"hubspot": "deals", "salesforce": "Opportunity"}[vendor],
        {there.opportunity["name"]: "D", there.opportunity["stage"]: there.stages[0]},
    )
    person = await there.involve(deal)
    sink = load(vendor).sink(there.connection(), NotedBudget(), NotedBreaker())
    source = load(vendor).source(there.connection(), NotedBudget(), NotedBreaker())
    owner, due = next(one.id for one in await source.users() if one.active), datetime.now(UTC)
    try:
        await sink.tasks([TaskWanted(key="first", person=f"{vendor}:{object_}:{person}", owner=owner, subject="Call", due=due)])
        for n, body in enumerate(one for one in BODIES if '"id": "00Q' not in one):  # which is how a created record is told
            row = TaskWanted(key=f"k{n}", person=f"{vendor}:{object_}:{person}", owner=owner, subject=f"Call {CANARY}", due=due)
            await there.fault(kind="status", status=200, body=body, times=1, path=path)
            error = await _made(sink, row)
            assert error is not None, body
            assert CANARY not in error.words
            assert not isinstance(error, Unavailable) or error.unknown_outcome, body
            assert not await sink.find_tasks([row]), "the fault answered instead of the vendor"
        assert [one.key for one in await sink.find_tasks([row.model_copy(update={"key": "first"})])] == ["first"]
    finally:
        await sink.close()
        await source.close()


LEFT_OUT = {
    "hubspot": ("/batch/read", '{"status": "COMPLETE", "results": []}'),
    "salesforce": ("/queryAll", '{"totalSize": 0, "done": true, "records": []}'),
}


async def test_a_record_that_an_answer_leaves_out_is_not_told_as_deleted(world: tuple[str, Emulated]) -> None:
    vendor, there = world
    email, last_name = there.roles["email"], there.roles["last_name"]
    ident = await there.seed({email: "kim@nordwind.example", last_name: "Larsen"})
    source = load(vendor).source(there.connection(), NotedBudget(), NotedBreaker())
    path, body = LEFT_OUT[vendor]
    try:
        await source.fields(source.manifest.person_object)
        for status in (200, 207) if vendor == "hubspot" else (200,):
            await there.fault(kind="status", status=status, body=body, times=1, path=path)
            told: list[Item] = []
            with suppress(Surprising):
                told += await source.read([ident], [email])
            assert not [item for item in told if isinstance(item, RecordDeleted)]
        assert any(isinstance(item, RecordChanged) for item in await source.read([ident], [email]))
    finally:
        await source.close()

"""Mautic's segments are flags of a contact: who is there is read with it, who moved is read from the log of moves, each move is one call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.base import Create, Done, Failed, Notice, Sink, Source, Update
from connectors.contract import NotedBreaker, NotedBudget
from connectors.contract_world import items, long_ago, pages, snapshots
from connectors.emulator.control import serve
from connectors.errors import Gone, Rejected
from connectors.mautic.mapping import CONTACTS
from connectors.registry import load
from schemas.base import Scalar
from tests.contract.mautic_world import WEBHOOK_SECRET, MauticWorld, mautic_world

NURTURE = "lists.1"


@pytest.fixture
async def town() -> AsyncIterator[MauticWorld]:
    async with mautic_world() as world:
        yield world


@asynccontextmanager
async def connected(town: MauticWorld, lists: str = "1") -> AsyncIterator[tuple[Source, Sink]]:
    budget, breaker, connection = NotedBudget(), NotedBreaker(), town.connection(timeout_s=5.0, lists=lists)
    source, sink = load("mautic").source(connection, budget, breaker), load("mautic").sink(connection, budget, breaker)
    yield source, sink
    await source.close()
    await sink.close()


def row(ident: str, **fields: Scalar) -> Update:
    return Update(key=ident, object=CONTACTS, id=ident, fields={name.replace("_1", ".1"): value for name, value in fields.items()})


async def test_contacts_are_put_into_a_segment_and_taken_out_each_once(town: MauticWorld) -> None:
    ids = [await town.seed({"lastname": f"N{n}", "email": f"n{n}@example.com"}) for n in range(3)]
    async with connected(town) as (source, sink):
        assert (await source.fields(CONTACTS))[NURTURE] == "flag"
        assert NURTURE in {one.name for one in await source.described(CONTACTS)}
        assert NURTURE in (await sink.capabilities(CONTACTS)).writable
        for _ in range(2):  # twice is once
            told = await sink.update([row(ids[0], lists_1=True, lastname="Moved"), row(ids[1], lists_1=True), row(ids[2], lists_1=False)])
            assert [one.fields for one in told if isinstance(one, Done)] == [
                {"lastname": "Moved", NURTURE: True}, {NURTURE: True}, {NURTURE: False},
            ]  # fmt: skip
        assert [one["object"] for one in await town.effects() if one["object"] == "segment"] == ["segment"] * 2
        (new,) = await sink.create(
            [Create(key="n", object=CONTACTS, fields={"lastname": "New", "email": "new@example.com", NURTURE: True})]
        )
        assert isinstance(new, Done)
        read = snapshots(await sink.read([*ids, new.id], [NURTURE]))
        assert {one: seen.fields[NURTURE] for one, seen in read.items()} == {ids[0]: True, ids[1]: True, ids[2]: False, new.id: True}


async def test_a_create_that_was_applied_before_puts_its_contact_into_the_segment(town: MauticWorld) -> None:
    fields: dict[str, Scalar] = {"lastname": "Twice", "email": "twice@example.com", "truce_id": "0d9a4d5e-0000-5000-8000-000000000001"}
    async with connected(town) as (_, sink):
        (first,) = await sink.create([Create(key="1", object=CONTACTS, fields=fields)])
        (again,) = await sink.create([Create(key="2", object=CONTACTS, fields=fields | {NURTURE: True})])
        assert isinstance(first, Done)
        assert isinstance(again, Done)
        assert (again.id, again.fields[NURTURE], again.left) == (first.id, True, ())


async def test_a_move_alone_is_seen_with_who_did_it_and_told_once(town: MauticWorld) -> None:
    ids = [await town.seed({"lastname": f"N{n}", "email": f"n{n}@example.com"}) for n in range(2)]
    async with connected(town) as (source, sink):
        first = await pages(source, source.start(long_ago()), [NURTURE])
        assert {one: seen.fields[NURTURE] for one, seen in snapshots(items(first)).items()} == dict.fromkeys(ids, False)
        town.mautic.api.join(town.mautic.contact(ids[0]), 1, town.mautic.person("ana"), adds=True)
        await sink.update([row(ids[1], lists_1=True)])
        second = await pages(source, first[-1].cursor, [NURTURE])
        assert {one: (seen.fields[NURTURE], seen.origin) for one, seen in snapshots(items(second)).items()} == {
            ids[0]: (True, "person"), ids[1]: (True, "own"),
        }  # fmt: skip
        assert not items(await pages(source, second[-1].cursor, [NURTURE]))
        assert all(seen.times.keys() == {NURTURE} for seen in snapshots(items(second)).values())


async def test_moves_of_other_segments_cost_nothing_and_many_of_ours_come_page_by_page(town: MauticWorld) -> None:
    ids = [await town.seed({"lastname": f"N{n}", "email": f"n{n}@example.com"}) for n in range(120)]
    town.mautic.api.segments = {1: "Nurture", 2: "Busy"}
    async with connected(town) as (source, _):
        cursor = (await pages(source, source.start(long_ago()), [NURTURE]))[-1].cursor
        for ident in ids:
            town.mautic.api.join(town.mautic.contact(ident), 2, town.mautic.person("ana"), adds=True)
        asked = sum("lead_event_log" in str(call) for call in await town.calls())
        assert not items(await pages(source, cursor, [NURTURE]))
        assert sum("lead_event_log" in str(call) for call in await town.calls()) == asked + 1
        for ident in ids:
            town.mautic.api.join(town.mautic.contact(ident), 1, town.mautic.person("ana"), adds=True)
        told = await pages(source, cursor, [NURTURE])
        assert [len(page.items) for page in told] == [100, 20, 0]
        again = await pages(source, told[0].cursor, [NURTURE])  # as where it was cut off: the rest, and no more than that
        assert {*snapshots(items(again))} == {*ids[100:]}
        assert not items(await pages(source, again[-1].cursor, [NURTURE]))


async def test_a_webhook_tells_of_a_move_at_once(town: MauticWorld) -> None:
    ident, told = await town.seed({"lastname": "N", "email": "n@example.com"}), asyncio.Queue[Notice]()
    async with connected(town) as (source, _):

        async def take(request: Request) -> Response:
            told.put_nowait(source.notice("POST", "/", request.headers, await request.body(), received_at=datetime.now(UTC)))
            return Response()

        async with serve(Starlette(routes=[Route("/", take, methods=["POST"])])) as running:
            town.mautic.hooks.set(running.url, WEBHOOK_SECRET)
            town.mautic.api.join(town.mautic.contact(ident), 1, town.mautic.person("ana"), adds=True)
            assert (await asyncio.wait_for(told.get(), 10)).read == (f"mautic:contacts:{ident}",)


async def test_a_segment_or_a_contact_that_is_not_there_is_told_for_its_row(town: MauticWorld) -> None:
    ids = [await town.seed({"lastname": f"N{n}", "email": f"n{n}@example.com"}) for n in range(2)]
    async with connected(town, "1,17") as (source, sink):
        gone, bad, good = await sink.update([row("9999", lists_1=True), row(ids[0], lists_17=True), row(ids[1], lists_1=True)])
        assert isinstance(good, Done)
        assert isinstance(gone, Failed)
        assert isinstance(gone.error, Gone)
        assert isinstance(bad, Failed)
        assert isinstance(bad.error, Rejected)
        assert [one.field for one in bad.error.refused] == ["lists.17"]
        (new,) = await sink.create(
            [Create(key="n", object=CONTACTS, fields={"lastname": "New", "email": "new@example.com", "lists.17": True})]
        )
        assert isinstance(new, Done), "it is there all the same"
        assert new.left == ("lists.17",)
        found = {
            one.what: one.todo for one in await source.doctor({NURTURE: True, "lists.17": True, "lists.3": True}) if "lists." in one.what
        }
    assert found == {
        "mautic: contacts.lists.1": "", "mautic: contacts.lists.17: Item was not found.": "make the segment, or name another one in the option lists",
        "mautic: contacts.lists.3": "name it in the option lists: 1,17,3",
    }  # fmt: skip


def test_a_segment_is_named_by_its_id() -> None:
    connection = replace(MauticWorld().connection(timeout_s=5.0, lists="nurture"), url="http://127.0.0.1:9")
    with pytest.raises(ValueError, match="ids of segments"):
        load("mautic").source(connection, NotedBudget(), NotedBreaker())

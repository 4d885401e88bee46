"""EspoCRM's target lists are flags of leads and contacts; who left a list by themselves counts as not on it, and stays out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from connectors.base import Create, Done, Failed, Sink, Source, Update
from connectors.contract import NotedBreaker, NotedBudget
from connectors.contract_world import items, long_ago, pages, snapshots
from connectors.errors import Gone, Rejected
from connectors.registry import load
from schemas.base import Scalar
from tests.contract.espocrm_world import EspoWorld, espocrm_world


@pytest.fixture
async def firm() -> AsyncIterator[EspoWorld]:
    async with espocrm_world() as world:
        yield world


@asynccontextmanager
async def connected(firm: EspoWorld, lists: str) -> AsyncIterator[tuple[Source, Sink]]:
    budget, breaker, connection = NotedBudget(), NotedBreaker(), firm.connection(timeout_s=5.0, lists=lists)
    source, sink = load("espocrm").source(connection, budget, breaker), load("espocrm").sink(connection, budget, breaker)
    yield source, sink
    await source.close()
    await sink.close()


def moves(rows: list[tuple[str, str, dict[str, Scalar]]]) -> list[Update]:
    return [Update(key=ident, object=object_, id=ident, fields=fields) for object_, ident, fields in rows]


async def test_people_are_put_on_a_target_list_and_taken_off_each_once(firm: EspoWorld) -> None:
    nurture = str(firm.org.put("TargetList", {"name": "Nurture"})["id"])
    flag, lead = f"lists.{nurture}", await firm.seed({"lastName": "Lead", "emailAddress": "lead@example.com"})
    contact = await firm.seed_as("Contact", {"lastName": "Contact", "emailAddress": "contact@example.com"})
    async with connected(firm, nurture) as (source, sink):
        for name in ("Lead", "Contact"):
            assert (await source.fields(name))[flag] == "flag"
            assert flag in {one.name for one in await source.described(name)}
            assert flag in (await sink.capabilities(name)).writable
        for _ in range(2):  # twice is once
            (first,) = await sink.update(moves([("Lead", lead, {flag: True, "lastName": "Moved"})]))
            (second,) = await sink.update(moves([("Contact", contact, {flag: True})]))
            assert isinstance(first, Done)
            assert isinstance(second, Done)
            assert (first.fields, second.fields) == ({flag: True, "lastName": "Moved"}, {flag: True})
        assert [one["after"] for one in await firm.effects() if one["verb"] == "associate"] == [{"leads": lead}, {"contacts": contact}]
        (new,) = await sink.create([Create(key="n", object="Lead", fields={"lastName": "New", "cTruceId": "t-1", flag: True})])
        assert isinstance(new, Done)
        assert new.left == ()
        seen = snapshots(items(await pages(source, source.start(long_ago()), {"Lead": [flag], "Contact": [flag]})))
        assert {one: told.fields[flag] for one, told in seen.items()} == {lead: True, contact: True, new.id: True}
        await sink.update(moves([("Lead", lead, {flag: False})]))
        assert snapshots(await sink.read([lead], [flag], object_="Lead"))[lead].fields == {flag: False}
        assert [one.fields for one in await sink.find(["lead@example.com"], {"Lead": [flag]})] == [{flag: False}]


async def test_who_left_a_list_by_themselves_is_not_put_back(firm: EspoWorld) -> None:
    nurture = str(firm.org.put("TargetList", {"name": "Nurture"})["id"])
    flag, lead = f"lists.{nurture}", await firm.seed({"lastName": "Lead"})
    async with connected(firm, nurture) as (_, sink):
        await sink.update(moves([("Lead", lead, {flag: True})]))
        firm.org.opted_out.add((nurture, lead))
        assert snapshots(await sink.read([lead], [flag], object_="Lead"))[lead].fields == {flag: False}
        (off,) = await sink.update(moves([("Lead", lead, {flag: False})]))
        (on,) = await sink.update(moves([("Lead", lead, {flag: True})]))
    assert isinstance(off, Done)
    assert (nurture, lead) in firm.org.opted_out
    assert isinstance(on, Failed)
    assert isinstance(on.error, Rejected)
    assert [(one.field, "not put back" in one.words) for one in on.error.refused] == [(flag, True)]


async def test_a_list_or_a_person_that_is_not_there_is_told_for_its_row(firm: EspoWorld) -> None:
    nurture = str(firm.org.put("TargetList", {"name": "Nurture"})["id"])
    flag, other, lead = f"lists.{nurture}", "lists.6b0ffff", await firm.seed({"lastName": "Lead"})
    async with connected(firm, f"{nurture},6b0ffff") as (source, sink):
        gone, bad, good = await sink.update(
            moves([("Lead", "6b0999", {flag: True}), ("Lead", lead, {other: True}), ("Lead", lead, {flag: True})])
        )
        assert isinstance(good, Done)
        assert isinstance(gone, Failed)
        assert isinstance(gone.error, Gone)
        assert isinstance(bad, Failed)
        assert isinstance(bad.error, Rejected)
        assert [one.field for one in bad.error.refused] == [other]
        assert snapshots(await source.read([lead], [flag, other]))[lead].fields == {flag: True, other: False}, "reading goes on"
        found = {one.what.partition(":")[0]: one.ok for one in await source.doctor({flag: True, other: True, "lists.1": True})}
    assert {name: found[name] for name in (flag, other, "lists.1")} == {flag: True, other: False, "lists.1": False}


async def test_a_new_person_whose_list_is_not_there_is_made_and_what_is_left_is_told(firm: EspoWorld) -> None:
    async with connected(firm, "nowhere") as (_, sink):
        (new,) = await sink.create([Create(key="n", object="Lead", fields={"lastName": "New", "cTruceId": "t-1", "lists.nowhere": True})])
    assert isinstance(new, Done), "it is there all the same"
    assert new.left == ("lists.nowhere",)

"""The suite's part for a sink that makes opportunities: by the Truce id, once, associated with people and account, found again by the key."""

# ruff: noqa: D102  # a test's name says what must hold
from __future__ import annotations

from collections.abc import Mapping

import pytest

from connectors.base import Create, Done, Failed, Sink, Source, Update
from connectors.contract_objects import EmulatedDeals, of, words
from connectors.contract_world import items, long_ago, pages
from connectors.errors import Rejected, Unavailable
from schemas.base import Scalar

KEY = "salesforce:Opportunity:006A"


class Deals:
    """What a `Sink` promises that makes opportunities; a class of tests names it beside ConnectorContract."""

    def _opportunity(self, world: EmulatedDeals, sink: Sink, key: str = KEY, more: Mapping[str, Scalar] = {}) -> Create:
        named = {world.opportunity["name"]: "First order", world.opportunity["stage"]: world.stages[0]}
        return Create(key=f"k {key}", object=sink.manifest.opportunity_object, fields={**named, sink.manifest.truce_id_field: key, **more})

    async def _there(self, world: EmulatedDeals, sink: Sink, key: str = KEY) -> dict[str, Scalar]:
        name = sink.manifest.opportunity_object
        (found,) = await sink.find_created([key], list(world.opportunity.values()), object_=name)
        assert found.truce_id == key
        return dict(found.fields)

    async def test_an_opportunity_is_made_under_its_account_with_its_people(
        self, world: EmulatedDeals, source: Source, sink: Sink
    ) -> None:  # fmt: skip
        able = await sink.capabilities(sink.manifest.opportunity_object)
        assert able.creates
        assert set(world.opportunity.values()) <= able.writable
        firm = await world.seed_as(sink.manifest.account_object, {world.account["name"]: "Nordwind"})
        people = [await world.seed({world.roles["email"]: f"p{n}@example.com"}) for n in range(2)]
        ends: dict[str, Scalar] = {world.opportunity["account"]: firm, world.opportunity["people"]: ",".join(people)}
        money: dict[str, Scalar] = {world.opportunity["amount"]: 1200.5, world.opportunity["currency"]: "EUR"}
        (outcome,) = await sink.create([self._opportunity(world, sink, more={**ends, **money})])
        assert isinstance(outcome, Done)
        there = await self._there(world, sink)
        assert {name: there[name] for name in money} == money
        assert words(there[world.opportunity["account"]]) == [firm]
        assert set(words(there[world.opportunity["people"]])) == {*people}
        wanted = {sink.manifest.opportunity_object: [world.opportunity["name"]]}
        seen = of(sink.manifest.opportunity_object, items(await pages(source, source.start(long_ago()), wanted)))
        assert seen.keys() == {outcome.id}

    async def test_the_same_opportunity_is_not_made_twice(self, world: EmulatedDeals, sink: Sink) -> None:
        rows = [self._opportunity(world, sink), self._opportunity(world, sink, f"{KEY}B")]
        first = await sink.create(rows[:1])
        both = await sink.create(rows)
        assert all(isinstance(one, Done) for one in (*first, *both))
        assert [one.id for one in both if isinstance(one, Done)][:1] == [one.id for one in first if isinstance(one, Done)]
        made = [one for one in await world.effects() if one["verb"] == "create" and one["object"] == sink.manifest.opportunity_object]
        assert len(made) == 2

    async def test_an_opportunity_whose_answer_was_lost_is_found_by_its_key(self, world: EmulatedDeals, sink: Sink) -> None:
        assert await sink.find_created([KEY], [], object_=sink.manifest.opportunity_object) == []
        await world.fault(kind="drop_answer", path=world.create_path)
        with pytest.raises(Unavailable) as lost:
            await sink.create([self._opportunity(world, sink)])
        assert lost.value.unknown_outcome
        assert (await self._there(world, sink))[world.opportunity["name"]] == "First order"

    async def test_who_becomes_known_is_associated_and_others_stay(self, world: EmulatedDeals, sink: Sink) -> None:
        (made,) = await sink.create([self._opportunity(world, sink)])
        assert isinstance(made, Done)
        before = await world.involve(made.id)
        firm = await world.seed_as(sink.manifest.account_object, {world.account["name"]: "Nordwind"})
        person, people = await world.seed({world.roles["email"]: "kim@example.com"}), world.opportunity["people"]
        fields: dict[str, Scalar] = {people: person, world.opportunity["account"]: firm, world.opportunity["amount"]: 5}
        row = Update(key="k", object=sink.manifest.opportunity_object, id=made.id, fields=fields)
        for _ in range(2):
            (outcome,) = await sink.update([row])
            assert isinstance(outcome, Done)
        there = await self._there(world, sink)
        assert (set(words(there[people])), words(there[world.opportunity["account"]])) == ({before, person}, [firm])
        assert there[world.opportunity["amount"]] == 5

    async def test_whom_the_vendor_does_not_know_is_refused_for_that_row_alone(self, world: EmulatedDeals, sink: Sink) -> None:
        made = await sink.create([self._opportunity(world, sink), self._opportunity(world, sink, f"{KEY}B")])
        person, people = await world.seed({world.roles["email"]: "kim@example.com"}), world.opportunity["people"]
        ids = [one.id for one in made if isinstance(one, Done)]
        name = sink.manifest.opportunity_object
        told = [Update(key=who, object=name, id=ident, fields={people: who}) for who, ident in zip(("999999", person), ids, strict=True)]
        bad, good = await sink.update(told)
        assert isinstance(good, Done)
        assert isinstance(bad, Failed)
        assert isinstance(bad.error, Rejected)
        assert [one.field for one in bad.error.refused] == [people]

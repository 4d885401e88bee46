"""The suite's third part: opportunities, and accounts where there are any, are read as people are, and cost nothing where nobody wants them."""

# ruff: noqa: D102  # a test's name says what must hold
from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from connectors.base import Done, Item, Sink, Source, Update, Wanted
from connectors.contract_world import Emulated, NotedBreaker, NotedBudget, items, long_ago, pages
from connectors.registry import load
from schemas.base import Ref, Scalar
from schemas.change import RecordChanged, RecordDeleted

AccountRole = Literal["name", "domain", "owner"]
OpportunityRole = Literal["name", "stage", "amount", "currency", "owner", "account", "people"]


class EmulatedDeals(Emulated, Protocol):
    """An emulator with accounts and opportunities, as the suite drives it; fields are by the vendor's name, an account is given by its id."""

    account: Mapping[AccountRole, str]
    """Role → the vendor's field of an account; none where the manifest names no accounts."""
    opportunity: Mapping[OpportunityRole, str]
    """Role → the vendor's field of an opportunity."""
    stages: tuple[str, str]
    """Two stages of an opportunity, by the vendor's values: an open one, a won one."""

    async def seed_as(self, object_: str, fields: Mapping[str, Scalar]) -> str:
        """Create a record of an object as a person; give its id."""
        ...

    async def edit_as(self, object_: str, ident: str, fields: Mapping[str, Scalar]) -> None:
        """Change a record of an object as a person."""
        ...

    async def delete_as(self, object_: str, ident: str) -> None:
        """Delete a record of an object as a person."""
        ...

    async def involve(self, opportunity: str) -> str:
        """Make a person who can be in opportunities, and put them into this one; give the id."""
        ...


def words(value: Scalar) -> list[str]:
    """Give the ids that a field holds."""
    return [Ref.parse(one).id if one.count(":") >= 2 else one for one in re.split(r"[,;\s]+", str(value or "")) if one]


def of(object_: str, found: Sequence[Item]) -> dict[str, RecordChanged]:
    """Give the last RecordChanged of each record of an object, by the vendor's id."""
    return {Ref.parse(one.ref).id: one for one in found if isinstance(one, RecordChanged) and Ref.parse(one.ref).object == object_}


class Objects:
    """What `Source` promises of opportunities, and of the accounts that they belong to."""

    def _wanted(self, world: EmulatedDeals, source: Source) -> Wanted:
        """Say what the example playbook wants."""
        manifest, person = source.manifest, [world.roles["email"]]
        accounts = {manifest.account_object: list(world.account.values())} if manifest.account_object else {}
        return {manifest.person_object: person, **accounts, manifest.opportunity_object: list(world.opportunity.values())}

    async def _deal(self, world: EmulatedDeals, source: Source, **more: Scalar) -> tuple[str, str]:
        """Seed an account, where there are any, and an opportunity under it; give their ids."""
        fields: dict[str, Scalar] = {world.opportunity["name"]: "First order", world.opportunity["stage"]: world.stages[0], **more}
        name, firm = source.manifest.account_object, ""
        if name:
            fields[world.opportunity["account"]] = firm = await world.seed_as(name, {world.account["name"]: "Nordwind"})
        return firm, await world.seed_as(source.manifest.opportunity_object, fields)

    async def test_the_live_schema_has_opportunities(self, world: EmulatedDeals, source: Source) -> None:
        assert source.manifest.opportunity_object in source.objects
        types = await source.fields(source.manifest.opportunity_object)
        assert set(world.opportunity.values()) <= types.keys()
        assert {role: types[world.opportunity[role]] for role in ("stage", "amount", "owner")} == {
            "stage": "picklist", "amount": "number", "owner": "user",
        }  # fmt: skip

    async def test_a_full_read_has_opportunities_with_their_people_under_their_accounts(self, world: EmulatedDeals, source: Source) -> None:
        money: dict[str, Scalar] = {world.opportunity["amount"]: 1200.5, world.opportunity["currency"]: "EUR"}
        firm, deal = await self._deal(world, source, **money)
        people = {await world.involve(deal) for _ in range(2)}
        wanted, seen = self._wanted(world, source), list[Item]()
        async for page in source.everything(None, wanted):
            seen += page.items
            last = page
        assert last.done
        deals, firms = of(source.manifest.opportunity_object, seen), of(source.manifest.account_object, seen)
        assert deals.keys() == {deal}
        one = deals[deal]
        assert one.complete
        assert {name: one.fields[name] for name in money} == money
        assert set(words(one.fields[world.opportunity["people"]])) == people
        if not firm:
            return
        assert words(one.fields[world.opportunity["account"]]) == [firm]
        assert firms[firm].complete
        assert firms[firm].fields[world.account["name"]] == "Nordwind"
        places = [Ref.parse(item.ref).object for item in seen if isinstance(item, RecordChanged)]
        assert places.index(source.manifest.account_object) < places.index(source.manifest.opportunity_object)

    async def test_a_full_read_goes_on_in_the_middle_of_any_object(self, world: EmulatedDeals, source: Source) -> None:
        manifest = source.manifest
        for n in range(world.page + 1):
            if manifest.account_object:
                await world.seed_as(manifest.account_object, {world.account["name"]: f"Firm {n}"})
            await world.seed({world.roles["email"]: f"p{n}@example.com"})
        _, deal = await self._deal(world, source)
        wanted, seen, cursor, done = self._wanted(world, source), list[Item](), None, False
        for _ in range(30):
            async for page in source.everything(cursor, wanted):  # one page, then as after a restart
                seen, cursor, done = [*seen, *page.items], page.cursor, page.done
                break
            if done:
                break
        assert done
        assert len(of(manifest.account_object, seen)) == (world.page + 2 if manifest.account_object else 0)
        assert len(of(manifest.person_object, seen)) >= world.page + 1
        assert of(manifest.opportunity_object, seen).keys() == {deal}

    async def test_a_moved_opportunity_is_read_once(self, world: EmulatedDeals, source: Source) -> None:
        _, deal = await self._deal(world, source)
        wanted, stage = self._wanted(world, source), world.opportunity["stage"]
        first = await pages(source, source.start(long_ago()), wanted)
        assert of(source.manifest.opportunity_object, items(first))[deal].fields[stage] == world.stages[0]
        await world.edit_as(source.manifest.opportunity_object, deal, {stage: world.stages[1]})
        second = await pages(source, first[-1].cursor, wanted)
        moved = of(source.manifest.opportunity_object, items(second))
        assert moved.keys() == {deal}
        assert moved[deal].fields[stage] == world.stages[1]
        assert moved[deal].origin != "own"
        third = await pages(source, second[-1].cursor, wanted)
        assert not of(source.manifest.opportunity_object, items(await pages(source, third[-1].cursor, wanted)))

    async def test_who_joins_an_opportunity_is_seen(self, world: EmulatedDeals, source: Source) -> None:
        _, deal = await self._deal(world, source)
        wanted = self._wanted(world, source)
        first = await pages(source, source.start(long_ago()), wanted)
        person = await world.involve(deal)
        joined = of(source.manifest.opportunity_object, items(await pages(source, first[-1].cursor, wanted)))
        assert words(joined[deal].fields[world.opportunity["people"]]) == [person]

    async def test_what_is_not_wanted_is_neither_read_nor_asked_for(self, world: EmulatedDeals, source: Source) -> None:
        await self._deal(world, source)
        await world.seed({world.roles["email"]: "only@example.com"})
        person = {source.manifest.person_object: [world.roles["email"]]}
        before = len(await world.calls())
        seen = items(await pages(source, source.start(long_ago()), person))
        alone = len(await world.calls()) - before
        assert {Ref.parse(one.ref).object for one in seen if isinstance(one, RecordChanged)} == {source.manifest.person_object}
        await pages(source, source.start(long_ago()), self._wanted(world, source))
        assert len(await world.calls()) - before - alone >= alone

    async def test_an_object_may_be_wanted_later(self, world: EmulatedDeals, source: Source) -> None:
        person = {source.manifest.person_object: [world.roles["email"]]}
        first = await pages(source, source.start(long_ago()), person)
        _, deal = await self._deal(world, source)
        seen = items(await pages(source, first[-1].cursor, self._wanted(world, source)))
        assert of(source.manifest.opportunity_object, seen).keys() == {deal}

    async def test_what_is_read_of_one_object_moves_no_other_on(self, world: EmulatedDeals, source: Source) -> None:
        """After a long first read there is much to catch up with, of each object; and after any page the process may be another one."""
        with world.ago(60):
            firm, deal = await self._deal(world, source)
            person = await world.seed({world.roles["email"]: "old@example.com"})
        await self._deal(world, source)
        await world.seed({world.roles["email"]: "new@example.com"})
        manifest, wanted, start, done, told = source.manifest, self._wanted(world, source), source.start(long_ago()), False, 0
        old = {manifest.account_object: {firm} - {""}, manifest.opportunity_object: {deal}, manifest.person_object: {person}}
        while not done:
            told, seen, read, cursor = told + 1, list[Item](), 0, start
            async for page in source.changes(cursor, wanted):
                seen, cursor, read, done = [*seen, *page.items], page.cursor, read + 1, page.done
                if read == told:
                    break
            again = load(manifest.vendor).source(world.connection(), NotedBudget(), NotedBreaker())
            seen += items(await pages(again, cursor, wanted))
            await again.close()
            missed = {name: some - of(name, seen).keys() for name, some in old.items()}
            assert not any(missed.values()), f"stopped after page {told}: {missed}"

    async def test_a_deleted_opportunity_is_reported(self, world: EmulatedDeals, source: Source) -> None:
        _, deal = await self._deal(world, source)
        name = source.manifest.opportunity_object
        await world.delete_as(name, deal)
        (gone,) = await source.read([deal], list(world.opportunity.values()), object_=name)
        assert isinstance(gone, RecordDeleted)
        assert (Ref.parse(gone.ref).object, Ref.parse(gone.ref).id) == (name, deal)


class Accounts(Objects):
    """What `Source` and `Sink` promise of accounts."""

    async def test_the_live_schema_has_accounts(self, world: EmulatedDeals, source: Source) -> None:
        name = source.manifest.account_object
        assert name in source.objects
        assert set(world.account.values()) <= (await source.fields(name)).keys()

    async def test_an_account_is_updated_by_its_id(self, world: EmulatedDeals, source: Source, sink: Sink) -> None:
        firm, _ = await self._deal(world, source)
        name, field = sink.manifest.account_object, world.account["name"]
        assert field in (await sink.capabilities(name)).writable
        (outcome,) = await sink.update([Update(key="k", object=name, id=firm, fields={field: "Nordwind AS"})])
        assert isinstance(outcome, Done)
        assert of(name, await sink.read([firm], [field], object_=name))[firm].fields == {field: "Nordwind AS"}
        wanted = self._wanted(world, source)
        assert of(name, items(await pages(source, source.start(long_ago()), wanted)))[firm].origin == "own"

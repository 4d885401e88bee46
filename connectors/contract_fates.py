"""The suite's part on what becomes of records: deleted, merged, brought back, and all of it in any order across polls and restarts."""

# ruff: noqa: D102  # a test's name says what must hold
from __future__ import annotations

import random
from collections.abc import Iterable, MutableMapping, Sequence
from typing import ClassVar

from connectors.base import Item, Sink, Source
from connectors.contract_world import Emulated, NotedBreaker, NotedBudget, items, long_ago, pages, people, snapshots
from connectors.registry import load
from schemas.base import Ref, Scalar
from schemas.change import RecordChanged, RecordConverted, RecordDeleted, RecordMerged

_ACTS = ("new", "new", "new", "edit", "edit", "edit", "delete", "merge", "poll", "poll", "lost page", "restart")


def _deleted(found: Iterable[Item]) -> set[str]:
    return {Ref.parse(item.ref).id for item in found if isinstance(item, RecordDeleted) and item.how == "deleted"}


def _applied(told: MutableMapping[str, Scalar], found: Iterable[Item], field: str) -> None:
    """Do to what is known what the items say."""
    for item in found:
        if isinstance(item, RecordChanged):
            told[Ref.parse(item.ref).id] = item.fields[field]
        elif isinstance(item, RecordDeleted):
            told.pop(Ref.parse(item.ref).id, None)
        elif isinstance(item, RecordMerged):
            for loser in item.losers:
                told.pop(Ref.parse(loser).id, None)


async def missed(source: Source, known: Iterable[str], fields: Sequence[str]) -> set[str]:
    """Name those of the known people whom a sweep does not show."""
    found = [page async for page in source.everything(None, people(source, fields))]
    return {*known} - {Ref.parse(item.ref).id for item in items(found) if isinstance(item, RecordChanged | RecordConverted)}


class Fates:
    """What a `Source` promises of records that end, or become one."""

    vendor: ClassVar[str]

    async def test_deletes_are_reported(self, world: Emulated, source: Source) -> None:
        email = world.roles["email"]
        gone, there = [await world.seed({email: f"{name}@example.com"}) for name in ("gone", "there")]
        found = await pages(source, source.start(long_ago()), [email])
        assert not await missed(source, [gone, there], [email])
        await world.delete(gone)
        assert await missed(source, [gone, there], [email]) == {gone}, (
            "whoever is not shown is read by id, so that no deletion needs to be told"
        )
        assert _deleted(await source.read([gone, there], [email])) == {gone}
        polled = _deleted(items(await pages(source, found[-1].cursor, [email])))
        assert polled == ({gone} if source.manifest.polls_deletions else set())

    async def test_merges_are_reported(self, world: Emulated, source: Source) -> None:
        winner = await world.seed({world.roles["email"]: "winner@example.com"})
        loser = await world.seed({world.roles["email"]: "loser@example.com"})
        found = await pages(source, source.start(long_ago()), [world.roles["email"]])
        left = await world.merge(winner, loser)
        polled = items(await pages(source, found[-1].cursor, [world.roles["email"]]))
        for told in (await source.read([loser], [world.roles["email"]]), polled):
            merged = [item for item in told if isinstance(item, RecordMerged)]
            assert {Ref.parse(one.survivor).id for one in merged} == {left}
            assert loser in {Ref.parse(ref).id for one in merged for ref in one.losers}

    async def test_whatever_happens_between_polls_and_restarts_is_told_in_the_end(self, world: Emulated) -> None:
        """Of one story: a page may be lost on its way, and the source is started anew, at any moment."""
        chance, phone = random.Random(7), world.roles["phone"]
        there, told = dict[str, Scalar](), dict[str, Scalar]()
        source = load(self.vendor).source(world.connection(), NotedBudget(), NotedBreaker())
        cursor = source.start(long_ago())
        for step in range(60):
            match chance.choice(_ACTS):
                case "new":
                    value: Scalar = f"+49 30 {step}"
                    there[await world.seed({world.roles["email"]: f"s{step}@example.com", phone: value})] = value
                case "edit" if there:
                    ident = chance.choice([*there])
                    there[ident] = f"+49 30 {step}"
                    await world.edit(ident, {phone: there[ident]})
                case "delete" if there:
                    there.pop(ident := chance.choice([*there]))
                    await world.delete(ident)
                case "merge" if len(there) > 1:
                    winner, loser = chance.sample([*there], 2)
                    kept, _ = there.pop(winner), there.pop(loser)
                    there[await world.merge(winner, loser)] = kept
                case "restart":
                    await source.close()
                    source = load(self.vendor).source(world.connection(), NotedBudget(), NotedBreaker())
                case "poll" | "lost page" as how:
                    async for page in source.changes(cursor, people(source, [phone])):
                        if how == "lost page" and chance.random() < 0.5:
                            break
                        _applied(told, page.items, phone)
                        cursor = page.cursor
        _applied(told, items(await pages(source, cursor, [phone])), phone)
        if not source.manifest.polls_deletions:  # then it is the sweep that misses them, and the read that says what became of them
            _applied(told, await source.read(sorted(await missed(source, told, [phone])), [phone]), phone)
        await source.close()
        assert told == there


class Restores:
    """What a `Source` promises where what was deleted can be brought back."""

    async def test_who_was_brought_back_is_there_again(self, world: Emulated, source: Source, sink: Sink) -> None:
        email = world.roles["email"]
        ident = await world.seed({email: "back@example.com"})
        cursor = (await pages(source, source.start(long_ago()), [email]))[-1].cursor
        await world.delete(ident)
        cursor = (await pages(source, cursor, [email]))[-1].cursor
        await world.restore(ident)
        polled = snapshots(items(await pages(source, cursor, [email])))
        for told in (polled, snapshots(await source.read([ident], [email])), snapshots(await sink.read([ident], [email]))):
            assert told[ident].fields == {email: "back@example.com"}

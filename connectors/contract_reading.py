"""The suite's reading half: nothing that happened in a system is missed, whatever its times and pages do."""

# ruff: noqa: D102  # a test's name says what must hold
from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest

from connectors.base import FieldSeen, Sink, Source, Update
from connectors.contract_world import (
    TWICE,
    ZONES,
    Emulated,
    NotedBreaker,
    NotedBudget,
    elsewhere,
    items,
    long_ago,
    pages,
    people,
    snapshots,
)
from connectors.errors import Rejected
from connectors.registry import load
from schemas.base import Message
from schemas.change import RecordChanged

_OURS = {"received_at", "read_at"}


def _content(item: Message) -> dict[str, object]:
    return item.model_dump(exclude=_OURS)


class Reading:
    """What `Source` promises."""

    vendor: ClassVar[str]
    made: ClassVar[str] = "truce_try"
    """What a field that is made may be called."""

    def _again(self, world: Emulated) -> Source:
        """Give a source as after a restart: nothing remembered."""
        return load(self.vendor).source(world.connection(), NotedBudget(), NotedBreaker())

    async def test_the_live_schema_names_each_role(self, world: Emulated, source: Source) -> None:
        types = await source.fields(source.manifest.person_object)
        expected = {"flag": "flag", "number": "number", "date": "date", "time": "time", "email": "email"}
        assert {role: types[world.roles[role]] for role in expected} == expected  # type: ignore[index]

    async def test_the_schema_in_full_says_the_same_and_what_may_be_written(self, world: Emulated, source: Source, sink: Sink) -> None:
        object_ = source.manifest.person_object
        types, seen = await source.fields(object_), await source.described(object_)
        assert {one.name: one.type for one in seen}.items() <= types.items()
        assert set(world.roles.values()) <= {one.name for one in seen}
        if type(source).described is Source.described:
            return  # nothing more than fields() says
        able = (await sink.capabilities(object_)).writable
        assert {one.name for one in seen if one.writable} == able & {one.name for one in seen}

    async def test_a_field_can_be_made_or_that_it_cannot_is_said(self, source: Source, sink: Sink) -> None:
        object_ = source.manifest.person_object
        text = FieldSeen(name=self.made, type="text", label="Truce try", length=255)
        listed = FieldSeen(name=self.made.replace("ry", "wo"), type="picklist", label="Truce two", values=(("a", "A"), ("b", "B")))
        try:
            for wanted in (text, listed):
                await source.make_field(object_, wanted)
        except Rejected:
            return  # it has no API for that, and says so
        seen = {one.name: one for one in await source.described(object_)}
        assert (seen[text.name].type, seen[text.name].writable) == ("text", True)
        assert [value for value, _ in seen[listed.name].values] in (["a", "b"], [])
        assert {text.name, listed.name} <= (await sink.capabilities(object_)).writable

    async def test_records_are_counted_or_nothing_is_said_of_how_many_there_are(self, world: Emulated, source: Source) -> None:
        before = await source.count(source.manifest.person_object)
        for n in range(3):
            await world.seed({world.roles["email"]: f"counted{n}@example.com"})
        after = await source.count(source.manifest.person_object)
        assert (before is None and after is None) or (before is not None and after == before + 3)
        if source.manifest.converted is not None:
            assert await source.count(source.manifest.person_object, source.manifest.converted) == 0

    async def test_users_have_ids_and_addresses(self, source: Source) -> None:
        users = await source.users()
        assert users
        assert all(user.id and "@" in user.email for user in users)

    async def test_the_same_change_read_twice_is_the_same(self, world: Emulated, source: Source) -> None:
        await world.seed({world.roles["email"]: "twice@example.com", world.roles["last_name"]: TWICE})
        start, fields = source.start(long_ago()), [world.roles["email"], world.roles["last_name"]]
        first = items(await pages(source, start, fields))
        restarted = self._again(world)
        second = items(await pages(restarted, start, fields))
        await restarted.close()
        assert first
        assert [_content(item) for item in first] == [_content(item) for item in second]

    async def test_a_cursor_survives_a_restart_in_the_middle(self, world: Emulated, source: Source) -> None:
        ids = {await world.seed({world.roles["email"]: f"r{n}@example.com"}) for n in range(world.page * 2 + 1)}
        fields = [world.roles["email"]]
        found, cursor, done = set[str](), source.start(long_ago()), False
        for _ in range(20):  # every page by a source that was just started
            restarted = self._again(world)
            async for page in restarted.changes(cursor, people(source, fields)):
                found |= snapshots(page.items).keys()
                cursor, done = page.cursor, page.done
                break
            await restarted.close()
            if done:
                break
        assert done
        assert found == ids

    async def test_pages_that_were_not_stored_are_read_again(self, world: Emulated, source: Source) -> None:
        ids = {await world.seed({world.roles["email"]: f"n{n}@example.com"}) for n in range(world.page + 1)}
        fields, start = [world.roles["email"]], source.start(long_ago())
        first, *later = await pages(source, start, fields)
        assert snapshots(items([first, *later])).keys() == ids
        again = items(await pages(source, first.cursor, fields))  # the same source, an old cursor: the later pages went down
        assert snapshots(again).keys() >= snapshots(items(later)).keys()
        assert snapshots(items(await pages(source, start, fields))).keys() == ids

    async def test_what_was_read_is_not_read_for_ever(self, world: Emulated, source: Source) -> None:
        await world.seed({world.roles["email"]: "once@example.com"})
        first = await pages(source, source.start(long_ago()), [world.roles["email"]])
        second = await pages(source, first[-1].cursor, [world.roles["email"]])
        third = await pages(source, second[-1].cursor, [world.roles["email"]])
        assert len(items(first)) == 1
        assert not items(third)

    async def test_more_rows_with_one_time_than_a_page_holds(self, world: Emulated, source: Source) -> None:
        ids = await world.seed_at_once([{world.roles["email"]: f"s{n}@example.com"} for n in range(world.page * 3)])
        found = await pages(source, source.start(long_ago()), [world.roles["email"]])
        assert snapshots(items(found)).keys() == set(ids)

    async def test_a_row_that_is_visible_late(self, world: Emulated) -> None:
        """However long the test itself takes: the look-back is much longer than that, and so is the time between the two."""
        source, fields = load(self.vendor).source(world.connection(lookback_s="60"), NotedBudget(), NotedBreaker()), [world.roles["email"]]
        with world.ago(30):
            late = await world.seed({world.roles["email"]: "late@example.com"})
        async with world.hidden(late):
            with world.ago(5):
                early = await world.seed({world.roles["email"]: "early@example.com"})
            found = await pages(source, source.start(long_ago()), fields)
            assert snapshots(items(found)).keys() == {early}
        assert late in snapshots(items(await pages(source, found[-1].cursor, fields)))
        await source.close()

    @pytest.mark.parametrize("zone", ZONES)
    async def test_wherever_truce_runs_a_change_bears_its_time_and_is_read_since_a_moment(
        self, world: Emulated, source: Source, zone: str
    ) -> None:  # fmt: skip
        phone, begun = world.roles["phone"], datetime.now(UTC) - timedelta(seconds=1)  # many a vendor keeps whole seconds
        with elsewhere(zone):
            with world.ago(7200):
                old = await world.seed({world.roles["email"]: "old@example.com"})
            ident = await world.seed({world.roles["email"]: "zone@example.com"})
            await world.edit(ident, {phone: "+49 30 1"})
            read, found = snapshots(await source.read([old, ident], [phone])), await pages(source, source.start(begun), [phone])
        polled, over = snapshots(items(found)), datetime.now(UTC) + timedelta(seconds=1)
        for one in (read[ident], polled[ident]):
            assert all(begun <= at <= over for at in (one.at, *one.times.values())), (begun, one.at, one.times, over)
        assert polled.keys() == {ident} | ({old} if read[old].at > begun else set())

    async def test_two_updates_within_one_poll_end_with_the_newer(self, world: Emulated, source: Source) -> None:
        ident, phone = await world.seed({world.roles["email"]: "two@example.com"}), world.roles["phone"]
        await world.edit(ident, {phone: "+49 30 1"})
        await world.edit(ident, {phone: "+49 30 2"})
        found = snapshots(items(await pages(source, source.start(long_ago()), [phone])))
        assert found[ident].fields[phone] == "+49 30 2"

    async def test_own_writes_are_recognised(self, world: Emulated, source: Source, sink: Sink) -> None:
        theirs = await world.seed({world.roles["email"]: "theirs@example.com"})
        ours = await world.seed({world.roles["email"]: "ours@example.com"})
        row = Update(key="k", object=sink.manifest.person_object, id=ours, fields={world.roles["phone"]: "+49 30 3"})
        await sink.update([row])
        tool = await world.seed({world.roles["email"]: "tool@example.com"})
        await world.rival(tool, {world.roles["phone"]: "+49 30 4"})
        found = snapshots(items(await pages(source, source.start(long_ago()), [world.roles["phone"]])))
        assert {ident: one.origin == "own" for ident, one in found.items()} == {ours: True, theirs: False, tool: False}

    async def test_everything_is_complete_and_goes_on_from_its_cursor(self, world: Emulated, source: Source) -> None:
        ids = {await world.seed({world.roles["email"]: f"e{n}@example.com"}) for n in range(world.page + 2)}
        fields, found, cursor = [world.roles["email"], world.roles["phone"]], dict[str, RecordChanged](), None
        async for page in source.everything(None, people(source, fields)):
            found |= snapshots(page.items)
            cursor = page.cursor
            break
        assert 0 < len(found) < len(ids)
        restarted = self._again(world)
        async for page in restarted.everything(cursor, people(source, fields)):
            found |= snapshots(page.items)
        await restarted.close()
        assert found.keys() == ids
        assert all(one.complete and one.bulk and one.fields.keys() >= set(fields) for one in found.values())

"""The suite's part on a vendor's schema that changes under everyone's feet, and on fields that it lets drop."""

# ruff: noqa: D102  # a test's name says what must hold
from __future__ import annotations

import pytest

from connectors.base import Done, Sink, Source, Update
from connectors.contract_world import Emulated, items, long_ago, pages, snapshots
from connectors.errors import Rejected, Surprising


class Drift:
    """What both sides promise when fields go, change or stay as they were."""

    async def test_a_field_that_is_gone_is_named(self, world: Emulated, source: Source, sink: Sink) -> None:
        ident, phone = await world.seed({world.roles["email"]: "drift@example.com"}), world.roles["phone"]
        assert all(one.ok for one in await source.doctor({phone: True, world.roles["email"]: True}))
        await world.drop_field(phone)
        assert [one for one in await source.doctor({phone: True}) if not one.ok and phone in one.what and one.todo]
        (row,) = await self._told(sink, ident, phone)
        assert isinstance(row, Rejected)
        assert phone in [one.field for one in row.refused] or phone in row.words

    async def test_a_field_that_is_gone_is_not_read_as_blank(self, world: Emulated, source: Source, sink: Sink) -> None:
        """Else everybody's value of it would be cleared wherever it is copied to."""
        phone = world.roles["phone"]
        ident = await world.seed({world.roles["email"]: "blank@example.com", phone: "+49 30 1"})
        cursor = (await pages(source, source.start(long_ago()), [phone]))[-1].cursor
        await sink.read([ident], [phone])
        await world.drop_field(phone)
        await world.edit(ident, {world.roles["last_name"]: "Moved"})
        for read in (source.read([ident], [phone]), sink.read([ident], [phone]), pages(source, cursor, [phone])):
            with pytest.raises(Surprising, match=phone):
                await read

    async def test_a_field_that_became_another_kind_is_read_as_it_is(self, world: Emulated, source: Source) -> None:
        number, kind = world.roles["number"], source.manifest.person_object
        ident = await world.seed({world.roles["email"]: "retyped@example.com", number: 250})
        first = await pages(source, source.start(long_ago()), [number])
        assert snapshots(items(first))[ident].fields == {number: 250}
        await world.retype(number)
        await world.edit(ident, {number: "about 250"})
        assert snapshots(await source.read([ident], [number]))[ident].fields == {number: "about 250"}
        assert snapshots(items(await pages(source, first[-1].cursor, [number])))[ident].fields == {number: "about 250"}
        assert (await source.fields(kind))[number] == "text"

    async def test_a_value_that_a_picklist_did_not_have_goes_both_ways(self, world: Emulated, source: Source, sink: Sink) -> None:
        (field, _), kind = world.refused, source.manifest.person_object
        if (await source.fields(kind))[field] != "picklist":
            return  # it has none
        await sink.capabilities(kind)
        one, two = [await world.seed({world.roles["email"]: f"new{n}@example.com"}) for n in range(2)]
        await world.offer(field, "Brand new")
        await world.edit(one, {field: "Brand new"})
        (done,) = await sink.update([Update(key="k", object=kind, id=two, fields={field: "Brand new"})])
        assert isinstance(done, Done)
        assert [found.fields[field] for found in snapshots(await source.read([one, two], [field])).values()] == ["Brand new"] * 2
        (seen,) = [found for found in await source.described(kind) if found.name == field]
        assert not seen.values or "Brand new" in dict(seen.values)

    async def test_what_the_vendor_lets_drop_is_noticed(self, world: Emulated, source: Source, sink: Sink) -> None:
        """It says yes and keeps the old value: that is told, or nothing is said of the field, and the next read has the old one."""
        text, phone = world.roles["text"], world.roles["phone"]
        ident = await world.seed({world.roles["email"]: "stripped@example.com", text: "before"})
        await sink.read([ident], [text])
        world.stripped.add(text)
        row = Update(key="k", object=sink.manifest.person_object, id=ident, fields={text: "after", phone: "+49 30 4"})
        (outcome,) = await sink.update([row])
        if isinstance(outcome, Done):
            assert outcome.fields.get(text, "before") == "before"
        else:
            assert isinstance(outcome.error, Rejected)
            assert [one.field for one in outcome.error.refused] == [text]
        polled = snapshots(items(await pages(source, source.start(long_ago()), [text, phone])))
        for told in (polled, snapshots(await sink.read([ident], [text, phone]))):
            assert told[ident].fields == {text: "before", phone: "+49 30 4"}

    async def _told(self, sink: Sink, ident: str, field: str) -> list[Exception | None]:
        rows = await sink.update([Update(key="k", object=sink.manifest.person_object, id=ident, fields={field: "+49 30 5"})])
        return [None if isinstance(row, Done) else row.error for row in rows]

"""The suite's part on a vendor's schema that changes under everyone's feet, and on fields that it lets drop."""

# ruff: noqa: D102  # a test's name says what must hold
from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import pytest

from connectors.base import Done, Sink, Source, Update
from connectors.contract_world import MOVED, Emulated, NotedBreaker, NotedBudget, Role, items, long_ago, pages, snapshots
from connectors.errors import Rejected, Surprising
from connectors.registry import load
from schemas.base import Scalar

BECAME: Mapping[Role, tuple[Scalar, str]] = {"number": (250, "about 250"), "date": ("2024-02-29", "end of February")}
"""What is no text, and what stands there once it is one."""


class Drift:
    """What both sides promise when fields go, change or stay as they were."""

    vendor: ClassVar[str]
    picklists: ClassVar[bool]

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
        await world.edit(ident, {world.roles["last_name"]: MOVED})
        for read in (source.read([ident], [phone]), sink.read([ident], [phone]), pages(source, cursor, [phone])):
            with pytest.raises(Surprising, match=phone):
                await read

    async def test_a_field_that_was_renamed_is_told_by_its_old_name_and_found_by_its_new_one(
        self, world: Emulated, source: Source, sink: Sink
    ) -> None:  # fmt: skip
        kind, old, email = source.manifest.person_object, world.roles["text"], world.roles["email"]
        ident, new = await world.seed({email: "renamed@example.com", old: "before"}), world.renamed
        assert all(one.ok for one in await source.doctor({old: True}))
        assert {old} <= (await sink.capabilities(kind)).writable
        cursor = (await pages(source, source.start(long_ago()), [old]))[-1].cursor
        assert old in await source.fields(kind)
        await world.rename(old, new)
        told = {one.what: one for one in await source.doctor({old: True, new: True})}
        assert [one for what, one in told.items() if not one.ok and old in what and one.todo]
        assert not [what for what, one in told.items() if not one.ok and new in what]
        types = await source.fields(kind)
        assert (types.get(new), types.get(old)) == ("text", None)
        again = load(self.vendor).sink(world.connection(), NotedBudget(), NotedBreaker())  # what one knows may be a minute old
        able = (await again.capabilities(kind)).writable
        assert (new in able, old in able) == (True, False)
        with pytest.raises(Surprising, match=old):
            await source.read([ident], [old])
        await self._done(again, ident, new, "after")
        for read in (source.read([ident], [new]), again.read([ident], [new])):
            assert snapshots(await read)[ident].fields == {new: "after"}
        await again.close()
        await world.edit(ident, {new: "by a person"})
        assert snapshots(items(await pages(source, cursor, [new])))[ident].fields == {new: "by a person"}

    @pytest.mark.parametrize("role", BECAME)
    async def test_a_field_that_became_a_text_is_read_as_it_is(self, world: Emulated, source: Source, role: Role) -> None:
        field, kind, (before, after) = world.roles[role], source.manifest.person_object, BECAME[role]
        ident = await world.seed({world.roles["email"]: "retyped@example.com", field: before})
        first = await pages(source, source.start(long_ago()), [field])
        assert snapshots(items(first))[ident].fields == {field: before}
        assert (await source.fields(kind))[field] != "text"
        await world.retype(field)
        await world.edit(ident, {field: after})
        assert snapshots(await source.read([ident], [field]))[ident].fields == {field: after}
        assert snapshots(items(await pages(source, first[-1].cursor, [field])))[ident].fields == {field: after}
        assert (await source.fields(kind))[field] == "text"

    async def test_picklists_are_told_from_texts_where_the_suite_is_told_so(self, source: Source) -> None:
        types = await source.fields(source.manifest.person_object)
        own = {name: kind for name, kind in types.items() if "." not in name}  # what a person is in has a dot
        assert ("picklist" in own.values()) is self.picklists

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

    async def _done(self, sink: Sink, ident: str, field: str, value: str) -> None:
        (outcome,) = await sink.update([Update(key="k", object=sink.manifest.person_object, id=ident, fields={field: value})])
        assert isinstance(outcome, Done), outcome

    async def _told(self, sink: Sink, ident: str, field: str) -> list[Exception | None]:
        rows = await sink.update([Update(key="k", object=sink.manifest.person_object, id=ident, fields={field: "+49 30 5"})])
        return [None if isinstance(row, Done) else row.error for row in rows]


class Picklists(Drift):
    """What both sides promise of picklists, where the vendor's API tells them from texts."""

    async def test_a_value_that_a_picklist_did_not_have_goes_both_ways(self, world: Emulated, source: Source, sink: Sink) -> None:
        (field, _), kind = world.refused, source.manifest.person_object
        assert (await source.fields(kind))[field] == "picklist"
        await sink.capabilities(kind)
        one, two = [await world.seed({world.roles["email"]: f"new{n}@example.com"}) for n in range(2)]
        await world.offer(field, "Brand new")
        await world.edit(one, {field: "Brand new"})
        await self._done(sink, two, field, "Brand new")
        assert [found.fields[field] for found in snapshots(await source.read([one, two], [field])).values()] == ["Brand new"] * 2
        (seen,) = [found for found in await source.described(kind) if found.name == field]
        assert not seen.values or "Brand new" in dict(seen.values)

    async def test_a_picklist_that_became_a_text_takes_any_word(self, world: Emulated, source: Source, sink: Sink) -> None:
        (field, _), kind = world.refused, source.manifest.person_object
        await world.offer(field, "Brand new")
        ident = await world.seed({world.roles["email"]: "retyped@example.com", field: "Brand new"})
        first = await pages(source, source.start(long_ago()), [field])
        await sink.capabilities(kind)
        await world.retype(field)
        await world.edit(ident, {field: "as they said"})
        assert snapshots(await source.read([ident], [field]))[ident].fields == {field: "as they said"}
        assert snapshots(items(await pages(source, first[-1].cursor, [field])))[ident].fields == {field: "as they said"}
        assert (await source.fields(kind))[field] == "text"
        await self._done(sink, ident, field, "as we say")
        assert snapshots(await sink.read([ident], [field]))[ident].fields == {field: "as we say"}

"""The suite's writing half: every row's outcome is told, nothing is done twice, values come back as they went in."""

# ruff: noqa: D102  # a test's name says what must hold
from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import ClassVar

import pytest

from connectors.base import Create, Done, Sink, Source, Update
from connectors.contract_world import MADE, NAMES, Emulated, NotedBreaker, NotedBudget, Role, items, long_ago, pages, people, snapshots
from connectors.errors import Unavailable
from connectors.registry import load
from schemas.base import Scalar

LONG = "Zażółć gęślą jaźń. " * 50
VALUES: Sequence[tuple[Role, Scalar]] = [
    *(("last_name", name) for name in NAMES),
    ("phone", "+49 30 1234567"),
    ("text", LONG.strip()),
    ("text", "line one\nline two"),
    ("number", 250),
    ("number", 0),
    ("money", 1234567.89),
    ("money", 0.1),
    ("flag", True),
    ("flag", False),
    ("date", "2024-02-29"),
    ("date", "1969-12-31"),
    ("time", "2026-03-29T01:30:00Z"),
    ("time", "2026-10-25T00:59:59Z"),
    ("phone", None),
]
"""Roles and values that integrations are known to bend: other scripts, zones around a change of the clocks, days before 1970, zero, blank."""
HELD: Mapping[Role, Scalar] = {
    "phone": "+49 30 1", "text": "before", "number": 250, "money": 99.5, "date": "2024-02-29", "time": "2026-03-29T01:30:00Z",
}  # fmt: skip
"""What may stand in a field, and be cleared again."""


class Writing:
    """What `Sink` promises."""

    vendor: ClassVar[str]

    def _create(self, sink: Sink, world: Emulated, email: str) -> Create:
        fields: dict[str, Scalar] = {sink.manifest.truce_id_field: str(uuid.uuid5(uuid.NAMESPACE_URL, email)), world.roles["email"]: email}
        return Create(key=email, object=sink.manifest.person_object, fields={**fields, world.roles["last_name"]: MADE})

    async def _full(self, sink: Sink, row: Create) -> Create:
        """Add what the connector itself says that a create needs."""
        able = await sink.capabilities(row.object)
        return row.model_copy(update={"fields": {**able.defaults, **row.fields}})

    def _update(self, sink: Sink, key: str, ident: str, field: str, value: Scalar) -> Update:
        return Update(key=key, object=sink.manifest.person_object, id=ident, fields={field: value})

    async def test_capabilities_name_what_can_be_written(self, world: Emulated, sink: Sink) -> None:
        able = await sink.capabilities(sink.manifest.person_object)
        assert {world.roles["phone"], world.roles["last_name"], sink.manifest.truce_id_field} <= able.writable
        assert world.roles["phone"] not in able.consent_fields

    @pytest.mark.parametrize(("role", "value"), VALUES)
    async def test_values_come_back_as_they_went_in(self, world: Emulated, sink: Sink, role: Role, value: Scalar) -> None:
        field = world.roles[role]
        ident = await world.seed({world.roles["email"]: "values@example.com", world.roles["phone"]: "+49 30 9"})
        assert [type(row) for row in await sink.update([self._update(sink, "k", ident, field, value)])] == [Done]
        read = snapshots(await sink.read([ident], [field]))[ident]
        assert read.fields[field] == value
        assert type(read.fields[field]) is type(value)

    async def test_what_is_cleared_is_blank_afterwards_whatever_it_was(self, world: Emulated, sink: Sink) -> None:
        held: dict[str, Scalar] = {world.roles[role]: value for role, value in HELD.items()}
        ident = await world.seed({world.roles["email"]: "cleared@example.com"})
        for fields in (held, dict.fromkeys(held)):
            row = Update(key="k", object=sink.manifest.person_object, id=ident, fields=fields)
            assert [type(one) for one in await sink.update([row])] == [Done]
            assert snapshots(await sink.read([ident], [*held]))[ident].fields == fields

    async def test_a_create_is_found_by_its_truce_id_and_its_email_and_known_as_our_own(
        self, world: Emulated, sink: Sink, source: Source
    ) -> None:  # fmt: skip
        row = await self._full(sink, self._create(sink, world, "o'made@example.com"))
        done = (await sink.create([row]))[0]
        assert isinstance(done, Done)
        assert done.created
        truce_id = str(row.fields[sink.manifest.truce_id_field])
        assert snapshots(await sink.find_created([truce_id], [world.roles["email"]])).keys() == {done.id}
        found = snapshots(await sink.find(["o'made@example.com", "nobody@example.com"], people(sink, [world.roles["email"]])))
        assert found.keys() == {done.id}
        assert found[done.id].truce_id == truce_id
        assert found[done.id].email == "o'made@example.com"
        seen = snapshots(items(await pages(source, source.start(long_ago()), [world.roles["email"]])))
        assert [(ident, one.origin) for ident, one in seen.items()] == [(done.id, "own")]

    async def test_a_lost_answer_to_a_create_is_an_unknown_outcome_and_no_second_record(self, world: Emulated, sink: Sink) -> None:
        row = await self._full(sink, self._create(sink, world, "lost@example.com"))
        await world.fault(kind="drop_answer", path=world.create_path)
        with pytest.raises(Unavailable) as caught:
            await sink.create([row])
        assert caught.value.unknown_outcome
        truce_id = str(row.fields[sink.manifest.truce_id_field])
        found = snapshots(await sink.find_created([truce_id], [world.roles["email"]]))
        assert len(found) == 1
        await sink.create([row])  # even so: the Truce id is unique there
        assert [one["verb"] for one in await world.effects()].count("create") == 1

    async def test_a_create_that_never_happened_is_not_found(self, world: Emulated, sink: Sink) -> None:
        hasty = load(self.vendor).sink(world.connection(timeout_s=0.5), NotedBudget(), NotedBreaker())
        row = await self._full(sink, self._create(sink, world, "never@example.com"))
        await world.fault(kind="timeout", path=world.create_path)
        with pytest.raises(Unavailable) as caught:
            await hasty.create([row])
        await hasty.close()
        assert caught.value.unknown_outcome
        assert not await sink.find_created([str(row.fields[sink.manifest.truce_id_field])], [])
        assert isinstance((await sink.create([row]))[0], Done)
        assert [one["verb"] for one in await world.effects()].count("create") == 1

    async def test_a_lost_answer_to_an_update_is_read_back(self, world: Emulated, sink: Sink) -> None:
        ident, phone = await world.seed({world.roles["email"]: "back@example.com"}), world.roles["phone"]
        await world.fault(kind="drop_answer", path=world.write_path)
        with pytest.raises(Unavailable) as caught:
            await sink.update([self._update(sink, "k", ident, phone, "+49 30 77")])
        assert caught.value.unknown_outcome
        assert snapshots(await sink.read([ident], [phone]))[ident].fields[phone] == "+49 30 77"
        assert len([one for one in await world.effects() if one["verb"] == "update"]) == 1

    async def test_a_consistent_read_says_when_it_was_sent(self, world: Emulated, sink: Sink, source: Source) -> None:
        ident = await world.seed({world.roles["email"]: "when@example.com"})
        for read in (await sink.read([ident], []), await source.read([ident], [])):
            one = snapshots(read)[ident]
            assert one.complete
            assert one.read_at is not None
            assert one.read_at <= one.received_at

"""The suite's part on batches: each row's outcome is its own, whatever became of the others, and more than one call holds is found."""

# ruff: noqa: D102  # a test's name says what must hold
from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from connectors.base import Create, Done, Failed, RowOutcome, Sink, Source
from connectors.contract_world import Emulated, NotedBreaker, NotedBudget, people, snapshots
from connectors.contract_writing import Writing
from connectors.errors import Gone, Rejected, Unavailable
from connectors.registry import load
from schemas.base import Scalar

MISFIT = "rather many"
"""What is no number."""
MANY = 52
"""More than any page of the suite, more than some vendors read at once (HubSpot 50 with history), and more than they give unasked (Mautic 30)."""


def _refused(outcome: RowOutcome, field: str, value: Scalar) -> None:
    """See that a row was refused for this field, and that the words do not say its value."""
    assert isinstance(outcome, Failed), outcome
    assert isinstance(outcome.error, Rejected), outcome.error
    assert [one.field for one in outcome.error.refused] == [field]
    assert outcome.error.refused[0].words
    assert str(value) not in str(outcome.error)


class Batches(Writing):
    """What `Sink` promises of many rows at once."""

    vendor: ClassVar[str]

    async def test_a_partial_batch_is_told_row_by_row(self, world: Emulated, sink: Sink) -> None:
        """What is refused stands in no order that reads the same from its end, so that no row can be told another one's outcome."""
        phone, bad = world.roles["phone"], {0: (world.roles["number"], MISFIT), 3: world.refused}
        ids = [await world.seed({world.roles["email"]: f"b{n}@example.com"}) for n in range(5)]
        seeded = len(await world.effects())
        rows = [self._update(sink, str(n), ident, *bad.get(n, (phone, f"+49 30 6{n}"))) for n, ident in enumerate(ids)]
        outcome = {one.key: one for one in await sink.update(rows)}
        for n, (field, value) in bad.items():
            _refused(outcome[str(n)], field, value)
        assert {key: one.id for key, one in outcome.items() if isinstance(one, Done)} == {str(n): ids[n] for n in (1, 2, 4)}
        assert sorted(one["id"] for one in (await world.effects())[seeded:]) == sorted(ids[n] for n in (1, 2, 4))
        read = snapshots(await sink.read(ids, [phone]))
        assert [read[ident].fields[phone] for ident in ids] == [None, "+49 30 61", "+49 30 62", None, "+49 30 64"]

    async def test_new_records_are_told_row_by_row_and_a_second_try_makes_none_twice(self, world: Emulated, sink: Sink) -> None:
        email, bad = world.roles["email"], {0: (world.roles["number"], MISFIT), 2: world.refused}
        rows = [await self._full(sink, self._create(sink, world, f"new{n}@example.com")) for n in range(4)]
        rows = [self._with(row, *bad[n]) if n in bad else row for n, row in enumerate(rows)]
        told: list[dict[str, str]] = []
        for first in (True, False):
            outcome = {one.key: one for one in await sink.create(rows)}
            for n, (field, value) in bad.items():
                _refused(outcome[rows[n].key], field, value)
            assert {one.created for one in outcome.values() if isinstance(one, Done)} == {first}
            told.append({key: one.id for key, one in outcome.items() if isinstance(one, Done)})
        assert told[0] == told[1]
        assert [one["verb"] for one in await world.effects()].count("create") == 2
        there = snapshots(await sink.read([*told[0].values()], [email]))
        assert {key: there[ident].fields[email] for key, ident in told[0].items()} == {rows[n].key: f"new{n}@example.com" for n in (1, 3)}

    async def test_who_is_gone_is_told_for_that_row_alone(self, world: Emulated, sink: Sink) -> None:
        phone = world.roles["phone"]
        ids = [await world.seed({world.roles["email"]: f"g{n}@example.com"}) for n in range(3)]
        await world.delete(ids[0])
        outcome = await sink.update([self._update(sink, str(n), ident, phone, f"+49 30 7{n}") for n, ident in enumerate(ids)])
        gone = {one.key: one.error for one in outcome if isinstance(one, Failed)}
        assert {key: type(error) for key, error in gone.items()} == {"0": Gone}
        assert [one.fields[phone] for one in snapshots(await sink.read(ids[1:], [phone])).values()] == ["+49 30 71", "+49 30 72"]

    async def test_of_no_row_that_was_written_it_is_said_that_nothing_was_done(self, world: Emulated, sink: Sink) -> None:
        """The answer to one call is lost, whether that is of one row or of all of them."""
        phone, ids = world.roles["phone"], [await world.seed({world.roles["email"]: f"l{n}@example.com"}) for n in range(3)]
        await sink.read(ids, [phone])
        await world.fault(kind="drop_answer", path=world.write_path)
        rows = [self._update(sink, ident, ident, phone, "+49 30 9") for ident in ids]
        try:
            told = {one.key: one for one in await sink.update(rows)}
        except Unavailable as error:
            told = {row.key: Failed(row.key, error) for row in rows}
        errors = {key: one.error for key, one in told.items() if isinstance(one, Failed)}
        unknown = {key for key, error in errors.items() if isinstance(error, Unavailable) and error.unknown_outcome}
        assert unknown
        assert not {one["id"] for one in await world.effects() if one["verb"] == "update"} & (errors.keys() - unknown)

    async def test_more_people_than_a_page_or_a_call_holds_are_found_and_read(self, world: Emulated, sink: Sink, source: Source) -> None:
        email, most = world.roles["email"], sink.manifest.batch_read
        asked = [f"m{n}@example.com" for n in range(most + MANY)]
        there = {await world.seed({email: one}): one for one in (*asked[: MANY - 1], asked[-1])}
        found = await sink.find(asked, people(sink, [email]))
        assert len(found) == MANY
        for told in (found, await sink.read([*there], [email]), await source.read([*there], [email])):
            assert {ident: one.fields[email] for ident, one in snapshots(told).items()} == there

    async def test_what_is_hot_waits_with_nothing_that_is_less(self, world: Emulated) -> None:
        budget, email, phone = NotedBudget(), world.roles["email"], world.roles["phone"]
        sink = load(self.vendor).sink(world.connection(), budget, NotedBreaker())
        ident, row = await world.seed({email: "hot@example.com"}), await self._full(sink, self._create(sink, world, "made@example.com"))
        await sink.read([ident], [phone])
        await sink.find(["hot@example.com"], people(sink, [phone]))  # whatever it reads first, as its schema, it has read
        budget.slots.clear()
        await sink.update([self._update(sink, "k", ident, phone, "+49 30 8")], priority="hot")
        await sink.create([row], priority="hot")
        await sink.find(["hot@example.com"], people(sink, [phone]), priority="hot")
        await sink.find_created([str(row.fields[sink.manifest.truce_id_field])], [phone], priority="hot")
        await sink.read([ident], [phone], priority="hot")
        await sink.close()
        assert {priority for _, priority in budget.slots} == {"hot"}

    @staticmethod
    def _with(row: Create, field: str, value: Scalar) -> Create:
        fields: Mapping[str, Scalar] = {**row.fields, field: value}
        return row.model_copy(update={"fields": fields})

"""Rows that are written side by side: one whose answer cannot be read leaves the others to be told, and nobody behind."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from connectors.base import Done, Failed, Update
from connectors.each import each
from connectors.errors import Unavailable


async def test_an_answer_that_cannot_be_read_is_told_of_its_row_once_all_are_done() -> None:
    rows: Sequence[Update] = [Update(key=key, object="Lead", id=key, fields={"a": 1}) for key in "abc"]
    written, others = list[str](), asyncio.Event()

    async def step(row: Update) -> Done:
        if row.key == "a":
            raise KeyError("id")
        others.set() if row.key == "c" else await others.wait()
        written.append(row.key)
        return Done(key=row.key, id=row.id)

    first, *rest = await each(rows, step, in_flight=3)
    assert isinstance(first, Failed)
    assert isinstance(first.error, Unavailable)
    assert first.error.unknown_outcome
    assert [type(one) for one in rest] == [Done, Done]
    assert sorted(written) == ["b", "c"]

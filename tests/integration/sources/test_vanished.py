"""A record that vanished without a trace is missed by the sweep and read; a sweep that lacks many is told to a person, and nothing is ordered."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from schemas.change import RecordDeleted
from sync.sources.vanished import Shown
from sync.store import cursors
from tests.integration.sources.test_runner import SYSTEM, Reading, ended, reading, until

__all__ = ["reading"]

LEAD = "00000000-0000-4000-8000-000000000001"
_KNOWN = (
    "INSERT INTO records (ref, lead_id, system, object, seen_at) SELECT r, $2, $3, 'Lead', now() - interval '1 h' FROM unnest($1::text[]) r"
)

_FIRMS = """INSERT INTO accounts (ref, system, object, fields, at, there, domains, name_key)
SELECT r, $2, 'Account', '{}', now() - interval '1 h', true, '{}', '' FROM unnest($1::text[]) r"""


async def known(here: Reading, refs: Sequence[str]) -> None:
    """Know these records as the lead agent would, and have all been read a day ago."""
    await here.pool.execute(_KNOWN, list(refs), LEAD, SYSTEM)
    await cursors.put(here.pool, SYSTEM, "everything", "", done=True)
    await here.pool.execute("UPDATE cursors SET done_at = now() - interval '1 day' WHERE name = 'everything'")


async def gone(here: Reading) -> set[str]:
    found: Any = await here.changes()
    return {one.ref for one in found if isinstance(one, RecordDeleted)}


async def both(here: Reading) -> bool:
    return len(await gone(here)) == 2


async def test_who_was_deleted_for_good_is_missed_by_the_sweep_and_told_by_the_read(reading: Reading) -> None:
    refs = await reading.people(5)
    await known(reading, refs)
    firms = [f"salesforce:Account:{reading.world.org.save('Account', Name=name)}" for name in ("Nordwind", "Fjord")]
    await reading.pool.execute(_FIRMS, firms, SYSTEM)
    for ref in (refs[2], firms[1]):
        reading.world.org.doors.purge({"id": ref.rpartition(":")[2]})
    running = asyncio.create_task(reading.runner(poll_s="3600").run())
    try:
        await until(lambda: both(reading))
    finally:
        await ended(running)
    assert await gone(reading) == {refs[2], firms[1]}

    at = "SELECT changed_at FROM cursors WHERE name = 'sweep'"
    before = await reading.pool.fetchval(at)
    await reading.runner()._sweep(86_400.0)
    assert await reading.pool.fetchval(at) == before, "another process swept just now"


@pytest.mark.parametrize("share", ["", "0.9"], ids=["as set", "raised"])
async def test_a_sweep_that_lacks_many_orders_nothing_and_says_so(reading: Reading, share: str) -> None:
    refs = [*await reading.people(4), *(f"salesforce:Lead:00Q9{n:014}" for n in range(12))]
    await known(reading, refs)
    runner = reading.runner(poll_s="3600", vanished_share=share)
    await runner._sweep()
    ordered = {row["ref"] for row in await reading.pool.fetch("SELECT ref FROM read_orders")}
    told = [one["text"] for one in await reading.problems("vanished")]
    if share:
        assert (ordered, told) == ({*refs[4:]}, [])
    else:
        assert ordered == set()
        assert [text.partition(":")[0] for text in told] == ["salesforce showed 12 of 16 known Lead records no more when all were read"]
        await reading.pool.execute("DELETE FROM records WHERE ref = ANY($1::text[])", refs[4:])
        await runner._sweep()
        assert await reading.problems("vanished") == [], "it is over once they are there, or known no more"


def test_whoever_was_shown_is_found_again_and_hardly_anybody_else() -> None:
    shown, refs = Shown(2_000), [f"salesforce:Lead:00Q{n}" for n in range(4_000)]
    for ref in refs[:2_000]:
        shown.add(ref)
    assert all(ref in shown for ref in refs[:2_000])
    assert sum(ref in shown for ref in refs[2_000:]) < 3

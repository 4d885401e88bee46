"""Who is there, said by command and by decision, kept with who said so, and heeded by the next batch."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sync.agents.batch import Batch
from sync.agents.rules import real
from sync.cli import away as command
from sync.cli.output import CannotRun
from sync.lead.presence import Away, PresenceNote, on_leave
from sync.playbook.loader import load
from sync.playbook.models import Caps
from sync.runtime.clock import Clock
from sync.store import meta, presence
from sync.store.connect import connect
from sync.store.statement import run
from tests.integration.store.installed import EXAMPLE

ANA, BEN, LEA = "ana@acme.example", "ben@acme.example", "lea@acme.example"
NOW = 1_795_608_000_000
NEXT = datetime.now(UTC).year + 1
"""Wednesday 25 November 2026, 12:00 UTC."""
HOUR = 3_600_000
Store = tuple[str, str]


def inside(store: Store, step: Callable[[Any], Awaitable[Any]]) -> Any:
    async def go() -> Any:
        connection = await connect(*store)
        try:
            return await step(connection)
        finally:
            await connection.close()

    return asyncio.run(go())


def test_away_cover_back_weight_and_caps_by_command(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    command.away("ana", since="now", until=f"{NEXT}-12-03 09:00", cover="ben", why="a conference")
    assert (
        capsys.readouterr().out
        == f"Ana Diaz is away from now on, back on {datetime(NEXT, 12, 3):%a} 3 Dec {NEXT} 09:00 (Europe/Berlin); Ben Roth covers.\n"
    )
    command.team("ben@acme.example", weight=0.5, day=3, json=True)
    ben = json.loads(capsys.readouterr().out)[0]
    assert (ben["weights"], ben["caps"], ben["set_here"]) == ({"emea-ae": 0.5, "sdr": 0.5}, {"day": 3}, True)
    command.team(json=True)
    ana = next(row for row in json.loads(capsys.readouterr().out) if row["person"] == ANA)
    assert (ana["now"], ana["cover"]) == ("away to 3 Dec 09:00", BEN)
    command.back("ana")
    assert capsys.readouterr().out == "Ana Diaz is there again.\n"
    command.back("ana")
    assert capsys.readouterr().out == "Ana Diaz was not away.\n"
    command.team("ben", reset=True)
    said = inside(store, presence.current)
    assert said == {}
    told = inside(store, lambda connection: presence.history(connection, ANA))
    assert [(row["kind"], row["cover"], row["source"], row["why"], row["ended_at"] is None) for row in told] == [
        ("away", BEN, "cli", "a conference", False)
    ]


def test_what_is_no_person_and_no_date_is_said(store: Store) -> None:
    with pytest.raises(CannotRun, match="nobody of team"):
        command.away("anna@acme.example")
    with pytest.raises(CannotRun, match="'soon' is no date"):
        command.away("ana", until="soon")
    with pytest.raises(CannotRun, match="cannot cover for themselves"):
        command.away("ana", cover="ana")
    with pytest.raises(CannotRun, match="is not after"):
        command.away("ana", since=f"{NEXT}-12-03", until=f"{NEXT}-12-02")
    assert inside(store, presence.current) == {}


def test_a_newer_word_ends_the_older_one_of_the_same_time_and_a_calendar_stays(store: Store) -> None:
    async def step(connection: Any) -> Any:
        far = NOW + 1_000 * 24 * HOUR
        await presence.away(connection, ANA, since=far, until=far + HOUR, by="ics", source="calendar")
        await presence.away(connection, ANA, since=far, until=far + 2 * HOUR, cover=LEA, by="ana", source="slack")
        await presence.away(connection, ANA, since=far + 5 * HOUR, until=None, by="ana", source="slack")
        await presence.away(connection, ANA, since=far + HOUR, until=far + 3 * HOUR, cover=BEN, by="ana", source="slack")
        return far, (await presence.current(connection))[ANA].away

    far, away = inside(store, step)
    assert away == (Away(far + HOUR, far + 3 * HOUR, BEN), Away(far + 5 * HOUR), Away(far, far + HOUR))


def test_a_decisions_word_is_kept_once_and_the_next_batch_heeds_it(store: Store) -> None:
    async def step(connection: Any) -> None:
        batch, playbook = Batch("t.changes.1", real(), b"s", Clock()), load(EXAMPLE)
        assert await batch._team(connection, playbook, await meta.read(connection, presence.STAMP)) is playbook
        notes = [PresenceNote(LEA, NOW, None, BEN, "three in a row ran out"), PresenceNote(LEA, NOW + 1, None, BEN, "four")]
        await run(connection, presence.write(notes))
        await presence.cap(connection, LEA, Caps(window=(7, 3)), by="maria", source="slack")
        stamp = await meta.read(connection, presence.STAMP)
        made = await batch._team(connection, playbook, stamp)
        leave = on_leave(made.reps[LEA], NOW + 60_000, playbook.timezone)
        assert leave is not None
        assert leave.cover == BEN
        assert made.reps[LEA].caps == Caps(window=(7, 3))
        assert await batch._team(connection, playbook, stamp) is made
        assert await connection.fetchval("SELECT count(*) FROM presence WHERE kind = 'away'") == 1

    inside(store, step)


OFFER = """
INSERT INTO offers (handoff_id, n, lead_id, owner, rule, at, ended, ended_at, reason, comment, by)
VALUES (gen_random_uuid(), 1, gen_random_uuid(), $1, '', $2, $3, $2, '', '', '')
"""


def test_somebody_is_away_only_after_so_many_that_ran_out_in_a_row(store: Store) -> None:
    async def step(connection: Any) -> None:
        async def said(now: int) -> int:
            await run(connection, presence.write([PresenceNote(ANA, now, why="ran out", misses=3, leg="accept")]))
            return int(await connection.fetchval("SELECT count(*) FROM presence WHERE ended_at IS NULL"))

        day = datetime.now(UTC).replace(microsecond=0)
        for days, ended in ((9, "expired"), (8, "expired"), (7, "rejected"), (6, "expired")):
            await connection.execute(OFFER, ANA, day - timedelta(days=days), ended)
        assert await said(NOW) == 0, "the no stands between"
        await connection.execute(OFFER, ANA, day - timedelta(days=5), "expired")
        await connection.execute(OFFER, BEN, day - timedelta(days=4), "rejected")
        assert await said(NOW) == 1
        assert await said(NOW + 1) == 1, "they are away already"
        await presence.back(connection, ANA, at=NOW + 2, by="ana", source="slack")
        assert await said(NOW + 3) == 0, "what ran out before is past"

    inside(store, step)

"""Shared goals: reached, lost again and missed are told once each, to the agreement's channel and to both sides."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sync.alerts.flush import Ground
from sync.alerts.goalposts import Goalposts, news
from sync.playbook.loader import load
from sync.playbook.models.alerts import Medium
from sync.runtime.clock import SetClock
from sync.store import reporting
from tests.house.project import ROOT

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
BOOK = load(ROOT / "deploy" / "playbook")
MAIL: Medium = "email"


@pytest.mark.parametrize(
    ("before", "got", "over", "what"),
    [
        (None, 11, False, None),
        (None, 12, False, "reached"),
        ("reached", 13, False, None),
        ("reached", 11, False, "lost"),
        ("lost", 12, False, "reached"),
        ("lost", 11, False, None),
        ("lost", 11, True, "missed"),
        ("missed", 11, True, None),
        ("missed", 12, True, "reached"),
    ],
)
def test_what_is_new(before: str | None, got: float, over: bool, what: str | None) -> None:
    assert news(before, got, 12, over=over) == what


async def customers(pool: Any, count: int, at: datetime) -> None:
    """Let so many leads become customers."""
    row = "INSERT INTO timeline (lead_id, at, kind, data) VALUES ($1, $2, 'stage', $3)"
    await pool.executemany(row, [(str(uuid.uuid4()), at, {"before": "opportunity", "after": "customer"}) for _ in range(count)])


async def said(pool: Any) -> list[tuple[str, str, str]]:
    rows = await pool.fetch(
        "SELECT data->>'title' AS title, data->'lines'->>0 AS line, coalesce(person, channel) AS who FROM alert_messages ORDER BY at, who"
    )
    return [(row["title"], row["line"], row["who"]) for row in rows]


async def test_both_teams_hear_of_a_goal_once(pool: Any) -> None:
    clock = SetClock(int(NOW.timestamp() * 1000))
    ground = Ground(BOOK, {"mail": MAIL})
    posts = Goalposts(pool, clock)

    async def later(length: timedelta) -> None:
        clock.forward(length.total_seconds())
        await posts.look(ground)

    await customers(pool, 11, NOW - timedelta(days=3))
    await customers(pool, 5, NOW - timedelta(days=90))
    await posts.look(ground)
    assert await said(pool) == []
    await customers(pool, 1, NOW)
    await later(timedelta(hours=1))
    both = ("head.of.marketing@acme.example", "head.of.sales@acme.example")
    text = ("Shared goal: New customers is reached", "12 of 12 in the quarter from 1 Oct to 31 Dec.")
    assert await said(pool) == [(*text, who) for who in both]
    await later(timedelta(hours=1))
    await Goalposts(pool, clock).look(ground)
    assert len(await said(pool)) == 2, "once, by whoever looks"
    await pool.execute("DELETE FROM timeline WHERE at = $1", NOW)
    await later(timedelta(hours=1))
    assert [title for title, _, _ in (await said(pool))[2:]] == ["Shared goal: New customers is lost again"] * 2
    await later(timedelta(days=38))
    titles = [title for title, _, _ in (await said(pool))[4:]]
    assert sorted(set(titles)) == ["Shared goal: New customers was missed", "Shared goal: Revenue from new customers was missed"]
    assert len(titles) == 4


async def test_leads_of_a_segment_are_counted_by_the_hand_off_that_they_had(pool: Any) -> None:
    await customers(pool, 3, NOW)
    some = await pool.fetch("SELECT lead_id::text AS id FROM timeline")
    for row, segment, opened in zip(some, ("enterprise", "enterprise", ""), (NOW, NOW + timedelta(days=1), NOW), strict=True):
        await pool.execute(
            "INSERT INTO handoffs (id, lead_id, cycle, kind, sla, priority, segment, pool, route, rule, source, state, owner, opened_at, closed_as, "
            "reason, comment, playbook_version) VALUES (gen_random_uuid(), $1, 1, 'mql', '', '', $2, '', '', '', '', 'closed', 'x', $3, '', '', '', 1)",
            *(row["id"], segment, opened),
        )
    start, end = (int((NOW + timedelta(hours=hours)).timestamp() * 1000) for hours in (-1, 1))
    assert await reporting.reached(pool, start, end, []) == {"customer": 3, "customer:enterprise": 1, "amount": 0}

"""Shared goals: reached, lost again and missed are told once each, to the agreement's channel and to both sides."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaConnectionError
from pydantic import SecretStr

from schemas.event import GoalEvent
from sync import app
from sync.alerts.flush import Ground
from sync.alerts.goalposts import Goalposts, news, words
from sync.alerts.service import Way
from sync.lead.ledger import Asked, Entry, Shown
from sync.playbook.loader import load
from sync.playbook.models.alerts import Medium
from sync.runtime.clock import SetClock
from sync.settings import Settings
from sync.store import accounts, meta, reporting
from sync.store.statement import run
from sync.topology import events_name
from tests.house.project import ROOT

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
BOOK = load(ROOT / "deploy" / "playbook")
MAIL: Medium = "email"
HANDOFF = (
    "INSERT INTO handoffs (id, lead_id, cycle, kind, sla, priority, segment, pool, route, rule, source, state, owner, opened_at, closed_as, "
    "reason, comment, playbook_version) VALUES (gen_random_uuid(), $1, 1, 'mql', '', '', $2, '', '', '', '', 'closed', 'x', $3, '', '', '', 1)"
)


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
    missed = ("New customers", "Revenue from large companies", "Revenue from new customers")
    assert sorted(set(titles)) == [f"Shared goal: {name} was missed" for name in missed]
    assert len(titles) == 6


async def test_where_no_channel_is_for_people_the_roots_hears_of_it(pool: Any) -> None:
    await customers(pool, 12, NOW)
    await Goalposts(pool, SetClock(int(NOW.timestamp() * 1000))).look(Ground(BOOK, {"on-call": "apprise"}))
    assert [(title, who) for title, _, who in await said(pool)] == [("Shared goal: New customers is reached", "managers")]


async def test_what_was_told_before_news_were_counted_is_not_told_again(pool: Any) -> None:
    clock = SetClock(int(NOW.timestamp() * 1000))
    async with pool.acquire() as connection:
        await meta.put(connection, "goal:new-customers:2026-10-01", "reached")
    await customers(pool, 12, NOW)
    await Goalposts(pool, clock).look(Ground(BOOK, {"mail": MAIL}))
    assert await said(pool) == []
    await pool.execute("DELETE FROM timeline")
    clock.forward(3_600)
    await Goalposts(pool, clock).look(Ground(BOOK, {"mail": MAIL}))
    assert {title for title, _, _ in await said(pool)} == {"Shared goal: New customers is lost again"}


async def test_leads_of_a_segment_are_counted_by_the_hand_off_that_they_had(pool: Any) -> None:
    await customers(pool, 3, NOW)
    some = await pool.fetch("SELECT lead_id::text AS id FROM timeline")
    for row, segment, opened in zip(some, ("enterprise", "enterprise", ""), (NOW, NOW + timedelta(days=1), NOW), strict=True):
        await pool.execute(HANDOFF, row["id"], segment, opened)
    start, end = (int((NOW + timedelta(hours=hours)).timestamp() * 1000) for hours in (-1, 1))
    assert await reporting.reached(pool, start, end, [], "EUR") == {"customer": 3, "customer:enterprise": 1, "amount": 0}


async def test_each_news_of_a_goal_is_one_event_whoever_looks_and_however_often(
    pool: Any, postgres: str, kafka: str, installation: str
) -> None:
    settings = Settings(installation=installation, partitions=1).model_copy(update={"database": SecretStr(postgres), "kafka": kafka})
    await app.prepare(settings)
    clock, ground, topic = SetClock(int(NOW.timestamp() * 1000)), Ground(BOOK, {}), events_name(installation)
    way, consumer = Way(kafka, topic), AIOKafkaConsumer(topic, bootstrap_servers=kafka, auto_offset_reset="earliest")
    taken = list[bytes]()

    async def away(*_: object) -> None:
        raise KafkaConnectionError

    async def half(key: bytes, value: bytes, headers: list[tuple[str, bytes]]) -> None:
        await way.publish(key, value, headers)
        taken.append(value)

    async def look(*publish: Any, later: timedelta = timedelta(0)) -> None:
        clock.forward(later.total_seconds())
        await asyncio.gather(*(Goalposts(pool, clock, one).look(ground) for one in publish))

    await consumer.start()
    try:
        await customers(pool, 12, NOW)
        await look(away)
        await look(half, half, later=timedelta(seconds=20))
        await look(half, later=timedelta(hours=1))
        assert len(taken) == 1, "kept while Kafka was away, and then once"
        await pool.execute("DELETE FROM timeline")
        await look(half, half, later=timedelta(hours=1))
        await customers(pool, 12, NOW)
        await look(half, half, later=timedelta(hours=1))
        async with asyncio.timeout(30):
            found = [await consumer.getone() for _ in range(3)]
        told = [GoalEvent.model_validate_json(one.value) for one in found]
        assert {one.key for one in found} == {b"new-customers"}
        assert [(one.type.rpartition(".")[2], one.before, one.got, one.target) for one in told] == [
            ("reached", "", 12, 12),
            ("lost", "reached", 0, 12),
            ("reached", "lost", 12, 12),
        ]
        assert (told[0].goal, told[0].first_day, told[0].last_day, told[0].measure) == (
            "new-customers",
            "2026-10-01",
            "2026-12-31",
            "customer",
        )
        assert len(taken) == len({dict(one.headers)["ce_id"] for one in found}) == 3
        assert await pool.fetchval("SELECT count(*) FROM outbox") == 0
        assert await said(pool) == [], "no channel is set up: untold"
    finally:
        await consumer.stop()
        await way.close()


async def test_money_counts_for_the_segment_of_the_hand_off_that_brought_it_and_once(pool: Any) -> None:
    at = int(NOW.timestamp() * 1000)
    people = {name: str(uuid.uuid4()) for name in ("kim", "pat", "new")}
    for (name, ident), segment in zip(people.items(), ("enterprise", "mid-market", "enterprise"), strict=True):
        await pool.execute("INSERT INTO identities (kind, key, lead_id) VALUES ('ref', $1, $2)", f"salesforce:Contact:{name}", ident)
        opened = NOW + timedelta(days={"kim": -9, "pat": -5, "new": 5}[name])
        await pool.execute(HANDOFF, ident, segment, opened)
    await pool.execute("INSERT INTO identities (kind, key, lead_id) VALUES ('email', 'KEY', $1)", people["kim"])
    deals = (
        ("both", "salesforce:Contact:kim salesforce:Contact:pat salesforce:Contact:unknown", 1_000.0),
        ("kims", "email:KEY", 500.0),
        ("news", "salesforce:Contact:new", 70.0),
        ("open", "salesforce:Contact:kim", 9_000.0),
    )
    entries = [
        Entry(
            "opportunity",
            f"salesforce:Opportunity:{name}",
            {"stage": Shown("x", at), "amount": Shown(amount, at), "people": Shown(who, at)},
            at,
            outcome="open" if name == "open" else "won",
        )
        for name, who, amount in deals
    ]
    async with pool.acquire() as connection:
        await run(connection, accounts.write(entries))
    found = await reporting.reached(pool, at - 1, at + 1, ["salesforce"], "EUR")
    assert found == {"amount": 1_570.0, "amount:mid-market": 1_000.0, "amount:enterprise": 500.0}
    rows = {row["lead_id"]: row["id"] for row in await pool.fetch("SELECT lead_id::text AS lead_id, id::text AS id FROM handoffs")}
    of = {name: rows[ident] for name, ident in people.items()}
    assert await reporting.won(pool, of.values(), ["salesforce"], "EUR") == {of["kim"]: {"EUR": 500.0}, of["pat"]: {"EUR": 1_000.0}}
    async with pool.acquire() as connection:
        known = (await accounts.look(connection, Asked(frozenset(one.ref for one in entries)))).entries.values()
        later = [one.show({name: shown._replace(at=at + 9) for name, shown in one.fields.items()}, at + 9) for one in known]
        await run(connection, accounts.write(later))
    assert await reporting.reached(pool, at - 1, at + 1, ["salesforce"], "EUR") == found, "what was edited since was won then all the same"


def test_what_was_won_in_other_currencies_is_said_besides_and_does_not_count() -> None:
    goal = next(one for one in BOOK.goals.goals if one.id == "new-revenue")
    others = goal.besides({"amount": 18_000.0, "amount@USD": 9_000.0, "amount@NOK": 5.5, "amount:enterprise@USD": 1.0})
    spans = (date(2026, 10, 1), date(2027, 1, 1))
    assert words(goal, "missed", 18_000.0, spans, "EUR", others)[1].endswith(
        " EUR in the year from 1 Oct to 31 Dec. Besides, 5.5 NOK · 9,000 USD were won, which EUR does not count."
    )

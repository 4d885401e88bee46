"""The one transaction on a real PostgreSQL: what two workers do to each other, and what one batch leaves behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from schemas.change import RecordChanged
from schemas.envelope import Envelope, new, write
from sync.agents.batch import Batch, Done
from sync.agents.input import Input, prepare
from sync.agents.rules import Rules
from sync.agents.rules import real as real_rules
from sync.lead.decision import Decision, DuplicateNote, Facts, Line, ParkedNote, ProblemNote
from sync.lead.state import branch
from sync.playbook.loader import read
from sync.playbook.models import Playbook
from sync.runtime.clock import Clock, SetClock
from sync.store import applied, connect, playbooks
from sync.store.applied import Epoch
from tests.integration.agents import tiny
from tests.integration.agents.support import AT, REPOSITORY, message
from tests.integration.agents.tiny import rules

EXAMPLE = REPOSITORY / "deploy" / "playbook"
TOPIC, EPOCH = "t.changes.1", Epoch(1, 3)
Sent = tuple[str, bytes, list[tuple[str, bytes]]]


@dataclass
class Record:
    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


def inputs(messages: Sequence[Sent], partition: int = 0, start: int = 0) -> list[Input]:
    """Prepare messages as if they stood one after the other in a partition."""
    return [
        prepare(Record(TOPIC, partition, start + n, 1_700_000_000_000 + n, None, value, headers), tiny.wanted, b"s")
        for n, (_, value, headers) in enumerate(messages)
    ]


class Bench:
    """Connections to one installation, and batches over them."""

    def __init__(self, dsn: str, name: str, first: Any) -> None:
        self.dsn, self.name, self.first = dsn, name, first
        self.opened: list[Any] = [first]

    async def connection(self) -> Any:
        self.opened.append(await connect.connect(self.dsn, self.name))
        return self.opened[-1]

    async def apply(self, messages: list[Input], *, epoch: Epoch = EPOCH, with_: Rules | None = None, clock: Clock | None = None) -> Done:
        connection = await self.connection()
        patience = 250 if clock else 60_000  # on a busy machine real time says nothing
        return await Batch(TOPIC, with_ or rules(), b"s", clock or Clock(), budget_ms=patience).apply(connection, messages, epoch)

    async def value(self, sql: str, *args: object) -> Any:
        return await self.first.fetchval(sql, *args)


@pytest_asyncio.fixture
async def bench(postgres: str, installation: str) -> AsyncIterator[Bench]:
    first = await connect.connect(postgres, installation)
    made = Bench(postgres, installation, first)
    await playbooks.add(first, {"x": b""}, "1", "test")
    await applied.take(first, TOPIC, range(8), EPOCH)
    yield made
    for connection in made.opened:
        await connection.close()


async def test_what_was_applied_is_passed_over_and_a_gap_is_left_for_later(bench: Bench) -> None:
    sent = [message("crm:Lead:1", n) for n in range(6)]
    every = inputs(sent)
    assert (await bench.apply(every[:3])).next == {0: 3}
    done = await bench.apply([*every[1:4], *every[5:]])
    assert (done.next, done.count) == ({0: 4}, 4)
    assert await bench.value("SELECT count(*) FROM timeline") == 4
    assert await bench.value("SELECT next_offset FROM applied WHERE partition = 0") == 4


async def test_a_partition_with_a_newer_owner_is_dropped_and_the_rest_is_done(bench: Bench) -> None:
    await applied.take(bench.first, TOPIC, [1], Epoch(1, 4))
    mine, gone = inputs([message("crm:Lead:1")]), inputs([message("crm:Lead:2")], partition=1)
    done = await bench.apply([*gone, *mine])
    assert (done.next, done.lost, done.count) == ({0: 1}, {1}, 2)
    assert await bench.value("SELECT string_agg(ref, ',') FROM records") == "crm:Lead:1"


async def test_an_owner_that_changes_while_we_decide_makes_the_batch_drop_the_partition(bench: Bench) -> None:
    thief = await bench.connection()
    running = asyncio.get_running_loop()

    def steals(read: Envelope, facts: Facts, playbook: Playbook, now_ms: int) -> Decision:
        if not stolen.done():
            running.call_soon(stolen.set_result, True)
        return tiny.decide(read, facts, playbook, now_ms)

    stolen = running.create_future()

    class SlowConnection:
        """Lets the thief act between the look and the writing."""

        def __init__(self, real: Any) -> None:
            self.real = real

        def __getattr__(self, name: str) -> Any:
            return getattr(self.real, name)

        async def fetchrow(self, sql: str, *args: object) -> Any:
            if sql.startswith("WITH s0") and not taken:
                taken.append(await applied.take(thief, TOPIC, [0], Epoch(1, 9)))
            return await self.real.fetchrow(sql, *args)

    taken: list[dict[int, int]] = []
    both = [*inputs([message("crm:Lead:1")]), *inputs([message("crm:Lead:2")], partition=1)]
    done = await Batch(TOPIC, Rules(steals, tiny.wanted, tiny.load), b"s", Clock()).apply(
        SlowConnection(await bench.connection()), both, EPOCH
    )
    assert (done.lost, done.next) == ({0}, {1: 1})
    assert await bench.value("SELECT string_agg(ref, ',') FROM records") == "crm:Lead:2"


async def test_an_epoch_never_goes_down(bench: Bench) -> None:
    assert await applied.take(bench.first, TOPIC, [0, 1], Epoch(1, 2)) == {}
    assert await applied.take(bench.first, TOPIC, [0], Epoch(2, 1)) == {0: 0}
    assert await applied.take(bench.first, TOPIC, [0, 1], Epoch(1, 99)) == {1: 0}


async def test_the_same_new_person_in_many_partitions_at_once_becomes_one_lead(bench: Bench) -> None:
    def person(n: int, partition: int) -> list[Input]:
        ident, value, headers = message(f"crm{partition}:Lead:{n}")
        with_mail = value.replace(b'"received_at"', f'"email": "hash-{n % 3}", "received_at"'.encode())
        return inputs([(ident, with_mail, headers)], partition, n)

    await asyncio.gather(*(bench.apply([item for n in range(30) for item in person(n, p)]) for p in range(6)))
    assert await bench.value("SELECT count(*) FROM leads") == 3
    assert await bench.value("SELECT sum((doc->'desired'->'count'->>'value')::int) FROM leads") == 180
    assert await bench.value("SELECT count(*) FROM identities WHERE lead_id IS NULL") == 0


async def test_turns_in_a_pool_are_taken_one_after_the_other_by_all_workers(bench: Bench) -> None:
    batches = [inputs([message(f"crm:Lead:{p}-{n}", n, pool="everyone") for n in range(20)], p) for p in range(6)]
    await asyncio.gather(*(bench.apply(batch) for batch in batches))
    assert await bench.value("SELECT number FROM pools WHERE name = 'everyone'") == 120


async def test_a_touch_that_two_workers_read_is_counted_once(bench: Bench) -> None:
    batches = [inputs([message(f"crm:Lead:{p}", touch="form-1")], p) for p in range(4)]
    await asyncio.gather(*(bench.apply(batch) for batch in batches))
    assert await bench.value("SELECT count(*) FROM touches") == 1


async def test_the_time_for_deciding_ends_a_batch_early_and_commits_what_is_done(bench: Bench) -> None:
    clock = SetClock()

    def slow(read: Envelope, facts: Facts, playbook: Playbook, now_ms: int) -> Decision:
        clock.forward(0.1)
        return tiny.decide(read, facts, playbook, now_ms)

    done = await bench.apply(
        inputs([message(f"crm:Lead:{n}", n) for n in range(10)]), with_=Rules(slow, tiny.wanted, tiny.load), clock=clock
    )
    assert (done.count, done.next) == (3, {0: 3})


async def test_problems_are_counted_while_open_and_begin_anew_after_they_were_closed(bench: Bench) -> None:
    notes = iter(
        [
            [ProblemNote("held", "import", True, "held"), ProblemNote("held", "import", True, "held")],
            [ProblemNote("held", "import", True, "held")],
            [ProblemNote("held", "import", False)],
            [ProblemNote("held", "import", True, "held again")],
            [ProblemNote("brief", "x", True, "here and gone"), ProblemNote("brief", "x", False)],
        ]
    )

    def noting(read: Envelope, facts: Facts, playbook: Playbook, now_ms: int) -> Decision:
        return Decision("applied", problems=list(next(notes)))

    for n in range(5):
        await bench.apply(inputs([message("crm:Lead:1")], start=n), with_=Rules(noting, tiny.wanted, tiny.load))
    rows = await bench.first.fetch("SELECT text, count, closed_at IS NULL AS open FROM problems ORDER BY id")
    assert [tuple(row) for row in rows] == [("held", 3, False), ("held again", 1, True), ("here and gone", 1, False)]
    assert await bench.value("SELECT count(*) FROM identities") == 0, "identities that no lead got are not kept"


async def test_what_a_decision_says_is_kept_in_its_tables(bench: Bench) -> None:
    await bench.first.execute(
        "INSERT INTO intents (id, lead_id, system, kind, object, fields, rev, state, deadline) "
        "VALUES ('11111111-1111-5111-8111-111111111111', '11111111-1111-5111-8111-111111111112', 'crm', 'update', 'Lead', '{}', 1, 'done', now())"
    )
    await bench.first.execute("INSERT INTO parked (id, kind, reason) VALUES ('old', 'write', 'refused')")

    def deciding(read: Envelope, facts: Facts, playbook: Playbook, now_ms: int) -> Decision:
        decision = tiny.decide(read, facts, playbook, now_ms)
        decision.duplicates.append(DuplicateNote("d1", "crm:Lead:9", (decision.leads[0].id,), "names differ"))
        decision.read_orders.add("crm:Lead:77")
        decision.parked.append(
            ParkedNote("w1", "write", "too long", "STRING_TOO_LONG", "crm", "crm:Lead:1", decision.leads[0].id, "title", "x")
        )
        decision.released.append("old")
        decision.settled_intents.append("11111111-1111-5111-8111-111111111111")
        return decision

    await bench.apply(inputs([message("crm:Lead:1")]), with_=Rules(deciding, tiny.wanted, tiny.load))
    assert await bench.value("SELECT reason FROM duplicates WHERE settled_at IS NULL") == "names differ"
    assert await bench.value("SELECT system FROM read_orders WHERE ref = 'crm:Lead:77'") == "crm"
    assert await bench.value("SELECT field FROM parked WHERE id = 'w1' AND body IS NULL AND value = '\"x\"'") == "title"
    assert await bench.value("SELECT settled_how FROM parked WHERE id = 'old'") == "replayed"
    assert await bench.value("SELECT state FROM intents") == "applied"
    assert await bench.value("SELECT lane || rev FROM dirty") == "hot1"


async def test_a_lane_never_gets_colder_by_a_later_bulk_change(bench: Bench) -> None:
    hot, bulk = message("crm:Lead:1"), message("crm:Lead:1")
    slow = (bulk[0], bulk[1].replace(b'"received_at"', b'"bulk": true, "received_at"'), bulk[2])
    await bench.apply(inputs([hot]))
    await bench.apply(inputs([slow], start=1))
    assert await bench.value("SELECT lane || rev FROM dirty") == "hot2"


async def test_leads_that_were_joined_are_followed_to_the_survivor(bench: Bench) -> None:
    await bench.apply(inputs([message("crm:Lead:1"), message("crm:Lead:2")]))
    ids = [row["id"] for row in await bench.first.fetch("SELECT id FROM leads ORDER BY id")]
    await bench.first.execute(
        "UPDATE leads SET survivor = $2::text::uuid, doc = jsonb_set(doc::jsonb, '{survivor}', to_jsonb($2::text))::json WHERE id = $1::text::uuid",
        *ids,
    )
    seen: list[set[str]] = []

    def looking(read: Envelope, facts: Facts, playbook: Playbook, now_ms: int) -> Decision:
        seen.append(set(facts.leads))
        return Decision("noop")

    absorbed = await bench.value("SELECT ref FROM records WHERE lead_id = $1::text::uuid", ids[0])
    await bench.apply(inputs([message(absorbed)], start=2), with_=Rules(looking, tiny.wanted, tiny.load))
    assert seen == [set(ids)]


async def test_the_rules_that_truce_runs_by_are_carried_out(bench: Bench) -> None:
    await playbooks.add(bench.first, read(EXAMPLE), "real", "test")
    shown = {"Email": "zoe@firm.example", "FirstName": "Zoe", "LastName": "Orr", "Company": "Firm", "Title": "CTO"}
    for n, title in enumerate(("CTO", "CEO")):
        data = RecordChanged(
            ref="salesforce:Lead:00Q1",
            at=AT + timedelta(minutes=n),
            received_at=AT,
            fields={**shown, "Title": title},
            email="zoe@firm.example",
            complete=True,
        )
        value, headers = write(new("truce.record.changed", data, source="test", ident=f"m{n}", time=AT))
        record = Record(TOPIC, 0, n, 1_700_000_000_000 + n, None, value, headers)
        real = real_rules()
        done = await Batch(TOPIC, real, b"s", Clock()).apply(bench.first, [prepare(record, real.wanted, b"s")], EPOCH)
        assert done.outcomes == ["applied"]
    assert await bench.value("SELECT doc->'desired'->'title'->>'value' FROM leads") == "CEO"
    assert await bench.value("SELECT count(*) FROM identities WHERE lead_id IS NOT NULL") == 2
    assert await bench.value("SELECT count(*) FROM dirty WHERE system = 'hubspot'") == 1
    assert await bench.value("SELECT count(*) > 0 FROM timeline")


@pytest.mark.parametrize("version", [None, 7])
async def test_without_a_usable_playbook_nothing_is_applied(bench: Bench, version: int | None) -> None:
    await bench.first.execute("DELETE FROM playbooks")
    await bench.first.execute("DELETE FROM meta WHERE key = 'active_playbook'")
    if version is not None:
        await bench.first.execute("INSERT INTO meta (key, value) VALUES ('active_playbook', $1)", version)
    with pytest.raises(Exception, match="playbook"):
        await bench.apply(inputs([message("crm:Lead:1")]))
    assert await bench.value("SELECT sum(next_offset)::int FROM applied") == 0


async def test_the_calls_of_a_lead_that_is_joined_go_over_to_the_survivor(bench: Bench) -> None:
    await bench.apply(inputs([message("crm:Lead:1"), message("crm:Lead:2")]))
    one, two = [row["lead_id"] for row in await bench.first.fetch("SELECT lead_id FROM records ORDER BY ref")]
    ident = "11111111-1111-5111-8111-111111111111"
    await bench.first.execute(
        "INSERT INTO intents (id, lead_id, system, kind, object, fields, rev, deadline) VALUES ($1, $2, 'crm', 'update', 'Lead', '{}', 1, now())",
        *(ident, two),
    )

    def joining(read: Envelope, facts: Facts, playbook: Playbook, now_ms: int) -> Decision:
        lead = branch(facts.leads[two])
        lead.survivor, lead.rev = one, lead.rev + 1
        return Decision("applied", leads=[lead])

    await bench.apply(inputs([message("crm:Lead:2")], start=2), with_=Rules(joining, tiny.wanted, tiny.load))
    assert await bench.value("SELECT lead_id FROM intents") == one


async def test_an_erased_person_leaves_no_value_behind(bench: Bench) -> None:
    await bench.apply(inputs([message("crm:Lead:1"), message("crm:Lead:2")]))
    one, other = [row["lead_id"] for row in await bench.first.fetch("SELECT lead_id FROM records ORDER BY ref")]
    told, refused = {"title": {"name": "Title", "value": "CEO"}}, ("write", "Zoe Orr is too long", "Zoe Orr")
    for n, (lead, state) in enumerate(((one, "applied"), (one, "open"), (other, "applied"))):
        await bench.first.execute(
            "INSERT INTO intents (id, lead_id, system, kind, object, fields, rev, state, deadline) VALUES ($1, $2, 'crm', 'update', 'Lead', $3, 1, $4, now())",
            *(f"11111111-1111-5111-8111-11111111111{n}", lead, told, state),
        )
    for lead in (one, other):
        await bench.first.execute(
            "INSERT INTO parked (id, kind, reason, value, lead_id) VALUES ($1::text, $2, $3, $4, $1::text::uuid)", lead, *refused
        )
        await bench.first.execute(
            "INSERT INTO would_write (lead_id, system, record_id, field, rule) VALUES ($1, 'crm', '1', 'title', 'x')", lead
        )

    def erasing(read: Envelope, facts: Facts, playbook: Playbook, now_ms: int) -> Decision:
        lead = branch(facts.leads[one])
        lead.erased, lead.rev = True, lead.rev + 1
        return Decision("applied", leads=[lead], lines=[Line(one, now_ms, "erased", {})], settled_intents=list(ended))

    ended: list[str] = []
    await bench.apply(inputs([message("crm:Lead:1")], start=2), with_=Rules(erasing, tiny.wanted, tiny.load))
    assert [row["kind"] for row in await bench.first.fetch("SELECT kind FROM timeline WHERE lead_id = $1", one)] == ["erased"]
    assert [row["lead_id"] for row in await bench.first.fetch("SELECT lead_id FROM would_write")] == [other]
    rows = await bench.first.fetch("SELECT reason, value, settled_how FROM parked ORDER BY settled_how NULLS LAST")
    assert [tuple(row) for row in rows] == [("erased", None, "erased"), ("Zoe Orr is too long", "Zoe Orr", None)]
    kept = [row["fields"] for row in await bench.first.fetch("SELECT fields FROM intents ORDER BY id")]
    assert kept == [{}, told, told], "what is on the wire must still be known when its result comes"
    ended.append("11111111-1111-5111-8111-111111111111")
    await bench.apply(inputs([message("crm:Lead:1")], start=3), with_=Rules(erasing, tiny.wanted, tiny.load))
    assert [row["fields"] for row in await bench.first.fetch("SELECT fields FROM intents ORDER BY id")] == [{}, {}, told]

"""Accounts in the one transaction: entered by one batch, seen by the leads of the next, locked like everything else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest_asyncio

from connectors.base import User
from schemas.envelope import Envelope, write
from sync.agents.batch import Batch
from sync.agents.input import Input, prepare
from sync.agents.rules import Rules
from sync.cli.rejudge import Wanted, chosen, condition
from sync.lead.decide import decide
from sync.lead.identity import wanted
from sync.playbook.models import Assign, Playbook, Route, When, Where
from sync.runtime.clock import Clock
from sync.store import applied, connect, cursors, playbooks, users
from sync.store.applied import Epoch
from tests.factory import HS, PEOPLE, SECRET, SF, changed, ms, touch, when, with_accounts
from tests.integration.agents.test_batch import Record

TOPIC, EPOCH = "t.changes.1", Epoch(1, 1)
NORDWIND = "salesforce:Account:001N"
TO_BEN = Route(
    "known",
    when("account.owner", lambda v: v["account.owner"] == "ana@acme.example", "account.owner"),
    Assign(owner="ben@acme.example"),
    Where("r", 1),
)
REST = Route("rest", When(), Assign(owner="joe@acme.example"), Where("r", 2))


def book(*_: Any) -> Playbook:
    return with_accounts(routes=(TO_BEN, REST))


class Town:
    """One installation, its batches one after the other."""

    def __init__(self, dsn: str, name: str, connection: Any) -> None:
        self.dsn, self.name, self.connection = dsn, name, connection
        self.offsets: dict[int, int] = {}

    def inputs(self, *messages: Envelope, partition: int = 0) -> list[Input]:
        start = self.offsets.get(partition, 0)
        self.offsets[partition] = start + len(messages)
        return [
            prepare(Record(TOPIC, partition, start + n, ms(1000 + n), None, *write(message)), wanted, SECRET)
            for n, message in enumerate(messages)
        ]

    async def apply(self, messages: Sequence[Input], connection: Any = None) -> list[str]:
        done = await Batch(TOPIC, Rules(decide, wanted, book), SECRET, Clock()).apply(connection or self.connection, messages, EPOCH)
        return [str(one) for one in done.outcomes]

    async def value(self, sql: str, *args: object) -> Any:
        return await self.connection.fetchval(sql, *args)


@pytest_asyncio.fixture
async def town(postgres: str, installation: str) -> AsyncIterator[Town]:
    first = await connect.connect(postgres, installation)
    await playbooks.add(first, {"x": b""}, "1", "test")
    await applied.take(first, TOPIC, range(4), EPOCH)
    pool = await connect.open_pool(postgres, installation, size=1)
    for system in (SF, HS):
        await users.put(pool, system, [User(id=ident, email=email) for email, ident in PEOPLE.items()])
        await cursors.put(pool, system, "everything", "", done=True)
    yield Town(postgres, installation, first)
    await first.close()
    await pool.close()


def account(seconds: float = 1, **values: Any) -> Envelope:
    return changed(NORDWIND, seconds, {"Name": "Nordwind AS", "Website": "nordwind.example", "OwnerId": "005A", **values})


def person(seconds: float = 5) -> Envelope:
    return changed("hubspot:contacts:1", seconds, {"email": "kim@mail.nordwind.example", "country": "NO"}, origin="form", created=True)


async def test_an_account_is_no_lead_and_counts_for_the_leads_after_it(town: Town) -> None:
    assert await town.apply(town.inputs(account(), account())) == ["applied", "noop"]
    assert await town.value("SELECT count(*) FROM leads") == 0 == await town.value("SELECT count(*) FROM identities")
    form = touch("a1", 6, email="kim@mail.nordwind.example")
    assert await town.apply(town.inputs(person(), form)) == ["applied", "applied"]
    assert await town.value("SELECT owner FROM leads") == "ben@acme.example"
    why = await town.value("SELECT doc->'why'->'account' FROM leads")
    assert (why["ref"], why["how"]) == (NORDWIND, "e-mail domain nordwind.example")


async def test_in_one_batch_it_is_the_same(town: Town) -> None:
    form = touch("a1", 6, email="kim@mail.nordwind.example")
    assert await town.apply(town.inputs(account(), person(), form)) == ["applied"] * 3
    assert await town.value("SELECT owner FROM leads") == "ben@acme.example"


async def test_what_is_told_late_changes_no_lead_until_it_next_changes(town: Town) -> None:
    form = touch("a1", 6, email="kim@mail.nordwind.example")
    await town.apply(town.inputs(person(), form))
    before = await town.value("SELECT doc::text FROM leads")
    await town.apply(town.inputs(account()))
    assert await town.value("SELECT doc::text FROM leads") == before
    await town.apply(town.inputs(touch("a2", 60, email="kim@mail.nordwind.example")))
    assert await town.value("SELECT doc->'why'->'account'->>'ref' FROM leads") == NORDWIND
    assert await town.value("SELECT owner FROM leads") == "joe@acme.example"  # handed over before


async def test_two_workers_that_learn_of_one_account_lose_nothing(town: Town) -> None:
    other = await connect.connect(town.dsn, town.name)
    try:
        mine = town.inputs(*(changed(NORDWIND, n, {"Name": f"N{n}"}) for n in range(0, 40, 2)), partition=0)
        theirs = town.inputs(*(changed(NORDWIND, n, {"Industry": f"I{n}", "Name": f"N{n}"}) for n in range(1, 40, 2)), partition=1)
        for one, two in zip(mine, theirs, strict=True):
            await asyncio.gather(town.apply([one]), town.apply([two], other))
    finally:
        await other.close()
    fields = await town.value("SELECT fields FROM accounts")
    assert fields == {"name": ["N39", ms(39)], "industry": ["I39", ms(39)]}
    assert await town.value("SELECT count(*) FROM accounts") == 1


async def test_a_result_that_is_told_again_undoes_no_edit_that_came_between(town: Town) -> None:
    """A vendor's times may be cut to the second: an edit right after our write may bear a time before it."""
    intent = "00000000-0000-5000-8000-000000000001"
    await town.apply(town.inputs(account()))

    def wrote() -> Envelope:
        return changed(NORDWIND, 10, {"Name": "Nordwind Group"}, times={"Name": 5}, origin="own", intent_id=intent)

    assert await town.apply(town.inputs(wrote(), changed(NORDWIND, 9.5, {"Name": "Nordwind SE"}))) == ["applied", "applied"]
    assert await town.apply(town.inputs(wrote())) == ["noop"]
    assert await town.value("SELECT name FROM accounts") == "Nordwind SE"


async def test_two_workers_that_enter_the_first_records_of_a_domain_at_once_see_each_other(town: Town) -> None:
    """Neither transaction sees what the other one enters: whoever commits last asks for both, once the writer has looked at the first."""
    theirs = changed("hubspot:companies:5", 2, {"name": "nordwind", "domain": "nordwind.example"})
    other, watching = await connect.connect(town.dsn, town.name), await connect.connect(town.dsn, town.name)
    try:
        async with town.connection.transaction():
            await town.apply(town.inputs(account()))
            second = asyncio.create_task(town.apply(town.inputs(theirs, partition=1), other))
            while not second.done() and not await watching.fetchval(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            ):
                await asyncio.sleep(0)
        assert await second == ["applied"]
        rows = await watching.fetch("SELECT system, rev FROM account_writes ORDER BY system")
        assert [tuple(row) for row in rows] == [("hubspot", 1), ("salesforce", 2)]
    finally:
        await other.close()
        await watching.close()


async def test_an_opportunity_moves_people_whom_its_message_does_not_name(town: Town) -> None:
    await town.apply(town.inputs(person()))
    deal = "salesforce:Opportunity:006A"
    assert await town.apply(town.inputs(changed(deal, 6, {"StageName": "Prospecting", "Contacts": "hubspot:contacts:1"}), partition=1)) == [
        "applied"
    ]
    assert await town.value("SELECT stage FROM leads") == "opportunity"
    assert await town.apply(town.inputs(changed(deal, 7, {"StageName": "Closed Won"}), partition=1)) == ["applied"]
    assert await town.value("SELECT stage FROM leads") == "customer"
    assert await town.value("SELECT count(*) FROM identities WHERE lead_id IS NULL") == 0


async def test_a_deal_and_an_edit_of_its_person_at_once_lose_nothing(town: Town) -> None:
    await town.apply(town.inputs(person()))
    deal, ref = "salesforce:Opportunity:006A", "hubspot:contacts:1"
    await town.apply(town.inputs(changed(deal, 6, {"StageName": "Prospecting", "Contacts": ref})))
    other = await connect.connect(town.dsn, town.name)
    try:
        for n in range(12):
            stage = "Closed Won" if n % 2 else "Prospecting"
            deals = town.inputs(changed(deal, 10 + n, {"StageName": stage}), partition=1)
            edits = town.inputs(changed(ref, 10 + n, {"jobtitle": f"T{n}"}, origin="person"), partition=2)
            await asyncio.gather(town.apply(deals), town.apply(edits, other))
            assert await town.value("SELECT stage FROM leads") == ("customer" if n % 2 else "opportunity")
            assert await town.value("SELECT doc->'desired'->'title'->>'value' FROM leads") == f"T{n}"
    finally:
        await other.close()


async def test_rejudge_finds_leads_by_their_account(town: Town) -> None:
    """Whom `truce rejudge --where` means is decided with the account as the lead agent would see it."""
    other = changed("hubspot:contacts:2", 5, {"email": "lee@else.example", "country": "NO"}, origin="form", created=True)
    await town.apply(town.inputs(account(), person(), other))
    asked = Wanted(condition("account.owner == 'ana@acme.example'", book(), "--where"), False, book())
    found = await chosen(town.connection, asked, SECRET, datetime.now(UTC))
    everyone = await chosen(town.connection, Wanted(None, False, book()), SECRET, datetime.now(UTC))
    assert [one.who for one in found] == ["kim@mail.nordwind.example"]
    assert (len(everyone), await chosen(town.connection, Wanted(None, True, book()), SECRET, datetime.now(UTC))) == (2, [])

"""A large object read by a query job of the Bulk API 2.0: the same records as by REST, page by page, and what follows when a job fails."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from connectors.base import Item, Page, Source, Wanted
from connectors.contract import NotedBreaker, NotedBudget
from connectors.contract_fates import missed
from connectors.contract_world import items, long_ago
from connectors.errors import Surprising
from connectors.registry import load
from connectors.salesforce.bulk import Place, read
from schemas.change import RecordChanged, RecordDeleted
from sync.sources.publisher import ident as message_id
from tests.contract.emulator.salesforce_play import Desk
from tests.contract.salesforce_world import SalesforceWorld, salesforce_world

WANTED: Wanted = {
    "Lead": ["Email", "LastName", "Notes__c", "NumberOfEmployees", "AnnualRevenue", "DoNotCall", "Birthday__c", "MQL_Date__c"]
}
ODD: list[dict[str, Any]] = [
    {"LastName": 'Ö"str, \n🙂', "Notes__c": "line one\r\nline two", "NumberOfEmployees": 7, "AnnualRevenue": 1.5, "DoNotCall": True},
    {"LastName": "שלום", "Birthday__c": "2000-02-29", "MQL_Date__c": "2026-11-30T10:00:00.000+0000"},
    {"LastName": "0", "Email": "zero@nord.example", "NumberOfEmployees": 0},
]


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.salesforce.bulk.LOOK_S", 0.01)


@pytest.fixture
async def org() -> AsyncIterator[SalesforceWorld]:
    async with salesforce_world() as world:
        for n in range(10):
            world.org.add_lead(**{"Email": f"p{n}@nord.example", **(ODD[n] if n < len(ODD) else {})})
        yield world


def source(org: SalesforceWorld, budget: NotedBudget | None = None, **options: str) -> Source:
    connection = org.connection(**{"bulk_from": "5", "bulk_page": "6", **options})  # type: ignore[arg-type]  # all of them are options
    return load("salesforce").source(connection, budget or NotedBudget(), NotedBreaker())


async def all_of(side: Source, cursor: str | None = None, wanted: Wanted = WANTED) -> list[Page]:
    try:
        return [page async for page in side.everything(cursor, wanted)]
    finally:
        await side.close()


def ids(found: Sequence[Item]) -> list[str]:
    return sorted(message_id(one) for one in found)


async def test_a_job_tells_the_same_as_rest(org: SalesforceWorld) -> None:
    org.org.convert(str(org.org.leads()[-1]["Id"]))
    budget = NotedBudget()
    by_job, by_rest = items(await all_of(source(org, budget))), items(await all_of(source(org, bulk_from="0")))
    assert ids(by_job) == ids(by_rest)
    assert len(by_job) == 10
    assert all(one.bulk and one.read_at for one in by_job if isinstance(one, RecordChanged))
    assert {priority for _, priority in budget.slots} <= {"bulk", "normal"}
    assert sum(priority == "bulk" for _, priority in budget.slots) == 7  # counted, asked for, looked at twice, two pages, taken away
    assert org.org.bulk.jobs == {}


@pytest.mark.parametrize("bulk_from", ["5", "0"], ids=["by job", "by rest"])
async def test_who_was_deleted_for_good_is_told_by_no_poll_but_missed_by_both(org: SalesforceWorld, bulk_from: str) -> None:
    side, (gone, *others) = source(org, bulk_from=bulk_from), [str(one["Id"]) for one in org.org.leads()]
    cursor = [page async for page in side.changes(side.start(long_ago()), WANTED)][-1].cursor
    org.org.doors.purge({"id": gone})
    assert not items([page async for page in side.changes(cursor, WANTED)])
    assert await missed(side, [gone, *others], ["Email"]) == {gone}
    (told,) = await side.read([gone], ["Email"])
    assert isinstance(told, RecordDeleted)
    assert len([path for call in await org.calls() if "/jobs/query" in (path := str(call["path"])) and call["method"] == "POST"]) == (
        bulk_from == "5"
    )
    await side.close()


async def test_below_the_threshold_and_with_children_no_job_is_made(org: SalesforceWorld) -> None:
    for n in range(6):
        org.org.save("Opportunity", Name=f"Deal {n}", StageName="Prospecting", CloseDate="2027-01-31")
    assert len(items(await all_of(source(org, bulk_from="11")))) == 10
    deals: Wanted = {"Opportunity": ["Name", "OpportunityContactRoles"]}
    assert len(items(await all_of(source(org), wanted=deals))) == 6
    assert org.org.org.jobs == 0


@pytest.mark.parametrize("stop", [1, 2, 3])
async def test_a_read_that_was_cut_off_goes_on_in_the_same_job(org: SalesforceWorld, stop: int) -> None:
    side, told, cursor = source(org), list[Item](), ""
    async for page in side.everything(None, WANTED):
        told += page.items
        cursor, stop = page.cursor, stop - 1
        if not stop:
            break
    await side.close()
    told += items(await all_of(source(org), cursor))
    assert len(ids(told)) == len(set(ids(told))) == 10
    assert org.org.org.jobs == 1


async def test_a_field_that_is_mapped_meanwhile_begins_the_read_anew(org: SalesforceWorld) -> None:
    side, cursor = source(org), ""
    async for page in side.everything(None, {"Lead": ["Email"]}):
        cursor = page.cursor
        break
    await side.close()
    told = items(await all_of(source(org), cursor))
    assert len(ids(told)) == 10
    assert all(one.fields.keys() == set(WANTED["Lead"]) for one in told if isinstance(one, RecordChanged))
    assert org.org.org.jobs == 2


@pytest.mark.parametrize("stop", [0, 1, 2])
async def test_a_page_that_is_too_long_is_asked_for_by_halves(org: SalesforceWorld, monkeypatch: pytest.MonkeyPatch, stop: int) -> None:
    for one in org.org.leads():
        org.org.save("Lead", str(one["Id"]), Notes__c="x" * 1000)
    side, told, cursor = source(org, bulk_page="8"), list[Item](), None
    await side.fields("Lead")
    for _ in range(stop):  # what was told of a long page stays told when shorter ones follow
        async for page in side.everything(cursor, WANTED):
            told, cursor = [*told, *page.items], page.cursor
            break
    monkeypatch.setattr("connectors.http.MAX_BYTES", 7_000)
    told += items([page async for page in side.everything(cursor, WANTED)])
    await side.close()
    assert len(ids(told)) == len(set(ids(told))) == 10
    assert org.org.org.jobs == 1


@pytest.mark.parametrize("how", ["gone", "failed", "refused"])
async def test_where_a_job_fails_the_object_is_read_by_rest(org: SalesforceWorld, how: str) -> None:
    cursor = None
    if how == "gone":
        side = source(org)
        async for page in side.everything(None, WANTED):
            cursor = page.cursor
            break
        await side.close()
        org.org.bulk.jobs.clear()
    elif how == "failed":
        org.org.bulk.fail = "InternalServerError: retried too often"
    else:
        await org.fault(
            kind="status", status=400, path="/jobs/query", body='[{"errorCode": "FEATURENOTENABLED", "message": "not enabled"}]'
        )
    assert len(items(await all_of(source(org), cursor))) == 10


@pytest.mark.parametrize(("counted", "jobs"), [(True, 1), (False, 0)])
async def test_where_the_counts_are_refused_everything_is_read_all_the_same(org: SalesforceWorld, counted: bool, jobs: int) -> None:
    org.org.org.setup = False  # /limits/recordCount is for who has View Setup and Configuration
    if not counted:
        await org.fault(kind="status", status=400, path="/query", body='[{"errorCode": "MALFORMED_QUERY", "message": "no count"}]')
    assert len(items(await all_of(source(org)))) == 10
    assert org.org.org.jobs == jobs


async def test_a_job_that_takes_its_time_is_waited_for(org: SalesforceWorld) -> None:
    org.org.bulk.looks = 5
    assert len(items(await all_of(source(org)))) == 10


async def test_a_page_that_does_not_hold_what_it_counts_is_surprising(org: SalesforceWorld) -> None:
    headers = {"Sforce-NumberOfRecords": "9", "Content-Type": "text/csv"}
    await org.fault(kind="status", status=200, path="/results", body='"Id"\n"00Q"\n', headers=headers)
    with pytest.raises(Surprising):
        await all_of(source(org))


@pytest.mark.parametrize("text", [b"\xff\xfe\x00", b'"Id"\n"00Q', b'"Id"\n"1","2"\n', b'"Id","Email"\n"1"\n'])
def test_what_is_no_csv_is_surprising(text: bytes) -> None:
    with pytest.raises(Surprising):
        list(read(text, {}, 10))


def test_a_place_is_read_back_as_it_was_written() -> None:
    from datetime import UTC, datetime

    at = datetime(2026, 11, 30, 10, 0, 0, 123_000, tzinfo=UTC)
    place = Place("750A", at, at, "MTA:=/|+", 2000, "a1b2")
    assert Place.read(place.text()) == place
    assert ":" not in place.text()
    assert Place.read("00Q5f0000000001EAA") is None


async def test_simple_salesforces_bulk_client_reads_the_same(org: SalesforceWorld) -> None:
    import asyncio

    desk = Desk(org.org, org.url)

    def pages() -> list[str]:
        return list(desk.rep.bulk2.Lead.query("SELECT Id, LastName, DoNotCall FROM Lead", max_records=4, wait=0))

    found = await asyncio.to_thread(pages)
    rows = [row for page in found for some in read(page.encode(), {"DoNotCall": "flag"}, 3) for row in some]
    assert len(found) == 3
    assert {str(row["LastName"]) for row in rows} >= {str(one["LastName"]) for one in ODD}
    assert [row["DoNotCall"] for row in rows].count(True) == 1

"""Everything in Marketo read by bulk extract: the same leads as by their ids, from any place on, and what follows where there is no job or no file."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from connectors.base import Item, Page, Wanted
from connectors.contract import NotedBreaker, NotedBudget
from connectors.contract_world import items
from connectors.errors import AuthExpired, RateLimited
from connectors.marketo.pieces import LONGEST, Broken, cut, leads
from connectors.registry import load
from schemas.change import RecordChanged
from tests.contract.marketo_world import MarketoWorld, marketo_world

FIELDS = ["lastName", "email", "salStageNote", "numberOfEmployees", "annualRevenue", "metUs", "dateOfBirth", "mqlDate"]
WANTED: Wanted = {"leads": [*FIELDS, "lists.1001", "programs.3001"]}
ODD: list[dict[str, Any]] = [
    {"lastName": 'Ö"str, \n🙂', "salStageNote": "line one\r\nline two", "numberOfEmployees": 7, "annualRevenue": 1.5, "metUs": True},
    {"lastName": "שלום", "dateOfBirth": "2000-02-29", "mqlDate": "2026-11-30T10:00:00Z", "metUs": False},
    {"lastName": "0", "numberOfEmployees": 0, "annualRevenue": 12_000_000.0, "salStageNote": 'a "b" \u2028 c'},
]
BULK = {"bulk_from": "5", "bulk_look_s": "0", "bulk_bytes": "100"}
ALL = {f"marketo:leads:{n}" for n in range(1, 13)}
DAYS = (90, 90, 89, 60.5, 60, 45, 30, 29, 2, 1, 0.5, 0)


@pytest.fixture
async def world() -> AsyncIterator[MarketoWorld]:
    async with marketo_world() as world:
        now = datetime.now(UTC)
        for n, days in enumerate(DAYS):
            world.held = now - timedelta(days=days)
            world.vendor.put({"email": f"p{n}@nord.example", **(ODD[n] if n < len(ODD) else {})})
        world.held = None
        world.vendor.lists[1001] = {2, 11}
        world.vendor.leads.get(3).programs = {3001: "Registered"}
        yield world


async def all_of(world: MarketoWorld, cursor: str | None = None, wanted: Wanted = WANTED, most: int = 10_000, **options: str) -> list[Page]:
    """Read everything from a cursor on by a source that was just started; so many pages at most."""
    connection = world.connection(**{**BULK, **options})  # type: ignore[arg-type]  # all of them are options
    side, found = load("marketo").source(connection, NotedBudget(), NotedBreaker()), list[Page]()
    try:
        async for page in side.everything(cursor, wanted):
            found.append(page)
            if len(found) == most:
                break
        return found
    finally:
        await side.close()


def told(found: list[Item]) -> list[dict[str, Any]]:
    rows = [one.model_dump(exclude={"received_at", "read_at"}) for one in found]
    return sorted(rows, key=lambda row: int(row["ref"].rpartition(":")[2]))


def refs(found: list[Item]) -> set[str]:
    return {one.ref for one in found if isinstance(one, RecordChanged)}


async def calls(world: MarketoWorld, end: str) -> int:
    return sum(str(one["path"]).startswith("/bulk/") and str(one["path"]).endswith(end) for one in await world.calls())


async def test_an_extract_tells_the_same_as_the_ids(world: MarketoWorld) -> None:
    began = datetime.now(UTC)
    by_job, by_ids = await all_of(world), await all_of(world, bulk_from="0")
    assert told(items(by_job)) == told(items(by_ids))
    assert len(items(by_job)) == len(DAYS)
    assert [page.done for page in by_job].count(True) == 1
    assert by_job[-1].done
    assert all(
        one.bulk and one.complete and one.read_at and one.read_at >= began for one in items(by_job) if isinstance(one, RecordChanged)
    )
    jobs = list(world.vendor.exports.jobs.values())
    assert [job.rows for job in jobs] == [3, 3, 4, 3], "four months whose ends overlap, and no lead is told twice"
    assert await calls(world, "/file.json") == sum(-(-len(job.file) // 100) for job in jobs), "in pieces, none of them twice"


async def test_it_goes_on_from_where_it_was_cut_off_in_the_same_jobs(world: MarketoWorld) -> None:
    whole = await all_of(world, bulk_bytes="500")
    for stop in range(1, len(whole), 2):
        world.vendor.exports.jobs.clear()
        first = await all_of(world, most=stop, bulk_bytes="500")
        rest = await all_of(world, first[-1].cursor, bulk_bytes="500")
        assert told([*items(first), *items(rest)]) == told(items(whole)), stop
        assert len(world.vendor.exports.jobs) == 4, "no job is made twice"


async def test_a_full_read_keeps_to_bulks_share_of_the_days_calls(world: MarketoWorld) -> None:
    for least in ("1", "0"):
        budget = NotedBudget()
        side = load("marketo").source(world.connection(**{**BULK, "bulk_from": least}), budget, NotedBreaker())  # type: ignore[arg-type]  # all of them are options
        assert [one async for one in side.everything(None, WANTED)]
        await side.close()
        others = [one for one in budget.slots if one == ("daily", "normal")]
        assert len(others) <= 2, "the schema, and the day's calls"


async def test_few_leads_are_read_by_their_ids(world: MarketoWorld) -> None:
    assert len(items(await all_of(world, bulk_from="13"))) == len(DAYS)
    assert world.vendor.exports.jobs == {}


async def refused(world: MarketoWorld, path: str, code: str, words: str, times: int = 99) -> None:
    body = json.dumps({"requestId": "1", "success": False, "errors": [{"code": code, "message": words}]})
    await world.fault(kind="status", path=path, status=200, body=body, times=times)


@pytest.mark.parametrize(
    ("path", "code", "words"),
    [
        ("/create.json", "1029", "Export daily quota 500MB exceeded."),
        ("/enqueue.json", "1029", "Export daily quota 500MB exceeded."),
        ("/create.json", "1035", "Unsupported filter type for target subscription"),
        ("/create.json", "603", "Access denied"),
        ("/create.json", "703", "The feature is not enabled for the subscription"),
        ("/export.json", "610", "Requested resource not found"),
        ("/status.json", "1003", "Invalid data"),
        ("/file.json", "1013", "Object not found"),
    ],
)
async def test_where_there_are_no_jobs_leads_are_read_by_their_ids(world: MarketoWorld, path: str, code: str, words: str) -> None:
    await refused(world, path, code, words)
    assert refs(items(await all_of(world))) == ALL


async def test_our_share_of_the_day_is_kept(world: MarketoWorld) -> None:
    found = await all_of(world, bulk_mb="0.0001")  # a hundred bytes: two jobs are asked for before it is known how long the first is
    assert refs(items(found)) == ALL
    assert len(world.vendor.exports.jobs) == 2
    await all_of(world, bulk_mb="0.0001")
    assert len(world.vendor.exports.jobs) == 2, "used up by those of today"
    yesterday = datetime.now(UTC) - timedelta(days=1)
    for job in world.vendor.exports.jobs.values():
        job.finished = yesterday
    await all_of(world, bulk_mb="0.0001")
    assert len(world.vendor.exports.jobs) == 4


async def test_the_rest_is_read_by_ids_from_where_the_day_ended(world: MarketoWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.marketo.full._OVERLAP", 2)
    first = await all_of(world, most=4, bulk_bytes="100000")
    assert '"known":6' in first[-1].cursor
    world.vendor.exports.quota = 1
    rest = await all_of(world, first[-1].cursor)
    assert refs([*items(first), *items(rest)]) == ALL
    assert "marketo:leads:2" not in refs(items(rest)), "the months that were told are not read once more"


@pytest.mark.parametrize("how", ["failed", "gone", "expired", "cut off", "altered", "fewer"])
async def test_a_file_that_is_not_what_was_promised_is_made_again(world: MarketoWorld, how: str) -> None:
    first = await all_of(world, most=2)
    jobs = world.vendor.exports.jobs
    job = next(iter(jobs.values()))
    match how:
        case "failed":
            job.status = "Failed"
        case "gone":
            jobs.clear()
        case "expired":
            job.finished = datetime.now(UTC) - timedelta(days=8)
        case "cut off":
            await world.fault(kind="status", path="/file.json", status=206, body="fewer bytes")
        case "altered":
            first = []  # only who reads it from its beginning can tell
            body = job.file.decode().replace("nord", "nerd")
            await world.fault(kind="status", path="/file.json", status=206, body=body)
        case _:
            job.rows += 1
    rest = await all_of(world, first[-1].cursor if first else None, bulk_bytes="100" if first else "100000")
    assert refs([*items(first), *items(rest)]) == ALL
    assert len(jobs) > 4 or how == "gone"
    assert '"extract"' in rest[-1].cursor, "by jobs to its end"
    assert {str(one.email) for one in items(rest) if isinstance(one, RecordChanged)} <= {f"p{n}@nord.example" for n in range(12)}


async def test_a_field_that_is_wanted_from_now_on_is_read_with_the_rest(world: MarketoWorld) -> None:
    first = await all_of(world, most=2, wanted={"leads": ["lastName"]})
    rest = await all_of(world, first[-1].cursor, {"leads": ["lastName", "salStageNote"]})
    assert {one.fields["salStageNote"] for one in items(rest) if isinstance(one, RecordChanged)} > {ODD[0]["salStageNote"], None}
    assert refs(items(rest)) == ALL


async def test_a_full_queue_is_waited_for_and_a_job_is_looked_at_as_seldom_as_told(world: MarketoWorld) -> None:
    await refused(world, "/enqueue.json", "1029", "Too many jobs in queue", times=3)
    running = json.dumps({"requestId": "1", "success": True, "result": [{"exportId": "1", "status": "Processing"}]})
    await world.fault(kind="status", path="/status.json", status=200, body=running, times=3)
    assert refs(items(await all_of(world, bulk_look_s="0.02"))) == ALL
    assert await calls(world, "/enqueue.json") == 4 + 3
    seen = [one for one in await world.calls() if str(one["path"]).endswith("/status.json")]
    looks = [datetime.fromisoformat(one["at"]) for one in seen if one["path"] == seen[0]["path"]]
    assert len(looks) == 4
    assert min(later - at for at, later in pairwise(looks)) >= timedelta(seconds=0.015)


async def test_a_job_that_takes_too_long_is_cancelled(world: MarketoWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    world.vendor.exports.takes = timedelta(days=1)
    monkeypatch.setattr("connectors.marketo.bulk.PATIENCE_S", 0.02)
    assert len(items(await all_of(world, bulk_look_s="0.01"))) == len(DAYS)
    assert {job.status for job in world.vendor.exports.jobs.values()} >= {"Cancelled"}


async def test_the_days_calls_and_a_revoked_key_are_told_as_ever(world: MarketoWorld) -> None:
    await world.fault(kind="quota", path="/create.json")
    with pytest.raises(RateLimited) as limited:
        await all_of(world)
    assert limited.value.daily
    await refused(world, "/file.json", "601", "Access token invalid", times=2)
    with pytest.raises(AuthExpired):  # in the place of the file, by HTTP 200
        await all_of(world)


async def test_the_doctor_says_what_of_the_days_exports_is_used(world: MarketoWorld) -> None:
    async def said(**options: str) -> list[str]:
        side = load("marketo").source(world.connection(**options), NotedBudget(), NotedBreaker())  # type: ignore[arg-type]
        found = [one for one in await side.doctor({}) if "xport" in one.what or "extract" in one.what]
        await side.close()
        assert all(one.ok for one in found)
        return [one.what.partition(": ")[2] for one in found]

    await all_of(world)
    next(iter(world.vendor.exports.jobs.values())).file *= 10_000
    used = world.vendor.exports.used() / 1e6
    assert await said() == [f"{used:.0f} of 250 MB of today's exports used by Truce"]
    assert used > 1
    assert await said(bulk_from="0") == []
    await refused(world, "/export.json", "603", "Access denied")
    assert await said() == ["there is no bulk extract: all leads are read by their ids"]


# --- the file -------------------------------------------------------------------------------------------------------------------

TEXT = '\ufeffid,createdAt\n1,"a\n""b""\nc"\r\n2,null\n\n3,""'.encode()


@pytest.mark.parametrize("at", range(len(TEXT) + 1))
def test_a_file_may_be_cut_anywhere(at: int) -> None:
    first, rest = cut(TEXT[:at], last=False)
    more, left = cut(rest + TEXT[at:], last=True)
    assert left == b""
    assert b"".join([*first, *more]) == TEXT
    head, *rows = [*first, *more]
    assert leads(rows, ["id", "createdAt"], ["id"]) == [
        {"id": "1", "createdAt": 'a\n"b"\nc'},
        {"id": "2", "createdAt": None},
        {"id": "3", "createdAt": None},
    ]
    assert head.endswith(b"createdAt\n")


@pytest.mark.parametrize("lines", [[b"\xff\xfe\x00\n"], [b'1,"2\n'], [b"1,2,3\n"], [b"1\n"], [b'1,"2" \n']])
def test_what_is_no_file_of_leads_is_broken(lines: list[bytes]) -> None:
    with pytest.raises(Broken):
        leads(lines, ["id", "createdAt"], ["id"])
    with pytest.raises(Broken):
        leads([], ["id"], ["id", "createdAt"])


def test_a_line_without_an_end_is_broken() -> None:
    with pytest.raises(Broken):
        cut(b'1,"' + b"x" * LONGEST, last=False)

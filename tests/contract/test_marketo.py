"""Marketo against the standard suite, and what only Marketo has: its log by tokens, merges without a notice, keys that are not unique."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

import pytest

from connectors.base import Create, Done, Failed, Item, RowOutcome, Sink, Source, Unwelcome, Update
from connectors.contract import ConnectorContract, Emulated, NotedBreaker, NotedBudget
from connectors.contract_world import items, long_ago, pages, snapshots
from connectors.dialect import Kind
from connectors.emulator.marketo import activities
from connectors.emulator.marketo.leads import Actor
from connectors.errors import Conflict, ConnectorError, Gone, Rejected, Surprising
from connectors.marketo.mapping import CODES
from connectors.registry import load
from schemas.base import Scalar
from schemas.change import RecordChanged, RecordDeleted, RecordMerged
from schemas.touch import TouchRecorded
from tests.contract.marketo_world import MarketoWorld, marketo_world


class TestMarketo(ConnectorContract):
    vendor: ClassVar[str] = "marketo"
    payloads: ClassVar[Path] = Path(__file__).parent / "marketo"
    codes: ClassVar[Mapping[str, Kind]] = CODES
    statuses: ClassVar[Mapping[int, type[ConnectorError]]] = {413: Rejected, 414: Surprising}
    """The two of its REST guide, Error Codes: all else is said in the body of a 200."""
    picklists: ClassVar[bool] = False

    def emulated(self) -> AbstractAsyncContextManager[Emulated]:
        return marketo_world()


@pytest.fixture
async def world() -> AsyncIterator[MarketoWorld]:
    async with marketo_world() as world:
        yield world


@pytest.fixture
async def source(world: MarketoWorld) -> AsyncIterator[Source]:
    source = load("marketo").source(world.connection(), NotedBudget(), NotedBreaker())
    yield source
    await source.close()


@pytest.fixture
async def sink(world: MarketoWorld) -> AsyncIterator[Sink]:
    sink = load("marketo").sink(world.connection(), NotedBudget(), NotedBreaker())
    yield sink
    await sink.close()


def create(email: str, truce_id: str, **more: Scalar) -> Create:
    return Create(key=truce_id, object="leads", fields={"truceId": truce_id, "email": email, **more})


def update(ident: str, **fields: Scalar) -> Update:
    return Update(key=ident, object="leads", id=ident, fields={name.replace("__", "."): value for name, value in fields.items()})


def error(outcome: RowOutcome) -> Exception:
    assert isinstance(outcome, Failed)
    return outcome.error


async def since(source: Source, cursor: str = "", fields: Sequence[str] = ("email",)) -> Sequence[Item]:
    return items(await pages(source, cursor or source.start(long_ago()), fields))


# --- the activity log -----------------------------------------------------------------------------------------------------------


async def test_a_merge_is_seen_by_the_poll_in_the_winners_log(world: MarketoWorld, source: Source) -> None:
    winner, *losers = [world.vendor.put({"email": f"m{n}@example.com"}) for n in range(3)]
    first = await pages(source, source.start(long_ago()), ["email"])
    world.vendor.merge(winner, *losers)
    found = await since(source, first[-1].cursor)
    assert [(one.survivor, set(one.losers)) for one in found if isinstance(one, RecordMerged)] == [
        (f"marketo:leads:{winner}", {f"marketo:leads:{one}" for one in losers})
    ]
    assert snapshots(found).keys() == {winner}
    assert not [one for one in found if isinstance(one, RecordDeleted)]


async def test_a_lead_that_was_merged_before_the_look_back_is_told_as_gone(world: MarketoWorld) -> None:
    world.held = datetime.now(UTC) - timedelta(days=8)
    winner, loser = world.vendor.put({"email": "w@example.com"}), world.vendor.put({"email": "l@example.com"})
    world.vendor.merge(winner, loser)
    world.held = None
    source = load("marketo").source(world.connection(), NotedBudget(), NotedBreaker())
    assert [type(one) for one in await source.read([loser, "99"], ["email"])] == [RecordDeleted] * 2
    await source.close()


async def test_what_the_log_is_asked_beside_the_polls_is_bounded(world: MarketoWorld, source: Source) -> None:
    now, log = datetime.now(UTC), "/rest/v1/activities.json"
    world.held = now - timedelta(hours=3)
    old = world.vendor.put({"email": "old@example.com"})
    for n in range(800):  # a page looks through seven: of all types, as the real one's does through 300
        world.held = now - timedelta(minutes=110) + n * timedelta(seconds=8)
        world.vendor.act(old, activities.VISIT, "acme.example")
    world.held = None
    async for _ in source.everything(None, {"leads": ["email"]}):
        pass
    pages_of = [one["path"] for one in await world.calls()].count(log)
    assert pages_of <= 100, "of the last hour no new lead is known, of the day one"
    winner, loser = world.vendor.put({"email": "w@example.com"}), world.vendor.put({"email": "l@example.com"})
    world.vendor.merge(winner, loser)
    assert [type(one) for one in await source.read([loser], ["email"])] == [RecordMerged]
    assert [one["path"] for one in await world.calls()].count(log) - pages_of <= 70, "what was merged in the last hour is looked for there"


async def test_what_a_person_did_is_a_touch(world: MarketoWorld, source: Source) -> None:
    ident = world.vendor.fill_form("kim@example.com", "Talk to us", firstName="Kim")
    world.vendor.act(ident, activities.VISIT, "acme.example/prices", **{"Webpage URL": "/prices"})
    world.vendor.act(ident, activities.LINK, "acme.example/book")
    world.vendor.act(ident, activities.OPEN, "News of May")
    world.vendor.act(ident, activities.CLICK, "News of May", **{"Is Bot Activity": True, "Link": "acme.example"})
    world.vendor.act(ident, activities.MOMENT, "Milestone", Description="Came twice in a week")
    world.vendor.act(ident, activities.PROGRESS, "Webinar", **{"New Status": "Attended", "Old Status": "Invited", "Success": True})
    found = [one for one in await since(source) if isinstance(one, TouchRecorded)]
    assert [(one.kind, one.name) for one in found] == [
        ("form", "Talk to us"), ("visit", "acme.example/prices"), ("click", "acme.example/book"), ("open", "News of May"),
        ("click", "News of May"), ("other", "Milestone"), ("campaign", "Webinar"),
    ]  # fmt: skip
    assert [one.machine for one in found] == [False] * 4 + [True] + [False] * 2
    assert found[-1].details == {"New Status": "Attended", "Old Status": "Invited"}
    assert {one.ref for one in found} == {f"marketo:leads:{ident}"}
    assert [one.activity_id for one in await since(source) if isinstance(one, TouchRecorded)] == [one.activity_id for one in found]


async def test_of_a_programs_statuses_only_an_answer_is_a_touch_and_none_that_we_set_ourselves(
    world: MarketoWorld, source: Source, sink: Sink
) -> None:  # fmt: skip
    kim, leo = (world.vendor.put({"email": f"{name}@example.com"}) for name in ("kim", "leo"))
    for status in ("Invited", "Registered", "Attended"):
        world.vendor.progress(world.vendor.leads.get(kim), 3001, status, Actor("maria", "Manual"))
    assert [type(row) for row in await sink.update([update(leo, programs__3001="Attended")])] == [Done]
    found = [one for one in await since(source) if isinstance(one, TouchRecorded)]
    assert [(one.kind, one.ref, one.details["New Status"]) for one in found] == [("campaign", f"marketo:leads:{kim}", "Attended")]
    assert [one["path"] for one in await world.calls()].count("/rest/asset/v1/channel/byName.json") == 1, "each program is asked about once"
    world.vendor.denied.add("assets")
    for status, success in (("Invited to the fair", False), ("Visited booth", True)):
        world.vendor.act(kim, activities.PROGRESS, "Fair", **{"New Status": status, "Success": success})
    blind = load("marketo").source(world.connection(), NotedBudget(), NotedBreaker())
    told = [one.details["New Status"] for one in await since(blind) if isinstance(one, TouchRecorded)]
    await blind.close()
    assert told == ["Attended", "Visited booth"], "where no channel is shown, the activity's own word counts"


async def test_who_acted_is_told(world: MarketoWorld, source: Source) -> None:
    by = {
        name: world.vendor.put({"email": f"{n}@example.com"}, source=name)
        for n, name in enumerate(("Manual", "Web form fillout", "List import", "Web service API", "Marketo Flow Action", "Moon"))
    }
    found = snapshots(await since(source))
    assert [found[ident].origin for ident in by.values()] == ["person", "form", "import", "api", "automation", "unknown"]
    assert [found[ident].bulk for ident in by.values()] == [False, False, True, False, False, False]
    assert all(one.created for one in found.values())


async def test_a_fields_time_is_told_only_of_a_value_that_stands(world: MarketoWorld, source: Source) -> None:
    world.held = long_ago()
    ident = world.vendor.put({"email": "t@example.com"})
    for phone in ("+1 1", "+1 2"):
        world.held += timedelta(minutes=1)
        world.vendor.put({"phone": phone}, ident=ident)
    fields, told = {"leads": ["phone"]}, list[RecordChanged]()
    async for page in source.changes(source.start(long_ago() - timedelta(hours=1)), fields):
        told += [one for one in page.items if isinstance(one, RecordChanged)]
    assert told[-1].fields == {"phone": "+1 2"}
    assert told[-1].times == {"phone": world.held.replace(microsecond=0)}
    world.vendor.log.entries.pop()  # as it is for a page that ends before the last change
    (before,) = [one for one in await since(source, fields=["phone"]) if isinstance(one, RecordChanged)]
    assert before.times == {}


async def test_a_change_that_is_lost_among_others_is_found(world: MarketoWorld, source: Source) -> None:
    ident = world.vendor.put({"email": "quiet@example.com"})
    first = await pages(source, source.start(long_ago()), ["phone"])
    for n in range(40):  # of fields that nobody wants, and of a type that nobody asks for: empty pages, and yet more
        world.vendor.put({"city": f"City {n}"}, ident=ident)
        world.vendor.act(ident, 99)
    world.vendor.put({"phone": "+1 9"}, ident=ident)
    found = snapshots(await since(source, first[-1].cursor, ["phone"]))
    assert found[ident].fields == {"phone": "+1 9"}


async def test_a_score_that_rose_is_read(world: MarketoWorld, source: Source) -> None:
    ident = world.vendor.put({"email": "score@example.com"})
    first = await pages(source, source.start(long_ago()), ["engagementScore"])
    world.vendor.put({"engagementScore": 70}, ident=ident, source="Marketo Flow Action")
    found = snapshots(await since(source, first[-1].cursor, ["engagementScore"]))
    assert (found[ident].fields, found[ident].origin) == ({"engagementScore": 70}, "automation")


async def test_a_paging_token_that_ended_begins_the_sweep_again(world: MarketoWorld, source: Source) -> None:
    ids = {world.vendor.put({"email": f"p{n}@example.com"}) for n in range(9)}
    first = (await pages(source, source.start(long_ago()), ["email"]))[0]
    assert '"under_way":true' in first.cursor
    broken = first.cursor.replace('"leadchanges":"', '"leadchanges":"x')
    found = snapshots(await since(source, broken)).keys() | snapshots(first.items).keys()
    assert found == ids


async def test_after_a_burst_the_look_back_costs_no_more_than_reading_on_and_finds_who_shows_late(world: MarketoWorld) -> None:
    source, told, polls = load("marketo").source(world.connection(lookback_s="600"), NotedBudget(), NotedBreaker()), list[Item](), 30
    ids = [world.vendor.put({"email": f"burst{n}@example.com"}) for n in range(71)]  # ten pages and one more of what is looked through
    async with world.hidden(ids[40]):
        cursor = (await pages(source, source.start(long_ago()), ["email"]))[-1].cursor
    before = len(await world.calls())
    for _ in range(polls):
        found = await pages(source, cursor, ["email"])
        told, cursor = [*told, *items(found)], found[-1].cursor
    assert snapshots(told).keys() == {ids[40]}
    assert len(told) == 1, "nothing is told twice, however much it is"
    log = [one["path"] for one in (await world.calls())[before:] if "/activities" in str(one["path"])]
    looks = [path for path in log if str(path).endswith("pagingtoken.json")]
    assert len(looks) == 2, "the first when what it is to cost was paid by reading on, and so the second"
    assert len(log) < 2 * polls * 3 + 46, "three steps a poll, as much again, and what the last look-back took"
    await source.close()


async def test_a_sweep_that_rested_in_the_middle_leaves_nothing_out(world: MarketoWorld, source: Source) -> None:
    ident, now = world.vendor.put({"email": "rest@example.com", "phone": "+1 1"}), datetime.now(UTC)
    world.vendor.act(ident, activities.VISIT, "before")
    found = await pages(source, source.start(long_ago()), ["phone"])
    middle = next(page.cursor for page in found if '"step":1' in page.cursor)
    world.held = now + timedelta(minutes=30)  # the process was away; values have been read, activities not yet
    world.vendor.put({"phone": "+1 2"}, ident=ident)
    world.held = now + timedelta(minutes=40)
    world.vendor.act(ident, activities.VISIT, "after")
    rest = await pages(source, middle, ["phone"])
    assert "after" in [one.name for one in items(rest) if isinstance(one, TouchRecorded)]
    told = snapshots([*items(rest), *await since(source, rest[-1].cursor, ["phone"])])
    assert told[ident].fields == {"phone": "+1 2"}


async def test_a_full_read_crosses_a_gap_in_the_ids(world: MarketoWorld, source: Source) -> None:
    ids = [world.vendor.put({"email": f"g{n}@example.com"}) for n in range(60)]
    for ident in ids[2:58]:
        world.vendor.delete(ident)
    found = set[str]()
    async for page in source.everything(None, {"leads": ["email"]}):
        found |= snapshots(page.items).keys()
    assert found == {*ids[:2], *ids[58:]}


async def test_marketo_calls_nobody(source: Source) -> None:
    with pytest.raises(Unwelcome):
        source.notice("POST", "https://example.com/", {}, b"{}", received_at=datetime.now(UTC))


# --- writing --------------------------------------------------------------------------------------------------------------------


async def test_a_taken_email_is_a_conflict_that_names_who_has_it(world: MarketoWorld, sink: Sink) -> None:
    first = world.vendor.put({"email": "Taken@example.com"})
    refused = error((await sink.create([create("taken@example.com", "t-1")]))[0])
    assert isinstance(refused, Conflict)
    assert refused.existing == (first,)
    second = world.vendor.put({"email": "taken@example.com"})
    refused = error((await sink.create([create("taken@example.com", "t-1")]))[0])
    assert isinstance(refused, Conflict)
    assert refused.existing == (first, second)
    assert len(world.vendor.leads.live) == 2


async def test_people_without_an_address_are_made_by_their_truce_id(world: MarketoWorld, sink: Sink) -> None:
    row = Create(key="k", object="leads", fields={"truceId": "t-9", "lastName": "Nameless"})
    made, again = (await sink.create([row]))[0], (await sink.create([row]))[0]
    assert isinstance(made, Done)
    assert isinstance(again, Done)
    assert (made.id, made.created, again.created) == (again.id, True, False)


async def test_two_creates_of_one_address_at_once_make_one_lead(world: MarketoWorld, sink: Sink) -> None:
    await sink.capabilities("leads")
    world.vendor.faults.latency_s = 0.05
    told = await asyncio.gather(*(sink.create([create("once@example.com", f"t-{n}")]) for n in range(3)))
    assert sorted(type(one[0]).__name__ for one in told) == ["Done", "Failed", "Failed"]
    assert len(world.vendor.leads.live) == 1
    other = load("marketo").sink(world.connection(), NotedBudget(), NotedBreaker())
    await other.capabilities("leads")
    await asyncio.gather(sink.create([create("twice@example.com", "a")]), other.create([create("twice@example.com", "b")]))
    await other.close()
    assert len(world.vendor.leads.live) == 3, "the vendor itself makes two of what two callers send at once"


async def test_one_address_twice_in_a_batch_makes_one_lead(world: MarketoWorld, sink: Sink) -> None:
    rows = [create("Same@example.com", "t-1"), create("else@example.com", "t-2"), create("same@example.com", "t-3")]
    told = await sink.create(rows)
    assert [type(one).__name__ for one in told] == ["Done", "Done", "Failed"]
    assert isinstance(error(told[2]), Conflict)
    assert len(world.vendor.leads.live) == 2


async def test_a_batch_that_is_too_long_is_sent_in_halves(world: MarketoWorld, sink: Sink) -> None:
    ids = [world.vendor.put({"email": f"long{n}@example.com"}) for n in range(300)]
    told = await sink.update([update(ident, salStageNote="🦊" * 1900) for ident in ids])
    assert [type(one) for one in told] == [Done] * 300
    assert [one["status"] for one in await world.calls() if one["writing"]].count(413) >= 1


async def test_a_lead_that_is_gone_and_an_id_that_is_none_are_told(world: MarketoWorld, sink: Sink) -> None:
    ident = world.vendor.put({"email": "here@example.com"})
    told = await sink.update([update("77", phone="1"), update(ident, phone="1"), update("x-1", phone="1")])
    assert [isinstance(one, Done) or type(one.error) for one in told] == [Gone, True, Gone]


async def test_a_list_is_a_flag_and_its_campaign_is_requested_once(world: MarketoWorld, sink: Sink, source: Source) -> None:
    one, two = (world.vendor.put({"email": f"l{n}@example.com"}) for n in range(2))
    assert "lists.1001" in (await sink.capabilities("leads")).writable
    assert (await source.fields("leads"))["lists.1001"] == "flag"
    assert snapshots(await sink.read([one], ["lists.1001"]))[one].fields == {"lists.1001": False}
    for rows in ([update(one, lists__1001=True, phone="1")], [update(one, lists__1001=True), update(two, lists__1001=True)]):
        assert {type(row) for row in await sink.update(rows)} == {Done}
    assert world.vendor.lists[1001] == {int(one), int(two)}
    assert world.vendor.campaigns[2001] == [int(one), int(two)]
    first = await pages(source, source.start(long_ago()), ["lists.1001"])
    assert {row.fields["lists.1001"] for row in snapshots(items(first)).values()} == {True}
    for _ in range(2):  # off, and off again
        assert [type(row) for row in await sink.update([update(one, lists__1001=False)])] == [Done]
    found = snapshots(await since(source, first[-1].cursor, ["lists.1001"]))
    assert (found[one].fields, found[one].origin) == ({"lists.1001": False}, "own")


async def test_a_new_lead_is_put_on_its_lists_and_into_its_programs(world: MarketoWorld, sink: Sink) -> None:
    joined: dict[str, Scalar] = {"lists.1001": True, "programs.3001": "Registered"}
    made, nowhere = await sink.create(
        [create("n0@example.com", "t-0", **joined), create("n1@example.com", "t-1", **{"programs.3001": "None"})]
    )
    assert isinstance(made, Done)
    assert isinstance(nowhere, Done), "it is there all the same"
    assert (made.left, nowhere.left) == ((), ("programs.3001",))
    read = snapshots(await sink.read([made.id, nowhere.id], list(joined)))
    assert [read[one.id].fields for one in (made, nowhere)] == [joined, {"lists.1001": False, "programs.3001": None}]


async def test_a_campaign_is_requested_for_a_hundred_at_once(world: MarketoWorld, sink: Sink) -> None:
    ids = [world.vendor.put({"email": f"c{n}@example.com"}) for n in range(201)]
    told = await sink.update([update(one, lists__1001=True) for one in ids])
    assert {type(row) for row in told} == {Done}
    assert world.vendor.campaigns[2001] == [int(one) for one in ids]
    assert [one["rows"] for one in await world.calls() if str(one["path"]).endswith("/trigger.json")] == [100, 100, 1]


async def test_a_programs_statuses_are_those_of_its_channel(world: MarketoWorld, source: Source) -> None:
    (seen,) = [one for one in await source.described("leads") if one.name == "programs.3001"]
    assert (seen.type, [value for value, _ in seen.values], seen.closed) == ("picklist", ["Invited", "Registered", "Attended"], True)
    world.vendor.denied.add("assets")
    (seen,) = [one for one in await source.described("leads") if one.name == "programs.3001"]
    assert seen.values == ()


async def test_all_channels_are_read_with_what_is_a_success(world: MarketoWorld, source: Source) -> None:
    world.vendor.programs = {**world.vendor.programs, **{4000 + n: ("Invited", "Visited booth") for n in range(201)}}
    told = await source.about()
    assert told.answers == {"Invited": False, "Registered": False, "Attended": True, "Visited booth": True}
    assert [one["path"] for one in await world.calls()].count("/rest/asset/v1/channels.json") == 2
    (said,) = [one for one in await source.doctor({}) if "a response" in one.what]
    assert (said.what, said.todo) == ("marketo: a response to a program is what its channel calls a success: Attended, Visited booth", "")
    world.vendor.denied.add("assets")
    assert (await source.about()).answers == {}
    (said,) = [one for one in await source.doctor({}) if "no channel" in one.what]
    assert (said.ok, "Read-Only Assets" in said.todo) == (True, True)


async def test_what_the_api_user_may_do_is_tried_on_nobody(world: MarketoWorld, source: Source) -> None:
    await world.seed({"email": "kim@example.com"})
    before = list(await world.effects())
    assert await source.rights("leads") == frozenset({"read", "create", "edit"})
    world.vendor.denied.add("write")
    assert await source.rights("leads") == frozenset({"read"})
    await world.fault(kind="status", path="/leads.json", status=200, body=json.dumps({"requestId": "1", "success": True}))
    assert await source.rights("leads") is None
    assert list(await world.effects()) == before


async def test_a_field_that_is_not_in_the_answer_is_blank(world: MarketoWorld, source: Source) -> None:
    ident = world.vendor.put({"email": "blank@example.com", "phone": "+1 1"})
    row = {"id": int(ident), "email": "blank@example.com", "createdAt": "2026-11-01T00:00:00-08:00", "updatedAt": "2026-11-01T00:00:00Z"}
    await source.fields("leads")
    await world.fault(kind="status", path="/leads.json", status=200, body=json.dumps({"requestId": "1", "success": True, "result": [row]}))
    found = snapshots(await source.read([ident], ["phone"]))
    assert found[ident].fields == {"phone": None}


async def test_a_programs_status_goes_forward_only(world: MarketoWorld, sink: Sink) -> None:
    ident = world.vendor.put({"email": "program@example.com"})
    assert [type(row) for row in await sink.update([update(ident, programs__3001="Registered")])] == [Done]
    assert snapshots(await sink.read([ident], ["programs.3001"]))[ident].fields == {"programs.3001": "Registered"}
    assert [type(row) for row in await sink.update([update(ident, programs__3001="Registered")])] == [Done], (
        "who is there is where they should be"
    )
    for status, code in (("Invited", "1037"), ("No such status", "1025"), (None, "")):
        refused = error((await sink.update([update(ident, programs__3001=status)]))[0])
        assert isinstance(refused, Rejected)
        assert [(one.field, one.code) for one in refused.refused] == [("programs.3001", code)]
    assert world.vendor.leads.get(ident).programs == {3001: "Registered"}


@pytest.mark.parametrize("words", ["Nurture", "1=x", "1,,x"])
def test_lists_that_are_no_numbers_are_named(words: str) -> None:
    with pytest.raises(ValueError, match="by their numbers"):
        load("marketo").sink(MarketoWorld().connection(lists=words), NotedBudget(), NotedBreaker())


# --- limits and the doctor ------------------------------------------------------------------------------------------------------


async def test_what_others_used_of_the_day_reaches_the_budget(world: MarketoWorld) -> None:
    world.vendor.limits.today()
    world.vendor.limits.used["other.api@acme.example"] = 40_000
    budget = NotedBudget()
    source = load("marketo").source(world.connection(), budget, NotedBreaker())
    for _ in range(3):
        await source.read(["1"], [])
    (found,) = [one for one in await source.doctor({}) if "calls used" in one.what]
    await source.close()
    counted = [(used, limit) for quota, used, limit, _ in budget.told if quota == "daily"]
    assert len(counted) == 1, "asked for every quarter of an hour, not at each call"
    assert counted[0][0] is not None
    assert counted[0][0] > 40_000
    assert not found.ok
    assert "other.api@acme.example" in found.todo


async def test_who_else_changes_fields_and_how_often_is_read_from_the_log(world: MarketoWorld, source: Source, sink: Sink) -> None:
    quiet = await source.rivals("leads", ["title"])
    assert quiet is not None
    assert (quiet.found, quiet.hidden) == ((), {}), "a log without changes is told, and tells of nobody"
    ident = await world.seed({"email": "kim@example.com", "title": "CEO"})
    await world.edit(ident, {"title": "CFO"})
    leads, enricher = world.vendor.leads, Actor("enricher", "Web service API", "enricher.api@acme.example")
    leads.change(leads.get(ident), {"title": "COO", "company": "Nordwind"}, enricher)
    (done,) = await sink.update([Update(key="k", object="leads", id=ident, fields={"title": "CTO"})])
    assert isinstance(done, Done)
    rivals = await source.rivals("leads", ["title", "company"])
    assert rivals is not None
    (rival,) = rivals.found
    assert (rival.who, rival.fields) == ("the API user enricher.api@acme.example", ("company", "title"))
    edits = await source.edits("leads", ["title", "company"], datetime.now(UTC) - timedelta(days=30))
    assert edits is not None
    assert edits.counts == {"title": 2, "company": 1}, "ours are left out"


async def test_the_doctor_makes_the_truce_id_where_it_lacks(world: MarketoWorld, source: Source, sink: Sink) -> None:
    await world.drop_field("truceId")
    assert [one.todo for one in await source.doctor({}) if not one.ok] == [
        "run doctor --fix, or create it as a custom field of type String"
    ]
    assert all(one.ok for one in await source.doctor({}, fix=True))
    made = (await sink.create([create("fixed@example.com", "t-1")]))[0]
    assert isinstance(made, Done)
    assert snapshots(await sink.find_created(["t-1"], ["email"])).keys() == {made.id}


async def test_the_doctor_names_what_is_wrong(world: MarketoWorld) -> None:
    world.vendor.lists |= {1002: set()}
    world.vendor.asleep.add(2001)
    connection = world.connection(sales_persons="", lists="1001=2001,1002=2002,1003", programs="3001,3002")
    source = load("marketo").source(connection, NotedBudget(), NotedBreaker())
    field = world.vendor.schema.fields["phone"]
    world.vendor.schema.fields["phone"] = type(field)("phone", "Phone", "phone", crm=True)
    named = {
        "createdAt": True,
        "phone": True,
        "no_such": False,
        **dict.fromkeys(("lists.9", "lists.1001", "lists.1002", "lists.1003", "programs.3001", "programs.3002", "programs.9"), True),
        "email": True,
        "externalSalesPersonId": True,
    }
    found = await source.doctor(named)
    await source.close()
    assert [one.what.partition(": ")[2] for one in found if not one.ok] == [
        "sales persons", "leads.createdAt: read-only", "the campaign 2001 (Campaign 2001)", "the campaign 2002: Object not found",
        "leads.lists.1003: Object not found", "leads.lists.9", "leads.no_such: does not exist",
        "leads.phone: Marketo's own CRM sync writes it too", "leads.programs.3002: there is no such program", "leads.programs.9",
    ]  # fmt: skip
    assert all(one.todo for one in found if not one.ok)
    assert [one.what for one in found if "3001" in one.what] == ["marketo: leads.programs.3001 (Invited, Registered, Attended)"]


async def test_the_doctor_says_that_the_credentials_are_wrong(world: MarketoWorld, source: Source) -> None:
    await world.revoke()
    (finding,) = await source.doctor({"email": True})
    assert not finding.ok
    assert "credentials" in finding.what


async def test_of_one_address_as_many_leads_are_found_as_there_are(world: MarketoWorld, sink: Sink) -> None:
    """An answer holds 300; an address is no key there, so that three hundred asked for may be more."""
    there = {world.vendor.put({"email": "same@example.com"}) for _ in range(301)}
    assert snapshots(await sink.find(["same@example.com"], {"leads": ["email"]})).keys() == there

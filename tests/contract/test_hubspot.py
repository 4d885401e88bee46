"""HubSpot against the standard suite, and what only HubSpot has."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import aiohttp
import pytest
from aiohttp import web

from connectors.base import Connection, Create, Done, Failed, Forged, RowOutcome, Sink, Source, Update
from connectors.contract import ConnectorContract, EmulatedTasks, NotedBreaker, NotedBudget
from connectors.contract_deals import Deals
from connectors.contract_world import Emulated, items, long_ago, pages, snapshots
from connectors.dialect import Kind
from connectors.emulator.faults import Fault
from connectors.emulator.hubspot import search
from connectors.errors import AuthExpired, Conflict, ConnectorError, Gone, RateLimited, Rejected, Surprising, Unavailable
from connectors.hubspot.refusals import CODES
from connectors.registry import load
from schemas.base import Scalar
from schemas.change import RecordChanged, RecordDeleted, RecordMerged
from schemas.touch import TouchRecorded
from tests.contract.hubspot_world import PRICING, WEBHOOK_SECRET, HubSpotWorld, hubspot_world, reading

FORMS = f"{PRICING.guid}=Pricing"


class TestHubSpot(ConnectorContract, Deals):
    vendor: ClassVar[str] = "hubspot"
    payloads: ClassVar[Path] = Path(__file__).parent / "hubspot"
    codes: ClassVar[Mapping[str, Kind]] = CODES
    statuses: ClassVar[Mapping[int, type[ConnectorError]]] = {
        401: AuthExpired, 403: Rejected, 414: Surprising, 423: Unavailable, 429: RateLimited, 477: RateLimited,
        **dict.fromkeys((500, 502, 503, 504, *range(521, 527)), Unavailable),
    }  # fmt: skip
    """Those of its guide "Error handling" and a 500."""

    def emulated(self) -> AbstractAsyncContextManager[EmulatedTasks]:
        return hubspot_world()

    async def test_the_vendors_count_of_the_day_reaches_the_budget(self, world: Emulated) -> None:
        assert isinstance(world, HubSpotWorld)
        world.private = True  # no app with OAuth is told
        await super().test_the_vendors_count_of_the_day_reaches_the_budget(world)


@pytest.fixture
async def world() -> AsyncIterator[HubSpotWorld]:
    async with hubspot_world() as world:
        yield world


@pytest.fixture
async def source(world: HubSpotWorld) -> AsyncIterator[Source]:
    async with reading(world) as source:
        yield source


@pytest.fixture
async def sink(world: HubSpotWorld) -> AsyncIterator[Sink]:
    sink = load("hubspot").sink(world.connection(), NotedBudget(), NotedBreaker())
    yield sink
    await sink.close()


def update(ident: str, **fields: Scalar) -> Update:
    return Update(key=f"key-{ident}", object="contacts", id=ident, fields=dict(fields))


def create(email: str, truce_id: str, **more: Scalar) -> Create:
    return Create(key=truce_id, object="contacts", fields={"truce_id": truce_id, "email": email, **more})


def done(outcome: RowOutcome) -> Done:
    assert isinstance(outcome, Done), outcome
    return outcome


def failure(outcome: RowOutcome) -> ConnectorError:
    assert isinstance(outcome, Failed), outcome
    return outcome.error


async def submit(world: HubSpotWorld, email: str, at: datetime, **values: str) -> None:
    fields = [{"objectTypeId": "0-1", "name": name, "value": value} for name, value in ({"email": email} | values).items()]
    body = {
        "submittedAt": int(at.timestamp() * 1000),
        "fields": fields,
        "context": {"pageName": "Prices", "pageUri": "https://acme.example/p"},
    }
    url = f"{world.url}/submissions/v3/integration/submit/{world.hub.portal.portal_id}/{PRICING.guid}"
    async with aiohttp.ClientSession() as session, session.post(url, json=body) as answer:
        assert answer.status == 200


@dataclass
class Receiver:
    """Takes the emulator's real webhook calls and gives them to a source as they came."""

    source: Source
    url: str = ""
    items: list[Any] = field(default_factory=list)
    read: list[str] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        try:
            found = self.source.notice(request.method, self.url, dict(request.headers), await request.read(), received_at=datetime.now(UTC))
        except Forged:
            return web.Response(status=401)
        self.items.extend(found.items)
        self.read.extend(found.read)
        return web.Response(status=204)


@asynccontextmanager
async def webhooks(world: HubSpotWorld, source: Source) -> AsyncIterator[Receiver]:
    receiver, app = Receiver(source), web.Application()
    app.router.add_post("/webhooks/hubspot", receiver.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    receiver.url = f"http://127.0.0.1:{port}/webhooks/hubspot"
    world.hub.set_webhook(receiver.url, WEBHOOK_SECRET)
    try:
        yield receiver
    finally:
        await runner.cleanup()


async def all_told(world: HubSpotWorld) -> None:
    async with asyncio.timeout(10):
        await world.hub.webhooks.sender.quiet()
    assert not world.hub.webhooks.sender.gave_up


# --- reading --------------------------------------------------------------------------------------------------------------------


async def test_a_form_is_the_same_touch_by_webhook_by_poll_and_by_list(world: HubSpotWorld) -> None:
    at = datetime.now(UTC) - timedelta(seconds=2)
    async with reading(world, form_guids=FORMS) as source, webhooks(world, source) as receiver:
        await submit(world, "Visitor@Example.com", at, firstname="Vi")
        await all_told(world)
        noticed = [one for one in receiver.items if isinstance(one, TouchRecorded)]
        polled = [one for one in items(await pages(source, source.start(long_ago()), ["email"])) if isinstance(one, TouchRecorded)]
        ident = str(world.hub.by_email("visitor@example.com")["hs_object_id"])  # type: ignore[index]
        read = [one for one in await source.read([ident], []) if isinstance(one, TouchRecorded)]
    assert len(noticed) == len(read) == 1
    assert len(polled) == 2  # the snapshot's and the list's
    assert len({one.activity_id for one in (*noticed, *polled, *read)}) == 1
    assert {one.name for one in (*noticed, *polled, *read)} == {f"Prices: {PRICING.name}"}  # whichever comes first scores the same
    assert {one.name for one in noticed} == {"Prices: Pricing"}
    assert {one.ref for one in (*noticed, *polled, *read)} == {f"hubspot:contacts:{ident}"}
    change = next(one for one in receiver.items if isinstance(one, RecordChanged))
    assert (change.email, change.created, change.origin, change.bulk) == ("visitor@example.com", True, "form", False)


async def test_the_same_form_filled_in_twice_in_a_row_keeps_its_name(world: HubSpotWorld) -> None:
    first = datetime.now(UTC) - timedelta(seconds=9)
    async with reading(world) as source, webhooks(world, source) as receiver:
        for at in (first, first + timedelta(seconds=5)):
            await submit(world, "twice@example.com", at)
            await all_told(world)
        ident = receiver.read[0].rpartition(":")[2]
        read = [one for one in await source.read([ident], []) if isinstance(one, TouchRecorded)]
    noticed = [one for one in receiver.items if isinstance(one, TouchRecorded)]
    assert receiver.read == [f"hubspot:contacts:{ident}"], "the second time HubSpot's call does not say which form it was"
    assert [one.name for one in (*noticed, *read)] == ["Prices: Pricing"] * 2
    assert [one.at - noticed[0].at for one in read] == [timedelta(seconds=5)]


async def test_the_list_tells_every_submission_and_only_the_new_ones(world: HubSpotWorld) -> None:
    start = datetime.now(UTC) - timedelta(minutes=3)
    async with reading(world, form_guids=FORMS) as source:
        cursor = source.start(start - timedelta(minutes=1))
        for n in range(60):  # more than a page of the list
            await submit(world, "again@example.com", start + timedelta(seconds=n))
        first = await pages(source, cursor, [])
        told = [one for one in items(first) if isinstance(one, TouchRecorded)]
        assert len({one.activity_id for one in told}) == 60
        await submit(world, "again@example.com", start + timedelta(seconds=100))
        later = [one for one in items(await pages(source, first[-1].cursor, [])) if isinstance(one, TouchRecorded)]
    assert {one.at for one in later} == {start.replace(microsecond=start.microsecond // 1000 * 1000) + timedelta(seconds=100)}


async def test_a_submission_that_says_a_time_to_come_keeps_none_of_the_later_ones_from_being_told(world: HubSpotWorld) -> None:
    start = datetime.now(UTC)  # whoever fills in a form may say when: HubSpot's guide lets `submittedAt` be set by an unknown sender
    async with reading(world, form_guids=FORMS) as source:
        cursor = source.start(start - timedelta(minutes=1))
        await submit(world, "future@example.com", start + timedelta(days=3650))
        first = await pages(source, cursor, [])
        for n in range(3):  # the contact's own fields tell of the first and the last of them
            await submit(world, "later@example.com", start + timedelta(seconds=n))
        later = await pages(source, first[-1].cursor, [])
        third = await pages(source, later[-1].cursor, [])
    told = [{one.activity_id: one.email for one in items(some) if isinstance(one, TouchRecorded)} for some in (first, later, third)]
    assert [*told[0].values()] == ["future@example.com"]
    assert [*told[1].values()] == ["later@example.com"] * 3
    assert told[2] == {}


@pytest.mark.parametrize("by_time", [False, True], ids=["as they came", "by the time they say"])
async def test_submissions_that_say_a_time_long_ago_hide_none_and_are_told(world: HubSpotWorld, by_time: bool) -> None:
    start, old = datetime.now(UTC) - timedelta(minutes=3), datetime.now(UTC) - timedelta(days=2)
    world.hub.portal.forms.by_time = by_time
    async with reading(world, form_guids=FORMS) as source:
        await submit(world, "known@example.com", start)
        cursor = (await pages(source, source.start(start - timedelta(minutes=1)), []))[-1].cursor
        for n in range(1, 53):
            await submit(world, "late@example.com", start + timedelta(seconds=n))
        for n in range(51):  # a page and one more
            await submit(world, "old@example.com", old + timedelta(seconds=n))
        second = await pages(source, cursor, [])
        await submit(world, "old@example.com", start + timedelta(seconds=20.5))
        third = await pages(source, second[-1].cursor, [])
        fourth = await pages(source, third[-1].cursor, [])
    told = [{one.activity_id for one in items(some) if isinstance(one, TouchRecorded)} for some in (second, third, fourth)]
    assert [len(one) for one in told] == [103, 1, 0]


async def test_a_webhook_of_another_secret_is_refused(world: HubSpotWorld, source: Source) -> None:
    async with webhooks(world, source) as receiver:
        world.hub.set_webhook(receiver.url, "another-secret")
        await world.seed({"email": "forged@example.com"})
        async with asyncio.timeout(10):
            await world.hub.webhooks.sender.quiet()
        assert [one.status for one in world.hub.webhooks.sender.deliveries] == [401]
        assert not receiver.items


async def test_webhooks_in_disorder_and_twice_tell_the_same(world: HubSpotWorld, source: Source) -> None:
    world.hub.webhooks.shuffle, world.hub.webhooks.duplicate = True, 1
    await source.fields("contacts")
    async with webhooks(world, source) as receiver:
        ident = await world.seed(
            {"email": "dis@example.com", "phone": "1", "birthday": "2000-02-29", "met_us": True, "engagement_score": 7}
        )
        await world.edit(ident, {"phone": "2"})
        await all_told(world)
    changes = [one for one in receiver.items if isinstance(one, RecordChanged)]
    latest: dict[str, tuple[datetime, Scalar]] = {}
    for one in changes:
        for name, value in one.fields.items():
            if name not in latest or one.times[name] >= latest[name][0]:
                latest[name] = (one.times[name], value)
    values = {name: value for name, (_, value) in latest.items()}
    expected = {"email": "dis@example.com", "phone": "2", "birthday": "2000-02-29", "met_us": True, "engagement_score": 7}
    assert values | expected == values


async def test_our_own_writes_come_back_as_our_own(world: HubSpotWorld, source: Source, sink: Sink) -> None:
    ident = await world.seed({"email": "echo@example.com"})
    async with webhooks(world, source) as receiver:
        await sink.update([update(ident, phone="+49 30 1")])
        await all_told(world)
    assert [(one.origin, one.actor, one.fields) for one in receiver.items] == [("own", "54321", {"phone": "+49 30 1"})]


async def test_a_merge_is_told_by_webhook_and_by_poll(world: HubSpotWorld, source: Source) -> None:
    one, two = await world.seed({"email": "m1@example.com"}), await world.seed({"email": "m2@example.com"})
    cursor = (await pages(source, source.start(long_ago()), []))[-1].cursor
    async with webhooks(world, source) as receiver:
        left = await world.merge(one, two)
        await all_told(world)
    polled = [item for item in items(await pages(source, cursor, [])) if isinstance(item, RecordMerged)]
    for merged in ([item for item in receiver.items if isinstance(item, RecordMerged)], polled):
        assert [item.survivor for item in merged] == [f"hubspot:contacts:{left}"]
        assert set(merged[0].losers) == {f"hubspot:contacts:{ident}" for ident in (one, two)}


async def test_two_merges_in_a_row_lead_to_the_last_record(world: HubSpotWorld, source: Source) -> None:
    ids = [await world.seed({"email": f"chain{n}@example.com"}) for n in range(3)]
    first = await world.merge(ids[0], ids[1])
    last = await world.merge(first, ids[2])
    found = await source.read([ids[0], first, ids[2]], ["email"])
    assert {one.survivor for one in found if isinstance(one, RecordMerged)} == {f"hubspot:contacts:{last}"}
    assert snapshots(found).keys() == {last}
    assert not [one for one in found if isinstance(one, RecordDeleted)]


async def test_a_merge_is_known_by_the_new_id_alone(world: HubSpotWorld, source: Source) -> None:
    pairs = [[await world.seed({"email": f"{n}{m}@example.com"}) for m in range(2)] for n in range(2)]
    await world.drop_field("hs_merged_object_ids")
    left = [await world.merge(one, two) for one, two in pairs]
    gone = await world.seed({"email": "gone@example.com"})
    await world.delete(gone)
    found = await source.read([pairs[0][0], pairs[1][1], gone], ["email"])
    merged = {(one.survivor, one.losers) for one in found if isinstance(one, RecordMerged)}
    expected = [(left[0], pairs[0][0]), (left[1], pairs[1][1])]
    assert merged == {(f"hubspot:contacts:{new}", (f"hubspot:contacts:{old}",)) for new, old in expected}
    assert snapshots(found).keys() == set(left)
    assert [one.ref for one in found if isinstance(one, RecordDeleted)] == [f"hubspot:contacts:{gone}"]


async def test_an_import_is_seen_as_bulk_by_poll_and_by_webhook(world: HubSpotWorld, source: Source) -> None:
    async with webhooks(world, source) as receiver:
        ids = world.hub.import_contacts([{"email": f"list{n}@example.com", "region": "EMEA"} for n in range(3)])
        await all_told(world)
    polled = snapshots(items(await pages(source, source.start(long_ago()), ["email", "region"])))
    assert polled.keys() == set(ids)
    for change in (*polled.values(), *receiver.items):
        assert (change.origin, change.bulk) == ("import", True)


async def test_the_stop_of_search_is_never_met(world: HubSpotWorld, source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "DEEPEST", world.page * 2)
    ids = {await world.seed({"email": f"deep{n}@example.com"}) for n in range(world.page * 4)}
    ids |= set(await world.seed_at_once([{"email": f"same{n}@example.com"} for n in range(world.page * 4 + 1)]))
    ids |= {await world.seed({"email": f"after{n}@example.com"}) for n in range(world.page + 1)}
    assert snapshots(items(await pages(source, source.start(long_ago()), ["email"]))).keys() == ids


async def test_deletes_are_found_by_the_list_that_no_webhook_told(world: HubSpotWorld, source: Source) -> None:
    ids = [await world.seed({"email": f"del{n}@example.com"}) for n in range(world.page + 2)]
    cursor = (await pages(source, source.start(long_ago()), []))[-1].cursor
    for ident in ids:
        await world.delete(ident)
    later = await pages(source, cursor, [])
    assert {one.ref for one in items(later) if isinstance(one, RecordDeleted)} == {f"hubspot:contacts:{ident}" for ident in ids}
    assert not items(await pages(source, later[-1].cursor, []))


async def test_a_record_that_never_was_is_told_as_deleted(source: Source) -> None:
    (gone,) = await source.read(["999999"], [])
    assert isinstance(gone, RecordDeleted)


async def test_the_sweep_says_when_each_field_changed(world: HubSpotWorld, source: Source) -> None:
    world.held = datetime.now(UTC) - timedelta(minutes=1)
    ident = await world.seed({"email": "times@example.com", "region": "EMEA"})
    world.held = None
    await world.edit(ident, {"phone": "1"})
    change = snapshots(items(await pages(source, source.start(long_ago()), ["region", "phone"])))[ident]
    assert change.read_at is not None
    assert change.times["region"] < change.times["phone"] <= change.at


async def test_owners_are_users_and_archived_ones_inactive(source: Source) -> None:
    found = {one.id: (one.email, one.name, one.active) for one in await source.users()}
    assert found == {
        "501": ("ana@acme.example", "Ana Diaz", True), "502": ("ben@acme.example", "Ben Roth", True),
        "503": ("gone@acme.example", "Gone Girl", False),
    }  # fmt: skip


@pytest.mark.parametrize("version", ["v3", "2026-03", "2026-09"])
async def test_every_api_version_reads_and_writes(world: HubSpotWorld, version: str) -> None:
    ident = await world.seed({"email": f"{version}@example.com"})
    sink = load("hubspot").sink(world.connection(api_version=version), NotedBudget(), NotedBreaker())
    done((await sink.update([update(ident, phone="1", hs_email_optout=True)]))[0])
    await sink.close()
    async with reading(world, api_version=version) as source:
        assert await source.users()
        found = snapshots(items(await pages(source, source.start(long_ago()), ["phone", "hs_email_optout"])))
    assert found[ident].fields == {"phone": "1", "hs_email_optout": True}


async def test_a_private_app_token_is_enough_and_a_revoked_one_is_told(world: HubSpotWorld) -> None:
    ident = await world.seed({"email": "pat@example.com"})
    connection = Connection("hubspot", "hubspot", world.url, {"token": "pat-na1-truce"}, {})
    source = load("hubspot").source(connection, NotedBudget(), NotedBreaker())
    assert snapshots(await source.read([ident], ["email"])).keys() == {ident}
    await world.revoke()
    with pytest.raises(AuthExpired):
        await source.read([ident], ["email"])
    await source.close()
    assert await world.mints() == 0


async def test_search_has_a_quota_of_its_own(world: HubSpotWorld) -> None:
    budget = NotedBudget()
    source = load("hubspot").source(world.connection(), budget, NotedBreaker())
    await pages(source, source.start(long_ago()), [])
    await source.close()
    searches = [one for one in await world.calls() if one["path"].endswith("/search")]
    assert [quota for quota, _ in budget.slots].count("search") == len(searches) == 1


# --- writing --------------------------------------------------------------------------------------------------------------------


async def test_a_stage_that_goes_backwards_is_cleared_and_set(world: HubSpotWorld, sink: Sink) -> None:
    stages = {await world.seed({"email": f"stage{n}@example.com", "lifecyclestage": "salesqualifiedlead"}): "customer" for n in range(2)}
    back = await world.seed({"email": "back@example.com", "lifecyclestage": "customer"})
    rows = [*(update(ident, lifecyclestage=stage, phone="1") for ident, stage in stages.items())]
    rows.append(update(back, lifecyclestage="marketingqualifiedlead", phone="1"))
    outcomes = {one.key: done(one) for one in await sink.update(rows)}
    assert outcomes[f"key-{back}"].fields == {"lifecyclestage": "marketingqualifiedlead", "phone": "1"}
    assert world.hub.contact(back)["lifecyclestage"] == "marketingqualifiedlead"
    assert [world.hub.contact(ident)["lifecyclestage"] for ident in stages] == ["customer", "customer"]
    writes = [one for one in await world.calls() if one["path"].endswith("/batch/update")]
    assert [one["rows"] for one in writes] == [3, 1, 1]


async def test_a_two_step_that_breaks_in_the_middle_is_told(world: HubSpotWorld, sink: Sink) -> None:
    back = await world.seed({"email": "half@example.com", "lifecyclestage": "customer"})
    other = await world.seed({"email": "whole@example.com"})
    await sink.read([back], [])
    world.hub.portal.contacts.change, plain = _counted(world), world.hub.portal.contacts.change  # type: ignore[method-assign]
    outcome = {one.key: one for one in await sink.update([update(back, lifecyclestage="lead"), update(other, phone="1")])}
    world.hub.portal.contacts.change = plain  # type: ignore[method-assign]
    done(outcome[f"key-{other}"])
    error = failure(outcome[f"key-{back}"])
    assert isinstance(error, Unavailable)
    assert error.unknown_outcome
    again = done((await sink.update([update(back, lifecyclestage="lead")]))[0])
    assert again.fields == {"lifecyclestage": "lead"}


def _counted(world: HubSpotWorld) -> Any:
    """Let the answer to the call after the ignored one, which clears, be lost."""
    plain = world.hub.portal.contacts.change

    def change(one: Any, properties: dict[str, str], actor: Any) -> None:
        plain(one, properties, actor)
        if properties == {"lifecyclestage": "lead"}:
            world.hub.faults.add(Fault(kind="drop_answer", path="/batch/update"))

    return change


async def test_an_opt_out_goes_through_the_subscriptions(world: HubSpotWorld, sink: Sink, source: Source) -> None:
    ident = await world.seed({"email": "out@example.com"})
    able = await sink.capabilities("contacts")
    assert {"hs_email_optout", "hs_email_optout_1001"} <= able.consent_fields <= able.writable
    assert able.lifecycle_field == "lifecyclestage"
    assert "hs_object_id" not in able.writable
    outcome = done((await sink.update([update(ident, hs_email_optout=True, phone="1")], priority="hot"))[0])
    assert outcome.fields == {"hs_email_optout": True, "phone": "1"}
    assert world.hub.portal.consent.all_out("out@example.com")
    assert snapshots(await source.read([ident], ["hs_email_optout"]))[ident].fields == {"hs_email_optout": True}


async def test_an_opt_in_names_the_subscription_types_and_its_legal_basis(world: HubSpotWorld, sink: Sink) -> None:
    ident = await world.seed({"email": "in@example.com"})
    world.hub.opt_out("in@example.com")
    done((await sink.update([update(ident, hs_email_optout=False)]))[0])
    consent = world.hub.portal.consent
    assert (consent.state("in@example.com", 1001), consent.state("in@example.com", 1002)) == ("SUBSCRIBED", "UNSUBSCRIBED")
    assert consent.status("in@example.com", 1001)["legalBasis"] == "CONSENT_WITH_NOTICE"


async def test_one_subscription_type_is_written_alone(world: HubSpotWorld, sink: Sink) -> None:
    ident = await world.seed({"email": "one@example.com"})
    done((await sink.update([update(ident, hs_email_optout_1002=True)]))[0])
    assert world.hub.portal.consent.state("one@example.com", 1002) == "UNSUBSCRIBED"
    assert not world.hub.portal.consent.all_out("one@example.com")


async def test_consent_that_cannot_be_written_is_told_and_the_other_rows_go_on(world: HubSpotWorld, sink: Sink) -> None:
    nobody, blank = await world.seed({"phone": "1"}), await world.seed({"email": "blank@example.com"})
    good = await world.seed({"email": "good@example.com"})
    rows = [update(nobody, hs_email_optout=True, phone="2"), update("999", hs_email_optout=True), update(blank, hs_email_optout=None)]
    outcome = {one.key: one for one in await sink.update([*rows, update(good, hs_email_optout=True, phone="2")])}
    for ident in (nobody, blank):
        error = failure(outcome[f"key-{ident}"])
        assert isinstance(error, Rejected)
        assert [one.field for one in error.refused] == ["hs_email_optout"]
    assert isinstance(failure(outcome["key-999"]), Gone)
    assert done(outcome[f"key-{good}"]).fields == {"hs_email_optout": True, "phone": "2"}
    assert world.hub.contact(nobody)["phone"] == "1"


async def test_an_opt_in_without_subscription_types_is_refused(world: HubSpotWorld) -> None:
    ident = await world.seed({"email": "none@example.com"})
    sink = load("hubspot").sink(world.connection(subscription_ids=""), NotedBudget(), NotedBreaker())
    error = failure((await sink.update([update(ident, hs_email_optout=False)]))[0])
    await sink.close()
    assert isinstance(error, Rejected)
    assert "subscription_ids" in error.words
    for side in (load("hubspot").source, load("hubspot").sink):
        with pytest.raises(ValueError, match="subscription types are named by their numbers"):
            side(world.connection(subscription_ids="Newsletter"), NotedBudget(), NotedBreaker())


async def test_a_taken_address_names_the_record_and_the_others_are_made(world: HubSpotWorld, sink: Sink) -> None:
    there = await world.seed({"email": "taken@example.com"})
    rows = [create(f"new{n}@example.com", f"t-{n}") for n in range(3)]
    rows.insert(1, create("taken@example.com", "t-taken"))
    outcome = {one.key: one for one in await sink.create(rows)}
    error = failure(outcome["t-taken"])
    assert isinstance(error, Conflict)
    assert error.existing == (there,)
    assert [done(outcome[f"t-{n}"]).created for n in range(3)] == [True, True, True]
    assert [one["verb"] for one in await world.effects()].count("create") == 4


async def test_a_second_create_finds_the_first(world: HubSpotWorld, sink: Sink) -> None:
    first = done((await sink.create([create("same@example.com", "t-1", phone="1")]))[0])
    again = done((await sink.create([create("same@example.com", "t-1", phone="1"), create("new@example.com", "t-2")]))[0])
    assert (again.id, again.created, again.fields["phone"]) == (first.id, False, "1")


async def test_a_create_with_an_opt_out_writes_it_too(world: HubSpotWorld, sink: Sink) -> None:
    made = done((await sink.create([create("born@example.com", "t-1", hs_email_optout=True)]))[0])
    assert made.created
    assert made.fields["hs_email_optout"] is True
    assert world.hub.portal.consent.all_out("born@example.com")


async def test_a_batch_refused_whole_is_sent_by_halves(world: HubSpotWorld, sink: Sink) -> None:
    ids = [await world.seed({"email": f"half{n}@example.com"}) for n in range(5)]
    await sink.read([ids[0]], [])
    before = len(await world.effects())
    body = '{"status":"error","message":"no","category":"VALIDATION_ERROR"}'
    await world.fault(kind="status", status=400, body=body, path="/batch/update", times=2)
    rows = [update(ident, phone="1") if n != 2 else update(ident, engagement_score="many") for n, ident in enumerate(ids)]
    outcome = {one.key: one for one in await sink.update(rows)}
    assert [type(outcome[f"key-{ident}"]) for ident in ids] == [Done, Done, Failed, Done, Done]
    changed = sorted(str(one["id"]) for one in (await world.effects())[before:])
    assert changed == sorted(ids[:2] + ids[3:])  # each once


async def test_a_half_that_fails_does_not_hide_the_other(world: HubSpotWorld, sink: Sink) -> None:
    ids = [await world.seed({"email": f"hide{n}@example.com"}) for n in range(2)]
    await sink.read([ids[0]], [])
    body = '{"status":"error","message":"no","category":"VALIDATION_ERROR"}'
    await world.fault(kind="status", status=400, body=body, path="/batch/update")
    await world.fault(kind="status", status=500, body="", path="/batch/update")
    first, second = await sink.update([update(ident, phone="1") for ident in ids])
    assert isinstance(failure(first), Unavailable)
    assert done(second).fields == {"phone": "1"}


async def test_an_update_by_the_old_id_of_a_merged_record_says_where_it_went(world: HubSpotWorld, sink: Sink) -> None:
    one, two = await world.seed({"email": "u1@example.com"}), await world.seed({"email": "u2@example.com"})
    left = await world.merge(one, two)
    assert done((await sink.update([update(two, phone="1")]))[0]).id == left


async def test_a_deleted_record_is_gone(world: HubSpotWorld, sink: Sink) -> None:
    ident = await world.seed({"email": "away@example.com"})
    await world.delete(ident)
    assert isinstance(failure((await sink.update([update(ident, phone="1")]))[0]), Gone)


async def test_refused_values_stand_beside_the_field_and_not_in_the_words(world: HubSpotWorld, sink: Sink) -> None:
    ident = await world.seed({"email": "words@example.com"})
    error = failure((await sink.update([update(ident, engagement_score="a lot", hs_lead_status="Undecided")]))[0])
    assert isinstance(error, Rejected)
    assert {one.field: one.value for one in error.refused} == {"engagement_score": "a lot", "hs_lead_status": "Undecided"}
    assert all(one.words and str(one.value) not in one.words for one in error.refused)
    assert "Undecided" not in error.words


async def test_the_outcome_has_the_vendors_time_and_values(world: HubSpotWorld, sink: Sink) -> None:
    ident = await world.seed({"email": "time@example.com", "phone": "1"})
    outcome = done((await sink.update([update(ident, phone=None, birthday="2000-02-29", engagement_score=7)]))[0])
    assert outcome.fields == {"phone": None, "birthday": "2000-02-29", "engagement_score": 7}
    assert outcome.at is not None
    assert abs(outcome.at - datetime.now(UTC)) < timedelta(seconds=5)


async def test_a_missing_scope_pauses_instead_of_parking(world: HubSpotWorld, sink: Sink) -> None:
    ident = await world.seed({"email": "scope@example.com"})
    world.hub.auth.missing.add("crm.objects.contacts.write")
    with pytest.raises(AuthExpired, match=r"crm\.objects\.contacts\.write"):
        await sink.update([update(ident, phone="1")])


# --- doctor ---------------------------------------------------------------------------------------------------------------------


async def test_the_doctor_makes_the_truce_id_where_it_lacks(world: HubSpotWorld, source: Source) -> None:
    await world.drop_field("truce_id")
    assert [one.todo for one in await source.doctor({}) if not one.ok] == [
        "run doctor --fix, or create it as a single-line text with unique values"
    ]
    assert all(one.ok for one in await source.doctor({}, fix=True))
    assert all(one.ok for one in await source.doctor({}))
    sink = load("hubspot").sink(world.connection(), NotedBudget(), NotedBreaker())
    made = done((await sink.create([create("fixed@example.com", "t-1")]))[0])
    assert snapshots(await sink.find_created(["t-1"], ["email"])).keys() == {made.id}
    await sink.close()


async def test_the_doctor_names_what_is_wrong(world: HubSpotWorld) -> None:
    world.hub.auth.missing.add("crm.objects.owners.read")
    world.hub.drift("truce_id", unique=False)
    async with reading(world, app_id="") as source:
        found = await source.doctor({"num_conversion_events": True, "createdate": False, "hs_email_optout": True, "no_such": False})
    wrong = [one.what for one in found if not one.ok]
    assert [part for part in ("app id", "owners", "unique property", "num_conversion_events", "no_such") if any(part in one for one in wrong)] == [
        "app id", "owners", "unique property", "num_conversion_events", "no_such",
    ]  # fmt: skip
    assert len(wrong) == 5
    assert all(one.todo for one in found if not one.ok)


async def test_the_doctor_says_which_version_is_used_and_what_of_the_day_is_not_told(world: HubSpotWorld) -> None:
    budget = NotedBudget()
    source = load("hubspot").source(world.connection(api_version="2026-03", daily_calls="250000"), budget, NotedBreaker())
    found = {one.what: one for one in await source.doctor({})}
    await source.close()
    version = found["hubspot: API version 2026-03, which HubSpot supports until 30 September 2027"]
    assert (version.ok, version.todo) == (True, "set the option api_version to 2026-09 in time")
    (untold,) = [one for what, one in found.items() if "calls used today are not told" in what]
    assert untold.what.endswith("250,000 are reckoned with (option daily_calls)")
    assert (untold.ok, untold.todo) == (True, "see who uses them on the account's screen API call usage"), "no all-clear"
    assert ("daily", None, 250_000, None) in budget.told
    world.private = True
    async with reading(world) as source:
        assert any(one.what.endswith(" calls used today") for one in await source.doctor({}))


async def test_the_doctor_says_that_the_credentials_are_wrong(world: HubSpotWorld, source: Source) -> None:
    await world.revoke()
    (finding,) = await source.doctor({"email": True})
    assert not finding.ok
    assert "credentials" in finding.what

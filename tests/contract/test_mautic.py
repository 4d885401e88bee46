"""Mautic against the standard suite, and what only Mautic has."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import ClassVar

import aiohttp
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.base import Create, Done, Failed, Finding, Forged, Notice, Sink, Source, Unwelcome, Update
from connectors.contract import ConnectorContract, Emulated, NotedBreaker, NotedBudget
from connectors.contract_world import items, long_ago, pages, snapshots
from connectors.dialect import Kind
from connectors.emulator.control import serve
from connectors.emulator.mautic.contacts import Actor
from connectors.emulator.mautic.hooks import TRIGGERS
from connectors.errors import AuthExpired, Conflict, ConnectorError, RateLimited, Rejected, Surprising, Unavailable
from connectors.mautic.client import CODES
from connectors.registry import load
from schemas.base import Scalar
from schemas.change import RecordChanged, RecordDeleted, RecordMerged
from schemas.touch import TouchRecorded
from tests.contract.mautic_world import WEBHOOK_SECRET, MauticWorld, mautic_world


class TestMautic(ConnectorContract):
    vendor: ClassVar[str] = "mautic"
    payloads: ClassVar[Path] = Path(__file__).parent / "mautic"
    codes: ClassVar[Mapping[str, Kind]] = CODES
    statuses: ClassVar[Mapping[int, type[ConnectorError]]] = {
        400: Rejected, 401: AuthExpired, 403: Rejected, 404: Surprising, 429: RateLimited, 500: Unavailable, 503: Unavailable,
    }  # fmt: skip
    """Those of its developers' documentation (errors, rate limiter) and of maintenance; a 404 that names no contact is none of a contact's."""

    def emulated(self) -> AbstractAsyncContextManager[Emulated]:
        return mautic_world()


@pytest.fixture
async def world() -> AsyncIterator[MauticWorld]:
    async with mautic_world() as world:
        yield world


@pytest.fixture
async def source(world: MauticWorld) -> AsyncIterator[Source]:
    source = load("mautic").source(world.connection(), NotedBudget(), NotedBreaker())
    yield source
    await source.close()


@pytest.fixture
async def sink(world: MauticWorld) -> AsyncIterator[Sink]:
    sink = load("mautic").sink(world.connection(), NotedBudget(), NotedBreaker())
    yield sink
    await sink.close()


def setting(ident: str, **fields: Scalar) -> Update:
    return Update(key=ident, object="contacts", id=ident, fields=fields)


async def held(sink: Sink, ident: str, *names: str) -> dict[str, Scalar]:
    return snapshots(await sink.read([ident], names))[ident].fields


@asynccontextmanager
async def receiver(world: MauticWorld, source: Source) -> AsyncIterator[list[Notice]]:
    """Receive the emulator's webhooks as Truce does."""
    told: list[Notice] = []

    async def take(request: Request) -> Response:
        told.append(source.notice("POST", str(request.url), request.headers, await request.body(), received_at=datetime.now(UTC)))
        return Response()

    async with serve(Starlette(routes=[Route("/", take, methods=["POST"])])) as running:
        world.mautic.hooks.set(running.url, WEBHOOK_SECRET)
        yield told


# --- consent, owner and stage ---------------------------------------------------------------------------------------------------


async def test_an_opt_out_goes_with_the_row_and_comes_back_as_a_flag(world: MauticWorld, source: Source, sink: Sink) -> None:
    ident = await world.seed({"email": "out@example.com"})
    (done,) = await sink.update([setting(ident, dnc_email=True, phone="+49 30 1")])
    assert isinstance(done, Done)
    assert done.fields == {"dnc_email": True, "phone": "+49 30 1"}
    assert [(one["channel"], one["reason"]) for one in world.mautic.contact(ident).dnc] == [("email", 3)]
    assert await held(sink, ident, "dnc_email", "dnc_sms") == {"dnc_email": True, "dnc_sms": False}
    await sink.update([setting(ident, dnc_email=False)])
    assert world.mautic.contact(ident).dnc == []
    world.mautic.opt_out(ident)
    seen = snapshots(items(await pages(source, source.start(long_ago()), ["dnc_email"])))
    assert seen[ident].fields == {"dnc_email": True}
    assert seen[ident].origin != "own"


async def test_a_bounce_is_no_opt_out(world: MauticWorld, sink: Sink) -> None:
    ident = await world.seed({"email": "bounced@example.com"})
    world.mautic.contacts.consent(world.mautic.contact(ident), "email", 2, "mailbox is full", world.mautic.person("ana"))
    assert await held(sink, ident, "dnc_email") == {"dnc_email": False}


async def test_owner_and_stage_are_fields_too(world: MauticWorld, sink: Sink) -> None:
    ident = await world.seed({"email": "owned@example.com"})
    await sink.update([setting(ident, owner="1", stage="MQL")])
    assert await held(sink, ident, "owner", "stage") == {"owner": "1", "stage": "MQL"}
    await sink.update([setting(ident, owner=None)])
    assert await held(sink, ident, "owner", "stage") == {"owner": None, "stage": "MQL"}
    outcome = await sink.update([setting(ident, stage="Nowhere"), setting(await world.seed({"email": "x@example.com"}), owner="77")])
    assert [(type(one.error), [two.field for two in one.error.refused]) for one in outcome if isinstance(one, Failed) and isinstance(one.error, Rejected)] == [
        (Rejected, ["stage"]), (Rejected, ["owner"]),
    ]  # fmt: skip


# --- what Mautic lets drop, and makes one of ------------------------------------------------------------------------------------


async def test_a_number_near_nought_is_written_and_nothing_else_is_lost(world: MauticWorld, sink: Sink) -> None:
    ident = await world.seed({"email": "zero@example.com", "employees": 7, "met_us": True, "sales_note": "kept", "points": 12})
    other = await world.seed({"email": "other@example.com"})
    await sink.update([setting(ident, owner="1", stage="MQL", dnc_sms=True)])
    outcome = await sink.update([setting(ident, employees=0), setting(other, phone="+1 1"), setting("999", employees=0)])
    assert [type(one) for one in outcome] == [Done, Done, Failed]
    names = ("employees", "met_us", "sales_note", "points", "email", "owner", "stage", "dnc_sms")
    assert list((await held(sink, ident, *names)).values()) == [0, True, "kept", 12, "zero@example.com", "1", "MQL", True]
    assert [one["verb"] for one in await world.effects()].count("create") == 2


async def test_a_nought_in_a_create_is_told_as_not_there(world: MauticWorld, sink: Sink) -> None:
    (done,) = await sink.create([Create(key="k", object="contacts", fields={"truce_id": "t", "email": "new@example.com", "employees": 0})])
    assert isinstance(done, Done)
    assert done.created
    assert done.fields == {"truce_id": "t", "email": "new@example.com", "employees": None}, "so that the next plan writes it"
    assert isinstance((await sink.update([setting(done.id, employees=0)]))[0], Done)
    assert await held(sink, done.id, "employees") == {"employees": 0}


async def test_a_blank_blanks_its_field_alone(world: MauticWorld, sink: Sink) -> None:
    ident = await world.seed({"email": "blank@example.com", "phone": "+1 1", "employees": 7, "lastname": "Kept"})
    (done,) = await sink.update([setting(ident, phone=None, employees=None)])
    assert isinstance(done, Done)
    assert done.fields == {"phone": None, "employees": None}
    assert await held(sink, ident, "phone", "employees", "lastname") == {"phone": None, "employees": None, "lastname": "Kept"}


async def test_a_field_that_mautic_does_not_have_is_told(world: MauticWorld, sink: Sink) -> None:
    ident = await world.seed({"email": "lacking@example.com"})
    (failed,) = await sink.update([setting(ident, no_such_field="x")])
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, Rejected)
    assert [one.field for one in failed.error.refused] == ["no_such_field"]


async def test_its_own_times_are_read_and_never_written(sink: Sink, source: Source) -> None:
    able = await sink.capabilities("contacts")
    assert "attribution_date" not in able.writable
    assert {"mql_date", "dnc_email", "owner", "stage"} <= able.writable
    (told,) = [one for one in await source.doctor({"attribution_date": True}) if "attribution_date" in one.what]
    assert "time_fields" in told.todo


async def test_two_contacts_never_become_one_by_our_writing(world: MauticWorld, sink: Sink) -> None:
    one, two = [await world.seed({"email": f"{name}@example.com", "truce_id": f"t-{name}"}) for name in ("one", "two")]
    (taken,) = await sink.update([setting(two, email="one@example.com")])
    assert isinstance(taken, Failed)
    assert isinstance(taken.error, Conflict)
    assert taken.error.existing == (one,)
    row = Create(key="k", object="contacts", fields={"truce_id": "t-three", "email": "One@example.com", "lastname": "Three"})
    (known,) = await sink.create([row])
    assert isinstance(known, Failed)
    assert isinstance(known.error, Conflict)
    assert known.error.existing == (one,)
    assert (await held(sink, one, "lastname", "truce_id")) == {"lastname": None, "truce_id": "t-one"}
    assert not [call for call in await world.calls() if call["writing"]]


async def test_what_somebody_changed_since_it_was_known_is_not_overwritten(world: MauticWorld, sink: Sink) -> None:
    one, other = await world.seed({"email": "one@example.com"}), await world.seed({"email": "other@example.com"})

    async def put(sink: Sink = sink, since: datetime | None = None) -> list[str]:
        rows = [
            Update(key=ident, object="contacts", id=ident, fields={"phone": "+49 30 1"}, unmodified_since=since) for ident in (one, other)
        ]
        return [
            "moved" if isinstance(told, Failed) and isinstance(told.error, Conflict) and told.error.moved else type(told).__name__
            for told in await sink.update(rows)
        ]

    known = datetime.now(UTC) - timedelta(minutes=1)
    assert await put(since=known) == ["Done", "Done"], "nobody but us changed either"
    await world.edit(one, {"phone": "+49 30 2"})
    assert await put(since=known) == ["moved", "Done"]
    assert world.mautic.contact(one).values["phone"] == "+49 30 2"
    before = len(await world.calls())
    assert await put(since=datetime.now(UTC)) == ["Done", "Done"], "what is known is ours to change"
    assert len(await world.calls()) - before == 2, "one call more for all of them"
    await world.edit(one, {"phone": "+49 30 2"})
    free = load("mautic").sink(world.connection(lock="off"), NotedBudget(), NotedBreaker())
    assert await put(free, known) == ["Done", "Done"]
    await free.close()


# --- how it says no ---------------------------------------------------------------------------------------------------------------


async def test_a_refusal_for_rate_waits_until_the_hour_is_over(world: MauticWorld, sink: Sink) -> None:
    ident = await world.seed({"email": "many@example.com"})
    await world.fault(kind="quota", path=world.write_path, seconds=200)
    with pytest.raises(RateLimited) as caught:
        await sink.update([setting(ident, phone="+49 30 1")])
    assert 100 < caught.value.retry_after <= 200
    assert not caught.value.daily


# --- who acted, and what people did ---------------------------------------------------------------------------------------------


async def test_the_audit_log_says_who_changed_which_field_when(world: MauticWorld, source: Source) -> None:
    ident = await world.seed({"email": "audit@example.com"})
    first = await pages(source, source.start(long_ago()), ["phone"])
    before = datetime.now(UTC).replace(microsecond=0)
    world.mautic.edit(ident, "ana", phone="+49 30 1", sales_note='text with "fields";a:1:{s:5:"email"; in it')
    (changed,) = items(await pages(source, first[-1].cursor, ["email", "phone", "sales_note"]))
    assert isinstance(changed, RecordChanged)
    assert changed.times.keys() == {"phone", "sales_note"}
    assert before <= changed.times["phone"] <= datetime.now(UTC)
    assert changed.origin == "person"


async def test_a_form_is_a_touch_by_webhook_and_by_poll_under_one_id(world: MauticWorld, source: Source) -> None:
    await source.fields("contacts")
    async with receiver(world, source) as told:
        ident = world.mautic.submit(1, "kim@example.com", phone="+49 30 1")
        await world.mautic.hooks.waiting.join()
        (told_at_once,) = [one for notice in told for one in notice.items if isinstance(one, TouchRecorded)]
    first = await pages(source, source.start(long_ago()), ["email", "phone"])
    (polled,) = [one for one in items(first) if isinstance(one, TouchRecorded)]
    for touch in (told_at_once, polled):
        assert (touch.kind, touch.name, touch.ref, touch.email) == ("form", "Pricing", f"mautic:contacts:{ident}", "kim@example.com")
    assert (polled.activity_id, polled.at) == (told_at_once.activity_id, told_at_once.at)
    assert snapshots(items(first))[ident].origin == "form"
    assert not items(await pages(source, first[-1].cursor, ["email"])), "told once"


async def test_visits_and_opened_mails_are_touches_of_people_alone(world: MauticWorld, source: Source) -> None:
    ident = await world.seed({"email": "visits@example.com"})
    world.mautic.visit(ident, "https://acme.example/pricing")
    world.mautic.open_mail(ident, 12)
    nobody = world.mautic.visit(None, "https://acme.example/")
    found = items(await pages(source, source.start(long_ago()), ["email"]))
    touches = [one for one in found if isinstance(one, TouchRecorded)]
    assert sorted((one.kind, one.name) for one in touches) == [("open", "12"), ("visit", "https://acme.example/pricing")]
    assert {one.ref for one in found if isinstance(one, RecordChanged | TouchRecorded)} == {f"mautic:contacts:{ident}"}
    seen = [one async for page in source.everything(None, {"contacts": ["email"]}) for one in page.items]
    assert nobody not in snapshots(seen)


async def test_a_long_way_to_catch_up_makes_no_long_cursor_and_no_long_page(world: MauticWorld, source: Source) -> None:
    """Nor is a visit missed because the contact of another one went while their pages were read."""
    with world.ago(600):
        ids = [await world.seed({"email": f"p{n}@example.com"}) for n in range(30)]
        for n in range(150):
            world.mautic.visit(ids[n % 30], f"https://acme.example/{n}")
    world.mautic.visit(ids[1], "https://acme.example/last")
    longest, told, names = 0, list[TouchRecorded](), set[str]()
    async for page in source.changes(source.start(long_ago()), {"contacts": ["email"]}):
        longest = max(longest, len(page.cursor))
        acts = [one for one in page.items if isinstance(one, TouchRecorded)]
        if acts and not told:
            world.mautic.contacts.tables["page_hits"][:] = world.mautic.contacts.tables["page_hits"][50:]
        told, names = [*told, *acts], names | {one.name for one in acts}
        assert len(page.items) <= 100
    assert longest < 250
    assert names == {f"https://acme.example/{n}" for n in [*range(150), "last"]}


async def test_a_row_that_is_visible_late_is_seen_though_our_clock_is_ahead(
    world: MauticWorld, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Ahead(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]  # the time alone is another one
            return datetime.now(tz) + timedelta(minutes=2)

    monkeypatch.setattr("connectors.http.datetime", Ahead)
    with world.ago(2):
        late = await world.seed({"email": "late@example.com"})
    async with world.hidden(late):
        early = await world.seed({"email": "early@example.com"})
        found = await pages(source, source.start(long_ago()), ["email"])
        assert snapshots(items(found)).keys() == {early}
    assert late in snapshots(items(await pages(source, found[-1].cursor, ["email"])))


async def test_an_address_is_taken_in_whatever_case_it_is_written(world: MauticWorld, sink: Sink) -> None:
    taken, ident = await world.seed({"email": "Kim@Example.com"}), await world.seed({"email": "ida@example.com"})
    (told,) = await sink.update([setting(ident, email="kim@example.com")])
    assert isinstance(told, Failed)
    assert isinstance(told.error, Conflict)
    assert told.error.existing == (taken,)


async def test_a_merge_by_a_form_is_told_by_poll_though_mautic_calls_it_a_deletion(world: MauticWorld, source: Source) -> None:
    loser = await world.seed({"email": "kim@example.com", "lastname": "Kim"})
    first = await pages(source, source.start(long_ago()), ["email"])
    visitor = world.mautic.visit(None, "https://acme.example/")
    await source.fields("contacts")
    async with receiver(world, source) as told:
        await world.merge(visitor, loser)
        await world.mautic.hooks.waiting.join()
    assert [ref for notice in told for ref in notice.read] == [f"mautic:contacts:{one}" for one in (visitor, loser)]
    assert not [one for notice in told for one in notice.items], "neither a deletion nor a contact that is blank"
    found = [one for one in items(await pages(source, first[-1].cursor, ["email"])) if isinstance(one, RecordDeleted | RecordMerged)]
    merged = {(one.survivor, one.losers) for one in found if isinstance(one, RecordMerged)}
    assert merged == {(f"mautic:contacts:{visitor}", (f"mautic:contacts:{loser}",))}
    assert not [one for one in found if isinstance(one, RecordDeleted)]


async def test_a_form_in_a_new_browser_makes_a_new_contact_of_who_is_known_and_identity_survives(world: MauticWorld) -> None:
    source = load("mautic").source(world.connection(page_rows="100"), NotedBudget(), NotedBreaker())
    old = await world.seed({"email": "kim@example.com", "lastname": "Kim", "truce_id": "t-1"})
    world.mautic.opt_out(old)
    names = ["email", "phone", "truce_id", "dnc_email"]
    first = await pages(source, source.start(long_ago()), names)
    new = world.mautic.submit(1, "kim@example.com", phone="+49 30 1")
    told = items(await pages(source, first[-1].cursor, names))
    assert new != old
    assert {(one.survivor, one.losers) for one in told if isinstance(one, RecordMerged)} == {
        (f"mautic:contacts:{new}", (f"mautic:contacts:{old}",))
    }
    assert isinstance(told[0], RecordMerged), "the survivor alone would be a second record of the same person"
    assert [one.ref for one in told if isinstance(one, TouchRecorded)] == [f"mautic:contacts:{new}"]
    shown = snapshots(told)[new]
    assert shown.fields == {"email": "kim@example.com", "phone": "+49 30 1", "truce_id": "t-1", "dnc_email": False}, (
        "Mautic loses the opt-out"
    )
    assert (shown.truce_id, shown.origin) == ("t-1", "form")
    await source.close()


# --- webhooks and credentials ---------------------------------------------------------------------------------------------------


async def test_a_change_is_told_at_once_by_webhook(world: MauticWorld, source: Source, sink: Sink) -> None:
    await source.fields("contacts")
    await pages(source, source.start(long_ago()), [])
    async with receiver(world, source) as told:
        ident = await world.seed({"email": "hook@example.com", "employees": 7, "met_us": True})
        world.mautic.opt_out(ident)
        await sink.update([setting(ident, phone="+49 30 1")])
        await world.mautic.hooks.waiting.join()
    changes = [one for notice in told for one in notice.items if isinstance(one, RecordChanged)]
    assert [(one.created, one.origin) for one in changes] == [(True, "person"), (False, "unknown"), (False, "unknown"), (False, "own")]
    assert {name: changes[-1].fields[name] for name in ("employees", "met_us", "dnc_email", "phone")} == {
        "employees": 7, "met_us": True, "dnc_email": True, "phone": "+49 30 1",
    }  # fmt: skip
    assert changes[-1].email == "hook@example.com"


@pytest.mark.parametrize("signature", ["", "x", "HCgYp00w1CSfNpO9Ji3OfiZd/4mbL5E36fXHc+EZIzw="])
async def test_a_forged_webhook_is_not_read(source: Source, signature: str) -> None:
    with pytest.raises(Forged):
        source.notice("POST", "/", {"Webhook-Signature": signature}, b'{"mautic.lead_post_save_new": [{}]}', received_at=datetime.now(UTC))


@pytest.mark.parametrize("body", [b"[", b"[]", b'{"mautic.lead_post_save_new": [{"contact": {}}]}', b'{"mautic.lead_post_delete": [{}]}'])
async def test_a_signed_body_that_is_none_is_unwelcome(world: MauticWorld, source: Source, body: bytes) -> None:
    world.mautic.hooks.secret = WEBHOOK_SECRET
    with pytest.raises(Unwelcome):
        source.notice("POST", "/", {"webhook-signature": world.mautic.hooks.signature(body)}, body, received_at=datetime.now(UTC))


RECORDED = {
    "lead_post_save_update": "SwiYhh0mrIc/WSZk3QJNFqPHnFN7xixdvjw5FJoXngQ=",
    "lead_post_save_new_of_a_merge": "SbQNRxAdyw04s8+ps1Vwfv4YQ7nG//vkakLVIGgmpgM=",
    "lead_post_delete": "ZbYCrcQY/GJSEDg48cgnLf3f4KjUwtZQdpI/H6c30UQ=",
    "form_on_submit": "hZzcL9rZgsNNAET17GUo4JHz2wWzlmaTTS9QdE3fqD0=",
}
"""Calls of a Mautic 5.1.0 that ran, signed by the secret "s3cret"."""


@pytest.mark.parametrize("trigger", RECORDED)
async def test_a_recorded_webhook_is_read(world: MauticWorld, trigger: str) -> None:
    connection = replace(world.connection(), secrets={**world.connection().secrets, "webhook_secret": "old s3cret"})
    source, now = load("mautic").source(connection, NotedBudget(), NotedBreaker()), datetime.now(UTC)
    await source.fields("contacts")
    body = (Path(__file__).parent / "mautic" / "webhooks" / f"{trigger}.body").read_bytes()
    told = source.notice("POST", "/", {"Webhook-Signature": RECORDED[trigger]}, body, received_at=now)
    await source.close()
    for one in told.items:
        assert isinstance(one, RecordChanged | TouchRecorded)
        assert one.email == "o'made+x@x.example"
    assert [type(one) for one in told.items] == {"form_on_submit": [TouchRecorded], "lead_post_save_update": [RecordChanged]}.get(
        trigger, []
    )
    assert bool(told.read) == (trigger in ("lead_post_delete", "lead_post_save_new_of_a_merge"))
    with pytest.raises(Forged):
        source.notice("POST", "/", {"Webhook-Signature": RECORDED[trigger]}, body + b" ", received_at=now)


async def test_a_user_and_a_password_do_too(world: MauticWorld) -> None:
    connection = replace(world.connection(), secrets={"username": "ana", "password": "emulated"})
    sink = load("mautic").sink(connection, NotedBudget(), NotedBreaker())
    ident = await world.seed({"email": "basic@example.com"})
    assert isinstance((await sink.update([setting(ident, phone="+1 1")]))[0], Done)
    await sink.close()
    with pytest.raises(ValueError, match="client_id"):
        load("mautic").sink(replace(connection, secrets={}), NotedBudget(), NotedBreaker())


async def test_the_doctor_makes_the_field_of_the_truce_id(world: MauticWorld, source: Source) -> None:
    await world.drop_field("truce_id")
    assert [one.todo for one in await source.doctor({}) if not one.ok and "truce_id" in one.what]
    assert all(one.ok for one in await source.doctor({}, fix=True))
    assert world.mautic.schema.by_alias["truce_id"].unique


async def test_whoever_may_not_see_stages_can_describe_contacts_all_the_same(world: MauticWorld, source: Source) -> None:
    refused = '{"errors":[{"message":"You do not have access to the requested area\\/action.","code":403,"type":null}]}'
    await world.fault(kind="status", status=403, body=refused, path="/api/stages")
    assert {one.name: one.values for one in await source.described("contacts")}["stage"] == ()


async def test_a_webhook_without_a_secret_is_a_fault_and_no_webhook_is_none(world: MauticWorld) -> None:
    bare = replace(world.connection(), secrets={"client_id": "1_truce", "client_secret": "emulated"})
    source = load("mautic").source(bare, NotedBudget(), NotedBreaker())
    assert all(one.ok for one in await source.doctor({}))
    world.mautic.hooks.set("https://truce.acme.example/webhooks/mautic", "s3cret")
    for world.mautic.hooks.published in (True, False):  # asked for before it is published, too
        assert ["webhook_secret" in one.todo for one in await source.doctor({}) if not one.ok] == [True]
    await source.close()


async def test_only_webhooks_that_are_published_and_call_truce_count(world: MauticWorld) -> None:
    at = "https://truce.acme.example/webhooks/mautic"

    async def told() -> Finding:
        source = load("mautic").source(replace(world.connection(), called_at=at), NotedBudget(), NotedBreaker())
        (found,) = [one for one in await source.doctor({}) if "mautic: webhooks" in one.what]
        await source.close()
        return found

    hooks = world.mautic.hooks
    hooks.others = [{"isPublished": True, "name": "Zap", "webhookUrl": "https://zap.example/webhooks/mautic", "triggers": list(TRIGGERS)}]
    assert (await told()).what.endswith(f"seen by polling alone (1 call other addresses than {at})")
    hooks.set(at, "s3cret")
    assert (await told()).what == "mautic: webhooks"
    hooks.published = False
    asleep = await told()
    assert (asleep.ok, asleep.todo.startswith("publish Truce once webhook_secret")) == (True, True)
    assert "none for mautic.lead_post_save_new" in asleep.what


async def test_other_tools_and_campaigns_are_rivals_and_what_was_changed_how_often_is_told(world: MauticWorld, source: Source) -> None:
    ident, contacts = await world.seed({"email": "kim@example.com", "employees": 10}), world.mautic.contacts
    await world.seed({"email": "per@example.com", "employees": 20})
    one = world.mautic.contact(ident)
    contacts.change(one, {"employees": 820}, Actor("enricher", 9, "Enricher", "lead:api"))
    contacts.change(one, {"company": "Nordwind"}, Actor("mautic", 0, "System", "campaign:trigger"))
    for title in ("CEO", "CFO"):
        await world.edit(ident, {"position": title})
    fields = ["employees", "position", "company"]
    rivals = await source.rivals("contacts", fields)
    assert rivals is not None
    found = {one.who: one.fields for one in rivals.found}
    assert found == {"the API user Enricher": ("employees",), "a campaign": ("company",)}, "a person in Mautic's screens is none"
    edits = await source.edits("contacts", fields, datetime.now(UTC) - timedelta(days=30))
    assert edits is not None
    assert edits.counts == {"employees": 1, "company": 1, "position": 2}
    assert await source.rights("contacts") == frozenset({"read", "create", "edit", "delete"})
    role = {"id": 2, "name": "Marketing", "isAdmin": False}
    await world.fault(kind="status", path="/users/self", status=200, body=json.dumps({"id": 5, "role": role}))
    assert await source.rights("contacts") is None, "of other roles nothing is told"
    counts = [await source.count("contacts", where) for where in (None, ("employees", "20"), ("stage", "lead"))]
    assert counts == [2, 1, None]


# --- what other clients send ----------------------------------------------------------------------------------------------------


async def test_the_emulator_takes_forms_and_makes_what_put_does_not_find(world: MauticWorld) -> None:
    async with aiohttp.ClientSession(world.url, headers={"Authorization": aiohttp.encode_basic_auth("ana", "emulated")}) as session:
        async with session.post("/api/contacts/new", data={"firstname": "Kim", "email": "kim@example.com"}) as answer:
            assert answer.status == 201
            ident = (await answer.json())["contact"]["id"]
        async with session.post(f"/api/contacts/{ident}/dnc/email/add", data={"reason": "1"}) as answer:
            assert [one["reason"] for one in (await answer.json())["contact"]["doNotContact"]] == [1]
        async with session.post(f"/api/contacts/{ident}/dnc/add/email") as answer:
            assert answer.status == 404
        async with session.put("/api/contacts/999/edit", json={"phone": "+1 1"}) as answer:
            assert answer.status == 201
        async with session.put(f"/api/contacts/{ident}/edit", json={"phone": "+1 1"}) as answer:
            told = (await answer.json())["contact"]["fields"]["all"]
            assert (told["phone"], told["email"], told["firstname"]) == ("+1 1", "", "")
        for verb, at in (("add", "MQL"), ("remove", None)):
            async with session.post(f"/api/stages/2/contact/{ident}/{verb}") as answer:
                assert await answer.json() == {"success": 1}
            stage = world.mautic.contact(str(ident)).stage
            assert (world.mautic.stages[stage] if stage else None) == at


async def test_a_country_goes_by_its_name_and_nought_in_a_text_goes_at_all(world: MauticWorld, sink: Sink) -> None:
    ident = await world.seed({"email": "kim@nordwind.example"})
    for given, kept in (("NO", "Norway"), ("CZ", "Czech Republic"), ("Norway", "Norway")):
        assert [type(one) for one in await sink.update([setting(ident, country=given)])] == [Done]
        assert world.mautic.contact(ident).values["country"] == kept
    assert [type(one) for one in await sink.update([setting(ident, country="Nowhere")])] == [Failed]
    for flag, text in ((True, "1"), (False, None)):  # a text that holds a flag
        assert [one.fields for one in await sink.update([setting(ident, position=flag)]) if isinstance(one, Done)] == [{"position": text}]
    made = await sink.create(
        [Create(key="n", object="contacts", fields={"email": "eli@nordwind.example", "truce_id": "n", "position": 0.0})]
    )
    assert [type(one) for one in made] == [Done]
    assert world.mautic.by_email("eli@nordwind.example").values["position"] == "0"  # type: ignore[union-attr]
    for score in ("12", 0):
        assert [type(one) for one in await sink.update([setting(ident, position=score)])] == [Done]
        assert world.mautic.contact(ident).values["position"] == str(score)

"""The real Tryton's opportunities, and what its marketing modules keep: categories that lead to scenarios, mails and who reads them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.base import Connection, Create, Done, Sink, Source, Update
from connectors.contract import NotedBreaker, NotedBudget
from connectors.contract_objects import of
from connectors.contract_world import items, long_ago, pages, snapshots
from connectors.registry import load
from connectors.tryton.acts import ENTRY, MAIL
from schemas.base import Ref
from schemas.change import RecordDeleted
from schemas.touch import TouchRecorded
from tests.contract.tryton_world import DEAL, PARTY, TrytonWorld, tryton_world

pytestmark = pytest.mark.integration  # it needs a server: Tryton itself


@pytest.fixture
async def shop() -> AsyncIterator[TrytonWorld]:
    async with tryton_world() as world:
        yield world


@asynccontextmanager
async def connected(shop: TrytonWorld, **options: str) -> AsyncIterator[tuple[Source, Sink]]:
    budget, breaker, connection = NotedBudget(), NotedBreaker(), shop.connection(timeout_s=5.0, **options)
    source, sink = load("tryton").source(connection, budget, breaker), load("tryton").sink(connection, budget, breaker)
    yield source, sink
    await source.close()
    await sink.close()


async def made(shop: TrytonWorld, kind: str, **fields: Any) -> int:
    return int((await shop.real.rest("ana", "POST", kind, fields))["id"])


async def nurtured(shop: TrytonWorld) -> tuple[int, int]:
    """Make a category, and a running scenario of one mail for whoever is in it; give both."""
    category = await made(shop, "party.category", name="Nurture")
    domain = f'[["categories", "where", [["id", "=", {category}]]]]'
    scenario = await made(shop, "marketing.automation.scenario", name="Keep warm", model=PARTY, domain=domain, unsubscribable=True)
    html = '<html><body><a href="https://acme.example/offer">Offer</a><a href="unsubscribe">Leave</a></body></html>'
    mail = {"action": "send_email", "email_title": "Hello", "email_template": html, "email_from": "shop@acme.example"}
    campaign = await made(shop, "marketing.campaign", name="autumn")
    parent = f"marketing.automation.scenario,{scenario}"
    await made(shop, "marketing.automation.activity", name="First mail", parent=parent, marketing_campaign=campaign, **mail)
    await shop.real.rest("ana", "POST", f"marketing.automation.scenario/{scenario}/run", {})
    return category, scenario


async def ticked(shop: TrytonWorld) -> None:
    """Let Tryton do what it does by the clock: put people into scenarios, send what is due."""
    for cron in sorted(await shop.real.rest("admin", "GET", "ir.cron?f=method"), key=lambda one: str(one["method"]), reverse=True):
        if cron["method"].startswith("marketing.automation"):
            await shop.real.rest("admin", "POST", f"ir.cron/{cron['id']}/run_once", {})


async def entries(shop: TrytonWorld) -> dict[str, bool]:
    """Give who is in a scenario, and whether they are stopped."""
    found = await shop.real.rest("ana", "GET", f"{ENTRY}?f=record&f=blocked")
    return {one["record"].partition(",")[2]: bool(one["blocked"]) for one in found}


def touched(found: list[Any]) -> dict[str, TouchRecorded]:
    return {one.activity_id: one for one in found if isinstance(one, TouchRecorded)}


async def test_an_opportunity_says_how_it_went_whose_it_is_and_who_is_in_it(shop: TrytonWorld) -> None:
    firm, person = await shop.real.firm(), await shop.seed({"name": "Kim", "email": "kim@example.com"})
    campaign = await made(shop, "marketing.campaign", name="autumn")
    deal = await shop.seed_as(
        DEAL, {"description": "A hundred chairs", "party": int(person), "employee": firm["employee"], "marketing_campaign": campaign, "amount": 99.5}
    )  # fmt: skip
    fields = ["description", "state", "amount", "currency", "employee", "people", "end_date", "lost_reason", "marketing_campaign"]
    async with connected(shop) as (source, sink):
        first = await pages(source, source.start(long_ago()), {DEAL: fields})
        assert not (await sink.capabilities(DEAL)).writable
        users = {one.email: one.id for one in await source.users()}
        await shop.real.rest("ana", "POST", f"{DEAL}/{deal}/lost", {})
        await shop.real.rest("ana", "PUT", f"{DEAL}/{deal}", {"lost_reason": "Too dear"})
        seen = of(DEAL, items(await pages(source, first[-1].cursor, {DEAL: fields})))[deal]
    assert seen.fields == {
        "description": "A hundred chairs", "state": "lost", "amount": 99.5, "currency": "EUR", "employee": users["ana@acme.example"],
        "people": person, "end_date": datetime.now(UTC).date().isoformat(), "lost_reason": "Too dear", "marketing_campaign": "autumn",
    }  # fmt: skip
    assert (seen.origin, seen.created) == ("person", False)
    async with connected(shop, owners="company.employee") as (source, _):
        told = of(DEAL, list(await source.read([deal], ["employee"], object_=DEAL)))
        assert told[deal].fields == {"employee": str(firm["employee"])}


async def test_an_opportunity_that_was_deleted_is_told_once(shop: TrytonWorld) -> None:
    ids = [await shop.seed_as(DEAL, {"description": f"N{n}"}) for n in range(6)]
    async with connected(shop) as (source, _):
        first = await pages(source, source.start(long_ago()), {DEAL: ["state"], PARTY: ["name"]})
        began = datetime.now(UTC)
        for ident in (ids[1], ids[4]):
            await shop.delete_as(DEAL, ident)
        second = await pages(source, first[-1].cursor, {DEAL: ["state"], PARTY: ["name"]})
        told = [one for one in items(second) if isinstance(one, RecordDeleted)]
        assert sorted(Ref.parse(one.ref).id for one in told) == sorted([ids[1], ids[4]])
        assert all(Ref.parse(one.ref).object == DEAL and one.at >= began for one in told)
        third = await pages(source, second[-1].cursor, {DEAL: ["state"], PARTY: ["name"]})
        assert not [one for one in items(third) if isinstance(one, RecordDeleted)]


async def test_who_is_put_into_a_category_enters_its_scenario_and_who_is_taken_out_gets_no_mail_more(shop: TrytonWorld) -> None:
    category, scenario = await nurtured(shop)
    flag = f"lists.{category}"
    async with connected(shop, lists=f"{category}={scenario}") as (source, sink):
        assert (await source.fields(PARTY))[flag] == "flag"
        (new,) = await sink.create([Create(key="n", object=PARTY, fields={"name": "New", "truce_id": "t-1", flag: True})])
        assert isinstance(new, Done)
        old = await shop.seed({"name": "Old", "email": "old@example.com"})

        async def put(ident: str, *, on: bool) -> None:
            (done,) = await sink.update([Update(key="k", object=PARTY, id=ident, fields={flag: on})])
            assert isinstance(done, Done)
            assert done.fields == {flag: on}

        for _ in range(2):  # twice is once
            await put(old, on=True)
        await ticked(shop)
        assert await entries(shop) == {new.id: False, old: False}
        await put(old, on=False)
        assert await entries(shop) == {new.id: False, old: True}, "Tryton goes on with whoever once entered, unless they are stopped"
        await put(old, on=True)
        assert await entries(shop) == {new.id: False, old: False}
        first = await pages(source, source.start(long_ago()), [flag])
        assert {ident: one.fields[flag] for ident, one in snapshots(items(first)).items()} == {new.id: True, old: True}
        await shop.real.rest("ana", "PUT", f"{PARTY}/{old}", {"categories": [["remove", [category]]]})
        seen = snapshots(items(await pages(source, first[-1].cursor, [flag])))
        assert {ident: (one.fields[flag], one.origin) for ident, one in seen.items()} == {old: (False, "person")}


async def test_what_a_reader_of_mails_does_is_told_and_who_leaves_is_not_put_back(shop: TrytonWorld) -> None:
    category, scenario = await nurtured(shop)
    people = [await shop.seed({"name": name, "email": f"{name}@example.com"}) for name in ("reader", "leaver")]
    flag, lists = f"lists.{category}", f"{category}={scenario}"
    async with connected(shop, lists=lists, touches="mails,campaigns") as (source, sink):
        await sink.update([Update(key=one, object=PARTY, id=one, fields={flag: True}) for one in people])
        await ticked(shop)
        first = await pages(source, source.start(long_ago()), ["name"])
        assert not touched(items(first))
        mails = {one["id"]: one["record"]["record"] for one in await shop.real.rest("ana", "GET", f"{MAIL}?f=record.record")}
        links = await shop.real.rest("admin", "GET", "web.shortened_url?f=shortened_url&f=record")
        for one in links:
            if mails[int(one["record"].rpartition(",")[2])] == f"{PARTY},{people[0]}":
                assert await shop.real.visited("/s/" + one["shortened_url"].rpartition("/s/")[2]) in (301, 302)
        (entry,) = [
            one for one in await shop.real.rest("admin", "GET", f"{ENTRY}?f=record&f=uuid") if one["record"].endswith(f",{people[1]}")
        ]
        where = links[0]["shortened_url"].rpartition("/s/")[2].partition("%24")[0]
        assert await shop.real.visited(f"/m/{where}/unsubscribe?r={entry['uuid']}&next=https://acme.example/") == 302
        second = await pages(source, first[-1].cursor, ["name"])
        told = sorted(touched(items(second)).values(), key=lambda one: one.kind)
        assert [(one.kind, one.name, one.details.get("scenario")) for one in told] == [
            ("click", "First mail", "Keep warm"), ("open", "First mail", "Keep warm"), ("other", "Unsubscribed", "Keep warm"),
        ]  # fmt: skip
        assert [one.ref for one in told] == [f"tryton:{PARTY}:{people[n]}" for n in (0, 0, 1)]
        assert all(one.details["campaign"] == "autumn" and one.delivered_at and one.delivered_at <= one.at for one in told[:2])
        assert not touched(items(await pages(source, second[-1].cursor, ["name"])))
        for on in (False, True):
            await sink.update([Update(key=one, object=PARTY, id=one, fields={flag: on}) for one in people])
        assert await entries(shop) == {people[0]: False, people[1]: True}, "who left by the mail's link stays out"
        campaign = await made(shop, "marketing.campaign", name="fair")
        await shop.seed_as(DEAL, {"party": int(people[0]), "marketing_campaign": campaign})
        (came,) = touched(items(await pages(source, second[-1].cursor, ["name"]))).values()
        assert (came.kind, came.name, came.ref) == ("campaign", "fair", f"tryton:{PARTY}:{people[0]}")
        assert [one.what for one in await source.doctor({flag: True}) if not one.ok] == []
        lacking = {one.what: one.todo for one in await source.doctor({"lists.99": True}) if not one.ok}
        assert lacking == {"lists.99": f"name it in the option lists: {category},99"}


@pytest.mark.parametrize("options", [{"touches": "everything"}, {"lists": "nurture"}])
def test_an_option_that_cannot_be_is_refused(options: dict[str, str]) -> None:
    nowhere = Connection("tryton", "tryton", "http://127.0.0.1:9/shop", {}, options)
    with pytest.raises(ValueError, match="tryton: "):
        load("tryton").source(nowhere, NotedBudget(), NotedBreaker())

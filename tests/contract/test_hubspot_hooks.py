"""HubSpot's webhooks: the generic ones tell the same as the named ones, and doctor says what the app is subscribed to, and where its calls go."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

from connectors.base import Connection, Finding
from connectors.contract import NotedBreaker, NotedBudget
from connectors.registry import load
from tests.contract.hubspot_world import HubSpotWorld, hubspot_world, reading
from tests.contract.test_hubspot import Receiver, all_told, submit, webhooks

VERBS = ("creation", "deletion", "merge", "restore")
NAMED = [f"{kind}.{verb}" for kind in ("contact", "deal") for verb in VERBS]
NAMED += ["contact.propertyChange:*", "deal.propertyChange:*", "deal.associationChange", "contact.privacyDeletion"]
GENERIC = [f"object.{verb}@{ident}" for ident in ("0-1", "0-3") for verb in VERBS]
GENERIC += ["object.propertyChange@0-1:*", "object.propertyChange@0-3:*", "object.associationChange@0-3", "contact.privacyDeletion"]
HELD = datetime(2026, 11, 23, 9, 14, 2, tzinfo=UTC)


async def story(subscriptions: list[str]) -> tuple[list[Any], list[str]]:
    """Let everything happen that happens to people and deals; gives what was told, and what was ordered to be read."""
    async with hubspot_world() as world, reading(world) as source, webhooks(world, source) as receiver:
        world.hub.webhooks.subscriptions.clear()
        world.hub.webhooks.subscribe_all(subscriptions)
        await source.fields("contacts")
        kim, per, eva = [await world.seed({"email": f"{name}@x.example"}) for name in ("kim", "per", "eva")]
        await world.edit(kim, {"phone": "1"})
        await submit(world, "kim@x.example", HELD)
        deal = world.hub.put("deals", {"dealname": "D", "amount": "100"}, to={"contacts": [kim]}, client="maria")
        world.hub.delete("deals", deal, "maria")
        await world.merge(kim, per)
        await world.delete(eva)
        world.hub.restore(eva, "maria")
        contacts = world.hub.portal.contacts
        contacts.erase(contacts.live[int(eva)], world.hub.auth.actor("maria"))
        world.hub.webhooks.flush()
        await all_told(world)
        assert {event["subscriptionType"].partition(".")[0] for post in world.hub.webhooks.sender.deliveries for event in post.events} == {
            one.partition(".")[0] for one in subscriptions
        }
        return _said(receiver), sorted(receiver.read)


def _said(receiver: Receiver) -> list[Any]:
    told = [one.model_dump(exclude={"received_at", "at", "times"}) | {"is": type(one).__name__} for one in receiver.items]
    return sorted(told, key=repr)


async def test_generic_webhooks_tell_the_same_as_the_named_ones() -> None:
    named, generic = await story(NAMED), await story(GENERIC)
    assert named == generic
    assert Counter(one["is"] for one in named[0]).keys() == {"RecordChanged", "RecordDeleted", "RecordMerged", "TouchRecorded"}
    assert {one.get("how") for one in named[0] if one["is"] == "RecordDeleted"} == {"deleted", "restored", "erased"}
    assert len(named[1]) >= 1


# --- doctor ---------------------------------------------------------------------------------------------------------------------


async def looked(world: HubSpotWorld, key: str = "developer-key", at: str = "", **secrets: str) -> list[Finding]:
    plain = world.connection()
    found = Connection("hubspot", "hubspot", world.url, {**plain.secrets, "developer_key": key, **secrets}, plain.options, 5.0, at)
    source = load("hubspot").source(found, NotedBudget(), NotedBreaker())
    try:
        return [one for one in await source.doctor({"email": True, "phone": True}) if "webhooks" in one.what or "HubSpot calls" in one.what]
    finally:
        await source.close()


async def test_doctor_says_where_calls_go_and_what_they_are_not_about(account: HubSpotWorld) -> None:
    hooks = account.hub.webhooks
    (none,) = await looked(account)
    assert none.todo == "set the app's target URL to https://…/webhooks/hubspot"
    account.hub.set_webhook("https://truce.acme.example/webhooks/hubspot")
    _, all_of_them = await looked(account)
    assert (all_of_them.ok, "erased for privacy they alone tell" in all_of_them.what) == (True, True)
    assert [one.ok for one in await looked(account, at="https://Truce.acme.example/webhooks/hubspot/")] == [True, True]
    elsewhere, _ = await looked(account, at="https://truce.nordwind.example/webhooks/hubspot")
    assert (elsewhere.ok, elsewhere.todo) == (False, "set the app's target URL to https://truce.nordwind.example/webhooks/hubspot")
    hooks.subscriptions.clear()
    hooks.subscribe_all(["object.creation@0-1", "contact.deletion", "object.merge@0-2", "contact.propertyChange:email"])
    hooks.set_active(hooks.subscribe("contact.restore").id, False)
    account.hub.set_webhook("https://old.acme.example/hooks")
    where, what = await looked(account)
    assert (where.ok, where.what) == (False, "hubspot: HubSpot calls https://old.acme.example/hooks")
    assert not what.ok
    assert what.what == (
        "hubspot: 4 subscriptions of webhooks are active (companies, contacts), none to contact.merge, contact.restore, contact.privacyDeletion, "
        "contact.propertyChange of phone, contact.propertyChange of recent_conversion_date"
    )


async def test_doctor_says_what_cannot_be_seen_and_how_it_is(account: HubSpotWorld) -> None:
    (untold,) = await looked(account, key="")
    assert untold.ok
    assert "secret developer_key" in untold.what
    assert "/webhooks/hubspot" in untold.todo, "what nobody can see is no all-clear"
    assert "erased for privacy they alone tell" in untold.what
    (wrong,) = await looked(account, key="kim-guessed-it")
    assert not wrong.ok
    assert "kim-guessed-it" not in f"{wrong.what} {wrong.todo}"
    assert await looked(account, webhook_secret="") == []

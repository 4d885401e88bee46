"""A contact that is deleted for privacy (GDPR): told as erased, never brought back by what is read or comes late, and blocked at HubSpot."""

from __future__ import annotations

from connectors.contract_fates import missed
from connectors.contract_world import items, long_ago, pages
from schemas.change import RecordChanged, RecordDeleted
from tests.contract.hubspot_world import HubSpotWorld, hubspot_world, reading
from tests.contract.test_hubspot import all_told, webhooks

WANTED = {"contacts": ["email", "phone"]}


def erase(world: HubSpotWorld, ident: str) -> None:
    contacts = world.hub.portal.contacts
    contacts.erase(contacts.live[int(ident)], world.hub.auth.actor("maria"))
    world.hub.webhooks.flush()


async def test_it_is_told_as_erased_by_its_webhook() -> None:
    async with hubspot_world() as world, reading(world) as source, webhooks(world, source) as receiver:
        kim, per = [await world.seed({"email": f"{name}@x.example"}) for name in ("kim", "per")]
        erase(world, kim)
        await world.delete(per)
        await all_told(world)
        told = {(one.ref, one.how) for one in receiver.items if isinstance(one, RecordDeleted)}
        kims, pers = (f"hubspot:contacts:{ident}" for ident in (kim, per))
        assert told == {(kims, "deleted"), (kims, "erased"), (pers, "deleted")}, "HubSpot tells the plain deletion besides"


async def test_where_only_deletions_are_subscribed_to_reading_who_was_deleted_says_who_is_gone_for_good() -> None:
    async with hubspot_world() as world, reading(world) as source, webhooks(world, source) as receiver:
        world.hub.webhooks.subscriptions.clear()
        world.hub.webhooks.subscribe_all(["object.deletion@0-1", "object.deletion@0-2"])
        kim, per = [await world.seed({"email": f"{name}@x.example"}) for name in ("kim", "per")]
        erase(world, kim)
        await world.delete(per)
        await all_told(world)
        assert {one.how for one in receiver.items if isinstance(one, RecordDeleted)} == {"deleted"}
        assert sorted(receiver.read) == sorted(f"hubspot:contacts:{ident}" for ident in (kim, per))
        read = await source.read([one.rpartition(":")[2] for one in receiver.read], ["email"])
        told = {one.ref.rpartition(":")[2]: one.for_good for one in read if isinstance(one, RecordDeleted)}
        assert told == {kim: True, per: False}


async def test_what_is_read_later_does_not_bring_it_back() -> None:
    async with hubspot_world() as world, reading(world) as source:
        kim, per = [await world.seed({"email": f"{name}@x.example"}) for name in ("kim", "per")]
        cursor = (await pages(source, source.start(long_ago()), WANTED))[-1].cursor
        erase(world, kim)
        found = items(await pages(source, cursor, WANTED))
        assert f"hubspot:contacts:{kim}" not in {one.ref for one in found if isinstance(one, RecordChanged)}
        (gone, there) = await source.read([kim, per], ["email"]) if per else ()
        told = {type(one): getattr(one, "ref", "") for one in (gone, there)}
        assert told == {RecordDeleted: f"hubspot:contacts:{kim}", RecordChanged: f"hubspot:contacts:{per}"}


async def test_one_whose_webhook_was_lost_is_missed_by_the_sweep_and_read_as_deleted() -> None:
    async with hubspot_world() as world, reading(world) as source:
        kim, per = [await world.seed({"email": f"{name}@x.example"}) for name in ("kim", "per")]
        cursor = (await pages(source, source.start(long_ago()), WANTED))[-1].cursor
        erase(world, kim)
        polled = items(await pages(source, cursor, WANTED))
        assert not [one for one in polled if isinstance(one, RecordDeleted)], "no list of the deleted has whoever was erased"
        assert await missed(source, [kim, per], ["email"]) == {kim}
        await world.delete(per)
        told = {one.ref: one.for_good for one in await source.read([kim, per], ["email"]) if isinstance(one, RecordDeleted)}
        assert told == {f"hubspot:contacts:{kim}": True, f"hubspot:contacts:{per}": False}, "what was deleted is kept for 90 days"

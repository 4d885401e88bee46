"""A deal as HubSpot really tells it, decided under the example playbook: it moves the person who is in it, and names their company."""

from __future__ import annotations

from datetime import UTC, datetime

from schemas.change import RecordChanged
from sync.playbook import loader
from sync.sources import schema
from sync.sources.publisher import ref_of, wrap
from tests.contract.hubspot_world import HubSpotWorld, hubspot_world, reading
from tests.factory import START
from tests.house.project import ROOT
from tests.world import World

PLAYBOOK = loader.load_files(loader.read(ROOT / "deploy" / "playbook"))


async def _told(hub: HubSpotWorld, world: World) -> None:
    """Decide everything that HubSpot has, by a full read as the source makes it."""
    async with reading(hub) as source:
        wanted = {
            name: schema.wanted(PLAYBOOK, "hubspot", name, await source.fields(name))
            for name in schema.objects(PLAYBOOK, "hubspot", source)
        }
        async for page in source.everything(None, wanted):
            for item in page.items:
                world.now = max(world.now, (datetime.now(UTC) - START).total_seconds())
                world.deliver(wrap(item, "hubspot"))


async def test_a_deal_moves_its_person_and_a_win_makes_them_a_customer() -> None:
    async with hubspot_world() as hub:
        person = await hub.seed({"email": "kim@gmail.com", "lastname": "Larsen", "country": "NO"})
        firm = hub.hub.add("companies", {"name": "Nordwind AS", "domain": "nordwind.example"})
        deal = hub.hub.add("deals", {"dealname": "First", "dealstage": "appointmentscheduled"}, {"contacts": [person], "companies": [firm]})
        world = World(playbook=PLAYBOOK)
        await _told(hub, world)
        lead = world.lead(f"hubspot:contacts:{person}")
        assert lead.value("stage") == "opportunity"
        assert lead.why["account"]["ref"] == f"hubspot:companies:{firm}"
        assert lead.why["account"]["how"] == "this person is in its opportunity First"
        hub.hub.put("deals", {"dealstage": "closedwon"}, ident=deal, client="maria")
        await _told(hub, world)
        assert world.lead(f"hubspot:contacts:{person}").value("stage") == "customer"


async def test_everything_that_the_example_playbook_maps_is_there() -> None:
    async with hubspot_world() as hub, reading(hub) as source:
        lacking = {name: schema.lacking(PLAYBOOK, "hubspot", name, await source.fields(name)) for name in ("companies", "deals")}
        assert lacking == {"companies": {}, "deals": {}}
        deal = hub.hub.add("deals", {"dealname": "First"})
        wanted = schema.wanted(PLAYBOOK, "hubspot", "deals", await source.fields("deals"))
        (read,) = await source.read([deal], wanted, object_="deals")
        assert isinstance(read, RecordChanged)
        assert ref_of(read) == f"hubspot:deals:{deal}"
        assert {"associations.contacts", "associations.companies"} <= read.fields.keys()

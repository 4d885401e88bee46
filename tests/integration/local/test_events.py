"""Salesforce's change events alone carry what sales does: no poll comes. Both emulated systems, real Kafka and PostgreSQL, parts as processes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

from sync.lead.state import load
from sync.sources.listening import POSITION
from tests.integration.local.town import Town
from tests.integration.local.town import town as run_town

ANA, KIM, IDA = "ana@acme.example", "kim.larsen@nordwind.example", "ida.vogt@werk.example"
EVENTS = ("Lead", "Contact", "Account", "Opportunity", "Task")


@pytest_asyncio.fixture
async def town(kafka: str, postgres: str, installation: str, tmp_path: Path) -> AsyncIterator[Town]:
    async with run_town((kafka, postgres, installation), tmp_path, events=EVENTS, options={"poll_s": "86400"}) as made:
        stored = "SELECT cursor FROM cursors WHERE system = 'salesforce' AND name = $1"
        await made.until("the stream is open", lambda: made.crm.pubsub is not None and made.crm.pubsub.subscribed)
        await made.until("the first read is done", lambda: made.pool.fetchval("SELECT done_at FROM cursors WHERE name = 'everything'"))
        await made.until("the place in the stream is kept", lambda: made.pool.fetchrow(stored, POSITION))
        yield made


def lead(town: Town, email: str, **fields: Any) -> str:
    told = {
        "FirstName": "Kim",
        "LastName": "Larsen",
        "Company": "Nordwind",
        "Email": email,
        "Country": "Norway",
        "OwnerId": town.crm.user_id(ANA),
    }
    return town.crm.save("Lead", by=ANA, **{**told, **fields})


async def gone(town: Town, ident: str) -> str | None:
    """Say what became of a lead's record, as the lead whose it is now has it: one that was joined into another keeps what it had."""
    rows = await town.rows("SELECT doc::text AS doc FROM leads WHERE survivor IS NULL")
    found = [load(row["doc"]).records.get(f"salesforce:Lead:{ident}") for row in rows]
    return next((one.gone for one in found if one is not None), None)


async def test_what_a_rep_does_is_in_hubspot_though_no_poll_comes(town: Town) -> None:
    ident = lead(town, KIM)
    await town.until("the lead is in HubSpot", lambda: town.contact(KIM))
    town.crm.save("Lead", ident, by=ANA, Phone="+47 22 00 00 01")
    await town.until("the phone is in HubSpot", lambda: town.contact(KIM).get("phone") == "+4722000001")
    await town.settled()

    became = town.crm.convert(ident, opportunity=True, by=ANA)
    await town.until("the conversion is in HubSpot", lambda: town.contact(KIM).get("lifecyclestage") == "opportunity")
    town.crm.save("Contact", str(became["ConvertedContactId"]), by=ANA, Phone="+47 22 00 00 02")
    await town.until("the contact's phone is in HubSpot", lambda: town.contact(KIM).get("phone") == "+4722000002")
    await town.settled()
    assert await town.pool.fetchval("SELECT count(*) FROM leads WHERE survivor IS NULL") == 1
    assert await town.pool.fetchval("SELECT count(*) FROM duplicates") == 0
    assert [dict(one) for one in await town.pool.fetch("SELECT kind, text FROM problems WHERE closed_at IS NULL")] == []


async def test_merges_and_deletions_come_by_events_and_undeletions_too(town: Town) -> None:
    kim, ida = lead(town, KIM), lead(town, IDA, FirstName="Ida", LastName="Vogt", Company="Werk")
    await town.until("both are in HubSpot", lambda: town.contact(KIM) and town.contact(IDA))
    await town.settled()
    town.crm.doors.delete({"id": ida})
    await town.until("Ida's record is known to be gone", lambda: gone(town, ida))
    assert await gone(town, ida) == "deleted"
    at = town.crm.org.clock.stamp()
    await town.until("Salesforce's clock, which knows whole seconds, moved on", lambda: town.crm.org.clock.stamp() > at)
    town.crm.doors.undelete({"id": ida})
    town.crm.save("Lead", ida, by=ANA, Phone="+47 22 00 00 03")
    await town.until("Ida is back", lambda: town.contact(IDA).get("phone") == "+4722000003")
    assert await gone(town, ida) is None
    town.crm.merge(kim, ida, by=ANA)
    await town.until("the merge is known", lambda: gone(town, ida))
    assert await gone(town, ida) == "merged"

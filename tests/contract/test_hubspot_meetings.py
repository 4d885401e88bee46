"""Meetings of HubSpot as acts of people: who books one by a rep's link, and who came."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from connectors.base import Source
from connectors.contract_world import items, long_ago, pages
from schemas.response import ResponseRecorded
from schemas.touch import TouchRecorded
from tests.contract.hubspot_world import HubSpotWorld, reading
from tests.contract.test_hubspot import all_told, webhooks

OPTIONS = {"meeting_touches": "on"}
WANTED = {"contacts": ["email"]}


async def acts(source: Source) -> list[TouchRecorded]:
    return [one for one in items(await pages(source, source.start(long_ago()), WANTED)) if isinstance(one, TouchRecorded)]


async def test_a_meeting_that_somebody_books_is_their_act_by_webhook_and_by_poll(account: HubSpotWorld) -> None:
    async with reading(account) as source, webhooks(account, source) as receiver:
        account.hub.book("kim@x.example", "ana-diaz/intro", datetime.now(UTC) + timedelta(days=1))
        await all_told(account)
        noticed = [one for one in receiver.items if isinstance(one, TouchRecorded)]
        polled = await acts(source)
    ident = str(account.hub.by_email("kim@x.example")["hs_object_id"])  # type: ignore[index]
    for found in (noticed, polled):
        assert [(one.kind, one.name, one.ref) for one in found] == [
            ("meeting", "Meetings Link: ana-diaz/intro", f"hubspot:contacts:{ident}")
        ]
    assert noticed[0].activity_id == polled[0].activity_id


async def test_who_came_to_a_meeting_did_something_and_who_only_will_did_not(account: HubSpotWorld, reader: Source) -> None:
    kim, per = [await account.seed({"email": f"{name}@x.example"}) for name in ("kim", "per")]
    held, ended = datetime.now(UTC) - timedelta(hours=2), {"hs_meeting_outcome": "COMPLETED", "hubspot_owner_id": "501"}
    said = {"hs_meeting_title": "Demo", "hs_meeting_end_time": held.isoformat(), "hs_timestamp": held.isoformat()}
    met = account.hub.put("meetings", {**said, **ended}, to={"contacts": [kim, per]}, client="maria")
    account.hub.put("meetings", {**said, "hs_meeting_outcome": "NO_SHOW"}, to={"contacts": [kim]}, client="maria")
    account.hub.put("calls", {"hs_timestamp": held.isoformat()}, to={"contacts": [kim]}, client="maria")
    told = await acts(reader)
    assert {(one.ref, one.kind, one.name, one.activity_id, one.details["by"]) for one in told} == {
        (f"hubspot:contacts:{one}", "meeting", "Demo", f"meeting:{met}:{one}", "501") for one in (kim, per)
    }
    assert all(abs(one.at - held) < timedelta(milliseconds=1) for one in told)
    assert {type(one) for one in await reader.read([met], (), object_="meetings")} == {TouchRecorded, ResponseRecorded}
    async with reading(account) as source:
        assert await acts(source) == [], "nobody asked"
        assert (source.acts, reader.acts) == ((), ("meetings",))

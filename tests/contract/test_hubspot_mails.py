"""Who opens, or clicks in, a marketing e-mail of HubSpot: touches of the contact that holds the address, each once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.base import Source
from connectors.contract_world import items, long_ago, pages
from connectors.errors import Surprising
from schemas.touch import TouchRecorded
from tests.contract.hubspot_world import HubSpotWorld, reading

WANTED = {"contacts": ["email"]}
OPTIONS = {"email_events": "on"}


async def read(source: Source, cursor: str) -> tuple[list[TouchRecorded], str]:
    found = await pages(source, cursor, WANTED)
    return [one for one in items(found) if isinstance(one, TouchRecorded)], found[-1].cursor


async def test_an_opened_and_a_clicked_mail_are_touches_of_the_contact(account: HubSpotWorld, reader: Source) -> None:
    kim = await account.seed({"email": "kim@x.example"})
    account.hub.mailed("Kim@X.example", "OPEN", "Plant automation", after_s=7200)
    account.hub.mailed("kim@x.example", "CLICK", "Plant automation", after_s=2, filteredEvent=True)
    account.hub.mailed("kim@x.example", "DELIVERED", "Plant automation")
    account.hub.mailed("stranger@x.example", "OPEN", "Plant automation")
    told, _ = await read(reader, reader.start(long_ago()))
    by_kind = {one.kind: one for one in told}
    assert set(by_kind) == {"open", "click"}
    opened, clicked = by_kind["open"], by_kind["click"]
    assert (opened.ref, opened.name, opened.machine) == (f"hubspot:contacts:{kim}", "Plant automation", False)
    assert opened.delivered_at is not None
    assert timedelta(seconds=7199) < opened.at - opened.delivered_at < timedelta(seconds=7201)
    assert clicked.machine, "HubSpot itself leaves it out of its reports"
    assert opened.activity_id.startswith("email:")


async def test_each_is_told_once_whatever_is_read_again(account: HubSpotWorld, reader: Source) -> None:
    await account.seed({"email": "kim@x.example"})
    cursor, seen = reader.start(datetime.now(UTC) - timedelta(minutes=5)), list[str]()
    for n in range(3):
        account.hub.mailed("kim@x.example", "OPEN", f"Mail {n}")
        told, cursor = await read(reader, cursor)
        seen += [one.name for one in told]
    assert seen == ["Mail 0", "Mail 1", "Mail 2"]
    again, _ = await read(reader, cursor)
    assert again == []


async def test_a_log_of_several_pages_is_read_to_its_end(account: HubSpotWorld, reader: Source) -> None:
    await account.seed({"email": "kim@x.example"})
    for n in range(230):
        account.hub.mailed("kim@x.example", "CLICK", f"Mail {n}")
    told, _ = await read(reader, reader.start(long_ago()))
    assert len({one.activity_id for one in told}) == 230


async def test_without_the_option_nothing_is_asked(account: HubSpotWorld) -> None:
    async with reading(account) as source:
        account.hub.mailed("kim@x.example", "OPEN", "Mail")
        assert (await read(source, source.start(long_ago())))[0] == []
    assert not [one for one in await account.calls() if "/email/" in one["path"]]


async def test_an_answer_without_events_is_no_silence(account: HubSpotWorld, reader: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    client: Any = reader
    get = client._client.get

    async def silent(path: str, **params: str) -> Any:
        answer = await get(path, **params)
        if "/email/" in path:
            answer.body.clear()
        return answer

    monkeypatch.setattr(client._client, "get", silent)
    with pytest.raises(Surprising, match="no list of events"):
        await read(reader, reader.start(long_ago()))


async def test_a_cursor_of_before_begins_with_what_comes_now(account: HubSpotWorld, reader: Source) -> None:
    """A place that was kept before e-mails were read does not bring years of them."""
    await account.seed({"email": "kim@x.example"})
    old = reader.start(datetime.now(UTC)).replace(',"mails":', ',"more":{},"x":')
    account.hub.mailed("kim@x.example", "OPEN", "Now")
    told, _ = await read(reader, old.replace(old[old.index(',"more"') :], "}"))
    assert [one.name for one in told] == ["Now"]

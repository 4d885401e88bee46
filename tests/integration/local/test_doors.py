"""Signed doors in a whole town: a form is an MQL in both systems, an enrichment fills both, a visiting company is told, events go out. Real parts, and a sender that is not ours."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest_asyncio

from sync.playbook.loader import load_files, read
from tests.house.project import ROOT
from tests.integration.alerts.receivers import SECRET, Hook
from tests.integration.local.town import Town, known_people, town
from tests.integration.sender.sender import Sender, sender

MQL = ("MQL", "marketingqualifiedlead")
ANA, KIM = "ana@acme.example", "kim.larsen@fjord.example"
PRESETS = ROOT / "deploy" / "presets"
QUIET = "  - {days: mon-fri, from: 19:00, to: 07:30}\n  - {days: sat-sun, from: 00:00, to: 23:59}"
"""When the example's people are told nothing at once: none here, whenever this runs."""
KNOWN = "SELECT EXISTS (SELECT FROM accounts WHERE name = 'Nordwind AS' AND owner IS NOT NULL) AND EXISTS (SELECT FROM opportunities)"
CHANGED = (
    ("alerts.yaml", "channels:\n", "events:\n  - {to: warehouse, types: [truce.handoff.*]}\nchannels:\n  warehouse: {kind: webhook}\n"),
    ("alerts.yaml", QUIET, "  []"),
    ("fields.yaml", "  employees:\n    type: number\n    policy: marketing", "  employees:\n    type: number\n    policy: enrichment"),
)
DOORS = {name: "whsec_" + b64encode(f"the secret of {name:12}".encode()).decode() for name in ("form", "enrichment", "visitors")}
WRITTEN = {f"inbound/{name}.yaml": (PRESETS / f"{name}.yaml").read_text() for name in DOORS}
SETTINGS = {f"TRUCE_DOORS__{name.upper()}": secret for name, secret in DOORS.items()}


@pytest_asyncio.fixture
async def made(kafka: str, postgres: str, installation: str, tmp_path: Path) -> AsyncIterator[tuple[Town, Sender, Hook]]:
    async with Hook() as hook, sender() as sending:
        more = {**SETTINGS, "TRUCE_CHANNELS__WAREHOUSE__URL": hook.url, "TRUCE_CHANNELS__WAREHOUSE__SECRETS__SECRET": SECRET}
        async with town((kafka, postgres, installation), tmp_path, written=WRITTEN, changed=CHANGED, settings=more) as running:
            yield running, sending, hook


async def post(place: Town, sending: Sender, door: str, payload: Any, ident: str) -> int:
    url = f"http://127.0.0.1:{place.environment['TRUCE_HTTP_PORT']}/doors/{door}"
    return int((await sending.send(url, json.dumps(payload), secrets=[DOORS[door]], ident=ident))["status"])


def case(name: str) -> Any:
    files = read(ROOT / "deploy" / "playbook") | {f"inbound/{name}.yaml": (PRESETS / f"{name}.yaml").read_bytes()}
    return load_files(files).doors[name].cases[0].payload


def elsewhere(payload: Any) -> Any:
    """Give a payload for somebody of another company: of that with an open opportunity nobody becomes an MQL."""
    text = json.dumps(payload)
    for theirs, other in (("nordwind.example", "fjord.example"), ("Nordwind AS", "Fjord Metall"), ('"Nordwind"', '"Fjord"')):
        text = text.replace(theirs, other)
    return json.loads(text)


async def test_what_others_send_is_taken_as_any_systems_and_told_on(made: tuple[Town, Sender, Hook]) -> None:
    place, sending, hook = made
    await known_people(place)
    firm = place.crm.save("Account", by=ANA, Name="Nordwind AS", Website="nordwind.example", OwnerId=place.crm.user_id(ANA))
    place.crm.save("Opportunity", by=ANA, Name="Nordwind 2027", AccountId=firm, StageName="Prospecting", CloseDate="2027-03-31")
    await place.until("the account is known", lambda: place.pool.fetchval(KNOWN))

    for _ in range(2):
        assert await post(place, sending, "visitors", case("visitors"), "msg_visit") == 204
    told = await place.until("the account's owner is told", lambda: place.cards(ANA, "Nordwind AS is on your website"))
    assert len(told) == 1
    assert place.lead(KIM) == {}, "no person is made up"

    form = {**elsewhere(case("form")), "timestamp": datetime.now(UTC).isoformat()}
    assert await post(place, sending, "form", form, "msg_form") == 204
    await place.until("Kim is in both", lambda: place.lead(KIM) and place.contact(KIM))
    await place.until("in HubSpot by the form's words", lambda: place.contact(KIM).get("jobtitle") == "Head of Operations")
    assert await post(place, sending, "enrichment", elsewhere(case("enrichment")), "msg_more") == 204
    await place.until(
        "820 in both", lambda: place.lead(KIM).get("NumberOfEmployees") == 820 and place.contact(KIM).get("numberofemployees") == "820"
    )
    await place.settled()
    await place.until(
        "Kim is an MQL in both", lambda: (place.lead(KIM).get("Lifecycle_Stage__c"), place.contact(KIM).get("lifecyclestage")) == MQL
    )

    await place.until("the warehouse has heard", lambda: [one for one in hook.taken.values() if one["type"] == "truce.handoff.offered"])
    figures = {row["door"]: row["week"] for row in await place.told("doors")}
    assert figures == {"enrichment": {"taken": 1}, "form": {"taken": 1}, "visitors": {"taken": 1}}
    assert "Nordwind" in await place.truce("visits", "--all")
    assert "No company" in await place.truce("visits")
    told_of_kim = await place.truce("explain", KIM)
    assert "Fjord Metall" in told_of_kim
    assert "with Ana Diaz" in told_of_kim

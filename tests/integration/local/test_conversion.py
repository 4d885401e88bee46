"""Lead, contact and account on the wire: a conversion in the middle of a hand-off, and a person made under their account. Both emulated systems, real Kafka and PostgreSQL, parts as processes."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from connectors.emulator.control import serve
from connectors.emulator.hubspot import HubSpot
from connectors.emulator.salesforce import Salesforce
from sync.cli import emulate
from sync.cli.parts import connections
from sync.store.connect import open_pool
from tests.house.project import ROOT

ANA, KIM = "ana@acme.example", "kim.larsen@nordwind.example"


@dataclass
class Town:
    """Both systems as people use them, and Truce between them."""

    crm: Salesforce
    marketing: HubSpot
    marketing_url: str
    pool: Any

    async def until(self, what: str, so: Callable[[], Any], seconds: float = 90.0) -> Any:
        """Wait until something is so and give it."""
        end = time.monotonic() + seconds
        while not (found := so()):
            assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}"
            await asyncio.sleep(0.1)
        return found

    async def settled(self) -> None:
        """Wait until nothing is under way."""
        query = "SELECT (SELECT count(*) FROM dirty) + (SELECT count(*) FROM intents WHERE state IN ('open', 'done')) + (SELECT count(*) FROM read_orders)"
        calm, end = 0, time.monotonic() + 60
        while calm < 15:
            calm = 0 if await self.pool.fetchval(query) else calm + 1
            assert time.monotonic() < end, "something stays under way"
            await asyncio.sleep(0.2)

    async def fill_in(self, **fields: str) -> None:
        """Fill in the form as the person."""
        told = {"email": KIM, **fields}
        body = {"submittedAt": int(time.time() * 1000), "fields": [{"objectTypeId": "0-1", "name": n, "value": v} for n, v in told.items()]}
        path = f"/submissions/v3/integration/secure/submit/{emulate.PORTAL_ID}/{emulate.FORM_GUID}"
        async with httpx.AsyncClient(base_url=self.marketing_url) as client:
            answer = await client.post(path, json=body, headers={"Authorization": f"Bearer {emulate.MARKETING_TOKEN}"})
        assert answer.status_code < 300, answer.text

    def updates(self) -> list[Any]:
        """Give what Truce changed at HubSpot."""
        return [one for one in self.marketing.journal.effects if one.client == "truce" and one.verb == "update"]


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


async def _end(process: asyncio.subprocess.Process) -> None:
    process.kill()
    await process.wait()


@pytest_asyncio.fixture
async def town(kafka: str, postgres: str, installation: str, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Town]:
    folder = tmp_path / "playbook"
    shutil.copytree(ROOT / "deploy" / "playbook", folder)
    for before, after in getattr(request, "param", ()):
        text = (folder / "fields.yaml").read_text()
        assert before in text
        (folder / "fields.yaml").write_text(text.replace(before, after, 1))
    crm, marketing, port = emulate.crm(), emulate.marketing(), _free_port()
    async with AsyncExitStack() as stack:
        one, other = await stack.enter_async_context(serve(crm.app)), await stack.enter_async_context(serve(marketing.app))
        marketing.set_webhook(f"http://127.0.0.1:{port}/webhooks/hubspot")
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("TRUCE_", "KAFKA_"))},
            **{"TRUCE_INSTALLATION": installation, "TRUCE_DATABASE": postgres, "KAFKA_BOOTSTRAP_SERVERS": kafka, "TRUCE_SECRET": "s"},
            **{"TRUCE_PARTITIONS": "2", "TRUCE_HOME": str(tmp_path), "TRUCE_HTTP_PORT": str(port)},
            **{"TRUCE_PLAYBOOK": str(folder)},
            **connections(emulate.systems({"salesforce": one.url, "hubspot": other.url}, poll_s=1.0)),
        }
        for role in ("worker", "edge"):
            log = stack.enter_context((tmp_path / f"{role}.log").open("wb"))
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "sync.cli", role), cwd=ROOT, env=environment, stdout=log, stderr=log
            )
            stack.push_async_callback(_end, process)
        pool = await open_pool(postgres, installation, size=1)
        stack.push_async_callback(pool.close)
        yield Town(crm, marketing, other.url, pool)


async def test_a_conversion_moves_the_person_on_and_makes_nobody_twice(town: Town) -> None:
    lead = town.crm.save(
        "Lead", by=ANA, FirstName="Kim", LastName="Larsen", Company="Nordwind", Email=KIM, Country="Norway", OwnerId=town.crm.user_id(ANA)
    )
    await town.until("the lead is in HubSpot", lambda: town.marketing.by_email(KIM))
    await town.settled()

    before = len(town.updates())
    became = town.crm.convert(lead, opportunity=True, by=ANA)
    await town.until("HubSpot shows it", lambda: (town.marketing.by_email(KIM) or {}).get("lifecyclestage") == "opportunity")
    await town.settled()
    told = town.updates()[before:]
    assert len(told) == 1, [one.after for one in told]
    contact = str(became["ConvertedContactId"])
    (row,) = town.crm.records("Contact")
    assert row["Id"] == contact
    assert row["Truce_Id__c"], "the contact is known as the person from now on"
    assert row["Lifecycle_Stage__c"] == "Opportunity"

    town.crm.save("Contact", contact, by=ANA, Phone="+47 22 00 00 01")
    await town.until("the contact's phone", lambda: (town.marketing.by_email(KIM) or {}).get("phone") == "+4722000001")

    await town.fill_in(jobtitle="Head of Operations")
    await town.until("the form's title", lambda: town.crm.records("Contact")[0]["Title"] == "Head of Operations")
    await town.settled()
    assert [row["Id"] for row in town.crm.leads()] == [lead], "no second lead record"
    assert len(town.crm.records("Contact")) == 1
    assert len(town.marketing.contacts()) == 1
    assert await town.pool.fetchval("SELECT count(*) FROM leads WHERE survivor IS NULL") == 1
    assert await town.pool.fetchval("SELECT count(*) FROM duplicates") == 0
    assert [dict(one) for one in await town.pool.fetch("SELECT kind, text FROM problems WHERE closed_at IS NULL")] == []


UNDER_THEIR_ACCOUNT = (
    "    create: always               # a person",
    "    create: [{as: Contact, when: has(account.name)}, {as: Lead}]\n    # a person",
)


@pytest.mark.parametrize("town", [[UNDER_THEIR_ACCOUNT]], indirect=True, ids=["contacts"])
async def test_who_works_at_a_known_account_becomes_a_contact_under_it_and_others_a_lead(town: Town) -> None:
    account = town.crm.save("Account", Name="Nordwind AS", Website="https://nordwind.example")
    async with asyncio.timeout(60):
        while not await town.pool.fetchval("SELECT count(*) FROM accounts WHERE ref = $1", f"salesforce:Account:{account}"):
            await asyncio.sleep(0.2)
    await town.fill_in(firstname="Kim", lastname="Larsen", company="Nordwind")
    (contact,) = await town.until("Kim is a contact", lambda: town.crm.records("Contact"))
    assert (contact["AccountId"], contact["Email"], contact["LastName"]) == (account, KIM, "Larsen")
    await town.fill_in(email="leo@elsewhere.example", firstname="Leo", lastname="Roth")
    (lead,) = await town.until("Leo is a lead", town.crm.leads)
    assert lead["Email"] == "leo@elsewhere.example"
    await town.settled()
    assert (len(town.crm.records("Contact")), len(town.crm.leads()), len(town.crm.records("Account"))) == (1, 1, 1)

"""A real Tryton as the CRM and an emulated HubSpot: who fills in a form becomes a party, is changed there, and HubSpot shows it. Real Kafka and PostgreSQL, parts as processes."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest_asyncio
from ruamel.yaml import YAML

from connectors.emulator.control import serve
from sync.cli import emulate
from sync.cli.parts import connections
from sync.runtime.kafka import free_port
from sync.store.connect import open_pool
from tests.house.project import ROOT
from tests.integration.local.town import Parts, known_people, laid, surroundings
from tests.tryton.running import Tryton, tryton
from tests.tryton.server import KEYS, STAGES

KIM, PARTY = "kim.larsen@nordwind.example", "party.party"
OURS: dict[str, Any] = {
    "email": "email", "last_name": "name", "phone": "phone", "owner": "account_manager", "mql_date": "mql_date", "engagement_score": "score",
    "stage": {"name": "lifecycle", "values": {one: one for one in STAGES}},
}  # fmt: skip
"""Shared field → what holds it in Tryton."""
DEAL: dict[str, Any] = {
    "name": "description", "people": "people", "amount": "amount", "close_date": "end_date",
    "stage": {
        "name": "state", "values": {"prospecting": "lead", "closed_won": "won", "closed_lost": "lost"},
        "reads": {"opportunity": "prospecting", "converted": "prospecting", "cancelled": "closed_lost"},
    },
}  # fmt: skip
SYSTEM = {
    "vendor": "tryton", "side": "sales", "mode": "write", "object": PARTY, "opportunity": "sale.opportunity", "create": "always", "bulk": "hold",
    "country": "NO",
}  # fmt: skip


def agreed() -> str:
    """Give the example's fields with Tryton in place of Salesforce."""
    yaml, text = YAML(), io.StringIO()
    book = yaml.load((ROOT / "deploy" / "playbook" / "fields.yaml").read_text(encoding="utf-8"))
    book["systems"] = {"tryton": SYSTEM, "hubspot": book["systems"]["hubspot"]}
    for part in ("fields", "accounts", "opportunities"):
        for name, one in book[part].items():
            one["systems"].pop("salesforce", None)
            if part == "fields" and name in OURS:
                one["systems"]["tryton"] = OURS[name]
            elif part == "opportunities" and name in DEAL:
                one["systems"]["tryton"] = DEAL[name]
            elif one["policy"] == "sales":
                one["policy"] = "latest"  # no field of sales holds it here
        book[part] = {name: one for name, one in book[part].items() if one["systems"]}
    yaml.dump(book, text)
    return text.getvalue()


@pytest_asyncio.fixture
async def parts(kafka: str, postgres: str, installation: str, tmp_path: Path) -> AsyncIterator[Parts]:
    laid(tmp_path, {"fields.yaml": agreed(), "env/staging.yaml": None}, ())
    await tryton().emptied()
    marketing, port = emulate.marketing(), free_port()
    async with AsyncExitStack() as stack:
        url = (await stack.enter_async_context(serve(marketing.app))).url
        marketing.set_webhook(f"http://127.0.0.1:{port}/webhooks/hubspot")
        crm = {"vendor": "tryton", "url": tryton().url, "secrets": {"key": KEYS["truce"]}, "options": {"poll_s": 1.0, "lookback_s": 3}}
        systems = {"tryton": crm, "hubspot": emulate.systems({"salesforce": "", "hubspot": url}, base_s=1.0)["hubspot"]}
        environment = surroundings((kafka, postgres, installation), tmp_path, port) | connections(systems)
        pool = await open_pool(postgres, installation, size=1)
        stack.push_async_callback(pool.close)
        visitors = await stack.enter_async_context(httpx.AsyncClient(base_url=url, verify=False))
        made = Parts(marketing=marketing, visitors=visitors, pool=pool, home=tmp_path, environment=environment)
        try:
            for role in ("worker", "edge"):
                await made.start(role)
            yield made
        finally:
            for name in list(made.running):
                await made.kill(name)


async def party(real: Tryton) -> dict[str, Any]:
    """Give the one party that there is as Ana sees it, an empty one while there is none."""
    fields = ("name", "email", "phone", "lifecycle", "account_manager.email", "contact_mechanisms.type")
    found = await real.rest("ana", "GET", f"{PARTY}?" + "&".join(f"f={name}" for name in fields))
    people = [one for one in found if one["email"]]
    assert len(people) <= 1, "nobody is made twice"
    return dict(people[0]) if people else {}


async def test_a_form_becomes_a_party_is_changed_there_and_comes_back(parts: Parts) -> None:
    real = tryton()
    await known_people(parts)
    await parts.fill_in(
        KIM,
        "Demo",
        firstname="Kim",
        lastname="Larsen",
        company="Nordwind",
        country="Norway",
        numberofemployees="900",
        phone="+47 22 00 00 01",
    )
    made = await parts.until("Kim is a party", lambda: party(real))
    assert (made["name"], made["email"]) == ("Larsen", KIM)
    await parts.until("Kim is an MQL with an owner in Tryton", lambda: _is(real, lifecycle="mql"))
    assert (await party(real))["account_manager"]["email"] == "ana@acme.example", "of the pool she alone is a user of Tryton"
    await parts.settled()

    numbers = [one["id"] for one in (await party(real))["contact_mechanisms"] if one["type"] == "phone"]
    assert len(numbers) == 1
    await real.rest("ana", "PUT", f"party.contact_mechanism/{numbers[0]}", {"value": "+47 22 00 00 02"})
    await parts.until("HubSpot has the number", lambda: parts.contact(KIM).get("phone") == "+4722000002")
    await real.rest("ana", "PUT", f"{PARTY}/{made['id']}", {"lifecycle": "sal"})
    await parts.until("HubSpot has the stage", lambda: parts.contact(KIM).get("lifecyclestage") == "salesacceptedlead")
    await parts.settled()

    firm = await real.firm()
    asked = {"company": firm["company"], "currency": firm["currency"], "party": made["id"], "description": "A hundred chairs"}
    deal = await real.rest("ana", "POST", "sale.opportunity", asked)
    await parts.until(
        "HubSpot has the stage of who is in an opportunity", lambda: parts.contact(KIM).get("lifecyclestage") == "opportunity"
    )
    await real.rest("ana", "POST", f"sale.opportunity/{deal['id']}/lost", {})
    await parts.until("HubSpot knows that it was lost", lambda: parts.contact(KIM).get("opportunity_result") == "lost")
    await parts.settled()

    assert [dict(one) for one in await parts.rows("SELECT kind, text FROM problems WHERE closed_at IS NULL")] == []
    before = len(parts.marketing.journal.effects)
    with real.sql() as sql:
        (written,) = sql.execute("SELECT count(*) FROM ir_model_log").fetchone()
    await parts.settled()
    with real.sql() as sql:
        assert sql.execute("SELECT count(*) FROM ir_model_log").fetchone() == (written,), "while nobody does anything nothing is written"
    assert len(parts.marketing.journal.effects) == before


async def _is(real: Tryton, **fields: str) -> bool:
    found = await party(real)
    return all(found.get(name) == value for name, value in fields.items())

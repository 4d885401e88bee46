"""The first-sync report of two emulated systems: everybody is read and put together, nothing is written to either, and memory does not grow."""

from __future__ import annotations

import csv
import stat
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from ruamel.yaml import YAML

from connectors.emulator.control import serve
from connectors.emulator.hubspot import HubSpot
from connectors.emulator.salesforce import Salesforce
from sync.cli import emulate
from sync.cli.demo import world
from sync.cli.first.report import Asked, report
from sync.cli.output import CannotRun
from sync.playbook import loader
from sync.settings import Settings, SystemSettings
from tests.house.project import ROOT

PLAYBOOK = loader.load_files(loader.read(ROOT / "deploy" / "playbook"))


@dataclass
class Town:
    """Two systems as they were before Truce."""

    crm: Salesforce
    marketing: HubSpot
    systems: dict[str, SystemSettings]
    home: Path

    async def report(self, **asked: Any) -> dict[str, Any]:
        """Give the report, as a laptop without a store would."""
        settings = Settings(home=self.home, secret=SecretStr("s"))
        return await report(settings, self.systems, PLAYBOOK, Asked(**asked), lambda what, done: None)


def _crm(crm: Salesforce, one: world.Person, **more: Any) -> str:
    return crm.add_lead(
        Email=one.email, FirstName=one.first, LastName=one.last, Company=one.company, Phone=one.phone, Title=one.title, Industry=one.industry,
        NumberOfEmployees=one.employees, Country=one.country, **more,
    )  # fmt: skip


def _marketing(marketing: HubSpot, one: world.Person, **more: str) -> str:
    return marketing.add_contact(
        email=one.email, firstname=one.first, lastname=one.last, company=one.company, phone=one.phone, jobtitle=one.title,
        industry=one.industry, numberofemployees=str(one.employees), country=one.country, **more,
    )  # fmt: skip


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    crm, marketing = emulate.crm(), emulate.marketing()
    async with AsyncExitStack() as stack:
        apps = {"salesforce": crm.app, "hubspot": marketing.app}
        urls = {name: (await stack.enter_async_context(serve(app))).url for name, app in apps.items()}
        systems = {
            name: SystemSettings(
                vendor=how["vendor"], url=how["url"], secrets=how["secrets"], options={k: str(v) for k, v in how["options"].items()}
            )
            for name, how in emulate.systems(urls, base_s=1.0).items()
        }
        yield Town(crm, marketing, systems, tmp_path)


async def test_the_first_sync_on_paper(town: Town) -> None:
    ours, theirs = world.first_people()
    for person in ours:
        _crm(town.crm, person)
    for person in theirs:
        _marketing(town.marketing, person)
    _crm(town.crm, world.KIM)
    twin = _crm(town.crm, world.KIM)  # entered twice
    _marketing(town.marketing, world.KIM, hs_lead_status="CONNECTED")
    town.crm.add_lead(LastName="=Nobody", Company="Acme")

    found = await town.report(folder=town.home / "lists")

    assert found["records"] == {"salesforce": 63, "hubspot": 61}
    where = {tuple(one["systems"]): one["people"] for one in found["in"]}
    assert where == {("salesforce", "hubspot"): 26, ("salesforce",): 37, ("hubspot",): 35}
    assert found["matched_by"] == {"e-mail": 26}
    (asked,) = found["ambiguous"]
    assert (asked["reason"], asked["records"]) == ("the lead has a record in salesforce already", 1)
    assert found["several_records_of_one_address"] == {"salesforce": 1}
    assert found["records_without_email"] == {"salesforce": 1}

    fields = {one["field"]: one for one in found["fields"]}
    assert fields["email"]["equal"] == 26
    differed = sum(one["differing"] for one in fields.values() if one["field"] in ("phone", "title", "industry", "employees"))
    assert differed == world.differing(ours, theirs)
    assert set(fields["phone"]["wins"]) == {"salesforce"}, "sales owns phone"
    assert fields["phone"]["examples"][0]["values"] == {"salesforce": "(personal)", "hubspot": "(personal)"}

    assert found["writes"]["hubspot"]["created"] == 36 - 1, "but for the one whom a person must place, and who has no address"
    assert found["writes"]["salesforce"]["created"] == 35
    assert town.crm.journal.effects == []
    assert not [one for one in town.marketing.journal.effects if one.client == "truce"]
    assert all(one["days"] == 1 and one["read"] >= 1 for one in found["calls"].values())

    lists = {path.name: list(csv.reader(path.open(encoding="utf-8-sig"))) for path in (town.home / "lists").iterdir()}
    assert found["lists"] == {name: len(rows) - 1 for name, rows in lists.items()}
    assert len(lists["only_in_hubspot.csv"]) == 36
    assert {row[2] for row in lists["several.csv"][1:]} >= {f"salesforce:Lead:{twin}"}
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in (town.home / "lists").iterdir())
    phones = [row[3] for row in lists["differing.csv"] if row[0] == "phone"]
    assert phones
    assert all(phone.startswith("'+") for phone in phones), "no cell is a formula"
    assert [path.name for path in town.home.iterdir()] == ["lists"], "what was read is gone from the disk"


async def test_values_that_nobody_maps_come_with_lines_to_paste(town: Town) -> None:
    _crm(town.crm, world.KIM, Status="working contacted")
    found = await town.report()
    (one,) = found["unmapped"]["fields"]
    assert (one["system"], one["name"], one["values"]) == ("salesforce", "Status", [{"value": "working contacted", "records": 1}])
    (block,) = found["unmapped"]["blocks"]
    assert "working contacted: working   # 1 record" in block
    assert YAML(typ="safe", pure=True).load(block)["status"]["systems"]["salesforce"]["reads"] == {"working contacted": "working"}


async def test_only_who_changed_since_then_is_counted(town: Town) -> None:
    _crm(town.crm, world.KIM)
    _marketing(town.marketing, world.KIM)
    assert (await town.report(since=datetime.now(UTC) + timedelta(hours=1)))["people"] == 0
    assert (await town.report(since=datetime.now(UTC) - timedelta(hours=1)))["people"] == 1


async def test_a_system_that_is_not_set_up_is_named(town: Town) -> None:
    del town.systems["hubspot"]
    with pytest.raises(CannotRun, match="to hubspot: set TRUCE_SYSTEMS__HUBSPOT__URL"):
        await town.report()

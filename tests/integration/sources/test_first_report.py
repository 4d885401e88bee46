"""The first-sync report of two emulated systems: everybody is read and put together, nothing is written to either, and memory does not grow."""

from __future__ import annotations

import csv
import re
import stat
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
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


async def test_values_that_nobody_maps_come_with_lines_that_paste_into_the_playbook(town: Town, tmp_path: Path) -> None:
    _crm(town.crm, world.KIM, Status="working contacted", Reject_Reason__c="Too early")
    town.crm.save("Opportunity", Name="Big", StageName="Proposal", CloseDate="2026-12-24")
    found = await town.report()
    values = {(one["system"], one["name"], one["field"]): one["values"] for one in found["unmapped"]["fields"]}
    assert values["salesforce", "Status", "status"] == [{"value": "working contacted", "records": 1}]
    assert values["salesforce", "StageName", "opportunity.stage"] == [{"value": "Proposal", "records": 1}]
    files = dict(loader.read(ROOT / "deploy" / "playbook"))
    for block in found["unmapped"]["blocks"]:
        files["fields.yaml"] = pasted(files["fields.yaml"].decode(), block).encode()
    assert [one.render() for one in loader.check(files).problems] == []
    status = loader.load_files(files).fields["status"]
    assert status.systems["salesforce"].from_vendor["working contacted"] == "working"
    assert replace(status, systems={}) == replace(PLAYBOOK.fields["status"], systems={}, where=status.where)
    assert status.systems["salesforce"].read_only


def pasted(text: str, block: str) -> str:
    """Put lines of a field where those of the same name and section stand, as a person would."""
    section = {"stage": "opportunities:"}.get(block.split(":", maxsplit=1)[0].strip(), "fields:")
    lines = text.splitlines()
    begin = next(n for n in range(lines.index(section), len(lines)) if lines[n].startswith(block.split(":", maxsplit=1)[0] + ":"))
    end = next(n for n in range(begin + 1, len(lines)) if re.match(r" {0,2}\S", lines[n]))
    return "\n".join([*lines[:begin], block, *lines[end:]]) + "\n"


async def test_a_text_that_the_other_systems_list_does_not_have_comes_with_lines_that_make_a_picklist_of_it(town: Town) -> None:
    town.marketing.drift("industry", type="enumeration", options=(("ENERGY", "Energy"), ("FOOD", "Food & drink")))
    for number, industry in enumerate(("Energy", "Energy", "FOOD", "Oil")):
        town.crm.add_lead(Email=f"p{number}@x.example", Industry=industry)
    town.marketing.add_contact(email="p0@x.example", industry="ENERGY")
    found = await town.report()
    (one,) = found["unmapped"]["fields"]
    assert (one["name"], one["kind"]) == ("Industry", "not on the list of hubspot")
    assert one["values"] == [{"value": "Energy", "records": 2}, {"value": "Oil", "records": 1}]
    (block,) = found["unmapped"]["blocks"]
    files = dict(loader.read(ROOT / "deploy" / "playbook"))
    checked = loader.check({**files, "fields.yaml": pasted(files["fields.yaml"].decode(), block).encode()})
    assert "fields.yaml" not in {one.file for one in checked.problems}, "rules elsewhere that name other values are said with their lines"
    industry = YAML(typ="safe", pure=True).load(block)["industry"]
    assert (industry["type"], industry["values"]) == ("picklist", ["energy", "food"])
    assert industry["systems"]["hubspot"]["values"] == {"energy": "ENERGY", "food": "FOOD"}
    assert industry["systems"]["salesforce"]["reads"] == {"Energy": "energy"}
    assert "# Oil: ?   1 record; which of energy, food is it?" in block


async def test_accounts_and_deals_are_read_put_together_and_move_the_people_in_them(town: Town) -> None:
    account = town.crm.save("Account", Name="Nordwind AS", Website="https://nordwind.example", NumberOfEmployees=820)
    firm = town.marketing.add("companies", {"name": "Nordwind", "domain": "nordwind.example", "numberofemployees": "800"})
    town.marketing.add("companies", {"name": "Only here"})
    ident = town.marketing.add_contact(email=world.KIM.email, firstname=world.KIM.first, lastname=world.KIM.last, lifecyclestage="lead")
    town.marketing.add("deals", {"dealname": "Plant", "dealstage": "closedwon"}, {"contacts": [ident], "companies": [firm]})
    _crm(town.crm, world.KIM, Lifecycle_Stage__c="Lead")
    town.crm.save("Opportunity", Name="Alone", StageName="Prospecting", CloseDate="2026-12-24", AccountId=account)

    found = await town.report(folder=town.home / "lists")

    accounts, deals = found["accounts"], found["opportunities"]
    assert accounts["records"] == {"salesforce": 1, "hubspot": 2}
    assert {tuple(one["systems"]): one["accounts"] for one in accounts["in"]} == {("salesforce", "hubspot"): 1, ("hubspot",): 1}
    fields = {one["field"]: one for one in accounts["fields"]}
    assert (fields["name"]["wins"], fields["employees"]["wins"]) == ({"salesforce": 1}, {"hubspot": 1})
    assert accounts["writes"]["hubspot"]["values"] == {"name": 1, "owner": 1}
    assert accounts["records_without_domain"] == {"hubspot": 1}
    assert found["with_account"] == 1
    assert deals["outcomes"] == {"salesforce": {"open": 1}, "hubspot": {"won": 1}}
    assert deals["without_people"] == {"salesforce": 1}
    stage = next(one for one in found["fields"] if one["field"] == "stage")
    assert found["writes"]["salesforce"]["values"]["stage"] == 1, "whom a deal won is a customer in both"
    assert stage["equal"] == 1
    assert {
        "accounts_differing.csv",
        "accounts_only_in_hubspot.csv",
        "accounts_without_domain.csv",
        "opportunities_without_people.csv",
    } <= {*found["lists"]}
    only = await town.report(system="salesforce", object="Account")
    assert (only["records"], only["accounts"]["records"]["salesforce"]) == ({"hubspot": 1}, 1)


async def test_only_who_changed_since_then_is_counted(town: Town) -> None:
    _crm(town.crm, world.KIM)
    _marketing(town.marketing, world.KIM)
    assert (await town.report(since=datetime.now(UTC) + timedelta(hours=1)))["people"] == 0
    assert (await town.report(since=datetime.now(UTC) - timedelta(hours=1)))["people"] == 1


async def test_a_system_that_is_not_set_up_is_named(town: Town) -> None:
    del town.systems["hubspot"]
    with pytest.raises(CannotRun, match="to hubspot: set TRUCE_SYSTEMS__HUBSPOT__URL"):
        await town.report()

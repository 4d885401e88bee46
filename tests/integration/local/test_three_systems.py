"""Sales in Salesforce, marketing in HubSpot and in Mautic: three systems by their own connectors, and one story about everybody. Real Kafka and PostgreSQL, parts as processes."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from connectors.emulator.mautic import Mautic
from connectors.registry import manifests
from sync.cli import emulate, vendors
from sync.cli.demo import judge
from sync.cli.demo.sides import Side, marketing, sales
from sync.playbook import loader
from tests.house.project import ROOT
from tests.integration.local.town import Town, known_people
from tests.integration.local.town import town as run_town

ANA, KIM, LEO = "ana@acme.example", "kim.larsen@nordwind.example", "leo.roth@elsewhere.example"
LISTS = {"TRUCE_SYSTEMS__HUBSPOT__OPTIONS__LISTS": "1001", "TRUCE_SYSTEMS__MAUTIC__OPTIONS__LISTS": "1"}


def agreed() -> str:
    """Give the example's fields with Mautic beside the two, as its own pair spells them, and a nurture list in both marketing platforms."""
    yaml, text = YAML(), io.StringIO()
    book, pair = (
        yaml.load((ROOT / "deploy" / path / "fields.yaml").read_text(encoding="utf-8")) for path in ("playbook", "pairs/espocrm-mautic")
    )
    book["systems"]["mautic"] = pair["systems"]["mautic"]
    for name, one in pair["fields"].items():
        if "mautic" in one["systems"]:
            book["fields"][name]["systems"]["mautic"] = one["systems"]["mautic"]
    book["fields"]["nurture"] = {"type": "flag", "policy": "latest", "systems": {"hubspot": "lists.1001", "mautic": "lists.1"}}
    yaml.dump(book, text)
    return text.getvalue()


def compared(sides: Mapping[str, Side], folder: Path) -> judge.Comparison:
    """Compare what the three show of everybody, as each vendor's own client or plain HTTP reads it."""
    playbook = loader.load(folder)
    users = {system: {ident: email for ident, email in side.users().items() if email in playbook.reps} for system, side in sides.items()}
    held = {}
    for system, side in sides.items():
        names = [one.systems[system].name for one in playbook.fields.values() if system in one.systems and one.name != "nurture"]
        email = playbook.fields["email"].systems[system].name
        held[system] = {str(row[email]).lower(): row for row in side.rows(names)}
    return judge.compare(playbook, held, (), lambda system, ident: users[system].get(str(ident)))


async def test_three_systems_tell_one_story_and_who_is_recycled_is_on_both_nurture_lists_until_they_are_back(
    kafka: str, postgres: str, installation: str, tmp_path: Path
) -> None:
    third = vendors.mautic_of(emulate.REPS, emulate.FORMS, emulate.CLIENT_ID, emulate.CLIENT_SECRET)
    servers, written = (kafka, postgres, installation), {"fields.yaml": agreed(), "env/staging.yaml": None}
    async with run_town(servers, tmp_path, written=written, settings=LISTS, beside={"mautic": third}) as town:
        await _story(town, third)


async def _story(town: Town, third: Mautic) -> None:
    def opted_out() -> tuple[Any, ...]:
        lead, contact = town.lead(LEO), town.contact(LEO)
        return lead.get("HasOptedOutOfEmail"), contact.get("hs_email_optout")

    def phones() -> set[str | None]:
        one = third.by_email(KIM)
        return {town.contact(KIM).get("phone"), one.values["phone"] if one else None}

    def nurtured() -> tuple[bool, bool]:
        one, contact = third.by_email(KIM), town.contact(KIM)
        rows = third.contacts.tables["lead_lists_leads"]
        listed = {str(ident) for ident in town.marketing.portal.lists.members.get("1001", {})}
        return contact["hs_object_id"] in listed, one is not None and str(one.id) in {str(row["lead_id"]) for row in rows}

    await known_people(town, systems=3)
    await town.fill_in(KIM, "Demo", firstname="Kim", lastname="Larsen", company="Nordwind", country="Norway", numberofemployees="900")
    third.submit(emulate.FORMS["Demo"], LEO, firstname="Leo", lastname="Roth", company="Elsewhere", country="Germany", employees="900")
    await town.until("both have an owner in the CRM", lambda: all(town.lead(one).get("Lifecycle_Stage__c") == "MQL" for one in (KIM, LEO)))
    await town.until("each platform has the other's person", lambda: third.by_email(KIM) and town.contact(LEO))

    lead = town.lead(KIM)["Id"]
    town.crm.save("Lead", lead, by=ANA, Phone="+47 22 00 00 02")
    await town.until("the rep's number is in both platforms", lambda: phones() == {"+4722000002"})
    there = third.by_email(LEO)
    assert there is not None
    third.opt_out(str(there.id))
    await town.until("who unsubscribed in one is to be left alone by all", lambda: opted_out() == (True, "true"))

    assert nurtured() == (False, False)
    town.crm.save("Lead", lead, by=ANA, Reject_Reason__c="Bad timing")
    await town.until("who is recycled is on both lists", lambda: nurtured() == (True, True))
    await town.until("the rep sees it", lambda: town.lead(KIM)["Lifecycle_Stage__c"] == "Recycled")
    seen = time.time()  # Salesforce keeps whole seconds: what is done within the one of an earlier act looks older than that
    await town.until("the rep goes on in another second", lambda: int(time.time()) > int(seen))
    town.crm.save("Lead", lead, by=ANA, Lifecycle_Stage__c="SAL")
    await town.until("and comes off both", lambda: nurtured() == (False, False))
    await town.settled()

    urls = {name: town.environment[f"TRUCE_SYSTEMS__{name.upper()}__URL"] for name in ("salesforce", "hubspot", "mautic")}
    sides = await asyncio.to_thread(lambda: {name: (sales if name == "salesforce" else marketing)(name, url) for name, url in urls.items()})

    async def agree() -> bool:
        found = await asyncio.to_thread(compared, sides, town.playbook)
        return found.people == 2 and len(found.fields) > 25 and found.agree

    await town.until("all three say the same of both", agree)
    journals = {"salesforce": town.crm.journal, "hubspot": town.marketing.journal, "mautic": third.journal}
    doubled = [
        line for name, one in journals.items() for line in judge.doubled(list(one.lines("effects")), manifests()[name].truce_id_field)
    ]
    assert doubled == []
    assert await town.rows("SELECT kind, text FROM problems WHERE closed_at IS NULL") == []
    assert await town.pool.fetchval("SELECT count(*) FROM leads WHERE survivor IS NULL") == 2
    before = [len(one.effects) for one in journals.values()]
    await town.settled()
    assert [len(one.effects) for one in journals.values()] == before, "while nobody does anything nothing is written"

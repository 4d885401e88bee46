"""`truce backfill` beside a whole Truce: a hundredth of the people, a look, then the rest; both systems end equal, and nobody is handed off."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from sync.topology import changes_name
from tests.integration.local.town import Town, town

OLD = "2026-01-05T09:00:00.000+0000"
PEOPLE, FIRST = 30, 10
ANA = "ana@acme.example"


def email(n: int) -> str:
    return f"person.{n:02}@nordwind.example"


async def people(made: Town) -> None:
    """Both systems know thirty people, whose titles differ, since long ago; HubSpot knows one more."""
    for n in range(PEOPLE):
        told = {
            "Email": email(n),
            "FirstName": "Kim",
            "LastName": f"Larsen{n}",
            "Company": "Nordwind AS",
            "Title": "Buyer",
            "Country": "NO",
        }
        made.crm.add_lead(**told, CreatedDate=OLD, SystemModstamp=OLD, LastModifiedDate=OLD)
    for n in range(PEOPLE + 1):
        made.marketing.add_contact(email=email(n), firstname="Kim", lastname=f"Larsen{n}", jobtitle="Head of Operations", country="NO")
    await made.until("HubSpot's people are known", lambda: made.pool.fetchval("SELECT count(*) > $1 FROM records", PEOPLE))
    await calm(made)


async def calm(made: Town) -> None:
    """Wait until nobody who has a record everywhere is still to be told: who has none in Salesforce waits for its first full read."""
    left = """SELECT NOT EXISTS (SELECT 1 FROM read_orders) AND NOT EXISTS (SELECT 1 FROM intents WHERE state IN ('open', 'done')) AND NOT EXISTS (
      SELECT 1 FROM dirty d WHERE EXISTS (SELECT 1 FROM records r WHERE r.lead_id = d.lead_id AND r.system = d.system))"""
    await made.until("who is to be told is told", lambda: made.pool.fetchval(left))


def titles(made: Town) -> list[str]:
    return [made.lead(email(n)).get("Title") or "" for n in range(PEOPLE)]


UNUSED = {"TRUCE_CHANNELS__MAIL__URL": "smtp://127.0.0.1:9", "TRUCE_CHANNELS__ON_CALL__URL": "json://127.0.0.1:9"}
"""Channels by which nobody is told anything here; without them doctor would find them missing."""


async def kept(kafka: str, topic: str, days: int) -> None:
    """Have a topic kept for so long."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        how = {
            "retention.ms": str(days * 24 * 3600 * 1000),
            "message.timestamp.type": "LogAppendTime",
        }  # what is not named is as the broker has it
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs=how)])
    finally:
        await admin.close()


async def looked_back_at(made: Town) -> None:
    """HubSpot goes over to observe mode, another tool writes there, and the report says what it did where Truce would have written."""
    account = made.crm.save("Account", by=ANA, Name="Nordwind", Website="nordwind.example")
    company = made.marketing.put("companies", {"name": "Nordwind", "domain": "nordwind.example"})
    await made.until("both have the account", lambda: made.pool.fetchval("SELECT count(*) = 2 FROM accounts"))
    await made.settled()
    fields = made.playbook / "fields.yaml"
    before, after = "side: marketing\n    mode: write", "side: marketing\n    mode: observe"
    assert before in fields.read_text()
    fields.write_text(fields.read_text().replace(before, after, 1))
    await made.truce("apply", str(made.playbook), "--yes")
    await made.settled()

    made.crm.save("Account", account, by=ANA, Name="Nordwind AS")
    for n in range(3):
        made.crm.save("Lead", made.lead(email(n))["Id"], by=ANA, Phone=f"+4722110{n:03}")
    await made.until(
        "it is kept back", lambda: made.pool.fetchval("SELECT count(*) = 3 FROM would_write WHERE system = 'hubspot' AND field = 'phone'")
    )
    made.marketing.put("companies", {"name": "NORDWIND"}, ident=company, client="enricher")
    for n, phone in enumerate(("+4722110000", "+4799999999")):
        made.marketing.edit(made.contact(email(n))["hs_object_id"], "enricher", phone=phone)

    async def told() -> dict[tuple[str, str], Any] | None:
        found = (await made.told("observe", "report", "--since", "1h"))["compared"]
        rows = {(row["system"], row["field"]): row for row in found["fields"]}
        return rows if all(rows.get(("hubspot", name), {}).get("otherwise") for name in ("phone", "account.name")) else None

    rows = await made.until("what the other tool did is seen", told)
    assert {system for system, _ in rows} == {"hubspot"}
    phone, name = rows["hubspot", "phone"], rows["hubspot", "account.name"]
    assert [phone[what] for what in ("same", "otherwise", "not_done")] == [1, 1, 1]
    assert [name[what] for what in ("same", "otherwise", "not_done")] == [0, 1, 0]
    (example,) = name["examples"]
    assert (example["would_be"], example["is"], example["record"]) == ("Nordwind AS", "NORDWIND", f"hubspot:companies:{company}")


async def looked_at(made: Town, kafka: str, topic: str) -> None:
    """Let doctor look at a whole Truce: nothing is wrong, until a topic is kept too short."""
    found: list[dict[str, Any]] = await made.told("doctor")
    assert [one["what"] for one in found if not one["ok"]] == []
    whats = "\n".join(one["what"] for one in found)
    door = made.environment["TRUCE_PUBLIC_URL"]
    for line in (
        "Kafka: 6 topics, kept 7 days, 2 partitions of changes",
        f"hubspot: {door}/webhooks/hubspot can be reached from here, and refuses what is not signed",
        f"slack: {door}/slack/actions can be reached from here, and refuses what is not signed",
        "salesforce: Lead.Title holds 128 characters, contacts.jobtitle of hubspot any length",
    ):
        assert line in whats
    await kept(kafka, topic, 2)
    lines = (await made.truce("doctor", code=1)).splitlines()
    assert lines[-3:] == [
        f"✘ Kafka: {topic} is kept 2 days: what is not read by then is lost, and a worker stops → set its retention.ms to 604800000 or more",
        "",
        lines[-1],
    ]
    assert lines[-1].startswith("1 finding (✘); ")


async def test_a_slice_a_look_and_the_rest(kafka: str, postgres: str, installation: str, tmp_path: Path) -> None:
    async with town((kafka, postgres, installation), tmp_path, options={"first_read": "by_hand"}, settings=UNUSED) as made:
        await people(made)
        assert await made.rows("SELECT ref FROM records WHERE system = 'salesforce'") == [], "it is a person's to read"
        assert made.wrote(made.crm) == []

        found = await made.told("backfill", "salesforce", "--first", str(FIRST))
        assert (found["people"], found["done"], found["decided"], found["to_plan"]) == (FIRST, False, True, 0)
        assert (found["before"]["matched"], found["after"]["matched"]) == (0, FIRST)
        assert titles(made) == ["Head of Operations"] * FIRST + ["Buyer"] * (PEOPLE - FIRST), (
            "the later edit counts, for those who were read"
        )
        assert made.lead(email(PEOPLE)) == {}, "nobody is made before everybody was read"
        assert any("10 people were read by truce backfill" in row["what"] for row in await made.told("doctor", code=1))

        said = await made.truce("backfill", "salesforce")
        assert f"{PEOPLE} people of salesforce read so far, all of them" in said
        await made.until("the one of HubSpot alone is made", lambda: made.lead(email(PEOPLE)))
        await made.settled()
        assert titles(made) == ["Head of Operations"] * PEOPLE
        assert await made.rows("SELECT id FROM handoffs") == []
        assert "was read in full" in await made.truce("backfill", "salesforce", code=2)

        again = await made.told("backfill", "salesforce", "--since", "1h")
        await made.settled()
        assert again["done"]
        assert again["people"] > 0, "what Truce wrote changed just now"

        observed = await made.told("observe", "report", "--since", "1h")
        assert observed["compared"]["leads"] == PEOPLE + 1
        assert observed["compared"]["fields"] == [], "everything is written here"
        await looked_back_at(made)
        await looked_at(made, kafka, changes_name(installation, 1))

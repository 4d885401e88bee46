"""`truce backfill` beside a whole Truce: a hundredth of the people, a look, then the rest; both systems end equal, and nobody is handed off."""

from __future__ import annotations

from pathlib import Path

from tests.integration.local.town import Town, town

OLD = "2026-01-05T09:00:00.000+0000"
PEOPLE, FIRST = 30, 10


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


async def test_a_slice_a_look_and_the_rest(kafka: str, postgres: str, installation: str, tmp_path: Path) -> None:
    async with town((kafka, postgres, installation), tmp_path, options={"first_read": "by_hand"}) as made:
        await people(made)
        assert await made.rows("SELECT ref FROM records WHERE system = 'salesforce'") == [], "it is a person's to read"
        assert made.wrote(made.crm) == []

        found = await made.told("backfill", "salesforce", "--first", str(FIRST))
        assert (found["people"], found["done"], found["decided"]) == (FIRST, False, True)
        assert (found["before"]["matched"], found["after"]["matched"]) == (0, FIRST)
        await calm(made)
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

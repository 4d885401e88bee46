"""Doorbell in, vendor told, result out: on the real Kafka and PostgreSQL."""

from __future__ import annotations

import pytest

from connectors.errors import Conflict, Rejected
from schemas.change import RecordChanged
from schemas.write import FieldRefused
from sync.store import would_write
from tests.integration.writer.world import SYSTEM, World, lead, playbook, with_record


async def test_a_doorbell_becomes_an_update_and_a_result(unswept: World) -> None:
    unswept.vendor.records["1"] = {"Email": "ana@example.com", "Phone": "+1"}
    ana = with_record(lead(phone="+2"), "1", email="ana@example.com", phone="+1")
    await unswept.put(ana)
    await unswept.ring(ana)
    await unswept.start()
    (done,) = await unswept.results(1)
    assert unswept.vendor.effects == [("update", "1", {"Phone": "+2"})]
    assert (done.outcome, done.lead_id, done.ref, done.fields, done.versions) == (
        "written",
        ana.id,
        "crm:Lead:1",
        {"Phone": "+2"},
        {"phone": 1},
    )
    assert done.times["phone"].timestamp() == 1.0
    await unswept.clean()
    await unswept.end()
    assert (await unswept.committed())["hot"] == 1


async def test_a_lead_without_record_is_looked_up_and_created(here: World) -> None:
    ana = lead(phone="+2")
    await here.put(ana)
    await here.ring(ana)
    await here.start()
    (done,) = await here.results(1)
    expected = {"Email": "ana@example.com", "Phone": "+2", "Truce_Id__c": ana.id, "Company": "[unknown]"}
    assert here.vendor.effects == [("create", "00Q1", expected)]
    assert (done.outcome, done.ref, done.truce_id, sorted(done.versions)) == ("created", "crm:Lead:00Q1", True, ["email", "phone"])
    assert [verb for verb, _ in here.vendor.journal] == ["find", "create"]
    await here.clean()


async def test_a_hit_of_the_look_up_is_told_as_a_change_and_not_written(here: World) -> None:
    here.vendor.records["7"] = {"Email": "ana@example.com"}
    ana = lead(phone="+2")
    await here.put(ana)
    await here.ring(ana)
    await here.start()
    (one,) = await here.messages(1)
    assert isinstance(one.data, RecordChanged)
    assert one.data.ref == "crm:Lead:7"
    assert here.vendor.effects == []
    assert await here.pool.fetchval("SELECT count(*) FROM intents") == 0


async def test_a_hit_that_is_another_leads_record_waits_for_a_person(here: World) -> None:
    here.vendor.records["7"] = {"Email": "ana@example.com"}
    other = with_record(lead(), "7", email="ana@example.com")
    ana = lead(phone="+2")
    await here.put(other, dirty=False)
    await here.put(ana)
    await here.ring(ana)
    await here.start()
    await here.clean()
    row = await here.pool.fetchrow("SELECT ref, leads FROM duplicates WHERE settled_at IS NULL")
    assert (row["ref"], set(row["leads"])) == ("crm:Lead:7", {ana.id, other.id})
    assert here.vendor.effects == []
    assert await here.pool.fetchval("SELECT count(*) FROM problems WHERE kind = 'duplicate' AND closed_at IS NULL") == 1


async def test_a_create_refused_because_a_record_exists_links_it(here: World) -> None:
    here.vendor.records["7"] = {"Email": "ana@example.com", "hidden": True}
    ana = lead(phone="+2")
    await here.put(ana)
    await here.ring(ana)
    await here.start()
    (done,) = await here.results(1)
    assert (done.outcome, done.ref, done.versions) == ("linked", "crm:Lead:7", {})
    assert [type(one.data).__name__ for one in here.seen] == ["RecordChanged", "WriteDone"]
    assert here.vendor.effects == []


async def test_a_create_refused_because_of_another_leads_record_is_a_duplicate(here: World) -> None:
    here.vendor.records["7"] = {"Email": "ana@example.com", "hidden": True}
    other = with_record(lead(), "7", email="ana@example.com")
    ana = lead()
    await here.put(other, dirty=False)
    await here.put(ana)
    await here.ring(ana)
    await here.start()
    await here.clean()
    assert await here.pool.fetchval("SELECT count(*) FROM duplicates") == 1
    assert here.vendor.effects == []
    assert await here.pool.fetchval("SELECT state FROM intents") == "void"


@pytest.mark.parametrize(
    ("alike", "shown", "said"),
    [
        (Conflict("alike", existing=("7",), beside=(("Contact", "9"),)), "ana@example.com", "2 records that may be this person (crm:Lead:7, crm:Contact:9)"),
        (Conflict("alike", existing=("7",)), "ana@old.example", "a record for this person already (crm:Lead:7)"),
        (Conflict("alike"), "", "a record for this person already"),
    ],
    ids=["several", "of another address", "unnamed"],
)  # fmt: skip
async def test_records_of_which_nobody_knows_whose_they_are_wait_for_a_person(here: World, alike: Conflict, shown: str, said: str) -> None:
    here.vendor.records["7"] = {"Email": shown, "hidden": True}
    here.vendor.refuse = lambda ident, fields: alike if ident == "new" else None
    ana = lead(phone="+2")
    await here.put(ana)
    await here.ring(ana)
    await here.start()
    await here.clean()
    row = await here.pool.fetchrow("SELECT ref, leads, reason FROM duplicates WHERE settled_at IS NULL")
    assert (row["ref"], row["leads"]) == ("crm:Lead:7" if alike.existing else None, [ana.id])
    assert row["reason"] == f"crm has {said}: alike"
    assert here.vendor.effects == []


async def test_a_refused_field_is_parked_and_the_others_go_on(here: World) -> None:
    here.vendor.records["1"] = {"Email": "ana@example.com"}
    here.vendor.refuse = lambda ident, fields: (
        Rejected("phone is odd", code="INVALID", refused=(FieldRefused(field="Phone", code="INVALID", words="phone is odd"),))
        if "Phone" in fields
        else None
    )
    ana = with_record(lead(phone="+2", title="CTO"), "1", email="ana@example.com")
    await here.put(ana)
    await here.ring(ana)
    await here.start()
    (done,) = await here.results(1)
    assert here.vendor.records["1"]["Title"] == "CTO"
    assert (done.outcome, done.versions, done.fields) == ("written", {"title": 1}, {"Title": "CTO"})
    assert [(one.field, one.value, one.words) for one in done.refused] == [("Phone", "+2", "phone is odd")]
    assert done.parked_id is not None
    await here.clean()
    assert len(here.vendor.calls("update")) == 2


async def test_a_refusal_without_a_field_refuses_the_row_and_no_other(here: World) -> None:
    here.vendor.records |= {str(n): {"Email": f"p{n}@example.com"} for n in range(3)}
    here.vendor.refuse = lambda ident, fields: Rejected("a rule says no", code="RULE") if ident == "1" else None
    people = [with_record(lead(email=f"p{n}@example.com", phone="+2"), str(n), email=f"p{n}@example.com") for n in range(3)]
    await here.put(*people)
    await here.ring(*people)
    await here.start()
    done = {one.ref: one for one in await here.results(3)}
    assert {ref: one.outcome for ref, one in done.items()} == {f"crm:Lead:{n}": "rejected" if n == 1 else "written" for n in range(3)}
    assert [(one.field, one.words) for one in done["crm:Lead:1"].refused] == [("Phone", "a rule says no")]
    assert len(here.vendor.effects) == 2
    await here.clean()


async def test_a_batch_refused_whole_is_split_and_no_good_row_is_written_twice(here: World) -> None:
    people = [with_record(lead(email=f"p{n}@example.com", phone="+2"), str(n), email=f"p{n}@example.com") for n in range(8)]
    here.vendor.records |= {str(n): {} for n in range(8)}
    here.vendor.faults = [Rejected("one of them is bad"), Rejected("one of them is bad")]
    here.vendor.refuse = lambda ident, fields: Rejected("this one", refused=(FieldRefused(field="Phone"),)) if ident == "5" else None
    await here.put(*people)
    await here.ring(*people)
    await here.start()
    done = await here.results(8)
    assert sorted(one.outcome for one in done) == ["rejected"] + ["written"] * 7
    assert len(here.vendor.effects) == 7
    await here.clean()


async def test_a_deleted_record_is_told_as_gone_and_read(here: World) -> None:
    ana = with_record(lead(phone="+2"), "1", email="ana@example.com")
    await here.put(ana)
    await here.ring(ana)
    await here.start()
    (done,) = await here.results(1)
    assert (done.outcome, done.ref) == ("gone", "crm:Lead:1")
    assert await here.pool.fetchval("SELECT ref FROM read_orders") == "crm:Lead:1"
    assert here.vendor.effects == []
    await here.clean()


async def test_a_merged_lead_is_written_nowhere_and_its_survivor_is_looked_at(here: World) -> None:
    here.vendor.records["1"] = {"Email": "ana@example.com"}
    survivor = with_record(lead(phone="+2"), "1", email="ana@example.com")
    loser = lead(phone="+3")
    loser.survivor = survivor.id
    await here.put(survivor, dirty=False)
    await here.put(loser)
    await here.ring(loser)
    await here.start()
    (done,) = await here.results(1)
    assert done.lead_id == survivor.id
    assert here.vendor.effects == [("update", "1", {"Phone": "+2"})]
    await here.clean()


async def test_observe_mode_keeps_what_it_would_write_and_calls_nobody(here: World) -> None:
    here.book = playbook(mode="observe")
    ana = with_record(lead(phone="+2"), "1", email="ana@example.com", phone="+1")
    new = lead(email="new@example.com")
    await here.put(ana, new)
    await here.ring(ana, new)
    await here.start()
    await here.clean()
    rows = await would_write.report(here.pool)
    assert {(r.lead_id, r.record_id, r.field, r.before, r.after) for r in rows} == {
        (ana.id, "1", "phone", "+1", "+2"),
        (new.id, "new", "email", None, "new@example.com"),
    }
    assert here.vendor.journal == []
    ana.desired["phone"].value, ana.rev = "+1", 2
    await here.put(ana)
    await here.ring(ana)
    await here.clean()
    assert {row.lead_id for row in await would_write.report(here.pool)} == {new.id}


async def test_what_was_written_would_not_be_written_any_more(here: World) -> None:
    ana = with_record(lead(phone="+2"), "1", email="ana@example.com", phone="+1")
    here.vendor.records["1"] = {"Email": "ana@example.com", "Phone": "+1"}
    await here.put(ana)
    insert = "INSERT INTO would_write (lead_id, system, record_id, field, rule) VALUES ($1, $2, '1', 'phone', 'fields.yaml:1 phone')"
    await here.pool.execute(insert, ana.id, SYSTEM)
    await here.ring(ana)
    await here.start()
    await here.clean()
    assert here.vendor.effects == [("update", "1", {"Phone": "+2"})]
    assert await would_write.report(here.pool) == []


async def test_a_doorbell_that_is_none_holds_nobody_up(unswept: World) -> None:
    unswept.vendor.records["1"] = {"Email": "ana@example.com"}
    ana = with_record(lead(phone="+2"), "1", email="ana@example.com")
    await unswept.put(ana)
    for key in (b"nonsense", b"\xff\xfe", None, lead().id.encode()):
        await unswept.producer.send_and_wait(f"{unswept.installation}.writes.crm.hot", b"", key=key)
    await unswept.ring(ana)
    await unswept.start()
    await unswept.results(1)
    await unswept.clean()
    await unswept.end()
    assert (await unswept.committed())["hot"] == 5


async def test_a_lead_that_cannot_be_planned_is_a_problem_and_stops_nobody(here: World) -> None:
    here.vendor.records["1"] = {"Email": "ana@example.com"}
    ana, bad = with_record(lead(phone="+2"), "1", email="ana@example.com"), lead(email="bad@example.com")
    await here.put(ana, bad)
    await here.pool.execute("""UPDATE leads SET doc = '{"state_version": 99}' WHERE id = $1""", bad.id)
    await here.ring(bad, ana)
    await here.start()
    await here.results(1)

    async def told() -> bool:
        return bool(await here.pool.fetchval("SELECT count(*) FROM problems WHERE kind = 'unplannable' AND lead_id = $1", bad.id))

    await here.until(told)
    assert await here.dirty() == 1

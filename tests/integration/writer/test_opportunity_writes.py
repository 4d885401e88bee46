"""Opportunities become deals on a real PostgreSQL and Kafka and an emulated HubSpot: one each, whatever is lost, kept as sales has them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from schemas.base import Scalar
from sync.store import pauses
from sync.writer.opportunities import Opportunities
from tests.factory import ms
from tests.integration.writer.desks import Desk, at_work, refusing

OPP, NAME = "salesforce:Opportunity:006A", "First order"
COPIED = b"opportunities:\n  copy_of: {type: text, policy: marketing, systems: {hubspot: truce_id}}\n"
REFUSED = refusing("dealname")


@pytest_asyncio.fixture
async def desk(kafka: str, postgres: str, installation: str) -> AsyncIterator[Desk]:
    """One opportunity."""
    async with at_work(Opportunities, kafka, postgres, installation, (b"opportunities:\n", COPIED)) as made:
        made.ref = OPP
        await show(made, 1_000, name=NAME, stage="prospecting", amount=100)
        yield made


async def show(desk: Desk, at: int, **values: Scalar) -> None:
    await desk.show(OPP, at, **values)


def deals(desk: Desk) -> list[dict[str, str]]:
    return desk.hub.hub.records("deals")


def writes(desk: Desk) -> int:
    return desk.writes("deals")


async def test_a_deal_is_made_once_and_then_left_alone(desk: Desk) -> None:
    await desk.step()
    (deal,) = deals(desk)
    assert (deal["truce_id"], deal["dealname"], deal["dealstage"], deal["amount"]) == (OPP, NAME, "appointmentscheduled", "100")
    (told,) = await desk.hear()
    assert (told.origin, told.fields["truce_id"], told.ref) == ("own", OPP, f"hubspot:deals:{deal['hs_object_id']}")
    await desk.step()
    assert await desk.step() == 0
    state = await desk.state()
    assert (writes(desk), state["intent"], state["record"]) == (1, None, told.ref)


async def test_a_lost_answer_is_found_by_the_key_and_nothing_is_made_twice(desk: Desk) -> None:
    await desk.hub.fault(kind="drop_answer", path="/deals/batch/create")
    await desk.step()
    assert (await desk.state())["intent"]["fields"]["name"]["value"] == NAME
    await desk.step()
    heard = await desk.hear()
    assert [one.intent_id is not None for one in heard] == [False, True]
    await desk.settle()
    assert (len(deals(desk)), writes(desk)) == (1, 1)
    assert (await desk.state())["told_rev"] == (await desk.state())["rev"]


async def test_a_call_that_never_arrived_is_made_again(desk: Desk) -> None:
    await desk.hub.fault(kind="timeout", path="/deals/batch/create")
    await desk.step()
    assert deals(desk) == []
    await desk.settle()
    assert len(deals(desk)) == 1


async def test_a_result_that_nobody_heard_is_told_again(desk: Desk) -> None:
    await desk.step()
    assert await desk.messages(), "told, and lost before anybody took it in"
    await desk.step()
    assert len(await desk.hear()) == 1
    await desk.settle()
    assert (len(deals(desk)), writes(desk)) == (1, 1)


async def test_a_deal_that_bears_the_key_is_taken_and_brought_into_line(desk: Desk) -> None:
    deal = desk.hub.hub.put("deals", {"dealname": "By hand", "dealstage": "appointmentscheduled", "truce_id": OPP}, client="maria")
    await desk.settle()
    (held,) = deals(desk)
    assert (held["hs_object_id"], held["dealname"], held["amount"]) == (deal, NAME, "100")


async def test_what_sales_changes_is_told_and_what_is_refused_is_a_problem(desk: Desk) -> None:
    await desk.settle()
    await show(desk, 2_000, amount=250, stage="closed_won")
    await desk.settle()
    assert [(one["amount"], one["dealstage"]) for one in deals(desk)] == [("250", "closedwon")]
    await desk.hub.fault(kind="status", path="/deals/batch/update", status=400, body=REFUSED)
    await show(desk, 3_000, name="Another")
    await desk.settle()
    assert [one["dealname"] for one in deals(desk)] == [NAME]
    assert await desk.problems("write_refused") == [f"hubspot:opportunity:{OPP}"], "another system's copy has problems of its own"


async def test_a_deal_that_somebody_deleted_is_not_made_again(desk: Desk) -> None:
    await desk.settle()
    (deal,) = deals(desk)
    desk.hub.hub.delete("deals", deal["hs_object_id"], "maria")
    await show(desk, 2_000, amount=250)
    await desk.settle()
    ref = f"hubspot:deals:{deal['hs_object_id']}"
    before = await desk.held(ref)
    await desk.put(before, before.end("deleted", ms(10**7)))
    await show(desk, 3_000, amount=300)
    await desk.settle()
    assert deals(desk) == []


async def test_nothing_is_made_while_paused_or_without_the_unique_property(desk: Desk) -> None:
    await pauses.put(desk.pool, "system:hubspot", "test", "test")
    await desk.step()
    assert writes(desk) == 0
    await desk.pool.execute("DELETE FROM pauses")
    desk.hub.hub.drift("truce_id", object_="deals", remove=True)
    await desk.writer.knowledge.look_again()
    await desk.step()
    assert writes(desk) == 0


async def test_a_company_that_becomes_known_later_is_associated(desk: Desk) -> None:
    firm, company = "salesforce:Account:001N", await desk.hub.seed_as("companies", {"name": "Nordwind", "domain": "n.example"})
    await show(desk, 2_000, account=firm)
    await desk.settle()
    (deal,) = deals(desk)
    assert (await desk.state())["again_at"] is not None, "it is looked at again"
    for ref in (firm, f"hubspot:companies:{company}"):
        await desk.show(ref, 1_000, domain="n.example")
    while await desk.writer.step():  # at once: no wait has to pass
        pass
    assert desk.hub.hub.linked("deals", deal["hs_object_id"], "companies") == [company]


async def test_switched_on_later_what_is_open_is_copied_and_what_was_over_before_is_not(desk: Desk) -> None:
    old = "salesforce:Opportunity:006O"
    await desk.show(old, 1_000, name="Old", stage="closed_won")
    await desk.pool.execute("DELETE FROM account_writes")
    await desk.settle()
    assert [deal["truce_id"] for deal in deals(desk)] == [OPP]
    assert not [call for call in desk.hub.hub.journal.calls if old in str(call)], "nobody even looks for it"
    await desk.show(old, int(desk.writer.clock() * 1000) + 5_000, stage="closed_lost")
    await desk.settle()
    assert sorted(deal["truce_id"] for deal in deals(desk)) == [OPP, old]


async def test_a_deal_that_was_merged_is_kept_where_it_went(desk: Desk) -> None:
    await desk.settle()
    (deal,) = deals(desk)
    other, kept = desk.hub.hub.put("deals", {"dealname": "Another"}, client="maria"), desk.hub.hub.portal.objects["deals"].records
    merged = kept.merge(kept.live[int(other)], kept.live[int(deal["hs_object_id"])], desk.hub.hub.auth.actor("maria"))
    lost, into = f"hubspot:deals:{deal['hs_object_id']}", f"hubspot:deals:{merged.id}"
    before = await desk.held(lost)
    await desk.put(before, before.end("merged", ms(10**7), into))
    await desk.show(into, 2_000, copy_of=OPP, name="Another", stage="prospecting", amount=100)
    await show(desk, 3_000, amount=250)
    await desk.settle()
    assert [(one["dealname"], one["amount"]) for one in deals(desk)] == [(NAME, "250")]
    assert (await desk.state())["record"] == into

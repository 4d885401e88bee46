"""Two leads become one while a call for the absorbed one is on the wire."""

from __future__ import annotations

import pytest

from tests.factory import HS, SF, merged
from tests.world import Stored, World

ANN, ANNA = "hubspot:contacts:1", "hubspot:contacts:2"


def _two() -> tuple[World, str]:
    """Two persons in both systems, and a new title on its way to the second one's Salesforce record; gives that record."""
    world = World()
    for ref, email in ((ANN, "ann@firm.example"), (ANNA, "anna@firm.example")):
        world.add(ref, {"email": email, "firstname": "Ann", "jobtitle": "CEO", "country": "US"})
    world.settle()
    record = next(ref for ref in world.lead(ANNA).records if ref.startswith(SF))
    world.edit(ANNA, {"jobtitle": "COO"})
    world.deliver_all()
    world.ring(world.lead(ANNA).id, SF)
    assert [call.row.record_id for call in world.calls] == [record.rpartition(":")[2]]
    return world, record


def test_a_record_whose_call_is_under_way_waits_for_it_after_a_merge() -> None:
    world, record = _two()
    world.deliver(merged(ANN, ANNA, seconds=world.tick()))
    world.edit(ANN, {"jobtitle": "CFO"})
    world.deliver_all()
    assert world.lead(record).id == world.lead(ANN).id
    world.ring(world.lead(ANN).id, SF)
    assert len(world.calls) == 1, "a second write to a record before the first has come back"
    world.stores[HS][ANNA].there = False
    world.settle()
    primary = world.lead(ANN).primary(SF)
    assert primary is not None
    assert primary.ref == record
    assert (world.shown("title")[record], world.shown("title")[ANN]) == ("CFO", "CFO")


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_merge_into_a_new_record_loses_neither_who_it_is_nor_the_opt_out_that_the_vendor_lost(order: tuple[int, int]) -> None:
    """So a form in another browser does it: the known contact goes into one made a moment ago, without its do-not-contact entries."""
    world = World()
    world.add(ANN, {"email": "ann@firm.example", "jobtitle": "Buyer", "hs_email_optout": True})
    world.settle()
    (lead,) = world.leads()
    old, new, when = world.stores[HS][ANN], f"{HS}:contacts:9", world.tick()
    fields = {**old.fields, "hs_email_optout": False}
    world.stores[HS][new], old.there = Stored(new, fields, dict.fromkeys(fields, when), when, old.truce_id), False
    told = [world.read(new), merged(new, ANN, seconds=when)]
    world.waiting += [told[place] for place in order]
    world.settle()
    assert [one.id for one in world.leads()] == [lead.id]
    assert world.shown("email_opt_out")[new] is True
    assert world.shown("title")[new] == "Buyer"

"""A person without an address gets one that somebody else has."""

from __future__ import annotations

from tests.factory import HS, LEAD, SF
from tests.world import World

BOB = "hubspot:contacts:77"


def test_a_known_person_who_gets_somebody_elses_address_is_asked_about_and_created_nowhere() -> None:
    world = World()
    world.add(LEAD, {"Email": "ann@firm.example", "FirstName": "Ann", "LastName": "Ash", "Country": "US"})
    world.settle()
    world.add(BOB, {"email": None, "firstname": "Bob", "lastname": "Berg", "country": "US"})
    world.settle()
    world.edit(BOB, {"email": "ann@firm.example"})
    world.settle()
    notes = [note for _, decision in world.decided for note in decision.duplicates]
    assert [(note.ref, set(note.leads)) for note in notes] == [(BOB, {world.lead(LEAD).id, world.lead(BOB).id})]
    assert world.lead(LEAD).id != world.lead(BOB).id
    assert (len(world.stores[SF]), len(world.stores[HS])) == (1, 2)

"""Three systems at once: sales in Salesforce, marketing in HubSpot and, from an acquisition, in Mautic; one story about every lead."""

from __future__ import annotations

from dataclasses import replace

from sync.playbook.models import Playbook, SharedField, System, SystemField
from tests import factory
from tests.factory import HS, MA, SF, makes, touch
from tests.world import World

HUBSPOT, MAUTIC, LEAD = "hubspot:contacts:1", "mautic:contacts:1", "salesforce:Lead:00Q1"


def spelled(shared: SharedField) -> SharedField:
    """Give a field that Mautic has too, under HubSpot's name."""
    return replace(shared, systems={**shared.systems, MA: SystemField(shared.systems[HS].name)}) if HS in shared.systems else shared


def three() -> Playbook:
    """Give the playbook of two systems with a third."""
    two = factory.playbook()
    mautic = System(MA, "mautic", "marketing", "write", makes("contacts"), country="US")
    return replace(two, systems={**two.systems, MA: mautic}, fields={name: spelled(one) for name, one in two.fields.items()})


def world() -> World:
    """Give three empty systems whose users are the same people."""
    users = factory.users()
    facts = factory.facts(
        users={**users, MA: {ident: replace(one, system=MA) for ident, one in users[HS].items()}}, read_fully=frozenset({SF, HS, MA})
    )
    return World(playbook=three(), facts=facts, stores={SF: {}, HS: {}, MA: {}})


def same(told: World, name: str) -> object:
    """Give the one value that a field has in all three."""
    shown = told.shown(name)
    assert len(shown) == 3, shown
    assert len(set(shown.values())) == 1, shown
    return next(iter(shown.values()))


def test_a_person_of_one_marketing_platform_is_one_person_in_all_three() -> None:
    told = world()
    told.add(MAUTIC, {"email": "kim@x.example", "lastname": "Larsen", "country": "DE"})
    told.settle()
    assert {system: len(rows) for system, rows in told.stores.items()} == {SF: 1, HS: 1, MA: 1}
    assert len(told.leads()) == 1
    assert same(told, "last_name") == "Larsen"


def test_the_same_person_known_to_all_three_becomes_one_lead_and_the_owner_of_each_field_wins() -> None:
    told = world()
    told.add(MAUTIC, {"email": "kim@x.example", "lastname": "Larsen", "phone": "+4722110000"}, bulk=True)
    told.add(HUBSPOT, {"email": "Kim@x.example", "lastname": "Larsen", "phone": "+4722330000"}, bulk=True)
    told.add(LEAD, {"Email": "kim@x.example", "LastName": "Larsen", "Phone": "+4790123456"}, bulk=True)
    told.settle()
    assert len(told.leads()) == 1
    assert same(told, "phone") == "+4790123456"  # sales owns phone
    told.edit(HUBSPOT, {"jobtitle": "Head"})
    told.settle()
    told.edit(MAUTIC, {"jobtitle": "Chief"})
    told.settle()
    assert same(told, "title") == "Chief"  # the latest, whichever of the three it came from
    written = len(told.writes)
    told.sweep()
    assert len(told.writes) == written, "nobody changed anything"


def test_an_opt_out_in_one_marketing_platform_is_one_in_all() -> None:
    told = world()
    for ref, values in (
        (LEAD, {"Email": "kim@x.example", "LastName": "Larsen"}),
        (HUBSPOT, {"email": "kim@x.example"}),
        (MAUTIC, {"email": "kim@x.example"}),
    ):
        told.add(ref, values, bulk=True)
    told.settle()
    out = told.playbook.fields["email_opt_out"].systems
    told.edit(MAUTIC, {out[MA].name: True})
    told.settle()
    assert same(told, "email_opt_out") is True
    told.edit(HUBSPOT, {out[HS].name: False}, origin="automation")
    told.settle()
    assert same(told, "email_opt_out") is True, "the stricter one stays"


def test_who_asks_for_a_demo_through_either_form_is_handed_over_once() -> None:
    told = world()
    told.add(HUBSPOT, {"email": "kim@x.example", "country": "DE", "numberofemployees": 900})
    told.add(MAUTIC, {"email": "kim@x.example"})
    told.settle()
    for n, ref in enumerate((HUBSPOT, MAUTIC)):
        told.waiting.append(touch(f"form-{n}", told.tick(), ref=ref, email="kim@x.example"))
    told.settle()
    (lead,) = told.leads()
    assert lead.value("stage") == "mql"
    assert lead.value("owner") in factory.PEOPLE
    owners = told.shown("owner")
    assert len(owners) == 3
    people = {
        email
        for system, rows in told.facts.users.items()
        for email in (one.email for ident, one in rows.items() if ident in owners.values())
    }
    assert people == {lead.value("owner")}
    assert sum(bool(decision.leads and decision.leads[0].handoff) for _, decision in told.decided) > 0
    assert len({one.id for _, decision in told.decided for known in decision.leads if (one := known.handoff)}) == 1

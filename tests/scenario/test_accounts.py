"""Accounts and opportunities in the stories: who looks after a company keeps its people, and a deal moves the people who are in it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sync.lead.decision import Decision
from sync.playbook.models import Assign, OpportunityStage, Route, Step, Where
from tests.factory import CONTACT, HS, LEAD, SF, changed, deleted, touch, users, when, with_accounts
from tests.world import World

NORDWIND, DEAL = "salesforce:Account:001N", "salesforce:Opportunity:006A"
THEIRS = Route(
    "their-account",
    when("has(account.owner)", lambda v: v["account.owner"] is not None, "account.owner"),
    Assign(sticky=("account_owner",), pool="sdr", fallback=(Step("vera@acme.example"),)),
    Where("routing.yaml", 4),
)


def town() -> World:
    """One person in both systems, and the account of their company."""
    book = with_accounts()
    world = World(playbook=replace(book, routes=(THEIRS, *book.routes)))
    tell(world, NORDWIND, Name="Nordwind AS", Website="nordwind.example", OwnerId="005A")
    world.add(LEAD, {"Email": "kim@nordwind.example", "LastName": "Larsen"}, bulk=True)
    world.add(CONTACT, {"email": "kim@nordwind.example", "lastname": "Larsen"}, bulk=True)
    world.settle()
    world.sweep()
    world.writes.clear()
    return world


def tell(world: World, ref: str, **fields: Any) -> Decision:
    return world.deliver(changed(ref, world.tick(), fields, origin="person"))


def demo(world: World, activity: str = "form-1") -> None:
    world.waiting.append(touch(activity, world.tick(), ref=CONTACT, email="kim@nordwind.example"))
    world.settle()


def stages(world: World) -> set[Any]:
    return set(world.shown("stage").values())


def test_a_form_of_a_known_company_goes_to_its_account_owner() -> None:
    world = town()
    demo(world)
    assert world.lead(LEAD).value("owner") == "ana@acme.example"
    assert world.lead(LEAD).why["account"]["how"] == "e-mail domain nordwind.example"


def test_nobody_home_at_the_account_is_passed_over_with_the_reason() -> None:
    world = town()
    world.facts.users = users("ana@acme.example")
    demo(world)
    lead = world.lead(LEAD)
    assert lead.value("owner") in ("ben@acme.example", "joe@acme.example")
    passed = {one["who"]: one["why"] for one in lead.why["owner"]["passed_over"]}
    assert passed["ana@acme.example"] == "is inactive in salesforce"


def test_an_account_that_changes_moves_no_lead_and_writes_nothing() -> None:
    world = town()
    demo(world)
    before = repr(world.lead(LEAD))
    world.writes.clear()
    tell(world, NORDWIND, OwnerId="005B")
    world.settle()
    assert (repr(world.lead(LEAD)), world.writes) == (before, [])


def test_an_opportunity_moves_its_people_and_its_win_makes_them_customers_in_both_systems() -> None:
    world = town()
    assert tell(world, DEAL, StageName="Prospecting", AccountId="001N", Contacts=LEAD).outcome == "applied"
    world.settle()
    assert stages(world) == {"OPPORTUNITY", "opportunity"}
    assert world.lead(LEAD).desired["stage"].ref == DEAL
    tell(world, DEAL, StageName="Closed Won")
    world.settle()
    assert stages(world) == {"CUSTOMER", "customer"}
    world.writes.clear()
    world.sweep()
    assert world.writes == []


def test_a_win_that_is_taken_back_is_none() -> None:
    world = town()
    tell(world, DEAL, StageName="Prospecting", Contacts="kim@nordwind.example")
    tell(world, DEAL, StageName="Closed Won")
    tell(world, DEAL, StageName="Prospecting")
    world.settle()
    assert world.lead(LEAD).value("stage") == "opportunity"
    world.deliver(deleted(DEAL, world.tick()))
    assert DEAL not in world.lead(LEAD).claims["stage"]


def test_an_opportunity_told_in_any_order_ends_the_same_and_concerns_nobody_else() -> None:
    ends = []
    for turn in (0, 1):
        world = town()
        other = "hubspot:contacts:9"
        world.add(other, {"email": "ola@nordwind.example", "lastname": "Moe"})
        world.settle()
        messages = [
            changed(DEAL, world.now + 1, {"StageName": "Prospecting", "Contacts": LEAD}, origin="person"),
            changed(DEAL, world.now + 2, {"StageName": "Closed Won"}, origin="person"),
        ]
        world.tick(5)
        for message in messages[::-1] if turn else messages:
            world.deliver(message)
        world.settle()
        assert world.lead(other).value("stage") == "inquiry"
        ends.append((world.lead(LEAD).value("stage"), stages(world)))
    assert ends[0] == ends[1]


def test_when_the_account_is_closed_its_people_are_routed_like_everybody() -> None:
    world = town()
    world.deliver(deleted(NORDWIND, world.tick()))
    demo(world)
    lead = world.lead(LEAD)
    assert "account" not in lead.why
    assert lead.value("owner") in ("ben@acme.example", "joe@acme.example")
    assert {SF, HS} == {record.system for record in lead.records.values()}


def test_an_opportunity_of_an_import_sets_the_stage_and_holds_the_hand_off() -> None:
    moves = OpportunityStage("Prospecting", Where("lifecycle.yaml", 90), "open", "mql")
    for more, held in (({"bulk": True, "origin": "import"}, True), ({"origin": "person"}, False)):
        world = town()
        world.playbook = replace(world.playbook, opportunity_stages={"Prospecting": moves})
        world.deliver(changed(DEAL, world.tick(), {"StageName": "Prospecting", "Contacts": LEAD}, **more))
        lead = world.lead(LEAD)
        assert lead.value("stage") == "mql"
        assert (lead.held is not None, lead.handoff is None) == (held, held)

"""The first sync tried out: who is who, whose value would win, what nobody knows yet, and what would be told; by the real core."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ruamel.yaml import YAML

from connectors.base import Capabilities
from connectors.registry import manifests
from schemas.base import Scalar
from schemas.change import RecordChanged
from schemas.envelope import Envelope
from sync.lead.ledger import Entry, Ledger
from sync.playbook.models import Guards, Playbook, SystemField
from sync.trial.first.block import meant, slug
from sync.trial.first.companies import Companies, Deals
from sync.trial.first.lines import Line
from sync.trial.first.person import Together, entered, together, tokens
from sync.trial.first.tally import Tally
from sync.trial.first.writes import Target
from tests import factory
from tests.factory import HS, SECRET, SF, ms, snapshot

T1 = "11111111-1111-4111-8111-111111111111"
CRM = {"Email": "kim@x.example", "FirstName": "Kim", "LastName": "Larsen", "Title": "CEO", "Phone": "+4722000001", "Stage__c": "LEAD"}
MAP = {
    "email": "kim@x.example",
    "firstname": "Kim",
    "lastname": "Larsen",
    "jobtitle": "CEO",
    "phone": "+4722000001",
    "lifecyclestage": "lead",
}


def crm(values: Mapping[str, Scalar], number: int = 1, seconds: float = 1, **more: Any) -> Envelope:
    return snapshot(f"{SF}:Lead:{number}", seconds, {**CRM, **values}, bulk=True, **more)


def marketing(values: Mapping[str, Scalar], number: int = 1, seconds: float = 2, **more: Any) -> Envelope:
    return snapshot(f"{HS}:contacts:{number}", seconds, {**MAP, **values}, bulk=True, **more)


def group(*messages: Envelope, book: Playbook | None = None) -> Together:
    return together(messages, factory.users(), SECRET, book or factory.playbook(), ms(100))


def _targets(book: Playbook) -> dict[str, Target]:
    found = {}
    for system, object_ in ((SF, "Lead"), (HS, "contacts")):
        manifest = manifests()[system]
        able = Capabilities(frozenset({*book.mapped(system, object_), manifest.truce_id_field}))
        found[system] = Target(manifest, {object_: able}, {user.email: user.id for user in factory.users()[system].values()})
    return found


def tally(*groups: Together, book: Playbook | None = None) -> tuple[Tally, list[Line]]:
    playbook = book or factory.playbook()
    made = Tally(playbook, _targets(playbook), ms(100))
    return made, [line for one in groups for line in made.take(one)]


def test_one_address_is_one_person_whom_both_systems_have() -> None:
    found, lines = tally(group(crm({}), marketing({})))
    assert (found.people, dict(found.where), dict(found.by)) == (1, {(SF, HS): 1}, {"e-mail": 1})
    assert found.records == {SF: 1, HS: 1}
    assert not found.asked
    assert lines == []


def test_a_truce_id_matches_whatever_the_address_says() -> None:
    found, _ = tally(group(crm({}, truce_id=T1), marketing({"email": "other@x.example"}, truce_id=T1)))
    assert (found.people, dict(found.by)) == (1, {"Truce id": 1})
    assert found.writes[SF].marked == 0, "it is marked already"


def test_records_are_decided_together_that_share_an_address_or_a_truce_id() -> None:
    def of(message: Envelope) -> set[str]:
        assert isinstance(message.data, RecordChanged)
        return set(tokens(message.data, SECRET, factory.playbook()))

    assert of(crm({})) == of(marketing({"email": " KIM@x.example "}))
    assert of(crm({}, truce_id=T1)) > of(crm({}))
    assert of(crm({"Email": None})) == set()


def test_another_name_and_a_second_record_of_an_address_are_questions() -> None:
    found, lines = tally(group(crm({}), marketing({"firstname": "Per", "lastname": "Dahl"}), crm({}, number=2, seconds=3)))
    assert dict(found.asked) == {"the names differ": 1, "the lead has a record in salesforce already": 1}
    assert found.several == {SF: 1}
    assert [line.cells for line in lines if line.list == "several"] == [
        (SF, "kim@x.example", "salesforce:Lead:1"),
        (SF, "kim@x.example", "salesforce:Lead:2"),
    ]
    assert ("hubspot:contacts:1", "kim@x.example", "the names differ") in [line.cells for line in lines if line.list == "ambiguous"]


def test_who_is_in_one_system_only_is_listed_with_where_a_record_would_be_made() -> None:
    found, lines = tally(group(crm({})))
    assert dict(found.where) == {(SF,): 1}
    assert Line("only_in_salesforce", ("salesforce:Lead:1", "kim@x.example", "hubspot")) in lines
    assert (found.writes[HS].created, found.writes[HS].calls) == (1, 2), "a look-up, then the create"


def test_who_has_no_address_is_counted_and_made_nowhere() -> None:
    found, lines = tally(group(crm({"Email": None})))
    assert found.without == {SF: 1}
    assert Line("without_email", (SF, "salesforce:Lead:1")) in lines
    assert dict(found.writes[HS].not_made) == {"no e-mail": 1}
    assert Line("only_in_salesforce", ("salesforce:Lead:1", "", "")) in lines, "also made in no other"


def test_whose_duplicate_waits_for_a_person_is_made_nowhere_meanwhile() -> None:
    found, lines = tally(group(crm({}), crm({}, number=2, seconds=3)))
    assert (found.writes[HS].created, dict(found.writes[HS].not_made)) == (0, {"a duplicate waits for a person": 1})
    assert Line("only_in_salesforce", ("salesforce:Lead:1", "kim@x.example", "")) in lines


def test_who_is_outside_the_scope_is_counted_by_the_rule_and_not_compared() -> None:
    found, _ = tally(group(crm({"Country": "BR"}), marketing({"country": "BR", "jobtitle": "CFO"})))
    assert sum(found.outside.values()) == 1
    assert "lead.country in ['BR']" in next(iter(found.outside))
    assert found.fields == {}


def test_every_difference_names_whose_value_wins() -> None:
    found, lines = tally(group(crm({"Title": "CEO", "Phone": "+4722000001"}), marketing({"jobtitle": "CFO", "phone": None})))
    title, phone, last = found.fields["title"], found.fields["phone"], found.fields["last_name"]
    assert (title.equal, title.differing, title.filled, dict(title.wins)) == (0, 1, 0, {HS: 1}), "the later edit counts"
    assert (phone.differing, phone.filled, dict(phone.wins)) == (0, 1, {SF: 1}), "a blank loses nothing"
    assert (last.equal, last.differing) == (1, 0)
    assert title.examples[0].values == {SF: "CEO", HS: "CFO"}
    assert [line.cells[:5] for line in lines if line.cells[0] == "title"] == [
        ("title", SF, "salesforce:Lead:1", "CEO", HS),
        ("title", HS, "hubspot:contacts:1", "CFO", HS),
    ]


def test_ten_examples_are_kept_and_those_that_lose_something_before_those_that_do_not() -> None:
    blank = [group(crm({"Email": f"p{n}@x.example"}, n), marketing({"email": f"p{n}@x.example", "jobtitle": None}, n)) for n in range(12)]
    lost = group(crm({}, 99), marketing({"jobtitle": "CFO"}, 99))
    found, _ = tally(*blank, lost)
    title = found.fields["title"]
    assert (len(title.examples), title.filled, title.differing) == (10, 12, 1)
    assert any(not one.one_is_blank for one in title.examples)


def test_personal_values_are_not_among_the_examples_of_the_report() -> None:
    book = factory.playbook()
    book = replace(book, fields={**book.fields, "title": replace(book.fields["title"], personal=True)})
    found, _ = tally(group(crm({"Title": "CEO"}), marketing({"jobtitle": "CFO"}), book=book), book=book)
    (shown,) = found.fields["title"].plain()["examples"]
    assert shown["values"] == {SF: "(personal)", HS: "(personal)"}


def picklist(book: Playbook) -> Playbook:
    sf, hs = (
        SystemField("Industry", to_vendor=(one := {"energy": "Energy", "it": "Technology"}), from_vendor={v: k for k, v in one.items()}),
        SystemField("industry", to_vendor=(two := {"energy": "ENERGY", "it": "IT"}), from_vendor={v: k for k, v in two.items()}),
    )
    field = replace(book.fields["industry"], kind="picklist", systems={SF: sf, HS: hs})
    return replace(book, fields={**book.fields, "industry": field})


def test_values_that_the_playbook_does_not_map_come_with_lines_to_paste() -> None:
    book = picklist(factory.playbook())
    people = [
        group(
            crm({"Email": f"p{n}@x.example", "Industry": "Machine Building"}, n),
            marketing({"email": f"p{n}@x.example", "industry": value}, n),
            book=book,
        )
        for n, value in enumerate(("Technologies", "Food: Drinks", "Food: Drinks"))
    ]
    found, _ = tally(*people, book=book)
    assert list(found.values.lines()) == [
        (HS, "industry", "industry", "picklist", "Food: Drinks", 2),
        (HS, "industry", "industry", "picklist", "Technologies", 1),
        (SF, "Industry", "industry", "picklist", "Machine Building", 3),
    ]
    (block,) = found.values.blocks()
    (parsed,) = YAML(typ="safe", pure=True).load(block).values()
    assert (parsed["type"], parsed["policy"]) == ("picklist", "marketing"), "all of the field: it takes the place of what stands there"
    assert parsed["values"] == ["energy", "it", "machine_building", "food_drinks"]
    assert parsed["systems"][HS]["reads"] == {"Technologies": "it"}
    assert parsed["systems"][HS]["values"]["food_drinks"] == "Food: Drinks"
    assert parsed["systems"][SF]["values"]["machine_building"] == "Machine Building"
    assert set(parsed["systems"][SF]["values"]) == set(parsed["systems"][HS]["values"]) == set(parsed["values"])


def test_a_stage_that_nobody_knows_is_left_to_a_person_unless_it_is_like_one() -> None:
    found, _ = tally(group(crm({"Stage__c": "M.Q.L."})), group(crm({"Stage__c": "Nurture", "Email": "b@x.example"}, 2)))
    (block,) = found.values.blocks()
    assert '"M.Q.L.": mql   # 1 record' in block
    assert "# Nurture: ?   1 record; which of" in block


def test_owners_and_countries_that_nobody_knows_are_counted() -> None:
    found, _ = tally(group(crm({"OwnerId": "005GONE", "Country": "Atlantis"})))
    assert {(line[2], line[4]) for line in found.values.lines()} == {("owner", "005GONE"), ("country", "Atlantis")}


def test_which_value_is_meant() -> None:
    known = {"manufacturing": "manufacturing", "it": "it"}
    assert meant("Manufacturing ", known) == "manufacturing"
    assert meant("Manufacturng", known) == "manufacturing"
    assert meant("Food", known) is None
    assert slug("Food: Drinks & more") == "food_drinks_more"


def test_what_would_be_told_is_what_the_planner_says() -> None:
    found, _ = tally(group(crm({"Title": "CEO"}), marketing({"jobtitle": "CFO"})))
    crm_, map_ = found.writes[SF], found.writes[HS]
    assert (crm_.updated, crm_.values["title"]) == (1, 1)
    assert (map_.updated, map_.values["title"]) == (1, 0), "the title that won stands there"
    assert crm_.calls == 1


def test_where_the_guards_would_pause_is_told_before_it_happens() -> None:
    crowd = [group(crm({"Email": f"{n}@x.example"}, n), marketing({"email": f"{n}@x.example"}, n)) for n in range(1, 21)]
    book = factory.playbook()
    assert tally(*crowd, book=book)[0].held_after() == {}
    assert tally(*crowd, book=replace(book, guards=Guards(share_of_records=0.1)))[0].held_after() == {SF: 2, HS: 2}
    assert tally(*crowd, book=replace(book, guards=Guards(writes_per_hour=15)))[0].held_after() == {SF: 15, HS: 15}


def test_the_report_is_plain_data() -> None:
    found, _ = tally(group(crm({}), marketing({})), group(crm({"Email": "b@x.example"}, 2)))
    plain = found.plain()
    assert plain["in"] == [{"systems": [SF, HS], "people": 1}, {"systems": [SF], "people": 1}]
    assert plain["records"] == {SF: 2, HS: 1}
    assert {one["field"] for one in plain["fields"]} >= {"email", "title", "stage"}


def entry(ref: str, seconds: float = 1, **fields: Scalar) -> Entry:
    message = snapshot(ref, seconds, fields, bulk=True)
    found, unfit = entered(message, factory.users(), SECRET, factory.with_accounts(), ms(100))
    assert found is not None
    assert unfit == []
    return found


def _accounts() -> tuple[Playbook, dict[str, Target]]:
    book = factory.with_accounts()
    found = {}
    for system, one in book.systems.items():
        able = {
            name: Capabilities(frozenset(book.mapped(system, name)) | {"Name", "Website", "Industry", "industry", "name", "domain"})
            for name in (one.account, one.opportunity)
        }
        found[system] = Target(manifests()[system], able, {user.email: user.id for user in factory.users()[system].values()})
    return book, found


def test_accounts_are_one_by_their_domain_and_of_twins_nobody_knows_which_is_meant() -> None:
    book, targets = _accounts()
    found = Companies(book, targets, ms(100))
    lines = [
        *found.take(
            [
                entry(f"{SF}:Account:1", Name="Nordwind", Website="nordwind.example", Industry=None),
                entry(f"{HS}:companies:1", name="Nordwind AS", domain="nordwind.example", industry="ENERGY"),
            ]
        ),
        *found.take(
            [
                entry(f"{SF}:Account:2", Name="Twin A", Website="twin.example"),
                entry(f"{SF}:Account:3", Name="Twin B", Website="twin.example"),
                entry(f"{HS}:companies:2", name="Twin", domain="twin.example"),
            ]
        ),
        *found.take([entry(f"{HS}:companies:3", name="No site")]),
    ]
    assert found.records == {SF: 3, HS: 3}
    assert found.where == {(SF, HS): 2, (HS,): 1}
    assert (found.several, found.without) == ({SF: 1}, {HS: 1})
    name, industry = found.fields["name"], found.fields["industry"]
    assert (name.differing, name.wins, name.examples[0].becomes) == (1, {SF: 1}, "Nordwind"), "twins are not compared"
    assert (industry.filled, industry.wins) == (1, {HS: 1})
    assert found.writes[HS].values == {"name": 1}
    assert found.writes[SF].values == {"industry": 1}
    assert Line("accounts_only_in_hubspot", (f"{HS}:companies:3", "No site", "")) in lines
    assert {line.cells[2] for line in lines if line.list == "accounts_several"} == {f"{SF}:Account:2", f"{SF}:Account:3"}


def test_deals_are_counted_by_how_they_stand_and_those_that_move_nobody_are_listed() -> None:
    book, targets = _accounts()
    found = Deals(book, targets, ms(100))
    account, deal = (
        entry(f"{SF}:Account:1", Name="Nordwind"),
        entry(f"{SF}:Opportunity:1", StageName="Closed Won", AccountId="1", Contacts="salesforce:Lead:1"),
    )
    lone = entry(f"{SF}:Opportunity:2", StageName="Prospecting")
    ledger = Ledger([account, deal, lone])
    lines = [*found.take(deal, ledger, {"salesforce:Lead:1"}.__contains__), *found.take(lone, ledger, {"salesforce:Lead:1"}.__contains__)]
    assert found.outcomes == {SF: {"won": 1, "open": 1}}
    assert (found.alone, found.unaccounted) == ({SF: 1}, {SF: 1})
    assert {line.cells[1] for line in lines} == {f"{SF}:Opportunity:2"}

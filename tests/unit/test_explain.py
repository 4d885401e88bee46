"""What `truce explain` says, word for word, about leads that the core decided."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from rich.console import Console

from schemas.envelope import derived_id
from sync.cli.explain import render
from sync.cli.mending import todo
from sync.cli.people import Around
from sync.cli.records import known_by
from sync.lead import state
from sync.lead.decide import decide
from sync.lead.decision import Facts, fold
from sync.playbook.models import Absence, Assign, Hold, Kind, Playbook, Route, Segment, When, Where
from tests import factory
from tests.factory import CONTACT, LEAD, changed, command, converted, merged, ms, snapshot, touch

PLAYBOOK = factory.playbook()


def told(
    messages: list[Any], around: Around | None = None, playbook: Playbook = PLAYBOOK, facts: Facts | None = None, now: int = 100
) -> str:
    """Decide, and give what explain prints of the person."""
    facts = facts or factory.facts()
    lines = []
    for message in messages:
        decision = decide(message, facts, playbook, ms(100))
        fold(facts, decision)
        lines += decision.lines
    lead = facts.leads[facts.identities["ref", CONTACT]]
    out = io.StringIO()
    kept = [{"at": datetime.fromtimestamp(line.at / 1000, UTC), "kind": line.kind, "data": line.data} for line in lines]
    console = Console(file=out, width=400)
    render(console, {"id": lead.id, "doc": state.plain(lead)}, kept, "kim@x.example", around or Around(playbook=playbook), now=ms(now))
    return out.getvalue()


BOTH = [
    snapshot(LEAD, 1, {"Email": "kim@x.example", "Country": "DE", "FirstName": "Kim", "Phone": "+4930123456"}),
    snapshot(CONTACT, 2, {"email": "kim@x.example", "country": "DE", "firstname": "Kim", "phone": "+4930999999"}),
]


def test_names_agreement_points_and_the_loser_with_its_reason() -> None:
    text = told([*BOTH, touch("a", 50, ref=CONTACT)])
    assert text.startswith("Kim · MQL since ")
    assert "· with Ana\n" in text, "people are called by their names"
    assert "HubSpot and Salesforce agree on " in text
    assert "✘ stage should be MQL; HubSpot shows nothing known · Salesforce shows nothing known" in text
    assert "engagement  +60" in text
    assert "Why Ana?" in text
    assert "     Ana has 1 of 1 this week, fair 0.5\n" in text, "two share the pool"
    assert "Kept aside    phone +4930999999 (HubSpot 1): sales owns phone (fields.yaml:5), Salesforce says +4930123456" in text


KIM = derived_id("m-1", "lead", LEAD, 0)
BEGUN = snapshot(LEAD, 1, {"Email": "kim@x.example", "LastName": "Larsen"}, ident="m-1")
SHOWN = snapshot(CONTACT, 9, {"email": "kim@x.example"})
PERSON = "salesforce:Contact:003K"


@pytest.mark.parametrize(
    ("messages", "said"),
    [
        ([SHOWN], "HubSpot 1: by its e-mail address"),
        ([SHOWN], "Salesforce 00Q1: the first that was seen of this person"),
        ([snapshot(CONTACT, 2, {"email": "elsewhere@x.example"}, truce_id=KIM)], "HubSpot 1: by its Truce id"),
        ([factory.done(KIM, CONTACT, 2, {}, {}, "created"), SHOWN], "HubSpot 1: made by Truce"),
        ([factory.done(KIM, CONTACT, 2, {}, {}, "linked"), SHOWN], "HubSpot 1: found by their e-mail address when it was to be made"),
        ([touch("a", 2, ref=CONTACT, email="kim@x.example")], "HubSpot 1: by the e-mail address of a touch that named it"),
        (
            [converted(LEAD, PERSON, 2), snapshot(PERSON, 3, {"LastName": "Larsen"}), SHOWN],
            "Salesforce 003K: what a record of theirs was converted to",
        ),
        ([merged("salesforce:Lead:2", LEAD, seconds=2), SHOWN], "Salesforce 2: merged there with a record of theirs"),
        (
            [snapshot(CONTACT, 2, {"email": "own@x.example"}), command("link", 3, lead_id=KIM, ref=CONTACT)],
            "HubSpot 1: joined with them: ana@acme.example: test",
        ),
    ],
)
def test_it_says_by_what_each_record_is_the_same_person(messages: list[Any], said: str) -> None:
    (line,) = [line for line in told([BEGUN, *messages]).splitlines() if line.startswith("Same person")]
    assert said in line.removeprefix("Same person   ").split(" · ")


def test_of_a_record_that_came_before_it_was_kept_the_timeline_tells_if_it_can() -> None:
    written = {"kind": "written", "data": {"ref": CONTACT, "outcome": "created"}}
    assert known_by(CONTACT, {}, [written]) == "made by Truce"
    assert known_by(LEAD, {}, [written]) == "by its Truce id or e-mail address (it came before Truce kept by which)"
    assert known_by(LEAD, {"from_lead": KIM}, []) == "joined with them: why is no longer kept"


def test_a_value_that_could_not_be_read_is_no_agreement() -> None:
    text = told([*BOTH, changed(LEAD, 60, {"Stage__c": "Nonsense"})])
    assert "✘ stage should be inquiry" in text


def test_whom_nobody_may_be_given_is_told_with_who_was_passed_over() -> None:
    facts = factory.facts(users=factory.users("ana@acme.example"))
    text = told([*BOTH, touch("a", 50, ref=CONTACT)], facts=facts)
    assert "with Ben" in text
    assert "     passed over: Ana (is inactive in salesforce). Ben has 1 of 1 this week, fair 1.0\n" in text


def test_that_nobody_could_have_it_is_told_once_however_many_messages_follow() -> None:
    nobody = factory.facts(users={})
    messages = [*BOTH, touch("a", 50, ref=CONTACT), changed(LEAD, 60, {"Title": "CTO"}), changed(LEAD, 70, {"Title": "CEO"})]
    text = told(messages, facts=nobody)
    assert text.count("nobody may be given it: routing.yaml:8 dach") == 1


def test_a_person_in_one_system_is_told_why_not_in_the_other() -> None:
    text = told(BOTH[1:])
    assert "Only in HubSpot: " in text
    assert "No record in Salesforce: " in text
    observe = replace(PLAYBOOK, systems={**PLAYBOOK.systems, "salesforce": replace(PLAYBOOK.systems["salesforce"], mode="observe")})
    assert "No record in Salesforce: it is in observe mode" in told(BOTH[1:], playbook=observe)


def test_an_open_question_names_the_other_person() -> None:
    other = {"lead_id": "L2", "name": "Bert Other", "email": "kim@x.example", "refs": ["salesforce:Lead:9"]}
    question = {"id": "d", "ref": "salesforce:Lead:9", "reason": "the names differ", "people": [other]}
    text = told(BOTH, Around(duplicates=[question], playbook=PLAYBOOK))
    assert "Asks you      is it one person with Bert Other · kim@x.example · salesforce:Lead:9? the names differ: truce duplicates" in text


def test_held_bulk_says_how_it_goes_on() -> None:
    text = told([snapshot(CONTACT, 2, {"email": "kim@x.example", "country": "DE", "lifecyclestage": "marketingqualifiedlead"}, bulk=True)])
    assert "Held          the hand-off: bulk from hubspot" in text
    assert "it goes on with the next act of this person or of a rep" in text


def test_each_parked_entry_has_something_to_do() -> None:
    assert "map it under `values`" in todo({"code": "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "reason": "bad value"})
    assert "merge the two" in todo({"code": "CONFLICT", "reason": "Contact already exists"})
    assert todo({"code": "", "reason": "?"}).startswith("→ ")


def test_a_value_that_the_system_does_not_have_is_named_with_where_to_add_it() -> None:
    refused = {"code": "INVALID_OPTION", "reason": "… was not one of the allowed options: [NEW, OPEN]", "field": "stage", "value": "mql"}
    said = todo({**refused, "system": "hubspot", "ref": CONTACT}, PLAYBOOK)
    assert said == (
        '→ HubSpot has no value "marketingqualifiedlead" of lifecyclestage (stage mql, fields.yaml:5): add it there '
        "(Settings › Properties › lifecyclestage), or map another one under `values` in fields.yaml"
    )
    said = todo({**refused, "code": "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "system": "salesforce", "ref": LEAD}, PLAYBOOK)
    assert 'Salesforce has no value "MQL" of Stage__c' in said
    assert "(Setup › Object Manager › Lead › Fields & Relationships › Stage__c)" in said
    gone = todo({**refused, "value": "sleeping", "system": "hubspot", "ref": CONTACT}, PLAYBOOK)
    assert gone.startswith('→ the playbook in force has no value "sleeping" of stage any more (fields.yaml:5): map it')
    nowhere = todo({**refused, "code": "PICKLIST", "system": "salesforce", "ref": None}, PLAYBOOK)
    assert "Object Manager › Lead › Fields" in nowhere, "the object that people are there"
    assert "the property's options" in todo({**refused, "field": "", "system": "hubspot", "ref": None}, PLAYBOOK)


NORDWIND = "salesforce:Account:001N"
ACCOUNT = changed(NORDWIND, 1, {"Name": "Nordwind AS", "Website": "x.example", "OwnerId": "005A"})
DEAL = changed("salesforce:Opportunity:006A", 1, {"Name": "Pumps", "AccountId": "001N", "StageName": "Prospecting", "OwnerId": "005B"})
SEEN = {
    "ref": NORDWIND,
    "how": "e-mail domain x.example",
    "values": {
        "account.name": "Nordwind AS",
        "account.owner": "ana@acme.example",
        "account.open_opportunities": 1,
        "account.won_opportunities": 0,
        "opportunity.name": "Pumps",
        "opportunity.owner": "ben@acme.example",
    },
}


def test_the_account_with_the_reason_and_what_is_known_of_it() -> None:
    book = factory.with_accounts()
    text = told([ACCOUNT, DEAL, *BOTH], Around(playbook=book, account=SEEN), book)
    assert (
        "Account       Nordwind AS (Salesforce 001N) · e-mail domain x.example · with Ana · 1 open opportunity (Pumps, with Ben)\n" in text
    )
    assert "at its last decision" not in text


def test_an_account_that_became_known_or_was_lost_since_the_last_decision_is_told_as_that() -> None:
    book = factory.with_accounts()
    later = told(BOTH, Around(playbook=book, account=SEEN), book)
    assert "              at its last decision: none; what is known now counts from its next change on\n" in later
    lost = told([ACCOUNT, *BOTH], Around(playbook=book), book)
    said = "Nordwind AS (Salesforce 001N): e-mail domain x.example; what is known now counts from its next change on\n"
    assert f"Account       at its last decision: {said}" in lost
    assert "Account" not in told(BOTH, Around(playbook=book), book)


def test_a_hand_off_that_is_no_mql_says_its_kind_and_who_gets_it() -> None:
    kind = Kind("customer", Where("lifecycle.yaml", 80), factory.when("a customer", lambda v: v["stage"] == "customer", "stage"), "owner")
    with_kinds = replace(PLAYBOOK, handoffs=(kind,))
    customer = changed(LEAD, 10, {"Stage__c": "CUSTOMER", "OwnerId": "005J"}, origin="person")
    text = told([*BOTH, customer, touch("a", 50, ref=CONTACT)], playbook=with_kinds)
    assert "Why Joe (no MQL)? lifecycle.yaml:80 customer, playbook v1 · keeps its owner" in text
    assert "hand-off offered to Joe (customer, cycle 1): lifecycle.yaml:80 customer" in text


def test_what_time_will_do_is_told_with_the_rule_that_does_it() -> None:
    out = factory.when("lead.engagement < 40", lambda v: v["engagement"] < 40, "engagement", line=33)
    playbook = factory.playbook(stages=tuple(replace(one, exit=out) if one.id == "mql" else one for one in factory.stages()))
    text = told([*BOTH, touch("a", 50, ref=CONTACT)], Around(playbook=playbook), playbook)
    assert "If nothing happens   Thu 10 Dec " in text, "60 points are less than 40 after 17.55 days"
    late = told([*BOTH, touch("a", 50, ref=CONTACT)], Around(playbook=playbook), playbook, now=100 + 60 * 86_400)
    assert re.search(r"If nothing happens   overdue since Thu 10 Dec \d\d:\d\d: MQL → lead", late)
    assert "(UTC)" in late.partition("\n")[0], "the zone of all times is named once, where the first stands"
    assert " MQL → lead: ['engagement'] matches (test.yaml:33 mql.exit)" in text
    assert "If nothing happens" not in told([*BOTH, touch("a", 50, ref=CONTACT)]), "nothing takes an MQL out there"


def test_what_waits_for_enrichment_is_told_with_the_end_of_the_wait() -> None:
    hold = Hold(factory.when("has(lead.employees)", lambda v: True, "employees"), 900, Where("routing.yaml", 5))
    playbook = factory.playbook(routes=(Route("rest", When(), Assign("ben@acme.example", hold=hold), Where("routing.yaml", 4)),))
    text = told([*BOTH, touch("a", 50, ref=CONTACT)], Around(playbook=playbook), playbook)
    assert "hand-off waits for has(lead.employees), until " in text
    assert " given to whoever its route names then: it waits for has(lead.employees) (routing.yaml:5 rest)\n" in text


def test_a_lead_below_the_stage_that_hands_over_is_told_what_it_lacks_for_the_next() -> None:
    text = told([*BOTH, changed(CONTACT, 40, {"engagement_score": "1"})])
    assert "Next stage    lead, by the rules in force (v1)\n  ✘ test.yaml:20       ['engagement'] does not match\n" in text
    assert "fit leaves out" not in text, "no line of this stage asks for fit"
    mql = told([*BOTH, touch("a", 50, ref=CONTACT)])
    assert "Next stage" not in mql, "from there on people decide"


def _with_fit() -> Playbook:
    """Ask an MQL for engagement and fit, either for all or for the segment of Germans alone."""
    fit = factory.when("lead.fit >= 20", lambda v: v["fit"] >= 20, "fit", line=31)
    segment = Segment("german", Where("lifecycle.yaml", 40), factory.when("DE", lambda v: v["country"] == "DE", "country"), {"mql": fit})
    both = replace(factory.stages()[2], when=When(all=(*factory.stages()[2].when.all, *fit.all)))  # type: ignore[union-attr]
    stages = tuple(both if one.id == "mql" else one for one in factory.stages())
    return factory.playbook(stages=stages, segments=(segment,))


def test_every_line_of_the_next_stage_is_told_of_the_leads_segment_where_it_has_its_own_and_what_is_empty() -> None:
    book, form = _with_fit(), touch("a", 50, ref=CONTACT, name="Contact")
    text = told([*BOTH, form], playbook=book)
    assert (
        "Next stage    MQL, as segment german has it, by the rules in force (v1)\n  ✘ test.yaml:31       ['fit'] does not match\n" in text
    )
    assert "     fit leaves out what is empty: employees (+40 large, lifecycle.yaml:5)\n" in text
    elsewhere = [snapshot(CONTACT, 2, {"email": "kim@x.example", "country": "FR", "numberofemployees": "10"}), form]
    text = told(elsewhere, playbook=book)
    assert "Next stage    MQL, by the rules in force (v1)\n  ✘ test.yaml:30       " in text
    assert "\n  ✘ test.yaml:31       ['fit'] does not match\n" in text, "what comes after the first line that does not match too"
    assert "fit leaves out" not in text, "ten employees is an answer"


def test_whose_turn_it_was_is_told_where_somebody_covers() -> None:
    away = Absence("2026-11-20", "2026-11-30", "vera@acme.example")
    book = replace(PLAYBOOK, reps={**PLAYBOOK.reps, "ana@acme.example": replace(PLAYBOOK.reps["ana@acme.example"], away=(away,))})
    text = told([*BOTH, touch("a", 50, ref=CONTACT)], playbook=book)
    assert "Why Vera?" in text
    assert "     Ana, whose turn it was, has 1 of 1 this week, fair 0.5\n" in text

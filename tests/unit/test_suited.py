"""What `truce doctor` says of a live schema beside the playbook, and of topics."""

from __future__ import annotations

import pytest

from connectors.base import FieldSeen, Finding, Rival, Rivals
from sync.cli.examining import rivals
from sync.cli.examining.kafka import DAY_MS, topics
from sync.cli.examining.suited import suited
from sync.cli.examining.system import wanted
from sync.playbook.loader import load_files, read
from sync.topology import topics as named
from tests.house.project import ROOT

PLAYBOOK = load_files(read(ROOT / "deploy" / "playbook"))
STATUSES = ("Open - Not Contacted", "Working - Contacted", "Closed - Converted", "Closed - Not Converted")


def picklist(name: str, *values: str, closed: bool = True) -> FieldSeen:
    return FieldSeen(name=name, type="picklist", values=tuple((one, one) for one in values), closed=closed)


def wrong(*seen: FieldSeen, object_: str = "Lead", system: str = "salesforce", said: bool = True) -> list[tuple[str, str]]:
    return [(one.what, one.todo) for one in suited(PLAYBOOK, system, object_, seen, said=said) if not one.ok]


def test_a_field_that_holds_something_else_is_said_with_the_line_that_maps_it() -> None:
    ((what, _),) = wrong(FieldSeen(name="Phone", type="number"))
    assert what == f"Lead.Phone is a number, and {PLAYBOOK.fields['phone'].where} phone a phone"


def test_a_text_that_truce_fills_in_must_be_long_enough_and_others_need_not() -> None:
    found = wrong(FieldSeen(name="Handoff_Reason__c", type="text", length=80), FieldSeen(name="FirstName", type="text", length=40))
    assert [what.partition(" (")[0] for what, _ in found] == [
        "Lead.Handoff_Reason__c is too short: 80 characters, and Truce writes up to 255"
    ]


def test_what_a_system_does_not_tell_of_others_is_no_all_clear() -> None:
    def said(one: Rivals | None) -> list[str]:
        return [finding.what.partition(":")[0] for finding in rivals.told(one, ["Phone"], "Lead")]

    flow = Rival(who="the flow F", fields=("Phone",))
    assert said(None) == ["who else writes Lead by machine is not told here"]
    assert said(Rivals()) == ["nobody else was seen to write Lead by machine, as far as the system tells"]
    half = "who else writes Lead is not told in full"
    assert said(Rivals(hidden={"active flows": "View Setup"})) == [half]
    assert said(Rivals(found=(flow,), hidden={"active rules": ""})) == ["the flow F writes Lead.Phone too", half]
    assert (
        rivals.hidden({"Lead": Rivals(hidden={"active flows": ""}), "Account": None})
        == "of Account it is not told; active flows cannot be seen"
    )
    assert rivals.hidden({"Lead": Rivals(found=(flow,))}) == ""


def test_lists_are_compared_both_ways() -> None:
    found = wrong(picklist("Lifecycle_Stage__c", "Inquiry", "Lead", "MQL", "SAL", "SQL", "Opportunity", "Customer", "Recycled", "Nurture"))
    whats = [what for what, _ in found]
    assert whats[0].startswith("Lead.Lifecycle_Stage__c does not have Disqualified: what ")
    assert whats[0].endswith("is refused")
    assert whats[1] == "Lead.Lifecycle_Stage__c also has Nurture: read as nothing"


def test_a_list_that_is_only_read_need_not_have_all_of_ours_but_what_it_has_must_mean_something() -> None:
    assert wrong(picklist("Status", *STATUSES[:2])) == []
    assert [what for what, _ in wrong(picklist("Status", *STATUSES, "Dead"))] == ["Lead.Status also has Dead: read as nothing"]


def test_of_accounts_it_says_what_is_missing_and_read_only() -> None:
    seen = [
        FieldSeen(name="Name", type="text", writable=False),
        FieldSeen(name="Website", type="text"),
        FieldSeen(name="OwnerId", type="user"),
    ]
    whats = [what for what, _ in wrong(*seen, object_="Account", said=False)]
    assert "Account.Name is read-only" in whats
    assert any(what.startswith("Account.NumberOfEmployees does not exist") for what in whats)


def test_what_a_converted_person_has_worked_out_there_is_worth_knowing_and_no_fault() -> None:
    seen = FieldSeen(name="Title", type="text", writable=False)
    told = [suited(PLAYBOOK, "salesforce", "Contact", [seen.model_copy(update={"computed": how})], said=False) for how in (False, True)]
    assert [[(one.ok, one.what) for one in found if "Title" in one.what] for found in told] == [
        [(False, "Contact.Title is read-only")],
        [(True, "Contact.Title is worked out there, and is not written")],
    ]


def test_what_goes_together_is_one_line() -> None:
    found = [
        *suited(
            PLAYBOOK, "salesforce", "Lead", [FieldSeen(name="FirstName", type="text"), FieldSeen(name="Email", type="email")], said=True
        )
    ]
    assert [one.what for one in found] == ["2 mapped fields of Lead have the type, the length and the values that the playbook needs"]


def test_a_field_is_wanted_with_what_it_must_hold() -> None:
    shared = PLAYBOOK.fields["sla_met"]
    assert wanted("SLA_Met__c", shared, "salesforce").values == (("Yes", "Yes"), ("No", "No"))
    assert wanted("MQL_Date__c", PLAYBOOK.fields["mql_date"], "salesforce").type == "time"
    assert wanted("handoff_reason", PLAYBOOK.fields["handoff_reason"], "hubspot").length == 255


TOPICS = named("truce", 1, ("salesforce",), 12)
WELL = {"retention.ms": str(7 * DAY_MS), "cleanup.policy": "delete", "message.timestamp.type": "LogAppendTime"}


def told(**changed: str) -> list[Finding]:
    return [*topics(TOPICS, {one.name: 12 for one in TOPICS}, {one.name: {**WELL, **changed} for one in TOPICS})]


def test_topics_as_they_should_be_are_one_line() -> None:
    assert [(one.ok, one.what) for one in told()] == [(True, "Kafka: 4 topics, kept 7 days, 12 partitions of changes")]
    assert [one.ok for one in told(**{"retention.ms": "-1"})] == [True]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("retention.ms", str(DAY_MS), "is kept 1 days"),
        ("cleanup.policy", "compact,delete", "is compacted"),
        ("message.timestamp.type", "CreateTime", "has the times of who writes"),
    ],
)
def test_a_topic_that_loses_something_is_said(name: str, value: str, words: str) -> None:
    found = told(**{name: value})
    assert {one.ok for one in found} == {False}
    assert words in found[0].what


def test_missing_topics_are_no_fault_before_the_first_start_and_one_afterwards() -> None:
    assert [one.ok for one in topics(TOPICS, {}, {})] == [True]
    assert [one.ok for one in topics(TOPICS, {TOPICS[0].name: 12}, {TOPICS[0].name: WELL})] == [False]
    uneven = {one.name: 12 for one in TOPICS} | {"truce.writes.salesforce.bulk": 6}
    assert any("different partitions" in one.what for one in topics(TOPICS, uneven, {}))

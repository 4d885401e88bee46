"""What a change of a shared field means for the records that there are, before it is in force."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sync.lead.state import Desired, Lead, Observed, Record
from sync.playbook.models import Playbook, SharedField
from sync.trial.consequences import consequences
from tests import factory
from tests.factory import CONTACT, HS, LEAD, SF


def lead(number: int, **values: Any) -> Lead:
    made = Lead(f"00000000-0000-0000-0000-{number:012}", "key", 0, 0)
    made.desired = {name: Desired(value, 0, LEAD, 1, "") for name, value in values.items()}
    for system, ref in ((SF, LEAD), (HS, CONTACT)):
        made.records[f"{ref}{number}"] = Record(f"{ref}{number}", system, ref.split(":")[1], 0, 0)
    return made


def but(playbook: Playbook, name: str, **changes: Any) -> Playbook:
    field: SharedField = replace(playbook.fields[name], **changes)
    return replace(playbook, fields={**playbook.fields, name: field})


def test_nothing_follows_where_nothing_changes() -> None:
    same = factory.playbook()
    assert consequences(same, same, [lead(1, title="CEO")]) == []


def test_values_that_do_not_fit_another_kind_are_counted_with_ten_examples() -> None:
    before = factory.playbook()
    after = but(before, "industry", kind="number")
    people = [lead(n, industry=f"Energy {n}") for n in range(12)] + [lead(99, industry="7")]
    (found,) = consequences(before, after, people)
    assert (found.field, found.count, len(found.examples)) == ("industry", 12, 10)
    assert found.examples[0] == "Energy 0 (salesforce:Lead:00Q10)"


def test_personal_values_are_counted_and_not_shown() -> None:
    before = factory.playbook()
    before = but(before, "phone", personal=True)
    after = but(before, "phone", kind="number")
    (found,) = consequences(before, after, [lead(1, phone="+49 30 1")])
    assert found.examples == ["(personal) (salesforce:Lead:00Q11)"]


def test_a_value_that_the_picklist_loses_is_named() -> None:
    before = factory.playbook()
    spelled = before.fields["stage"].systems[SF]
    fewer = {ours: theirs for ours, theirs in spelled.to_vendor.items() if ours != "sal"}
    less = {s: replace(spelled, to_vendor=fewer) for s in (SF, HS)}
    found = consequences(before, but(before, "stage", systems=less), [lead(1, stage="sal"), lead(2, stage="mql")])
    unfit = next(one for one in found if "do not fit" in one.text)
    assert (unfit.count, unfit.examples) == (1, ["sal (salesforce:Lead:00Q11)"])


def test_records_that_are_to_be_told_under_another_name_are_counted() -> None:
    before = factory.playbook()
    title = before.fields["title"]
    renamed = {**title.systems, HS: replace(title.systems[HS], name="position")}
    (found,) = consequences(before, but(before, "title", systems=renamed), [lead(1, title="CEO"), lead(2)])
    assert (found.count, found.examples) == (1, ["hubspot:contacts:11 CEO"])
    assert "position" in found.text


def test_what_comes_out_of_observe_mode_is_to_be_told() -> None:
    before = factory.playbook()
    quiet = replace(before, systems={**before.systems, HS: replace(before.systems[HS], mode="observe")})
    assert consequences(before, quiet, [lead(1, title="CEO")]) == []
    people = [lead(n, title="CEO") for n in (1, 2, 3)]
    people[1].records[f"{CONTACT}2"].fields["title"] = Observed("CEO", 0, 0)
    people[2].records[f"{CONTACT}3"].fields["title"] = Observed("CFO", 0, 0)
    (found,) = consequences(quiet, before, people)
    assert (found.count, found.examples) == (2, ["hubspot:contacts:11 CEO", "hubspot:contacts:13 CEO"]), "who shows it already gets nothing"
    assert found.text.endswith("(at once)")


def test_who_asks_for_a_field_that_goes_is_named() -> None:
    before = factory.playbook()
    after = replace(before, fields={name: one for name, one in before.fields.items() if name != "country"})
    (found,) = consequences(before, after, [lead(1, country="DE"), lead(2)])
    assert found.count == 1
    assert "asked by fields.yaml:31" in found.text
    assert "routing.yaml" in found.text or "test.yaml" in found.text

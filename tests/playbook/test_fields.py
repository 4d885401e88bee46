"""fields.yaml: what its keys come to."""

from __future__ import annotations

from pathlib import Path

from sync.playbook.loader import check, load_files

HERE = Path(__file__).parent
GOOD = {path.name: path.read_bytes() for path in (HERE / "good").glob("*.yaml")}


def test_accounts_and_opportunities_have_shared_fields_of_their_own() -> None:
    book = load_files(GOOD)
    assert {name: field.about for name, field in book.account_fields.items()}["industry"] == "account"
    assert book.opportunity_fields["account"].kind == "ref"
    assert book.fields["owner"].about == "lead"
    assert str(book.account_fields["industry"].where) == "fields.yaml:26"
    assert (book.systems["salesforce"].account, book.systems["salesforce"].opportunity) == ("Account", "Opportunity")


STATUS = b"""  status:
    type: picklist
    policy: sales
    systems: {salesforce: {name: Status, values: {new: Open, working: Working}}}
  owner:"""
DEALS = b"""  stage: {type: picklist, policy: sales, systems: {salesforce: {name: StageName, values: {won: Closed Won}}}}
  amount:"""
MACHINES = b"""statuses: {new: {}, working: {}}
opportunity_stages:
  won: {is: won}
  lost: {is: lost}
"""


def test_the_three_machines_of_the_lifecycle_name_the_values_of_their_fields() -> None:
    fields = GOOD["fields.yaml"].replace(b"  owner:", STATUS, 1).replace(b"  amount:", DEALS.replace(b"Won}", b"Won, lost: Closed Lost}"))
    book = load_files(GOOD | {"fields.yaml": fields, "lifecycle.yaml": GOOD["lifecycle.yaml"] + MACHINES})
    assert dict(book.fields["status"].systems["salesforce"].to_vendor) == {"new": "Open", "working": "Working"}
    assert dict(book.opportunity_fields["stage"].systems["salesforce"].from_vendor) == {"Closed Won": "won", "Closed Lost": "lost"}


def test_a_value_of_a_machine_that_a_system_does_not_spell_is_named() -> None:
    fields = GOOD["fields.yaml"].replace(b"  owner:", STATUS.replace(b", working: Working", b""), 1).replace(b"  amount:", DEALS)
    told = check(GOOD | {"fields.yaml": fields, "lifecycle.yaml": GOOD["lifecycle.yaml"] + MACHINES}).problems
    assert [(one.path, one.text) for one in told if not one.warning] == [
        ("fields.status.systems.salesforce.values", "working is not spelled in salesforce"),
        ("opportunities.stage.systems.salesforce.values", "lost is not spelled in salesforce"),
    ]


def test_a_list_of_rules_says_as_what_a_person_is_made() -> None:
    fields = GOOD["fields.yaml"].replace(b"create: always}", b"create: [{as: Contact, when: has(account.name)}, {as: Lead}]}")
    assert not check(GOOD | {"fields.yaml": fields}).problems
    book = load_files(GOOD | {"fields.yaml": fields})
    assert [rule.object for rule in book.systems["salesforce"].creates] == ["Contact", "Lead"]
    assert book.systems["salesforce"].primary == ("Contact", "Lead")

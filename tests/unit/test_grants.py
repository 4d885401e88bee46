"""`truce doctor --grants`: exactly the objects and fields of the playbook, as each vendor takes them."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from connectors.base import Wish
from connectors.registry import manifests
from connectors.salesforce import grants
from sync.cli.examining.grants import wishes, write
from sync.playbook.loader import load_files, read
from sync.playbook.models import System
from sync.settings import SystemSettings
from tests.house.project import ROOT

PLAYBOOK = load_files(read(ROOT / "deploy" / "playbook"))
NAME = "{http://soap.sforce.com/2006/04/metadata}"


def permission_set(folder: Path) -> ElementTree.Element:
    written = {path.name: path for path, _ in write(PLAYBOOK, folder, {})}
    return ElementTree.fromstring(written["Truce.permissionset-meta.xml"].read_text(encoding="utf-8"))  # it is our own


def rows(found: ElementTree.Element, kind: str) -> list[dict[str, str]]:
    return [{one.tag.removeprefix(NAME): one.text or "" for one in row} for row in found.findall(NAME + kind)]


def test_a_permission_set_names_the_mapped_fields_and_who_may_write_them(tmp_path: Path) -> None:
    fields = {row["field"]: row["editable"] for row in rows(permission_set(tmp_path), "fieldPermissions")}
    assert fields["Lead.Phone"] == "true"
    assert fields["Lead.Truce_Id__c"] == fields["Task.Truce_Id__c"] == "true"
    assert fields["Lead.Address"] == fields["Contact.MailingAddress"] == "true"
    assert fields["Account.Industry"] == fields["Opportunity.Amount"] == "false"
    assert fields.keys().isdisjoint({"Contact.Industry", "Contact.NumberOfEmployees", "Contact.Website", "Contact.Address"}), "it has none"
    assert not {"Lead.LastName", "Lead.Status", "Lead.OwnerId", "Account.Name", "Opportunity.StageName"} & fields.keys()
    mapped = {f"Lead.{name}" for name in PLAYBOOK.mapped("salesforce", "Lead")}
    assert {name for name in fields if name.startswith("Lead.")} <= mapped | {"Lead.Address", "Lead.Truce_Id__c"}


def test_a_permission_set_never_lets_anything_be_deleted(tmp_path: Path) -> None:
    objects = {row["object"]: row for row in rows(permission_set(tmp_path), "objectPermissions")}
    assert objects.keys() == {"Lead", "Contact", "Account", "Opportunity"}
    assert {(row["allowDelete"], row["modifyAllRecords"]) for row in objects.values()} == {("false", "false")}
    assert (objects["Lead"]["allowCreate"], objects["Contact"]["allowCreate"]) == ("true", "false")
    assert (objects["Opportunity"]["allowEdit"], objects["Account"]["allowEdit"]) == ("false", "true")
    users = {row["name"] for row in rows(permission_set(tmp_path), "userPermissions")}
    assert users == {"ApiEnabled", "ActivitiesAccess", "EditTask", "TransferAnyLead", "TransferAnyEntity"}


def test_the_parts_of_an_address_are_granted_by_the_address_that_an_object_has() -> None:
    parts = dict.fromkeys(("Country", "City", "MailingCity", "BillingCity", "Country__c"), True)
    text = grants([Wish(object=name, fields=parts) for name in ("Lead", "Contact", "Account", "Opportunity")], {}).text
    assert set(re.findall(r"<field>(\S+)</field>", text)) == {
        *("Lead.Address", "Contact.MailingAddress", "Account.BillingAddress"),
        *(f"{name}.Country__c" for name in ("Lead", "Contact", "Account", "Opportunity")),
    }


@pytest.mark.parametrize(
    ("mapped", "options", "edits"),
    [
        ({}, {}, None),
        ({}, {"touches": "yes"}, "false"),
        ({"campaigns.701": False}, {}, "false"),
        ({"campaigns.701": True}, {"touches": "yes"}, "true"),
    ],
)
def test_campaigns_are_granted_where_a_field_or_an_option_asks_for_them(
    mapped: dict[str, bool], options: dict[str, str], edits: str | None
) -> None:  # fmt: skip
    text = grants([Wish(object="Lead", fields=mapped)], options).text
    found = re.findall(r"<allowEdit>(\w+)</allowEdit>(?:(?!</objectPermissions>).)*<object>Campaign</object>", text, re.DOTALL)
    assert found == ([edits] if edits else [])


@pytest.mark.parametrize(
    ("owned", "names"), [({}, set()), ({"Lead": True}, {"TransferAnyLead"}), ({"Lead": False, "Contact": True}, {"TransferAnyEntity"})]
)
def test_owners_may_be_changed_only_where_they_are_written(owned: dict[str, bool], names: set[str]) -> None:
    wishes = [Wish(object=name, fields={"OwnerId": edits, "Phone": True}, edits=True) for name, edits in owned.items()]
    assert set(re.findall(r"<name>(Transfer\w+)</name>", grants(wishes, {}).text)) == names


def test_the_parts_of_a_permission_set_stand_in_the_order_that_the_metadata_api_wants(tmp_path: Path) -> None:
    tags = [one.tag.removeprefix(NAME) for one in permission_set(tmp_path)]
    assert tags == sorted(tags)


def scopes(folder: Path, **options: str) -> set[str]:
    systems = {"hubspot": SystemSettings(vendor="hubspot", url="https://api.hubapi.com", options=options)}
    written = {path.name: path.read_text(encoding="utf-8") for path, _ in write(PLAYBOOK, folder, systems)}
    return {line.split()[0] for line in written["hubspot-scopes.txt"].splitlines() if line and not line.startswith("#")}


def test_scopes_are_exactly_those_of_what_is_done(tmp_path: Path) -> None:
    people = {f"crm.{what}.{name}.read" for what in ("objects", "schemas") for name in ("contacts", "companies", "deals")}
    writes = {"crm.objects.contacts.write", "crm.objects.companies.write"}
    plain = people | writes | {"crm.objects.owners.read", "communication_preferences.read_write", "sales-email-read"}
    assert scopes(tmp_path) == plain
    options = {"form_guids": "f1=Pricing", "email_events": "on", "list_touches": "1003"}
    assert scopes(tmp_path, **options) == plain | {"forms", "content", "crm.lists.read"}
    assert scopes(tmp_path, lists="1001", email_events="off", subscription_ids="1") == plain, "what no field maps needs no scope"


def test_where_a_vendor_takes_no_file_an_admin_gets_a_list(tmp_path: Path) -> None:
    espo = System("espo", "espocrm", "sales", person="Lead")
    phone = replace(PLAYBOOK.fields["phone"], systems={"espo": replace(PLAYBOOK.fields["phone"].systems["salesforce"], name="phoneNumber")})
    playbook = replace(PLAYBOOK, systems={"espo": espo}, fields={"phone": phone})
    ((path, how),) = write(playbook, tmp_path, {})
    text = path.read_text(encoding="utf-8")
    assert path == tmp_path / "espo" / "espocrm-permissions.txt"
    assert "Lead: read, edit; never delete" in text
    assert "  phoneNumber: read and write" in text
    assert how


def test_nothing_that_is_only_read_asks_for_writing() -> None:
    observed = {
        name: replace(one, systems={system: replace(how, read_only=True) for system, how in one.systems.items()})
        for name, one in PLAYBOOK.fields.items()
    }
    (lead,) = [one for one in wishes(replace(PLAYBOOK, fields=observed), "salesforce", manifests()["salesforce"]) if one.object == "Lead"]
    assert {name for name, edits in lead.fields.items() if edits} == {"Truce_Id__c"}

"""What visitors and administrators send beside the APIs: forms of Marketo's and Mautic's web sites, EspoCRM's setting of phone numbers."""

from __future__ import annotations

import httpx
import pytest

from connectors.emulator.control import serve
from connectors.emulator.espocrm import Espo, User
from connectors.emulator.marketo import Marketo
from connectors.emulator.mautic import Mautic


async def test_a_form_of_marketo_makes_a_lead_and_is_no_call_of_the_api() -> None:
    vendor = Marketo(calls_per_20s=1)
    async with serve(vendor.app) as running, httpx.AsyncClient(base_url=running.url) as visitor:
        for _ in range(3):
            form = {"formid": "1001", "formName": "Pricing", "email": "kim@nordwind.example", "firstName": "Kim", "nothing": "1"}
            told = (await visitor.post("/index.php/leadCapture/save2", data=form)).json()
        refused = (await visitor.post("/index.php/leadCapture/save2", data={"email": "kim@nordwind.example"})).json()
    assert vendor.lead(str(told["result"][0]["id"]))["firstName"] == "Kim"
    assert len(vendor.leads.live) == 1
    assert [entry.client for entry in vendor.journal.effects] == ["form"] * 3
    assert (refused["success"], refused["errors"][0]["code"]) == (False, "1003")


async def test_a_form_of_mautic_makes_a_contact() -> None:
    vendor = Mautic(forms={1: "Pricing"})
    async with serve(vendor.app) as running, httpx.AsyncClient(base_url=running.url) as visitor:
        form = {"mauticform[formId]": "1", "mauticform[email]": "kim@nordwind.example", "mauticform[firstname]": "Kim"}
        for more in ({}, {"mauticform[formId]": "9"}, {"mauticform[email]": "none"}):  # whatever came of it
            assert (await visitor.post("/form/submit", data=form | more)).status_code == 302
    assert len(vendor.contacts.live) == 1
    contact = vendor.by_email("kim@nordwind.example")
    assert contact is not None
    assert contact.values["firstname"] == "Kim"


@pytest.mark.parametrize(("international", "status"), [(True, 400), (False, 200)])
async def test_espocrm_takes_a_phone_number_as_its_setting_says(international: bool, status: int) -> None:
    vendor = Espo([User("jo", "jo@acme.example", password="jo")], admin_password="admin")
    async with serve(vendor.app) as running, httpx.AsyncClient(base_url=f"{running.url}/api/v1/") as http:
        setting = {"phoneNumberInternational": international}
        assert (await http.put("Settings", json=setting, auth=("jo", "jo"))).status_code == 403
        assert (await http.put("Settings", json=setting, auth=("admin", "admin"))).status_code == 200
        made = await http.post("Lead", json={"lastName": "Kim", "phoneNumber": "ask for Nils"}, auth=("jo", "jo"))
    assert made.status_code == status


async def test_espocrm_keeps_a_loose_phone_number_as_it_is_up_to_36_signs_and_a_strict_one_without_its_extension() -> None:
    vendor = Espo([User("jo", "jo@acme.example", password="jo")], admin_password="admin")
    async with serve(vendor.app) as running, httpx.AsyncClient(base_url=f"{running.url}/api/v1/", auth=("jo", "jo")) as http:
        strict = await http.post("Lead", json={"lastName": "Kim", "phoneNumber": "+1 212 555 0100 ext. 5"})
        await http.put("Settings", json={"phoneNumberInternational": False}, auth=("admin", "admin"))
        assert (await http.get("Settings", auth=("admin", "admin"))).json()["phoneNumberInternational"] is False
        loose = [
            await http.post("Lead", json={"lastName": name, "phoneNumber": name}) for name in ("  22 11  ", "1" * 36, "1" * 37, "ext; 5")
        ]
    assert strict.json()["phoneNumber"] == "+12125550100"
    assert loose[0].json()["phoneNumber"] == "22 11"
    assert [one.status_code for one in loose] == [200, 200, 400, 400]
    assert [one.json()["messageTranslation"]["data"]["type"] for one in loose[2:]] == ["maxLength", "valid"]


async def test_mautic_takes_countries_by_name_and_leaves_out_whatever_is_nought() -> None:
    vendor = Mautic()
    async with serve(vendor.app) as running, httpx.AsyncClient(base_url=running.url, auth=("admin", "emulated")) as http:
        made = (
            await http.post("/api/contacts/new", json={"email": "kim@nordwind.example", "position": "0", "website": "nordwind.example"})
        ).json()
        other = (await http.post("/api/contacts/new", json={"email": "eli@nordwind.example", "position": 0})).json()
        assert other["contact"]["fields"]["all"]["position"] is None
        path = f"/api/contacts/{made['contact']['id']}/edit"
        assert (await http.patch(path, json={"country": "NO"})).status_code == 400
        assert (await http.patch(path, json={"country": "Norway", "position": "7"})).status_code == 200
        for nought in ("0", 0, "0.0", 0.4):
            assert (await http.patch(path, json={"position": nought, "overwriteWithBlank": True})).status_code == 200
    contact = vendor.by_email("kim@nordwind.example")
    assert contact is not None
    assert made["contact"]["fields"]["all"]["position"] == "0"
    assert (contact.values["country"], contact.values["position"], contact.values["website"]) == ("Norway", "7", "http://nordwind.example")


async def test_mautic_has_closed_lists_leaves_false_out_of_texts_and_knows_when_a_form_was_filled_in() -> None:
    vendor = Mautic(forms={1: "Pricing"})
    async with serve(vendor.app) as running, httpx.AsyncClient(base_url=running.url, auth=("admin", "emulated")) as http:
        ident = vendor.submit(1, "kim@nordwind.example", position="Buyer")
        path = f"/api/contacts/{ident}/edit"
        assert (await http.get(f"/api/contacts/{ident}")).json()["contact"]["lastActive"].endswith("+00:00")
        for name, good, bad in (("state", "Ohio", "OH"), ("timezone", "Europe/Oslo", "CET+1"), ("preferred_locale", "de_AT", "German")):
            assert [(await http.patch(path, json={name: one})).status_code for one in (good, bad)] == [200, 400]
        for given, kept in (
            ({"position": False}, "Buyer"),
            ({"position": True}, "1"),
            ({"position": False, "overwriteWithBlank": True}, None),
        ):
            await http.patch(path, json=given)
            assert (await http.get(f"/api/contacts/{ident}")).json()["contact"]["fields"]["all"]["position"] == kept

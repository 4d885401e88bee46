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
        assert (await visitor.post("/form/submit", data=form)).status_code == 200
        assert (await visitor.post("/form/submit", data=form | {"mauticform[formId]": "9"})).status_code == 404
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

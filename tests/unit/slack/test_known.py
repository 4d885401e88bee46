"""Where a card's button leads: to the person's record in the CRM, where its address is known."""

from __future__ import annotations

from sync.alerts.known import record_links
from sync.settings import SystemSettings


def test_each_vendor_has_its_address_and_a_setting_says_another() -> None:
    systems = {
        "salesforce": SystemSettings(vendor="salesforce", url="https://acme.my.salesforce.example/"),
        "hubspot": SystemSettings(vendor="hubspot", url="https://api.hubspot.example", options={"portal_id": "4711"}),
        "sandbox": SystemSettings(vendor="salesforce", url="x", options={"record_url": "https://lightning.example/r/{object}/{id}/view"}),
        "without_portal": SystemSettings(vendor="hubspot", url="https://api.hubspot.example"),
        "espocrm": SystemSettings(vendor="espocrm", url="https://crm.acme.example/"),
        "tryton": SystemSettings(vendor="tryton", url="https://erp.acme.example/acme"),
        "other": SystemSettings(vendor="odoo", url="https://odoo.example"),
    }
    assert record_links(systems) == {
        "salesforce": "https://acme.my.salesforce.example/{id}",
        "hubspot": "https://app.hubspot.com/contacts/4711/record/0-1/{id}",
        "espocrm": "https://crm.acme.example/#{object}/view/{id}",
        "tryton": "https://erp.acme.example/#acme/model/{object}/{id}",
        "sandbox": "https://lightning.example/r/{object}/{id}/view",
    }

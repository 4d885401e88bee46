"""A client of Mautic that is not ours (mautic-cli), unchanged, against the emulator: what it cannot send or read is wrong here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from mautic_cli.client import MauticApiError, MauticClient

from connectors.emulator.control import serve
from connectors.emulator.mautic import Mautic


async def against(work: Callable[[Any], None], *, secret: str = "emulated") -> Mautic:
    mautic = Mautic()
    async with serve(mautic.app) as running:
        asked = {"auth_method": "oauth2", "client_id": "1_truce", "client_secret": secret}
        given = {**asked, "base_url": running.url, "token_endpoint": f"{running.url}/oauth/v2/token"}
        await asyncio.to_thread(lambda: work(MauticClient(given)))
    return mautic


def refused(call: Callable[[], Any]) -> tuple[int, str]:
    with pytest.raises(MauticApiError) as caught:
        call()
    return caught.value.code, caught.value.message


async def test_a_contact_from_create_to_delete() -> None:
    def work(api: Any) -> None:
        assert api.detect_version() == (5, 1, 0)
        made = api.post("/contacts/new", {"firstname": "Kim", "lastname": "عبد الرحمن 🦊", "email": "kim@nordwind.example"})["contact"]
        again = api.post("/contacts/new", {"email": "kim@nordwind.example", "phone": "+47 22"})["contact"]
        assert again["id"] == made["id"], "one that holds the address is changed, not a second one made"
        held = api.patch(f"/contacts/{made['id']}/edit", {"city": "Oslo"})["contact"]["fields"]["all"]
        assert (held["lastname"], held["phone"], held["city"]) == ("عبد الرحمن 🦊", "+47 22", "Oslo")
        assert api.post(f"/stages/2/contact/{made['id']}/add") == {"success": 1}
        assert api.get(f"/contacts/{made['id']}")["contact"]["stage"]["name"] == "MQL"
        code, words = refused(lambda: api.patch(f"/contacts/{made['id']}/edit", {"lifecycle": "No such stage"}))
        assert (code, "lifecycle" in words) == (400, True)
        code, words = refused(lambda: api.patch(f"/contacts/{made['id']}/edit", {"country": "Faroe Islands", "city": "x" * 192}))
        assert (code, "country: This value is not valid." in words, "have 191 characters" in words) == (400, True, True)
        assert api.patch("/contacts/batch/edit", ["x"])["statusCodes"] == [404], "what is no row is one without an id"
        api.delete(f"/contacts/{made['id']}/delete")
        assert refused(lambda: api.get(f"/contacts/{made['id']}")) == (404, "Item was not found.")

    mautic = await against(work)
    assert [one.verb for one in mautic.journal.effects] == ["create", "update", "update", "update", "delete"]


async def test_lists_come_page_by_page() -> None:
    def work(api: Any) -> None:
        for n in range(7):
            api.post("/contacts/new", {"email": f"p{n}@nordwind.example"})
        found = list(api.get_all("/contacts", "contacts", limit=3))
        assert [one["fields"]["all"]["email"] for one in found] == [f"p{n}@nordwind.example" for n in range(7)]
        fields = {one["alias"]: one for one in api.get_all("/fields/contact", "fields", limit=200)}
        assert fields["truce_id"]["isUniqueIdentifier"]
        log = api.get("/stats/audit_log", {"limit": 50})["stats"]
        assert [(one["object"], one["action"]) for one in log] == [("lead", "create"), ("lead", "identified")] * 7

    await against(work)


async def test_wrong_credentials_are_refused() -> None:
    with pytest.raises(MauticApiError, match="OAuth2 token request failed") as caught:
        await against(lambda _: None, secret="wrong")
    assert caught.value.code == 400

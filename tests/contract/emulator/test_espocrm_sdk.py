"""A client of EspoCRM that is not ours (espo), unchanged, against the emulator: what it cannot send or read is wrong here.

It writes parameters as the vendor's own example does (docs.espocrm.com, API Client in Python). What is expected was seen of EspoCRM 9.0.8 too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from espo import Espo as Client
from espo import EspoMethods as Do
from espo.exceptions import EspoError

from connectors.emulator.control import serve
from connectors.emulator.espocrm import Espo, User

KEY = "espo-other-key"


async def against(work: Callable[[Client], Any], vendor: Espo | None = None) -> Any:
    vendor = vendor or Espo([User("other", kind="api", api_key=KEY), User("jo", "jo@acme.example", password="jo")])
    async with serve(vendor.app) as running:
        return await asyncio.to_thread(work, Client(running.url, KEY))


def refused(api: Client, method: Do, path: str, params: dict[str, Any]) -> tuple[int, str]:
    with pytest.raises(EspoError) as caught:
        api.request(method, path, params)
    return caught.value.code, caught.value.reason


async def test_a_lead_from_create_to_delete() -> None:
    def work(api: Client) -> None:
        made = api.request(Do.POST, "Lead", {"lastName": "Kim", "emailAddress": "kim@nordwind.example", "phoneNumber": "+47 22 00 00 00"})
        assert (made["name"], made["status"], made["phoneNumber"], made["modifiedAt"]) == ("Kim", "New", "+4722000000", made["createdAt"])
        assert "title" not in made, "a new record is shown without what is blank"
        assert refused(api, Do.POST, "Lead", {"lastName": "Other", "emailAddress": "KIM@nordwind.example"}) == (409, "duplicate")
        changed = api.request(Do.PUT, f"Lead/{made['id']}", {"title": " CEO ", "nothing": 1, "modifiedAt": "2020-01-01 00:00:00"})
        assert (changed["title"], changed["firstName"], "nothing" in changed) == ("CEO", None, False)
        assert api.request(Do.GET, f"Lead/{made['id']}") == changed
        assert api.request(Do.DELETE, f"Lead/{made['id']}") is True
        assert refused(api, Do.GET, f"Lead/{made['id']}", {}) == (404, f"Record {made['id']} does not exist.")
        assert refused(api, Do.PUT, f"Lead/{made['id']}", {}) == (404, f"Record {made['id']} not found.")

    await against(work)


async def test_a_list_is_filtered_ordered_and_paged() -> None:
    def work(api: Client) -> None:
        for name, city in (("C", "Oslo"), ("A", "Oslo"), ("B", "Bergen")):
            api.request(Do.POST, "Lead", {"lastName": name, "addressCity": city})
        where = [{"type": "equals", "attribute": "addressCity", "value": "Oslo"}]
        page = api.request(
            Do.GET, "Lead", {"where": where, "orderBy": "lastName", "order": "asc", "maxSize": 1, "offset": 1, "select": "lastName"}
        )
        assert (page["total"], [row["lastName"] for row in page["list"]]) == (2, ["C"])
        assert "addressCity" not in page["list"][0]
        either = [
            {
                "type": "or",
                "value": [{"type": "in", "attribute": "lastName", "value": ["A", "B"]}, {"type": "isNull", "attribute": "lastName"}],
            }
        ]
        assert api.request(Do.GET, "Lead", {"where": either})["total"] == 2
        assert [row["lastName"] for row in api.request(Do.GET, "Lead", {"orderBy": "id", "order": "desc"})["list"]] == ["B", "A", "C"]
        unknown = [{"type": "equals", "attribute": "cNope", "value": 1}]
        assert refused(api, Do.GET, "Lead", {"where": unknown}) == (400, "Not existing attribute 'cNope' in where.")
        assert refused(api, Do.GET, "Lead", {"where": [{"type": "like it"}]}) == (400, "Unknown where item type 'like it'.")
        assert refused(api, Do.GET, "Lead", {"maxSize": 201}) == (403, "Max size should not exceed 200. Use offset and limit.")
        assert refused(api, Do.GET, "Nope", {}) == (404, "Controller 'Nope' does not exist.")

    await against(work)


@pytest.mark.parametrize(
    ("fields", "field", "kind"),
    [
        ({"status": "Nope"}, "status", "valid"),
        ({"emailAddress": "nomail"}, "emailAddress", "emailAddress"),
        ({"lastName": "x" * 101}, "lastName", "maxLength"),
        ({"lastName": "<b>"}, "lastName", "pattern"),
        ({"phoneNumber": "abc"}, "phoneNumber", "valid"),
        ({"opportunityAmount": 5}, "opportunityAmount", "validCurrency"),
    ],
)
async def test_a_value_that_is_refused_names_its_field(fields: dict[str, Any], field: str, kind: str) -> None:
    def work(api: Client) -> None:
        ident = api.request(Do.POST, "Lead", {"lastName": "Kim"})["id"]
        told = f"Field validation failure; entityType: Lead, field: {field}, type: {kind}."
        assert refused(api, Do.PUT, f"Lead/{ident}", fields) == (400, told)

    await against(work)


async def test_an_opportunity_and_its_people() -> None:
    def work(api: Client) -> None:
        told = "Field validation failure; entityType: Opportunity, field: amount, type: required."
        assert refused(api, Do.POST, "Opportunity", {"name": "O"}) == (400, told)
        contact = api.request(Do.POST, "Contact", {"lastName": "In"})["id"]
        deal = api.request(Do.POST, "Opportunity", {"name": "O", "amount": 1200.5, "closeDate": "2027-01-31", "contactsIds": [contact]})
        assert (deal["amountCurrency"], deal["stage"], deal["probability"], deal["contactsNames"]) == (
            "USD",
            "Prospecting",
            10,
            {contact: "In"},
        )
        other = api.request(Do.POST, "Contact", {"lastName": "Too"})["id"]
        assert api.request(Do.POST, f"Opportunity/{deal['id']}/contacts", {"id": other}) is True
        now = api.request(Do.GET, f"Opportunity/{deal['id']}")
        assert (now["contactsIds"], now["modifiedAt"]) == ([contact, other], deal["modifiedAt"]), "by a link the record's time stays"
        won = api.request(Do.PUT, f"Opportunity/{deal['id']}", {"stage": "Closed Won"})
        assert (won["probability"], won["contactsIds"]) == (100, [contact, other])

    await against(work)


async def test_a_list_of_targets_is_joined_and_left() -> None:
    def work(api: Client) -> None:
        lead = api.request(Do.POST, "Lead", {"lastName": "Kim"})["id"]
        targets = api.request(Do.POST, "TargetList", {"name": "Nurture"})["id"]
        assert api.request(Do.POST, f"TargetList/{targets}/leads", {"ids": [lead]}) is True
        assert [row["id"] for row in api.request(Do.GET, f"Lead/{lead}/targetLists")["list"]] == [targets]
        assert api.request(Do.POST, "TargetList/action/optOut", {"id": targets, "targetType": "Lead", "targetId": lead}) is True
        assert api.request(Do.GET, f"TargetList/{targets}/leads")["total"] == 1
        assert api.request(Do.DELETE, f"TargetList/{targets}/leads", {"id": lead}) is True
        assert api.request(Do.GET, f"Lead/{lead}/targetLists")["total"] == 0

    await against(work)


async def test_only_an_administrator_adds_a_field_and_sees_what_was_deleted() -> None:
    vendor = Espo([User("other", kind="api", api_key=KEY)])

    def work(api: Client) -> None:
        field = {"name": "score", "type": "int"}
        assert refused(api, Do.POST, "Admin/fieldManager/Lead", field)[0] == 403
        lead = api.request(Do.POST, "Lead", {"lastName": "Kim"})["id"]
        api.request(Do.DELETE, f"Lead/{lead}")
        assert refused(api, Do.POST, "Lead/action/restoreDeleted", {"id": lead})[0] == 403
        api.session.headers.pop("X-Api-Key")
        assert refused(api, Do.GET, "Lead", {})[0] == 401
        api.session.auth = ("admin", "admin")
        api.request(Do.POST, "Admin/fieldManager/Lead", field)
        assert api.request(Do.GET, "Metadata", {"key": "entityDefs.Lead.fields.cScore"}) == {"type": "int", "isCustom": True}
        assert api.request(Do.GET, f"Lead/{lead}")["deleted"] is True
        assert api.request(Do.POST, "Lead/action/restoreDeleted", {"id": lead}) is True
        assert api.request(Do.PUT, f"Lead/{lead}", {"cScore": 12.7})["cScore"] == 12
        told = "Field validation failure; entityType: Lead, field: cScore, type: rangeInternal."
        assert refused(api, Do.PUT, f"Lead/{lead}", {"cScore": 2**31}) == (400, told)

    await against(work, vendor)


async def test_what_is_not_called_json_is_nothing_and_what_is_no_path_is_answered_by_a_page() -> None:
    def work(api: Client) -> None:
        ident = api.request(Do.POST, "Lead", {"lastName": "Kim", "title": "Buyer"})["id"]

        def told(method: str, path: str, kind: str = "application/json", body: bytes = b'{"title": "CEO"}') -> tuple[Any, ...]:
            answer = api.session.request(method, api.make_url(path), data=body, headers={"Content-Type": kind})
            title = answer.json().get("title") if answer.ok else None
            return answer.status_code, answer.headers["content-type"], answer.headers.get("x-status-reason"), title

        json, page = "application/json", "text/html;charset=UTF-8"
        assert told("PUT", f"Lead/{ident}", "text/plain") == (200, json, None, "Buyer")
        assert told("PUT", f"Lead/{ident}", "Application/JSON; charset=utf-8") == (200, json, None, "CEO")
        assert told("PUT", f"Lead/{ident}", "application/x-www-form-urlencoded", b"title=COO") == (200, json, None, "COO")
        assert told("PUT", f"Lead/{ident}", body=b'"x"') == (400, json, "Body is not a JSON object.", None)
        assert told("PUT", f"Lead/{ident}", body=b"{") == (500, json, None, None)
        assert told("POST", f"Lead/{ident}") == (405, page, None, None)
        assert told("PUT", "Lead") == (405, page, None, None)
        assert told("GET", f"Lead/{ident}/tasks/x") == (404, page, None, None)
        assert told("GET", "Lead?searchParams={") == (400, json, "Invalid search params JSON.", None)
        assert told("DELETE", "TargetList/6b0/leads") == (404, json, "", None)
        api.session.headers.pop("X-Api-Key")
        nobody = api.session.get(api.make_url("Lead"))
        assert (nobody.status_code, nobody.headers["www-authenticate"]) == (401, 'Basic realm=""')

    await against(work)

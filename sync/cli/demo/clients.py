"""The people of the story act through clients that the vendors' communities wrote: simple-salesforce and hubspot-api-client."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterable, Mapping
from typing import Any

from hubspot import HubSpot
from hubspot.crm.contacts import BatchInputSimplePublicObjectBatchInputForCreate
from simple_salesforce import Salesforce

from sync.cli.demo.world import Person

PORTAL, FORM = "4711", "6f0c1f2e-0000-4000-8000-000000000001"


def crm_fields(person: Person) -> dict[str, Any]:
    """Give a person as Salesforce spells one."""
    return {
        "Email": person.email,
        "FirstName": person.first,
        "LastName": person.last,
        "Company": person.company,
        "Phone": person.phone,
        "Title": person.title,
        "Website": person.website or None,
        "Industry": person.industry,
        "NumberOfEmployees": person.employees,
        "Country": person.country,
    }


def map_fields(person: Person) -> dict[str, str]:
    """Give a person as HubSpot spells one."""
    found = {
        "email": person.email,
        "firstname": person.first,
        "lastname": person.last,
        "company": person.company,
        "phone": person.phone,
        "jobtitle": person.title,
        "website": person.website,
        "industry": person.industry,
        "numberofemployees": str(person.employees),
        "country": person.country,
    }
    return {name: value for name, value in found.items() if value}


class Crm:
    """Salesforce, as one of its users works with it."""

    def __init__(self, url: str, session_id: str) -> None:
        host = url.removeprefix("http://")
        self._client = Salesforce(instance=host, session_id=session_id)
        self._client.base_url = self._client.base_url.replace("https", "http")
        self._client.tooling_url = self._client.tooling_url.replace("https", "http")
        self.leads = self._client.Lead
        self.leads.base_url = self.leads.base_url.replace("https", "http")

    def query(self, soql: str) -> list[dict[str, Any]]:
        """Give all rows of a query."""
        rows: list[dict[str, Any]] = self._client.query_all(soql)["records"]
        return rows

    def lead(self, email: str) -> dict[str, Any] | None:
        """Give the Lead record of an address, with all its fields."""
        rows = self.query(f"SELECT Id FROM Lead WHERE Email = '{email}'")
        found: dict[str, Any] | None = dict(self.leads.get(rows[0]["Id"])) if rows else None
        return found

    def edit(self, email: str, **fields: Any) -> None:
        """Change a Lead record as a person would."""
        row = self.query(f"SELECT Id FROM Lead WHERE Email = '{email}'")[0]
        self.leads.update(row["Id"], fields)

    def add(self, people: Iterable[Person]) -> None:
        """Make Lead records."""
        for person in people:
            self.leads.create(crm_fields(person))

    def rule(self, ident: str, metadata: Mapping[str, Any]) -> None:
        """Change a validation rule, as an administrator does (Tooling API)."""
        self._client.toolingexecute(f"sobjects/ValidationRule/{ident}", method="PATCH", data={"Metadata": dict(metadata)})

    def make_rule(self, name: str, metadata: Mapping[str, Any]) -> str:
        """Make a validation rule; gives its id."""
        made = self._client.toolingexecute("sobjects/ValidationRule", method="POST", data={"FullName": name, "Metadata": dict(metadata)})
        return str(made["id"])


class Marketing:
    """HubSpot, as marketing works with it, and as a visitor's form reaches it."""

    def __init__(self, url: str, token: str) -> None:
        self._client = HubSpot(access_token=token, base_url=url)
        contacts = self._client.crm.contacts
        self._basic, self._batch, self._owners = contacts.basic_api, contacts.batch_api, self._client.crm.owners.owners_api
        for api in (self._basic, self._batch, self._owners):
            api.api_client.configuration.host = url

    def add(self, people: Iterable[Person]) -> None:
        """Make contacts."""
        rows = [{"properties": map_fields(person), "associations": []} for person in people]
        for start in range(0, len(rows), 100):
            self._batch.create(BatchInputSimplePublicObjectBatchInputForCreate(inputs=rows[start : start + 100]))

    def contact(self, email: str, properties: Iterable[str]) -> dict[str, Any] | None:
        """Give the contact of an address."""
        from hubspot.crm.contacts.exceptions import NotFoundException

        try:
            found = self._basic.get_by_id(email, id_property="email", properties=list(properties))
        except NotFoundException:
            return None
        return dict(found.properties)

    def every(self, properties: Iterable[str]) -> list[dict[str, Any]]:
        """Give all contacts."""
        found, after = [], None
        while True:
            page = self._basic.get_page(limit=100, after=after, properties=list(properties))
            found += [dict(row.properties) for row in page.results]
            if page.paging is None:
                return found
            after = page.paging.next.after

    def owners(self) -> dict[str, str]:
        """Give owner id → e-mail."""
        return {str(row.id): str(row.email) for row in self._owners.get_page(limit=100).results}

    def submit(self, person: Person, page: str, **more: str) -> None:
        """Fill in the form."""
        fields = [{"objectTypeId": "0-1", "name": name, "value": value} for name, value in {**map_fields(person), **more}.items()]
        self.submit_fields(fields, page)

    def submit_fields(self, fields: list[dict[str, str]], page: str) -> None:
        """Fill in the form with just these fields."""
        body = {
            "submittedAt": int(time.time() * 1000),
            "fields": fields,
            "context": {"pageUri": "https://acme.example/form", "pageName": page},
        }
        answer = self._client.api_request(
            {"path": f"/submissions/v3/integration/secure/submit/{PORTAL}/{FORM}", "method": "POST", "body": body}
        )
        if answer.status_code >= 300:
            raise RuntimeError(f"the form was refused: {answer.status_code} {answer.text[:200]}")


def door(url: str, path: str, body: Mapping[str, Any] | None = None, method: str | None = None) -> Any:
    """Use an emulator's own door (journal, faults, webhooks): not the vendor's protocol, so plain HTTP."""
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(f"{url}/_emulator/{path}", data=data, method=method or ("POST" if data else "GET"))
    request.add_header("content-type", "application/json")
    with urllib.request.urlopen(request, timeout=20) as answer:
        raw = answer.read()
    return json.loads(raw) if raw else None


class Chat:
    """The emulated Slack as Acme's people use it."""

    def __init__(self, url: str) -> None:
        self.url = url

    def card(self, user: str, about: str) -> dict[str, Any] | None:
        """Give the newest card in a person's own channel that has these words in it and a button to accept."""
        room = f"D{user[1:]}"
        found = [one for one in door(self.url, "see/messages") if one["channel"] == room and about in json.dumps(one, ensure_ascii=False)]
        return next((one for one in reversed(found) if '"action_id": "accept"' in json.dumps(one)), None)

    def messages(self, about: str = "") -> list[dict[str, Any]]:
        """Give every message that stands there, oldest first, or those with these words in it."""
        return [one for one in door(self.url, "see/messages") if about in json.dumps(one, ensure_ascii=False)]

    def press(self, user: str, message: Mapping[str, Any], action: str) -> int:
        """Press a button of a message; gives the status that Truce answered to the signed request."""
        asked = {"user": user, "channel": message["channel"], "ts": message["ts"], "action": action}
        return int(door(self.url, "press", asked)["status"])

    def told(self, user: str) -> list[str]:
        """Give what only this person was told."""
        return [one["text"] for one in door(self.url, "see/private") if one["shown_to"] == user]

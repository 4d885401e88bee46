"""HubSpot as marketing works with it, through hubspot-api-client, and as a visitor's form reaches it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from hubspot import HubSpot
from hubspot.crm.contacts import BatchInputSimplePublicObjectBatchInputForCreate
from hubspot.crm.contacts.exceptions import NotFoundException

from sync.cli import emulate
from sync.cli.demo.clients import door


class Marketing:
    """The marketing platform of Acme's marketing team."""

    batch = 100

    def __init__(self, url: str) -> None:
        self._url, self._client = url, HubSpot(access_token=emulate.MARKETING_TOKEN, base_url=url)
        contacts = self._client.crm.contacts
        self._basic, self._batch, self._owners = contacts.basic_api, contacts.batch_api, self._client.crm.owners.owners_api
        for api in (self._basic, self._batch, self._owners):
            api.api_client.configuration.host = url

    def add(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Make contacts."""
        made = [{"properties": {name: str(value) for name, value in row.items()}, "associations": []} for row in rows]
        for start in range(0, len(made), 100):
            self._batch.create(BatchInputSimplePublicObjectBatchInputForCreate(inputs=made[start : start + 100]))

    def rows(self, names: Sequence[str]) -> list[dict[str, Any]]:
        """Give these properties of every contact."""
        found, after = [], None
        while True:
            page = self._basic.get_page(limit=100, after=after, properties=list(names))
            found += [dict(row.properties) for row in page.results]
            if page.paging is None:
                return found
            after = page.paging.next.after

    def one(self, email: str, names: Sequence[str]) -> dict[str, Any] | None:
        """Give these properties of the contact of an address."""
        try:
            return dict(self._basic.get_by_id(email, id_property="email", properties=list(names)).properties)
        except NotFoundException:
            return None

    def users(self) -> dict[str, str]:
        """Give owner id → e-mail."""
        return {str(row.id): str(row.email) for row in self._owners.get_page(limit=100).results}

    def submit(self, fields: Mapping[str, Any], page: str) -> None:
        """Fill in the form of a page."""
        rows = [{"objectTypeId": "0-1", "name": name, "value": str(value)} for name, value in fields.items()]
        body = {
            "submittedAt": int(time.time() * 1000),
            "fields": rows,
            "context": {"pageUri": "https://acme.example/form", "pageName": page},
        }
        path = f"/submissions/v3/integration/secure/submit/{emulate.PORTAL_ID}/{emulate.FORM_GUID}"
        answer = self._client.api_request({"path": path, "method": "POST", "body": body})
        if answer.status_code >= 300:
            raise RuntimeError(f"the form was refused: {answer.status_code} {answer.text[:200]}")

    def hold(self, *, on: bool) -> None:
        """Keep webhooks back, or let them go."""
        door(self._url, "webhooks", {"hold": on})

    def pending(self) -> int:
        """Count the webhooks that are under way."""
        return int(door(self._url, "webhooks")["pending"])

"""The two emulated systems of the bench, full of people, and what marketing does there: by HTTP, past the vendors' clients, to be quick."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from sync.cli import emulate
from sync.cli.bench import people, playbook
from sync.cli.bench.figures import Row

SESSION = "session:ana@acme.example"
CONTACTS = "/crm/v3/objects/contacts"
LEADS = "/services/data/v65.0/composite/sobjects"
_KINDS = {"text": ("string", "text"), "number": ("number", "number"), "picklist": ("enumeration", "select")}


def ask(url: str, body: object = None, token: str = "", method: str | None = None) -> Any:
    """Call and give the answer's JSON; raises HTTPError for a refusal."""
    request = urllib.request.Request(url, data=None if body is None else json.dumps(body).encode(), method=method)
    request.add_header("Content-Type", "application/json")
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    with urllib.request.urlopen(request, timeout=60) as answer:
        raw = answer.read()
    return json.loads(raw) if raw else None


def chunks(rows: Sequence[Any], size: int) -> list[Sequence[Any]]:
    """Cut rows into pieces."""
    return [rows[start : start + size] for start in range(0, len(rows), size)]


@dataclass
class Town:
    """Both systems, and the people's ids in them."""

    urls: Mapping[str, str]
    ids: dict[str, str] = field(default_factory=dict)
    """E-mail → contact id."""
    leads: dict[str, str] = field(default_factory=dict)
    """E-mail → Lead id."""

    def build(self, who: Mapping[str, Sequence[int]]) -> None:
        """Make the company's own fields in both, and put people into each system; nobody is told."""
        for n in range(playbook.OWN):
            self._add_field(n)
        for some in chunks(who["hubspot"], 500):
            rows = [{name: str(value) for name, value in people.marketing(n).items()} for n in some]
            ask(f"{self.urls['hubspot']}/_emulator/contacts", rows)
        for some in chunks(who["salesforce"], 200):
            records = [{"attributes": {"type": "Lead"}, **people.crm(n)} for n in some]
            answer = ask(self.urls["salesforce"] + LEADS, {"allOrNone": False, "records": records}, SESSION)
            if refused := [one for one in answer if not one["success"]]:
                raise RuntimeError(f"the emulated Salesforce refused {len(refused)} people: {refused[0]['errors']}")
            self.leads |= {people.email(n): one["id"] for n, one in zip(some, answer, strict=True)}
        self.ids = {row["email"]: row["hs_object_id"] for row in ask(f"{self.urls['hubspot']}/_emulator/contacts")}

    @property
    def people(self) -> int:
        """Count who is in either."""
        return len(self.ids.keys() | self.leads.keys())

    def _add_field(self, n: int) -> None:
        kind = playbook.own_type(n)
        theirs: dict[str, Any] = {
            "name": playbook.own_name(n, "salesforce"),
            "type": {"number": "double", "text": "string"}.get(kind, kind),
        }
        theirs |= {"length": 255} if kind != "number" else {}
        theirs |= {"picklist": list(playbook.SOURCES)} if kind == "picklist" else {}
        ask(f"{self.urls['salesforce']}/_emulator/schema", {"add": [theirs]})
        type_, shown = _KINDS[kind]
        ours: dict[str, Any] = {"name": playbook.own_name(n, "hubspot"), "label": f"Own {n}", "type": type_, "fieldType": shown}
        options = [{"label": one, "value": one} for one in playbook.SOURCES] if kind == "picklist" else []
        body = {**ours, "groupName": "contactinformation", "options": options}
        ask(f"{self.urls['hubspot']}/crm/v3/properties/contacts", body, emulate.MARKETING_TOKEN)

    def slow(self, seconds: float) -> None:
        """Let both answer so much later."""
        for url in self.urls.values():
            ask(f"{url}/_emulator/latency", {"seconds": seconds})

    def edit(self, who: Sequence[int], mark: str) -> None:
        """Let marketing change title and one own field of these people, a hundred a call, eight calls at a time."""
        rows = [{"id": self.ids[people.email(n)], "properties": {"jobtitle": f"{mark} {n}", "bench_00": f"A {mark}"}} for n in who]
        url = f"{self.urls['hubspot']}{CONTACTS}/batch/update"
        with ThreadPoolExecutor(8) as hands:
            list(hands.map(lambda some: ask(url, {"inputs": some}, emulate.MARKETING_TOKEN), chunks(rows, 100)))

    def fill_in(self, n: int, page: str) -> None:
        """Let somebody fill in the form of a page."""
        said = people.marketing(n) | {"numberofemployees": 900}  # large enough for whoever is to be handed over
        told = [{"objectTypeId": "0-1", "name": name, "value": str(value)} for name, value in said.items()]
        context = {"pageUri": "https://acme.example/form", "pageName": page}
        path = f"/submissions/v3/integration/secure/submit/{emulate.PORTAL_ID}/{emulate.FORM_GUID}"
        body = {"submittedAt": int(time.time() * 1000), "fields": told, "context": context}
        ask(f"{self.urls['hubspot']}{path}", body, emulate.MARKETING_TOKEN)

    def count(self, system: str, kind: str) -> int:
        """Give how long an emulator's journal is: reading all of it would keep the emulator from its work."""
        return int(ask(f"{self.urls[system]}/_emulator/journal/{kind}/count"))

    def journal(self, system: str, kind: str, since: int = 0) -> list[Row]:
        """Read an emulator's journal."""
        rows: list[Row] = ask(f"{self.urls[system]}/_emulator/journal/{kind}?since={since}")
        return rows

    def event(self, n: int, title: str) -> dict[str, Any]:
        """Give the webhook event by which HubSpot tells that person n's title changed."""
        now = int(time.time() * 1000)
        return {
            "eventId": now, "subscriptionId": 1, "portalId": emulate.PORTAL_ID, "appId": emulate.APP_ID, "occurredAt": now,
            "subscriptionType": "contact.propertyChange", "attemptNumber": 0, "objectId": int(self.ids[people.email(n)]),
            "changeSource": "CRM_UI", "propertyName": "jobtitle", "propertyValue": title,
        }  # fmt: skip

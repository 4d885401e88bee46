"""Marketo as marketing works with it: its REST API with a client of marketing's own, and the form on the web site."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sync.cli import emulate
from sync.cli.demo.sides.web import Web, slow

PAGE = 300


class Marketing:
    """The marketing platform of Acme's marketing team."""

    batch = PAGE

    def __init__(self, url: str) -> None:
        how = {"grant_type": "client_credentials", "client_id": "marketing", "client_secret": emulate.CLIENT_SECRET}
        token = Web(url).call("GET", "/identity/oauth/token", params=how)["access_token"]
        self._url, self._web = url, Web(url, headers={"Authorization": f"Bearer {token}"})

    def _told(self, method: str, path: str, **more: Any) -> list[dict[str, Any]]:
        answer = self._web.call(method, path, **more)
        if not answer["success"]:
            raise RuntimeError(f"{method} {path}: {answer['errors']}")
        rows: list[dict[str, Any]] = answer.get("result", [])
        return rows

    def add(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Make leads."""
        for start in range(0, len(rows), PAGE):
            body = {"action": "createOnly", "lookupField": "email", "input": [dict(row) for row in rows[start : start + PAGE]]}
            self._told("POST", "/rest/v1/leads.json", json=body)

    def rows(self, names: Sequence[str]) -> list[dict[str, Any]]:
        """Give these fields of every lead with an address: Marketo has no list of all, so ids are counted up until there are no more."""
        found: list[dict[str, Any]] = []
        for first in range(1, 1_000_000, PAGE):
            page = self._read("id", range(first, first + PAGE), names)
            if not page:
                break
            found += page
        return [row for row in found if row.get("email")]

    def one(self, email: str, names: Sequence[str]) -> dict[str, Any] | None:
        """Give these fields of the lead of an address."""
        found = self._read("email", [email], names)
        return found[0] if found else None

    def _read(self, by: str, values: Sequence[Any], names: Sequence[str]) -> list[dict[str, Any]]:
        asked = {"filterType": by, "filterValues": ",".join(map(str, values)), "fields": ",".join(names), "batchSize": str(PAGE)}
        return self._told("POST", "/rest/v1/leads.json", params={"_method": "GET"}, data=asked)

    def users(self) -> dict[str, str]:
        """Give sales person → e-mail: Acme calls them by their addresses."""
        return {email: email for email in emulate.REPS}

    def submit(self, fields: Mapping[str, Any], page: str) -> None:
        """Fill in the form of a page."""
        form = {name: str(value) for name, value in fields.items()}
        self._web.call("POST", "/index.php/leadCapture/save2", data={**form, "formid": "1001", "formName": page})

    def hold(self, *, on: bool) -> None:
        """Make the next look at its activity log slow."""
        slow(self._url, "/rest/v1/activities", on=on)

    def pending(self) -> int:
        """Count nothing: it is polled."""
        return 0

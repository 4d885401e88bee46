"""Mautic as marketing works with it: its REST API with a user's name and password, and the form on the web site."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.mautic.mapping import country
from sync.cli import emulate
from sync.cli.demo.sides.web import Login, Web, slow

PAGE = 100
_WHERE = {"where[0][col]": "email", "where[0][expr]": "eq"}


class Marketing:
    """The marketing platform of Acme's marketing team."""

    batch = 50

    def __init__(self, url: str, *logins: Login) -> None:
        self._url, self._web = url, Web(url, auth=logins[0] if logins else (emulate.MARKETER, emulate.PASSWORD))
        self._forms = {
            str(one["name"]): str(one["id"]) for one in _listed(self._web.call("GET", "/api/forms", params={"limit": PAGE})["forms"])
        }

    def add(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Make contacts."""
        for start in range(0, len(rows), 50):
            told = self._web.call("POST", "/api/contacts/batch/new", json=[_spelt(row) for row in rows[start : start + 50]])
            if told.get("errors"):
                raise RuntimeError(f"contacts were refused: {str(told['errors'])[:200]}")

    def rows(self, names: Sequence[str]) -> list[dict[str, Any]]:
        """Give these fields of every contact with an address."""
        found: list[dict[str, Any]] = []
        while True:
            page = self._web.call("GET", "/api/contacts", params={"limit": PAGE, "start": len(found), "orderBy": "id"})
            contacts = _listed(page["contacts"])
            found += contacts
            if len(found) >= int(page["total"]) or not contacts:
                return [row for row in (_row(one, names) for one in found) if row["email"]]

    def one(self, email: str, names: Sequence[str]) -> dict[str, Any] | None:
        """Give these fields of the contact of an address."""
        page = self._web.call("GET", "/api/contacts", params={**_WHERE, "where[0][val]": email, "limit": 1})
        contacts = _listed(page["contacts"])
        return _row(contacts[0], names) if contacts else None

    def users(self) -> dict[str, str]:
        """Give user id → e-mail."""
        return {str(row["id"]): str(row["email"]) for row in self._web.call("GET", "/api/users", params={"limit": PAGE})["users"]}

    def submit(self, fields: Mapping[str, Any], page: str) -> None:
        """Fill in the form of a page."""
        form = {f"mauticform[{name}]": str(value) for name, value in _spelt(fields).items()}
        Web(self._url).call("POST", "/form/submit", data={**form, "mauticform[formId]": self._forms[page]})  # a browser of their own

    def lacks(self) -> str:
        """Say what the story cannot do without; blank: nothing."""
        lacking = [page for page in emulate.FORMS if page not in self._forms]
        return f"there is no form named {', '.join(lacking)}: its fields need the aliases of contacts' fields" if lacking else ""

    def hold(self, *, on: bool) -> None:
        """Make the next look at its audit log slow."""
        slow(self._url, "/api/stats/audit_log", on=on)

    def pending(self) -> int:
        """Count nothing: it is polled."""
        return 0


def _spelt(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Give a country by its name: Mautic takes no two letters."""
    return {name: country(value) if name == "country" else value for name, value in fields.items()}


def _listed(found: Any) -> list[Any]:
    """Give the items of an array of PHP's, which is an object where its keys are no places."""
    return list(found.values()) if isinstance(found, dict) else found


def _row(contact: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    fields = contact["fields"].get("all") or {}
    told = {
        "dateModified": contact["dateModified"],
        "owner": (contact.get("owner") or {}).get("id"),
        "dnc_email": any(entry["channel"] == "email" for entry in contact.get("doNotContact") or ()),
    }
    return {"email": fields.get("email"), **{name: told[name] if name in told else fields.get(name) for name in names}}

"""Salesforce as Acme's people work with it, through simple-salesforce."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from simple_salesforce import Salesforce

from sync.cli import emulate

RULE = "Phone_needs_country_code"


class Sales:
    """The CRM of a rep, and of an administrator for its rules."""

    refuses, batch = "country code", 200

    def __init__(self, url: str) -> None:
        self._client, self._admin = (_client(url, who) for who in ("ana@acme.example", emulate.ADMIN))
        self._leads = self._client.Lead
        self._leads.base_url = self._leads.base_url.replace("https", "http")

    def _query(self, soql: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self._client.query_all(soql)["records"]
        return rows

    def add(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Make Lead records."""
        for row in rows:
            self._leads.create(dict(row))

    def rows(self, names: Sequence[str]) -> list[dict[str, Any]]:
        """Give these fields of every Lead with an address."""
        return self._query(f"SELECT {', '.join(names)} FROM Lead WHERE Email != null")

    def one(self, email: str, names: Sequence[str]) -> dict[str, Any] | None:
        """Give these fields of the Lead of an address."""
        found = self._query(f"SELECT {', '.join(names)} FROM Lead WHERE Email = '{email}'")
        return found[0] if found else None

    def users(self) -> dict[str, str]:
        """Give user id → e-mail."""
        return {row["Id"]: str(row["Email"]) for row in self._query("SELECT Id, Email FROM User")}

    def edit(self, email: str, fields: Mapping[str, Any]) -> None:
        """Change a Lead as a rep does."""
        self._leads.update(self._query(f"SELECT Id FROM Lead WHERE Email = '{email}'")[0]["Id"], dict(fields))

    def forbid(self) -> Callable[[], None]:
        """Make a validation rule, as an administrator does (Tooling API)."""
        rule = {
            "active": True,
            "errorConditionFormula": 'NOT(REGEX(Phone, "^[+][0-9].*")) && NOT(ISBLANK(Phone))',
            "errorMessage": "Phone must have a country code",
            "errorDisplayField": "Phone",
        }
        made = self._tool("sobjects/ValidationRule", "POST", {"FullName": f"Lead.{RULE}", "Metadata": rule})
        return lambda: self._tool(f"sobjects/ValidationRule/{made['id']}", "PATCH", {"Metadata": {"active": False}})

    def _tool(self, path: str, method: str, data: Mapping[str, Any]) -> Any:
        return self._admin.toolingexecute(path, method=method, data=dict(data))


def _client(url: str, who: str) -> Any:
    made = Salesforce(instance=url.removeprefix("http://"), session_id=f"session:{who}")
    made.base_url, made.tooling_url = made.base_url.replace("https", "http"), made.tooling_url.replace("https", "http")
    return made

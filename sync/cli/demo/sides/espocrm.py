"""EspoCRM as Acme's people work with it: its REST API with a rep's name and password, and an administrator's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sync.cli import emulate
from sync.cli.demo.sides.web import Login, Web

PAGE = 200


class Sales:
    """The CRM of a rep, and of an administrator for its settings."""

    refuses, batch = "phoneNumber", 1

    def __init__(self, url: str, *logins: Login) -> None:
        people = logins or tuple((who, emulate.PASSWORD) for who in ("ana@acme.example", "admin"))
        self._rep, self._admin = (Web(f"{url}/api/v1/", auth=one) for one in people)

    def add(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Make leads."""
        for row in rows:
            self._rep.call("POST", "Lead", json=dict(row), headers={"X-Skip-Duplicate-Check": "true"})

    def rows(self, names: Sequence[str]) -> list[dict[str, Any]]:
        """Give these attributes of every lead with an address."""
        found: list[dict[str, Any]] = []
        while True:
            asked = {"select": ",".join(names), "maxSize": PAGE, "offset": len(found), "orderBy": "createdAt", "order": "asc"}
            page = self._rep.call("GET", "Lead", params=asked)
            found += page["list"]
            if len(found) >= page["total"] or not page["list"]:
                return [row for row in found if row.get("emailAddress")]

    def one(self, email: str, names: Sequence[str]) -> dict[str, Any] | None:
        """Give these attributes of the lead of an address."""
        where = {"where[0][type]": "equals", "where[0][attribute]": "emailAddress", "where[0][value]": email}
        found = self._rep.call("GET", "Lead", params={**where, "select": ",".join(names), "maxSize": 1})["list"]
        return dict(found[0]) if found else None

    def users(self) -> dict[str, str]:
        """Give user id → e-mail."""
        found = self._admin.call("GET", "User", params={"maxSize": PAGE})["list"]
        return {row["id"]: str(row["emailAddress"]) for row in found if row.get("emailAddress")}

    def edit(self, email: str, fields: Mapping[str, Any]) -> None:
        """Change a lead as a rep does."""
        found = self.one(email, ["id"])
        assert found is not None, email
        self._rep.call("PUT", f"Lead/{found['id']}", json=dict(fields))

    def lacks(self) -> str:
        """Say what the story cannot do without; blank: nothing."""
        strict = self._admin.call("GET", "Settings").get("phoneNumberInternational")
        return "the setting International phone numbers must be off: the story switches it on for a while" if strict else ""

    def forbid(self) -> Callable[[], None]:
        """Ask for international phone numbers, which is EspoCRM's own setting."""
        self._admin.call("PUT", "Settings", json={"phoneNumberInternational": True})
        return lambda: self._admin.call("PUT", "Settings", json={"phoneNumberInternational": False})

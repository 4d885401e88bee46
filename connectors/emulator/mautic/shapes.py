"""How Mautic shows things: contacts in full, users, and errors, as its API serializes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from connectors.emulator.mautic.contacts import SYSTEM, Contact
from connectors.emulator.mautic.fields import Field, Schema
from connectors.emulator.mautic.php import serialize

Shape = dict[str, Any]
NOBODY = SYSTEM.name
"""Who acts where no user does: the log names them, a contact does not."""
TROUBLE = "Looks like I encountered an error (error #500). If I do it again, please report me to the system administrator!"


class User(NamedTuple):
    """A user of Mautic, with the password of basic authentication."""

    id: int
    username: str
    first: str
    last: str
    email: str
    password: str = "emulated"
    active: bool = True

    def wire(self) -> Shape:
        """Give it as `/api/users` does."""
        return {
            "isPublished": self.active, "dateAdded": None, "dateModified": None, "createdBy": None, "createdByUser": None,
            "modifiedBy": None, "modifiedByUser": None, "id": self.id, "username": self.username, "firstName": self.first,
            "lastName": self.last, "email": self.email, "position": None, "role": {"id": 1, "name": "Administrator", "isAdmin": True},
            "timezone": "", "locale": "", "lastLogin": None, "lastActive": None, "signature": None,
        }  # fmt: skip


class Refused(Exception):
    """A call that Mautic refuses; `body` is what it answers."""

    def __init__(self, status: int, message: str, *, details: Mapping[str, Sequence[str]] | None = None, kind: str | None = "") -> None:
        self.status = status
        error: Shape = {"code": status, "message": message}
        error |= {"details": dict(details) if details else []} if kind == "" else {"type": kind}
        self.body: Shape = {"errors": [error]}


def iso(at: datetime | None) -> str | None:
    """Give a time as the API does."""
    return at.isoformat() if at else None


def listed(rows: Mapping[int, Any]) -> Any:
    """Give an array of PHP as JSON: a list where its keys are 0, 1, 2 …, else an object."""
    return list(rows.values()) if list(rows) == list(range(len(rows))) else {str(key): one for key, one in rows.items()}


def _field(known: Field, value: Any, *, fresh: bool) -> Shape:
    """Give a field of a contact: one that was just made shows its definition, one that was read its columns of the database."""
    about: Shape = {"id": known.id, "group": known.group, "label": known.label, "alias": known.alias, "type": known.type}
    if fresh:
        return {**about, "properties": known.properties() or [], "value": value, "normalizedValue": value or ""}
    columns = {"object": "lead", "is_fixed": str(int(known.fixed)), "properties": serialize(known.properties()), "default_value": None}
    return {**about, "id": str(known.id), **columns, "value": value, "normalizedValue": value or ""}


def _owner(user: User) -> Shape:
    about = {"id": user.id, "username": user.username, "firstName": user.first, "lastName": user.last}
    return {"createdByUser": None, "modifiedByUser": None, **about}


def contact(
    one: Contact,
    schema: Schema,
    users: Mapping[int, User],
    stages: Mapping[int, str],
    *,
    fresh: bool = False,
    flags: Callable[[int], Any] = int,
) -> Shape:
    """Give a contact in full; `fresh` one that was just made, `flags` how its booleans are shown."""
    held = {
        known.alias: flags(value) if known.type == "boolean" and value is not None else value
        for known in schema.by_alias.values()
        for value in (one.values.get(known.alias),)
    }
    groups: dict[str, Any] = {"core": {}, "social": {}, "personal": [], "professional": []}
    for known in schema.by_alias.values():
        groups[known.group][known.alias] = _field(known, held[known.alias], fresh=fresh)
    owner, by, stage, active = users.get(one.owner or 0), one.modified_by, one.stage, one.values.get("last_active")
    return {
        "isPublished": True, "dateAdded": iso(one.added), "dateModified": iso(one.modified), "createdBy": one.by.id or None,
        "createdByUser": None if one.by.name == NOBODY else one.by.name, "modifiedBy": (by.id or None) if by else None,
        "modifiedByUser": (" " if by.name == NOBODY else by.name) if by else None,
        "id": one.id, "points": one.values.get("points") or 0, "color": None,
        "fields": groups | {"all": {"id": str(one.id), **held}},
        "lastActive": active and f"{active.replace(' ', 'T')}+00:00", "owner": owner and _owner(owner),
        "ipAddresses": [], "tags": [], "utmtags": [], "stage": stage and {"id": stage, "name": stages.get(stage)},
        "dateIdentified": iso(one.identified), "preferredProfileImage": None, "doNotContact": list(one.dnc), "frequencyRules": [],
    }  # fmt: skip


def refused(shown: Shape) -> Shape:
    """Give a contact as a batch shows it whose row was refused: without all values at once."""
    return {**shown, "fields": {name: group for name, group in shown["fields"].items() if name != "all"}}


def blanked(shown: Shape, schema: Schema) -> Shape:
    """Give a contact as it is shown after a write that may blank: what is blank is an empty text there, or the number 0."""
    held = shown["fields"]["all"]
    for known in schema.by_alias.values():
        if held[known.alias] is None:
            held[known.alias] = 0 if known.type == "number" else ""
    return shown

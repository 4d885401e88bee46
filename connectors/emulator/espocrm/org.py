"""One emulated company: its records, users, rights and webhooks, all in memory; and how a record is made, changed and removed."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from connectors.emulator.espocrm import schema
from connectors.emulator.espocrm.fields import STAMP, Row, attributes, every, taken
from connectors.emulator.espocrm.refusals import Refused, invalid, no_access, nowhere
from connectors.emulator.journal import Journal
from schemas.base import Scalar

SYSTEM = "system"
_PEOPLE = ("Lead", "Contact")


@dataclass(frozen=True)
class User:
    """A person who signs in with `name` and `password`, or an API user, who has a key."""

    name: str
    email: str = ""
    kind: Literal["regular", "admin", "api"] = "regular"
    password: str = ""
    api_key: str = ""


@dataclass(frozen=True)
class Actor:
    """Who sends a request; `client` is the name for the journal."""

    id: str
    client: str
    admin: bool = False


class Org:
    """State, and what a save does beside keeping values."""

    def __init__(self, clock: Callable[[], datetime], journal: Journal, users: Iterable[User], extra: Mapping[str, schema.Fields]) -> None:
        self.clock, self.journal = clock, journal
        self.entities = {name: {**fields, **extra.get(name, {})} for name, fields in schema.objects().items()}
        self.rows: dict[str, dict[str, Row]] = {name: {} for name in self.entities}
        self.denied: set[tuple[str, str]] = set()
        """(object, action) that the API user's role does not allow: read, create, edit, delete."""
        self.hidden: set[tuple[str, str]] = set()
        """(object, field) that the API user's role neither shows nor takes."""
        self.fixed: set[tuple[str, str]] = set()
        """(object, field) that the API user's role shows and does not take."""
        self.events: list[tuple[str, dict[str, Any]]] = []
        """What webhooks are told by the next run of the job: event, data."""
        self.addresses: dict[str, list[str]] = {}
        """Record id → further e-mail addresses, which a merge leaves behind."""
        self.bare: set[str] = set()
        """Records of which a save is under way: they are there, and their e-mail address and phone number are not yet."""
        self.opted_out: set[tuple[str, str]] = set()
        """(target list, record) of who left a list."""
        self._ids = itertools.count(1)
        self.users = {self._user(one): one for one in users}

    def _user(self, user: User) -> str:
        row = {
            "userName": user.name,
            "name": user.name,
            "lastName": user.name,
            "emailAddress": user.email or None,
            "type": user.kind,
            "isActive": True,
        }
        return str(self.put("User", row)["id"])

    def stamp(self) -> str:
        """Give the time as EspoCRM writes it: UTC, whole seconds."""
        return self.clock().strftime(STAMP)

    def put(self, entity: str, values: Mapping[str, Any], by: str = SYSTEM) -> Row:
        """Put a record in, beside all rules."""
        now = self.stamp()
        blank: Row = dict.fromkeys(every(self.entities[entity]))
        for name, field in self.entities[entity].items():
            if field["type"] == "bool":
                blank[name] = bool(field.get("default", False))
            elif field["type"] == "linkMultiple":
                blank[f"{name}Ids"], blank[f"{name}Names"] = [], {}
            elif "default" in field:
                blank[name] = field["default"]
        ident = f"6b0{next(self._ids):014x}"
        stamps = {"createdAt": now, "createdById": by} | ({"modifiedAt": now} if "modifiedAt" in blank else {})
        row = {**blank, **stamps, **values, "id": ident, "deleted": False}
        self.rows[entity][ident] = row
        self._follow(entity, row, {})
        return row

    def live(self, entity: str) -> list[Row]:
        """Give the records that are not deleted."""
        return [row for row in self.rows[entity].values() if not row["deleted"]]

    def record(self, entity: str, ident: str, *, writing: bool = False, deleted: bool = False) -> Row:
        """Give a record; raises Refused with 404."""
        row = self.rows[entity].get(ident)
        if row is None or (row["deleted"] and not deleted):
            raise nowhere(ident, writing=writing)
        return row

    def may(self, actor: Actor, entity: str, action: str) -> None:
        """Refuse what the role of the API user does not allow."""
        if not actor.admin and actor.client == "truce" and (entity, action) in self.denied:
            raise no_access(action)

    def shows(self, entity: str) -> bool:
        """Say whether the role of the API user allows anything with an object."""
        return any((entity, one) not in self.denied for one in ("create", "read", "edit", "delete"))

    def values(self, entity: str, sent: Mapping[str, Any], actor: Actor) -> Row:
        """Give what is kept of a body; what is unknown, read-only or not this user's to write is left out without a word."""
        found: Row = {}
        for name, field in self.entities[entity].items():
            locked = field.get("readOnly") or (actor.client == "truce" and (entity, name) in self.hidden | self.fixed)
            for attribute in () if locked else attributes(name, field):
                if attribute in sent:
                    found[attribute] = self._value(entity, name, attribute, field, sent[attribute])
        return found

    def _value(self, entity: str, name: str, attribute: str, field: Mapping[str, Any], value: Any) -> Any:
        if attribute == name:
            return taken(entity, name, field, value)
        other = schema.LINKS.get(name)
        if attribute.endswith("Id") and value and other and value not in self.rows[other]:
            told = {"messageTranslation": {"label": "cannotRelateNonExisting", "scope": None, "data": {"foreignEntityType": other}}}
            raise Refused(403, f"Can't relate with non-existing record. entity type: {entity}, link: {name}.", told)
        return value or ([] if attribute.endswith("Ids") else None)

    def create(self, entity: str, sent: Mapping[str, Any], actor: Actor, *, skip_check: bool = False) -> Row:
        """Make a record as a user or the API does."""
        self.may(actor, entity, "create")
        values = self.values(entity, sent, actor)
        self._complete(entity, values, new=True)
        if not skip_check and (twins := self.twins(entity, values)):
            raise Refused(409, "duplicate", [dict(one) for one in twins])
        row = self.put(entity, values, actor.id)
        self.told(entity, row, "create", {}, values, actor)
        return row

    def update(self, entity: str, ident: str, sent: Mapping[str, Any], actor: Actor) -> Row:
        """Change a record; one that stays as it was keeps its time, and of an address that is not there no flag is kept (measured)."""
        self.may(actor, entity, "edit")
        row = self.record(entity, ident, writing=True)
        values = self.values(entity, sent, actor)
        self._complete(entity, {**row, **values}, new=False)
        before = {name: row.get(name) for name in values}
        changed = {name: value for name, value in values.items() if before[name] != value}
        bare = {f"{of}IsOptedOut" for of in ("emailAddress", "phoneNumber") if not {**row, **changed}.get(of)}
        row.update({name: value for name, value in changed.items() if name not in bare})
        if changed:
            row.update(modifiedAt=self.stamp(), modifiedById=actor.id)
            changed |= self._follow(entity, row, changed)
        self.told(entity, row, "update", before, values, actor, changed)
        return row

    def remove(self, entity: str, ident: str, actor: Actor) -> None:
        """Delete a record: its row stays, and is shown to administrators only."""
        self.may(actor, entity, "delete")
        row = self.record(entity, ident, writing=True)
        row.update(deleted=True, modifiedAt=self.stamp(), modifiedById=actor.id)
        self.events.append((f"{entity}.delete", {"id": ident}))
        self.journal.effect(actor.client, "delete", entity, ident, {}, {})

    def _complete(self, entity: str, values: Row, *, new: bool) -> None:
        """Refuse what lacks a required value, and give a new record's money its currency; a known one's must have one."""
        for name, field in self.entities[entity].items():
            if field["type"] == "currency" and values.get(name) is not None:
                if new:
                    values.setdefault(f"{name}Currency", "USD")
                if not values.get(f"{name}Currency"):
                    raise invalid(entity, name, "validCurrency")
            held = values.get(f"{name}Id" if field["type"] == "link" else name)
            if field.get("required") and held is None and "default" not in field and not name.startswith("date"):
                raise invalid(entity, name, "required")

    def _follow(self, entity: str, row: Row, changed: Mapping[str, Any]) -> Row:
        """Set what follows from a save: a person's name, a task's completion, an opportunity's probability; gives what was set."""
        more: Row = {}
        if entity in _PEOPLE:
            more["name"] = " ".join(filter(None, (row["firstName"], row["lastName"]))) or row["emailAddress"] or row["phoneNumber"]
        if entity == "Contact" and not row["accountId"]:
            more["title"] = None  # it is kept as the role in the account (measured)
        if entity == "Task" and ("status" in changed or not changed):
            more["dateCompleted"] = self.stamp() if row["status"] == "Completed" else None
        if entity == "Opportunity" and ("stage" in changed or row["probability"] is None):
            more["probability"] = schema.PROBABILITY.get(row["stage"])
        more = {name: value for name, value in more.items() if row.get(name) != value}
        row.update(more)
        return more

    def twins(self, entity: str, values: Mapping[str, Any]) -> list[Row]:
        """Give the records that EspoCRM's own check takes for duplicates: one e-mail address, or the whole name the same (measured)."""
        email = str(values.get("emailAddress") or "").lower()
        whole = (values.get("firstName"), values.get("lastName"))

        def alike(row: Row) -> bool:
            if email and email in [str(one).lower() for one in (row["emailAddress"], *self.addresses.get(row["id"], ()))]:
                return True
            return (
                row["name"] == values.get("name")
                if entity == "Account"
                else bool(whole[1]) and (row["firstName"], row["lastName"]) == whole
            )

        return [row for row in self.live(entity) if alike(row)] if entity in (*_PEOPLE, "Account") else []

    def told(
        self, entity: str, row: Row, verb: str, before: Mapping[str, Any], after: Mapping[str, Any], actor: Actor,
        changed: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        """Note a save in the journal, and for the webhooks: a new record with all that it has, a changed one with what changed alone."""
        self.journal.effect(actor.client, verb, entity, row["id"], _plain(before), _plain(after))
        if verb == "create":
            self.events.append((f"{entity}.create", {name: value for name, value in row.items() if value is not None}))
        elif changed:
            self.events.append((f"{entity}.update", {**changed, "modifiedById": actor.id, "id": row["id"]}))
            said = [name for name, field in self.entities[entity].items() if changed.keys() & {*attributes(name, field)}]
            self.events += [(f"{entity}.fieldUpdate.{name}", {name: row.get(name), "id": row["id"]}) for name in said]


def _plain(values: Mapping[str, Any]) -> dict[str, Scalar]:
    return {name: value if isinstance(value, str | int | float | bool | None) else str(value) for name, value in values.items()}

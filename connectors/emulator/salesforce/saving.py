"""Creating, changing and deleting records, with everything that a save meets on its way, in Salesforce's order."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from connectors.emulator.salesforce import campaigns, sales
from connectors.emulator.salesforce.checks import Checks, full_name, matches
from connectors.emulator.salesforce.ids import full
from connectors.emulator.salesforce.org import Actor, Org, blank
from connectors.emulator.salesforce.refusals import not_found, refused
from connectors.emulator.salesforce.table import Row, Table
from connectors.emulator.salesforce.times import moment
from schemas.base import Scalar


@dataclass(frozen=True)
class Options:
    """What the request's headers ask of a save."""

    auto_assign: bool = True
    allow_duplicates: bool = False
    record_details: bool = False
    origin: str = ""


@dataclass(frozen=True)
class Saved:
    """A row as it was applied, not yet journalled: an all-or-none request may still take it back."""

    id: str
    object: str
    verb: Literal["create", "update", "delete"]
    before: Row
    after: Row
    undo: Callable[[], None]


class Saving:
    """Saves of one object for one request: who asks, and with which options."""

    def __init__(self, org: Org, actor: Actor, options: Options, table: Table | None = None) -> None:
        self.org, self.actor, self.options, self.table = org, actor, options, table or org.leads
        self.transaction = str(uuid.uuid4())

    def of(self, table: Table) -> Saving:
        """Give the same for another object; raises Refused for one that is read-only here."""
        if table not in self.org.writable:
            raise refused("INSUFFICIENT_ACCESS_OR_READONLY", f"this emulator keeps {table.name} read-only")
        saving = Saving(self.org, self.actor, self.options, table)
        saving.transaction = self.transaction
        return saving

    def read(self, body: Mapping[str, object], *, new: bool) -> Row:
        """Turn a JSON row into stored values; raises Refused, or Unreadable for the request as a whole."""
        values: Row = {}
        barred = []
        for name, value in body.items():
            if name == "attributes":
                continue
            field = self.table.field(name)
            if field is None:
                raise refused("INVALID_FIELD", f"No such column '{name}' on sobject of type {self.table.name}", None)
            if not (field.createable if new else field.updateable):
                barred.append(field.name)
            else:
                values[field.name] = field.take(value)
        if barred:
            words = f"Unable to create/update fields: {', '.join(barred)}. Please check the security settings of this field and verify that it is read/write for your profile or permission set."
            raise refused("INVALID_FIELD_FOR_INSERT_UPDATE", words, barred)
        return values

    def create(self, values: Row) -> Saved:
        """Make a record; raises Refused."""
        table = self.table
        owner: Row = {"OwnerId": self.actor.user_id} if "OwnerId" in table.fields else {}
        row: Row = {**blank(table), **owner, **{name: value for name, value in values.items() if value is not None}}
        named = self._assign(row, values)
        self._check(None, row, row)
        ident = self.org.ids.take(table.prefix)
        stamp = self.org.clock.stamp()
        row |= {"CreatedDate": stamp, "CreatedById": self.actor.user_id, **self._mark(row, {}, stamp)}
        table.put(ident, row)
        if table is self.org.campaigns:
            campaigns.begin(self.org, ident)
        self.org.origins[ident] = self.options.origin
        return Saved(ident, table.name, "create", {}, _only(row, named), lambda: _ignore(table.drop(ident)))

    def update(self, ident: str, values: Row) -> Saved:
        """Change a record; raises Refused. A save that changes nothing still moves the times, as the real one does."""
        old = self._writable(ident)
        if self.org.sharing is not None:
            self.org.sharing.check(self.actor.user_id, self.table.name, old, values)
        row = {**old, **values}
        named = self._assign(row, values)
        before, after = _only(old, named), _only(row, named)
        changed = {name: value for name, value in after.items() if value != before[name]}
        self._check(ident, row, changed)
        applied = {**changed, **self._mark(row, old, self.org.clock.stamp())}
        back = _only(old, applied)
        self.table.put(ident, applied)
        self.org.origins[ident] = self.options.origin
        return Saved(ident, self.table.name, "update", before, after, lambda: self.table.put(ident, back))

    def delete(self, ident: str) -> Saved:
        """Put a record into the recycle bin; raises Refused."""
        old = self._existing(ident)
        stamp = self.org.clock.stamp()
        before = {name: old[name] for name in ("IsDeleted", "SystemModstamp", "LastModifiedDate", "LastModifiedById")}
        self.table.put(
            ident, {"IsDeleted": True, "SystemModstamp": stamp, "LastModifiedDate": stamp, "LastModifiedById": self.actor.user_id}
        )
        self.org.deleted_at[ident] = stamp
        return Saved(ident, self.table.name, "delete", {"IsDeleted": False}, {"IsDeleted": True}, lambda: self.table.put(ident, before))

    def commit(self, saved: Saved) -> Saved:
        """Journal what stays applied, and tell whoever listens."""
        self.org.note(
            self.actor, saved.verb, saved.object, saved.id, saved.before, saved.after, origin=self.options.origin, transaction=self.transaction
        )  # fmt: skip
        return saved

    def _existing(self, ident: str) -> Row:
        row = self.table.rows.get(ident)
        if row is None:
            raise not_found()
        if row["IsDeleted"]:
            raise refused("ENTITY_IS_DELETED", "entity is deleted")
        self._lock(ident)
        return row

    def _writable(self, ident: str) -> Row:
        row = self._existing(ident)
        if row.get("IsConverted"):
            raise refused("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
        return row

    def _lock(self, ident: str) -> None:
        left = self.org.locks.pop(ident, 0)
        if left > 1:
            self.org.locks[ident] = left - 1
        if left:
            raise refused("UNABLE_TO_LOCK_ROW", f"unable to obtain exclusive access to this record or 1 records: {ident}")

    def _assign(self, row: Row, values: Row) -> dict[str, None]:
        """Let the assignment rule move the owner unless told not to; gives the names of all fields that the save is about."""
        named = dict.fromkeys(values)
        if self.options.auto_assign and self.org.assignment is not None and self.table is self.org.leads:
            owner = self.org.assignment.pick(row)
            if owner != row.get("OwnerId"):
                row["OwnerId"] = owner
                named["OwnerId"] = None
        return named

    def _check(self, ident: str | None, row: Row, changed: Mapping[str, Scalar]) -> None:
        checks, lead = Checks(self.org, self.table, ident, row), self.table is self.org.leads
        checks.required()
        if "OwnerId" in changed and "OwnerId" in self.table.fields:
            checks.owner()
        checks.references(changed)
        if lead:
            checks.validation_rules()
        if lead and "Email" in changed and not (self.options.allow_duplicates and self.org.duplicates == "alert"):
            checks.duplicate_rule(details=self.options.record_details)
        checks.unique(changed)
        if self.table is self.org.members:
            campaigns.check(self.org, ident, row)

    def _mark(self, row: Row, old: Row, stamp: str) -> Row:
        name: Row = {"Name": full_name(row)} if "FirstName" in self.table.fields else {}
        times: Row = {"LastModifiedDate": stamp, "SystemModstamp": stamp, "LastModifiedById": self.actor.user_id}
        member = campaigns.worked_out(self.org, row, stamp) if self.table is self.org.members else {}
        return {**name, **worked_out(self.table.name, row, old, stamp), **member, **times}


def worked_out(object_: str, row: Row, old: Row, stamp: str) -> Row:
    """Give the fields that the org works out from others: what is closed, since when, and what was won."""
    if object_ == "Task":
        closed = row["Status"] == sales.CLOSED_TASK
        return {"IsClosed": closed, "CompletedDateTime": (old.get("CompletedDateTime") or stamp) if closed else None}
    if object_ == "Event":
        start, end = (moment(str(row[name])) for name in ("StartDateTime", "EndDateTime"))
        return {"DurationInMinutes": int((end - start).total_seconds() // 60)}
    if object_ == "Opportunity":
        return {"IsClosed": str(row["StageName"]).startswith("Closed"), "IsWon": row["StageName"] == "Closed Won"}
    return {}


def known_id(value: object, table: Table) -> str:
    """Read the record id of a collection's row; raises Refused where it is none."""
    ident = full(value)
    if ident is None or not ident.startswith(table.prefix):
        raise refused("MALFORMED_ID", f"{table.name} ID: id value of incorrect type: {value}", ["Id"])
    return ident


def by_external_id(table: Table, field_name: str, value: str) -> list[str]:
    """Give the ids of living records with this external id; raises Refused when the field is none."""
    field = table.field(field_name)
    if field is not None and field.type == "id":
        ident = full(value)
        return [ident] if ident in table.rows else []
    if field is None or not field.external_id:
        raise not_found(f"Provided external ID field does not exist or is not accessible: {field_name}")
    return matches(table, field.name, value)


def _only(row: Mapping[str, Scalar], names: Iterable[str]) -> Row:
    return {name: row.get(name) for name in names}


def _ignore(_: object) -> None: ...

"""What sharing lets one user do with records that others own, and UserRecordAccess, by which it is asked.

Source: Salesforce's Object Reference (UserRecordAccess: one user, up to 200 records by id), its Help ("Transfer Records").
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from connectors.emulator.salesforce.fields import Field
from connectors.emulator.salesforce.ids import full
from connectors.emulator.salesforce.org import Org
from connectors.emulator.salesforce.refusals import refused
from connectors.emulator.salesforce.schema import system
from connectors.emulator.salesforce.soql_tree import Both, Compare, Condition, In, Select
from connectors.emulator.salesforce.table import Table
from schemas.base import Scalar

ACCESS = "UserRecordAccess"
_FIELDS = (
    system("Id", "Id", "id"),
    Field("UserId", "User ID", "reference", 18, references=("User",)),
    Field("RecordId", "Record ID", "reference", 18),
    *(Field(f"Has{name}Access", f"Has {name} Access", "boolean", nillable=False) for name in ("Read", "Edit", "Delete", "Transfer", "All")),
)


@dataclass(frozen=True)
class Sharing:
    """Private records of some objects, for one user who sees them all: what that user may do with those that somebody else owns."""

    user: str
    objects: frozenset[str]
    edits: bool = False
    transfers: bool = False

    def check(self, actor: str, object_: str, old: Mapping[str, Scalar], values: Mapping[str, Scalar]) -> None:
        """Refuse a change that is not shared; raises Refused."""
        if actor != self.user or object_ not in self.objects or old.get("OwnerId") in (None, actor):
            return
        moves = "OwnerId" in values and values["OwnerId"] != old["OwnerId"]
        if not self.edits or (moves and not self.transfers):
            raise refused("INSUFFICIENT_ACCESS_OR_READONLY", f"insufficient access rights on object id: {str(old['Id'])[:15]}")


def access(org: Org, select: Select) -> Table:
    """Give the rows of UserRecordAccess that a query asks about; raises Refused for one that does not name user and records."""
    asked = dict(_named(select.where))
    users, records = asked.get("UserId", []), asked.get("RecordId", [])
    if len(users) != 1 or not 0 < len(records) <= 200:
        raise refused("MALFORMED_QUERY", "UserRecordAccess is asked by one UserId and up to 200 RecordIds", None)
    found = Table(ACCESS, "0UA", _FIELDS)
    for number, ident in enumerate(full(one) or "" for one in records):
        table = org.of_id(ident)
        row = table.rows.get(ident) if table else None
        if table is None or row is None:
            continue
        sharing, user = org.sharing, full(users[0])
        free = sharing is None or user != sharing.user or table.name not in sharing.objects or row.get("OwnerId") == user
        edits, transfers = free or bool(sharing and sharing.edits), free or bool(sharing and sharing.edits and sharing.transfers)
        may = {"HasReadAccess": True, "HasEditAccess": edits, "HasTransferAccess": transfers, "HasDeleteAccess": free, "HasAllAccess": free}
        found.put(f"0UA{number:012}AAA", {"UserId": user, "RecordId": ident, **may})
    return found


def _named(part: Condition | None) -> Iterator[tuple[str, list[Scalar]]]:
    """Give the values by which a condition names fields."""
    if isinstance(part, Compare) and part.op == "=":
        yield part.field, [part.value.value]
    elif isinstance(part, In) and not part.negated:
        yield part.field, [one.value for one in part.values]
    elif isinstance(part, Both) and part.word == "AND":
        for one in part.parts:
            yield from _named(one)

"""Merge, undeletion and purge, which have no REST call of their own: their results, as readers then find them."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.emulator.salesforce.org import Actor, Org
from connectors.emulator.salesforce.refusals import not_found, refused
from connectors.emulator.salesforce.table import Row, Table
from schemas.base import Scalar


def merge(org: Org, actor: Actor, winner: str, losers: Sequence[str]) -> None:
    """Merge records: losers go to the recycle bin with MasterRecordId, nothing is written on the winner (WIRE §1.1)."""
    _living(org, winner)
    for loser in losers:
        _living(org, loser)
        stamp = _change(org, actor, "merge", loser, {"IsDeleted": True, "MasterRecordId": winner})
        org.deleted_at[loser] = stamp


def undelete(org: Org, actor: Actor, ident: str) -> None:
    """Take a record out of the recycle bin."""
    row = _table(org, ident).rows.get(ident)
    if row is None or not row["IsDeleted"]:
        raise refused("UNDELETE_FAILED", "Entity is not in the recycle bin")
    master: Row = {"MasterRecordId": None} if "MasterRecordId" in row else {}
    _change(org, actor, "restore", ident, {"IsDeleted": False, **master})
    org.deleted_at.pop(ident, None)


def purge(org: Org, actor: Actor, ident: str) -> None:
    """Remove a record for good, also from queryAll; /deleted still names it, as after an emptied recycle bin."""
    table = _table(org, ident)
    if ident not in table.rows:
        raise not_found()
    table.drop(ident)
    org.deleted_at.setdefault(ident, org.clock.stamp())
    org.note(actor, "erase", table.name, ident, {}, {})


def _table(org: Org, ident: str) -> Table:
    return org.of_id(ident) or org.leads


def _living(org: Org, ident: str) -> Row:
    row = _table(org, ident).rows.get(ident)
    if row is None:
        raise not_found()
    if row["IsDeleted"]:
        raise refused("ENTITY_IS_DELETED", "entity is deleted")
    return row


def _change(org: Org, actor: Actor, verb: str, ident: str, values: Row) -> str:
    table = _table(org, ident)
    before: dict[str, Scalar] = {name: table.rows[ident].get(name) for name in values}
    stamp = org.clock.stamp()
    table.put(ident, {**values, "SystemModstamp": stamp, "LastModifiedDate": stamp, "LastModifiedById": actor.user_id})
    org.note(actor, verb, table.name, ident, before, values)
    return stamp

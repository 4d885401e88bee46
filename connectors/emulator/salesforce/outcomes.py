"""Merge, conversion, undeletion and purge, which have no REST call of their own: their results, as readers then find them."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.emulator.salesforce import schema
from connectors.emulator.salesforce.org import Actor, Org
from connectors.emulator.salesforce.refusals import not_found, refused
from connectors.emulator.salesforce.table import Row
from connectors.emulator.salesforce.times import moment
from schemas.base import Scalar


def merge(org: Org, actor: Actor, winner: str, losers: Sequence[str]) -> None:
    """Merge leads: losers go to the recycle bin with MasterRecordId, nothing is written on the winner (WIRE §1.1)."""
    _living(org, winner)
    for loser in losers:
        _living(org, loser)
        stamp = _change(org, actor, "merge", loser, {"IsDeleted": True, "MasterRecordId": winner})
        org.deleted_at[loser] = stamp


def convert(org: Org, actor: Actor, ident: str, *, opportunity: bool = False) -> Row:
    """Convert a lead to a contact and account, with an opportunity if asked; the lead is read-only from then on."""
    if _living(org, ident)["IsConverted"]:
        raise refused("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
    became: Row = {
        "IsConverted": True,
        "Status": schema.CONVERTED_STATUS,
        "ConvertedDate": moment(org.clock.stamp()).date().isoformat(),
        "ConvertedAccountId": org.ids.take("001"),
        "ConvertedContactId": org.ids.take("003"),
        "ConvertedOpportunityId": org.ids.take("006") if opportunity else None,
    }
    _change(org, actor, "convert", ident, became)
    return became


def undelete(org: Org, actor: Actor, ident: str) -> None:
    """Take a lead out of the recycle bin."""
    row = org.leads.rows.get(ident)
    if row is None or not row["IsDeleted"]:
        raise refused("UNDELETE_FAILED", "Entity is not in the recycle bin")
    _change(org, actor, "restore", ident, {"IsDeleted": False, "MasterRecordId": None})
    org.deleted_at.pop(ident, None)


def purge(org: Org, actor: Actor, ident: str) -> None:
    """Remove a lead for good, also from queryAll; /deleted still names it, as after an emptied recycle bin."""
    if ident not in org.leads.rows:
        raise not_found()
    org.leads.drop(ident)
    org.deleted_at.setdefault(ident, org.clock.stamp())
    org.journal.effect(actor.client, "erase", "Lead", ident, {}, {})


def _living(org: Org, ident: str) -> Row:
    row = org.leads.rows.get(ident)
    if row is None:
        raise not_found()
    if row["IsDeleted"]:
        raise refused("ENTITY_IS_DELETED", "entity is deleted")
    return row


def _change(org: Org, actor: Actor, verb: str, ident: str, values: Row) -> str:
    before: dict[str, Scalar] = {name: org.leads.rows[ident].get(name) for name in values}
    stamp = org.clock.stamp()
    org.leads.put(ident, {**values, "SystemModstamp": stamp, "LastModifiedDate": stamp, "LastModifiedById": actor.user_id})
    org.journal.effect(actor.client, verb, "Lead", ident, before, values)
    return stamp

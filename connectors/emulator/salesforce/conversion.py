"""Conversion of a lead, which has no REST call of its own: a contact, its account and its opportunity are made in one transaction."""

from __future__ import annotations

import uuid

from connectors.emulator.salesforce import campaigns, schema
from connectors.emulator.salesforce.org import Actor, Org, blank
from connectors.emulator.salesforce.refusals import refused
from connectors.emulator.salesforce.saving import worked_out
from connectors.emulator.salesforce.table import Row, Table
from connectors.emulator.salesforce.times import moment
from schemas.base import Scalar

_CONTACT = {
    "Salutation": "Salutation", "FirstName": "FirstName", "LastName": "LastName", "Name": "Name", "Title": "Title", "Phone": "Phone",
    "MobilePhone": "MobilePhone", "Email": "Email", "LeadSource": "LeadSource", "City": "MailingCity", "Country": "MailingCountry",
    "HasOptedOutOfEmail": "HasOptedOutOfEmail", "DoNotCall": "DoNotCall", "OwnerId": "OwnerId",
}  # fmt: skip
_ACCOUNT = {
    "Company": "Name", "Website": "Website", "Phone": "Phone", "Industry": "Industry", "NumberOfEmployees": "NumberOfEmployees",
    "AnnualRevenue": "AnnualRevenue", "City": "BillingCity", "Country": "BillingCountry", "OwnerId": "OwnerId",
}  # fmt: skip
"""Salesforce's own map of lead fields; custom fields go along only where an admin maps them, and here nobody did."""


class Conversion:
    """One transaction: everything that it makes or changes bears one time and one user."""

    def __init__(self, org: Org, actor: Actor, ident: str) -> None:
        self.org, self.actor, self.ident, self.stamp = org, actor, ident, org.clock.stamp()
        self.lead, self.transaction = self._unconverted(), str(uuid.uuid4())

    def _unconverted(self) -> Row:
        row = self.org.leads.rows.get(self.ident)
        if row is None or row["IsDeleted"]:
            raise refused(
                "ENTITY_IS_DELETED" if row else "NOT_FOUND", "entity is deleted" if row else "The requested resource does not exist"
            )
        if row["IsConverted"]:
            raise refused("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
        return dict(row)

    def make(self, table: Table, values: Row) -> str:
        """Make one of the records."""
        ident = self.org.ids.take(table.prefix)
        user, told = self.actor.user_id, {name: value for name, value in values.items() if value is not None}
        row: Row = {**blank(table), **told, "CreatedById": user, "LastModifiedById": user}
        row |= {
            **worked_out(table.name, row, {}, self.stamp),
            **dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), self.stamp),
        }
        table.put(ident, row)
        self.org.note(self.actor, "create", table.name, ident, {}, told, transaction=self.transaction)
        return ident

    def change(self, table: Table, ident: str, values: Row, verb: str) -> None:
        """Change one of the records that were there."""
        before: dict[str, Scalar] = {name: table.rows[ident].get(name) for name in values}
        table.put(ident, {**values, "SystemModstamp": self.stamp, "LastModifiedDate": self.stamp, "LastModifiedById": self.actor.user_id})
        self.org.note(self.actor, verb, table.name, ident, before, values, transaction=self.transaction)

    def of_lead(self, names: dict[str, str]) -> Row:
        """Give the lead's values by their names in another object."""
        return {theirs: self.lead[ours] for ours, theirs in names.items()}

    def opportunity(self, account: str, contact: str) -> str:
        """Make the opportunity with its contact as the primary role."""
        values: Row = {
            "Name": f"{self.lead['Company']}-", "AccountId": account, "ContactId": contact, "StageName": "Prospecting",
            "CloseDate": moment(self.stamp).date().isoformat(), "OwnerId": self.lead["OwnerId"],
        }  # fmt: skip
        ident = self.make(self.org.opportunities, values)
        self.make(self.org.roles, {"OpportunityId": ident, "ContactId": contact, "IsPrimary": True})
        return ident


def convert(org: Org, actor: Actor, ident: str, *, opportunity: bool = False, account: str | None = None) -> Row:
    """Convert a lead to a contact under a new account (or `account`), with an opportunity if asked; the lead is read-only from then on.

    Its open activities go along to the contact.
    """
    one = Conversion(org, actor, ident)
    owner = org.users.rows.get(str(one.lead["OwnerId"]))
    if owner is None:  # a queue owns no contact: it goes to whoever converts
        one.lead["OwnerId"] = actor.user_id
    elif not owner["IsActive"]:
        raise refused("INACTIVE_OWNER_OR_USER", f"operation performed with inactive user [{owner['Id']}] as owner of contact")
    if account is not None and account not in org.accounts.rows:
        raise refused("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", ["accountId"])
    under = account or one.make(org.accounts, one.of_lead(_ACCOUNT))
    contact = one.make(org.contacts, {**one.of_lead(_CONTACT), "AccountId": under})
    became: Row = {
        "IsConverted": True,
        "Status": schema.CONVERTED_STATUS,
        "ConvertedDate": moment(one.stamp).date().isoformat(),
        "ConvertedAccountId": under,
        "ConvertedContactId": contact,
        "ConvertedOpportunityId": one.opportunity(under, contact) if opportunity else None,
    }
    for table in org.activities:
        for activity in table.find("WhoId", ident):
            one.change(table, activity, {"WhoId": contact}, "update")
    campaigns.moved(org, ident, contact, one.stamp)
    one.change(org.leads, ident, became, "convert")
    return became

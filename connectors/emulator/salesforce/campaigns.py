"""Campaigns, their statuses and members: what Salesforce works out and refuses of them (Object Reference: Campaign, CampaignMember).

A member is a lead or a contact, once in each campaign; whether it responded follows from its status; a status that the campaign does not
have becomes the default one, without a word.
"""

from __future__ import annotations

from connectors.emulator.salesforce import sales
from connectors.emulator.salesforce.fields import Field
from connectors.emulator.salesforce.org import Org, visible
from connectors.emulator.salesforce.refusals import refused
from connectors.emulator.salesforce.schema import picklist, system
from connectors.emulator.salesforce.table import Row

TYPES = ("Conference", "Webinar", "Trade Show", "Email", "Advertisement", "Referral Program", "Other")
FIRST = (("Sent", 1, True, False), ("Responded", 2, False, True))
"""The statuses of a new campaign: label, order, whether it is the default, whether whoever has it responded."""

CAMPAIGN = (
    system("Id", "Campaign ID", "id"),
    *sales.FIRST,
    Field("Name", "Name", length=80, nillable=False),
    picklist("Type", "Type", *TYPES),
    picklist("Status", "Status", "Planned", "In Progress", "Completed", "Aborted"),
    Field("IsActive", "Active", "boolean", nillable=False, default=False),
    sales.OWNER,
)
STATUS = (
    system("Id", "Campaign Member Status ID", "id"),
    *sales.FIRST,
    sales.to("CampaignId", "Campaign ID", "Campaign", updateable=False, nillable=False),
    Field("Label", "Label", length=765, nillable=False),
    Field("SortOrder", "Sort Order", "int"),
    Field("IsDefault", "Is Default", "boolean", nillable=False, default=False),
    Field("HasResponded", "Responded", "boolean", nillable=False, default=False),
)
MEMBER = (
    system("Id", "Campaign Member ID", "id"),
    *sales.FIRST,
    sales.to("CampaignId", "Campaign ID", "Campaign", updateable=False, nillable=False),
    sales.to("LeadId", "Lead ID", "Lead", updateable=False),
    sales.to("ContactId", "Contact ID", "Contact", updateable=False),
    picklist("Status", "Status", "Sent", "Responded"),
    sales.said("HasResponded", "Responded"),
    sales.said("FirstRespondedDate", "First Responded Date", "date"),
)


def begin(org: Org, campaign: str) -> None:
    """Give a new campaign its statuses."""
    for label, order, default, responded in FIRST:
        told: Row = {"CampaignId": campaign, "Label": label, "SortOrder": order, "IsDefault": default, "HasResponded": responded}
        org.add_row(org.statuses, told)


def check(org: Org, ident: str | None, row: Row) -> None:
    """Refuse a member that is nobody, or is a member already."""
    person = next(((name, row[name]) for name in ("LeadId", "ContactId") if row.get(name)), None)
    if person is None:
        raise refused("REQUIRED_FIELD_MISSING", "Required fields are missing: [LeadId or ContactId]", ["LeadId"])
    for other in visible(org.members, org.members.find(*person)):
        if other != ident and org.members.rows[other]["CampaignId"] == row["CampaignId"]:
            raise refused("DUPLICATE_VALUE", "Already a campaign member.")


def worked_out(org: Org, row: Row, stamp: str) -> Row:
    """Give what follows from a member's status."""
    known = [org.statuses.rows[one] for one in visible(org.statuses, org.statuses.find("CampaignId", row["CampaignId"]))]
    default = next((one for one in known if one["IsDefault"]), {"Label": row.get("Status")})
    status = next((one for one in known if one["Label"] == row.get("Status")), default)
    responded = bool(status.get("HasResponded"))
    first = row.get("FirstRespondedDate") or (stamp[:10] if responded else None)
    return {"Status": status["Label"], "HasResponded": responded, "FirstRespondedDate": first}


def moved(org: Org, lead: str, contact: str, stamp: str) -> None:
    """Let the memberships of a lead that is converted go on with the contact."""
    for ident in visible(org.members, org.members.find("LeadId", lead)):
        org.members.put(ident, {"ContactId": contact, "SystemModstamp": stamp, "LastModifiedDate": stamp})

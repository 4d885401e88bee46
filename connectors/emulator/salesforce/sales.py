"""The org's objects beside Lead that a hand-off lives on, out of the box, with the custom fields that Truce asks an admin to make."""

from __future__ import annotations

from connectors.emulator.salesforce.fields import Field, Kind
from connectors.emulator.salesforce.schema import AUDIT, HANDOFF, INDUSTRIES, STAGES, picklist, system

TRUCE_ID = Field("Truce_Id__c", "Truce Id", length=36, external_id=True, unique=True)
OPPORTUNITY_STAGES = ("Prospecting", "Qualification", "Proposal/Price Quote", "Negotiation/Review", "Closed Won", "Closed Lost")
TASK_STATUSES = ("Not Started", "In Progress", "Completed", "Waiting on someone else", "Deferred")
CLOSED_TASK = "Completed"

FIRST = (
    Field("IsDeleted", "Deleted", "boolean", createable=False, updateable=False, nillable=False, default=False),
    *AUDIT,
    system("CreatedById", "Created By ID", "reference", "User"),
    system("LastModifiedById", "Last Modified By ID", "reference", "User"),
)
OWNER = Field("OwnerId", "Owner ID", "reference", 18, nillable=False, references=("User",))


def to(name: str, label: str, *objects: str, updateable: bool = True, nillable: bool = True) -> Field:
    """Give a field that names a record of one of these objects."""
    return Field(name, label, "reference", 18, references=objects, updateable=updateable, nillable=nillable, indexed=True)


def said(name: str, label: str, kind: Kind = "boolean") -> Field:
    """Give a field that the org works out itself."""
    flag = kind == "boolean"
    return Field(name, label, kind, createable=False, updateable=False, nillable=not flag, default=False if flag else None)


ACCOUNT = (
    system("Id", "Account ID", "id"),
    *FIRST,
    system("MasterRecordId", "Master Record ID", "reference", "Account"),
    Field("Name", "Account Name", length=255, nillable=False),
    Field("Website", "Website", "url", 255),
    Field("Phone", "Account Phone", "phone", 40),
    picklist("Industry", "Industry", *INDUSTRIES),
    Field("NumberOfEmployees", "Employees", "int"),
    Field("AnnualRevenue", "Annual Revenue", "currency"),
    Field("BillingCity", "Billing City", length=40),
    Field("BillingCountry", "Billing Country", length=80),
    picklist("Type", "Account Type", "Prospect", "Customer - Direct", "Customer - Channel", "Other"),
    OWNER,
)

CONTACT = (
    system("Id", "Contact ID", "id"),
    *FIRST,
    system("MasterRecordId", "Master Record ID", "reference", "Contact"),
    to("AccountId", "Account ID", "Account"),
    picklist("Salutation", "Salutation", "Mr.", "Ms.", "Mrs.", "Dr.", "Prof."),
    Field("FirstName", "First Name", length=40),
    Field("LastName", "Last Name", length=80, nillable=False),
    Field("Name", "Full Name", length=121, createable=False, updateable=False, nillable=False),
    Field("Title", "Title", length=128),
    Field("MailingCity", "Mailing City", length=40),
    Field("MailingCountry", "Mailing Country", length=80),
    Field("Phone", "Business Phone", "phone", 40),
    Field("MobilePhone", "Mobile Phone", "phone", 40),
    Field("Email", "Email", "email", 80),
    picklist("LeadSource", "Lead Source", "Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Other"),
    OWNER,
    Field("HasOptedOutOfEmail", "Email Opt Out", "boolean", nillable=False, default=False),
    Field("DoNotCall", "Do Not Call", "boolean", nillable=False, default=False),
    TRUCE_ID,
    Field("Lifecycle_Stage__c", "Lifecycle Stage", "picklist", 255, picklist=STAGES, restricted=True),
    *HANDOFF,
    Field("Engagement_Score__c", "Engagement Score", "double"),
)

OPPORTUNITY = (
    system("Id", "Opportunity ID", "id"),
    *FIRST,
    to("AccountId", "Account ID", "Account"),
    Field("ContactId", "Contact ID", "reference", 18, updateable=False, references=("Contact",)),
    Field("Name", "Name", length=120, nillable=False),
    Field("StageName", "Stage", "picklist", 255, nillable=False, picklist=OPPORTUNITY_STAGES),
    Field("Amount", "Amount", "currency"),
    Field("CloseDate", "Close Date", "date", nillable=False),
    said("IsClosed", "Closed"),
    said("IsWon", "Won"),
    OWNER,
)

OPPORTUNITY_CONTACT_ROLE = (
    system("Id", "Contact Role ID", "id"),
    *FIRST,
    to("OpportunityId", "Opportunity ID", "Opportunity", updateable=False, nillable=False),
    to("ContactId", "Contact ID", "Contact", updateable=False, nillable=False),
    picklist("Role", "Role", "Decision Maker", "Economic Buyer", "Evaluator", "Business User", "Other"),
    Field("IsPrimary", "Primary", "boolean", nillable=False, default=False),
)

TASK = (
    system("Id", "Activity ID", "id"),
    *FIRST,
    to("WhoId", "Name ID", "Contact", "Lead"),
    to("WhatId", "Related To ID", "Account", "Opportunity"),
    Field("Subject", "Subject", "string", 255),
    Field("ActivityDate", "Due Date Only", "date"),
    Field("Status", "Status", "picklist", 255, nillable=False, picklist=TASK_STATUSES, default=TASK_STATUSES[0]),
    Field("Priority", "Priority", "picklist", 255, nillable=False, picklist=("High", "Normal", "Low"), default="Normal"),
    Field("Description", "Description", "textarea", 32_000),
    picklist("Type", "Type", "Call", "Email", "Meeting", "Other"),
    Field("TaskSubtype", "Task Subtype", "picklist", 40, updateable=False, picklist=("Task", "Call", "Email"), default="Task"),
    Field("ReminderDateTime", "Reminder Date/Time", "datetime"),
    Field("IsReminderSet", "Reminder Set", "boolean", nillable=False, default=False),
    said("IsClosed", "Closed"),
    said("CompletedDateTime", "Completed Date/Time", "datetime"),
    OWNER,
    TRUCE_ID,
)

EVENT = (
    system("Id", "Activity ID", "id"),
    *FIRST,
    to("WhoId", "Name ID", "Contact", "Lead"),
    to("WhatId", "Related To ID", "Account", "Opportunity"),
    Field("Subject", "Subject", length=255),
    Field("Location", "Location", length=255),
    Field("StartDateTime", "Start Date Time", "datetime", nillable=False),
    Field("EndDateTime", "End Date Time", "datetime", nillable=False),
    Field("IsAllDayEvent", "All-Day Event", "boolean", nillable=False, default=False),
    said("DurationInMinutes", "Duration", "int"),
    Field("Description", "Description", "textarea", 32_000),
    picklist("Type", "Type", "Call", "Email", "Meeting", "Other"),
    Field("EventSubtype", "Event Subtype", "picklist", 40, updateable=False, picklist=("Event",), default="Event"),
    said("IsChild", "Is Child"),
    said("IsGroupEvent", "Is Group Event"),
    said("IsRecurrence", "Create Recurring Series of Events"),
    OWNER,
    TRUCE_ID,
)
"""A meeting. Custom fields are of activities, so that tasks and events have them both (Salesforce's Object Reference: Event)."""

CHILDREN = {
    ("Account", "Contacts"): ("Contact", "AccountId"),
    ("Account", "Opportunities"): ("Opportunity", "AccountId"),
    ("Opportunity", "OpportunityContactRoles"): ("OpportunityContactRole", "OpportunityId"),
    ("Contact", "Tasks"): ("Task", "WhoId"),
    ("Lead", "Tasks"): ("Task", "WhoId"),
    ("Contact", "Events"): ("Event", "WhoId"),
    ("Lead", "Events"): ("Event", "WhoId"),
}
"""(object, child relationship) → the child object, and its field that names the parent."""

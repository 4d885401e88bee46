"""The org's objects as they are out of the box, with the custom fields that Truce asks an admin to make."""

from __future__ import annotations

from connectors.emulator.salesforce.fields import Field, Kind

STAGES = ("Inquiry", "Lead", "MQL", "SAL", "SQL", "Opportunity", "Customer", "Recycled", "Disqualified")
STATUSES = ("Open - Not Contacted", "Working - Contacted", "Closed - Converted", "Closed - Not Converted")
CONVERTED_STATUS = "Closed - Converted"
INDUSTRIES = ("Banking", "Consulting", "Education", "Energy", "Healthcare", "Manufacturing", "Retail", "Technology", "Other")


def system(name: str, label: str, kind: Kind, *references: str) -> Field:
    """Give a field that the org keeps itself."""
    return Field(
        name,
        label,
        kind,
        18 if kind in ("id", "reference") else 0,
        createable=False,
        updateable=False,
        nillable=bool(references),
        references=references,
    )


def picklist(name: str, label: str, *values: str) -> Field:
    """Give a picklist that takes other values too."""
    return Field(name, label, "picklist", 255, picklist=values)


AUDIT = (
    system("CreatedDate", "Created Date", "datetime"),
    system("LastModifiedDate", "Last Modified Date", "datetime"),
    system("SystemModstamp", "System Modstamp", "datetime"),
)

REASONS = ("Not mine", "No time", "Bad timing", "No answer", "No fit", "Bad data", "Competitor")
HANDOFF = (
    *(
        Field(f"{stage}_{when}__c", f"{stage} {when}", "datetime")
        for stage in ("MQL", "SAL", "SQL", "Recycled")
        for when in ("Date", "Latest")
    ),
    Field("Handoff_Cycle__c", "Hand-off Cycle", "double"),
    Field("Handoff_State__c", "Hand-off State", length=255),
    Field("Handoff_Reason__c", "Hand-off Reason", length=255),
    Field("Handoff_Returned__c", "Hand-off Returned", length=255),
    Field("Return_When__c", "Return When", length=255),
    Field("SLA_Due__c", "SLA Due", "datetime"),
    Field("SLA_Met__c", "SLA Met", "picklist", 255, picklist=("Yes", "No"), restricted=True),
    Field("Accepted_Date__c", "Accepted", "datetime"),
    Field("First_Response_Date__c", "First Response", "datetime"),
    Field("Reject_Reason__c", "Reject Reason", "picklist", 255, picklist=REASONS, restricted=True),
    Field("Reject_Comment__c", "Reject Comment", length=255),
)
"""What an admin adds so that reports show stages and hand-offs."""

LEAD = (
    system("Id", "Lead ID", "id"),
    Field("IsDeleted", "Deleted", "boolean", createable=False, updateable=False, nillable=False, default=False),
    system("MasterRecordId", "Master Record ID", "reference", "Lead"),
    picklist("Salutation", "Salutation", "Mr.", "Ms.", "Mrs.", "Dr.", "Prof."),
    Field("FirstName", "First Name", length=40),
    Field("LastName", "Last Name", length=80, nillable=False),
    Field("Name", "Full Name", length=121, createable=False, updateable=False, nillable=False),
    Field("Title", "Title", length=128),
    Field("Company", "Company", length=255, nillable=False),
    Field("City", "City", length=40),
    Field("Country", "Country", length=80),
    Field("Phone", "Phone", "phone", 40),
    Field("MobilePhone", "Mobile Phone", "phone", 40),
    Field("Email", "Email", "email", 80),
    Field("Website", "Website", "url", 255),
    picklist("LeadSource", "Lead Source", "Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Other"),
    Field("Status", "Status", "picklist", 255, nillable=False, picklist=STATUSES, default=STATUSES[0]),
    picklist("Industry", "Industry", *INDUSTRIES),
    picklist("Rating", "Rating", "Hot", "Warm", "Cold"),
    Field("AnnualRevenue", "Annual Revenue", "currency"),
    Field("NumberOfEmployees", "Employees", "int"),
    Field("OwnerId", "Owner ID", "reference", 18, nillable=False, references=("Group", "User")),
    Field("HasOptedOutOfEmail", "Email Opt Out", "boolean", nillable=False, default=False),
    Field("DoNotCall", "Do Not Call", "boolean", nillable=False, default=False),
    Field("IsConverted", "Converted", "boolean", createable=False, updateable=False, nillable=False, default=False),
    system("ConvertedDate", "Converted Date", "date"),
    system("ConvertedAccountId", "Converted Account ID", "reference", "Account"),
    system("ConvertedContactId", "Converted Contact ID", "reference", "Contact"),
    system("ConvertedOpportunityId", "Converted Opportunity ID", "reference", "Opportunity"),
    *AUDIT,
    system("CreatedById", "Created By ID", "reference", "User"),
    system("LastModifiedById", "Last Modified By ID", "reference", "User"),
    Field("Truce_Id__c", "Truce Id", length=36, external_id=True, unique=True),
    Field("Lifecycle_Stage__c", "Lifecycle Stage", "picklist", 255, picklist=STAGES, restricted=True),
    *HANDOFF,
    Field("Engagement_Score__c", "Engagement Score", "double"),
    Field("Region__c", "Region", length=80),
    Field("Do_Not_Email_Product_News__c", "Do Not Email Product News", "boolean", nillable=False, default=False),
)

USER = (
    system("Id", "User ID", "id"),
    Field("Username", "Username", length=80, nillable=False),
    Field("FirstName", "First Name", length=40),
    Field("LastName", "Last Name", length=80, nillable=False),
    Field("Name", "Full Name", length=121, createable=False, updateable=False),
    Field("Email", "Email", "email", 128, nillable=False),
    Field("IsActive", "Active", "boolean", nillable=False, default=True),
    Field("UserType", "User Type", "picklist", 40, createable=False, updateable=False, picklist=("Standard",)),
    Field("TimeZoneSidKey", "Time Zone", "picklist", 40, picklist=("Europe/Berlin", "America/New_York")),
    *AUDIT,
)

GROUP = (
    system("Id", "Group ID", "id"),
    Field("Name", "Name", length=40),
    Field("DeveloperName", "Developer Name", length=80),
    Field("Type", "Type", "picklist", 40, picklist=("Queue", "Regular")),
    *AUDIT,
)

ORGANIZATION = (
    system("Id", "Organization ID", "id"),
    Field("Name", "Name", length=80),
    Field("IsSandbox", "Is Sandbox", "boolean", nillable=False, default=False),
    Field("InstanceName", "Instance Name", length=5),
    Field("OrganizationType", "Edition", length=40),
    *AUDIT,
)

ASSIGNMENT_RULE = (
    system("Id", "Rule ID", "id"),
    Field("Name", "Name", length=80),
    Field("SobjectType", "SObject Type", length=40),
    Field("Active", "Active", "boolean"),
    *AUDIT,
)

LEAD_HISTORY = (
    system("Id", "History ID", "id"),
    Field("LeadId", "Lead ID", "reference", 18, references=("Lead",)),
    Field("Field", "Changed Field", length=255),
    Field("CreatedById", "Created By ID", "reference", 18, references=("User",)),
    *AUDIT,
)

FLOW = (
    system("Id", "Flow ID", "id"),
    Field("Label", "Label", length=255),
    Field("IsActive", "Active", "boolean"),
    Field("ActiveVersionId", "Active Version ID", length=18),
    Field("TriggerObjectOrEventLabel", "Trigger Object", length=255),
    *AUDIT,
)

FLOW_VERSION = (system("Id", "Flow ID", "id"), Field("Metadata", "Metadata"), *AUDIT)

CHANNEL_MEMBER = (
    system("Id", "Member ID", "id"),
    Field("SelectedEntity", "Selected Entity"),
    Field("EventChannel", "Event Channel"),
    *AUDIT,
)

VALIDATION_RULE = (
    system("Id", "Validation Rule ID", "id"),
    Field("ValidationName", "Validation Name"),
    Field("Active", "Active", "boolean"),
    Field("Description", "Description"),
    Field("ErrorDisplayField", "Error Display Field"),
    Field("ErrorMessage", "Error Message"),
    Field("EntityDefinitionId", "Entity Definition ID"),
    Field("EntityDefinition.QualifiedApiName", "Entity"),
    Field("EntityDefinition.DeveloperName", "Entity"),
    *AUDIT,
)

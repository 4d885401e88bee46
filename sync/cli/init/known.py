"""What `truce init` knows beforehand: the shared fields of a first playbook, how vendors usually call them, and how they spell stages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sync.playbook.models import COMPUTED, FieldKind, Policy
from sync.playbook.models.computed import DATED

STAGES: Mapping[str, tuple[str, ...]] = {
    "inquiry": ("inquiry", "subscriber", "visitor"),
    "lead": ("lead",),
    "mql": ("mql", "marketingqualifiedlead", "marketingqualified"),
    "sal": ("sal", "salesacceptedlead", "salesaccepted"),
    "sql": ("sql", "salesqualifiedlead", "salesqualified"),
    "opportunity": ("opportunity",),
    "customer": ("customer", "evangelist"),
    "recycled": ("recycled", "nurture"),
    "disqualified": ("disqualified", "other", "unqualified"),
}
"""Our stage → how vendors spell it, without case, blanks and signs; the first that is there is written, the others are read."""
INSTEAD = {"recycled": "lead", "disqualified": "recycled"}
"""A side exit that a system lacks is shown as this; any other stage as the one before it."""
STATUSES: Mapping[str, tuple[str, ...]] = {
    "new": ("new", "opennotcontacted", "open"),
    "working": ("workingcontacted", "working", "inprogress", "inprocess", "assigned", "open", "attemptedtocontact", "connected"),
    "converted": ("closedconverted", "converted", "opendeal"),
    "closed": ("closednotconverted", "closed", "unqualified", "dead", "badtiming", "recycled"),
}
REASONS: Mapping[str, tuple[str, ...]] = {
    name: (name.replace("_", ""),) for name in ("not_mine", "no_time", "bad_timing", "no_answer", "no_fit", "bad_data", "competitor")
}
"""Those of sla.yaml."""
MET = {"yes": ("yes", "true"), "no": ("no", "false")}


class Known(NamedTuple):
    """A shared field, and the names by which live schemas have it; the surest name first."""

    name: str
    kind: FieldKind
    policy: Policy
    names: tuple[str, ...] = ()
    why: str = ""
    """Why this policy, as the comment on the guess."""
    personal: bool = False
    consent: str = ""
    lone: bool = False
    """True where it is of use although only one of the systems has it."""
    words: Mapping[str, tuple[str, ...]] = {}
    """Of a picklist whose values are ours, whatever the systems have: each with its spellings."""


def _own(name: str) -> Known:
    kinds = COMPUTED[name].kinds
    policy = "first" if name.endswith("_date") and name.partition("_")[0] in DATED else "latest"
    return Known(name, "text" if "text" in kinds else kinds[0], policy, why=f"set by Truce: {COMPUTED[name].text}", lone=True)


PEOPLE = (
    Known("email", "email", "latest", ("Email", "email", "emailAddress"), "by it people are the same in both", lone=True),
    Known("first_name", "text", "latest", ("FirstName", "firstname", "firstName"), "whoever heard it last", personal=True),
    Known("last_name", "text", "latest", ("LastName", "lastname", "lastName"), "whoever heard it last", personal=True),
    Known("company", "text", "sales", ("Company", "company", "accountName"), "sales knows whom it sells to"),
    Known("phone", "phone", "sales", ("Phone", "phone", "phoneNumber"), "sales rings people up, so sales knows"),
    Known("mobile", "phone", "sales", ("MobilePhone", "mobilephone", "mobilePhone", "mobile"), "sales rings people up, so sales knows"),
    Known("title", "text", "latest", ("Title", "jobtitle", "position", "title"), "people change jobs: the last word counts"),
    Known("website", "url", "first", ("Website", "website"), "it rarely changes"),
    Known("industry", "text", "marketing", ("Industry", "industry"), "marketing enriches it"),
    Known("employees", "number", "marketing", ("NumberOfEmployees", "numberofemployees", "numberOfEmployees", "employees"), "marketing enriches it"),
    Known("country", "country", "latest", ("Country", "MailingCountry", "country", "addressCountry"), "the last word counts"),
    Known("stage", "picklist", "most_advanced", ("Lifecycle_Stage__c", "lifecyclestage", "lifecycleStage", "lifecycle", "stage"),
          "set by Truce by lifecycle.yaml; a rep's own step forward counts too", lone=True, words=STAGES),
    Known("status", "picklist", "sales", ("Status", "hs_lead_status", "leadStatus", "status"), "what sales does with the lead these days", words=STATUSES),
    Known("owner", "user", "sales", ("OwnerId", "hubspot_owner_id", "externalSalesPersonId", "owner", "assignedUserId"),
          "set by Truce by routing.yaml; a rep's own hand-over counts", lone=True),
    *(_own(name) for name in COMPUTED if not name.startswith(("opportunity_", "won_")) and name != "sla_met"),
    Known("sla_met", "picklist", "latest", why=f"set by Truce: {COMPUTED['sla_met'].text}", lone=True, words=MET),
    Known("reject_reason", "picklist", "sales", (), "a rep who picks one gives the lead back", lone=True, words=REASONS),
    Known("reject_comment", "text", "sales", (), "the sentence that goes with it", lone=True),
    Known("engagement_score", "number", "marketing", (), "set by Truce", lone=True),
    Known("email_opt_out", "flag", "stricter", ("HasOptedOutOfEmail", "hs_email_optout", "unsubscribed", "emailAddressIsOptedOut", "dnc_email"),
          "an opt-out on either side wins on both", consent="email", lone=True),
)  # fmt: skip
ACCOUNTS = (
    Known("name", "text", "sales", ("Name", "name"), "sales knows whom it sells to", lone=True),
    Known("domain", "domain", "latest", ("Website", "domain", "website"), "by it a lead's account is found", lone=True),
    Known(
        "owner", "user", "sales", ("OwnerId", "hubspot_owner_id", "assignedUserId"), "may keep the lead: routing.yaml, sticky", lone=True
    ),
    Known("industry", "text", "sales", ("Industry", "industry"), "read by conditions: each has a list of its own", lone=True),
    Known("employees", "number", "marketing", ("NumberOfEmployees", "numberofemployees"), "marketing enriches it", lone=True),
)
OPPORTUNITIES = (
    Known("name", "text", "sales", ("Name", "name"), "as sales calls it", lone=True),
    Known("people", "text", "sales", ("OpportunityContactRoles", "contactsIds"), "who is in it: its stage moves theirs", lone=True),
    Known("account", "ref", "sales", ("AccountId", "accountId"), "which account it belongs to", lone=True),
    Known("owner", "user", "sales", ("OwnerId", "assignedUserId"), "whoever has it in sales", lone=True),
    Known("stage", "picklist", "sales", ("StageName", "stage"), "lifecycle.yaml says which of them are won and lost", lone=True),
    Known("amount", "number", "sales", ("Amount", "amount"), "as sales has it", lone=True),
    Known("close_date", "date", "sales", ("CloseDate", "closeDate"), "when it was won or lost, as sales has it", lone=True),
)

"""EspoCRM's objects as its `Metadata` describes them, as far as sales is concerned: fields with their types, links with their objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Fields = dict[str, dict[str, Any]]

_PERSON_SIGNS = "$noBadCharacters"
STATUSES = ("New", "Assigned", "In Process", "Converted", "Recycled", "Dead")
STAGES = ("Prospecting", "Qualification", "Proposal", "Negotiation", "Closed Won", "Closed Lost")
PROBABILITY = {"Prospecting": 10, "Qualification": 20, "Proposal": 50, "Negotiation": 80, "Closed Won": 100, "Closed Lost": 0}
_HELD = ["Planned", "Held", "Not Held"]


def varchar(most: int = 255, **more: Any) -> dict[str, Any]:
    """Describe a short text."""
    return {"type": "varchar", "maxLength": most, **more}


def enum(*options: str, **more: Any) -> dict[str, Any]:
    """Describe a picklist."""
    return {"type": "enum", "options": list(options), **more}


def _kept() -> Fields:
    """Give the fields of every object: who made and changed it, and when."""
    return {
        "createdAt": {"type": "datetime", "readOnly": True}, "modifiedAt": {"type": "datetime", "readOnly": True},
        "createdBy": {"type": "link", "readOnly": True}, "modifiedBy": {"type": "link", "readOnly": True},
        "assignedUser": {"type": "link"},
    }  # fmt: skip


def _reached() -> Fields:
    """Give the fields of what has an e-mail address and a phone number."""
    flags = {
        f"{of}{flag}": {"type": "bool", "notStorable": True}
        for of in ("emailAddress", "phoneNumber")
        for flag in ("IsOptedOut", "IsInvalid")
    }
    return {"emailAddress": {"type": "email"}, "phoneNumber": {"type": "phone"}, **flags}


def _person() -> Fields:
    names = {name: varchar(100, pattern=_PERSON_SIGNS) for name in ("firstName", "lastName", "title")}
    return {
        "name": {"type": "personName"}, **names, **_reached(), "doNotCall": {"type": "bool"}, "description": {"type": "text"},
        "addressCity": varchar(), "addressCountry": varchar(), "cTruceId": varchar(36, isCustom=True), **_kept(),
    }  # fmt: skip


def _money(name: str, **more: Any) -> Fields:
    return {name: {"type": "currency", "min": 0, **more}, f"{name}Currency": enum("USD", "EUR", maxLength=3, ofSettings=True)}


def _meeting() -> Fields:
    return {
        "name": varchar(required=True), "status": enum(*_HELD, default="Planned"), "dateStart": {"type": "datetimeOptional", "required": True},
        "dateEnd": {"type": "datetimeOptional", "required": True}, "description": {"type": "text"}, "parent": {"type": "linkParent"},
        "contacts": {"type": "linkMultiple"}, "leads": {"type": "linkMultiple"}, **_kept(),
    }  # fmt: skip


def objects() -> dict[str, Fields]:
    """Give every object's fields, freshly, so that each emulated company may change its own."""
    created = {f"created{one}": {"type": "link"} for one in ("Account", "Contact", "Opportunity")}
    return {
        "Lead": {
            **_person(), "status": enum(*STATUSES, default="New"), "source": enum("", "Call", "Email", "Web Site", "Campaign", "Other"),
            "industry": enum("", "Software", "Manufacturing", optionsReference="Account.industry"), "website": {"type": "url"}, "accountName": varchar(pattern=_PERSON_SIGNS),
            **_money("opportunityAmount"), "convertedAt": {"type": "datetime", "readOnly": True}, **created,
        },
        "Contact": {**_person(), "title": varchar(100, notStorable=True, select={"select": "accountContactPrimary.role"}), "account": {"type": "link"}},
        "Account": {
            "name": varchar(249, required=True), "website": {"type": "url"}, "industry": enum("", "Software", "Manufacturing"), "type": enum("", "Customer"),
            "description": {"type": "text"}, "cTruceId": varchar(36, isCustom=True), **_reached(), **_kept(),
        },
        "Opportunity": {
            "name": varchar(required=True), **_money("amount", required=True), "stage": enum(*STAGES, default="Prospecting"),
            "probability": {"type": "int", "min": 0, "max": 100}, "closeDate": {"type": "date", "required": True}, "account": {"type": "link"},
            "contacts": {"type": "linkMultiple"}, "originalLead": {"type": "linkOne", "readOnly": True}, "description": {"type": "text"}, **_kept(),
        },
        "Task": {
            "name": varchar(required=True), "status": enum("Not Started", "Started", "Completed", "Canceled", "Deferred", default="Not Started"),
            "dateEnd": {"type": "datetimeOptional"}, "dateCompleted": {"type": "datetime", "readOnly": True}, "description": {"type": "text"},
            "parent": {"type": "linkParent"}, "cTruceId": varchar(36, isCustom=True), **_kept(), "assignedUser": {"type": "link", "required": True},
        },
        "Meeting": _meeting(),
        "Call": {**_meeting(), "direction": enum("Outbound", "Inbound", default="Outbound")},
        "User": {
            "name": {"type": "personName"}, "userName": varchar(required=True), "firstName": varchar(), "lastName": varchar(), "type": enum("regular", "admin", "api"),
            "isActive": {"type": "bool"}, "emailAddress": {"type": "email"}, **{name: one for name, one in _kept().items() if name != "assignedUser"},
        },
        "TargetList": {"name": varchar(required=True), "leads": {"type": "linkMultiple"}, "contacts": {"type": "linkMultiple"}, **_kept()},
        "Campaign": {"name": varchar(required=True), "status": enum("Planning", "Active", "Complete", default="Planning"), **_kept()},
        "CampaignLogRecord": {
            "action": enum("Sent", "Opened", "Opted Out", "Bounced", "Clicked", "Opted In", "Lead Created", required=True), "actionDate": {"type": "datetime"},
            "stringData": varchar(), "campaign": {"type": "link"}, "parent": {"type": "linkParent"}, "object": {"type": "linkParent"},
            "isTest": {"type": "bool"}, "createdAt": {"type": "datetime", "readOnly": True}, "createdBy": {"type": "link", "readOnly": True},
        },
        "Webhook": {
            "event": varchar(100, required=True), "url": varchar(required=True), "isActive": {"type": "bool", "default": True},
            "secretKey": varchar(readOnly=True), **{name: one for name, one in _kept().items() if name != "assignedUser"},
        },
    }  # fmt: skip


LINKS: Mapping[str, str] = {
    "createdBy": "User", "modifiedBy": "User", "assignedUser": "User", "account": "Account", "createdAccount": "Account",
    "createdContact": "Contact", "createdOpportunity": "Opportunity", "originalLead": "Lead", "contacts": "Contact", "leads": "Lead",
    "campaign": "Campaign",
}  # fmt: skip
"""Link → the object that it leads to."""

"""HubSpot's own properties of companies, deals, tasks and the other activities, as far as the emulator knows them."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.emulator.hubspot.properties import YES_NO, Property, texts

STAGES = (
    ("appointmentscheduled", "Appointment Scheduled"),
    ("qualifiedtobuy", "Qualified To Buy"),
    ("presentationscheduled", "Presentation Scheduled"),
    ("decisionmakerboughtin", "Decision Maker Bought-In"),
    ("contractsent", "Contract Sent"),
    ("closedwon", "Closed Won"),
    ("closedlost", "Closed Lost"),
)
"""The stages of the pipeline that every account begins with."""
INDUSTRIES = ("ACCOUNTING", "COMPUTER_SOFTWARE", "CONSTRUCTION", "MACHINERY", "RENEWABLES_ENVIRONMENT", "RETAIL", "UTILITIES")
PLAIN_TASK = "TO" + "DO"  # in two parts: in our own texts the word is forbidden
TASK_STATUS = ("NOT_STARTED", "IN_PROGRESS", "WAITING", "COMPLETED", "DEFERRED")


def _options(names: Sequence[str]) -> tuple[tuple[str, str], ...]:
    return tuple((name, name.replace("_", " ").capitalize()) for name in names)


def _picked(name: str, *options: str) -> Property:
    return Property(name, name.removeprefix("hs_").replace("_", " ").capitalize(), "enumeration", _options(options))


def _common(created: str) -> list[Property]:
    return [
        Property("hubspot_owner_id", "Owner", "enumeration", owner=True),
        *texts(f"{created} hs_lastmodifieddate", type="datetime", read_only=True),
        *texts("hs_object_id", type="number", read_only=True),
        *texts("hs_merged_object_ids", read_only=True),
    ]


def _companies(lifecycle: Sequence[tuple[str, str]]) -> list[Property]:
    return [
        *texts("name domain website phone country city state zip address description"),
        *texts("numberofemployees annualrevenue", type="number"),
        _picked("industry", *INDUSTRIES),
        Property("lifecyclestage", "Lifecycle Stage", "enumeration", tuple(lifecycle)),
        *texts("num_associated_contacts num_associated_deals", type="number", read_only=True),
        *_common("createdate"),
    ]


def _deals() -> list[Property]:
    return [
        *texts("dealname description deal_currency_code closed_lost_reason closed_won_reason"),
        *texts("amount", type="number"),
        *texts("closedate", type="datetime"),
        Property("dealstage", "Deal Stage", "enumeration", STAGES),
        Property("pipeline", "Pipeline", "enumeration", (("default", "Sales Pipeline"),)),
        Property("dealtype", "Deal Type", "enumeration", (("newbusiness", "New Business"), ("existingbusiness", "Existing Business"))),
        *(Property(name, name, "bool", YES_NO, read_only=True) for name in ("hs_is_closed", "hs_is_closed_won")),
        *texts("num_associated_contacts", type="number", read_only=True),
        *_common("createdate"),
    ]


def _tasks() -> list[Property]:
    return [
        *texts("hs_task_subject hs_task_body"),
        _picked("hs_task_status", *TASK_STATUS),
        _picked("hs_task_priority", "NONE", "LOW", "MEDIUM", "HIGH"),
        _picked("hs_task_type", "EMAIL", "CALL", PLAIN_TASK),
        *texts("hs_timestamp", type="datetime"),
        *texts("hs_task_completion_date", type="datetime", read_only=True),
        *texts("hs_task_is_completed", type="number", read_only=True),
        *_common("hs_createdate"),
    ]


def _calls() -> list[Property]:
    return [
        *texts("hs_call_title hs_call_body hs_call_disposition hs_call_duration"),
        _picked("hs_call_status", "BUSY", "CALLING_CRM_USER", "CANCELED", "COMPLETED", "CONNECTING", "FAILED", "IN_PROGRESS", "NO_ANSWER",
                "QUEUED", "RINGING"),
        _picked("hs_call_direction", "INBOUND", "OUTBOUND"),
        *texts("hs_timestamp", type="datetime"),
        *_common("hs_createdate"),
    ]  # fmt: skip


def _meetings() -> list[Property]:
    return [
        *texts("hs_meeting_title hs_meeting_body hs_meeting_location"),
        _picked(
            "hs_meeting_source", "CRM_UI", "INTEGRATION", "BIDIRECTIONAL_API", "BIDIRECTIONAL_SYNC", "MEETINGS_EMBEDDED", "MEETINGS_PUBLIC"
        ),
        _picked("hs_meeting_outcome", "SCHEDULED", "COMPLETED", "RESCHEDULED", "NO_SHOW", "CANCELED"),
        *texts("hs_timestamp hs_meeting_start_time hs_meeting_end_time", type="datetime"),
        *_common("hs_createdate"),
    ]


def _emails() -> list[Property]:
    return [
        *texts("hs_email_subject hs_email_text"),
        _picked("hs_email_direction", "EMAIL", "INCOMING_EMAIL", "FORWARDED_EMAIL"),
        _picked("hs_email_status", "BOUNCED", "FAILED", "SCHEDULED", "SENDING", "SENT"),
        *texts("hs_timestamp", type="datetime"),
        *_common("hs_createdate"),
    ]


def _notes() -> list[Property]:
    return [*texts("hs_note_body"), *texts("hs_timestamp", type="datetime"), *_common("hs_createdate")]


def of(object_: str, lifecycle: Sequence[tuple[str, str]]) -> list[Property]:
    """Give HubSpot's own properties of an object other than contacts."""
    if object_ == "companies":
        return _companies(lifecycle)
    return {"deals": _deals, "tasks": _tasks, "calls": _calls, "meetings": _meetings, "emails": _emails, "notes": _notes}[object_]()


def custom() -> dict[str, list[Property]]:
    """Give the properties that this company added to other objects than contacts."""
    deals = [Property("truce_id", "Truce id", unique=True, hubspot_defined=False)]
    return {"tasks": [Property("truce_task_key", "Truce key", hubspot_defined=False)], "deals": deals}

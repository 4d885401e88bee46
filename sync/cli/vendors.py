"""Acme's emulated Marketo, EspoCRM and Mautic, with the fields that deploy/pairs names, and how Truce reaches them."""

from __future__ import annotations

from typing import Any

from connectors.emulator import espocrm, marketo, mautic

TIMES = tuple(f"{stage}_{which}" for stage in ("mql", "sal", "sql", "recycled") for which in ("date", "latest"))
TIMES += ("sla_due", "accepted_date", "first_response_date")
TEXTS = ("industry", "handoff_state", "handoff_reason", "handoff_returned", "reject_comment", "return_when")
STAGES = ("inquiry", "lead", "mql", "sal", "sql", "opportunity", "customer", "recycled", "disqualified")
REASONS = ("not_mine", "no_time", "bad_timing", "no_answer", "no_fit", "bad_data", "competitor")


def espo(people: dict[str, str], password: str, api_key: str) -> espocrm.Espo:
    """Give Acme's emulated EspoCRM, in which phone numbers need not be international; people sign in with their e-mail."""
    users = [espocrm.User(email, email, password=password) for email in people]
    own: dict[str, dict[str, Any]] = {
        **{camel(name): {"type": "datetime"} for name in TIMES},
        **{camel(name): {"type": "varchar", "maxLength": 255} for name in TEXTS},
        "cStage": {"type": "enum", "options": ["", *STAGES]},
        "cSlaMet": {"type": "enum", "options": ["", "yes", "no"]},
        "cRejectReason": {"type": "enum", "options": ["", *REASONS]},
        **{camel(name): {"type": "int"} for name in ("employees", "handoff_cycle", "engagement_score")},
    }
    lead = {**{name: {**one, "isCustom": True} for name, one in own.items()}, "phoneNumber": {"type": "phone", "loose": True}}
    return espocrm.Espo(users, api_key=api_key, extra={"Lead": lead}, admin_password=password)


def mautic_of(people: dict[str, str], forms: dict[str, int], client_id: str, secret: str) -> mautic.Mautic:
    """Give Acme's emulated Mautic."""
    users = []
    for n, (email, name) in enumerate(people.items(), 1):
        first, _, last = name.partition(" ")
        users.append(mautic.User(n, email, first, last, email))
    fields = [
        mautic.Field("truce_id", "Truce id", unique=True),
        mautic.Field("lifecycle", "Lifecycle stage", "select", STAGES),
        mautic.Field("reject_reason", "Reject reason", "select", REASONS),
        mautic.Field("sla_met", "SLA met", "select", ("yes", "no")),
        *(mautic.Field(name, name.replace("_", " ").capitalize()) for name in (*TIMES, "engagement_score")),
        *(mautic.Field(name, name.replace("_", " ").capitalize(), "textarea") for name in TEXTS),
        *(mautic.Field(name, name.replace("_", " ").capitalize(), "number") for name in ("employees", "handoff_cycle")),
    ]
    return mautic.Mautic(
        users=users, fields=fields, forms={ident: name for name, ident in forms.items()}, client_id=client_id, client_secret=secret
    )


def marketo_of(people: dict[str, str], secret: str) -> marketo.Marketo:
    """Give Acme's emulated Marketo; its people share no limit with Truce, which keeps to Marketo's own."""
    persons = [
        dict(zip(("firstName", "lastName"), name.split(" ", 1), strict=True)) | {"externalSalesPersonId": email, "email": email}
        for email, name in people.items()
    ]
    users = {"truce": (secret, "truce.api@acme.example"), "marketing": (secret, "marketing.api@acme.example")}
    return marketo.Marketo(users=users, salespersons=persons, calls_per_20s=100_000, at_once=200)


def camel(name: str) -> str:
    """Give the name that EspoCRM has for a field of one's own: mql_date is cMqlDate."""
    return "c" + "".join(part.capitalize() for part in name.split("_"))

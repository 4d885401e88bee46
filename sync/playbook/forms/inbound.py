"""inbound/*.yaml as they are written: one door each, with what its payloads mean, and payloads as they were sent."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from schemas.touch import TouchKind
from sync.playbook.forms.base import Form, Id, Name, Value

PickForm = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
"""One value: a line of CEL over `body`, the payload's JSON."""


class DoorTouchForm(Form):
    """What the person did."""

    kind: TouchKind = Field(description="The kind of touch.", examples=["form"])
    name: PickForm | None = Field(default=None, description="Which form, page, event …", examples=["body.form.name", "'Webinar'"])
    id: PickForm | None = Field(
        default=None, description="The sender's own id of the act; without it the delivery's (webhook-id).", examples=["body.id"]
    )


class DoorPersonForm(Form):
    """The payload is about one person."""

    email: PickForm = Field(description="The person's e-mail.", examples=["body.email"])
    unknown: Literal["create", "ignore"] = Field(
        default="create", description="Somebody of whom nobody has heard yet becomes a lead (`create`), or is left out (`ignore`)."
    )
    truce_id: PickForm | None = Field(
        default=None, description="The Truce id, where the sender gives it back.", examples=["body.reference"]
    )
    fields: dict[Name, PickForm] = Field(
        default={},
        description="Shared field of fields.yaml → its value. What the payload does not have, or has blank, is left as it is; whose value "
        "wins, the field's policy says: the door is a system of marketing by its own name.",
        examples=[{"first_name": "body.first_name", "employees": "body.company.headcount"}],
    )
    touch: DoorTouchForm | None = Field(
        default=None, description="What the person did with it.", examples=[{"kind": "form", "name": "body.form"}]
    )
    consent: dict[Id, PickForm] = Field(
        default={},
        description="Channel or subscription type → true where the person said yes to it, false where no.",
        examples=[{"email": "body.newsletter"}],
    )


class DoorVisitForm(Form):
    """The payload is about a company that visited, and no person is known; none is made up."""

    domain: PickForm = Field(description="The company's domain or web address.", examples=["body.company.domain"])
    company: PickForm | None = Field(default=None, description="Its name.", examples=["body.company.name"])
    pages: PickForm | None = Field(default=None, description="How many pages were seen.", examples=["body.visit.pages.size()"])
    seconds: PickForm | None = Field(default=None, description="For how long.", examples=["body.visit.duration"])
    source: PickForm | None = Field(default=None, description="What brought them.", examples=["body.visit.utm_source"])


class DoorRuleForm(Form):
    """One kind of payload."""

    id: Id = Field(description="How reports and problems call it; used once in this file.", examples=["form"])
    when: PickForm | None = Field(
        default=None,
        description="Which payloads it is for; without it all. The first rule that holds decides.",
        examples=["body.type == 'form'"],
    )
    at: PickForm | None = Field(
        default=None,
        description="When it happened: ISO 8601, or seconds or ms since 1970; without it when it first came.",
        examples=["body.at"],
    )
    person: DoorPersonForm | None = Field(default=None, description="What it says of a person.")
    visit: DoorVisitForm | None = Field(default=None, description="What it says of a company.")


class DoorExpectForm(Form):
    """What is to come of a payload; what is not named is not looked at."""

    outcome: Literal["taken", "nobody", "no_rule"] | None = Field(
        default=None,
        description="`nobody`: no address or domain that is one; `no_rule`: no rule is for it. Both are left out, and counted.",
    )
    rule: str | None = Field(default=None, description="The rule that decided.", examples=["form"])
    email: str | None = Field(default=None, description="The person's e-mail.", examples=["kim@nordwind.example"])
    at: str | None = Field(default=None, description="When it happened, in UTC.", examples=["2026-11-23T08:14:00Z"])
    fields: dict[Name, Value | None] | None = Field(default=None, description="Shared field → the value that the payload gives it.")
    touch: dict[Literal["kind", "name", "id"], str] | None = Field(default=None, description="What the person did.")
    consent: dict[Id, bool] | None = Field(default=None, description="What the person said.")
    visit: dict[Literal["domain", "company", "pages", "seconds", "source"], Value | None] | None = Field(
        default=None, description="The company's visit."
    )


class DoorCaseForm(Form):
    """One payload as it was sent, and what is to come of it; `truce test` plays it."""

    id: Id = Field(description="How the case is called.", examples=["pricing-form"])
    payload: dict[str, Any] = Field(description="The JSON as it was sent.", examples=[{"type": "form", "email": "kim@nordwind.example"}])
    expect: DoorExpectForm = Field(description="What is to come of it.")


class InboundFile(Form):
    """inbound/<name>.yaml: the door `POST /doors/<name>`, whose sender signs by Standard Webhooks with TRUCE_DOORS__<NAME>."""

    rules: list[DoorRuleForm] = Field(min_length=1, description="The kinds of payloads, in order: the first whose `when` holds decides.")
    cases: list[DoorCaseForm] = Field(default=[], description="Payloads as they were sent, each with what is to come of it.")

"""cases/*.yaml as they are written: tests of the playbook, given → expect."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from sync.playbook.forms.base import Email, Form, Id, Name, Value

Instant = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})$")]
"""A moment with its zone."""
Ago = Annotated[str, StringConstraints(pattern=r"^\d{1,6}[smhdw]$")]
"""A span: seconds, minutes, hours, days, weeks."""


class GivenTouchForm(Form):
    """One act of the person."""

    touch: Literal["form", "visit", "click", "open", "meeting", "campaign", "other"] = Field(description="The kind of touch.")
    name: str = Field(default="", max_length=200, description="Which form, page, e-mail …", examples=["Pricing"])
    ago: Ago = Field(default="0s", description="How long before the moment of the case: 90s, 2m, 3h, 14d, 2w.", examples=["2m", "14d"])


class GivenForm(Form):
    """What is known of the person, and what they did, at one moment."""

    at: Instant = Field(description="The moment of the case, with its zone.", examples=["2026-11-23T09:14:00+01:00"])
    lead: dict[Name, Value | None] = Field(
        description="The shared fields' values, as Truce keeps them: DE for a country, mql for a stage, an e-mail for an owner.",
        examples=[{"email": "kim@nordwind.example", "country": "NO", "employees": 820}],
    )
    in_: list[Id] = Field(
        default=[],
        alias="in",
        description="The systems that have a record of the person; without it all of them, each with the same values.",
        examples=[["hubspot"]],
    )
    since: Ago | None = Field(
        default=None, description="How long the lead has stood in its stage; without it since just before the touches.", examples=["14d"]
    )
    touches: list[GivenTouchForm] = Field(default=[], description="What the person did, in any order; the newest is what the rules answer.")
    account: dict[Name, Value | None] = Field(
        default={},
        description="The lead's account, by shared field of accounts; without a domain it has that of the lead's e-mail.",
        examples=[{"name": "Nordwind", "owner": "ana@acme.example"}],
    )
    opportunity: dict[Name, Value | None] = Field(
        default={},
        description="An opportunity that the lead is in, by shared field of opportunities.",
        examples=[{"stage": "prospecting", "owner": "ana@acme.example", "amount": 20000}],
    )
    had: list[Email] = Field(default=[], description="Who had the lead before, the last one last.", examples=[["ana@acme.example"]])
    away: list[Email] = Field(
        default=[], description="People who are away on that day, besides what team.yaml says.", examples=[["ben@acme.example"]]
    )


class ExpectForm(Form):
    """What is to come of it; what is not named is not looked at."""

    stage: str | None = Field(default=None, description="The lifecycle stage; `none` for a lead without one.", examples=["mql"])
    scores: dict[Literal["fit", "engagement", "score"], float] = Field(
        default={},
        description="Points at that moment; whole numbers are compared in whole points.",
        examples=[{"fit": 72, "engagement": 50}],
    )
    owner: str | None = Field(default=None, description="The owner's e-mail; `none` for nobody.", examples=["ana@acme.example"])
    rule: str | None = Field(
        default=None,
        description="The id of the route (or the kind of hand-off) that chose the owner; `none`: nobody was handed over.",
        examples=["emea-enterprise"],
    )
    handoff: str | None = Field(
        default=None, description="Which kind of hand-off is opened: mql, one of lifecycle.yaml's handoffs, or `none`.", examples=["mql"]
    )
    problems: list[str] | None = Field(
        default=None, description="The kinds of problems that are opened, [] for none.", examples=[["unrouted"]]
    )
    writes: dict[Id, dict[str, Value | None]] | None = Field(
        default=None,
        description="What each system is told, by the vendor's field; people by their e-mail. {} under a system: nothing. "
        "Fields that are not named are not looked at.",
        examples=[{"salesforce": {"Lifecycle_Stage__c": "MQL", "OwnerId": "ana@acme.example"}}],
    )


class CaseForm(Form):
    """One test of the playbook."""

    id: Id = Field(description="How the case is called.", examples=["norway-enterprise"])
    given: GivenForm = Field(description="What stands before the rules are asked.")
    expect: ExpectForm = Field(description="What is to come of it.")


class CasesFile(Form):
    """A file of cases: what the rules are to make of made-up leads; `truce test` plays them."""

    cases: list[CaseForm] = Field(default=[], description="The cases, each by itself.")

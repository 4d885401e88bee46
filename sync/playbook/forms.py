"""The shapes of the playbook's files, as they are written: strict, every key described; JSON Schema is generated from them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, StringConstraints, Tag

from sync.playbook.models import FieldKind, Mode, Side

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
"""A name that stands in conditions: small letters, digits and "_"."""
Id = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,62}$")]
"""The id of a rule, stage, system or pool: small letters, digits and "-"."""
Email = Annotated[str, StringConstraints(pattern=r"^[^@\sA-Z]+@[^@\sA-Z]+\.[^@\sA-Z]+$", max_length=254)]
"""A person of the team, by e-mail in small letters."""
Line = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
"""One condition: a line of CEL over `lead.<field>` that is true or false."""
Date = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$")]
Value = str | int | float | bool


class Form(BaseModel):
    """What every shape is: strict types, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class WhenForm(Form):
    """Lists of conditions; all three must hold. Without any, it matches always."""

    all: list[Line] = Field(
        default=[], description="Every line must hold.", examples=[["lead.country in ['DE', 'FR', 'NO']", "lead.employees >= 500"]]
    )
    any: list[Line] = Field(default=[], description="At least one line must hold.")
    none: list[Line] = Field(default=[], description="No line may hold.", examples=[["has(lead.phone)"]])


def _written(value: object) -> str:
    return "short" if isinstance(value, str) else "long"


When = Annotated[Annotated[Line, Tag("short")] | Annotated[WhenForm, Tag("long")], Discriminator(_written)]
"""One line, or lists of lines."""


Create = Annotated[Annotated[Literal["never", "always"], Tag("short")] | Annotated[WhenForm, Tag("long")], Discriminator(_written)]


class SystemForm(Form):
    """One named system; the order of the systems settles ties."""

    vendor: Id = Field(description="Which connector: a folder of `connectors/`.", examples=["salesforce", "hubspot"])
    side: Side = Field(description="Whose system it is: a field with policy `sales` belongs to the systems of that side.")
    mode: Mode = Field(default="observe", description="`observe`: decide everything, write nothing (the default). `write`: write too.")
    object: str = Field(default="", description="The vendor's object that is created for a person.", examples=["Lead", "contacts"])
    objects: dict[str, Mode] = Field(
        default={},
        description="The mode of single objects of this system; the others have the system's mode.",
        examples=[{"Lead": "write", "Contact": "observe"}],
    )
    create: Create = Field(default="never", description="May Truce create records here, and for whom?")
    defaults: dict[str, Value] = Field(default={}, description="Vendor fields that a create needs when nothing better is known.")
    bulk: Literal["hold", "pass"] = Field(
        default="hold", description="Changes that are no one's own act (imports): hold their hand-offs, or not."
    )
    country: str | None = Field(
        default=None, pattern=r"^[A-Z]{2}$", description="The region by which a phone number without a country code is read."
    )


class MappingForm(Form):
    """How one system spells one shared field."""

    name: str = Field(min_length=1, description="The vendor's field name.", examples=["NumberOfEmployees"])
    mode: Mode = Field(default="write", description="`observe`: this field is read here and never written.")
    values: dict[str, str] = Field(default={}, description="Picklists: our value → the vendor's. Must name every value.")
    reads: dict[str, str] = Field(default={}, description="The vendor's value → ours, where `values` alone does not say it.")
    read_only: bool = Field(default=False, description="The vendor does not let anyone write it.")


Mapping = Annotated[Annotated[str, Tag("short")] | Annotated[MappingForm, Tag("long")], Discriminator(_written)]


class FieldForm(Form):
    """One field that both systems are to agree on."""

    type: FieldKind = Field(description="What kind of value it is; text is trimmed, phones become E.164, countries ISO codes.")
    policy: str = Field(
        description="Whose value wins: sales | marketing | a system's name | latest | first | most_advanced | stricter.",
        examples=["sales", "latest"],
    )
    systems: dict[Id, Mapping] = Field(description="System → its field: the vendor's name, or name, mode and values.")
    personal: bool | None = Field(
        default=None, description="Personal values are masked for those who need not see them (e-mail, phone: yes)."
    )
    values: list[str] = Field(default=[], description="Picklists: the values it may have. For `stage` they are those of lifecycle.yaml.")
    order: list[str] = Field(default=[], description="For most_advanced and stricter: the values from least to most.")
    consent: Id | None = Field(
        default=None, description="The channel or subscription type, when this is an opt-out flag (true: opted out)."
    )


class GuardsForm(Form):
    """When a plan is too large to go on without a person."""

    writes_per_hour: int = Field(default=100_000, ge=1, description="More writes in an hour than this wait for a person.")
    share_of_records: float = Field(
        default=1.0, gt=0, le=1, description="A larger share of a system's records than this waits for a person."
    )
    flips: int = Field(default=6, ge=2, description="A field that changes more often than this in the window is frozen.")
    flip_window_s: int = Field(default=600, ge=1, description="That window, in seconds.")


class FieldsFile(Form):
    """fields.yaml: the systems, who is in scope, and the shared fields."""

    systems: dict[Id, SystemForm] = Field(description="The systems, in the order that settles ties.")
    scope: WhenForm = Field(default=WhenForm(), description="Whom Truce keeps equal. Opt-outs cross for everyone.")
    guards: GuardsForm = Field(default=GuardsForm(), description="When to stop and ask a person.")
    role_mailboxes: list[str] | None = Field(default=None, description="Addresses of a function, not of a person: the part before the @.")
    fields: dict[Name, FieldForm] = Field(description="The shared fields by the name that conditions use.")


class FitForm(Form):
    """Points for one fact about the lead."""

    points: float
    when: When = Field(description="The fact: one line, or all / any / none.", examples=["lead.employees >= 500"])
    label: str = Field(default="", description="How it is called in explanations.")


class EngagementForm(Form):
    """Points for one kind of touch; they fade by half every `half_life_days`."""

    points: float
    touch: Literal["form", "visit", "click", "open", "meeting", "campaign", "other"] | None = Field(
        default=None, description="The kind of touch; none: any."
    )
    name: str | None = Field(default=None, min_length=1, description="A part of the touch's name, ignoring case.", examples=["pricing"])
    half_life_days: float | None = Field(default=None, gt=0, description="After this many days the points count half.")
    cap: float | None = Field(default=None, description="No more points than this from touches of this kind.")
    label: str = Field(default="", description="How it is called in explanations.")


class StageForm(Form):
    """One lifecycle stage."""

    accountable: Email = Field(description="The person who answers for leads in this stage.")
    when: When | None = Field(default=None, description="What lets a lead enter it; without it only a system or a person says so.")
    handoff: bool = Field(default=False, description="Entering it hands the lead to sales (the MQL stage).")


StageId = Literal["inquiry", "lead", "mql", "sal", "sql", "opportunity", "customer", "recycled", "disqualified"]


class LifecycleFile(Form):
    """lifecycle.yaml: the scores, and the stages from first to last, side exits at the end."""

    fit: list[FitForm] = Field(default=[], description="The best-customer profile: `lead.fit` is the sum.")
    engagement: list[EngagementForm] = Field(default=[], description="What people do: `lead.engagement` is the sum; `lead.score` is both.")
    stages: dict[StageId, StageForm] = Field(description="In their order; a lead stands in the last one that lets it in.")


class PersonForm(Form):
    """One person."""

    owner: Email = Field(description="A person of the team.")


class AssignForm(Form):
    """Who gets the lead: a person, or a pool."""

    owner: Email | None = Field(default=None, description="A person of the team.")
    pool: Id | None = Field(default=None, description="A pool of team.yaml.")
    by: Literal["round_robin"] = Field(default="round_robin", description="How the pool takes turns.")
    sticky: bool = Field(default=False, description="Keep the owner that the CRM names already, if active.")


class RouteForm(Form):
    """One rule; the first that matches wins, its own routes are looked at first."""

    id: Id
    when: When | None = Field(default=None, description="Whom it is for; the last route of the file has none: it matches always.")
    assign: AssignForm
    fallback: PersonForm | None = Field(
        default=None, description="Who gets the lead when nobody of the pool can; else the next outer route's."
    )
    routes: list[RouteForm] = Field(default=[], description="Finer rules inside this one.")


class RoutingFile(Form):
    """routing.yaml: the ordered tree; the last route matches always."""

    routes: list[RouteForm] = Field(min_length=1)


class AwayForm(Form):
    """An absence, both days included."""

    from_: Date = Field(alias="from", description="First day.", examples=["2026-12-21"])
    to: Date = Field(description="Last day.")


class RepForm(Form):
    """One person of the team."""

    name: str = Field(min_length=1)
    manager: Email | None = Field(default=None, description="Who is told when something stays undone.")
    away: list[AwayForm] = Field(default=[], description="Absences; nobody is assigned a lead while away.")


class TeamFile(Form):
    """team.yaml: the people, the pools, the time zone."""

    timezone: str = Field(default="UTC", description="An IANA time zone; days begin by it.", examples=["Europe/Berlin"])
    reps: dict[Email, RepForm] = Field(description="The people, by e-mail; their ids are found in each system.")
    pools: dict[Id, list[Email]] = Field(default={}, description="Named lists of people who take turns.")


FILES: dict[str, type[Form]] = {
    "fields.yaml": FieldsFile,
    "lifecycle.yaml": LifecycleFile,
    "routing.yaml": RoutingFile,
    "team.yaml": TeamFile,
}
"""Every file of the playbook and its shape."""


def schema(file: str) -> dict[str, Any]:
    """Give the JSON Schema of a file, for editors."""
    return FILES[file].model_json_schema()

"""fields.yaml as it is written: systems, scope, guards, shared fields."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator, Field, StringConstraints, Tag

from sync.playbook.forms.base import Form, Id, Name, Value, When, WhenForm, written
from sync.playbook.models import COMPUTED, About, FieldKind, Mode, Normalise, Side


class CreateForm(Form):
    """As what a person is made in a system, and who is."""

    as_: str = Field(
        alias="as",
        description="The vendor's object. A contact is made under the account that the lead was matched to.",
        examples=["Contact"],
    )
    when: When | None = Field(default=None, description="For whom; without it for everyone.", examples=["has(account.name)"])


def _created(value: object) -> str:
    return "list" if isinstance(value, list) else written(value)


Create = Annotated[
    Annotated[Literal["never", "always"], Tag("short")] | Annotated[WhenForm, Tag("long")] | Annotated[list[CreateForm], Tag("list")],
    Discriminator(_created),
]


class FreezeForm(Form):
    """When one field is left alone, where it is not as the guards say."""

    flips: int = Field(ge=2, description="Changing to and fro more often than this in the window freezes the field.", examples=[3])
    window_s: int = Field(ge=1, description="The window, in seconds; it stays frozen for as long.", examples=[600])


class SystemForm(Form):
    """One named system; the order of the systems settles ties."""

    vendor: Id = Field(description="Which connector: a folder of `connectors/`.", examples=["salesforce", "hubspot"])
    side: Side = Field(description="Whose system it is: a field with policy `sales` belongs to the systems of that side.")
    mode: Mode = Field(default="observe", description="`observe`: decide everything, write nothing (the default). `write`: write too.")
    object: str = Field(default="", description="The vendor's object that is created for a person.", examples=["Lead", "contacts"])
    account: str = Field(default="", description="The vendor's object that holds accounts (companies).", examples=["Account", "companies"])
    opportunity: str = Field(
        default="", description="The vendor's object that holds opportunities (deals).", examples=["Opportunity", "deals"]
    )
    objects: dict[str, Mode] = Field(
        default={},
        description="The mode of single objects of this system; the others have the system's mode.",
        examples=[{"Lead": "write", "Contact": "observe"}],
    )
    create: Create = Field(
        default="never",
        description="May Truce create records here, for whom, and as what: never, always, all / any / none, or a list of rules of which "
        "the first that holds counts.",
        examples=["always", {"all": ["has(lead.company)"]}, [{"as": "Contact", "when": "has(account.name)"}, {"as": "Lead"}]],
    )
    primary: list[str] = Field(
        default=[],
        description="Which of several records of one lead is written: objects in this order, then the last active one. The others are read, "
        "and only told of an opt-out.",
        examples=[["Contact", "Lead"]],
    )
    defaults: dict[str, Value] = Field(
        default={}, description="Vendor fields that a create needs when nothing better is known.", examples=[{"LastName": "[not provided]"}]
    )
    bulk: Literal["hold", "pass"] = Field(
        default="hold", description="Changes that are no one's own act (imports): hold their hand-offs, or not."
    )
    country: str | None = Field(
        default=None,
        pattern=r"^[A-Z]{2}$",
        description="The region by which a phone number without a country code is read.",
        examples=["DE"],
    )


def _called(value: object) -> str:
    return "name" if isinstance(value, str) else "none"


ObjectName = Annotated[
    Annotated[str, StringConstraints(min_length=1), Tag("name")] | Annotated[Literal[False], Tag("none")], Discriminator(_called)
]


class MappingForm(Form):
    """How one system spells one shared field."""

    name: str = Field(min_length=1, description="The vendor's field name.", examples=["NumberOfEmployees"])
    objects: dict[str, ObjectName] = Field(
        default={},
        description="Objects that call the field otherwise: object → name, or false where it does not have it.",
        examples=[{"Contact": "Title__c"}, {"Contact": False}],
    )
    mode: Mode = Field(default="write", description="`observe`: this field is read here and never written.")
    values: dict[str, str] = Field(
        default={}, description="Picklists: our value → the vendor's. Must name every value.", examples=[{"mql": "MQL", "sal": "SAL"}]
    )
    reads: dict[str, str] = Field(
        default={},
        description="The vendor's value → ours, where `values` alone does not say it.",
        examples=[{"Marketing Qualified": "mql"}],
    )
    read_only: bool = Field(default=False, description="The vendor does not let anyone write it.")


Mapping = Annotated[
    Annotated[str, StringConstraints(min_length=1), Tag("short")] | Annotated[MappingForm, Tag("long")], Discriminator(written)
]


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
    values: list[str] = Field(
        default=[],
        description="Picklists: the values it may have. For `stage` they are those of lifecycle.yaml.",
        examples=[["new", "working"]],
    )
    order: list[str] = Field(
        default=[], description="For most_advanced and stricter: the values from least to most.", examples=[["new", "working", "done"]]
    )
    consent: Id | None = Field(
        default=None, description="The channel or subscription type, when this is an opt-out flag (true: opted out).", examples=["email"]
    )
    freeze: FreezeForm | None = Field(
        default=None,
        description="When this field is left alone because it goes to and fro; without it as the guards say.",
        examples=[{"flips": 3, "window_s": 600}],
    )
    normalise: Normalise | None = Field(
        default=None,
        description="Texts only: `lower` and `upper` make all letters small or capital, `title` writes KIM LARSEN and kim larsen as Kim Larsen. "
        "What differs in that alone is the same, and is not written.",
        examples=["upper"],
    )


class GuardsForm(Form):
    """When a plan is too large to go on without a person."""

    writes_per_hour: int = Field(default=100_000, ge=1, description="More writes in an hour than this wait for a person.", examples=[5000])
    share_of_records: float = Field(
        default=1.0, gt=0, le=1, description="A larger share of a system's records than this waits for a person.", examples=[0.1]
    )
    moves_share: float = Field(
        default=0.25,
        gt=0,
        le=1,
        description="`truce apply` puts a playbook that moves a larger share of the open leads in force only with the checksum that a person has seen.",
        examples=[0.25],
    )
    flips: int = Field(default=6, ge=2, description="A field that changes more often than this in the window is frozen.", examples=[6])
    flip_window_s: int = Field(default=600, ge=1, description="That window, in seconds.", examples=[600])


Section = Literal["fields", "accounts", "opportunities"]
SECTIONS: dict[Section, About] = {"fields": "lead", "accounts": "account", "opportunities": "opportunity"}
"""The parts of fields.yaml that name shared fields, and the word before the dot that conditions have for each."""


class FieldsFile(Form):
    """fields.yaml: the systems, who is in scope, and the shared fields."""

    systems: dict[Id, SystemForm] = Field(description="The systems, in the order that settles ties.")
    scope: WhenForm = Field(default=WhenForm(), description="Whom Truce keeps equal. Opt-outs cross for everyone.")
    guards: GuardsForm = Field(default=GuardsForm(), description="When to stop and ask a person.")
    role_mailboxes: list[str] | None = Field(
        default=None, description="Addresses of a function, not of a person: the part before the @.", examples=[["info", "sales", "office"]]
    )
    fields: dict[Name, FieldForm] = Field(
        description="The shared fields of leads by the name that conditions use: `lead.<name>`. Truce fills in, where there is a field of that "
        "name: fit_score, engagement_score, lead_score; " + "; ".join(f"{name} ({one.text})" for name, one in COMPUTED.items()) + "."
    )
    accounts: dict[Name, FieldForm] = Field(
        default={},
        description="The shared fields of accounts: `account.<name>` is that of the lead's account. `name`, `domain` and `owner` have their "
        "meaning: by the first two a lead's account is found (free-mail domains never count; names are alike from 92 of 100 on), the third "
        "may keep the lead. A flag `customer` says that it is one, where no won opportunity does.",
        examples=[{"industry": {"type": "text", "policy": "sales", "systems": {"salesforce": "Industry", "hubspot": "industry"}}}],
    )
    opportunities: dict[Name, FieldForm] = Field(
        default={},
        description="The shared fields of opportunities: `opportunity.<name>` is that of the lead's open one. `stage`, `owner`, `amount` and "
        "`account` (type ref: the account that it belongs to) have their meaning, and so has `people` (a text: the ids, refs or e-mails of "
        "those who are in it, divided by commas).",
        examples=[{"amount": {"type": "number", "policy": "sales", "systems": {"salesforce": "Amount", "hubspot": "amount"}}}],
    )

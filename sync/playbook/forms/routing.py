"""routing.yaml as it is written: the ordered tree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, StringConstraints, Tag

from sync.playbook.forms.base import Date, Duration, Email, Form, Id, Name, When
from sync.playbook.models import By, Sticky

Reference = Annotated[str, StringConstraints(pattern=r"^(lead|account|opportunity)\.[a-z][a-z0-9_]{0,62}$")]
"""A value as conditions name it: `lead.language`."""
TableName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
"""The name of a table: its file under tables/ without `.csv`."""


class QueueForm(Form):
    """A vendor's queue, and the person who answers for what waits in it."""

    name: Id = Field(description="How the playbook calls it; env/<name>.yaml gives its id in each system.", examples=["emea-queue"])
    human: Email = Field(
        description="Who answers for what waits in it: a lead is never with a queue alone.", examples=["maria@acme.example"]
    )


class HoldForm(Form):
    """Wait for enrichment before anybody is chosen."""

    until: When = Field(description="Go on as soon as this holds.", examples=["has(lead.employees)"])
    at_most: Duration = Field(description="Go on after this long in any case: 90s, 15m, 2h, 1d.", examples=["15m"])


def _one_or_more(value: object) -> str:
    return "list" if isinstance(value, list) else "flag"


Stick = Annotated[Annotated[bool, Tag("flag")] | Annotated[list[Sticky], Tag("list")], Discriminator(_one_or_more)]


class AssignForm(Form):
    """Who gets the lead: exactly one of owner, pool, queue and table. A finer rule inherits what it does not say."""

    owner: Email | None = Field(default=None, description="This person of the team.", examples=["ana@acme.example"])
    pool: Id | None = Field(
        default=None,
        description="A pool of team.yaml; `territory`: the pool (or owner) that tables/territories.csv names for the lead.",
        examples=["emea-ae", "territory"],
    )
    queue: QueueForm | None = Field(default=None, description="A vendor's queue with a person who answers for it.")
    table: TableName | None = Field(
        default=None,
        description="The owner or pool in the lead's row of this table (tables/NAME.csv); no row: the fallback.",
        examples=["named_accounts"],
    )
    by: By | None = Field(
        default=None,
        description="How the pool takes turns: round_robin | weighted | least_open (fewest open leads) | capacity (most room left). "
        "Without it as the pool says. Goes with the pool: a finer rule with a pool of its own does not inherit it.",
    )
    sticky: Stick | None = Field(
        default=None,
        description="Who keeps the lead if they can, in this order: owner (the one that the CRM names already), account_owner, "
        "opportunity_owner, previous_owner (of an earlier cycle). true: owner. false: nobody, where the outer rule says otherwise.",
        examples=[True, ["account_owner", "owner"]],
    )
    skills: list[Id] | None = Field(
        default=None, description="What the person must be able to do, all of it; skills are given in team.yaml.", examples=[["plc"]]
    )
    language: Reference | None = Field(
        default=None, description="The field whose value the person must speak; an empty one asks for nothing.", examples=["lead.language"]
    )
    memory: int | None = Field(
        default=None,
        ge=0,
        le=50,
        description="The last so many people who had the lead are passed over, unless nobody would be left.",
        examples=[3],
    )
    hold: HoldForm | None = Field(default=None, description="Wait for enrichment before anybody is chosen, never longer than said.")
    priority: Literal["hot", "normal"] | None = Field(
        default=None,
        description="How urgently the hand-off is written: `hot` before all that waits, `normal` behind what is hot. "
        "Without it what a person's act caused is hot.",
    )
    sla: Name | None = Field(default=None, description="What is owed by when: an id of sla.yaml.", examples=["hot"])


class StepForm(Form):
    """One place to look for somebody: exactly one of owner, pool and queue."""

    owner: Email | None = Field(default=None, description="A person of the team.", examples=["maria@acme.example"])
    pool: Id | None = Field(default=None, description="A pool of team.yaml, by its own way of taking turns.", examples=["sdr"])
    queue: QueueForm | None = Field(default=None, description="A vendor's queue with a person who answers for it.")


def _chain(value: object) -> str:
    return "chain" if isinstance(value, list) else "step"


Chain = Annotated[
    Annotated[StepForm, Tag("step")] | Annotated[list[StepForm], Field(min_length=1, max_length=20), Tag("chain")], Discriminator(_chain)
]
"""One step or several; the last is a person."""


class RouteForm(Form):
    """One rule; the first that matches wins, its own routes are looked at first."""

    id: Id = Field(description="How explanations, cases and reports call it; used once.", examples=["emea-enterprise"])
    when: When | None = Field(
        default=None,
        description="Whom it is for; the last route of the file has none: it matches always.",
        examples=["lead.country in ['DE', 'AT']"],
    )
    from_: Date | None = Field(
        default=None, alias="from", description="It counts from this day on, by the company's time zone.", examples=["2026-12-01"]
    )
    until: Date | None = Field(default=None, description="It counts until this day, which is included.", examples=["2026-12-31"])
    assign: AssignForm | None = Field(default=None, description="Who gets the lead; a finer rule may leave out all or some of it.")
    fallback: Chain | None = Field(
        default=None,
        description="Where to look when nobody of `assign` can: one step or a list of them, the last a person. "
        "Without it the next outer route's, at last that of the file's last route.",
        examples=[{"owner": "maria@acme.example"}, [{"pool": "sdr"}, {"owner": "maria@acme.example"}]],
    )
    routes: list[RouteForm] = Field(
        default=[], description="Finer rules inside this one: they see only what matches it, and inherit assign, fallback, from and until."
    )

    @property
    def steps(self) -> list[StepForm]:
        """The fallback as a list."""
        given: Any = self.fallback
        return [] if given is None else [given] if isinstance(given, StepForm) else list(given)


def walk(routes: list[RouteForm], path: tuple[str | int, ...] = ("routes",)) -> Iterator[tuple[tuple[str | int, ...], RouteForm]]:
    """Give every route with its place, outer ones before those inside them."""
    for index, route in enumerate(routes):
        yield (*path, index), route
        yield from walk(route.routes, (*path, index, "routes"))


class RoutingFile(Form):
    """routing.yaml: the ordered tree; the last route matches always."""

    routes: list[RouteForm] = Field(min_length=1, description="The rules from top to bottom: the first that matches decides.")

"""routing.yaml as it is written: the ordered tree."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from sync.playbook.forms.base import Email, Form, Id, When


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

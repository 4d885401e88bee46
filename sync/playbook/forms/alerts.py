"""alerts.yaml as it is written: channels, the tree that says who is told, quiet hours, the digest."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from sync.playbook.forms.base import Duration, Email, Form, Id, Name
from sync.playbook.forms.team import Days
from sync.playbook.models import Cause, Label, Medium

Time = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
"""A time of the day: 08:30."""
_TO = "Channels of this file, and people by what they are to the lead: owner, manager, deputy, accountable."


class ChannelForm(Form):
    """A way out."""

    kind: Medium = Field(description="slack | email | webhook | asana | apprise (Teams, PagerDuty and many more).", examples=["slack"])
    next: Id | None = Field(
        default=None, description="The channel that has the message within a minute when this one refuses.", examples=["mail"]
    )


class RouteSettings(Form):
    """What a node of the tree may say, and otherwise has from the one above it."""

    group_by: list[Label] | None = Field(
        default=None,
        description="Problems that have these in common are one message. In the root without it: owner, system, cause.",
        examples=[["owner", "system", "cause"]],
    )
    group_wait: Duration | None = Field(
        default=None, description="So long a new group waits for more of its kind. In the root without it: 30s.", examples=["30s"]
    )
    group_interval: Duration | None = Field(
        default=None, description="So long until a message says what joined the group. In the root without it: 5m.", examples=["5m"]
    )
    repeat_interval: Duration | None = Field(
        default=None, description="So long until the same is said again, if it is still open. In the root without it: 4h.", examples=["4h"]
    )
    wakes: bool | None = Field(default=None, description="It is sent in quiet hours too.")
    digest: bool | None = Field(default=None, description="It is not sent at once but told in the digest.")


class MatchForm(Form):
    """Which problems a rule is for."""

    cause: list[Cause] = Field(default=[], description="Kinds of problem.", examples=[["not_accepted", "not_worked"]])
    priority: list[Literal["hot", "normal"]] = Field(default=[], description="The priority of the lead's route.", examples=[["hot"]])
    sla: list[Name] = Field(default=[], description="SLAs of sla.yaml.", examples=[["hot"]])
    segment: list[Id] = Field(default=[], description="Segments of lifecycle.yaml.", examples=[["enterprise"]])
    pool: list[Id] = Field(default=[], description="Pools of team.yaml.", examples=[["emea-ae"]])
    owner: list[Email] = Field(default=[], description="People of team.yaml whose leads they are.", examples=[["ana@acme.example"]])
    system: list[Id] = Field(default=[], description="Systems of fields.yaml.", examples=[["salesforce"]])


class AlertRouteForm(RouteSettings):
    """A finer rule: the first whose `match` fits decides; what it does not say it has from the one above."""

    id: Id = Field(description="How messages and reports call it; used once.", examples=["hot-leads"])
    match: MatchForm = Field(
        description="Which problems: each key that stands here must have one of its values.",
        examples=[{"cause": ["not_accepted", "not_worked"], "priority": ["hot"]}],
    )
    to: list[Id] | None = Field(default=None, min_length=1, description=_TO, examples=[["owner", "manager"]])
    accountable: Email | None = Field(
        default=None, description="The person who answers for what is told here.", examples=["head.of.sales@acme.example"]
    )
    routes: list[AlertRouteForm] = Field(default=[], description="Finer rules within this one.")


class RootForm(RouteSettings):
    """The root: it has no `match`, so that no problem is told to nobody."""

    to: list[Id] = Field(min_length=1, description=_TO, examples=[["managers"]])
    accountable: Email = Field(description="The person who answers for what is told here.", examples=["head.of.sales@acme.example"])
    routes: list[AlertRouteForm] = Field(default=[], description="Finer rules, in order: the first whose `match` fits decides.")


class QuietForm(Form):
    """A span of the day in which only what wakes is sent."""

    days: Days = Field(default="mon-sun", description="The days on which it begins.", examples=["mon-fri"])
    from_: Time = Field(alias="from", description="When it begins.", examples=["19:00"])
    to: Time = Field(description="When it ends; before `from`: on the next morning.", examples=["07:00"])


class DigestForm(Form):
    """What did not go at once, told together."""

    at: Time = Field(description="When it is told.", examples=["08:30"])
    days: Days = Field(default="mon-fri", description="On which days.", examples=["mon-fri"])
    to: list[Id] = Field(min_length=1, description="Channels of this file.", examples=[["managers"]])


class EventsForm(Form):
    """What happens in Truce goes to another program."""

    to: Id = Field(description="A channel of this file of kind webhook.", examples=["warehouse"])
    types: list[str] = Field(
        min_length=1,
        description="Which events: their types, or the beginning of several with a star.",
        examples=[["truce.handoff.*", "truce.lead.stage_changed"]],
    )


class AlertsFile(Form):
    """alerts.yaml: who is told of what fails."""

    timezone: str | None = Field(
        default=None, description="The zone (IANA) of quiet hours and digest; without it that of team.yaml.", examples=["Europe/Berlin"]
    )
    channels: dict[Id, ChannelForm] = Field(
        default={}, description="Ways out by name; their ids stand in env/<name>.yaml, their secrets in the environment.",
        examples=[{"managers": {"kind": "slack", "next": "mail"}, "mail": {"kind": "email"}}],
    )  # fmt: skip
    route: RootForm = Field(description="The root of the tree: for every problem that no finer rule takes.")
    quiet_hours: list[QuietForm] = Field(
        default=[],
        description="When only what wakes is sent; the rest waits.",
        examples=[[{"days": "mon-fri", "from": "19:00", "to": "07:00"}]],
    )
    digest: DigestForm | None = Field(default=None, description="When the rest is told together.")
    events: list[EventsForm] = Field(
        default=[],
        description="What happens goes to other programs, signed by Standard Webhooks: hand-offs, stages, goals. Each event is sent until it is "
        "taken, three days at most, with the same webhook-id.",
        examples=[[{"to": "warehouse", "types": ["truce.handoff.*", "truce.goal.reached"]}]],
    )

"""team.yaml as it is written: people, pools, time zone."""

from __future__ import annotations

from pydantic import Field

from sync.playbook.forms.base import Date, Email, Form, Id


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

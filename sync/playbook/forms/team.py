"""team.yaml as it is written: people, their times and limits, pools."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, Field, StringConstraints, Tag

from sync.playbook.forms.base import Date, Email, Form, Id
from sync.playbook.models import By

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = "|".join(DAYS)
Days = Annotated[str, StringConstraints(pattern=rf"^({_DAY})(-({_DAY}))?$")]
"""A day of the week or several on end: mon, mon-fri."""
Span = Annotated[str, StringConstraints(pattern=r"^([01]?\d|2[0-3]):[0-5]\d-(([01]?\d|2[0-3]):[0-5]\d|24:00)$")]
"""A part of a day: 09:00-17:30."""
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")]


def _listed(value: object) -> str:
    return "list" if isinstance(value, list) else "one"


Hours = dict[Days, Annotated[Annotated[Span, Tag("one")] | Annotated[list[Span], Tag("list")], Discriminator(_listed)]]
Calendar = Annotated[str, StringConstraints(pattern=r"^([A-Z]{2,3}(-[A-Za-z0-9 ]{1,40})?|none)$")]
"""A country's public holidays, with a subdivision after a dash: DE, DE-BY; none: no holidays."""
_HOURS = "When they can be given leads: a day or days on end → a span or a list of spans; a day that is not named is off. "
_CALENDAR = "Whose public holidays are off: a country as two letters, with a state after a dash (DE, DE-BY, US-CA), or none. "


class AwayForm(Form):
    """An absence, both days included."""

    from_: Date = Field(alias="from", description="First day.", examples=["2026-12-21"])
    to: Date = Field(description="Last day, included.", examples=["2027-01-02"])
    cover: Email | None = Field(
        default=None, description="Who gets what would have been theirs; without it the next of the pool.", examples=["ben@acme.example"]
    )


class WindowForm(Form):
    """So many leads in any so many days on end."""

    days: int = Field(ge=1, le=366, description="How long the window is.", examples=[30])
    leads: int = Field(ge=0, description="How many leads in it, at most.", examples=[90])


class CapsForm(Form):
    """How many leads at most; whoever has reached one of them is passed over."""

    day: int | None = Field(default=None, ge=0, description="In one day, by the company's time zone.", examples=[8])
    week: int | None = Field(default=None, ge=0, description="In one week, which begins on Monday.", examples=[30])
    window: WindowForm | None = Field(default=None, description="In any so many days on end.", examples=[{"days": 30, "leads": 90}])
    open: int | None = Field(default=None, ge=0, description="Open at one time, those counted that the CRM gave them.", examples=[40])


class RampForm(Form):
    """A new hire begins with a share of the turns, and has all of them after some weeks."""

    since: Date = Field(description="The first day.", examples=["2026-11-01"])
    weeks: int = Field(ge=1, le=104, description="After so many weeks they have their whole share.", examples=[8])
    share: float = Field(default=0.25, gt=0, lt=1, description="The share that they begin with.", examples=[0.25])


class RepForm(Form):
    """One person of the team."""

    name: str = Field(min_length=1, description="As colleagues know them.", examples=["Ana Diaz"])
    manager: Email | None = Field(default=None, description="Who is told when something stays undone.", examples=["maria@acme.example"])
    deputy: Email | None = Field(
        default=None, description="Who stands in for them towards the team: alerts go to them too.", examples=["ben@acme.example"]
    )
    role: str = Field(default="", description="What they do.", examples=["account executive"])
    reach: dict[Id, str] = Field(
        default={},
        description="How to reach them besides by e-mail: channel → address there.",
        examples=[{"slack": "U024BE7LH", "phone": "+49 30 1234567"}],
    )
    timezone: str | None = Field(
        default=None,
        description="Their time zone (IANA), if not the company's: hours and holidays go by it.",
        examples=["America/New_York"],
    )
    hours: Hours | None = Field(
        default=None, description=f"{_HOURS}Without it the team's hours; {{}}: at any time.", examples=[{"mon-fri": "09:00-17:30"}]
    )
    calendar: Calendar | None = Field(default=None, description=f"{_CALENDAR}Without it the team's.", examples=["DE-BE", "none"])
    languages: list[Language] = Field(default=[], description="The languages that they speak, as two letters.", examples=[["de", "en"]])
    skills: list[Id] = Field(default=[], description="What they can do that a route may ask for.", examples=[["plc"]])
    away: list[AwayForm] = Field(default=[], description="Absences; nobody is assigned a lead while away.")
    caps: CapsForm = Field(default=CapsForm(), description="How many leads they can be given, over all pools.", examples=[{"day": 8}])
    ramp: RampForm | None = Field(default=None, description="A new hire's first weeks: fewer turns at first.")


class MemberForm(Form):
    """A person in a pool with a weight."""

    rep: Email = Field(description="A person of the team.", examples=["ana@acme.example"])
    weight: float = Field(default=1, description="How many turns they have where others have one; counts with by: weighted.", examples=[2])


def _member(value: object) -> str:
    return "long" if isinstance(value, dict | MemberForm) else "short"


Member = Annotated[Annotated[Email, Tag("short")] | Annotated[MemberForm, Tag("long")], Discriminator(_member)]


class PoolForm(Form):
    """People who take turns, by which way, and how much the pool can take."""

    members: list[Member] = Field(description="Who is in it.", examples=[["ana@acme.example", {"rep": "ben@acme.example", "weight": 2}]])
    by: By = Field(
        default="round_robin",
        description="How they take turns: round_robin | weighted | least_open (fewest open leads) | capacity (most room left).",
    )
    each: CapsForm = Field(default=CapsForm(), description="How many leads each member can be given in this pool.", examples=[{"day": 8}])
    total: CapsForm = Field(default=CapsForm(), description="How many leads the pool as a whole can be given.", examples=[{"day": 5}])


def _pool(value: object) -> str:
    return "short" if isinstance(value, list) else "long"


Pool = Annotated[Annotated[list[Member], Tag("short")] | Annotated[PoolForm, Tag("long")], Discriminator(_pool)]


class TeamFile(Form):
    """team.yaml: the people, the pools, the time zone."""

    timezone: str = Field(default="UTC", description="The company's time zone (IANA); days begin by it.", examples=["Europe/Berlin"])
    hours: Hours = Field(
        default={}, description=f"{_HOURS}For everyone who has none of their own; {{}}: at any time.", examples=[{"mon-fri": "09:00-17:30"}]
    )
    calendar: Calendar = Field(default="none", description=f"{_CALENDAR}For everyone who has none of their own.", examples=["DE"])
    reps: dict[Email, RepForm] = Field(description="The people, by e-mail; their ids are found in each system.")
    pools: dict[Id, Pool] = Field(default={}, description="People who take turns: a list of them, or members, by, each and total.")

    def pool(self, name: str) -> PoolForm:
        """Give a pool in its long form; raises KeyError."""
        given: Any = self.pools[name]
        return given if isinstance(given, PoolForm) else PoolForm(members=given)


def members(pool: PoolForm) -> list[MemberForm]:
    """Give a pool's members in their long form, in order."""
    return [one if isinstance(one, MemberForm) else MemberForm(rep=one) for one in pool.members]

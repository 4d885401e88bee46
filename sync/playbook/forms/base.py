"""What the shapes of all files share: names, people, conditions as they are written."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Discriminator, Field, StringConstraints, Tag

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
"""A name that stands in conditions: small letters, digits and "_"."""
Id = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,62}$")]
"""The id of a rule, stage, system or pool: small letters, digits and "-"."""
Email = Annotated[str, StringConstraints(pattern=r"^[^@\sA-Z]+@[^@\sA-Z]+\.[^@\sA-Z]+$", max_length=254)]
"""A person of the team, by e-mail in small letters."""
Line = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
"""One condition: a line of CEL over `lead.<field>` that is true or false."""
Date = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$")]
Duration = Annotated[str, StringConstraints(pattern=r"^[1-9]\d{0,5}[smhdw]$")]
"""A length of time: 90s, 15m, 2h, 3d, 1w."""
Value = str | int | float | bool


class Form(BaseModel):
    """What every shape is: strict types, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False, defer_build=True)


class WhenForm(Form):
    """Lists of conditions; all three must hold. Without any, it matches always."""

    all: list[Line] = Field(
        default=[], description="Every line must hold.", examples=[["lead.country in ['DE', 'FR', 'NO']", "lead.employees >= 500"]]
    )
    any: list[Line] = Field(default=[], description="At least one line must hold.", examples=[["lead.fit >= 60", "lead.engagement >= 40"]])
    none: list[Line] = Field(default=[], description="No line may hold.", examples=[["has(lead.phone)"]])


def written(value: object) -> str:
    """Say which of two shapes a value has: a `short` text or a `long` mapping."""
    return "short" if isinstance(value, str) else "long"


When = Annotated[Annotated[Line, Tag("short")] | Annotated[WhenForm, Tag("long")], Discriminator(written)]
"""One line, or lists of lines."""

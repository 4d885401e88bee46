"""What every message is made of: scalars, record refs, and the frozen model they live in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict

Scalar = str | int | float | bool | None
"""A field's value in canonical form: text, number, flag, or None for blank; dates are "YYYY-MM-DD", times ISO-8601 with "Z"."""


def _utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("a time outside the years 1 to 9999") from error


Moment = Annotated[AwareDatetime, AfterValidator(_utc)]
"""A time with a zone, kept in UTC; a time without a zone is refused."""


class Ref(NamedTuple):
    """Names one row in one system; written ``system:object:id``."""

    system: str
    object: str
    id: str

    def __str__(self) -> str:
        return f"{self.system}:{self.object}:{self.id}"

    @classmethod
    def parse(cls, text: str) -> Ref:
        """Read ``system:object:id``; raises ValueError when a part is missing."""
        system, _, rest = text.partition(":")
        kind, _, ident = rest.partition(":")
        if not (system and kind and ident):
            raise ValueError(f"not a record ref (system:object:id): {text!r}")
        return cls(system, kind, ident)


def _ref(text: str) -> str:
    Ref.parse(text)
    return text


RefText = Annotated[str, AfterValidator(_ref)]
"""A record ref as text, checked to have its three parts."""


class Message(BaseModel):
    """A frozen message; fields it does not know are kept, so that an old reader loses nothing of a newer writer."""

    model_config = ConfigDict(frozen=True, extra="allow", defer_build=True)

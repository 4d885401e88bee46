"""HubSpot's webhook calls: what one entry says, and what is none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from connectors.base import Unwelcome
from schemas import strict

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_TEXT = BeforeValidator(lambda value: str(value) if type(value) is int else value)  # ids come as numbers and as texts
Ident = Annotated[str, _TEXT, Field(pattern=r"^[0-9]{1,20}$")]


class Event(BaseModel):
    """One entry of a webhook's array (WIRE: HubSpot webhooks v3); what it has beyond this is of no use to us."""

    model_config = ConfigDict(frozen=True, strict=True, allow_inf_nan=False)
    subscriptionType: str = Field(max_length=100)
    objectId: Ident = ""
    """Empty in an event that names two records (associationChange)."""
    occurredAt: int = Field(ge=0, le=253_402_300_799_999)
    objectTypeId: str | None = None
    portalId: Ident | None = None
    changeSource: str | None = None
    sourceId: Annotated[str | None, _TEXT] = None
    propertyName: str | None = Field(default=None, max_length=255)
    propertyValue: str | int | bool | float | None = None
    primaryObjectId: Ident | None = None
    mergedObjectIds: list[Ident] = Field(default_factory=list)
    newObjectId: Ident | None = None

    @property
    def at(self) -> datetime:
        """When it happened, at HubSpot."""
        return EPOCH + timedelta(milliseconds=self.occurredAt)

    @property
    def verb(self) -> str | None:
        """What happened to a contact (`creation`, `propertyChange` …); None for other objects."""
        kind, _, verb = self.subscriptionType.partition(".")
        if not self.objectId and verb != "merge":
            return None
        return verb if kind == "contact" or (kind == "object" and self.objectTypeId == "0-1") else None

    def merged(self) -> tuple[str, list[str]]:
        """Give (survivor, losers) of a merge: since 2025 the survivor is a new record, before that the primary one."""
        primary = self.primaryObjectId or self.objectId
        survivor = self.newObjectId or primary
        return survivor, [one for one in dict.fromkeys([primary, *self.mergedObjectIds]) if one != survivor]


_EVENTS = TypeAdapter(list[Event])


def events(body: bytes) -> list[Event]:
    """Read a webhook's body; raises Unwelcome with the entry and field that is wrong, never with its value."""
    try:
        return _EVENTS.validate_python(strict.once(body))
    except ValidationError as error:
        first: Any = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise Unwelcome(f"{'.'.join(map(str, first['loc'])) or 'the body'}: {first['msg']}"[:200]) from None
    except ValueError as error:
        raise Unwelcome(f"the body is no JSON: {error}"[:200]) from None

"""HubSpot's webhook calls: their signature, what one entry says, and what is none."""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from connectors.base import Forged, Unwelcome
from connectors.hubspot.objects import CONTACTS, DEALS, SHAPES, named
from schemas import strict
from schemas.base import Ref

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
STALE_MS = 5 * 60 * 1000
# What HubSpot decodes in the address before it signs (its guide "Validating requests").
_DECODED = {f"%{ord(char):02X}": char for char in ":/?@!$'()*,;"}
_ENCODED = re.compile("|".join(_DECODED), re.IGNORECASE)


def signed(secret: str, method: str, uri: str, body: bytes, stamp: str) -> bytes:
    """Give the v3 signature: base64(HMAC-SHA256(secret, METHOD + URI + body + timestamp)), the URI with twelve characters decoded."""
    plain = _ENCODED.sub(lambda found: _DECODED[found.group().upper()], uri)
    text = f"{method.upper()}{plain}".encode(errors="surrogatepass") + body + stamp.encode()
    return base64.b64encode(hmac.new(secret.encode(), text, sha256).digest())


def verify(secrets: str, method: str, uri: str, headers: Mapping[str, str], body: bytes, *, now: datetime) -> None:
    """Raise Forged unless one of the secrets (separated by white space) signed this call within five minutes of now, either way."""
    given = {name.lower(): value for name, value in headers.items()}
    signature, stamp = given.get("x-hubspot-signature-v3", ""), given.get("x-hubspot-request-timestamp", "")
    if not signature or not re.fullmatch(r"[0-9]{1,15}", stamp):
        raise Forged("the v3 signature or its timestamp is missing")
    if abs((now - EPOCH) // timedelta(milliseconds=1) - int(stamp)) > STALE_MS:
        raise Forged("the timestamp is more than five minutes away")
    sent = signature.encode(errors="surrogatepass")
    if not any([hmac.compare_digest(signed(secret, method, uri, body, stamp), sent) for secret in secrets.split()]):  # noqa: C419
        raise Forged("the signature is wrong")  # every secret was tried, so that the time tells nothing


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
    associationType: str = Field(default="", max_length=100)
    fromObjectId: Ident | None = None
    toObjectId: Ident | None = None
    fromObjectTypeId: str | None = None
    toObjectTypeId: str | None = None

    @property
    def at(self) -> datetime:
        """When it happened, at HubSpot."""
        return EPOCH + timedelta(milliseconds=self.occurredAt)

    @property
    def object(self) -> str | None:
        """Which object it is about; None for those that are of no use to us."""
        return named(self.subscriptionType, self.objectTypeId)[0]

    @property
    def verb(self) -> str:
        """What happened: `creation`, `propertyChange`, `associationChange` …"""
        return named(self.subscriptionType, self.objectTypeId)[1]

    @property
    def deal(self) -> str | None:
        """The deal whose people or company changed, told from either side ("CONTACT_TO_DEAL", or by type ids); None for anything else."""
        if self.verb != "associationChange":
            return None
        here, _, there = self.associationType.upper().partition("_TO_")
        if here == "DEAL" or self.fromObjectTypeId == SHAPES[DEALS].type_id:
            return self.fromObjectId
        return self.toObjectId if there == "DEAL" or self.toObjectTypeId == SHAPES[DEALS].type_id else None

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


def orders(found: Sequence[Event], system: str, app_id: str | None) -> list[str]:
    """Name what must be read because an event says too little: deals whose associations changed, activities that may have taken place.

    And contacts that were deleted: who was erased for privacy is told so only where that is subscribed to, and is gone for good when read.
    """
    refs: list[str] = []
    erased = {event.objectId for event in found if event.verb == "privacyDeletion"}
    for event in found:
        response = SHAPES[event.object].response if event.object else None
        own = app_id is not None and (event.changeSource, event.sourceId) == ("INTEGRATION", app_id)
        if event.deal:
            refs.append(str(Ref(system, DEALS, event.deal)))
        elif event.object == CONTACTS and event.verb == "deletion" and event.objectId and event.objectId not in erased:
            refs.append(str(Ref(system, CONTACTS, event.objectId)))
        elif event.object and response and event.objectId and not own and event.verb in ("creation", "propertyChange"):
            refs += [str(Ref(system, event.object, event.objectId))] if event.propertyName in (None, response.status) else []
    return refs

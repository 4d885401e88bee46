"""The emulated account as its doors see it, and what a door is: a path with its handler, scope and limit."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from connectors.emulator.faults import Faults
from connectors.emulator.hubspot.auth import Actor, Auth
from connectors.emulator.hubspot.errors import malformed, missing, no_json
from connectors.emulator.hubspot.index import Index
from connectors.emulator.hubspot.kinds import Kind
from connectors.emulator.hubspot.limits import Kind as Limit
from connectors.emulator.hubspot.limits import Limits
from connectors.emulator.hubspot.links import Links
from connectors.emulator.hubspot.properties import Schema
from connectors.emulator.hubspot.records import Records
from connectors.emulator.hubspot.webhooks import Hooks
from connectors.emulator.journal import Journal

if TYPE_CHECKING:
    from connectors.emulator.hubspot.consent import Consent
    from connectors.emulator.hubspot.forms import Forms


@dataclass(frozen=True)
class Owner:
    """A HubSpot user who may own records; `id` is not `user_id`."""

    id: str
    email: str
    first_name: str = ""
    last_name: str = ""
    user_id: int = 0
    archived: bool = False


@dataclass
class Lists:
    """The account's static lists of contacts, by id."""

    names: Mapping[str, str]
    members: dict[str, dict[int, int]] = field(default_factory=dict)
    """List → contact → since when (ms)."""

    def known(self, ident: str) -> dict[int, int]:
        """Give a list's members; raises Refused (404) where there is no such list."""
        if ident not in self.names:
            raise missing(f"List does not exist with ID {ident[:20]}.")
        return self.members.setdefault(ident, {})


@dataclass
class Mails:
    """The event log, the oldest first."""

    log: list[dict[str, Any]] = field(default_factory=list)

    def add(self, recipient: str, kind: str, at: int, subject: str, sent_at: int, portal_id: int, **more: Any) -> None:
        """Note an event of a message."""
        sent = {"id": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{recipient}:{subject}:{sent_at}")), "created": sent_at}
        event = {"id": str(uuid.uuid4()), "created": at, "type": kind, "recipient": recipient, "subject": subject, "sentBy": sent}
        self.log.append(
            event | {"appId": 113, "appName": "Batch", "emailCampaignId": 8_888, "portalId": portal_id, "filteredEvent": False} | more
        )


@dataclass
class Portal:
    """Everything that one account holds, as the paths of one object see it: `kind`, `schema`, `records` and `index` are that object's."""

    portal_id: int
    clock: Callable[[], datetime]
    kind: Kind
    schema: Schema
    records: Records
    index: Index
    links: Links
    hooks: Hooks
    auth: Auth
    limits: Limits
    journal: Journal
    faults: Faults
    consent: Consent
    forms: Forms
    owners: dict[str, Owner]
    objects: dict[str, Portal] = field(default_factory=dict)
    """The same account as the paths of each object see it, contacts included."""
    lists: Lists = field(default_factory=lambda: Lists({}))
    mails: Mails = field(default_factory=Mails)
    """Both of contacts' view alone."""

    @property
    def contacts(self) -> Records:
        """Give the contacts, whichever object this is of."""
        return self.objects["contacts"].records


@dataclass
class Call:
    """One request after authentication."""

    method: str
    path: str
    params: Mapping[str, str]
    query: Mapping[str, Sequence[str]]
    body: bytes
    client: str
    actor: Actor
    rows: int = 1
    """How many records the request names; handlers correct it."""
    kind: str = ""
    """The body's content type."""

    def _read(self) -> Any:
        if self.kind != "application/json":
            raise no_json()
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise malformed(f"Invalid input JSON: {error}") from error

    def json(self) -> dict[str, Any]:
        """Read the body as a JSON object; raises Refused (400, 415)."""
        found = self._read()
        if not isinstance(found, dict):
            raise malformed("Invalid input JSON: an object is needed")
        return found

    def listing(self) -> list[Any]:
        """Read the body as a JSON list; raises Refused (400, 415)."""
        found = self._read()
        if not isinstance(found, list):
            raise malformed("Invalid input JSON: a list is needed")
        return found

    def one(self, name: str, default: str = "") -> str:
        """Give a query parameter."""
        return self.query.get(name, (default,))[0]

    def flag(self, name: str) -> bool:
        """Give a query parameter that is true or false."""
        return self.one(name).lower() == "true"

    def listed(self, name: str) -> list[str]:
        """Give a query parameter that may be repeated or separated by commas."""
        return [part.strip() for text in self.query.get(name, ()) for part in text.split(",") if part.strip()]

    def limit(self, default: int, most: int) -> int:
        """Give `limit`; raises Refused (400) when it is none or too large."""
        text = self.one("limit", str(default))
        if not text.isdigit() or not 0 < int(text) <= most:
            raise malformed(f"Invalid value for limit: {text[:20]}. It must be from 1 to {most}.")
        return int(text)


@dataclass(frozen=True)
class Answer:
    """What a handler answers; `body` None is no content."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Door:
    """One path of HubSpot's wire."""

    method: str
    path: str
    handler: Callable[[Portal, Call], Answer]
    scope: str | None = None
    writing: bool = False
    kind: Limit = "calls"
    anonymous: bool = False
    """True when no token is needed."""

"""Webhooks v3: which events are told, gathered into calls, sent with a real signature, retried, and disordered on demand."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from connectors.emulator.hubspot import moments
from connectors.emulator.hubspot.auth import Actor
from connectors.emulator.hubspot.kinds import KINDS, Kind
from connectors.emulator.hubspot.sender import Post, Sender

MOST_EVENTS = 100
VERBS = ("creation", "deletion", "merge", "restore", "propertyChange", "associationChange")
NAMED = [one.singular for one in KINDS.values() if one.hooks]
TYPES = (*(f"{name}.{verb}" for name in (*NAMED, "object") for verb in VERBS), "contact.privacyDeletion")
"""Every event type there is; those of "object" go with an object type id ("generic" webhooks, for all objects without a name of their own)."""
GENERIC = frozenset({"fromObjectTypeId", "toObjectTypeId", "associationTypeId", "associationCategory"})
"""What a change of associations says in generic events alone (changelog "Generic Webhook Subscriptions")."""
Event = dict[str, Any]


@dataclass(frozen=True)
class Subscription:
    """One thing that the app wants to be told; `property_name` only for propertyChange ("*": every property)."""

    id: int
    event_type: str
    property_name: str | None = None
    active: bool = True
    created: int = 0
    object_type_id: str | None = None

    def wire(self) -> dict[str, Any]:
        """Give the subscription as /webhooks/v3 does."""
        times = {"createdAt": moments.iso(self.created), "updatedAt": moments.iso(self.created)}
        name = {} if self.property_name is None else {"propertyName": self.property_name}
        type_id = {} if self.object_type_id is None else {"objectTypeId": self.object_type_id}
        return {"id": str(self.id), "eventType": self.event_type, "active": self.active} | name | type_id | times


@dataclass
class Hooks:
    """The webhooks of one app: `tell` gathers events, `flush` (at the end of a request) makes calls of them."""

    clock: Callable[[], datetime]
    portal_id: int
    app_id: int
    sender: Sender
    subscriptions: dict[int, Subscription] = field(default_factory=dict)
    shuffle: bool = False
    """Send what became due together in a random order, and events inside a call too."""
    duplicate: int = 0
    """How many more times every call is sent, with other event ids."""
    chance: random.Random = field(default_factory=lambda: random.Random(7))
    told: int = 0
    """Events made so far, duplicates not counted."""
    _gathered: list[Event] = field(default_factory=list)
    _event_ids: itertools.count[int] = field(default_factory=lambda: itertools.count(100_000_001))
    _next: itertools.count[int] = field(default_factory=lambda: itertools.count(501))

    def subscribe(
        self, event_type: str, property_name: str | None = None, *, object_type_id: str | None = None, active: bool = True
    ) -> Subscription:
        """Add a subscription."""
        one = Subscription(next(self._next), event_type, property_name, active, moments.millis(self.clock()), object_type_id)
        self.subscriptions[one.id] = one
        return one

    def subscribe_all(self, wanted: Iterable[str] | None) -> None:
        """Add subscriptions, "contact.creation", "deal.propertyChange:amount" or "object.propertyChange@0-27:*"; None: every event there is."""
        for text in _everything() if wanted is None else wanted:
            event, _, name = text.partition(":")
            event_type, _, type_id = event.partition("@")
            self.subscribe(event_type, name or None, object_type_id=type_id or None)

    def set_active(self, ident: int, active: bool) -> Subscription:
        """Switch a subscription; raises KeyError when there is none."""
        self.subscriptions[ident] = replace(self.subscriptions[ident], active=active)
        return self.subscriptions[ident]

    def tell(self, kind: Kind, verb: str, ident: int | None, at: int, actor: Actor, **more: Any) -> None:
        """Gather one event for every subscription that wants it; `ident` None where the event names its records otherwise."""
        name, named = more.get("propertyName"), f"{kind.singular}.{verb}"
        for one in self.subscriptions.values():
            fits = (
                one.event_type == named
                if one.object_type_id is None
                else (one.event_type, one.object_type_id) == (f"object.{verb}", kind.type_id)
            )
            if one.active and fits and one.property_name in (None, "*", name):
                self._gathered.append(self._event(one, ident, at, actor, more))

    def _event(self, one: Subscription, ident: int | None, at: int, actor: Actor, more: dict[str, Any]) -> Event:
        self.told += 1
        event: Event = {
            "eventId": next(self._event_ids),
            "subscriptionId": one.id,
            "portalId": self.portal_id,
            "appId": self.app_id,
            "occurredAt": at,
            "subscriptionType": one.event_type,
            "attemptNumber": 0,
            "changeSource": actor.source,
        }
        if ident is not None:
            event["objectId"] = ident
        if one.object_type_id is None:
            more = {name: value for name, value in more.items() if name not in GENERIC}
        elif not one.event_type.endswith(".associationChange"):  # that names the types of both its ends
            event["objectTypeId"] = one.object_type_id
        if actor.source_id:
            event["sourceId"] = actor.source_id
        return event | more | ({"isSensitive": False} if "propertyName" in more else {})

    def flush(self) -> None:
        """Make calls of what was gathered, at most 100 events each, and hand them to the sender."""
        gathered, self._gathered = self._gathered, []
        if not gathered or not self.sender.target_url:
            return
        posts = [Post(gathered[start : start + MOST_EVENTS]) for start in range(0, len(gathered), MOST_EVENTS)]
        for post in list(posts):
            for _ in range(self.duplicate):
                posts.append(Post([event | {"eventId": next(self._event_ids)} for event in post.events]))
        if self.shuffle:
            for post in posts:
                self.chance.shuffle(post.events)
        self.sender.send(posts, shuffle=self.chance if self.shuffle else None)


def _everything() -> list[str]:
    named = [f"{text}:*" if text.endswith(".propertyChange") else text for text in TYPES if not text.startswith("object.")]
    others = [one.type_id for one in KINDS.values() if not one.hooks]
    return named + [f"object.{verb}@{ident}" + (":*" if verb == "propertyChange" else "") for ident in others for verb in VERBS]

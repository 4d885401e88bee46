"""Consent by e-mail address and subscription type, and the contact properties that follow from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from connectors.emulator.hubspot import moments
from connectors.emulator.hubspot.auth import Actor
from connectors.emulator.hubspot.errors import Refused, malformed
from connectors.emulator.hubspot.portal import Answer, Call, Door, Portal
from connectors.emulator.hubspot.records import Records
from connectors.emulator.journal import Journal

SCOPE = "communication_preferences.read_write"
STATES = ("SUBSCRIBED", "UNSUBSCRIBED", "NOT_SPECIFIED")
BASES = ("/communication-preferences/v4", "/communication-preferences/2026-03", "/communication-preferences/2026-09")


@dataclass
class _Address:
    states: dict[int, tuple[str, int, str | None]] = field(default_factory=dict)
    all_out: bool = False
    all_at: int = 0


@dataclass
class Consent:
    """What every address said; an address needs no contact."""

    types: Mapping[int, str]
    """Subscription type id → its name."""
    journal: Journal
    contacts: Records
    _known: dict[str, _Address] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.contacts.flags = self.flags

    def flags(self, email: str) -> dict[str, str]:
        """Give hs_email_optout and hs_email_optout_<id> of an address, as far as something was said."""
        known = self._known.get(email)
        if known is None:
            return {}
        each = {f"hs_email_optout_{ident}": _optout(state) for ident, (state, _, _) in known.states.items() if state != "NOT_SPECIFIED"}
        return {"hs_email_optout": "true" if known.all_out else "false"} | each

    def state(self, email: str, type_id: int) -> str:
        """Give SUBSCRIBED, UNSUBSCRIBED or NOT_SPECIFIED."""
        known = self._known.get(email)
        if known is None:
            return "NOT_SPECIFIED"
        return "UNSUBSCRIBED" if known.all_out else known.states.get(type_id, ("NOT_SPECIFIED", 0, None))[0]

    def all_out(self, email: str) -> bool:
        """Tell whether the address unsubscribed from everything."""
        return email in self._known and self._known[email].all_out

    def set(self, email: str, type_id: int, state: str, actor: Actor, basis: str | None = None, *, quiet: bool = False) -> str:
        """Set one type; subscribing ends an unsubscription from everything; gives HubSpot's reason."""
        before = self.state(email, type_id)
        known = self._known.setdefault(email, _Address())
        back = known.all_out and state == "SUBSCRIBED"
        known.all_out = known.all_out and not back
        known.states[type_id] = (state, self.contacts.now(), basis)
        if not quiet:
            self._note(email, actor, {str(type_id): before}, {str(type_id): state})
        if back:
            return "RESUBSCRIBE_OCCURRED"
        return "NO_STATUS_CHANGE" if before == state else "REQUESTED_CHANGE_OCCURRED"

    def unsubscribe_all(self, email: str, actor: Actor, *, quiet: bool = False) -> None:
        """Unsubscribe an address from everything."""
        before = self.all_out(email)
        known = self._known.setdefault(email, _Address())
        known.all_out, known.all_at = True, self.contacts.now()
        for type_id in self.types:
            known.states[type_id] = ("UNSUBSCRIBED", known.all_at, None)
        if not quiet:
            self._note(email, actor, {"all": "UNSUBSCRIBED" if before else "SUBSCRIBED"}, {"all": "UNSUBSCRIBED"})

    def _note(self, email: str, actor: Actor, before: Mapping[str, str], after: Mapping[str, str]) -> None:
        one = self.contacts.find(email, "email")
        if one is not None and one.properties.get("email") == email:
            flags = self.flags(email)
            gone = {name: "" for name in one.properties if name.startswith("hs_email_optout") and name not in flags}
            self.contacts.stamp(one, gone | flags, actor)
        self.journal.effect(actor.client, "consent", "contacts", str(one.id) if one else email, before, after)

    def statuses(self, email: str, reasons: Mapping[int, str] | None = None) -> list[dict[str, Any]]:
        """Give the statuses of an address as the API does."""
        return [self.status(email, type_id, (reasons or {}).get(type_id)) for type_id in self.types]

    def status(self, email: str, type_id: int, reason: str | None = None) -> dict[str, Any]:
        """Give one status."""
        _, at, basis = self._known.get(email, _Address()).states.get(type_id, ("", 0, None))
        more = ({"setStatusSuccessReason": reason} if reason else {}) | ({"legalBasis": basis} if basis else {})
        return {
            "channel": "EMAIL",
            "subscriberIdString": email,
            "subscriptionId": type_id,
            "subscriptionName": self.types[type_id],
            "status": self.state(email, type_id),
            "source": "SUBSCRIPTION_STATUS",
            "timestamp": moments.iso(at),
        } | more


def _optout(state: str) -> str:
    return "true" if state == "UNSUBSCRIBED" else "false"


def _email(text: Any) -> str:
    email = unquote(str(text or "")).strip().lower()
    if "@" not in email:
        raise malformed(f"Invalid subscriberIdString: {email[:80]!r} is no e-mail address")
    return email


def _complete(portal: Portal, results: Sequence[Any], errors: Sequence[Any] = ()) -> Answer:
    now = moments.iso(portal.contacts.now())
    body: dict[str, Any] = {"status": "COMPLETE", "requestedAt": now, "startedAt": now, "completedAt": now, "results": list(results)}
    if errors:
        return Answer(207, body | {"numErrors": len(errors), "errors": list(errors)})
    return Answer(200, body)


def _channel(call: Call) -> None:
    if call.one("channel", "EMAIL").upper() != "EMAIL":
        raise malformed("channel must be EMAIL")


def _get(portal: Portal, call: Call) -> Answer:
    _channel(call)
    return _complete(portal, portal.consent.statuses(_email(call.params["email"])))


def _write_one(portal: Portal, call: Call, email: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    type_text, state = str(asked.get("subscriptionId", "")), asked.get("statusState")
    if not type_text.isdigit() or int(type_text) not in portal.consent.types:
        raise malformed(f"Subscription type {type_text[:40]!r} does not exist")
    if state not in STATES or asked.get("channel") != "EMAIL":
        raise malformed("statusState must be one of SUBSCRIBED, UNSUBSCRIBED, NOT_SPECIFIED and channel EMAIL")
    basis = asked.get("legalBasis")
    reason = portal.consent.set(email, int(type_text), state, call.actor, str(basis) if basis else None)
    return portal.consent.status(email, int(type_text), reason)


def _set(portal: Portal, call: Call) -> Answer:
    return _complete(portal, [_write_one(portal, call, _email(call.params["email"]), call.json())])


def _inputs(call: Call) -> list[Any]:
    rows = call.json().get("inputs")
    if not isinstance(rows, list) or len(rows) > 100:
        raise malformed("inputs must be a list of at most 100")
    call.rows = len(rows)
    return rows


def _batch_write(portal: Portal, call: Call) -> Answer:
    results, errors = [], []
    for row in _inputs(call):
        try:
            if not isinstance(row, dict):
                raise malformed("Invalid input JSON: an object is needed")
            results.append(_write_one(portal, call, _email(row.get("subscriberIdString")), row))
        except Refused as refused:
            subscriber = str(row.get("subscriberIdString")) if isinstance(row, dict) else ""
            errors.append(refused.row(None) | {"context": {"subscriberIdString": [subscriber]}})
    return _complete(portal, results, errors)


def _batch_read(portal: Portal, call: Call) -> Answer:
    emails = [_email(row) for row in _inputs(call)]
    return _complete(portal, [{"subscriberIdString": email, "statuses": portal.consent.statuses(email)} for email in emails])


def _wide(portal: Portal, email: str) -> dict[str, Any]:
    out = portal.consent.all_out(email)
    return {
        "subscriberIdString": email,
        "channel": "EMAIL",
        "status": "UNSUBSCRIBED" if out else "SUBSCRIBED",
        "wideStatusType": "PORTAL_WIDE",
        "timestamp": moments.iso(portal.contacts.now()),
    }


def _get_all(portal: Portal, call: Call) -> Answer:
    _channel(call)
    return _complete(portal, [_wide(portal, _email(call.params["email"]))])


def _set_all(portal: Portal, call: Call) -> Answer:
    _channel(call)
    email = _email(call.params["email"])
    portal.consent.unsubscribe_all(email, call.actor)
    reasons = dict.fromkeys(portal.consent.types, "UNSUBSCRIBE_FROM_ALL_OCCURRED")
    return _complete(portal, portal.consent.statuses(email, reasons))


def _batch_all(portal: Portal, call: Call) -> Answer:
    _channel(call)
    emails = [_email(row) for row in _inputs(call)]
    for email in emails:
        portal.consent.unsubscribe_all(email, call.actor)
    return _complete(portal, [_wide(portal, email) for email in emails])


def _definitions(portal: Portal, call: Call) -> Answer:
    started = moments.iso(0)
    kinds = [
        {
            "id": str(ident),
            "name": name,
            "description": name,
            "purpose": "Marketing",
            "communicationMethod": "Email",
            "isActive": True,
            "isDefault": False,
            "isInternal": False,
            "createdAt": started,
            "updatedAt": started,
        }
        for ident, name in portal.consent.types.items()
    ]
    return _complete(portal, kinds)


def doors() -> list[Door]:
    """Give the paths of this module."""
    return [
        one
        for base in BASES
        for one in (
            Door("GET", f"{base}/definitions", _definitions, SCOPE),
            Door("POST", f"{base}/statuses/batch/write", _batch_write, SCOPE, writing=True),
            Door("POST", f"{base}/statuses/batch/read", _batch_read, SCOPE),
            Door("POST", f"{base}/statuses/batch/unsubscribe-all", _batch_all, SCOPE, writing=True),
            Door("GET", f"{base}/statuses/{{email}}/unsubscribe-all", _get_all, SCOPE),
            Door("POST", f"{base}/statuses/{{email}}/unsubscribe-all", _set_all, SCOPE, writing=True),
            Door("GET", f"{base}/statuses/{{email}}", _get, SCOPE),
            Door("POST", f"{base}/statuses/{{email}}", _set, SCOPE, writing=True),
        )
    ]

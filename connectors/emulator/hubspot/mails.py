"""What became of marketing e-mails: the event log, newest first, in pages (HubSpot's guide "Email analytics v1": /email/public/v1/events)."""

from __future__ import annotations

from connectors.emulator.hubspot.errors import malformed
from connectors.emulator.hubspot.portal import Answer, Call, Door, Portal

SCOPE = "content"
TYPES = ("SENT", "DELIVERED", "OPEN", "CLICK", "BOUNCE", "UNSUBSCRIBED")
LARGEST_PAGE = 1000


def _number(call: Call, name: str, default: int) -> int:
    text = call.one(name, str(default))
    if not text.isdigit():
        raise malformed(f"Invalid value for {name}")
    return int(text)


def _events(portal: Portal, call: Call) -> Answer:
    kind, start, end = call.one("eventType"), _number(call, "startTimestamp", 0), _number(call, "endTimestamp", 2**62)
    if kind and kind not in TYPES:
        raise malformed(f"Unknown event type {kind[:20]}")
    fit = [one for one in portal.mails.log if start <= one["created"] <= end and kind in ("", one["type"])]
    fit = sorted(fit, key=lambda one: (-one["created"], one["id"]))
    at, limit = _number(call, "offset", 0), call.limit(100, LARGEST_PAGE)
    page = fit[at : at + limit]
    call.rows = len(page)
    return Answer(200, {"hasMore": at + limit < len(fit), "offset": str(at + limit), "events": page})


def doors() -> list[Door]:
    """Give the paths of this module."""
    return [Door("GET", "/email/public/v1/events", _events, SCOPE)]

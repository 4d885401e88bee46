"""Static lists (segments with the processing type MANUAL): who is on them, since when, and who is put there or taken off.

Paths and shapes: HubSpot's guide "Lists" (memberships), its OpenAPI document of lists. Records that are not there are named in the answer and
otherwise ignored; membership is no property, so that no time of change moves and no webhook tells of it. The memberships of a list by their
age: its reference "Fetch List Memberships Ordered by Added to List Date".
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any

from connectors.emulator.hubspot import moments
from connectors.emulator.hubspot.errors import Refused, malformed
from connectors.emulator.hubspot.portal import Answer, Call, Door, Portal

READ, WRITE = "crm.lists.read", "crm.lists.write"
BASES = ("/crm/v3/lists", "/crm/lists/2026-03", "/crm/lists/2026-09")
MOST = 100
MOST_JOINED = 250
CONTACT = "0-1"


def _ids(call: Call, name: str) -> list[str]:
    found = call.json().get(name, [])
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise malformed(f"Invalid input JSON: {name} must be a list of record ids")
    return found


def _change(portal: Portal, call: Call) -> Answer:
    portal.lists.known(call.params["list"])
    add, remove = _ids(call, "recordIdsToAdd"), _ids(call, "recordIdsToRemove")
    call.rows = len(add) + len(remove)
    added, removed, missing_ids = change(portal, call.client, call.params["list"], add, remove)
    # the first name is spelled as HubSpot spells it
    return Answer(200, {"recordsIdsAdded": added, "recordIdsRemoved": removed, "recordIdsMissing": missing_ids})


def change(portal: Portal, client: str, name: str, add: Iterable[str], remove: Iterable[str]) -> tuple[list[str], list[str], list[str]]:
    """Put contacts on a list and take others off; gives who was put there, taken off, and is not there at all."""
    members, added, removed, missing_ids = portal.lists.known(name), list[str](), list[str](), list[str]()
    for ident in add:
        one = portal.contacts.find(ident)
        if one is None:
            missing_ids.append(ident)
        elif one.id not in members:
            members[one.id] = portal.contacts.now()
            added.append(ident)
    for ident in remove:
        if ident.isdigit() and members.pop(int(ident), None) is not None:
            removed.append(ident)
    for verb, some in (("associate", added), ("dissociate", removed)):
        for ident in some:
            portal.journal.effect(client, verb, "lists", name, {}, {"contact": ident})
    return added, removed, missing_ids


def _of(portal: Portal, ident: str) -> list[dict[str, Any]]:
    one = portal.contacts.find(ident)
    rows = [(name, members[one.id]) for name, members in sorted(portal.lists.members.items()) if one is not None and one.id in members]
    return [
        {
            "listId": name,
            "listVersion": 1,
            "isPublicList": False,
            "firstAddedTimestamp": moments.iso(at),
            "lastAddedTimestamp": moments.iso(at),
        }
        for name, at in rows
    ]


def _batch_read(portal: Portal, call: Call) -> Answer:
    inputs = call.json().get("inputs")
    if not isinstance(inputs, list) or not all(isinstance(row, dict) for row in inputs):
        raise malformed("Invalid input JSON: inputs must be a list of objects")
    if len(inputs) > MOST:
        raise malformed(f"The maximum number of inputs is {MOST}")
    call.rows = len(inputs)
    results = [
        {"objectTypeId": CONTACT, "recordId": str(row.get("recordId")), "recordListMemberships": _of(portal, str(row.get("recordId")))}
        for row in inputs
    ]
    now = moments.iso(portal.contacts.now())
    return Answer(200, {"status": "COMPLETE", "results": results, "startedAt": now, "completedAt": now})


def _record(portal: Portal, call: Call) -> Answer:
    if call.params["type"] != CONTACT:
        raise Refused(400, "VALIDATION_ERROR", f"Unable to infer object type from: {call.params['type'][:20]}")
    found = _of(portal, call.params["record"])
    return Answer(200, {"results": found, "total": len(found)})


def _fetch(portal: Portal, call: Call) -> Answer:
    ident = call.params["list"]
    size = len(portal.lists.known(ident))
    told = {"listId": ident, "listVersion": 1, "name": portal.lists.names[ident], "objectTypeId": CONTACT, "processingType": "MANUAL"}
    return Answer(200, {"list": {**told, "processingStatus": "COMPLETE", "size": size}})


def _joined(portal: Portal, call: Call) -> Answer:
    """Give a list's members, whoever was put there first coming first; what `after` and `before` mean is the account's own affair."""
    members = portal.lists.known(call.params["list"])
    rows = [(ident, at) for ident, at in sorted(members.items(), key=lambda one: (one[1], one[0])) if ident in portal.contacts.live]
    limit, after, before = call.limit(100, MOST_JOINED), call.one("after"), call.one("before")
    start = _place(after) if after else max(0, _place(before) - limit) if before else 0
    page = rows[start : _place(before) if before and not after else start + limit]
    call.rows = len(page)
    paging = {"next": {"after": _token(start + limit), "link": "?"}} if start + limit < len(rows) else {}
    paging |= {"prev": {"before": _token(start), "link": "?"}} if start else {}
    told = [{"recordId": str(ident), "membershipTimestamp": moments.iso(at)} for ident, at in page]
    return Answer(
        200, {"total": len(rows), "results": told[::-1] if before and not after else told} | ({"paging": paging} if paging else {})
    )


def _token(start: int) -> str:
    return base64.urlsafe_b64encode(str(start).encode()).decode()


def _place(token: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(token))
    except ValueError:
        raise malformed("Invalid paging offset") from None


def doors() -> list[Door]:
    """Give the paths of this module."""
    return [
        one
        for base in BASES
        for one in (
            Door("POST", f"{base}/records/memberships/batch/read", _batch_read, READ),
            Door("GET", f"{base}/records/{{type}}/{{record}}/memberships", _record, READ),
            Door("PUT", f"{base}/{{list}}/memberships/add-and-remove", _change, WRITE, writing=True),
            Door("GET", f"{base}/{{list}}/memberships/join-order", _joined, READ),
            Door("GET", f"{base}/{{list}}", _fetch, READ),
        )
    ]

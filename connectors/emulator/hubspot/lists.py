"""Static lists (segments with the processing type MANUAL): who is on them, and who is put there or taken off.

Paths and shapes: HubSpot's guide "Lists" (memberships), its OpenAPI document of lists. Records that are not there are named in the answer and
otherwise ignored; membership is no property, so that no time of change moves and no webhook tells of it.
"""

from __future__ import annotations

from typing import Any

from connectors.emulator.hubspot import moments
from connectors.emulator.hubspot.errors import Refused, malformed
from connectors.emulator.hubspot.portal import Answer, Call, Door, Portal

READ, WRITE = "crm.lists.read", "crm.lists.write"
BASES = ("/crm/v3/lists", "/crm/lists/2026-03", "/crm/lists/2026-09")
MOST = 100
CONTACT = "0-1"


def _ids(call: Call, name: str) -> list[str]:
    found = call.json().get(name, [])
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise malformed(f"Invalid input JSON: {name} must be a list of record ids")
    return found


def _change(portal: Portal, call: Call) -> Answer:
    members, added, removed, missing_ids = portal.lists.known(call.params["list"]), list[str](), list[str](), list[str]()
    add, remove = _ids(call, "recordIdsToAdd"), _ids(call, "recordIdsToRemove")
    call.rows = len(add) + len(remove)
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
            portal.journal.effect(call.client, verb, "lists", call.params["list"], {}, {"contact": ident})
    # the first name is spelled as HubSpot spells it
    return Answer(200, {"recordsIdsAdded": added, "recordIdsRemoved": removed, "recordIdsMissing": missing_ids})


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


def doors() -> list[Door]:
    """Give the paths of this module."""
    return [
        one
        for base in BASES
        for one in (
            Door("POST", f"{base}/records/memberships/batch/read", _batch_read, READ),
            Door("GET", f"{base}/records/{{type}}/{{record}}/memberships", _record, READ),
            Door("PUT", f"{base}/{{list}}/memberships/add-and-remove", _change, WRITE, writing=True),
            Door("GET", f"{base}/{{list}}", _fetch, READ),
        )
    ]

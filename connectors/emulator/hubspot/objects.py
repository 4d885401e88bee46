"""Single contacts: create, read, update, archive, list, merge and privacy deletion."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from connectors.emulator.hubspot import moments
from connectors.emulator.hubspot.contacts import Contact
from connectors.emulator.hubspot.errors import malformed, missing
from connectors.emulator.hubspot.portal import Answer, Call, Door, Portal
from connectors.emulator.hubspot.rules import check, texts

BASE = ("/crm/v3/objects/contacts", "/crm/v3/objects/0-1", "/crm/objects/2026-03/contacts", "/crm/objects/2026-09/contacts")
READ, WRITE = "crm.objects.contacts.read", "crm.objects.contacts.write"
ALWAYS = ("createdate", "hs_object_id", "lastmodifieddate")
DEFAULT = ("createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname")
LARGEST_PAGE = 100


def view(one: Contact, properties: dict[str, str | None]) -> dict[str, Any]:
    """Give a contact as the object API does, with these properties."""
    found: dict[str, Any] = {
        "id": str(one.id),
        "properties": properties,
        "createdAt": moments.iso(one.created),
        "updatedAt": moments.iso(one.modified),
        "archived": one.archived is not None,
    }
    if one.archived is not None:
        found["archivedAt"] = moments.iso(one.archived)
    return found


def chosen(portal: Portal, one: Contact, wanted: Sequence[str], history: Sequence[str] = ()) -> dict[str, Any]:
    """Give a contact with the wanted properties (known ones; null where blank), or HubSpot's default ones."""
    names: Collection[str] = dict.fromkeys((*ALWAYS, *(name for name in wanted if name in portal.schema))) if wanted else DEFAULT
    found = view(one, {name: one.properties.get(name) for name in names})
    if history:
        found["propertiesWithHistory"] = {name: _history(one, name) for name in history if name in portal.schema}
    return found


def whole(one: Contact) -> dict[str, Any]:
    """Give a contact with everything that it holds, as writes answer."""
    return view(one, dict(one.properties))


def _history(one: Contact, name: str) -> list[dict[str, Any]]:
    """List the values that a property had, the newest first."""
    return [
        {"value": values[name], "timestamp": moments.iso(at), "sourceType": actor.source, "sourceId": actor.source_id}
        for at, actor, values in reversed(one.history)
        if name in values
    ]


def found(portal: Portal, ident: str, by: str | None, *, archived: bool = False) -> Contact:
    """Find a contact; raises Refused (404, or 400 for a property that is not unique)."""
    if by and by != "hs_object_id" and by not in portal.schema.unique():
        raise malformed(f"Unable to perform read by non-unique 0-1 property {by}")
    one = portal.contacts.find(ident, by, archived=archived)
    if one is None:
        raise missing()
    return one


def _create(portal: Portal, call: Call) -> Answer:
    kept = check(portal, texts(call.json().get("properties", {})), None)
    return Answer(201, whole(portal.contacts.insert(kept, call.actor)))


def _read(portal: Portal, call: Call) -> Answer:
    one = found(portal, call.params["id"], call.one("idProperty"), archived=call.flag("archived"))
    return Answer(200, chosen(portal, one, call.listed("properties"), call.listed("propertiesWithHistory")))


def _update(portal: Portal, call: Call) -> Answer:
    one = found(portal, call.params["id"], call.one("idProperty"))
    kept = check(portal, texts(call.json().get("properties", {})), one)
    portal.contacts.change(one, kept, call.actor)
    return Answer(200, chosen(portal, one, tuple(kept) or ALWAYS))


def _archive(portal: Portal, call: Call) -> Answer:
    one = portal.contacts.find(call.params["id"])
    if one is not None:
        portal.contacts.archive(one, call.actor)
    return Answer(204)


def _list(portal: Portal, call: Call) -> Answer:
    limit, after = call.limit(10, LARGEST_PAGE), call.one("after", "0")
    if not after.isdigit():
        raise malformed("Invalid value for after")
    page = portal.contacts.page(int(after), limit + 1, archived=call.flag("archived"))
    wanted, history = call.listed("properties"), call.listed("propertiesWithHistory")
    call.rows = min(limit, len(page))
    body: dict[str, Any] = {"results": [chosen(portal, one, wanted, history) for one in page[:limit]]}
    if len(page) > limit:
        last = page[limit - 1].id
        body["paging"] = {"next": {"after": str(last), "link": f"https://api.hubapi.com{call.path}?limit={limit}&after={last}"}}
    return Answer(200, body)


def _merge(portal: Portal, call: Call) -> Answer:
    asked = call.json()
    primary = found(portal, str(asked.get("primaryObjectId", "")), None)
    other = found(portal, str(asked.get("objectIdToMerge", "")), None)
    if primary is other:
        raise malformed("Cannot merge a contact with itself")
    call.rows = 2
    return Answer(200, whole(portal.contacts.merge(primary, other, call.actor)))


def _erase(portal: Portal, call: Call) -> Answer:
    asked = call.json()
    ident, by = str(asked.get("objectId", "")), asked.get("idProperty")
    one = portal.contacts.find(ident, by) or portal.contacts.find(ident, by, archived=True)
    if one is not None:
        portal.contacts.erase(one, call.actor)
    return Answer(204)


def doors() -> list[Door]:
    """Give the paths of this module."""
    return [
        one
        for base in BASE
        for one in (
            Door("POST", f"{base}/merge", _merge, WRITE, writing=True),
            Door("POST", f"{base}/gdpr-delete", _erase, WRITE, writing=True),
            Door("POST", base, _create, WRITE, writing=True),
            Door("GET", base, _list, READ),
            Door("GET", f"{base}/{{id}}", _read, READ),
            Door("PATCH", f"{base}/{{id}}", _update, WRITE, writing=True),
            Door("DELETE", f"{base}/{{id}}", _archive, WRITE, writing=True),
        )
    ]

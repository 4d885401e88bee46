"""Single records: create, read, update, archive, list, merge and privacy deletion."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from connectors.emulator.hubspot import moments
from connectors.emulator.hubspot.errors import malformed, missing
from connectors.emulator.hubspot.kinds import Kind
from connectors.emulator.hubspot.portal import Answer, Call, Door, Portal
from connectors.emulator.hubspot.records import Record
from connectors.emulator.hubspot.rules import check, texts

LARGEST_PAGE = 100


def view(one: Record, properties: dict[str, str | None]) -> dict[str, Any]:
    """Give a record as the object API does, with these properties."""
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


def chosen(portal: Portal, one: Record, wanted: Sequence[str], history: Sequence[str] = ()) -> dict[str, Any]:
    """Give a record with the wanted properties (known ones; null where blank), or HubSpot's default ones."""
    names: Collection[str] = (
        dict.fromkeys((*portal.kind.always, *(name for name in wanted if name in portal.schema))) if wanted else portal.kind.default
    )
    found = view(one, {name: one.properties.get(name) for name in names})
    if history:
        found["propertiesWithHistory"] = {name: _history(one, name) for name in history if name in portal.schema}
    return found


def whole(one: Record) -> dict[str, Any]:
    """Give a record with everything that it holds, as writes answer."""
    return view(one, dict(one.properties))


def _history(one: Record, name: str) -> list[dict[str, Any]]:
    """List the values that a property had, the newest first."""
    return [
        {"value": values[name], "timestamp": moments.iso(at), "sourceType": actor.source, "sourceId": actor.source_id}
        for at, actor, values in reversed(one.history)
        if name in values
    ]


def found(portal: Portal, ident: str, by: str | None, *, archived: bool = False) -> Record:
    """Find a record; raises Refused (404, or 400 for a property that is not unique)."""
    if by and by != "hs_object_id" and by not in portal.schema.unique():
        raise malformed(f"Unable to perform read by non-unique {portal.kind.type_id} property {by}")
    one = portal.records.find(ident, by, archived=archived)
    if one is None:
        raise missing()
    return one


def _create(portal: Portal, call: Call) -> Answer:
    asked = call.json()
    kept = check(portal, texts(asked.get("properties", {})), None)
    links = portal.links.wanted(portal.kind, asked.get("associations"))
    one = portal.records.insert(kept, call.actor)
    portal.links.make(portal.kind, one.id, links, call.actor)
    return Answer(201, whole(one))


def _read(portal: Portal, call: Call) -> Answer:
    one = found(portal, call.params["id"], call.one("idProperty"), archived=call.flag("archived"))
    body = chosen(portal, one, call.listed("properties"), call.listed("propertiesWithHistory"))
    return Answer(200, body | portal.links.shown(portal.kind, one.id, call.listed("associations")))


def _update(portal: Portal, call: Call) -> Answer:
    one = found(portal, call.params["id"], call.one("idProperty"))
    kept = check(portal, texts(call.json().get("properties", {})), one)
    portal.records.change(one, kept, call.actor)
    return Answer(200, chosen(portal, one, tuple(kept) or portal.kind.always))


def _archive(portal: Portal, call: Call) -> Answer:
    one = portal.records.find(call.params["id"])
    if one is not None:
        portal.records.archive(one, call.actor)
    return Answer(204)


def _list(portal: Portal, call: Call) -> Answer:
    limit, after = call.limit(10, LARGEST_PAGE), call.one("after", "0")
    if not after.isdigit():
        raise malformed("Invalid value for after")
    page = portal.records.page(int(after), limit + 1, archived=call.flag("archived"))
    wanted, history, others = call.listed("properties"), call.listed("propertiesWithHistory"), call.listed("associations")
    call.rows = min(limit, len(page))
    shown = [chosen(portal, one, wanted, history) | portal.links.shown(portal.kind, one.id, others) for one in page[:limit]]
    body: dict[str, Any] = {"results": shown}
    if len(page) > limit:
        last = page[limit - 1].id
        body["paging"] = {"next": {"after": str(last), "link": f"https://api.hubapi.com{call.path}?limit={limit}&after={last}"}}
    return Answer(200, body)


def _merge(portal: Portal, call: Call) -> Answer:
    asked = call.json()
    primary = found(portal, str(asked.get("primaryObjectId", "")), None)
    other = found(portal, str(asked.get("objectIdToMerge", "")), None)
    if primary is other:
        raise malformed(f"Cannot merge a {portal.kind.singular} with itself")
    call.rows = 2
    return Answer(200, whole(portal.records.merge(primary, other, call.actor)))


def _erase(portal: Portal, call: Call) -> Answer:
    asked = call.json()
    ident, by = str(asked.get("objectId", "")), asked.get("idProperty")
    one = portal.records.find(ident, by) or portal.records.find(ident, by, archived=True)
    if one is not None:
        portal.records.erase(one, call.actor)
    return Answer(204)


def doors(kind: Kind) -> list[Door]:
    """Give the paths of this module for one object."""
    read, write = kind.may("read"), kind.may("write")
    return [
        one
        for base in kind.bases()
        for one in (
            *([Door("POST", f"{base}/merge", _merge, write, writing=True)] if kind.merges else []),
            Door("POST", f"{base}/gdpr-delete", _erase, write, writing=True),
            Door("POST", base, _create, write, writing=True),
            Door("GET", base, _list, read),
            Door("GET", f"{base}/{{id}}", _read, read),
            Door("PATCH", f"{base}/{{id}}", _update, write, writing=True),
            Door("DELETE", f"{base}/{{id}}", _archive, write, writing=True),
        )
    ]

"""The paths of associations v4: read, make and end them, one by one and in batches, and the labels that there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from connectors.emulator.hubspot import moments
from connectors.emulator.hubspot.errors import Refused, malformed, missing
from connectors.emulator.hubspot.kinds import Kind, kind
from connectors.emulator.hubspot.links import TYPES, Link, types_of
from connectors.emulator.hubspot.portal import Answer, Call, Door, Portal

MOST_READ, MOST_WRITTEN, MOST_LISTED = 1000, 2000, 500
Row = dict[str, Any]
Handler = Callable[[Portal, Call], Answer]


def _sides(portal: Portal, call: Call, verb: str) -> tuple[Kind, Kind]:
    """Give the two objects of a path; raises Refused for one that there is not, or that the app has no scope for."""
    found = []
    for name in ("from", "to"):
        one = kind(call.params[name])
        if one is None:
            raise malformed(f"Unable to infer object type from: {call.params[name][:40]}")
        portal.auth.check_scope(call.client, one.may(verb))
        found.append(one)
    if (found[0].object, found[1].object) not in TYPES:
        raise malformed(f"No association types from {found[0].type_id} to {found[1].type_id}")
    return found[0], found[1]


def _spec(here: Kind, there: Kind, ident: int) -> Row:
    return {"category": "HUBSPOT_DEFINED", "typeId": ident, "label": TYPES[here.object, there.object][ident]}


def _linked(portal: Portal, here: Kind, there: Kind, ident: str) -> list[Row]:
    one = portal.objects[here.object].records.find(ident)
    held = portal.links.of(here, one.id, there.object) if one else {}
    return [{"toObjectId": to, "associationTypes": [_spec(here, there, one) for one in sorted(types)]} for to, types in held.items()]


def _inputs(call: Call, most: int) -> list[Row]:
    rows = call.json().get("inputs")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise malformed("Invalid input JSON: inputs must be a list of objects")
    if len(rows) > most:
        raise malformed(f"The maximum number of inputs supported in a batch request for associations is {most}")
    call.rows = len(rows)
    return rows


def _answer(portal: Portal, status: int, results: list[Row], errors: list[Row]) -> Answer:
    now = moments.iso(portal.records.now())
    body: Row = {"status": "COMPLETE", "results": results, "startedAt": now, "completedAt": now}
    return Answer(207, body | {"numErrors": len(errors), "errors": errors}) if errors else Answer(status, body)


def _page(rows: list[Row], after: str, limit: int) -> tuple[list[Row], Row]:
    if after and not after.isdigit():
        raise malformed("Invalid value for after")
    later = [row for row in rows if row["toObjectId"] > int(after or 0)]
    more = {"paging": {"next": {"after": str(later[limit - 1]["toObjectId"]), "link": ""}}} if len(later) > limit else {}
    return later[:limit], more


def _batch_read(portal: Portal, call: Call) -> Answer:
    """Read those of many records; one without any is an error among the results (207), not an empty row."""
    here, there = _sides(portal, call, "read")
    results: list[Row] = []
    errors: list[Row] = []
    for row in _inputs(call, MOST_READ):
        ident = str(row.get("id", ""))
        rows, more = _page(_linked(portal, here, there, ident), str(row.get("after") or ""), MOST_LISTED)
        if rows:
            results.append({"from": {"id": ident}, "to": rows} | more)
            continue
        context = {"fromObjectId": [ident], "fromObjectType": [here.singular], "toObjectType": [there.singular]}
        words = f"No {there.singular} is associated with {here.singular} {ident[:20]}."
        said = Refused(404, "OBJECT_NOT_FOUND", words, context=context).row(None)
        errors.append(said | {"subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND"})
    return _answer(portal, 200, results[::-1], errors)


def _list(portal: Portal, call: Call) -> Answer:
    here, there = _sides(portal, call, "read")
    rows, more = _page(_linked(portal, here, there, call.params["id"]), call.one("after"), call.limit(MOST_LISTED, MOST_LISTED))
    call.rows = len(rows)
    return Answer(200, {"results": rows} | more)


def _known_types(here: Kind, there: Kind, ids: tuple[int, ...]) -> tuple[int, ...]:
    for ident in ids:
        if ident not in TYPES[here.object, there.object]:
            raise malformed(f"association type id {ident} doesn't exist between {here.singular} and {there.singular}")
    return ids


def _pairs(portal: Portal, here: Kind, there: Kind, rows: list[Row]) -> Iterator[tuple[int, int, Row]]:
    for row in rows:
        ends = [str((row.get(name) or {}).get("id", "")) for name in ("from", "to")]
        yield portal.links.live(here, ends[0]), portal.links.live(there, ends[1]), row


def _batch_create(portal: Portal, call: Call) -> Answer:
    here, there = _sides(portal, call, "write")
    pairs = list(_pairs(portal, here, there, _inputs(call, MOST_WRITTEN)))
    checked = [(own, far, _known_types(here, there, types_of(row.get("types")))) for own, far, row in pairs]
    for own, far, types in checked:
        portal.links.make(here, own, [Link(there.object, far, types)], call.actor)
    return _answer(portal, 201, [_labels_of(here, there, own, far, types) for own, far, types in checked], [])


def _labels_of(here: Kind, there: Kind, own: int, far: int, types: tuple[int, ...]) -> Row:
    labels = [label for one in types if (label := TYPES[here.object, there.object][one])]
    ends = {"fromObjectId": str(own), "toObjectId": str(far)}
    return {"fromObjectTypeId": here.type_id, "toObjectTypeId": there.type_id, "labels": labels} | ends


def _default(portal: Portal, call: Call, here: Kind, there: Kind, pairs: list[tuple[int, int]]) -> Answer:
    plain = next(iter(TYPES[here.object, there.object]))
    for own, far in pairs:
        portal.links.make(here, own, [Link(there.object, far, (plain,))], call.actor)
    spec = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": plain}
    return _answer(portal, 200, [{"from": {"id": str(own)}, "to": {"id": str(far)}, "associationSpec": spec} for own, far in pairs], [])


def _batch_default(portal: Portal, call: Call) -> Answer:
    here, there = _sides(portal, call, "write")
    rows = _inputs(call, MOST_WRITTEN)
    return _default(portal, call, here, there, [(own, far) for own, far, _ in _pairs(portal, here, there, rows)])


def _one_default(portal: Portal, call: Call) -> Answer:
    here, there = _sides(portal, call, "write")
    return _default(portal, call, here, there, [(portal.links.live(here, call.params["id"]), portal.links.live(there, call.params["far"]))])


def _one(portal: Portal, call: Call) -> Answer:
    here, there = _sides(portal, call, "write")
    own, far = portal.links.live(here, call.params["id"]), portal.links.live(there, call.params["far"])
    if call.method == "DELETE":
        portal.links.cut(here, own, there, far, call.actor)
        return Answer(204)
    types = _known_types(here, there, types_of(call.listing()))
    portal.links.make(here, own, [Link(there.object, far, types)], call.actor)
    return Answer(201, _labels_of(here, there, own, far, types))


def _batch_archive(portal: Portal, call: Call) -> Answer:
    here, there = _sides(portal, call, "write")
    for row in _inputs(call, MOST_WRITTEN):
        own = portal.links.live(here, str((row.get("from") or {}).get("id", "")))
        for far in row.get("to") or ():
            portal.links.cut(here, own, there, portal.links.live(there, str(far.get("id", ""))), call.actor)
    return Answer(204)


def _labels(portal: Portal, call: Call) -> Answer:
    here, there = _sides(portal, call, "read")
    if not TYPES.get((here.object, there.object)):
        raise missing()
    return Answer(200, {"results": [_spec(here, there, ident) for ident in TYPES[here.object, there.object]]})


def doors() -> list[Door]:
    """Give the paths of this module, numbered and dated."""
    found: list[Door] = []
    for version in ("v4", "2026-03", "2026-09"):
        many = "/crm/v4/associations/{from}/{to}" if version == "v4" else f"/crm/associations/{version}/{{from}}/{{to}}"
        single = "/crm/v4/objects/{from}/{id}/associations" if version == "v4" else f"/crm/objects/{version}/{{from}}/{{id}}/associations"
        found += [
            Door("POST", f"{many}/batch/read", _batch_read),
            Door("POST", f"{many}/batch/create", _batch_create, writing=True),
            Door("POST", f"{many}/batch/associate/default", _batch_default, writing=True),
            Door("POST", f"{many}/batch/archive", _batch_archive, writing=True),
            Door("GET", f"{many}/labels", _labels),
            Door("GET", f"{single}/{{to}}", _list),
            Door("PUT", f"{single}/default/{{to}}/{{far}}", _one_default, writing=True),
            Door("PUT", f"{single}/{{to}}/{{far}}", _one, writing=True),
            Door("DELETE", f"{single}/{{to}}/{{far}}", _one, writing=True),
        ]
    return found

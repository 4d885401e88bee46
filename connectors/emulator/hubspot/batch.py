"""Batches of records: 100 inputs, one bad row fails all unless every row has its own objectWriteTraceId, answers out of order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from connectors.emulator.hubspot import moments
from connectors.emulator.hubspot.errors import Refused, malformed, missing
from connectors.emulator.hubspot.kinds import Kind
from connectors.emulator.hubspot.links import Link
from connectors.emulator.hubspot.objects import chosen, whole
from connectors.emulator.hubspot.portal import Answer, Call, Door, Portal
from connectors.emulator.hubspot.records import Record
from connectors.emulator.hubspot.rules import Claims, check, texts

LARGEST, LARGEST_WITH_HISTORY = 100, 50
Row = dict[str, Any]


@dataclass(frozen=True)
class Planned:
    """One row that passed the checks."""

    row: Row
    one: Record | None
    properties: dict[str, str]
    links: list[Link] = field(default_factory=list)


Plan = Callable[[Portal, Row, Claims, int], Planned]


def _inputs(portal: Portal, call: Call) -> tuple[dict[str, Any], list[Row]]:
    asked = call.json()
    rows = asked.get("inputs")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise malformed("Invalid input JSON: inputs must be a list of objects")
    if len(rows) > LARGEST:
        raise malformed(f"The maximum number of inputs supported in a batch request for {portal.kind.object} is {LARGEST}")
    call.rows = len(rows)
    return asked, rows


def _lost(portal: Portal) -> str:
    return f"Could not get some {portal.kind.singular.upper()} objects, they may be deleted or not exist. Check that ids are valid."


def _trace(row: Row) -> str | None:
    trace = row.get("objectWriteTraceId")
    return str(trace) if trace else None


def _run(portal: Portal, call: Call, plan: Plan, status: int) -> Answer:
    """Check all rows, then apply those that passed; without trace ids the first bad row is the answer and nothing is applied."""
    _, rows = _inputs(portal, call)
    traces = [trace for trace in map(_trace, rows) if trace]
    each_by_itself = len(set(traces)) == len(rows)
    claims: Claims = {}
    planned: list[Planned] = []
    errors: list[dict[str, Any]] = []
    for place, row in enumerate(rows):
        try:
            planned.append(plan(portal, row, claims, place))
        except Refused as refused:
            if not each_by_itself:
                raise
            errors.append(refused.row(_trace(row)))
    results = [_apply(portal, call, one) for one in planned]
    return _answer(portal, status, results, errors)


def _apply(portal: Portal, call: Call, planned: Planned) -> dict[str, Any]:
    new = planned.one is None
    if planned.one is None:
        made = portal.records.insert(planned.properties, call.actor)
        portal.links.make(portal.kind, made.id, planned.links, call.actor)
        body = whole(made)
    else:
        portal.records.change(planned.one, planned.properties, call.actor)
        body = chosen(portal, planned.one, tuple(planned.properties))
    trace = _trace(planned.row)
    return body | {"new": new} | ({"objectWriteTraceId": trace} if trace else {})


def _answer(portal: Portal, status: int, results: list[dict[str, Any]], errors: list[dict[str, Any]]) -> Answer:
    now = moments.iso(portal.records.now())
    body: dict[str, Any] = {"status": "COMPLETE", "results": results[::-1], "startedAt": now, "completedAt": now}
    if errors:
        return Answer(207, body | {"numErrors": len(errors), "errors": errors})
    return Answer(status, body)


def _plan_create(portal: Portal, row: Row, claims: Claims, place: int) -> Planned:
    kept = check(portal, texts(row.get("properties", {})), None, claims, place)
    return Planned(row, None, kept, portal.links.wanted(portal.kind, row.get("associations")))


def _claim_id(row: Row, claims: Claims, place: int, key: str) -> None:
    if claims.setdefault(("id", key), place) != place:
        raise malformed(f"Duplicate IDs found in batch input: [{row.get('id')}]. IDs must be unique")


def _unique_property(portal: Portal, row: Row) -> str | None:
    by = row.get("idProperty")
    if by and by != "hs_object_id" and by not in portal.schema.unique():
        raise malformed(f"Unable to perform update/upsert by non-unique {portal.kind.type_id} property {by}")
    return str(by) if by else None


def _plan_update(portal: Portal, row: Row, claims: Claims, place: int) -> Planned:
    by, ident = _unique_property(portal, row), str(row.get("id", ""))
    one = portal.records.find(ident, by)
    if one is None:
        raise Refused(404, "OBJECT_NOT_FOUND", _lost(portal), context={"ids": [ident]})
    _claim_id(row, claims, place, str(one.id))
    return Planned(row, one, check(portal, texts(row.get("properties", {})), one, claims, place))


def _plan_upsert(portal: Portal, row: Row, claims: Claims, place: int) -> Planned:
    by, ident = _unique_property(portal, row), str(row.get("id") or "")
    if not ident:
        raise malformed("Invalid input JSON: some required fields were not set: [id]")
    one = portal.records.find(ident, by)
    if one is None and by in (None, "hs_object_id"):
        raise missing(_lost(portal))
    given = texts(row.get("properties", {}))
    if one is None:
        given = {str(by): ident} | given
    _claim_id(row, claims, place, str(one.id) if one else f"{by}={ident.lower()}")
    return Planned(row, one, check(portal, given, one, claims, place))


def _create(portal: Portal, call: Call) -> Answer:
    return _run(portal, call, _plan_create, 201)


def _update(portal: Portal, call: Call) -> Answer:
    return _run(portal, call, _plan_update, 200)


def _upsert(portal: Portal, call: Call) -> Answer:
    return _run(portal, call, _plan_upsert, 200)


def _read(portal: Portal, call: Call) -> Answer:
    asked, rows = _inputs(portal, call)
    by = _unique_property(portal, asked)
    wanted, history = list(asked.get("properties") or ()), list(asked.get("propertiesWithHistory") or ())
    if history and len(rows) > LARGEST_WITH_HISTORY:
        words = f"The maximum number of inputs supported in a batch request for property histories is {LARGEST_WITH_HISTORY}."
        raise malformed(f"{words} Please reduce the number of items and try again")
    results: dict[int, dict[str, Any]] = {}
    lost: list[str] = []
    for row in rows:
        ident = str(row.get("id", ""))
        one = portal.records.find(ident, by, archived=call.flag("archived"))
        if one is None:
            lost.append(ident)
        else:
            results[one.id] = chosen(portal, one, wanted, history)
    errors = [Refused(404, "OBJECT_NOT_FOUND", _lost(portal), context={"ids": lost}).row(None)] if lost else []
    return _answer(portal, 200, list(results.values()), errors)


def _archive(portal: Portal, call: Call) -> Answer:
    _, rows = _inputs(portal, call)
    for row in rows:
        one = portal.records.find(str(row.get("id", "")))
        if one is not None:
            portal.records.archive(one, call.actor)
    return Answer(204)


def doors(kind: Kind) -> list[Door]:
    """Give the paths of this module for one object."""
    read, write = kind.may("read"), kind.may("write")
    return [
        one
        for base in kind.bases()
        for one in (
            Door("POST", f"{base}/batch/read", _read, read),
            Door("POST", f"{base}/batch/create", _create, write, writing=True),
            Door("POST", f"{base}/batch/update", _update, write, writing=True),
            Door("POST", f"{base}/batch/upsert", _upsert, write, writing=True),
            Door("POST", f"{base}/batch/archive", _archive, write, writing=True),
        )
    ]

"""Batches of contacts: 100 inputs, one bad row fails all unless every row has its own objectWriteTraceId, answers out of order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from connectors.emulator.hubspot import moments
from connectors.emulator.hubspot.contacts import Contact
from connectors.emulator.hubspot.errors import Refused, malformed, missing
from connectors.emulator.hubspot.objects import BASE, READ, WRITE, chosen, whole
from connectors.emulator.hubspot.portal import Answer, Call, Door, Portal
from connectors.emulator.hubspot.rules import Claims, check, texts

LARGEST = 100
LOST = "Could not get some CONTACT objects, they may be deleted or not exist. Check that ids are valid."
Row = dict[str, Any]


@dataclass(frozen=True)
class Planned:
    """One row that passed the checks."""

    row: Row
    one: Contact | None
    properties: dict[str, str]


Plan = Callable[[Portal, Row, Claims, int], Planned]


def _inputs(call: Call) -> tuple[dict[str, Any], list[Row]]:
    asked = call.json()
    rows = asked.get("inputs")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise malformed("Invalid input JSON: inputs must be a list of objects")
    if len(rows) > LARGEST:
        raise malformed(f"The maximum number of inputs supported in a batch request for contacts is {LARGEST}")
    call.rows = len(rows)
    return asked, rows


def _trace(row: Row) -> str | None:
    trace = row.get("objectWriteTraceId")
    return str(trace) if trace else None


def _run(portal: Portal, call: Call, plan: Plan, status: int) -> Answer:
    """Check all rows, then apply those that passed; without trace ids the first bad row is the answer and nothing is applied."""
    _, rows = _inputs(call)
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
        body = whole(portal.contacts.insert(planned.properties, call.actor))
    else:
        portal.contacts.change(planned.one, planned.properties, call.actor)
        body = chosen(portal, planned.one, tuple(planned.properties))
    trace = _trace(planned.row)
    return body | {"new": new} | ({"objectWriteTraceId": trace} if trace else {})


def _answer(portal: Portal, status: int, results: list[dict[str, Any]], errors: list[dict[str, Any]]) -> Answer:
    now = moments.iso(portal.contacts.now())
    body: dict[str, Any] = {"status": "COMPLETE", "results": results[::-1], "startedAt": now, "completedAt": now}
    if errors:
        return Answer(207, body | {"numErrors": len(errors), "errors": errors})
    return Answer(status, body)


def _plan_create(portal: Portal, row: Row, claims: Claims, place: int) -> Planned:
    return Planned(row, None, check(portal, texts(row.get("properties", {})), None, claims, place))


def _claim_id(row: Row, claims: Claims, place: int, key: str) -> None:
    if claims.setdefault(("id", key), place) != place:
        raise malformed(f"Duplicate IDs found in batch input: [{row.get('id')}]. IDs must be unique")


def _unique_property(portal: Portal, row: Row) -> str | None:
    by = row.get("idProperty")
    if by and by != "hs_object_id" and by not in portal.schema.unique():
        raise malformed(f"Unable to perform update/upsert by non-unique 0-1 property {by}")
    return str(by) if by else None


def _plan_update(portal: Portal, row: Row, claims: Claims, place: int) -> Planned:
    by, ident = _unique_property(portal, row), str(row.get("id", ""))
    one = portal.contacts.find(ident, by)
    if one is None:
        raise Refused(404, "OBJECT_NOT_FOUND", LOST, context={"ids": [ident]})
    _claim_id(row, claims, place, str(one.id))
    return Planned(row, one, check(portal, texts(row.get("properties", {})), one, claims, place))


def _plan_upsert(portal: Portal, row: Row, claims: Claims, place: int) -> Planned:
    by, ident = _unique_property(portal, row), str(row.get("id") or "")
    if not ident:
        raise malformed("Invalid input JSON: some required fields were not set: [id]")
    one = portal.contacts.find(ident, by)
    if one is None and by in (None, "hs_object_id"):
        raise missing(LOST)
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
    asked, rows = _inputs(call)
    by = _unique_property(portal, asked)
    wanted, history = list(asked.get("properties") or ()), list(asked.get("propertiesWithHistory") or ())
    results: dict[int, dict[str, Any]] = {}
    lost: list[str] = []
    for row in rows:
        ident = str(row.get("id", ""))
        one = portal.contacts.find(ident, by, archived=call.flag("archived"))
        if one is None:
            lost.append(ident)
        else:
            results[one.id] = chosen(portal, one, wanted, history)
    errors = [Refused(404, "OBJECT_NOT_FOUND", LOST, context={"ids": lost}).row(None)] if lost else []
    return _answer(portal, 200, list(results.values()), errors)


def _archive(portal: Portal, call: Call) -> Answer:
    _, rows = _inputs(call)
    for row in rows:
        one = portal.contacts.find(str(row.get("id", "")))
        if one is not None:
            portal.contacts.archive(one, call.actor)
    return Answer(204)


def doors() -> list[Door]:
    """Give the paths of this module."""
    return [
        one
        for base in BASE
        for one in (
            Door("POST", f"{base}/batch/read", _read, READ),
            Door("POST", f"{base}/batch/create", _create, WRITE, writing=True),
            Door("POST", f"{base}/batch/update", _update, WRITE, writing=True),
            Door("POST", f"{base}/batch/upsert", _upsert, WRITE, writing=True),
            Door("POST", f"{base}/batch/archive", _archive, WRITE, writing=True),
        )
    ]

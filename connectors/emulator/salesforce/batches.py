"""`/composite/sobjects`: up to 200 records in one call, each with its own outcome, in the order of the request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.emulator.salesforce.ids import full
from connectors.emulator.salesforce.org import Org
from connectors.emulator.salesforce.refusals import Refusal, Refused, Unreadable, not_found, refused
from connectors.emulator.salesforce.rows import shown
from connectors.emulator.salesforce.saving import Saved, Saving, by_external_id, known_id
from connectors.emulator.salesforce.table import Row, Table
from connectors.emulator.salesforce.wire import answer, body, refusing, saving, table, visit

MAX_ROWS = 200
MAX_IDS = 2000
_ROLLED_BACK = Refusal(
    "ALL_OR_NONE_OPERATION_ROLLED_BACK", "Record rolled back because not all records were valid and the request was using AllOrNone header"
)

Step = Callable[[], Saved]


class Batches:
    """The handlers of sObject Collections."""

    def __init__(self, org: Org) -> None:
        self.org = org

    def routes(self, base: str) -> list[Route]:
        """Give the routes under `/services/data/v…`."""
        return [
            Route(f"{base}/composite/sobjects", refusing(self.save), methods=["POST", "PATCH"]),
            Route(f"{base}/composite/sobjects", refusing(self.delete), methods=["DELETE"]),
            Route(f"{base}/composite/sobjects/{{object}}", refusing(self.retrieve), methods=["GET", "POST"]),
            Route(f"{base}/composite/sobjects/{{object}}/{{field}}", refusing(self.upsert), methods=["PATCH"]),
        ]

    async def save(self, request: Request) -> Response:
        """Create (POST) or update by Id (PATCH)."""
        records, all_or_none = self._records(await body(request))
        save = saving(self.org, request, len(records))
        make = self._creating if request.method == "POST" else self._updating
        saves = [save.of(self._table(record)) for record in records]
        return answer(_run(save, [_step(make, *one) for one in zip(saves, records, strict=True)], all_or_none=all_or_none))

    async def upsert(self, request: Request) -> Response:
        """Update by an external id, or create."""
        found = table(self.org, request)
        field = found.field(request.path_params["field"])
        if field is None or not (field.external_id or field.type == "id"):
            raise not_found(f"Provided external ID field does not exist or is not accessible: {request.path_params['field']}")
        records, all_or_none = self._records(await body(request))
        if any(self._table(record) is not found for record in records):
            raise refused("INVALID_TYPE", "all records of an upsert are of the object that the path names", None)
        save = saving(self.org, request, len(records)).of(found)
        keys = [_named(record, field.name) for record in records]
        twice = {key for key, count in Counter(str(key).lower() for key in keys if key is not None).items() if count > 1}
        steps = [_step(self._upserting(field.name, key, twice), save, record) for key, record in zip(keys, records, strict=True)]
        return answer(_run(save, steps, all_or_none=all_or_none, created=True))

    async def delete(self, request: Request) -> Response:
        """Delete by ids in the query."""
        idents = [ident for ident in request.query_params.get("ids", "").split(",") if ident]
        _bounded(idents, MAX_ROWS)
        save = saving(self.org, request, len(idents))
        all_or_none = request.query_params.get("allOrNone", "false").lower() == "true"
        saves = [save.of(self.org.of_id(ident) or self.org.leads) for ident in idents]
        steps = [_step(self._deleting, one, {"Id": ident}) for one, ident in zip(saves, idents, strict=True)]
        return answer(_run(save, steps, all_or_none=all_or_none))

    async def retrieve(self, request: Request) -> Response:
        """Read by ids; null for each that is not there or is deleted."""
        found = table(self.org, request)
        if request.method == "POST":
            sent = await body(request)
            idents, names = sent.get("ids", []), sent.get("fields", [])
        else:
            idents, names = request.query_params.get("ids", "").split(","), request.query_params.get("fields", "").split(",")
        if not all(isinstance(each, list) and all(isinstance(text, str) for text in each) for each in (idents, names)):
            raise refused("JSON_PARSER_ERROR", "ids and fields are lists of text", None)
        _bounded(idents, MAX_IDS)
        visit(request, len(idents))
        fields = tuple(self._column(found.name, found.field(name), name) for name in names)
        whole = [full(ident) for ident in idents]
        present = [ident if ident in found.rows and not found.rows[ident].get("IsDeleted") else None for ident in whole]
        return answer([None if ident is None else shown(request, found, ident, fields) for ident in present])

    @staticmethod
    def _column(object_: str, field: Any, name: str) -> str:
        if field is None:
            raise refused("INVALID_FIELD", f"No such column '{name}' on sobject of type {object_}", None)
        return str(field.name)

    def _records(self, sent: dict[str, Any]) -> tuple[list[dict[str, object]], bool]:
        """Read the rows of a request; raises Refused for one whose object is not known."""
        records, all_or_none = _rows(sent)
        for record in records:
            self._table(record)
        return records, all_or_none

    def _creating(self, save: Saving, record: Mapping[str, object]) -> Step:
        values = save.read(record, new=True)
        return lambda: save.create(values)

    def _updating(self, save: Saving, record: Mapping[str, object]) -> Step:
        values = save.read(_without(record, "Id"), new=False)
        return lambda: save.update(self._present(save, _named(record, "Id")), values)

    def _deleting(self, save: Saving, record: Mapping[str, object]) -> Step:
        return lambda: save.delete(self._present(save, record["Id"]))

    def _upserting(self, name: str, key: object, twice: set[str]) -> Callable[[Saving, Mapping[str, object]], Step]:
        def make(save: Saving, record: Mapping[str, object]) -> Step:
            if key is None:
                raise refused("MISSING_ARGUMENT", f"{name} not specified")
            if str(key).lower() in twice:
                raise refused("DUPLICATE_VALUE", f"Duplicate external id specified: {key}")
            if _named(record, "Id") is not None and name != "Id":
                raise refused("INVALID_FIELD", f"Cannot specify both an external ID reference {name} and a salesforce id, Id")
            values = save.read(_without(record, "Id"), new=False)
            return lambda: self._upserted(save, name, str(key), values)

        return make

    def _upserted(self, save: Saving, name: str, key: str, values: Row) -> Saved:
        idents = by_external_id(save.table, name, key)
        if len(idents) > 1:
            raise refused("DUPLICATE_EXTERNAL_ID", f"{name}: more than one record found for external id field: {', '.join(idents)}")
        if name == "Id":
            return save.update(self._present(save, key), values)
        return save.update(idents[0], values) if idents else save.create(values)

    def _table(self, record: Mapping[str, Any]) -> Table:
        found = self.org.table(str(record["attributes"]["type"]))
        if found is None:
            raise refused("INVALID_TYPE", f"sObject type '{record['attributes']['type']}' is not supported.", None)
        return found

    def _present(self, save: Saving, ident: object) -> str:
        whole = known_id(ident, save.table)
        if whole not in save.table.rows:  # collections know no 404: an unknown id is a bad reference
            raise refused("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        return whole


def _step(make: Callable[[Saving, Mapping[str, object]], Step], save: Saving, record: Mapping[str, object]) -> Step | Refused:
    """Read one row before any row is saved: what cannot be read at all (Unreadable) refuses the whole request."""
    try:
        return make(save, record)
    except Unreadable:
        raise
    except Refused as error:
        return error


def _run(save: Saving, steps: Sequence[Step | Refused], *, all_or_none: bool, created: bool = False) -> list[dict[str, object]]:
    outcomes = [_try(step) for step in steps]
    failed = any(isinstance(outcome, Refused) for outcome in outcomes)
    if all_or_none and failed:
        for outcome in reversed(outcomes):
            if isinstance(outcome, Saved):
                outcome.undo()
        outcomes = [outcome if isinstance(outcome, Refused) else Refused(_ROLLED_BACK) for outcome in outcomes]
    for outcome in outcomes:
        if isinstance(outcome, Saved):
            save.commit(outcome)
    return [_outcome(outcome, created=created) for outcome in outcomes]


def _try(step: Step | Refused) -> Saved | Refused:
    if isinstance(step, Refused):
        return step
    try:
        return step()
    except Refused as error:
        return error


def _outcome(outcome: Saved | Refused, *, created: bool) -> dict[str, object]:
    if isinstance(outcome, Refused):
        return {"success": False, "errors": [{"fields": [], **error} for error in outcome.bodies("statusCode")]}
    shown_: dict[str, object] = {"id": outcome.id, "success": True, "errors": []}
    return {**shown_, "created": outcome.verb == "create"} if created else shown_


def _rows(sent: dict[str, Any]) -> tuple[list[dict[str, object]], bool]:
    records = sent.get("records")
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise refused("JSON_PARSER_ERROR", "The request needs a list named records", None)
    _bounded(records, MAX_ROWS)
    for record in records:
        attributes = record.get("attributes")
        kind = attributes.get("type") if isinstance(attributes, dict) else None
        if kind is None:
            raise refused("INVALID_FIELD", "The sObject type is required in the attributes of each record", None)
    return records, sent.get("allOrNone") is True


def _bounded(rows: Sequence[object], most: int) -> None:
    if not rows:
        raise refused("REQUIRED_FIELD_MISSING", "The request names no records", None)
    if len(rows) > most:
        raise refused("EXCEEDED_ID_LIMIT", f"record limit reached. cannot submit more than {most} records into this call", None)


def _named(record: Mapping[str, object], name: str) -> object:
    return next((value for key, value in record.items() if key.lower() == name.lower()), None)


def _without(record: Mapping[str, object], name: str) -> dict[str, object]:
    return {key: value for key, value in record.items() if key.lower() != name.lower()}

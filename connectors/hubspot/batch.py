"""The rows of a batch: how they are sent, and how HubSpot's answer, which is not positional, is matched to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from connectors.base import Done, Failed, RowOutcome
from connectors.errors import ConnectorError, Rejected
from connectors.http import scrub
from connectors.hubspot import mapping
from connectors.hubspot.client import records
from connectors.hubspot.mapping import TRUCE_ID, Reading
from connectors.hubspot.objects import TASK_KEY, Row
from connectors.hubspot.refusals import DIALECT, context, explain
from schemas.base import Scalar


class Sent(NamedTuple):
    """One row on its way: `id` is None for a create; `fields` are canonical and without consent."""

    key: str
    id: str | None
    fields: Mapping[str, Scalar]
    links: tuple[Row, ...] = ()
    """What a new record is to be associated with, as HubSpot takes it."""

    def wire(self) -> Row:
        """Give it as an input of a batch."""
        properties = {name: mapping.vendor(value) for name, value in self.fields.items()}
        more: Row = {"associations": list(self.links)} if self.id is None else {"id": self.id}
        return {"properties": properties, "objectWriteTraceId": self.key} | more


def joined(first: RowOutcome | None, then: RowOutcome) -> RowOutcome:
    """Give two steps of one row as one: a failure stands, else the fields of both and the later time."""
    if not isinstance(first, Done) or not isinstance(then, Done):
        return first if isinstance(first, Failed) else then
    return then.model_copy(update={"fields": {**first.fields, **then.fields}, "at": then.at or first.at})


def ours(error: ConnectorError, row: Sent) -> ConnectorError:
    """Put the values that we sent beside the fields that were refused, and take them out of the vendor's words."""
    if isinstance(error, Rejected):
        hide = [value for value in row.fields.values() if value is not None]
        told = ((one, {"value": row.fields.get(one.field), "words": scrub(one.words, hide)}) for one in error.refused)
        error.refused = tuple(one.model_copy(update=update) for one, update in told)
    return error


def error_of(entry: Mapping[str, Any], row: Sent) -> ConnectorError:
    """Give the error that an entry of `errors` means for a row."""
    return ours(DIALECT.error(explain(207, entry), None, hide=row.wire()["properties"].values()), row)


def outcomes(sent: Sequence[Sent], body: Any, reading: Reading, *, created: bool) -> tuple[dict[str, RowOutcome], list[Mapping[str, Any]]]:
    """Match a batch answer to its rows, which is not positional, by the trace id, else by what they hold; and the errors that match none."""
    names = {row.key: row for row in sent} | {row.id: row for row in sent if row.id is not None}
    names |= {
        str(row.fields[name]): row for row in sent for name in ("email", TRUCE_ID, TASK_KEY) if row.id is None and row.fields.get(name)
    }
    told: dict[str, RowOutcome] = {}
    for result in records(body, wrote=True):
        held = result["properties"]
        marks = [
            result.get("objectWriteTraceId"),
            result["id"],
            *mapping.merged_ids(result),
            held.get(TRUCE_ID),
            held.get(TASK_KEY),
            held.get("email"),
        ]
        if row := next((names[str(mark)] for mark in marks if str(mark) in names), None):
            fields = {name: reading.value(name, held[name]) for name in row.fields if name in held}
            told[row.key] = Done(
                key=row.key, id=str(result["id"]), at=mapping.moment(result.get("updatedAt")), fields=fields, created=created
            )  # fmt: skip
    unplaced: list[Mapping[str, Any]] = []
    for entry in body.get("errors") or []:
        named = [names[mark] for part in ("objectWriteTraceId", "ids", "id") for mark in context(entry, part) if mark in names]
        for row in named:
            told.setdefault(row.key, Failed(row.key, error_of(entry, row)))
        unplaced += [] if named else [entry]
    return told, unplaced

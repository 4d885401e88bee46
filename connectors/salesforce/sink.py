"""Writes Salesforce: people and tasks by sObject collections, row by row (not all or none), with assignment rules off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.base import (
    Capabilities,
    Create,
    Done,
    Failed,
    Item,
    Manifest,
    Priority,
    RowOutcome,
    Sink,
    TaskSeen,
    TaskWanted,
    Update,
    Wanted,
)
from connectors.errors import Conflict, ConnectorError, Rejected, Unavailable
from connectors.fit import misfit
from connectors.http import Complaint, Kind
from connectors.salesforce.campaigns import Join
from connectors.salesforce.client import Client
from connectors.salesforce.mapping import CAMPAIGN, TRUCE_ID, Row, id18
from connectors.salesforce.refusals import DIALECT, MOVED, complaint
from schemas.base import Ref, Scalar
from schemas.change import RecordChanged
from schemas.envelope import derived_id
from schemas.write import FieldRefused

_WORST_FIRST: Sequence[Kind] = ("auth_expired", "daily", "rate_limited", "unavailable", "gone", "conflict", "surprising", "rejected")
_UNKNOWN = "[not provided]"  # what Salesforce's own importers write into a required text that nobody knows


class SalesforceSink(Sink):
    """The writing side of one org."""

    def __init__(self, manifest: Manifest, client: Client) -> None:
        self.manifest, self._client = manifest, client

    @property
    def objects(self) -> tuple[str, ...]:
        """Name the objects for a person."""
        return self.manifest.people

    async def capabilities(self, object_: str) -> Capabilities:
        """Say which fields the integration user may edit, and what a create needs when nothing better is known."""
        fields = (await self._client.describe(object_, max_age_s=60))["fields"]
        options = self._client.connection.options
        stated = {"Company": options.get("default_company", _UNKNOWN), "LastName": options.get("default_last_name", _UNKNOWN)}
        required = {one["name"] for one in fields if one.get("createable") and not one.get("nillable") and not one.get("defaultedOnCreate")}
        defaults: Mapping[str, Scalar] = {name: value for name, value in stated.items() if name in required}
        under = "AccountId" if object_ == "Contact" else None
        writable = {one["name"] for one in fields if one.get("updateable")}
        writable |= self._client.campaigns.fields.keys() if object_ in self.manifest.people else set()
        return Capabilities(frozenset(writable), defaults=defaults, account_field=under)

    async def update(self, rows: Sequence[Update], *, priority: Priority = "normal") -> Sequence[RowOutcome]:
        """Update by record id in one call, then membership of campaigns; Salesforce tells no time, so `Done.at` is None."""
        if len(rows) == 1 and (one := await self._alone(rows[0], priority)) is not None:
            return [one]
        plain = [(row, {"id": row.id, **_own(row)}) for row in rows if _own(row) or not row.fields]
        told = {one.key: one for one in await self._write("/composite/sobjects", plain, priority)}
        rest = [row for row in rows if not isinstance(told.get(row.key), Failed)]
        joins = [
            Join(row.key, id18(row.id) or row.id, self._client.campaigns.fields[name], value)
            for row in rest for name, value in row.fields.items() if name in self._client.campaigns.fields
        ]  # fmt: skip
        failed = await self._client.campaigns.move(rows[0].object, joins, priority) if joins else {}
        return [failed.get(row.key) or told.get(row.key) or Done(key=row.key, id=row.id) for row in rows]

    async def _alone(self, row: Update, priority: Priority) -> RowOutcome | None:
        """Update one record unless somebody changed it since we knew it last, but for the option `lock: off`; None: as any other."""
        since, types = row.unmodified_since, await self._client.types(row.object)
        if since is None or not self._client.locks or _own(row) != row.fields or not row.fields or _unfit(row.fields, types):
            return None
        answer = await self._client.patch(row.object, id18(row.id) or row.id, row.fields, since, priority=priority)
        if answer.status < 300:
            if answer.status == 204:
                return Done(key=row.key, id=row.id)
            words = "the answer is none that Salesforce gives, so that what was done is not known"
            return Failed(row.key, Unavailable(words, status=answer.status, unknown_outcome=True))
        errors = [one for one in answer.body if isinstance(one, dict)] if isinstance(answer.body, list) else []
        return Failed(
            row.key, Conflict("changed since it was read", code=MOVED, moved=True) if answer.status == 412 else _error(row, errors)
        )

    async def create(self, rows: Sequence[Create], *, priority: Priority = "normal") -> Sequence[RowOutcome]:
        """Create by upsert on the Truce id in one call: a second try finds the first, and says `created=False`.

        Membership of campaigns is left, and comes with the next update.
        """
        path = f"/composite/sobjects/{rows[0].object if rows else self.manifest.person_object}/{TRUCE_ID}"
        told = await self._write(path, [(row, _own(row)) for row in rows], priority)
        left = {row.key: tuple(name for name, value in row.fields.items() if name.startswith(CAMPAIGN) and value) for row in rows}
        return [one.model_copy(update={"left": left[one.key]}) if isinstance(one, Done) else one for one in told]

    async def find(self, emails: Sequence[str], wanted: Wanted, *, priority: Priority = "normal") -> Sequence[RecordChanged]:
        """Look people up by e-mail (SOQL, consistent), one query for each object; what was converted comes last."""
        found = [await self._found(name, "Email", emails, fields, priority) for name, fields in wanted.items()]
        return [record for records in found for record in records]

    async def read(self, ids: Sequence[str], fields: Sequence[str], *, object_: str = "", priority: Priority = "normal") -> Sequence[Item]:
        """Read records by id; one item each, in order."""
        return await self._client.read(object_ or self.manifest.person_object, ids, fields, priority=priority)

    async def find_created(
        self, truce_ids: Sequence[str], fields: Sequence[str], *, object_: str = "", priority: Priority = "normal"
    ) -> Sequence[RecordChanged]:
        """Look records up by the Truce id (SOQL, consistent)."""
        return await self._found(object_ or self.manifest.person_object, TRUCE_ID, truce_ids, fields, priority)

    async def tasks(self, rows: Sequence[TaskWanted], *, priority: Priority = "normal") -> Sequence[RowOutcome]:
        """Make tasks by upsert on a mark of our key, so that a second try finds the first; change those with an id by it."""
        object_ = self.manifest.task_object
        new = [Create(key=row.key, object=object_, fields={TRUCE_ID: mark(row.key), **_task(row)}) for row in rows if row.id is None]
        known = [Update(key=row.key, object=object_, id=row.id, fields=_task(row)) for row in rows if row.id is not None]
        changed = await self.update(known, priority=priority)  # first: should it fail, nothing was made that is not told
        made = await self._write(f"/composite/sobjects/{object_}/{TRUCE_ID}", [(one, dict(one.fields)) for one in new], priority)
        return [*changed, *made]

    async def find_tasks(self, rows: Sequence[TaskWanted], *, priority: Priority = "normal") -> Sequence[TaskSeen]:
        """Look tasks up by the marks of our keys (SOQL, consistent)."""
        by_mark = {mark(row.key): row.key for row in rows}
        if not by_mark:
            return []
        object_ = self.manifest.task_object
        found = await self._client.where_in(object_, TRUCE_ID, list(by_mark), ["IsClosed"], deleted=False, priority=priority)
        seen = [row for page, _ in found for row in page.records if row.get(TRUCE_ID) in by_mark]
        return [TaskSeen(key=by_mark[row[TRUCE_ID]], id=row["Id"], done=bool(row.get("IsClosed"))) for row in seen]

    async def close(self) -> None:
        """Release everything."""
        await self._client.close()

    async def _found(
        self, object_: str, field: str, values: Sequence[str], fields: Sequence[str], priority: Priority
    ) -> Sequence[RecordChanged]:
        if not values:
            return []
        answers = await self._client.where_in(object_, field, values, fields, deleted=False, priority=priority)
        found = [(bool(row.get("IsConverted")), reading.snapshot(row)) for rows, reading in answers for row in rows.records]
        return [record for _, record in sorted(found, key=lambda one: one[0])]

    async def _write(
        self, path: str, rows: Sequence[tuple[Update | Create, dict[str, Scalar]]], priority: Priority
    ) -> Sequence[RowOutcome]:
        if not rows:
            return []
        types = await self._client.types(rows[0][0].object)
        unfit = {row.key: wrong for row, values in rows if (wrong := _unfit(values, types))}
        sent = [(row, values) for row, values in rows if row.key not in unfit]
        records = [{"attributes": {"type": row.object}, **values} for row, values in sent]
        known = bool(sent) and isinstance(sent[0][0], Update)
        results = await self._client.write(path, records, priority=priority, known=known) if records else []
        told = {row.key: _outcome(row, result) for (row, _), result in zip(sent, results, strict=True)}
        return [told.get(row.key) or Failed(row.key, unfit[row.key]) for row, _ in rows]


def _own(row: Update | Create) -> dict[str, Scalar]:
    """Give the record's own fields: all but membership of campaigns."""
    return {name: value for name, value in row.fields.items() if not name.startswith(CAMPAIGN)}


def mark(key: str) -> str:
    """Give what stands in a task's Truce id, which holds 36 characters: the same for the same key."""
    return derived_id("task", key)


def _task(row: TaskWanted) -> dict[str, Scalar]:
    """Give a task's fields. Salesforce's due date has no time of day: the reminder has it."""
    fields: dict[str, Scalar] = {
        "WhoId": Ref.parse(row.person).id, "OwnerId": row.owner, "Subject": row.subject[:255], "Description": row.body or None,
        "ActivityDate": row.due.date().isoformat(), "ReminderDateTime": row.due.isoformat().replace("+00:00", "Z"), "IsReminderSet": not row.done,
    }  # fmt: skip
    return {**fields, "Status": "Completed"} if row.done else fields


def _unfit(values: Mapping[str, Scalar], types: Mapping[str, Any]) -> Rejected | None:
    """Refuse here what would make Salesforce refuse the whole batch: a value that cannot be read as its field's type."""
    wrong = {name: words for name, value in values.items() if name in types and (words := misfit(value, types[name]))}
    if not wrong:
        return None
    refused = tuple(FieldRefused(field=name, value=values[name], code="JSON_PARSER_ERROR", words=words) for name, words in wrong.items())
    return Rejected("; ".join(f"{name}: {words}" for name, words in wrong.items()), code="JSON_PARSER_ERROR", refused=refused)


def _outcome(row: Update | Create, result: Row) -> RowOutcome:
    if result.get("success") is True:
        ident = id18(str(result.get("id")))
        if ident is None or (isinstance(row, Update) and ident != (id18(row.id) or row.id)):
            words = "the answer speaks of another record, so that what was done is not known"
            return Failed(row.key, Unavailable(words, unknown_outcome=True))
        return Done(key=row.key, id=str(result["id"]), created=bool(result.get("created")))
    return Failed(row.key, _error(row, [one for one in result.get("errors") or () if isinstance(one, dict)]))


def _error(row: Update | Create, errors: Sequence[Mapping[str, Any]]) -> ConnectorError:
    """Give the error of one row: the worst of several says what happens next, every field that was refused is named."""
    told = [complaint(one, row.fields, row.object) for one in errors] or [Complaint(words="refused without a reason")]
    worst = min(told, key=lambda one: _WORST_FIRST.index(DIALECT.kind(one, None)))
    hide = [value for value in row.fields.values() if isinstance(value, str)]
    return DIALECT.error(worst._replace(refused=tuple(field for one in told for field in one.refused)), hide=hide)

"""Writes EspoCRM: one call for each record, because its API has no batch; people, accounts and tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from connectors.base import (
    Capabilities,
    Create,
    Done,
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
from connectors.each import each
from connectors.errors import ConnectorError, Rejected, Unavailable
from connectors.espocrm.client import Client
from connectors.espocrm.mapping import DONE, LIST, TRUCE_ID, Row, from_wire, literal, moment, silent, to_wire, writable
from connectors.fit import misfit, moved
from schemas.base import Ref, Scalar
from schemas.change import RecordChanged
from schemas.envelope import derived_id
from schemas.write import FieldRefused

_NOT_PROVIDED = "[not provided]"


class EspoSink(Sink):
    """The writing side of one company."""

    def __init__(self, manifest: Manifest, client: Client) -> None:
        self.manifest, self._client = manifest, client

    @property
    def objects(self) -> tuple[str, ...]:
        """Name the objects for a person."""
        return self.manifest.people

    async def capabilities(self, object_: str) -> Capabilities:
        """Say which attributes the role may write, and what a create needs when nothing better is known."""
        described = await self._client.describe(object_, max_age_s=60)
        fields = writable(described, await self._client.denied(object_, max_age_s=60))
        needed = [name for name, one in described["fields"].items() if one.get("required") and "default" not in one and name in fields]
        defaults: Mapping[str, Scalar] = {
            name: _NOT_PROVIDED for name in needed if described["fields"][name].get("type") in ("varchar", "text")
        }
        lists = frozenset(f"{LIST}{one}" for one in self._client.lists if object_ in self.objects)
        return Capabilities(fields | lists, defaults=defaults, account_field="accountId" if object_ == "Contact" else None)

    async def update(self, rows: Sequence[Update], *, priority: Priority = "normal") -> Sequence[RowOutcome]:
        """Update records by their ids, one call each; what EspoCRM leaves out without a word (a field that the role does not have) is told."""
        late = await moved(rows, lambda ids: self._changed(rows[0].object, ids, priority)) if self._client.locks else {}
        left = [row for row in rows if row.key not in late]
        told = iter(await each(left, lambda row: self._updated(row, priority), in_flight=self.manifest.in_flight))
        return [late[row.key] if row.key in late else next(told) for row in rows]

    async def create(self, rows: Sequence[Create], *, priority: Priority = "normal") -> Sequence[RowOutcome]:
        """Create records whose Truce id is not there yet: EspoCRM knows no unique field, so that they are looked up in one call before."""
        there = await self._there(rows[0].object, [str(row.fields.get(TRUCE_ID) or "") for row in rows], priority) if rows else {}
        return await each(rows, lambda row: self._created(row, there, priority), in_flight=self.manifest.in_flight)

    async def find(self, emails: Sequence[str], wanted: Wanted, *, priority: Priority = "normal") -> Sequence[RecordChanged]:
        """Look people up by e-mail, consistently; what was converted comes last."""
        found = [await self._found(name, "emailAddress", emails, fields, priority) for name, fields in wanted.items()]
        return [record for records in found for record in records]

    async def read(self, ids: Sequence[str], fields: Sequence[str], *, object_: str = "", priority: Priority = "normal") -> Sequence[Item]:
        """Read records by id; one item each, in order."""
        return await self._client.read(object_ or self.manifest.person_object, ids, fields, priority=priority)

    async def find_created(
        self, truce_ids: Sequence[str], fields: Sequence[str], *, object_: str = "", priority: Priority = "normal"
    ) -> Sequence[RecordChanged]:
        """Look records up by the Truce id, consistently."""
        return await self._found(object_ or self.manifest.person_object, TRUCE_ID, truce_ids, fields, priority)

    async def tasks(self, rows: Sequence[TaskWanted], *, priority: Priority = "normal") -> Sequence[RowOutcome]:
        """Make tasks that bear a mark of our key, unless one does already; bring those with an id to the state that is wanted."""
        object_ = self.manifest.task_object
        new = [Create(key=row.key, object=object_, fields={TRUCE_ID: mark(row.key), **_task(row)}) for row in rows if row.id is None]
        known = [Update(key=row.key, object=object_, id=row.id, fields=_task(row)) for row in rows if row.id is not None]
        changed = await self.update(known, priority=priority)  # first: should it fail, nothing was made that is not told
        return [*changed, *await self.create(new, priority=priority)]

    async def find_tasks(self, rows: Sequence[TaskWanted], *, priority: Priority = "normal") -> Sequence[TaskSeen]:
        """Look tasks up by the marks of our keys, consistently."""
        by_mark, object_ = {mark(row.key): row.key for row in rows}, self.manifest.task_object
        found = await self._client.rows_in(object_, TRUCE_ID, list(by_mark), ["id", TRUCE_ID, "status"], priority=priority)
        seen = [row for row, _ in found if row.get(TRUCE_ID) in by_mark]
        return [TaskSeen(key=by_mark[row[TRUCE_ID]], id=str(row["id"]), done=row.get("status") == DONE[object_]) for row in seen]

    async def close(self) -> None:
        """Release everything."""
        await self._client.close()

    async def _found(
        self, object_: str, field: str, values: Sequence[str], fields: Sequence[str], priority: Priority
    ) -> Sequence[RecordChanged]:
        if not values:
            return []
        own, select = await self._client.asked(object_, fields)
        found = await self._client.rows_in(object_, field, values, select, priority=priority)
        seen = await self._client.readings(object_, found, own)
        told = [(row.get("status") == "Converted", reading.snapshot(row)) for row, reading in seen]
        return [record for _, record in sorted(told, key=lambda one: one[0])]

    async def _there(self, object_: str, truce_ids: Sequence[str], priority: Priority) -> dict[str, str]:
        """Give the records that have these Truce ids already."""
        asked = [one for one in truce_ids if one]
        found = await self._client.rows_in(object_, TRUCE_ID, asked, ["id", TRUCE_ID], priority=priority) if asked else []
        return {str(row[TRUCE_ID]): str(row["id"]) for row, _ in found}

    async def _values(self, row: Update | Create) -> dict[str, Scalar]:
        """Give a row's values as EspoCRM takes them; raises Rejected for what it would leave out, bend or break on without a word.

        Measured: a blank flag is a failure 500, any text for a flag is false, a fraction in a whole number is cut off.
        """
        types = await self._client.types(row.object, max_age_s=60)
        wrong = {name: "there is no such field" for name in row.fields if name not in types}
        wrong |= {name: words for name, value in row.fields.items() if name in types and (words := misfit(value, types[name]))}
        if wrong:
            raise _refused(row, wrong)
        return {name: to_wire(value, types[name]) for name, value in row.fields.items() if not name.startswith(LIST)}

    async def _changed(self, object_: str, ids: Sequence[str], priority: Priority) -> dict[str, datetime]:
        """Give when somebody but us changed these records last, by their whole seconds; EspoCRM's own lock is off as installed."""
        found = await self._client.rows_in(object_, "id", list(ids), ["id", "modifiedAt", "modifiedById"], priority=priority)
        me = await self._client.me()
        return {str(row["id"]): moment(row.get("modifiedAt")) for row, _ in found if row.get("modifiedById") not in (None, me)}

    async def _updated(self, row: Update, priority: Priority) -> Done:
        values, done = await self._values(row), Done(key=row.key, id=row.id)
        if values:
            answer = await self._client.call("PUT", f"{row.object}/{row.id}", json=values, values=values, priority=priority)
            done = await self._done(row.model_copy(update={"fields": {name: row.fields[name] for name in values}}), answer.body)
        lists = {name: value for name, value in row.fields.items() if name.startswith(LIST)}
        for name, value in lists.items():
            await self._client.enlist(name, row.object, row.id, on=value is True, priority=priority)
        return done.model_copy(update={"fields": done.fields | lists})

    async def _created(self, row: Create, there: Mapping[str, str], priority: Priority) -> Done:
        if found := there.get(str(row.fields.get(TRUCE_ID) or "")):
            return Done(key=row.key, id=found)
        values = await self._values(row)
        given = {name: value for name, value in values.items() if value is not None}  # a new record is blank
        done = await self._done(row, (await self._client.make(row.object, given, priority=priority)).body)
        left = list[str]()
        for name in (name for name, value in row.fields.items() if name.startswith(LIST) and value is True):
            try:
                await self._client.enlist(name, row.object, done.id, on=True, priority=priority)
            except ConnectorError:  # the record is there all the same, and it is told again
                left.append(name)
        return done.model_copy(update={"created": True, "left": tuple(left)})

    async def _done(self, row: Update | Create, body: Row) -> Done:
        """Tell what the record now holds; an update's answer has every field that the role shows."""
        try:
            ident, at, types = str(body["id"]), moment(body.get("modifiedAt")), await self._client.types(row.object)
            held = {name: from_wire(body[name], types.get(name)) for name in row.fields if name in body and not silent(body, name)}
        except (ConnectorError, KeyError, TypeError, AttributeError) as error:
            words = f"an answer that cannot be read, so that what was done is not known ({type(error).__name__})"
            raise Unavailable(words, unknown_outcome=True) from None
        lacks = (
            {name: "it was left out: the role does not allow it" for name in row.fields if name not in body}
            if isinstance(row, Update)
            else {}
        )
        if lacks:
            raise _refused(row, lacks)
        return Done(key=row.key, id=ident, at=at, fields=held)


def mark(key: str) -> str:
    """Give what stands in a task's Truce id, which holds 36 characters: the same for the same key."""
    return derived_id("task", key)


def _task(row: TaskWanted) -> dict[str, Scalar]:
    person = Ref.parse(row.person)
    fields: dict[str, Scalar] = {
        "name": row.subject[:255], "description": row.body or None, "dateEnd": f"{literal(row.due).replace(' ', 'T')}Z", "assignedUserId": row.owner,
        "parentType": person.object, "parentId": person.id,
    }  # fmt: skip
    return fields | ({"status": DONE["Task"]} if row.done else {})


def _refused(row: Update | Create, wrong: Mapping[str, str]) -> Rejected:
    refused = tuple(FieldRefused(field=name, value=row.fields[name], code="", words=words) for name, words in wrong.items())
    return Rejected("; ".join(f"{name}: {words}" for name, words in wrong.items()), refused=refused)

"""Writes Marketo: leads by id, new ones by e-mail and Truce id, each key by one call at a time; static lists and programs as fields of a lead."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager

from connectors.base import Capabilities, Create, Done, Failed, Item, Manifest, Priority, RowOutcome, Sink, Update, Wanted
from connectors.entering import entered, entering
from connectors.errors import Conflict, ConnectorError, Gone, Rejected, Unavailable
from connectors.marketo import mapping
from connectors.marketo.client import Client, positional
from connectors.marketo.mapping import DIALECT, LEADS, LIST, PROGRAM, TRUCE_ID, Row
from schemas.base import Ref, Scalar
from schemas.change import RecordChanged
from schemas.write import FieldRefused

_JOINED = (LIST, PROGRAM)
_MOST_REQUESTED = 100
"""So many leads take part in one request of a campaign (Adobe's guide, Smart Campaigns)."""


def _split(fields: Mapping[str, Scalar]) -> tuple[dict[str, Scalar], dict[str, Scalar]]:
    """Give (membership of lists and programs, the lead's own fields)."""
    joined = {name: value for name, value in fields.items() if name.startswith(_JOINED)}
    return joined, {name: value for name, value in fields.items() if name not in joined}


def _keys(fields: Mapping[str, Scalar]) -> frozenset[str]:
    return frozenset(f"{name}:{str(value).strip().casefold()}" for name in ("email", TRUCE_ID) if (value := fields.get(name)))


class MarketoSink(Sink):
    """The writing side of one subscription."""

    def __init__(self, client: Client, manifest: Manifest) -> None:
        self.manifest, self._client = manifest, client
        self._busy: set[str] = set()
        self._free = asyncio.Condition()

    async def capabilities(self, object_: str) -> Capabilities:
        """Say what describe2 lets us write, and the lists and programs of the options."""
        writable = {str(one["name"]) for one in await self._client.describe(max_age_s=0) if one.get("updateable")}
        joined = {name for name in await self._client.types() if name.startswith(_JOINED)}
        return Capabilities(frozenset(writable | joined))

    async def update(self, rows: Sequence[Update], *, priority: Priority = "normal") -> Sequence[RowOutcome]:
        """Update leads by their ids in one call, then put them on lists and forward in programs, with one call for each of these."""
        told: dict[str, RowOutcome] = {row.key: _nowhere(row) for row in rows if not row.id.isdigit()}
        plain = {row.key: (row, _split(row.fields)[1]) for row in rows if row.key not in told}
        sent = [(key, row.id, fields) for key, (row, fields) in plain.items() if fields]
        async with self._alone(key for _, _, fields in sent for key in _keys(fields)):
            told |= await self._saved([(key, {"id": int(ident), **fields}) for key, ident, fields in sent], "updateOnly", "id", priority)
        for name, value, some in _memberships([row for row in rows if not isinstance(told.get(row.key), Failed)]):
            for outcome in await self._joined(name, value, some, priority):
                told[outcome.key] = outcome if isinstance(outcome, Failed) else told.get(outcome.key) or outcome
        return [told.get(row.key) or Done(key=row.key, id=row.id) for row in rows]

    async def create(self, rows: Sequence[Create], *, priority: Priority = "normal") -> Sequence[RowOutcome]:
        """Create leads by their e-mail, those without one by the Truce id; a taken e-mail is a Conflict naming the lead.

        Marketo makes duplicates of upserts of one key that overlap, so that no key is in two calls at once, or in one call twice.
        """
        told: dict[str, RowOutcome] = {}
        for lookup, some in _turns(rows):
            sent = [(row.key, _split(row.fields)[1]) for row in some]
            try:
                async with self._alone(key for row in some for key in _keys(row.fields)):
                    told |= await self._saved(sent, "createOnly", lookup, priority)
            except ConnectorError as error:
                if not told:
                    raise
                told |= {row.key: Failed(row.key, error) for row in some}  # others are done: what is not is told row by row
        await self._settled([row for row in rows if _taken(told[row.key])], told, priority)
        await self._entered(rows, told, priority)
        return [told[row.key] for row in rows]

    async def _entered(self, rows: Sequence[Create], told: dict[str, RowOutcome], priority: Priority) -> None:
        """Put new leads on their lists and into their programs; where that fails they are there all the same, and it is told again."""
        new = entering(rows, told, *_JOINED)
        entered(new, told, {one.key: one for one in await self.update(new, priority=priority)})

    async def find(self, emails: Sequence[str], wanted: Wanted, *, priority: Priority = "normal") -> Sequence[RecordChanged]:
        """Look leads up by e-mail."""
        return await self._by("email", emails, wanted[LEADS], priority) if LEADS in wanted else []

    async def find_created(
        self, truce_ids: Sequence[str], fields: Sequence[str], *, object_: str = "", priority: Priority = "normal"
    ) -> Sequence[RecordChanged]:
        """Look leads up by the Truce id."""
        return await self._by(TRUCE_ID, truce_ids, fields, priority)

    async def read(self, ids: Sequence[str], fields: Sequence[str], *, object_: str = "", priority: Priority = "normal") -> Sequence[Item]:
        """Read leads back; merged and deleted ones are told as that."""
        return await self._client.told(ids, fields, priority=priority)

    async def close(self) -> None:
        """Release everything."""
        await self._client.close()

    @asynccontextmanager
    async def _alone(self, keys: Iterable[str]) -> AsyncIterator[None]:
        """Let nobody else write these keys meanwhile; all are taken at once, so that two calls never wait for each other."""
        mine = {*keys}
        async with self._free:
            await self._free.wait_for(lambda: not mine & self._busy)
            self._busy |= mine
        try:
            yield
        finally:
            async with self._free:
                self._busy -= mine
                self._free.notify_all()

    async def _by(self, name: str, values: Sequence[str], fields: Sequence[str], priority: Priority) -> list[RecordChanged]:
        if not any(values):
            return []
        found = await self._client.find(name, values, fields, priority=priority)
        reading = await self._client.reading(found.answer)
        return [reading.snapshot(row, fields) for row in found.rows.values()]

    async def _saved(self, sent: Sequence[tuple[str, Row]], action: str, lookup: str, priority: Priority) -> dict[str, RowOutcome]:
        """Send rows in one call and tell each; in two where Marketo takes no request that long (413)."""
        if not sent:
            return {}
        try:
            results = await self._client.sync([row for _, row in sent], action=action, lookup=lookup, priority=priority)
        except Rejected as error:
            if error.status == 413 and len(sent) > 1:
                half = len(sent) // 2
                return await self._saved(sent[:half], action, lookup, priority) | await self._saved(sent[half:], action, lookup, priority)
            if len(sent) > 1 or error.status == 413:
                raise
            return {sent[0][0]: Failed(sent[0][0], _ours(error, sent[0][1]))}
        return {key: _outcome(key, row, result) for (key, row), result in zip(sent, results, strict=True)}

    async def _settled(self, refused: Sequence[Create], told: dict[str, RowOutcome], priority: Priority) -> None:
        """Tell a create whose key is taken as done where the lead bears its Truce id (an earlier try was applied), else name who has the e-mail."""
        for name in ("email", TRUCE_ID):
            asked = {str(row.fields[name]): row for row in refused if row.fields.get(name) and isinstance(told[row.key], Failed)}
            try:
                found = await self._by(name, list(asked), sorted({one for row in asked.values() for one in row.fields}), priority)
            except ConnectorError:
                return  # the conflicts stand as they are; the next try finds out
            for row in asked.values():
                told[row.key] = _who(row, name, found) or told[row.key]

    async def _joined(self, name: str, value: Scalar, rows: Sequence[Update], priority: Priority) -> list[RowOutcome]:
        """Put leads on a list or off it, or to a status of a program; whatever goes wrong is told for each row."""
        try:
            results = await self._membership(name, value, [row.id for row in rows], priority)
        except Unavailable as error:  # to be on a list is a state: nothing happens twice when it is said again
            return [Failed(row.key, error) for row in rows]
        except ConnectorError as error:
            return [Failed(row.key, _ours(error, {name: value})) for row in rows]
        told = []
        for row, result in zip(rows, results, strict=True):
            one = _outcome(row.key, {name: value}, {"id": row.id, **result}, good=("added", "removed", "updated"))
            told.append(Failed(row.key, _ours(one.error, {name: value})) if isinstance(one, Failed) else one)
        return told

    async def _membership(self, name: str, value: Scalar, ids: Sequence[str], priority: Priority) -> list[Row]:
        ident, kind = name.partition(".")[2], name.partition(".")[0] + "."
        if kind == PROGRAM:
            if not isinstance(value, str):
                raise Rejected("a program's status is a name; nobody leaves a program here")
            return await self._moved(ident, value, ids, priority)
        if value is True and (campaign := self._client.lists.get(ident)):
            held = await self._client.on_list(ident, ids, priority=priority)
            await self._requested(campaign, [one for one in ids if not held.get(one)], priority)
        method = "POST" if value is True else "DELETE"
        answer = await self._client.call(method, f"/lists/{ident}/leads.json?{mapping.named(ids)}", priority=priority)
        return [{"status": "removed"} if _only(row, "1015") else row for row in positional(answer, len(ids))]

    async def _moved(self, program: str, status: str, ids: Sequence[str], priority: Priority) -> list[Row]:
        """Move leads forward in a program, which makes members of those that are none; who has this status already is where they should be."""
        body = {"statusName": status, "input": [{"leadId": int(one)} for one in ids]}
        told = positional(
            await self._client.call("POST", f"/programs/{program}/members/status.json", json=body, priority=priority), len(ids)
        )
        past = [one for one, row in zip(ids, told, strict=True) if _only(row, "1037")]
        held = await self._client.in_program(program, past, priority=priority)
        there = {one for one in past if held.get(one) == status}
        moved = [row.get("status") == "created" or one in there for one, row in zip(ids, told, strict=True)]
        return [{"status": "updated"} if ok else row for row, ok in zip(told, moved, strict=True)]

    async def _requested(self, campaign: str, ids: Sequence[str], priority: Priority) -> None:
        """Run leads through a campaign, before they are on the list: if that fails they are run through again, rather than never."""
        for start in range(0, len(ids), _MOST_REQUESTED):
            body = {"input": {"leads": [{"id": int(one)} for one in ids[start : start + _MOST_REQUESTED]]}}
            await self._client.call("POST", f"/campaigns/{campaign}/trigger.json", json=body, priority=priority)


def _nowhere(row: Update) -> Failed:
    return Failed(row.key, Gone("a lead's id is a number"))


def _only(result: Row, code: str) -> bool:
    """Say whether a row was skipped for this reason alone."""
    return [str(one.get("code")) for one in result.get("reasons") or ()] == [code]


def _taken(outcome: RowOutcome) -> bool:
    return isinstance(outcome, Failed) and isinstance(outcome.error, Conflict)


def _turns(rows: Sequence[Create]) -> list[tuple[str, list[Create]]]:
    """Give rows in calls: by the field that they are looked up by, no key twice in one."""
    calls: list[tuple[str, list[Create]]] = []
    for row in rows:
        lookup, keys = "email" if row.fields.get("email") else TRUCE_ID, _keys(row.fields)
        fits = (some for by, some in calls if by == lookup and not any(keys & _keys(one.fields) for one in some))
        if (call := next(fits, None)) is None:
            calls.append((lookup, call := []))
        call.append(row)
    return calls


def _memberships(rows: Sequence[Update]) -> list[tuple[str, Scalar, list[Update]]]:
    found: dict[tuple[str, Scalar], list[Update]] = {}
    for row in rows:
        for name, value in _split(row.fields)[0].items():
            found.setdefault((name, value), []).append(row)
    return [(name, value, some) for (name, value), some in found.items()]


def _who(row: Create, name: str, found: Sequence[RecordChanged]) -> RowOutcome | None:
    """Say who has what a create was refused for: a lead with its own Truce id is its own, any other is a conflict."""
    ours = next((one for one in found if one.truce_id == row.fields.get(TRUCE_ID)), None)
    if ours is not None:
        return Done(key=row.key, id=Ref.parse(ours.ref).id, at=ours.at, fields={one: ours.fields[one] for one in row.fields})
    key = str(row.fields[name]).casefold()
    theirs = tuple(Ref.parse(one.ref).id for one in found if name == "email" and str(one.email or "").casefold() == key)
    return Failed(row.key, Conflict("another lead has this e-mail address", code="1005", existing=theirs)) if theirs else None


def _outcome(key: str, row: Row, result: Row, *, good: Sequence[str] = ("created", "updated")) -> RowOutcome:
    """Tell one row by its result: what Marketo took, or why it skipped it."""
    status, values = result.get("status"), {name: value for name, value in row.items() if name != "id"}
    if status in good and str(result.get("id") or "").isdigit():
        return Done(key=key, id=str(result["id"]), created=status == "created")
    if status == "skipped":
        return Failed(key, DIALECT.error(mapping.refusal(result, values), None, hide=[one for one in values.values() if one is not None]))
    return Failed(key, Unavailable("the answer does not say what was done with this row", unknown_outcome=True))


def _ours(error: ConnectorError, row: Row) -> ConnectorError:
    """Say which field a whole call was refused for, as far as one row was in it, with the value that we sent."""
    if isinstance(error, Rejected):
        names = [one.field for one in error.refused if one.field in row] or [name for name in row if name != "id"]
        said = error.refused[0] if error.refused else FieldRefused(field="", code=error.code, words=error.words)
        error.refused = tuple(
            said.model_copy(update={"field": name, "value": row.get(name)}) for name in (names if len(names) == 1 else [said.field])
        )
    return error

"""Segments as flags of a contact, `lists.<id>`: Mautic keeps membership beside the contact, so that it is read and written by calls of its own.

Seen of Mautic 5.1.0: no time of a contact moves with it and the audit log keeps silent; the log of contacts' events (lead_event_log) says who
put whom into which segment and when. Whom a filter of the segment would put in is kept out by a mark once they were taken out by hand.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime

from connectors.base import Create, Done, Failed, Priority, RowOutcome, Update
from connectors.entering import entered, entering
from connectors.errors import ConnectorError, Gone, Rejected
from connectors.mautic.client import Client
from connectors.mautic.mapping import LIST, Acted, Row, moment
from connectors.onward import Onward
from schemas.write import FieldRefused

_PAGE = 100


def without(rows: Sequence[Update]) -> list[Update]:
    """Give the rows' other fields; a row that has none is left out."""
    plain = [
        row.model_copy(update={"fields": {name: one for name, one in row.fields.items() if not name.startswith(LIST)}}) for row in rows
    ]
    return [row for row in plain if row.fields]


class Segments:
    """Puts contacts into segments and takes them out; whoever is there already is so afterwards, too."""

    def __init__(self, client: Client, in_flight: int) -> None:
        self._client, self._room = client, asyncio.Semaphore(in_flight)

    async def tell(self, rows: Sequence[Update], told: dict[str, RowOutcome], priority: Priority) -> None:
        """Move the contacts of rows that did not fail; what is refused is refused under the field's name."""
        left = [row for row in rows if any(name.startswith(LIST) for name in row.fields) and not isinstance(told.get(row.key), Failed)]
        for row, outcome in zip(left, await asyncio.gather(*(self._moved(row, priority) for row in left)), strict=True):
            done = told.get(row.key)
            told[row.key] = (
                done.model_copy(update={"fields": done.fields | outcome.fields})
                if isinstance(done, Done) and isinstance(outcome, Done)
                else outcome
            )

    async def enter(self, rows: Sequence[Create], told: dict[str, RowOutcome], priority: Priority) -> None:
        """Put new contacts into their segments; where that fails they are there all the same, and it is told again."""
        new, outcomes = entering(rows, told, LIST), dict[str, RowOutcome]()
        await self.tell(new, outcomes, priority)
        entered(new, told, outcomes)

    async def _moved(self, row: Update, priority: Priority) -> RowOutcome:
        fields = {name: value for name, value in row.fields.items() if name.startswith(LIST)}
        for name, value in fields.items():
            path = f"/segments/{name.removeprefix(LIST)}/contact/{row.id}/{'add' if value is True else 'remove'}"
            try:
                async with self._room:
                    await self._client.send("POST", path, {}, priority=priority, idempotent=True)
            except Gone as error:
                if error.words.startswith("Contact"):
                    return Failed(row.key, Gone(error.words, status=error.status))
                refused = FieldRefused(field=name, value=value, code=error.code, words="there is no such segment")
                return Failed(row.key, Rejected("there is no such segment", refused=(refused,)))
            except ConnectorError as error:
                return Failed(row.key, error)
        return Done(key=row.key, id=row.id, fields=fields)

    async def moves(self, since: str, wanted: Sequence[str]) -> AsyncIterator[list[Row]]:
        """Read who was put into these segments, or taken out, since a moment, page by page; moves of other segments, however many, cost nothing."""
        ours = ",".join(name.removeprefix(LIST) for name in wanted if name.startswith(LIST))
        where = (("object", "eq", "segment"), ("object_id", "in", ours), ("date_added", "gte", since))
        start, more, pages = 0, True, Onward("moves")
        while more:
            _, page = await self._client.table("lead_event_log", *where, limit=_PAGE, start=start)
            pages.at(page[0].get("id") if page else None)
            start, more = start + len(page), len(page) >= _PAGE
            yield page


def moved(moves: Sequence[Row]) -> dict[str, Acted]:
    """Put the moves of each contact together, by contact: the last one says who acted."""
    by: dict[str, Acted] = {}
    for one in moves:
        who, at = str(one["lead_id"]), moment(one["date_added"])
        times: Mapping[str, datetime] = {f"{LIST}{one['object_id']}": at} if at else {}
        by[who] = Acted(str(one.get("user_name") or ""), "", {**(by[who].times if who in by else {}), **times})
    return by

"""Writes Tryton: one call for each party, its contact mechanisms and identifiers with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connectors.base import Capabilities, Create, Done, Item, Manifest, Priority, RowOutcome, Sink, Update, Wanted
from connectors.each import each
from connectors.errors import ConnectorError, Gone, Rejected, Unavailable
from connectors.fit import misfit
from connectors.http import Answer
from connectors.scan import Rows
from connectors.tryton.client import Client
from connectors.tryton.mapping import LIST, MECHANISMS, PARTY, TRUCE_ID, Row, odd, values
from schemas.change import RecordChanged
from schemas.write import FieldRefused


class TrytonSink(Sink):
    """The writing side of one database."""

    def __init__(self, manifest: Manifest, client: Client) -> None:
        self.manifest, self._client = manifest, client

    async def capabilities(self, object_: str) -> Capabilities:
        """Say which fields the user may write; opportunities are the reps' alone."""
        return Capabilities((await self._client.schema(object_, max_age_s=60)).writable, creates=object_ == PARTY)

    async def update(self, rows: Sequence[Update], *, priority: Priority = "normal") -> Sequence[RowOutcome]:
        """Change parties by their ids, one call each; those whose mechanisms or identifier change are read first, all at once."""
        lines = [row.id for row in rows if row.fields.keys() & {*MECHANISMS, TRUCE_ID}]
        pages = await self._client.having("id", lines, (), priority=priority) if lines else []
        there = {str(one["id"]): one for page in pages for one in page.records}

        async def step(row: Update) -> Done:
            if row.id in lines and row.id not in there:
                raise Gone(f"party {row.id} is not there")
            return await self._written(row, row.id, there.get(row.id), priority)

        return await each(rows, step, in_flight=self.manifest.in_flight)

    async def create(self, rows: Sequence[Create], *, priority: Priority = "normal") -> Sequence[RowOutcome]:
        """Make parties whose Truce id is not there yet: nothing is unique in Tryton, so that they are looked up in one call before.

        One after the other: of two that are made at once, Tryton on SQLite gives both the same code, and refuses one.
        """
        made = await self.find_created([str(row.fields[TRUCE_ID]) for row in rows], [], priority=priority) if rows else []
        there = {one.truce_id: one.ref.rpartition(":")[2] for one in made}

        async def step(row: Create) -> Done:
            known = there.get(str(row.fields[TRUCE_ID]))
            return Done(key=row.key, id=known) if known else await self._written(row, None, None, priority)

        return await each(rows, step, in_flight=1)

    async def find(self, emails: Sequence[str], wanted: Wanted, *, priority: Priority = "normal") -> Sequence[RecordChanged]:
        """Look parties up by e-mail, by any that they have in use."""
        return await self._found("email", emails, wanted.get(self.manifest.person_object, ()), priority)

    async def read(self, ids: Sequence[str], fields: Sequence[str], *, object_: str = "", priority: Priority = "normal") -> Sequence[Item]:
        """Read records back by id."""
        return await self._client.told(ids, fields, object_=object_ or PARTY, priority=priority)

    async def find_created(
        self, truce_ids: Sequence[str], fields: Sequence[str], *, object_: str = "", priority: Priority = "normal"
    ) -> Sequence[RecordChanged]:
        """Look parties up by the Truce id."""
        return await self._found(TRUCE_ID, truce_ids, fields, priority)

    async def close(self) -> None:
        """Release everything."""
        await self._client.close()

    async def _found(self, field: str, asked: Sequence[str], fields: Sequence[str], priority: Priority) -> list[RecordChanged]:
        found: list[RecordChanged] = []
        for rows in await self._client.having(field, asked, fields, priority=priority):
            reading = await self._client.reading(rows, fields)
            found += [reading.snapshot(row) for row in rows.records]
        return found

    async def _written(self, row: Update | Create, ident: str | None, held: Row | None, priority: Priority) -> Done:
        """Write one row; raises Rejected for what is certain to be refused, or to break the whole answer, before it is sent."""
        schema = await self._client.schema(max_age_s=60)
        wrong: Mapping[str, str | None] = {
            name: misfit(value, schema.types[name]) or odd(value, schema.kinds.get(name)) if name in schema.writable
            else "it may not be written" if name in schema.types else "there is no such field"
            for name, value in row.fields.items()
        }  # fmt: skip
        refused = tuple(FieldRefused(field=name, value=row.fields[name], code="", words=words) for name, words in wrong.items() if words)
        if refused:
            raise Rejected("; ".join(f"{one.field}: {one.words}" for one in refused), refused=refused)
        for name in (one for one in row.fields if ident and one.startswith(LIST)):
            if scenario := self._client.lists.get(name.removeprefix(LIST)):  # before the flag, so that what fails is tried again
                await self._client.follows(str(ident), scenario, wanted=row.fields[name] is True, priority=priority)
        names = [*row.fields]
        answer = await self._client.write(ident, values(row.fields, schema.kinds, held), names, priority=priority)
        return await self._done(row, answer, names, created=ident is None)

    async def _done(self, row: Update | Create, answer: Answer, names: Sequence[str], *, created: bool) -> Done:
        """Tell what the party now holds; an answer that cannot be read leaves open what was done."""
        try:
            told = Rows([answer.body], False, answer.sent_at, answer.received_at, answer.at_vendor)
            now = (await self._client.reading(told, names)).snapshot(answer.body)
        except (ConnectorError, KeyError, TypeError, AttributeError) as error:
            words = f"an answer that cannot be read, so that what was done is not known ({type(error).__name__})"
            raise Unavailable(words, unknown_outcome=True) from None
        return Done(key=row.key, id=now.ref.rpartition(":")[2], at=now.at, fields=now.fields, created=created)

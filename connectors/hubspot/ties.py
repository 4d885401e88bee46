"""Associations that are written: a deal's people and company, as fields that hold ids. What others associated stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connectors.base import Done, Failed, Priority, RowOutcome, Update
from connectors.errors import Conflict, ConnectorError, Gone, Rejected
from connectors.http import scrub
from connectors.hubspot.client import Client
from connectors.hubspot.objects import SHAPES, TIES, Row, tied
from schemas.base import Scalar
from schemas.write import FieldRefused


def plain(fields: Mapping[str, Scalar], object_: str) -> dict[str, Scalar]:
    """Give the fields that are properties."""
    return {name: value for name, value in fields.items() if SHAPES[object_].owns(name)}


def ends(fields: Mapping[str, Scalar], object_: str) -> tuple[Row, ...]:
    """Give the far ends of a new record's associations."""
    named = [name for name in SHAPES[object_].linked if fields.get(name)]
    return tuple(tied(one, [TIES[name]]) for name in named for one in str(fields[name]).split(","))


class Ties:
    """Associates known records; a pair that is associated already is so afterwards, too."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def tell(self, rows: Sequence[Update], told: dict[str, RowOutcome], priority: Priority) -> None:
        """Associate what the rows of one object say; what is refused is refused under the field's name."""
        for name, other in SHAPES[rows[0].object].linked.items() if rows else ():
            some = [row for row in rows if row.fields.get(name) and not isinstance(told.get(row.key), Failed)]
            if some:
                await self._field(name, other, some, told, priority)

    async def _field(self, name: str, other: str, rows: Sequence[Update], told: dict[str, RowOutcome], priority: Priority) -> None:
        """Make one call for all rows; where it is refused, one for each."""
        try:
            pairs = [(row.id, tied(one, [TIES[name]])) for row in rows for one in str(row.fields[name]).split(",")]
            answer = await self._client.tie(rows[0].object, other, pairs, priority=priority)
            if errors := answer.body.get("errors"):
                raise Rejected(scrub(str(errors[0].get("message") or "some associations were refused")))
        except (Rejected, Conflict, Gone) as error:
            if len(rows) > 1:
                for row in rows:
                    await self._field(name, other, [row], told, priority)
                return
            refused = FieldRefused(field=name, value=rows[0].fields[name], code=error.code, words=error.words)
            told[rows[0].key] = Failed(rows[0].key, Rejected(error.words, code=error.code, refused=(refused,)))
        except ConnectorError as error:
            told.update({row.key: Failed(row.key, error) for row in rows})
        else:
            for row in rows:
                told.setdefault(row.key, Done(key=row.key, id=row.id))

"""Static lists as flags of a contact, `lists.<id>`: HubSpot keeps membership beside the record, so that it is read and written by calls of its own.

Source: HubSpot's guide "Lists", memberships: only lists of the processing type MANUAL or SNAPSHOT take records; who is not there is named in the
answer. No time of a contact moves with it, and no webhook tells of it: whom others put there is seen by the list itself (`joins.py`), whom they
took off with the contact's next read, at the latest the sweep.
"""

from __future__ import annotations

from collections.abc import Sequence

from connectors.base import Create, Done, Failed, Priority, RowOutcome, Update
from connectors.entering import entered, entering
from connectors.errors import Conflict, ConnectorError, Gone, Rejected
from connectors.hubspot.client import Client
from connectors.hubspot.objects import LIST
from schemas.write import FieldRefused


def changes(rows: Sequence[Update]) -> dict[str, list[Update]]:
    """Give the rows that put their contact on a list or take it off, by the field's name."""
    found: dict[str, list[Update]] = {}
    for row in rows:
        for name in row.fields:
            if name.startswith(LIST):
                found.setdefault(name, []).append(row)
    return found


class Lists:
    """Puts contacts on lists and takes them off; whoever is there already is so afterwards, too."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def tell(self, rows: Sequence[Update], told: dict[str, RowOutcome], priority: Priority) -> None:
        """Make one call for each list; what is refused is refused under the field's name."""
        for name, some in changes(rows).items():
            left = [row for row in some if not isinstance(told.get(row.key), Failed)]
            if left:
                await self._list(name, left, told, priority)

    async def enter(self, rows: Sequence[Create], told: dict[str, RowOutcome], priority: Priority) -> None:
        """Put new contacts on their lists; where that fails they are there all the same, and it is told again."""
        new, outcomes = entering(rows, told, LIST), dict[str, RowOutcome]()
        await self.tell(new, outcomes, priority)
        entered(new, told, outcomes)

    async def _list(self, name: str, rows: Sequence[Update], told: dict[str, RowOutcome], priority: Priority) -> None:
        add, remove = ([row.id for row in rows if (row.fields[name] is True) == on] for on in (True, False))
        try:
            missing = await self._client.enlist(name.removeprefix(LIST), add, remove, priority=priority)
        except (Rejected, Conflict, Gone) as error:
            for row in rows:
                refused = FieldRefused(field=name, value=row.fields[name], code=error.code, words=error.words)
                told[row.key] = Failed(row.key, Rejected(error.words, code=error.code, refused=(refused,)))
        except ConnectorError as error:
            told.update({row.key: Failed(row.key, error) for row in rows})
        else:
            for row in rows:
                if row.id in missing:
                    told[row.key] = Failed(row.key, Gone("the contact that was to be put on a list is not there"))
                else:
                    told[row.key] = told.get(row.key) or Done(key=row.key, id=row.id)

"""The leads of one subscription, and what is done to them; every act stands in the activity log and in the journal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connectors.emulator.faults import Faults
from connectors.emulator.journal import Journal
from connectors.emulator.marketo import activities
from connectors.emulator.marketo.activities import Log
from connectors.emulator.marketo.fields import Schema, wire_time
from connectors.emulator.marketo.refusals import Refused
from schemas.base import Scalar

API = "Web service API"


@dataclass(frozen=True)
class Actor:
    """Who acts: the journal's name for them, and what the log says of the source."""

    client: str
    source: str
    user: str = ""

    def told(self, method: str = "") -> dict[str, Any]:
        """Give the attributes of a change: by the API with the method and the user (types.json of Change Data Value names them)."""
        more = {"API Method Name": method, "Modifying User": self.user} if self.source == API else {}
        return {"Source": self.source, "Reason": self.source, **more}


@dataclass
class Lead:
    """One lead; `sure_at` is when every later call can find it (Marketo's guide: concurrent upserts of one key make duplicates)."""

    id: int
    values: dict[str, Scalar]
    created: datetime
    updated: datetime
    sure_at: float = 0.0
    programs: dict[int, str] = field(default_factory=dict)


class Leads:
    """All leads."""

    def __init__(self, schema: Schema, journal: Journal, log: Log, faults: Faults, clock: Callable[[], datetime]) -> None:
        self.schema, self._journal, self._log, self._faults, self._clock = schema, journal, log, faults, clock
        self.live: dict[int, Lead] = {}
        self.lists: dict[int, set[int]] = {}
        self._last = 0

    def insert(self, values: Mapping[str, Scalar], actor: Actor) -> Lead:
        """Make a lead."""
        self._last += 1
        now = self._clock()
        one = Lead(self._last, dict(values), now, now, time.monotonic() + self._faults.latency_s)
        self.live[one.id] = one
        self._log.add(one.id, activities.NEW, {"Source Type": actor.source, **actor.told("syncLead")})
        self._journal.effect(actor.client, "create", "leads", str(one.id), {}, values)
        return one

    def change(self, one: Lead, values: Mapping[str, Scalar], actor: Actor) -> None:
        """Change a lead; the log has an entry for each field that is otherwise than before, of its own type for scores."""
        before = {name: one.values.get(name) for name in values}
        for name, value in values.items():
            if value != before[name]:
                self._logged(one, name, before[name], value, actor)
        one.values |= values
        if before != dict(values):
            one.updated = self._clock()
        self._journal.effect(actor.client, "update", "leads", str(one.id), before, values)

    def _logged(self, one: Lead, name: str, old: Scalar, new: Scalar, actor: Actor) -> None:
        said = {"Old Value": _text(old), "New Value": _text(new), **actor.told("syncLead")}
        change = {"id": list(self.schema.fields).index(name) + 1, "name": name, "newValue": _text(new), "oldValue": _text(old)}
        kind = activities.SCORE if self.schema.fields[name].type == "score" else activities.VALUE
        self._log.add(one.id, kind, said, name=self.schema.fields[name].label, change=change if kind == activities.VALUE else None)

    def delete(self, one: Lead, actor: Actor) -> None:
        """Delete a lead for good."""
        del self.live[one.id]
        self._log.add(one.id, activities.DELETE, {"Lead Email": _text(one.values.get("email"))})
        self._journal.effect(actor.client, "delete", "leads", str(one.id), one.values, {})

    def merge(self, winner: Lead, losers: Iterable[Lead], actor: Actor) -> None:
        """Merge leads: the winner fills its blanks, the losers' ids vanish, and only the winner's log tells of it (type 32)."""
        gone = list(losers)
        for one in gone:
            winner.values = one.values | {name: value for name, value in winner.values.items() if value is not None}
            del self.live[one.id]
            self._journal.effect(actor.client, "merge", "leads", str(one.id), one.values, winner.values)
        winner.updated = self._clock()
        said = {"Merge IDs": str([one.id for one in gone]), "Master Updated": True, "Merged in Sales": False, "Merge Source": actor.source}
        self._log.add(winner.id, activities.MERGE, said, ident=winner.id)

    def find(self, name: str, values: Iterable[Any], *, sure: bool = False) -> list[Lead]:
        """Find leads by a field, without case; `sure` leaves out those that were being made when this call came."""
        keys = {_key(value) for value in values} - {""}
        now = time.monotonic()
        found = (one for one in self.live.values() if _key(one.id if name == "id" else one.values.get(name)) in keys)
        return [one for one in found if not sure or one.sure_at <= now]

    def get(self, ident: Any) -> Lead:
        """Give a lead by its id; raises Refused (1004)."""
        one = self.live.get(int(ident)) if str(ident).isdigit() else None
        if one is None:
            raise Refused("1004", f"Lead '{ident}' not found")
        return one

    def row(self, one: Lead, names: Iterable[str]) -> dict[str, Any]:
        """Give a lead as reads do: the id, and every field that was asked for, blank ones as null."""
        own = {"id": one.id, "createdAt": wire_time(one.created), "updatedAt": wire_time(one.updated)}
        return {"id": one.id, **{name: own.get(name, one.values.get(name)) for name in names}}


def _text(value: Scalar) -> str | None:
    return value if value is None or isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)


def _key(value: Any) -> str:
    return "" if value is None else str(value).strip().casefold()

"""What Salesforce is asked for one object's changes (SOQL by SystemModstamp, or by the end of meetings), and what of reps' acts counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from connectors.salesforce.client import Client
from connectors.salesforce.mapping import Row, literal, moment, quoted
from connectors.scan import Place, Rows, Scan

MEETINGS = "Event"
ENDED = "Event by its end"
"""The scan that finds the meetings whose end has passed: nothing else happens to a meeting when it is over."""


@dataclass(kw_only=True)
class SoqlScan(Scan):
    """Reads one object's changes by SOQL; a row that lies in the recycle bin too."""

    client: Client
    object: str
    where: Callable[[], str] = str
    """Says what else a row must meet to be told at this moment."""
    stamp: str = "SystemModstamp"
    ident: str = "Id"
    ahead: Rows | None = None
    """What the first query from here gave, where it was asked together with those of other objects."""

    async def ask(self, place: Place, fields: str) -> Rows:
        """Run the query from a place on, unless its answer is there already."""
        ahead, self.ahead = self.ahead, None
        return ahead or await self.client.query(self.soql(place, fields), deleted=True, limit=self.client.page_rows)

    def moment(self, wire: Any) -> datetime:
        """Read a time of the wire."""
        return moment(wire)

    def literal(self, moment: datetime) -> str:
        """Write a time as SOQL has it."""
        return literal(moment)

    def soql(self, place: Place, columns: str) -> str:
        """Give the query that reads on from a place."""
        if place.after is None:
            when = f"{self.stamp} >= {literal(self.low(place.base))}"
        else:
            stamp, ident = place.after
            when = f"({self.stamp} > {stamp} OR ({self.stamp} = {stamp} AND Id > {quoted(ident)}))"
        limit, where = self.client.page_rows, " AND ".join(filter(None, (when, self.where())))
        return f"SELECT {columns} FROM {self.object} WHERE {where} ORDER BY {self.stamp}, Id LIMIT {limit}"


def scanned(scan: str) -> str:
    """Give the object that a scan reads."""
    return MEETINGS if scan == ENDED else scan


def noted_after(meeting: Row) -> bool:
    """Say whether a meeting was noted or changed after its end, so that its change tells of it; of others their end does."""
    return moment(meeting["SystemModstamp"]) > moment(meeting["EndDateTime"])


def _over() -> str:
    """Say which meetings count: they are over, with somebody; an all-day one has no end, a child is an invitee's copy, a series no meeting.

    Salesforce does not say whether anybody came (its Object Reference: Event has no outcome).
    """
    some = "WhoId != null AND IsAllDayEvent = false AND IsChild = false AND IsRecurrence = false"
    return f"{some} AND EndDateTime <= {literal(datetime.now(UTC))}"


WHERE: Mapping[str, Callable[[], str]] = {"Task": lambda: "IsClosed = true AND WhoId != null", MEETINGS: _over}
"""What a rep did counts only as this says."""

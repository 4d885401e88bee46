"""Who else writes contacts: by the history of the properties of those that changed last (sourceType and sourceId of each value)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime

from connectors.base import Edits, Rival, Rivals
from connectors.hubspot.client import HISTORY_ROWS, Client, records
from connectors.hubspot.mapping import millis, moment
from connectors.hubspot.objects import SHAPES

WINDOW_DAYS = 7
_MACHINES = {
    "SALESFORCE": "HubSpot's own Salesforce sync", "MICROSOFT_DYNAMICS": "HubSpot's own Dynamics sync", "DATASYNC": "HubSpot's Data Sync",
    "AUTOMATION_PLATFORM": "the workflow", "WORKFLOWS": "the workflow", "WORKFLOW": "the workflow", "API": "another tool by API key",
}  # fmt: skip
"""sourceType → what an admin calls it; people's own acts, forms, imports and calculations are no rivals."""
_NAMELESS = frozenset({"SALESFORCE", "MICROSOFT_DYNAMICS", "DATASYNC", "API"})


async def edits(client: Client, object_: str, fields: Sequence[str], since: datetime) -> Edits:
    """Count the values that are no older in the histories of some records that changed since then, and reckon the others by how many did."""
    changed = {"propertyName": SHAPES[object_].modified, "operator": "GTE", "value": str(millis(since))}
    answer = await client.search(object_, [changed], sort=SHAPES[object_].modified)
    ids = [str(row["id"]) for row in records(answer.body)][:HISTORY_ROWS]
    counts: Counter[str] = Counter()
    if ids:
        told = await client.read(
            object_, ids, [SHAPES[object_].modified], history=[name for name in fields if name != SHAPES[object_].modified]
        )
        for row in records(told.body):
            for name, values in (row.get("propertiesWithHistory") or {}).items():
                acts = [(moment(one.get("timestamp")), str(one.get("sourceType")), str(one.get("sourceId") or "")) for one in values or ()]
                own = [
                    at
                    for at, kind, ident in acts
                    if at is not None and at >= since and not (kind == "INTEGRATION" and ident == client.app_id)
                ]
                counts[name] += len(own)
    share = int(answer.body["total"]) / len(ids) if ids else 1.0
    return Edits(counts={name: round(many * share) for name, many in counts.items() if many}, since=since)


async def rivals(client: Client, object_: str, fields: Sequence[str]) -> Rivals:
    """Look at the records that changed last within a week; of each value that is no older the history says who set it."""
    modified = SHAPES[object_].modified
    answer = await client.newest(object_, HISTORY_ROWS)
    ids = [str(row["id"]) for row in records(answer.body)]
    if not ids:
        return Rivals()
    told = await client.read(object_, ids, [modified], history=list(fields))
    since = told.sent_at.timestamp() - WINDOW_DAYS * 86400
    wrote: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for row in records(told.body):
        for name, values in (row.get("propertiesWithHistory") or {}).items():
            for one in values or ():
                at, who = moment(one.get("timestamp")), _who(str(one.get("sourceType")), str(one.get("sourceId") or ""), client.app_id)
                if who and at is not None and at.timestamp() >= since:
                    wrote[who][name].add(str(row["id"]))
    return Rivals(found=tuple(_rival(who, by, len(ids), object_) for who, by in sorted(wrote.items())))


def _who(kind: str, ident: str, own: str | None) -> str:
    if kind == "INTEGRATION":
        return "" if ident == own else f"the app {ident}" if ident else "another app"
    name = _MACHINES.get(kind, "")
    return name if kind in _NAMELESS or not name else f"{name} {ident}".strip()


def _rival(who: str, by: dict[str, set[str]], most: int, object_: str) -> Rival:
    touched = {ident for some in by.values() for ident in some}
    return Rival(who=who, seen=f"wrote {len(touched)} of the last {most} {object_} that changed", fields=tuple(sorted(by)))

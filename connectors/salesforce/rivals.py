"""Who else writes an object by machine: active flows, assignment rules, and the tools that changed its records last.

Salesforce's Object Reference: FlowDefinitionView, AssignmentRule, <Object>History; its Tooling API: Flow.Metadata.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from connectors.base import About, Edits, Rival, Rivals
from connectors.errors import Gone, Rejected, Surprising
from connectors.salesforce.client import Client
from connectors.salesforce.mapping import Row, literal, moment, quoted

LATEST, MOST = 200, 2000
_HISTORY = {"OwnerId": "Owner"}
"""Field → how the history calls it, where that is another name."""
_TOOL = re.compile(r"hubspot|marketo|pardot|eloqua|integration|connector|\bapi\b|sync|zapier|workato|mulesoft|tray|segment", re.IGNORECASE)
_MACHINES = ("AutomatedProcess", "CloudIntegrationUser")
"""User types that are no person."""


async def rivals(client: Client, object_: str, fields: Sequence[str]) -> Rivals:
    """Ask one after the other; what the org does not let us see is said, for it may be there."""
    found, hidden = list[Rival](), dict[str, str]()
    asked = (
        ("assignment rules", _rules, "grant the integration user Read on leads, and View Setup and Configuration"),
        ("active flows", _flows, "grant the integration user View Setup and Configuration while you look"),
        ("who changed the last records", _tools, f"grant the integration user View All on {object_}, and Read on users"),
    )
    for what, asking, todo in asked:
        told = await asking(client, object_, fields)
        found += told or []
        hidden |= {what: todo} if told is None else {}
    return Rivals(found=tuple(found), hidden=hidden)


async def _asked(client: Client, soql: str, *, tooling: bool = False) -> list[Row] | None:
    """Run a query; None where the org refuses it."""
    try:
        answer = await client.call("GET", "/tooling/query" if tooling else "/query", params={"q": soql})
        return [row for row in answer.body["records"] if isinstance(row, dict)]
    except (Rejected, Gone, Surprising, KeyError, TypeError):
        return None


async def about(client: Client) -> About:
    """Give the org's name, and the statuses that members of campaigns have, with whether they count as a response."""
    names = await _asked(client, "SELECT Name FROM Organization")
    statuses = await _asked(client, f"SELECT Label, HasResponded FROM CampaignMemberStatus ORDER BY Id DESC LIMIT {MOST}") or []
    answers = {str(row.get("Label")): bool(row.get("HasResponded")) for row in reversed(statuses)}
    return About(name=str(names[0].get("Name") or "") if names else "", answers=answers)


async def edits(client: Client, object_: str, fields: Sequence[str], since: datetime) -> Edits | None:
    """Count the changes that the field history has, of its newest rows; None where it has none: an admin switches it on for each field."""
    soql = f"SELECT Field, CreatedById, CreatedDate FROM {object_}History WHERE CreatedDate >= {literal(since)} ORDER BY CreatedDate DESC LIMIT {MOST}"
    rows = await _asked(client, soql) or []
    counts = Counter(str(row.get("Field")) for row in rows if row.get("CreatedById") != client.me)
    told = {_HISTORY.get(name, name): name for name in fields}
    found = {told[name]: many for name, many in counts.items() if name in told}
    return Edits(counts=found, since=moment(rows[-1].get("CreatedDate")) if len(rows) == MOST else since) if rows else None


async def _rules(client: Client, object_: str, fields: Sequence[str]) -> list[Rival] | None:
    """Find the rule that gives leads an owner; other objects have none (the Object Reference: AssignmentRule)."""
    if object_ != client.manifest.person_object or "OwnerId" not in fields:
        return []
    rows = await _asked(client, f"SELECT Name FROM AssignmentRule WHERE SobjectType = {quoted(object_)} AND Active = true")
    seen = "gives an owner to what forms and imports make; what Truce writes passes it by"
    return None if rows is None else [Rival(who=f"the assignment rule {row['Name']}", seen=seen, fields=("OwnerId",)) for row in rows]


async def _flows(client: Client, object_: str, fields: Sequence[str]) -> list[Rival] | None:
    """Find active flows that a change of the object starts, and which of the fields each one sets."""
    label = str((await client.describe(object_)).get("label") or object_)
    soql = f"SELECT Label, ActiveVersionId FROM FlowDefinitionView WHERE IsActive = true AND TriggerObjectOrEventLabel = {quoted(label)}"
    if (rows := await _asked(client, soql)) is None:
        return None
    found = []
    for row in rows:
        told = await _asked(client, f"SELECT Metadata FROM Flow WHERE Id = {quoted(str(row['ActiveVersionId']))}", tooling=True)
        sets = set_by(told[0].get("Metadata")) if told else None
        if sets is None or sets & {*fields}:
            wrote = tuple(sorted(sets & {*fields})) if sets else ()
            found.append(Rival(who=f"the flow {row['Label']}", seen=f"is active and starts when a {label} changes", fields=wrote))
    return found


def set_by(metadata: Any) -> set[str] | None:
    """Name the fields that a flow assigns, of its record or by Update Records; None where it cannot be seen."""
    if not isinstance(metadata, dict):
        return None
    text = json.dumps(metadata)
    updates = [one for update in metadata.get("recordUpdates") or () for one in update.get("inputAssignments") or ()]
    return {str(one["field"]) for one in updates if one.get("field")} | set(re.findall(r'"assignToReference": "\$Record\.(\w+)"', text))


async def _tools(client: Client, object_: str, fields: Sequence[str]) -> list[Rival] | None:
    """Find the users that are tools among those who changed the last records, and by the field history which fields they changed."""
    rows = await _asked(client, f"SELECT Id, LastModifiedById FROM {object_} ORDER BY SystemModstamp DESC LIMIT {LATEST}")
    if rows is None:
        return None
    counts = Counter(str(row["LastModifiedById"]) for row in rows if row.get("LastModifiedById") not in (None, client.me))
    if not counts:
        return []
    who = ", ".join(quoted(one) for one in sorted(counts))
    users = await _asked(client, f"SELECT Id, Name, Email, UserType FROM User WHERE Id IN ({who})")
    if users is None:
        return None
    tools = {str(one["Id"]): str(one.get("Name") or one["Id"]) for one in users if _is_tool(one)}
    changed: dict[str, set[str]] = defaultdict(set)
    if tools:
        named = ", ".join(quoted(one) for one in sorted(tools))
        soql = f"SELECT Field, CreatedById FROM {object_}History WHERE CreatedById IN ({named}) ORDER BY CreatedDate DESC LIMIT 1000"
        for row in await _asked(client, soql) or ():
            changed[str(row["CreatedById"])].add(str(row["Field"]))
    return [
        Rival(
            who=f"the user {name}",
            seen=f"changed {counts[one]} of the last {len(rows)} records",
            fields=tuple(sorted(changed[one] & {*fields})),
        )
        for one, name in sorted(tools.items())
    ]


def _is_tool(user: Row) -> bool:
    return user.get("UserType") in _MACHINES or bool(_TOOL.search(f"{user.get('Name')} {user.get('Email')}"))

"""What happened to a lead, told line by line from its timeline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sync.cli.handed import because, handed, quoted
from sync.cli.names import Names, stage
from sync.lead import hours
from sync.playbook.models import OWN

ORDERED = {"rejudge": "judged again", "resync": "read again", "separate": "separated", "link": "joined"}


def happened(names: Names, lines: Iterable[Mapping[str, Any]], now: int) -> Iterator[str]:
    """Tell the timeline, as it is `now` (ms); the day stands above its first line."""
    yield "What happened"
    day = hours.wall(now, names.zone).date()
    for line in lines:
        at = line["at"].astimezone(hours.zone(names.zone))
        if text := _story(names, line["kind"], line["data"], now):
            if at.date() != day:
                day = at.date()
                yield f"  {at.strftime('%a %d %b %Y')}"
            yield f"  {at.strftime('%H:%M:%S.%f')[:-3]}  {text}"


def _story(names: Names, kind: str, data: Mapping[str, Any], now: int) -> str:
    """Tell one line of the timeline; '' for what another line says already."""
    system = names.system(str(data.get("system", "")))
    match kind:
        case "touch":
            return f'{system}: {data.get("what", "")} "{data.get("name", "")}"'
        case "stage":
            by = f" (as {names.ref(str(data['ref']))} says)" if data.get("ref") not in (None, "truce") else ""
            return f"stage {stage(data.get('before')) or 'none'} → {stage(data.get('after'))}: {data.get('rule', '')}{by}"
        case "owner":
            return f"owner {names.person(data.get('before'))} → {names.person(data.get('after'))}{because(data)}"
        case "handoff":
            return handed(names, data, now)
        case "note":
            return f"{names.person(data.get('by'))} noted{quoted(data)}"
        case "snoozed":
            return f"{names.person(data.get('by'))} wants no reminder before {names.at(data['until'], now)}"
        case "unrouted":
            return f"nobody may be given it: {data.get('rule') or 'no route matched'}"
        case "decided":
            return f"decided {said}" if (said := _changes(names, data.get("fields", {}))) else ""
        case "aside":
            field = str(data.get("field"))
            return f"kept aside {field} {names.value(field, data.get('value'))} ({names.ref(str(data.get('ref')))}): {data.get('reason')}"
        case "written":
            return f"{system} {data.get('outcome', '')}: {', '.join(data.get('fields', {}))} ✔"
        case "parked":
            return f"{system} refused {data.get('field') or 'the record'}: {data.get('words')} → parked"
        case "filtered":
            return f"outside the sync scope: {data.get('rule', '')}"
        case "merged":
            return f"{', '.join(names.ref(one) for one in data.get('losers', []))} was merged into {names.ref(str(data.get('survivor')))}"
        case "converted" | "deleted" | "erased":
            became = f" → {names.ref(str(data['became']))}" if data.get("became") else ""
            return f"{names.ref(str(data.get('ref')))} was {kind}{became}"
        case "replayed" | "ordered":
            done = "tried again" if kind == "replayed" else ORDERED.get(str(data.get("name")), f"ordered {data.get('name', '')}")
            return f"{done} by {data.get('by', '')}{': ' if data.get('reason') else ''}{data.get('reason') or ''}"
        case "joined":
            return f"joined with another lead of the same person: {data.get('reason', '')}"
        case "waits":
            return (
                f"hand-off waits for {data.get('until', '')}, until {names.at(data['expires'], now)} at the latest: {data.get('rule', '')}"
            )
        case "held":
            return f"hand-off held: {data.get('reason', '')}"
        case _:
            return f"{kind} {_facts(data)}"


def _changes(names: Names, fields: Mapping[str, Any]) -> str:
    rest = [(name, change) for name, change in fields.items() if name not in ("stage", "owner") and name not in OWN]
    shown = [f"{name} {names.value(name, change['after'])}" for name, change in rest[:6]]
    return " · ".join([*shown, *([f"and {len(rest) - 6} more"] if len(rest) > 6 else [])])


def _facts(data: Mapping[str, Any]) -> str:
    found = ((key, ", ".join(map(str, value)) if isinstance(value, list) else value) for key, value in data.items())
    return " · ".join(f"{key} {value}" for key, value in found if value not in (None, "", [], {}))

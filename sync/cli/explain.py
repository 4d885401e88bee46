"""How `truce explain` reads: where a lead stands, why, what happened, what was kept aside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rich.console import Console

from sync.lead.state import from_ms

Say = Callable[[str], None]


def render(console: Console, row: Mapping[str, Any], lines: Iterable[Mapping[str, Any]], who: str) -> None:
    """Print a lead's story."""
    doc = row["doc"]

    def say(text: str = "") -> None:
        console.print(text, markup=False)

    say(_head(doc, who))
    if doc["held"]:
        say(f"Its hand-off is held: {doc['held']}")
    if not doc["in_scope"]:
        say(f"Outside the sync scope ({doc['scope_rule']}): only consent crosses.")
    _agreement(say, doc)
    _why(say, "Why this stage?", doc["why"].get("stage"))
    _why(say, "Why this owner?", doc["why"].get("owner"))
    say("What happened")
    for line in lines:
        if text := _story(line["kind"], line["data"]):
            say(f"  {line['at'].astimezone().strftime('%H:%M:%S.%f')[:-3]}  {text}")
    for field, kept in doc["aside"].items():
        say(f"Kept aside    {field} {kept['value']} ({kept['ref']}): {kept['reason']}")


def _value(doc: Mapping[str, Any], name: str) -> Any:
    return doc["desired"].get(name, {}).get("value")


def _head(doc: Mapping[str, Any], who: str) -> str:
    """Say in one line who it is, where they stand and with whom."""
    name = " ".join(str(_value(doc, part)) for part in ("first_name", "last_name") if _value(doc, part)) or who
    stage = _stage(_value(doc, "stage")) or "no stage yet"
    since = f" since {from_ms(doc['stage_since']).astimezone().strftime('%a %d %b %H:%M')}" if doc["stage_since"] else ""
    owner = _value(doc, "owner")
    return " · ".join(
        str(part) for part in (name, _value(doc, "company"), stage + since, f"with {owner}" if owner else "with nobody") if part
    )


def _stage(stage: Any) -> str:
    text = str(stage or "")
    return text.upper() if text in ("mql", "sal", "sql") else text


def _agreement(say: Say, doc: Mapping[str, Any]) -> None:
    """Say per record whether it shows what it should."""
    for ref, record in sorted(doc["records"].items()):
        if record["gone"]:
            say(f"{ref}: {record['gone']}" + (f" → {record['became']}" if record["became"] else ""))
            continue
        seen = record["fields"]
        shared = [name for name in seen if name in doc["desired"]]
        differ = [name for name in shared if seen[name]["value"] != doc["desired"][name]["value"]]
        tail = f"; differs: {', '.join(differ)}" if differ else ""
        say(f"{ref}: {len(shared) - len(differ)} of {len(shared)} shared fields as they should be{tail}")
        for name, refused in record["refused"].items():
            say(f"  ✘ {name} was refused: {refused['words']}")


def _why(say: Say, title: str, why: Mapping[str, Any] | None) -> None:
    """Show one decision: its rule, every line that was looked at with the values it saw, who was passed over."""
    if not why:
        return
    how = f", {why['how']}" if why.get("how") else ""
    say(f"{title}   {why.get('rule', '')}, playbook v{why.get('version', '?')}{how}")
    for line in why.get("lines", []):
        say(f"  {_line(line)}")
    for passed in why.get("passed_over", []):
        say(f"     passed over: {_facts(passed) if isinstance(passed, Mapping) else passed}")


def _line(line: Mapping[str, Any]) -> str:
    mark = "✔" if line.get("matched") else "✘"
    inner = line.get("lines")
    reasons = " · ".join(str(one.get("why", "")) for one in inner) if inner else line.get("why") or line.get("text") or "matches always"
    return f"{mark} {line.get('where', ''):<18} {line.get('id', ''):<20} {reasons}".rstrip()


def _story(kind: str, data: Mapping[str, Any]) -> str:
    """Tell one line of the timeline; '' for what another line says already."""
    match kind:
        case "touch":
            return f'{data.get("system", "")}: {data.get("what", "")} "{data.get("name", "")}"'
        case "stage":
            return f"stage {_stage(data.get('before')) or 'none'} → {_stage(data.get('after'))}: {data.get('rule', '')}"
        case "owner":
            return f"owner {data.get('before') or 'nobody'} → {data.get('after')}: {data.get('rule', '')}"
        case "handoff":
            return f"hand-off {data.get('state', '')} to {data.get('owner', '')} (cycle {data.get('cycle', '?')})"
        case "decided":
            return "decided " + _changes(data.get("fields", {}))
        case "aside":
            return f"kept aside {data.get('field')} {data.get('value')} ({data.get('ref')}): {data.get('reason')}"
        case "written":
            return f"{data.get('system', '')} {data.get('outcome', '')}: {', '.join(data.get('fields', {}))} ✔"
        case _:
            return f"{kind} {_facts(data)}"


def _changes(fields: Mapping[str, Any]) -> str:
    rest = [(name, change) for name, change in fields.items() if name not in ("stage", "owner")]
    shown = [f"{name} {change['after'] if change['after'] is not None else '(blank)'}" for name, change in rest[:6]]
    return " · ".join([*shown, *([f"and {len(rest) - 6} more"] if len(rest) > 6 else [])]) or "nothing else"


def _facts(data: Mapping[str, Any]) -> str:
    found = ((key, ", ".join(map(str, value)) if isinstance(value, list) else value) for key, value in data.items())
    return " · ".join(f"{key} {value}" for key, value in found if value not in (None, "", [], {}))

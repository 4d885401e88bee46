"""How `truce explain` reads: where a lead stands, why, what happened, what was kept aside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rich.console import Console

from sync.lead.state import from_ms


def _when(ms: int | None, form: str = "%a %d %b %H:%M") -> str:
    return from_ms(ms).astimezone().strftime(form) if ms else "?"


def _value(desired: Mapping[str, Any], name: str) -> Any:
    return desired.get(name, {}).get("value")


def render(console: Console, row: Mapping[str, Any], lines: Iterable[Mapping[str, Any]], who: str) -> None:
    """Print a lead's story."""
    doc = row["doc"]
    desired = doc["desired"]

    def say(text: str = "") -> None:
        console.print(text, markup=False)

    name = " ".join(str(_value(desired, part)) for part in ("first_name", "last_name") if _value(desired, part)) or who
    stage = str(_value(desired, "stage") or "no stage")
    head = [
        name,
        _value(desired, "company"),
        f"{stage.upper() if len(stage) <= 3 else stage} since {_when(doc['stage_since'])}" if doc["stage_since"] else stage,
    ]
    owner = _value(desired, "owner")
    say(" · ".join(str(part) for part in [*head, f"with {owner}" if owner else "with nobody"] if part))
    if doc["held"]:
        say(f"Its hand-off is held: {doc['held']}")
    if not doc["in_scope"]:
        say(f"Outside the sync scope ({doc['scope_rule']}): only consent crosses.")
    _agreement(say, doc)
    _why(say, "Why this stage?", doc["why"].get("stage"))
    _why(say, "Why this owner?", doc["why"].get("owner"))
    say("What happened")
    for line in lines:
        say(f"  {line['at'].astimezone().strftime('%H:%M:%S.%f')[:-3]}  {line['kind']:<10} {_facts(line['data'])}")
    for field, kept in doc["aside"].items():
        say(f"Kept aside    {field} {kept['value']} ({kept['ref']}): {kept['reason']}")


def _agreement(say: Callable[[str], None], doc: Mapping[str, Any]) -> None:
    """Say per system whether what it shows is what it should show."""
    for ref, record in sorted(doc["records"].items()):
        if record["gone"]:
            say(f"{ref}: {record['gone']}" + (f" → {record['became']}" if record["became"] else ""))
            continue
        seen = record["fields"]
        shared = [name for name in seen if name in doc["desired"]]
        differ = [name for name in shared if seen[name]["value"] != doc["desired"][name]["value"]]
        say(
            f"{ref}: {len(shared) - len(differ)} of {len(shared)} shared fields as they should be"
            + (f"; differs: {', '.join(differ)}" if differ else "")
        )
        for name, refused in record["refused"].items():
            say(f"  ✘ {name} was refused: {refused['words']}")


def _why(say: Callable[[str], None], title: str, why: Mapping[str, Any] | None) -> None:
    if not why:
        return
    say(f"{title}   {why.get('rule', '')}, playbook v{why.get('version', '?')}")
    for line in why.get("lines", []):
        say(f"  {_line(line)}")
    for passed in why.get("passed_over", []):
        say(f"     passed over: {passed if isinstance(passed, str) else _facts(passed)}")


def _line(line: Any) -> str:
    if not isinstance(line, Mapping):
        return str(line)
    mark = "✔" if line.get("matched") else "✘"
    return f"{mark} {line.get('where', '')!s:<22} {line.get('why') or line.get('text', '')}"


def _facts(data: Any) -> str:
    if not isinstance(data, Mapping):
        return str(data)
    return " · ".join(
        f"{key} {', '.join(map(str, value)) if isinstance(value, list) else value}"
        for key, value in data.items()
        if value not in (None, "", [], {})
    )

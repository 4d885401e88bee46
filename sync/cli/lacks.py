"""How `truce explain` answers "why not": the next stage, line by line, and which empty fields keep points away."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from sync.cli.names import Names, stage
from sync.lead.lacking import Lacking, Unjudged, Wanted, lacking
from sync.lead.qualify import stage_values
from sync.lead.state import Lead

_HEADS = {"all": "all of these:", "any": "one of these:", "none": "none of these:"}


def following(names: Names, now: int) -> Lacking | None:
    """Give what the lead lacks for the next stage, by the rules in force; None where none follows by a rule."""
    playbook = names.playbook
    if playbook is None or names.doc["undecided"] or not names.doc["in_scope"]:
        return None
    lead = msgspec.convert(dict(names.doc), Lead)
    return lacking(lead, stage_values(lead, playbook, now, names.around.account.get("values") or {}), playbook)


def lacks(names: Names, now: int) -> Iterator[str]:
    """Give the lines that say what a lead below the stage that hands over lacks for the next one, as it is `now` (ms)."""
    found = following(names, now)
    if found is None or names.playbook is None:
        return
    own = f", as segment {found.segment} has it" if found.segment else ""
    yield f"Next stage    {stage(found.stage)}{own}, by the rules in force (v{names.playbook.version})"
    yield from _judged(found)
    yield from _besides(names, found)


def _judged(found: Lacking) -> Iterator[str]:
    heads = len({line.group for line in found.lines}) > 1
    last = ""
    for line in found.lines:
        several = heads or (line.group != "all" and len(found.lines) > 1) or line.group == "none"
        if several and line.group != last:
            yield f"  {_HEADS[line.group]}"
        last = line.group
        yield f"  {_told(line)}"
    if found.unjudged:
        yield f"     fit leaves out what is empty: {' · '.join(_empty(found.unjudged))}"


def _told(line: Wanted) -> str:
    verdict = line.verdict
    several = "&&" in verdict.text or "||" in verdict.text
    said = f"{verdict.text}: {verdict.why}" if several else verdict.why or verdict.text
    return f"{'✔' if line.fine else '✘'} {verdict.where:<18} {said}"


def _empty(some: Iterable[Unjudged]) -> Iterator[str]:
    """Give each empty field (or several that one line asks for) with what it might give: `employees (+40 large company, lifecycle.yaml:6)`."""
    by_fields: dict[tuple[str, ...], list[str]] = {}
    for one in some:
        label = f" {one.label}" if one.label else ""
        by_fields.setdefault(one.fields, []).append(f"+{one.points:g}{label}, {one.where}")
    for fields, lines in by_fields.items():
        yield f"{' and '.join(fields)} ({'; '.join(lines)})"


def _besides(names: Names, found: Lacking) -> Iterator[str]:
    if found.kind is not None:
        yield f"     no MQL: what this person does is a hand-off of the kind {found.kind.id} ({found.kind.where})"
    for verdict in found.left:
        if verdict.matched:
            yield f"     its exit would take the lead out again: {verdict.why} ({verdict.where})"
    if found.since is not None:
        yield f"     somebody moved the lead back {names.day_and_time(found.since)}: only what the person does after that counts"
    if found.met and found.kind is None and not found.left and found.since is None:
        yield "     nothing: the lead goes there with the next thing that happens, or by truce rejudge"


def plain(found: Lacking) -> dict[str, Any]:
    """Give it as plain data, for `--json`."""
    return {
        "stage": found.stage,
        "segment": found.segment or None,
        "lines": [
            {"list": line.group, "fine": line.fine, "text": line.verdict.text, "where": line.verdict.where, "why": line.verdict.why}
            for line in found.lines
        ],
        "empty": [{"fields": list(one.fields), "points": one.points, "label": one.label, "where": one.where} for one in found.unjudged],
    }

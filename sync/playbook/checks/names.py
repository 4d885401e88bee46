"""Whether names that several files use lead somewhere: ids used once, segments, SLAs, days, zones."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from zoneinfo import ZoneInfo, available_timezones

from sync.playbook.build.files import Files
from sync.playbook.document import Path
from sync.playbook.problems import did_you_mean


def once(files: Files, file: str, rows: Iterable[tuple[Path, str]], what: str) -> None:
    """Note ids that stand twice; `rows`: the place of each thing, and its id."""
    seen: dict[str, Path] = {}
    for path, name in rows:
        if name in seen:
            first = files.where(file, (*seen[name], "id"))
            files.problem(file, (*path, "id"), f"a second {what} {name}", f"the first is at {first}; an id is used once")
        seen.setdefault(name, path)


def segment(files: Files, file: str, path: Path, name: str | None) -> None:
    """Note a segment that lifecycle.yaml does not have."""
    if name is not None and files.lifecycle:
        known = [one.id for one in getattr(files.lifecycle, "segments", ())]
        if name not in known:
            files.problem(file, path, f"unknown segment {name}", did_you_mean(name, known) or "lifecycle.yaml has no segments")


def sla(files: Files, file: str, path: Path, name: str | None) -> None:
    """Note an SLA that sla.yaml does not have."""
    if name is None or ("sla.yaml" in files.documents and files.sla is None):
        return
    known = list(files.sla.slas) if files.sla else []
    if name not in known:
        files.problem(file, path, f"unknown SLA {name}", did_you_mean(name, known) or "the playbook has no sla.yaml")


def day(files: Files, file: str, path: Path, text: str) -> date | None:
    """Give a day, noting one that no calendar has."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        files.problem(file, path, f"there is no day {text}")
        return None


def zone(files: Files, file: str, path: Path, name: str | None) -> None:
    """Note a time zone that does not exist."""
    try:
        ZoneInfo(name or "UTC")
    except (KeyError, ValueError, OSError):
        files.problem(file, path, f"unknown time zone {name}", did_you_mean(str(name), available_timezones(), list_up_to=0))

"""What is known of a lead's records in one system, results that the lead agent has not applied yet included. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from schemas.base import Ref, Scalar
from sync.lead.state import Fate, Lead, Record

Kind = Literal["update", "create"]
PAUSED, REFUSED, FROZEN = "paused", "refused before", "frozen"
NO_USER, NOT_WRITABLE = "no such active user there", "not writable there"
"""Why a difference between what is desired and what is seen is not told."""
TRUCE_ID = "truce_id"
"""Under this name the Truce id stands among an intent's fields; no shared field may have it."""


@dataclass(frozen=True, slots=True)
class OpenIntent:
    """An intent whose result the lead agent has not applied: `open` has no outcome, `done` has one."""

    id: str
    kind: Kind
    object: str
    record_id: str | None
    fields: Mapping[str, Mapping[str, Any]]
    """Shared field → {"name", "value", "sent", "version", "at"}."""
    state: Literal["open", "done"]
    outcome: Mapping[str, Any] | None = None
    """The WriteDone as plain data."""
    done_at: int = 0


@dataclass(slots=True)
class View:
    """One record as it is known to be, results that were not applied yet included."""

    ref: str
    object: str
    id: str
    last_at: int
    observed: dict[str, Scalar]
    refused: dict[str, Scalar]
    has_truce_id: bool
    gone: Fate | None
    partial: bool
    known_at: int = 0
    """Until when what happened to it is known, ms: the last time that any of it was seen."""


def _view(record: Record) -> View:
    observed = {name: one.value for name, one in record.fields.items()}
    refused = {name: one.value for name, one in record.refused.items()}
    ident = Ref.parse(record.ref).id
    known_at = max(record.last_at, record.shown_until)
    return View(
        record.ref, record.object, ident, record.last_at, observed, refused, record.has_truce_id, record.gone, record.partial, known_at
    )  # fmt: skip


def _apply(view: View, intent: OpenIntent, outcome: Mapping[str, Any], seen: Mapping[str, int]) -> None:
    if outcome["outcome"] == "gone":
        view.gone = "deleted"
    view.known_at = max(view.known_at, intent.done_at)
    written = set(outcome.get("versions") or ())
    refused = {one.get("field") for one in outcome.get("refused") or ()}
    for name, told in intent.fields.items():
        if told["name"] in refused:
            view.refused[name] = told["value"]
        elif name == TRUCE_ID and outcome.get("truce_id"):
            view.has_truce_id = True
        elif name in written and seen.get(name, 0) <= intent.done_at:
            view.observed[name] = told["value"]


def seen_through(lead: Lead, system: str, intents: Sequence[OpenIntent]) -> list[View]:
    """Give the lead's records in a system as they are once every known result is applied; newer observations win over a result."""
    views = {record.ref: _view(record) for record in lead.records.values() if record.system == system}
    for intent in intents:
        outcome = intent.outcome
        if intent.state != "done" or outcome is None or (ref := outcome.get("ref")) is None:
            continue
        if ref not in views:
            if outcome["outcome"] != "created":
                continue  # a linked record's snapshot is on its way to the lead agent
            views[ref] = View(ref, intent.object, Ref.parse(ref).id, intent.done_at, {}, {}, False, None, False)
        known = lead.records.get(ref)
        _apply(views[ref], intent, outcome, {name: one.seen for name, one in known.fields.items()} if known else {})
    return list(views.values())


def same(kind: str, one: Scalar, other: Scalar) -> bool:
    """Say whether two canonical values of a kind are one; blank text is blank, a blank flag is false."""
    if kind == "flag":
        return bool(one) is bool(other)
    if one in {None, ""} or other in {None, ""}:
        return one in {None, ""} and other in {None, ""}
    if kind in {"email", "user", "country"}:
        return str(one).strip().lower() == str(other).strip().lower()
    if isinstance(one, bool) is not isinstance(other, bool):
        return False
    return one == other


def unseen(lead: Lead, reading: Iterable[str]) -> bool:
    """Say whether one of the systems that are being read may have a record of theirs that was not come to yet: what it says would be told next."""
    return any(all(record.system != system for record in lead.records.values()) for system in reading)

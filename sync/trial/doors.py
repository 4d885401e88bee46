"""Plays the payloads of inbound/*.yaml by their doors' rules and compares what they say with what is expected. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from schemas.base import Scalar
from sync.lead.canonical import Unfit, canonical
from sync.lead.inbound import Delivery, Said, Unmapped, read
from sync.playbook.models import DoorCase, Playbook
from sync.trial.difference import Difference
from sync.trial.path import Step

AT = datetime(2026, 1, 1, tzinfo=UTC)
"""When a payload came that does not say when it happened."""
LATER = datetime(9999, 1, 1, tzinfo=UTC)
"""All payloads come after what they tell of: one that tells of times to come would be kept as of when it came."""


@dataclass(frozen=True, slots=True)
class PlayedDoor:
    """A payload that was played."""

    case: DoorCase
    differences: tuple[Difference, ...]
    path: tuple[Step, ...] = ()

    @property
    def passed(self) -> bool:
        """Say whether all came as expected."""
        return not self.differences


def play(playbook: Playbook) -> list[PlayedDoor]:
    """Play every payload of every door."""
    return [
        PlayedDoor(case, tuple(_differences(case, _got(playbook, name, case))))
        for name, door in playbook.doors.items()
        for case in door.cases
    ]


def _got(playbook: Playbook, name: str, case: DoorCase) -> dict[str, Any]:
    """Say what a payload comes to, in the words of `expect`; values as Truce keeps them."""
    try:
        said = read(playbook.doors[name], case.payload, Delivery(name, "case", LATER))
    except Unmapped as error:
        return {"outcome": f"turned away: {error}"}
    got: dict[str, Any] = {"outcome": said.outcome, "rule": said.rule.id if said.rule else "none"}
    if said.record is not None:
        fields = {field: _kept(playbook, name, field, value) for field, value in said.record.fields.items() if field in playbook.fields}
        got |= {"email": said.record.email, "at": _moment(said.record.at), "fields": fields}
    got |= {"fields": {**got.get("fields", {}), **_left(said)}}
    if said.touch is not None:
        ident = said.touch.activity_id.partition(":")[2]
        got |= {"touch": {"kind": said.touch.kind, "name": said.touch.name, "id": ident}, "consent": dict(said.touch.consent)}
    if said.visit is not None:
        got |= {"visit": asdict(said.visit), "at": _moment(said.visit.at)}
    return got


def _moment(at: datetime) -> str:
    return (AT if at == LATER else at).isoformat().replace("+00:00", "Z")


def _left(said: Said) -> dict[str, str]:
    """Give what could not be computed under its field, so that a case that expects it shows why."""
    return {what.rpartition(".fields.")[2]: why for what, why in said.left.items() if ".fields." in what}


def _kept(playbook: Playbook, door: str, name: str, value: Scalar) -> Scalar:
    shared = playbook.fields[name]
    try:
        return canonical(shared, value, spelled=shared.systems[door], country=None, users={})
    except Unfit as reason:
        return f"set aside: {reason}"


def _differences(case: DoorCase, got: Mapping[str, Any]) -> Iterator[Difference]:
    for what, wanted in case.expect.items():
        where, found = case.places[what], got.get(what)
        if not isinstance(wanted, dict):
            if wanted != found:
                yield Difference(what, wanted, found, where)
            continue
        for name, value in wanted.items():
            shown = (found or {}).get(name)
            if shown != value:
                yield Difference(f"{what}.{name}", value, shown, where)

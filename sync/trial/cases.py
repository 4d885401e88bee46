"""Plays the cases of a playbook and compares what comes of them with what is expected. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.base import Capabilities
from schemas.base import Scalar
from sync.lead.plan import Control, plan
from sync.lead.queues import answers
from sync.lead.seen import TRUCE_ID
from sync.playbook.models import Case, Expect, Playbook, Where
from sync.trial import doors
from sync.trial.coverage import Coverage, Watch
from sync.trial.difference import Difference
from sync.trial.doors import PlayedDoor
from sync.trial.given import Built, build, rules, values_of
from sync.trial.path import Step, path

NONE = "none"
_TRUCE_ID_FIELD = "truce_id"


@dataclass(frozen=True, slots=True)
class Got:
    """What came of a case, in the words of `expect`."""

    stage: str
    scores: Mapping[str, float]
    owner: str
    rule: str
    handoff: str
    problems: tuple[str, ...]
    writes: Mapping[str, Mapping[str, Scalar]]


@dataclass(frozen=True, slots=True)
class Played:
    """A case that was played."""

    case: Case
    got: Got
    differences: tuple[Difference, ...]
    path: tuple[Step, ...]
    """How the rules came to it; only of a case that failed."""

    @property
    def passed(self) -> bool:
        """Say whether all came as expected."""
        return not self.differences


@dataclass(slots=True)
class Report:
    """All cases, and which rules no case reaches."""

    played: list[Played] = field(default_factory=list)
    doors: list[PlayedDoor] = field(default_factory=list)
    """The payloads of inbound/*.yaml."""
    coverage: Coverage = field(default_factory=Coverage)

    @property
    def failed(self) -> list[Played]:
        """The cases that came out otherwise."""
        return [one for one in self.played if not one.passed]

    def _every(self) -> list[Played | PlayedDoor]:
        return [*self.played, *self.doors]

    @property
    def count(self) -> int:
        """How many cases there are, payloads too."""
        return len(self._every())

    @property
    def wrong(self) -> list[Played | PlayedDoor]:
        """Everything that came out otherwise, payloads too."""
        return [one for one in self._every() if not one.passed]

    def plain(self) -> dict[str, Any]:
        """Give it as plain data, for `--json`."""
        return {
            "passed": self.count - len(self.wrong),
            "cases": [_plain(one) for one in self._every()],
            "coverage": self.coverage.plain(),
        }


def _plain(played: Played | PlayedDoor) -> dict[str, Any]:
    differences = [{"what": d.what, "expected": d.expected, "got": d.got, "where": str(d.where)} for d in played.differences]
    shown = {"id": played.case.id, "where": str(played.case.where), "passed": played.passed, "differences": differences}
    return shown | ({} if played.passed else {"path": [step.plain() for step in played.path]})


def play(playbook: Playbook) -> Report:
    """Play every case of the playbook by its own rules."""
    watch = Watch(playbook)
    ready = rules(watch.playbook)
    report = Report()
    for case in playbook.cases:
        built = build(case, ready)
        got = outcome(built)
        watch.reached(built)
        differences = tuple(_differences(case, got))
        report.played.append(Played(case, got, differences, tuple(path(built)) if differences else ()))
    report.doors = doors.play(playbook)
    report.coverage = watch.coverage()
    return report


def _text(value: Scalar) -> str:
    return NONE if value in (None, "") else str(value)


def outcome(built: Built) -> Got:
    """Say what came of a case, in the words of `expect`."""
    lead = built.lead
    values = values_of(built)
    scores = {name: float(str(values.get(name) or 0)) for name in ("fit", "engagement", "score")}
    rule = lead.handoff.rule if lead.handoff is not None else str((lead.why.get("owner") or {}).get("rule") or "")
    return Got(
        stage=_text(lead.value("stage")),
        scores=scores,
        owner=_text(answers(lead.value("owner"), built.playbook)),
        rule=rule.rpartition(" ")[2] or NONE,
        handoff=lead.handoff.kind if lead.handoff is not None else NONE,
        problems=_problems(built),
        writes={system: _writes(built, system) for system in built.playbook.told},
    )


def _problems(built: Built) -> tuple[str, ...]:
    held: dict[tuple[str, str], bool] = {}
    for decision in built.decisions:
        held |= {(note.kind, note.key): note.open for note in decision.problems}
    return tuple(sorted({kind for (kind, _), still in held.items() if still}))


def _writes(built: Built, system: str) -> dict[str, Scalar]:
    """Give what one system would be told, by the vendor's field; people by their e-mail."""
    rules = built.playbook.systems[system]
    spelled = [field.systems[system] for field in built.playbook.fields.values() if system in field.systems]
    names = {name for one in spelled for name in one.names} | {_TRUCE_ID_FIELD}
    objects = {*rules.people, *(record.object for record in built.lead.records.values() if record.system == system)}
    able = {name: Capabilities(frozenset(names)) for name in objects}
    control = Control(_TRUCE_ID_FIELD, users={email: email for email in built.playbook.reps}, read_fully=True)
    planned = plan(built.lead, system, built.playbook, (), able, control, built.at)
    told: dict[str, Scalar] = {}
    for row in planned.rows:
        told |= row.defaults
        told |= {one.name: one.sent for name, one in row.fields.items() if name != TRUCE_ID}
    return told


def _same(expected: float, got: float) -> bool:
    """Compare in as many decimals as are written."""
    return round(got) == expected if expected == int(expected) else abs(got - expected) < 0.05


def _differences(case: Case, got: Got) -> Iterator[Difference]:
    expect = case.expect
    for what in ("stage", "owner", "rule", "handoff"):
        wanted, found = getattr(expect, what), getattr(got, what)
        if wanted is not None and wanted != found:
            yield Difference(what, wanted, found, case.places[what])
    for name, points in (expect.scores or {}).items():
        if not _same(points, got.scores[name]):
            yield Difference(f"scores.{name}", points, round(got.scores[name], 1), case.places["scores"])
    if expect.problems is not None and expect.problems != got.problems:
        yield Difference("problems", list(expect.problems), list(got.problems), case.places["problems"])
    yield from _told(expect, got, case.places.get("writes", case.where))


def _told(expect: Expect, got: Got, where: Where) -> Iterator[Difference]:
    for system, fields in (expect.writes or {}).items():
        told = got.writes[system]
        if not fields and told:
            yield Difference(f"writes.{system}", "nothing", ", ".join(f"{name}: {value}" for name, value in told.items()), where)
        for name, value in fields.items():
            if name not in told:
                yield Difference(f"writes.{system}.{name}", value, "not told", where)
            elif told[name] != value:
                yield Difference(f"writes.{system}.{name}", value, told[name], where)

"""Replays some persons' messages in two worlds at once: the rules in force and the candidate, each message read once. Pure."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from schemas import envelope
from schemas.base import Scalar
from schemas.change import RecordChanged
from schemas.envelope import Envelope, Unreadable
from sync.lead import account
from sync.lead.decide import decide
from sync.lead.decision import Facts, fold
from sync.lead.ledger import Entry
from sync.lead.qualify import definition, stage_values
from sync.lead.state import Lead
from sync.playbook.models import SIDE_EXITS, Playbook, Verdict
from sync.trial.echoes import Echoes, Users
from sync.trial.history import Recorded
from sync.trial.world import SECRET, HandOff, Qualified, Stand, World

END = sys.maxsize
"""The line after the last."""
Timeline = Sequence[tuple[int, Entry]]
"""(line, entry): accounts and opportunities as each line made them."""


class Because(NamedTuple):
    """When two worlds first parted about a lead's stage, and the line of the rules that made the difference."""

    line: int
    at: int
    detail: str


@dataclass(frozen=True, slots=True)
class Person:
    """One lead in both worlds; None: that world has no such lead."""

    ref: str
    """The first of its records, or its id where it has none."""
    before: Stand | None
    after: Stand | None
    because: Because | None
    name: str = ""
    """Its e-mail or its company, where the history has one."""


@dataclass(slots=True)
class Replayed:
    """What came of some persons."""

    people: list[Person] = field(default_factory=list)
    qualified: tuple[list[Qualified], list[Qualified]] = field(default_factory=lambda: ([], []))
    """Under the rules in force, under the candidate."""
    given: tuple[list[HandOff], list[HandOff]] = field(default_factory=lambda: ([], []))
    unusable: list[tuple[int, str]] = field(default_factory=list)
    messages: int = 0


def read(record: Recorded) -> Envelope:
    """Read a message of the log; raises Unreadable."""
    return envelope.read(record.value, record.pairs())


def timeline(records: Iterable[Recorded], playbook: Playbook, users: Users) -> list[tuple[int, Entry]]:
    """Give how accounts and opportunities went under a playbook; unreadable lines are left out (and told by who replays)."""
    facts, found = Facts(SECRET, users=users), list[tuple[int, Entry]]()
    for record in records:
        try:
            decision = decide(read(record), facts, playbook, record.at)
        except Unreadable:
            continue
        fold(facts, decision)
        found += [(record.line, entry) for entry in decision.entries]
    return found


class Replay:
    """Two worlds side by side; persons are brought in, replayed and let go."""

    def __init__(self, in_force: World, candidate: World, until: int = 0) -> None:
        """Take both; `until`: when the whole history ends (ms), of which these persons may be a part: up to then time passes."""
        self.worlds, self.until = (in_force, candidate), until

    def run(self, persons: Mapping[int, Sequence[Recorded]]) -> Replayed:
        """Replay persons (number → their messages in order), all together in the order of the log."""
        found = Replayed()
        for world in self.worlds:
            world.rewind()
        messages = {number: list(_readable(records, found)) for number, records in persons.items()}
        echoes = {number: self._echoes(some) for number, some in messages.items()}
        parted: dict[str, Because] = {}
        for number, record, message in sorted(_together(messages), key=lambda one: one[1].line):
            found.messages += 1
            self._pass_time(number, record.at, record.line, parted)
            self._one(number, record, echoes[number].of(message), parted)
        until = max([self.until, *(record.at for records in persons.values() for record in records)])
        for world in self.worlds:
            world.upto(END)
        for number, records in persons.items():
            self._pass_time(number, until, records[-1].line + 1, parted)
            self._close(number, parted, found)
        return found

    def _echoes(self, messages: Sequence[tuple[Recorded, Envelope]]) -> _Echoed:
        echoes = Echoes(self.worlds[0].playbook, self.worlds[0].users)
        echoes.learn(message for _, message in messages)
        return _Echoed(echoes)

    def _one(self, number: int, record: Recorded, message: Envelope, parted: dict[str, Because]) -> None:
        touched: dict[str, None] = {}
        for world in self.worlds:
            world.upto(record.line)
            decision = world.person(number).decide(message, record.line, record.at)
            touched |= dict.fromkeys(lead.id for lead in decision.leads)
        self._compare(number, touched, record.line, record.at, parted)

    def _pass_time(self, number: int, until: int, line: int, parted: dict[str, Because]) -> None:
        """Let clocks run on to the person's next message, in each world its own."""
        touched, latest = dict[str, None](), 0
        for world in self.worlds:
            world.upto(line)
            for at, decision in world.person(number).pass_time(until, line):
                touched |= dict.fromkeys(lead.id for lead in decision.leads)
                latest = max(latest, at)
        self._compare(number, touched, line, latest, parted)

    def _compare(self, number: int, touched: Iterable[str], line: int, at: int, parted: dict[str, Because]) -> None:
        """Note which of these leads stand elsewhere in the other world, since when and by which line."""
        for ident in touched:
            one, other = (world.person(number).facts.leads.get(ident) for world in self.worlds)
            if one is None or other is None or one.value("stage") == other.value("stage"):
                parted.pop(ident, None)
            elif ident not in parted:
                parted[ident] = Because(line, at, self._detail(number, one, other, at))

    def _detail(self, number: int, one: Lead, other: Lead, now: int) -> str:
        """Say which line keeps the lead out of the further stage, in the world that is behind."""
        places = [_place(world.playbook, lead.value("stage")) for world, lead in zip(self.worlds, (one, other), strict=True)]
        behind, ahead = (1, 0) if places[0] > places[1] else (0, 1)
        further, lead, world = (one, other)[ahead].value("stage"), (one, other)[behind], self.worlds[behind]
        if further in SIDE_EXITS:
            return ""
        matched, verdicts = _judged(world, number, lead, further, now)
        failing = [v for v in verdicts if not v.matched]
        if matched or not failing:
            return ""
        held = {v.where for v in _judged(self.worlds[ahead], number, (one, other)[ahead], further, now)[1] if v.matched}
        told = next((v for v in failing if v.where in held), failing[-1])
        return f"{told.where} {told.text}: {told.why}"

    def _close(self, number: int, parted: Mapping[str, Because], found: Replayed) -> None:
        """Put down where a person's leads stand, each with its counterpart in the other world."""
        sides = [world.person(number) for world in self.worlds]
        for place, side in enumerate(sides):
            found.qualified[place].extend(side.log.qualified)
            found.given[place].extend(side.log.given)
        homes = [{ref: lead for lead in _living(side.facts) for ref in _refs(lead)} for side in sides]
        seen: set[str] = set()
        for lead in _living(sides[0].facts):
            other = next((homes[1][ref] for ref in _refs(lead) if ref in homes[1]), None)
            seen |= {other.id} if other is not None else set()
            after = None if other is None else sides[1].stand(other)
            found.people.append(Person(_refs(lead)[0], sides[0].stand(lead), after, parted.get(lead.id), _name(lead)))
        for lead in _living(sides[1].facts):
            if lead.id not in seen and not any(ref in homes[0] for ref in _refs(lead)):
                found.people.append(Person(_refs(lead)[0], None, sides[1].stand(lead), None, _name(lead)))


@dataclass(slots=True)
class _Echoed:
    """A person's messages without what Truce itself had written."""

    echoes: Echoes

    def of(self, message: Envelope) -> Envelope:
        """Give a message as somebody else's acts made it."""
        if not isinstance(message.data, RecordChanged):
            return message
        left = self.echoes.without(message.data)
        return message if left is message.data else message._replace(data=left)


def _readable(records: Sequence[Recorded], found: Replayed) -> Iterator[tuple[Recorded, Envelope]]:
    for record in records:
        try:
            yield record, read(record)
        except Unreadable as error:
            found.unusable.append((record.line, str(error)))


def _together(messages: Mapping[int, Sequence[tuple[Recorded, Envelope]]]) -> Iterator[tuple[int, Recorded, Envelope]]:
    for number, some in messages.items():
        for record, message in some:
            yield number, record, message


def _judged(world: World, number: int, lead: Lead, stage: Scalar, now: int) -> tuple[bool, tuple[Verdict, ...]]:
    """Judge by what lets a lead into a stage in a world: its segment's own definition, where that has one; no verdicts where nothing does."""
    values = stage_values(lead, world.playbook, now, account.values_of(lead, world.person(number).facts, world.playbook))
    found = next((one for one in world.playbook.stages if one.id == stage), None)
    when = definition(found, values, world.playbook) if found is not None else None
    return when.judge(values) if when is not None else (False, ())


def _name(lead: Lead) -> str:
    """Say who it is, as far as the history knows: the e-mail, else the company."""
    return str(lead.value("email") or lead.value("company") or "")


def _place(playbook: Playbook, stage: Scalar) -> int:
    return next((place for place, one in enumerate(playbook.stages) if one.id == stage), -1)


def _living(facts: Facts) -> list[Lead]:
    return [lead for lead in facts.leads.values() if lead.survivor is None]


def _refs(lead: Lead) -> list[str]:
    return sorted(lead.records) or [lead.id]

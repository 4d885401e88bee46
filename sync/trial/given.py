"""From what a case gives to a lead: the real core decides what the records show and what the person did. Pure; times are ms.

Everything but the last message is decided under the same playbook with its rules asleep (nothing lets a lead into a stage, nobody is
handed over), so that what is given stands as it is given; the last one, the newest touch or else the last record, wakes the rules.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from schemas.base import Message, Scalar
from schemas.change import RecordChanged
from schemas.envelope import Envelope
from schemas.touch import TouchRecorded
from sync.lead import account
from sync.lead.decide import decide
from sync.lead.decision import Decision, Facts, VendorUser, fold
from sync.lead.identity import by_ref
from sync.lead.qualify import stage_values
from sync.lead.state import Lead, branch, from_ms
from sync.playbook.models import Absence, Case, GivenTouch, Playbook, SharedField, System, Value, When

SECRET = b"cases are made up"
ASLEEP = -1
"""The version under which the rules are asleep."""


@dataclass(frozen=True, slots=True)
class Rules:
    """A playbook as cases are played by it: every system in write mode, and the same with its rules asleep."""

    awake: Playbook
    asleep: Playbook


@dataclass(slots=True)
class Built:
    """What stands at the end of a case."""

    lead: Lead
    playbook: Playbook
    """The one that judged: with the case's absences."""
    facts: Facts
    at: int
    """The moment of the case."""
    decisions: list[Decision] = field(default_factory=list)


def values_of(built: Built) -> dict[str, Value]:
    """Give what conditions see of the lead at the moment of its case."""
    more = account.values_of(built.lead, built.facts, built.playbook)
    return stage_values(built.lead, built.playbook, built.at, more)


def rules(playbook: Playbook) -> Rules:
    """Make a playbook ready for cases; what a system would be told does not depend on whether it may be told yet."""
    systems = {name: replace(system, mode="write", objects={}) for name, system in playbook.systems.items()}
    awake = replace(playbook, systems=systems)
    stages = tuple(replace(stage, when=None, handoff=False) for stage in playbook.stages)
    return Rules(awake, replace(awake, version=ASLEEP, stages=stages, scope=When(), handoffs=()))


def _away(playbook: Playbook, emails: tuple[str, ...], at: int) -> Playbook:
    if not emails:
        return playbook
    day = datetime.fromtimestamp(at / 1000, ZoneInfo(playbook.timezone)).date().isoformat()
    off = {email: replace(playbook.reps[email], away=(*playbook.reps[email].away, Absence(day, day))) for email in emails}
    return replace(playbook, reps={**playbook.reps, **off})


def team(playbook: Playbook) -> dict[str, dict[str, VendorUser]]:
    """Give everyone of team.yaml as an active user of every system, with the e-mail for an id."""
    return {system: {email: VendorUser(system, email, email, True) for email in playbook.reps} for system in playbook.systems}


def _object(system: System) -> str:
    return system.person or next(iter(system.people), "record")


def _ref(system: System) -> str:
    return f"{system.name}:{_object(system)}:1"


def _spelled(shared: SharedField, system: str, value: Scalar) -> Scalar:
    mapped = shared.systems[system]
    return mapped.to_vendor.get(str(value), value) if value is not None and mapped.to_vendor else value


def _record(case: Case, playbook: Playbook, system: System, at: int, truce_id: str | None) -> RecordChanged:
    """Give the whole record as one system shows it."""
    mapped = {name: shared for name, shared in playbook.fields.items() if system.name in shared.systems}
    object_ = _object(system)
    fields = {
        shared.systems[system.name].name_of(object_): _spelled(shared, system.name, case.given.lead.get(name))
        for name, shared in mapped.items()
    }
    email = next((case.given.lead[name] for name, shared in mapped.items() if shared.kind == "email" and case.given.lead.get(name)), None)
    stage, since = mapped.get("stage"), case.given.since
    times = {stage.systems[system.name].name_of(object_): from_ms(case.given.at - since)} if stage is not None and since is not None else {}
    return RecordChanged(
        ref=_ref(system), at=from_ms(at), fields=fields, times=times, complete=True, received_at=from_ms(at),
        email=None if email is None else str(email), truce_id=truce_id, origin="person",
    )  # fmt: skip


def _touch(case: Case, touch: GivenTouch, system: str, ref: str, number: int) -> TouchRecorded:
    at = from_ms(case.given.at - touch.ago)
    return TouchRecorded.model_validate(
        {"system": system, "activity_id": f"{number}", "kind": touch.kind, "name": touch.name, "at": at, "received_at": at, "ref": ref}
    )


def _company(case: Case, playbook: Playbook) -> Iterator[RecordChanged]:
    """Give the account and the opportunity of a case, as sales' system shows them."""
    system = next((one for one in playbook.systems.values() if one.account and one.side == "sales"), None)
    if system is None:
        return
    given, at = case.given, from_ms(case.given.at)
    email = str(given.lead.get("email") or "")
    domain = {"domain": email.rpartition("@")[2]} if "@" in email else {}
    people = {"people": email, "account": "1"}
    for object_, values, fields in (
        (system.account, given.account and {**domain, **given.account}, playbook.account_fields),
        (system.opportunity, given.opportunity and {**people, **given.opportunity}, playbook.opportunity_fields),
    ):
        shown = {
            shared.systems[system.name].name: _spelled(shared, system.name, values[name])
            for name, shared in fields.items()
            if system.name in shared.systems and name in values
        }
        if shown:
            yield RecordChanged(ref=f"{system.name}:{object_}:1", at=at, fields=shown, complete=True, received_at=at)


def _where(case: Case, playbook: Playbook) -> list[System]:
    return [system for name, system in playbook.told.items() if name in case.given.systems or not case.given.systems]


def _messages(case: Case, playbook: Playbook, facts: Facts) -> Iterator[tuple[str, Message, int]]:
    """Give each message with the time at which it is decided, the last one at the moment of the case."""
    given, systems = case.given, _where(case, playbook)
    start = given.at - max((touch.ago for touch in given.touches), default=-1000) - 1000
    first = _ref(systems[0])
    for company in _company(case, playbook):
        yield "truce.record.changed", company, start
    named = any(shared.kind == "email" and given.lead.get(name) for name, shared in playbook.fields.items())
    for system in systems:
        known = by_ref(facts, first)
        yield "truce.record.changed", _record(case, playbook, system, start, None if named or known is None else known.id), start
    acts = sorted(given.touches, key=lambda touch: -touch.ago)
    theirs = next((system for system in systems if system.side == "marketing"), systems[0])
    for number, touch in enumerate(acts):
        last = number == len(acts) - 1
        yield "truce.touch.recorded", _touch(case, touch, theirs.name, _ref(theirs), number), given.at if last else given.at - touch.ago


def build(case: Case, ready: Rules) -> Built:
    """Let the core make the lead of a case, and judge it."""
    awake = _away(ready.awake, case.given.away, case.given.at)
    facts = Facts(SECRET, users=team(awake), read_fully=frozenset(awake.systems))
    count = len(list(_company(case, awake))) + len(_where(case, awake)) + len(case.given.touches)
    first, decisions = _ref(_where(case, awake)[0]), list[Decision]()
    for number, (kind, data, now) in enumerate(_messages(case, awake, facts), 1):
        last = number == count
        known = by_ref(facts, first)
        if last and known is not None and case.given.had:
            facts.leads[known.id] = replace(branch(known), had=list(case.given.had))
        message = Envelope(f"case {case.id} {number}", kind, "case", from_ms(now), data)
        decisions.append(decide(message, facts, awake if last else ready.asleep, now))
        fold(facts, decisions[-1])
    lead = by_ref(facts, first)
    assert lead is not None, "a record always has a lead"
    return Built(lead, awake, facts, case.given.at, decisions)

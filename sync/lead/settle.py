"""After something changed: what every system should show now, in scope or not, which stage, who gets it, whom to tell."""

from __future__ import annotations

from collections.abc import Iterable

from schemas.base import Scalar
from sync.lead import account, again, consent, creation, progress, score, shown
from sync.lead.handoff import hand_over, stage_left
from sync.lead.identity import UNSEEN, is_stub
from sync.lead.kinds import pass_on
from sync.lead.qualify import Verdicts, kind_of, stage_values, stands
from sync.lead.reconcile import SCORES, Moved, claim_truce, count_flip, desire, differs, left_alone
from sync.lead.state import Lead, Refused, TouchNote
from sync.lead.timing import STAGE, next_change
from sync.lead.work import Work
from sync.playbook.models import OWN, Kind, Value, Values
from sync.topology import Lane

GONE = "every record of it was deleted"
"""The scope rule of a lead that no system shows any more: nothing is created for it."""


def _thaw(work: Work, lead: Lead) -> None:
    for name in [name for name, until in lead.frozen.items() if until <= work.now]:
        del lead.frozen[name]
        work.problem("frozen_field", f"{lead.id}:{name}", "left alone long enough", lead, opened=False, field=name)


def _note_moves(work: Work, lead: Lead, moved: list[Moved]) -> None:
    """Tell the timeline, guard against fields that go to and fro, and let refusals of values no longer wanted go."""
    fields = {m.field: {"before": m.before, "after": m.after, "ref": m.ref} for m in moved}
    if fields:
        work.line(lead, "decided", fields=fields)
        for system in list(lead.blocked):
            unblock(work, lead, system)
    for move in moved:
        if move.before is not None and move.field not in OWN:
            flip(work, lead, move.field)
        for record in lead.records.values():
            refused = record.refused.get(move.field)
            if refused is not None and refused.value != move.after:
                _let_go(work, record.system, move.field, refused)
                del record.refused[move.field]


def flip(work: Work, lead: Lead, name: str) -> None:
    """Count that a field went to and fro; one that does so too often is frozen, and a problem."""
    if count_flip(lead, name, work.now, work.playbook):
        work.problem("frozen_field", f"{lead.id}:{name}", left_alone(work.playbook, name), lead, field=name)


def unblock(work: Work, lead: Lead, system: str) -> None:
    """Let go what kept a record from being made there: it is made, or tried again."""
    refused = lead.blocked.pop(system, None)
    if refused is not None:
        _let_go(work, system, "", refused)


def _let_go(work: Work, system: str, name: str, refused: Refused) -> None:
    """Settle what was parked, and close its problem: refused once more, it opens again."""
    work.out.released += refused.parked
    work.problem("write_refused", f"{system}:{name}:{refused.code}", "tried again", None, opened=False, system=system, field=name)


def _forget(work: Work, lead: Lead) -> None:
    """Outside the scope only refs, keyed e-mails and consent are kept."""
    kept = consent.only_consent(lead.claims, work.playbook)
    lead.claims = kept
    lead.desired = {name: held for name, held in lead.desired.items() if name in kept or work.playbook.fields[name].consent}
    for record in lead.records.values():
        record.fields = {
            name: seen for name, seen in record.fields.items() if name in work.playbook.fields and work.playbook.fields[name].consent
        }
        record.refused, record.partial = {}, True
    lead.touches, lead.why, lead.aside, lead.flips, lead.frozen, lead.stage_since = [], {}, {}, {}, {}, None
    lead.makes, lead.segment, lead.steps = {}, "", []


def scope_rule(lead: Lead, values: Values, work: Work) -> str | None:
    """Give the line that leaves a lead outside; None when it is inside."""
    matched, verdicts = work.playbook.scope.judge(values)
    if matched:
        return None
    last = verdicts[-1] if verdicts else None
    return f"{last.where} {last.text}: {last.why}" if last else str(work.playbook.scope_where)


def _scope(work: Work, lead: Lead, values: Values) -> bool:
    """Judge whether the lead is kept equal; False when it is not (any more)."""
    alive = any(record.gone in (None, "converted") for record in lead.records.values())
    if lead.records and not alive:
        lead.in_scope, lead.scope_rule = False, GONE
        return False
    if not any(name in lead.desired and not work.playbook.fields[name].consent for name in work.playbook.fields):
        return lead.in_scope
    rule = scope_rule(lead, values, work)
    if rule is not None:
        lead.in_scope, lead.scope_rule = False, rule
        work.line(lead, "filtered", rule=rule)
        _forget(work, lead)
        return False
    if not lead.in_scope and lead.scope_rule not in (UNSEEN, GONE, ""):
        unread = {record.ref for record in lead.records.values() if record.gone is None and record.partial}
        work.out.read_orders |= unread
    lead.in_scope, lead.scope_rule = True, ""
    return True


def _scores(work: Work, lead: Lead, values: Values, at: int) -> list[str]:
    """Claim the computed scores that are shared fields, in whole points."""
    found: list[str] = []
    for name in SCORES & work.playbook.fields.keys():
        value = values[name.removesuffix("_score") if name != "lead_score" else "score"]
        if claim_truce(lead, name, round(value) if isinstance(value, int | float) else 0, at):
            found.append(name)
    return found


def _asks(work: Work, lead: Lead, act: TouchNote, values: Values) -> tuple[Kind, Verdicts] | None:
    """Give the kind of hand-off that an act asks for, where it is no MQL: not a machine's, nor one that scores against the person."""
    if not work.playbook.handoffs or score.by_machine(act, work.playbook):
        return None
    line = score.line_of(act, work.playbook)
    if line is not None and work.playbook.engagement[line].points <= 0:
        return None
    found = kind_of(values, work.playbook)
    return found if found is not None and act.kind in found[0].touches else None


def _qualify(work: Work, lead: Lead, values: dict[str, Value], before: Scalar, at: int, source: str, act: TouchNote | None) -> list[Moved]:
    """Judge the stage, and hand the lead over when it enters the stage that does, or to whoever looks after it when the act is no MQL."""
    lead.segment = str(values.get("segment") or "")
    moved, _ = desire(lead, _scores(work, lead, values, at), work.playbook, work.rank)
    why = stands(lead, work.playbook, values, at)
    moved += desire(lead, ["stage"], work.playbook, work.rank)[0]
    after = lead.value("stage")
    if after != before:
        held = lead.desired["stage"]
        own = why is not None and why["stage"] == after
        lead.why["stage"] = (
            why
            if own
            else {"stage": after, "rule": held.rule, "ref": held.ref, "lines": [], "version": work.playbook.version, "at": held.at}
        )
        lead.stage_since = held.at
        rule = lead.why["stage"]["rule"]
        work.line(lead, "stage", before=before, after=after, rule=rule, ref=held.ref, why=lead.why["stage"])
        work.event(lead, "truce.lead.stage_changed", before=before, after=after, rule=rule)
        stage_left(work, lead, before)
    values["stage"] = after
    values["owner"] = owner = lead.value("owner")
    progress.stage_moved(work, lead)  # what came to its good end is not given to anybody any more
    again.look(work, lead, source)
    asked = _asks(work, lead, act, values) if act is not None else None
    if asked is not None:
        pass_on(work, lead, asked, values, at=at, source=source)
    else:
        hand_over(work, lead, values, entered=after != before, at=at, source=source)
    return moved + _owner_moved(lead, owner)


def _owner_moved(lead: Lead, before: Scalar) -> list[Moved]:
    after = lead.value("owner")
    return [Moved("owner", before, after, "truce")] if after != before else []


def _follow(work: Work, lead: Lead, values: Values | None) -> list[Moved]:
    """Let the hand-off be where the records say that it is, and both systems show what came of it; gives what moved."""
    owner = lead.value("owner")
    if lead.handoff is not None:
        progress.watch(work, lead, values)
    return _owner_moved(lead, owner) + shown.show(work, lead)


def _ring(work: Work, lead: Lead, moved: list[Moved], fresh: set[str], lane: Lane) -> None:
    """Mark each system that shows, or may show, something else than it should; `fresh`: those where a record is to be made now."""
    for name, system in work.playbook.told.items():
        live = lead.live(name, system.primary)
        if live:
            whole = lead.in_scope
            first = differs(lead, live[0], name, work.playbook, consent_only=not whole) or (whole and not live[0].has_truce_id)
            if first or any(differs(lead, record, name, work.playbook, consent_only=True) for record in live[1:]):
                work.out.dirty.add((lead.id, name, lane))
        elif lead.in_scope and (moved or name in fresh) and (making := lead.makes.get(name)) is not None and making.object:
            work.out.dirty.add((lead.id, name, lane))


def settle(
    work: Work,
    lead: Lead,
    names: Iterable[str],
    *,
    at: int | None = None,
    source: str = "",
    force: bool = False,
    judge: bool = True,
    act: TouchNote | None = None,
) -> list[Moved]:
    """Work out the lead anew after these fields' claims changed; gives what moved.

    `at`: when the act was that caused it (ms); `force` judges although nothing moved (an order to judge again); `act`: a new touch.
    """
    work.touch(lead)
    if lead.erased or lead.survivor is not None:
        work.end_clocks(lead)
        return []
    _thaw(work, lead)
    before = lead.value("stage")
    said = list(names)
    names = [*said, *account.stages_said(lead, work.facts, work.playbook)]
    if lead.playbook_version != work.playbook.version:
        names, force = list(lead.claims), force or lead.playbook_version != 0
        lead.playbook_version = work.playbook.version
    moved, aside = desire(lead, names, work.playbook, work.rank)
    consents = consent.settle(lead, work.playbook)
    moved += consents
    fresh: set[str] = set()
    seen: dict[str, Value] | None = None
    stub = is_stub(lead) and not any(record.fields for record in lead.records.values())
    if not stub and lead.undecided is None and (moved or force or not lead.in_scope):
        sums: dict[int, float] = {}
        values = stage_values(lead, work.playbook, work.now, account.note(lead, work.facts, work.playbook), sums)
        seen = values
        inside = _scope(work, lead, values)
        if not inside and lead.scope_rule != GONE:  # outside the scope nothing of the person is kept, in the timeline neither
            moved, aside = consents, []
        elif inside and judge and (moved or force):
            moved += _qualify(work, lead, values, before, work.now if at is None else at, source, act)
            work.clock(lead, STAGE, next_change(lead, work.playbook, work.now, values, sums))
        if inside:
            fresh = creation.note(lead, work.playbook.told, values)
    if not lead.in_scope:
        work.end_clocks(lead)
    moved += _follow(work, lead, seen)
    for name, lost in aside:
        work.line(lead, "aside", field=name, **lost)
    _note_moves(work, lead, moved)
    out = any(move.after is True for move in consents)
    hot = work.priority == "hot" if work.priority is not None else work.hot and not work.bulk
    news = moved or said or fresh or force  # our own writes, answered or read back while more is to be told, make none of that urgent
    lane: Lane = "hot" if out or (hot and news) else "bulk"
    _ring(work, lead, moved, fresh, lane)
    return moved

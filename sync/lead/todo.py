"""The task that the CRM shows the rep for a leg, where the SLA asks for one: open while the leg runs, done or void after. Pure."""

from __future__ import annotations

from sync.lead.cycle import HandoffNote, LegNote
from sync.lead.legible import plain
from sync.lead.offers import rule_of
from sync.lead.state import Lead
from sync.lead.tasks import State, TaskNote, task_key
from sync.lead.work import Work
from sync.playbook.models import LEGS, Leg, LegRule

_WHAT = {"accept": "Accept or give back", "first_response": "First response", "work": "Work"}


def tell(work: Work, lead: Lead) -> None:
    """Let the tasks of a hand-off that this decision changed be as its legs are."""
    note = lead.handoff
    if note is None or note.id not in work.out.handoffs:
        return
    for name in LEGS:
        leg, rule = note.legs.get(name), rule_of(work, note, name)
        if leg is None:
            continue
        n = len(note.offers)
        if leg.task is not None and (leg.task != n or leg.done_at is not None):
            _put(work, lead, note, name, leg, rule, leg.task, "done" if leg.task == n and leg.done_at is not None else "void")
            leg.task = None
        if leg.since is not None and (leg.task is not None or (rule is not None and rule.task)):
            leg.task = n
            _put(work, lead, note, name, leg, rule, n, "open")


def _put(work: Work, lead: Lead, note: HandoffNote, name: Leg, leg: LegNote, rule: LegRule | None, n: int, state: State) -> None:
    who = " ".join(str(value) for one in ("first_name", "last_name") if (value := lead.value(one))) or str(
        lead.value("company") or "a lead"
    )
    owner = note.offers[n - 1].owner if 0 < n <= len(note.offers) else note.owner
    for system in work.playbook.sales[:1]:
        work.out.tasks.append(
            TaskNote(
                task_key(note.id, n, name), lead.id, system, owner, f"{_WHAT[name]}: {plain(who, 200)}", leg.due_at, state,
                f"Handed over by {note.rule}.", f"{rule.where} {name}" if rule is not None else "",
            )
        )  # fmt: skip

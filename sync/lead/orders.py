"""What a person ordered: replay, link, separate, rejudge, resync."""

from __future__ import annotations

from schemas.command import Command
from sync.lead import replies
from sync.lead.decision import Decision
from sync.lead.identity import as_lead_id, by_ref
from sync.lead.join import absorb, split
from sync.lead.settle import settle, unblock
from sync.lead.state import Lead, Refused
from sync.lead.work import Work

REJUDGED = "rejudge"
"""The source of what an order to judge many leads again brings."""


def _lead(work: Work, data: Command) -> Lead | None:
    lead = work.find(as_lead_id(data.lead_id))
    if lead is None and data.ref:
        known = by_ref(work.facts, data.ref)
        lead = work.take(known) if known is not None else None
    return lead


def _drop(work: Work, system: str, held: dict[str, Refused], parked_id: str | None) -> bool:
    """Forget refusals, and close the problem of each: refused once more, it opens and is told again."""
    names = [name for name, refused in held.items() if parked_id is None or refused.parked_id == parked_id]
    for name in names:
        work.problem("write_refused", f"{system}:{name}:{held[name].code}", "tried again", None, opened=False, system=system, field=name)
        del held[name]
    return bool(names)


def _replay(work: Work, lead: Lead, data: Command) -> Decision:
    """Plan again from now; without a parked id everything of the lead that was refused."""
    if data.parked_id:
        work.out.released.append(data.parked_id)
    systems = {record.system for record in lead.records.values() if _drop(work, record.system, record.refused, data.parked_id)}
    systems |= {system for system in list(lead.blocked) if _drop_one(work, lead, system, data.parked_id)}
    if not systems:
        return work.end("noop", "nothing of it is to be written any more")
    settle(work, lead, [], judge=False)
    work.out.dirty |= {(lead.id, system, "hot") for system in systems}
    work.line(lead, "replayed", by=data.by, reason=data.reason, parked_id=data.parked_id)
    return work.end("applied")


def _drop_one(work: Work, lead: Lead, system: str, parked_id: str | None) -> bool:
    if parked_id is not None and parked_id not in lead.blocked[system].parked:
        return False
    unblock(work, lead, system)
    return True


def _link(work: Work, data: Command) -> Decision:
    """The record's lead is the person of `lead_id`."""
    lead = work.find(as_lead_id(data.lead_id))
    other = by_ref(work.facts, data.ref) if data.ref else None
    if lead is None or other is None:
        return work.end("parked", "lead_id and ref: both must be known to link them")
    if other.id == lead.id:
        return work.end("noop", "they are one already")
    work.decided_upon(lead)
    absorb(work, lead, work.take(other), f"{data.by}: {data.reason}")
    return work.end("applied")


def _separate(work: Work, lead: Lead, data: Command) -> Decision:
    """The record is somebody else's: an undecided one becomes a person of its own, a joined one gets its own lead back."""
    if lead.undecided is not None:
        work.decided_upon(lead)
        work.line(lead, "separated", reason=f"{data.by}: {data.reason}")
        settle(work, lead, list(lead.claims), force=True)
        return work.end("applied")
    if data.ref is None or data.ref not in lead.records:
        return work.end("parked", "ref: names no record of this lead")
    if len(lead.records) == 1:
        return work.end("noop", "it is a person of its own already")
    split(work, lead, data.ref, f"{data.by}: {data.reason}")
    return work.end("applied")


def _judge_again(work: Work, lead: Lead, *, bulk: bool) -> None:
    """Judge by the rules in force; alone it hands the lead over, among many it is held like all bulk (law 10)."""
    work.hot, work.bulk = not bulk, bulk
    if not bulk:
        lead.held = None
    settle(work, lead, list(lead.claims), force=True, source=REJUDGED)


def ordered(work: Work, data: Command) -> Decision:
    """Decide one order; it is applied once by its id."""
    work.hot = True
    if data.name == "link":
        return _link(work, data)
    lead = _lead(work, data)
    if lead is None:
        return work.end("parked", "lead_id: no such lead")
    if lead.erased:
        return work.end("filtered", "erased: nothing of this person is kept or made again")
    if data.name in replies.NAMES:
        return replies.answered(work, lead, data)
    match data.name:
        case "replay":
            return _replay(work, lead, data)
        case "separate":
            return _separate(work, lead, data)
        case "resync":
            work.out.read_orders |= {record.ref for record in lead.records.values() if record.gone is None}
            settle(work, lead, list(lead.claims), judge=False)
        case _:
            _judge_again(work, lead, bulk=data.bulk)
    work.line(lead, "ordered", name=data.name, by=data.by, reason=data.reason)
    return work.end("applied")

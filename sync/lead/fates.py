"""What becomes of a record besides its fields: merged, converted, deleted, erased, restored."""

from __future__ import annotations

from schemas.base import Ref
from schemas.change import RecordConverted, RecordDeleted, RecordMerged
from sync.lead import offers
from sync.lead.account import CONVERTED
from sync.lead.decision import Decision
from sync.lead.identity import UNSEEN, by_ref, is_stub
from sync.lead.join import absorb
from sync.lead.settle import settle
from sync.lead.state import Claim, Lead, Record
from sync.lead.work import Work

ENDED = ("merged", "converted", "erased")
"""What a record does not come back from."""
SURE_MS = 2_000
"""Many a vendor's times are those of whole seconds, and clocks are a little off: what a record shows later than this is later."""
ELSEWHERE = "erased_elsewhere"
"""The problem that somebody who was erased in one system, or is gone there for good, still stands in another one."""
BIN_MS = 80 * 86_400_000
"""Of what was deleted longer ago no vendor keeps anything for sure: that it is not there tells nothing."""


def _homes(work: Work, survivor: str, losers: list[str]) -> list[Lead]:
    """Give the leads of these records, the one that stays first: a person rather than a question, the survivor's, the oldest."""
    first = by_ref(work.facts, survivor)
    found = {lead.id: work.take(lead) for ref in (survivor, *losers) if (lead := by_ref(work.facts, ref)) is not None}

    def rank(lead: Lead) -> tuple[bool, bool, int, str]:
        return (is_stub(lead) or lead.undecided is not None, first is None or lead.id != first.id, lead.created_at, lead.id)

    return sorted(found.values(), key=rank)


def merged(work: Work, data: RecordMerged) -> Decision:
    """The vendor made one record of several: their leads are one from now on, and the identity follows to the survivor."""
    at = work.clamp(data.at, data.received_at)
    losers = [ref for ref in data.losers if ref != data.survivor]
    system = Ref.parse(data.survivor).system
    work.hot = True
    homes = _homes(work, data.survivor, losers)
    lead = homes[0] if homes else work.create(None, data.survivor, UNSEEN)
    lead.in_scope = lead.in_scope and bool(homes)
    work.decided_upon(lead)
    record = work.record(lead, data.survivor, "merged")
    if record.partial or any(ref not in lead.records for ref in losers):
        work.out.read_orders.add(data.survivor)
    fresh = False
    for other in homes[1:]:
        lead.erased = lead.erased or other.erased
        absorb(work, lead, other, f"{system} merged their records", source=system)
        fresh = True
    for ref in losers:
        gone = work.record(lead, ref, "merged")
        fresh |= (gone.gone, gone.became) != ("merged", data.survivor)
        if gone.gone != "erased":
            gone.gone, gone.became, gone.last_at = "merged", data.survivor, max(at, gone.last_at)
        work.out.identities["ref", ref] = lead.id
    if not fresh:
        return work.end("noop", "this merge is known")
    still_held(work, lead)
    work.line(lead, "merged", survivor=data.survivor, losers=list(losers))
    settle(work, lead, list(lead.claims), at=at, source=system)
    return work.end("applied")


def converted(work: Work, data: RecordConverted) -> Decision:
    """The record is another one now: it stands still, the person goes on."""
    known = by_ref(work.facts, data.ref) or (by_ref(work.facts, data.became) if data.became else None)
    lead = work.take(known) if known is not None else work.create(None, data.ref, UNSEEN)
    if known is None:
        lead.in_scope = False
    record = work.record(lead, data.ref)
    if record.gone in ("converted", "merged", "erased"):
        return work.end("noop", f"the record is gone ({record.gone})")
    at = work.clamp(data.at, data.received_at)
    work.hot = True
    record.gone, record.became, record.last_at = "converted", data.became, max(at, record.last_at)
    if data.became:
        work.out.identities["ref", data.became] = lead.id
    names: list[str] = []
    for what, into in (("account", data.account), ("opportunity", data.opportunity)):
        if into is not None and not lead.erased:
            lead.claims.setdefault(CONVERTED + what, {})[data.ref] = Claim(into, at, "person")
    if "stage" in work.playbook.fields and not lead.erased and lead.in_scope:
        stage = "opportunity" if data.opportunity else "sql"
        lead.claims.setdefault("stage", {})[data.ref] = Claim(stage, at, "person")
        names.append("stage")
    if offers.going(lead):
        offers.respond(work, lead, at, record.system, "converted")
    work.line(lead, "converted", ref=data.ref, became=data.became, at=at)
    settle(work, lead, names, at=at, source=record.system)
    return work.end("applied")


def _erase(work: Work, lead: Lead, record: Record, at: int) -> None:
    """Forget everything but the keyed hashes and the refs that keep the person from being made again."""
    record.gone, record.last_at = "erased", max(at, record.last_at)
    for one in lead.records.values():
        one.fields, one.refused = {}, {}
    lead.erased, lead.in_scope, lead.scope_rule = True, False, "erased"
    lead.claims = {name: held for name, held in lead.claims.items() if name.startswith("consent:")}
    lead.desired, lead.touches, lead.aside, lead.why, lead.flips, lead.blocked = {}, [], {}, {}, {}, {}
    lead.handoff = lead.held = lead.undecided = None
    work.end_clocks(lead)
    lead.had, lead.said_no, lead.steps, lead.segment = [], [], [], ""
    for key in lead.email_keys:
        work.out.identities["email", key] = lead.id


def _why(lead: Lead) -> str:
    """Say where somebody was erased, or is gone for good; "" of anybody else."""
    erased = sorted({one.system for one in lead.records.values() if one.gone == "erased"})
    if lead.erased:
        return f"{', '.join(erased)} erased this person, and"
    lost = sorted(one.ref for one in lead.records.values() if one.gone == "deleted" and one.for_good)
    if not lost:
        return ""
    how = f"truce record delete {lost[0]} --erased tells Truce so"
    return (
        f"{Ref.parse(lost[0]).system} does not have this person even among what was deleted: erased there, or deleted long ago ({how}), and"
    )


def still_held(work: Work, lead: Lead, *, over: bool = False) -> None:
    """Tell a person in which systems somebody who was erased still stands, for Truce deletes nothing there; and of each that they are gone.

    Likewise of one who may have been; `over`: it turned out that they were not.
    """
    why = _why(lead)
    if not (why or over):
        return
    for system in sorted({one.system for one in lead.records.values()}):
        there = sorted(one.ref for one in lead.records.values() if one.system == system and one.gone is None)
        named = ", ".join(f"{ref.object} {ref.id}" for ref in map(Ref.parse, there))
        text = f"{why} {system} still holds their data ({named}): Truce deletes nothing there" if why and there else "gone, or not erased"
        ref = there[0] if there else None
        work.problem(ELSEWHERE, f"{lead.id}:{system}", text, lead, opened=bool(why and there), system=system, ref=ref)


def _late(record: Record, at: int) -> bool:
    """Say whether a deletion is older than what is known only because that is our own making of the record, as of when its answer came."""
    ours = any(one.done == record.last_at for one in record.fields.values())
    return at < record.last_at and ours and record.proven_until <= at + SURE_MS


def _doubted(work: Work, lead: Lead, record: Record, data: RecordDeleted, at: int) -> bool:
    """Note whether the system keeps what it deleted; True where that is news, whichever notice of the deletion came first."""
    if record.gone in ENDED or (data.for_good is None and data.how == "deleted"):
        return False
    doubt = data.for_good is True and (record.gone is None or at - record.last_at < BIN_MS)
    if doubt is record.for_good:
        return False
    record.for_good = doubt
    work.touch(lead)
    return True


def deleted(work: Work, data: RecordDeleted) -> Decision:
    """A record was deleted (a tombstone: not made again), erased (forgotten, for good) or restored."""
    known = by_ref(work.facts, data.ref)
    at = work.clamp(data.at, data.received_at)
    if known is None and data.how == "restored":
        work.out.read_orders.add(data.ref)
        return work.end("noop", "nothing is known of this record yet: it will be read")
    lead = work.take(known) if known is not None else work.create(None, data.ref, UNSEEN)
    if known is None:
        lead.in_scope = False
    record = work.record(lead, data.ref)
    if data.how == "erased":
        if lead.erased and record.gone == "erased":
            return work.end("noop", "erased before")
        _erase(work, lead, record, at)
        still_held(work, lead)
        work.line(lead, "erased", ref=data.ref)
        work.touch(lead)
        return work.end("applied")
    late, news = data.how == "deleted" and _late(record, at), _doubted(work, lead, record, data, at)
    if record.gone in ENDED or (record.gone == "deleted") is (data.how == "deleted") or (at < record.last_at and not late):
        if at > record.last_at:
            record.last_at = at
            work.touch(lead)
        if news and record.gone == "deleted":
            still_held(work, lead, over=True)
            return work.end("applied", "whether it is kept among what was deleted")
        record.for_good = record.for_good and record.gone is not None
        return work.end("noop", f"stale: the record is {'gone (' + record.gone + ')' if record.gone else 'there'}")
    tie = data.how == "deleted" and at == record.last_at
    if tie and record.proven_until > at + SURE_MS:
        return work.end("noop", "stale: the record was restored in the moment in which it was deleted")
    record.gone, record.last_at = ("deleted" if data.how == "deleted" else None), at
    if record.gone is None or tie or late:
        work.out.read_orders.add(data.ref)
    still_held(work, lead, over=news)
    work.line(lead, data.how, ref=data.ref, at=at)
    settle(work, lead, [], at=at, source=record.system, judge=data.how == "restored", force=True)
    return work.end("applied")

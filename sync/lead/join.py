"""Two leads that turn out to be one, and one that turns out to be two: parts keep where they came from."""

from __future__ import annotations

from dataclasses import replace

from schemas.base import Ref, Scalar
from sync.lead import waiting
from sync.lead.consent import word
from sync.lead.identity import is_stub, why_not_join
from sync.lead.offers import close, going
from sync.lead.reconcile import TRUCE
from sync.lead.settle import settle
from sync.lead.state import Claim, Lead
from sync.lead.timing import STAGE
from sync.lead.work import Work
from sync.playbook.models import FIRST, LATEST


def _claims(survivor: Lead, loser: Lead) -> None:
    """Take over what the loser's records claim; of Truce's own words the survivor's stand, of its dates the first, or the latest, as each says."""
    for name, held in loser.claims.items():
        ours = survivor.claims.setdefault(name, {})
        for ref, claim in held.items():
            mine = ours.get(ref)
            if ref != TRUCE:
                ours[ref] = claim if mine is None or claim.at > mine.at else mine
            elif mine is None or (name in FIRST and claim.at < mine.at) or (name in LATEST and claim.at > mine.at):
                ours[ref] = claim


def _stricter(survivor: Lead, loser: Lead) -> None:
    """Of two words the stricter, whenever it was said."""
    for kind in {*survivor.consent, *loser.consent}:
        both = [held for held in (survivor.consent.get(kind), loser.consent.get(kind)) if held is not None]
        if any(held.opted_out for held in both):
            said = [claim for one in (survivor, loser) if (claim := one.claims.get(word(kind), {}).get(TRUCE)) is not None]
            at = max([held.at for held in both] + [claim.at for claim in said])  # so that no earlier word undoes it
            survivor.claims.setdefault(word(kind), {})[TRUCE] = Claim(True, at, "the stricter of two that were joined")


def _nobodys(lead: Lead) -> bool:
    """Say whether a problem is open that nobody may be given the lead."""
    searched = any(lead.why[what]["owner"] is None for what in ("owner", "handoff") if what in lead.why)
    return searched or (lead.handoff is not None and lead.handoff.state in ("rejected", "expired"))


def absorb(work: Work, survivor: Lead, loser: Lead, reason: str, *, source: str = "") -> None:
    """Join `loser` into `survivor`: records, touches (each once), open hand-off; scores are worked out anew, never summed."""
    work.decided_upon(loser)
    _stricter(survivor, loser)
    _claims(survivor, loser)
    for ref, record in loser.records.items():
        if ref not in survivor.records:
            survivor.records[ref] = replace(record, from_lead=record.from_lead or loser.id)
        work.out.identities["ref", ref] = survivor.id
    for key in loser.email_keys:
        if key not in survivor.email_keys:
            survivor.email_keys.append(key)
        work.out.identities["email", key] = survivor.id
    known = {(touch.system, touch.id) for touch in survivor.touches}
    survivor.touches += [touch for touch in loser.touches if (touch.system, touch.id) not in known]
    if going(survivor):
        close(work, loser, "joined into a lead whose hand-off goes on", "joined")
    elif loser.handoff is not None and (survivor.handoff is None or going(loser)):
        survivor.handoff = loser.handoff
        work.cycle(survivor)
        for name in ("stage", "owner"):
            if TRUCE in loser.claims.get(name, {}):
                survivor.claims.setdefault(name, {})[TRUCE] = loser.claims[name][TRUCE]
    survivor.held = survivor.held or loser.held
    survivor.steps = [*survivor.steps, *(step for step in loser.steps if step not in survivor.steps)]
    survivor.had = [*(one for one in loser.had if one not in survivor.had), *survivor.had]
    survivor.said_no += [one for one in loser.said_no if one not in survivor.said_no]
    survivor.created_at = min(survivor.created_at, loser.created_at)
    for kind, due_at in loser.clocks.items():  # the stage's is set anew by what follows
        if kind not in (STAGE, *survivor.clocks):
            work.clock(survivor, kind, due_at)
    work.end_clocks(loser)
    if _nobodys(loser):  # who has the one lead that they are is told of that one
        work.problem("unrouted", loser.id, "joined into another lead", loser, opened=False)
    if waiting.HOLD in loser.why:
        survivor.why.setdefault(waiting.HOLD, loser.why[waiting.HOLD])
    loser.survivor, loser.undecided = survivor.id, None
    loser.claims, loser.desired, loser.aside, loser.why = {}, {}, {}, {}
    for record in loser.records.values():
        record.fields = {}
    work.touch(loser)
    work.line(survivor, "joined", lead=loser.id, reason=reason)
    settle(work, survivor, list(survivor.claims), source=source, force=True)


def adopt(
    work: Work, stub: Lead, holder: Lead | None, ref: str, email: str | None, named: dict[str, Scalar], *, sure: bool = False
) -> Lead:
    """Join a lead of which nothing was known but a ref into the person whom the e-mail names, if it may; gives whose it is then."""
    system = Ref.parse(ref).system
    if holder is None or email is None or holder.id == stub.id or not is_stub(stub):
        return stub
    if not sure and why_not_join(holder, system, email, named, work.playbook) is not None:
        return stub
    home = work.take(holder)
    absorb(work, home, stub, f"its record has their {'Truce id' if sure else 'e-mail address'}", source=system)
    return home


def split(work: Work, lead: Lead, ref: str, reason: str) -> Lead:
    """Give a record a lead of its own again, with all that came from the same lead as it; consent stays with both."""
    origin = lead.records[ref].from_lead
    refs = [r for r, record in lead.records.items() if r == ref or (origin is not None and record.from_lead == origin)]
    old = work.facts.leads.get(origin) if origin else None
    other = work.take(old) if old is not None and old.survivor == lead.id else work.create(None, ref)
    other.survivor = None
    other.records = {r: replace(lead.records.pop(r), from_lead=None) for r in refs}
    for name, held in lead.claims.items():
        moving = {r: held.pop(r) for r in refs if r in held}
        if name.startswith("consent:"):
            moving |= held
        if moving:
            other.claims[name] = moving
    _give_back(work, lead, other)
    work.line(lead, "separated", lead=other.id, reason=reason)
    for one in (lead, other):
        for name in [name for name in one.desired if name in work.playbook.fields and not one.claims.get(name)]:
            del one.desired[name]
        settle(work, one, list(one.claims), force=True)
    return other


def _give_back(work: Work, lead: Lead, other: Lead) -> None:
    """Refs, addresses and touches go where they came from."""
    for ref in other.records:
        work.out.identities["ref", ref] = other.id
    keys = {record.email_key for record in other.records.values() if record.email_key}
    mine = {record.email_key for record in lead.records.values() if record.email_key}
    for key in sorted(keys):
        if key not in other.email_keys:
            other.email_keys.append(key)
        if key not in mine:
            work.out.identities["email", key] = other.id
    lead.email_keys = [key for key in lead.email_keys if key in mine or key not in keys]
    other.steps = [step for step in lead.steps if step[0] in other.records]
    lead.steps = [step for step in lead.steps if step[0] not in other.records]
    gone = {(touch.system, touch.id) for touch in other.touches}
    lead.touches = [touch for touch in lead.touches if (touch.system, touch.id) not in gone]
    work.touch(other)

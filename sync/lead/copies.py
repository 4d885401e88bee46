"""Sales' opportunities as marketing's system shows them: which are copied, and what a copy is to show. Pure. Times are ms.

A copy bears its opportunity's ref in a unique field of the vendor, the shared field `copy_of`; where the playbook maps none, none is made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from connectors.base import Capabilities
from schemas.base import Ref, Scalar
from sync.lead.accounts import agreed, book, company, shown, writing_id
from sync.lead.ledger import COPY_OF, Entry, Ledger, outcome_of
from sync.lead.plan import Control, Left, Plan, Row, Told, plan
from sync.lead.seen import REFUSED
from sync.lead.state import Lead
from sync.playbook.models import Playbook, SharedField

LINKS = ("people", "account")
"""What of an opportunity is no value but other records: a copy is associated with them."""
NEEDED = ("name", "stage")
"""Without these no copy is made."""


def key_of(playbook: Playbook, system: str) -> str:
    """Give the vendor's field that says of which opportunity a record is the copy; empty where no copies are made."""
    held, rules = playbook.opportunity_fields.get(COPY_OF), playbook.systems.get(system)
    spelled = held.systems.get(system) if held is not None else None
    return spelled.name_of(rules.opportunity) if spelled and rules and rules.opportunity and rules.side == "marketing" else ""


def copying(playbook: Playbook) -> tuple[str, ...]:
    """Name the systems to which opportunities are copied."""
    return tuple(name for name in playbook.systems if key_of(playbook, name))


def due(before: Entry, after: Entry, playbook: Playbook) -> set[tuple[str, str]]:
    """Give (opportunity, system) of every copy that may have to show something else because this record changed."""
    if after.kind != "opportunity" or not (systems := copying(playbook)):
        return set()
    here = Ref.parse(after.ref).system
    if here in playbook.sales:
        return {(after.ref, system) for system in systems}
    refs = {before.text(COPY_OF), after.text(COPY_OF)} if here in systems else set()
    return {(ref, here) for ref in refs if ref and ref.count(":") > 1 and ref.partition(":")[0] in playbook.sales}


@dataclass(frozen=True, slots=True)
class Copying:
    """What is known when a copy is planned."""

    ledger: Ledger
    playbook: Playbook
    capabilities: Mapping[str, Capabilities]
    control: Control
    now: int
    known: Mapping[str, str]
    """What an opportunity calls a person → that person's record in the system to which it is copied."""
    since: int = 0
    """When copies were first made there."""


@dataclass(slots=True)
class Copy:
    """What is to be told of one copy; `waits`: somebody in it, or its account, is not known there yet."""

    plan: Plan
    waits: bool = False


def _fields(playbook: Playbook) -> dict[str, SharedField]:
    return {name: one for name, one in playbook.opportunity_fields.items() if name not in (COPY_OF, *LINKS)}


def over(own: Entry, since: int, playbook: Playbook) -> bool:
    """Say whether an opportunity was won or lost before copies were made: no copy is made of it."""
    stage = own.act("stage")
    return outcome_of(own, playbook) != "open" and (stage is None or stage.at < since)


def plan_copy(
    ref: str, copy: Entry | None, system: str, what: Copying, refused: Mapping[str, Scalar] = {}, frozen: Mapping[str, int] = {}
) -> Copy:
    """Say what must be told to a system about its copy of an opportunity, None while it has none.

    What was deleted on either side is left as it is: nothing is deleted with it, and nothing made again. No past is copied, see `over`.
    """
    own, rules = what.ledger.opportunity(ref), what.playbook.systems[system]
    if own is None or (not copy.there if copy is not None else over(own, what.since, what.playbook)):
        return Copy(Plan())
    target = copy or Entry("opportunity", f"{system}:{rules.opportunity}:new")
    fields = _fields(what.playbook)
    wanted = agreed([own, *([copy] if copy else [])], fields, what.playbook)
    lead = Lead(writing_id(f"{ref} {system}"), "", 0, what.now, desired=wanted, frozen=dict(frozen))
    lead.records[target.ref] = replace(shown(target, refused, what.now), partial=copy is not None)
    made = plan(lead, system, book(what.playbook, "opportunity", fields), (), what.capabilities, what.control, what.now)
    if made.wait is not None or rules.mode_of(rules.opportunity) != "write":
        return Copy(made)
    ends, waits = _ends(own, system, what)
    links = dict(_links(target, ends, system, what, refused))
    made.left += [Left(None, name, REFUSED) for name, one in links.items() if one is None]
    told = {name: one for row in made.rows for name, one in row.fields.items()} | {n: one for n, one in links.items() if one is not None}
    made.rows = _rows(ref, copy, system, told, what, made) if told else []
    return Copy(made, waits)


def _rows(ref: str, copy: Entry | None, system: str, told: Mapping[str, Told], what: Copying, made: Plan) -> list[Row]:
    object_ = what.playbook.systems[system].opportunity
    if copy is not None:
        return [Row("update", object_, Ref.parse(copy.ref).id, told)]
    if not what.control.read_fully:
        made.left.append(Left(None, "", "the first full read is not done", stays=True))
    elif missing := [name for name in NEEDED if name not in told]:
        made.left.append(Left(None, missing[0], f"an opportunity without {missing[0]} is not copied"))
    else:
        return [Row("create", object_, None, told, {key_of(what.playbook, system): ref})]
    return []


def _ends(own: Entry, system: str, what: Copying) -> tuple[dict[str, list[str]], bool]:
    """Give the ids of the records there that a copy is to be associated with, and whether somebody is not known there yet."""
    people = {one: Ref.parse(what.known[one]).id for one in own.people if one in what.known}
    named = {one.rpartition(":")[2] for one in own.people} - {one.rpartition(":")[2] for one in people}
    account = what.ledger.account(own.text("account"))
    there = [entry for entry in (company(account, what.ledger) if account else ()) if Ref.parse(entry.ref).system == system]
    firms = [Ref.parse(entry.ref).id for entry in there]
    return {"people": sorted(set(people.values())), "account": firms}, bool(named) or (bool(own.text("account")) and not firms)


def _links(
    target: Entry, wanted: Mapping[str, list[str]], system: str, what: Copying, refused: Mapping[str, Scalar]
) -> Iterator[tuple[str, Told | None]]:
    """Give the associations that a copy lacks, None for one that was refused; what others associated with it stays."""
    object_ = what.playbook.systems[system].opportunity
    able = what.capabilities.get(object_)
    for name, ids in wanted.items():
        shared = what.playbook.opportunity_fields.get(name)
        spelled = shared.systems.get(system) if shared is not None else None
        held_back = spelled is None or spelled.mode != "write" or (spelled.read_only and shared is not None and shared.kind != "ref")
        theirs = (
            "" if spelled is None or held_back else spelled.name_of(object_)
        )  # a ref is read-only as a value: another system's ids say nothing
        held = {Ref.parse(one).id for one in str(target.value(name) or "").split() if one.count(":") > 1}
        every = {*held, *ids} if name == "people" else {*ids}
        sent = ",".join(sorted(every, key=lambda ident: (len(ident), ident)))
        if shared is None or able is None or theirs not in able.writable or {*ids} <= held:
            continue
        yield name, None if refused.get(name) == sent else Told(theirs, sent, sent, 0, what.now, f"{shared.where} {shared.policy}")

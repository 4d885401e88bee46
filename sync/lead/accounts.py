"""What the records of one account are to show: each shared field as its policy says, told by the plan that leads' records have. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from connectors.base import Capabilities
from schemas.base import Ref, Scalar
from schemas.envelope import derived_id
from sync.lead.index import index
from sync.lead.ledger import BLANK, Entry, Kind, Ledger, Shown
from sync.lead.observe import honours_blank
from sync.lead.plan import Control, Plan, plan
from sync.lead.reconcile import count_flip, system_of, winner
from sync.lead.state import Claim, Desired, Lead, Observed, Record, Refused
from sync.playbook.models import Playbook, SharedField


def writing_id(ref: str) -> str:
    """Give the id under which an account's record is written, where a lead's would stand."""
    return derived_id("account", ref)


def company(own: Entry, ledger: Ledger) -> tuple[Entry, ...]:
    """Give the records that are one account for sure: one in each system, by their domains, the same whichever of them is asked.

    Where a system has several such records (subsidiaries, duplicates) nobody knows which is meant, and it is none.
    """
    if not own.there or own.kind != "account" or not own.domains:
        return ()
    same, next_ = dict[str, Entry](), [own]
    while next_:
        if (entry := next_.pop()).ref not in same:
            same[entry.ref] = entry
            next_ += [one for domain in entry.domains for one in ledger.with_domain(domain)]
    systems = {system_of(ref) for ref in same}
    return tuple(same[ref] for ref in sorted(same)) if len(same) == len(systems) else ()


def seen_through(ledger: Ledger, intents: Mapping[str, Mapping[str, Any]]) -> Ledger:
    """Give what is known while the results of writes (record ref → intent) are still to be applied: what they left there is no act."""
    found = ledger.copy()
    for ref, intent in intents.items():
        if (entry := found.entries.get(ref)) is not None:
            found.put(entry.echoed({name: Shown(told["value"], told["at"]) for name, told in intent["fields"].items()}))
    return found


def _claims(shared: SharedField, records: Sequence[Entry], playbook: Playbook) -> Iterator[tuple[str, Claim]]:
    """Give what the records say of a field; blanks only of those whose blank is an act."""
    for entry in records:
        act = entry.act(shared.name)
        if act is not None and (act.value not in BLANK or honours_blank(shared, system_of(entry.ref), playbook)):
            yield entry.ref, Claim(act.value, act.at)


def agreed(records: Sequence[Entry], fields: Mapping[str, SharedField], playbook: Playbook) -> dict[str, Desired]:
    """Say what records of one account or opportunity are to show, each field by its policy."""
    found, ranks = {}, index(playbook).ranks
    for name, shared in fields.items():
        claims = dict(_claims(shared, records, playbook))
        won = winner(shared, claims, playbook, ranks) if claims else None
        if won is not None:
            found[name] = Desired(won[1].value, won[1].at, won[0], 0, f"{shared.where} {shared.policy}")
    return found


def book(playbook: Playbook, about: Kind, fields: Mapping[str, SharedField]) -> Playbook:
    """Give the playbook with these fields where those of leads stand."""
    kept = index(playbook).kept
    if about not in kept:
        kept[about] = replace(playbook, fields=fields)
    found = kept[about]
    assert isinstance(found, Playbook)
    return found


def shown(entry: Entry, refused: Mapping[str, Scalar], now: int) -> Record:
    """Give an account's or opportunity's record as a lead's stands, for `plan`."""
    ref = Ref.parse(entry.ref)
    fields = {name: Observed(one.value, one.at, one.at) for name, one in entry.fields.items()}
    not_taken = {name: Refused(value, "", "", None, now) for name, value in refused.items()}
    return Record(entry.ref, ref.system, ref.object, 0, entry.at, fields, not_taken, has_truce_id=True, partial=True)


def told_again(
    flips: Mapping[str, Sequence[int]], names: Iterable[str], now: int, playbook: Playbook
) -> tuple[dict[str, list[int]], dict[str, int]]:
    """Count that a record's fields were told; gives when each was, and until when those are left alone that go to and fro too often.

    Whatever changes a field back, the one that is told again and again is to be left alone: of leads the moves are counted as well.
    """
    lead = Lead("", "", 0, now, flips={name: list(times) for name, times in flips.items()})
    for name in names:
        count_flip(lead, name, now, playbook)
    return lead.flips, lead.frozen


def plan_account(
    own: Entry,
    ledger: Ledger,
    playbook: Playbook,
    capabilities: Mapping[str, Capabilities],
    control: Control,
    now: int,
    refused: Mapping[str, Scalar] = {},
    frozen: Mapping[str, int] = {},
) -> Plan:
    """Say what must be told to an account's record; times are ms.

    `refused`: values by shared field that the vendor would not take; `frozen`: until when a field is left alone.
    """
    records, ref = company(own, ledger), Ref.parse(own.ref)
    if len(records) < 2:
        return Plan()
    fields = playbook.account_fields
    lead = Lead(writing_id(own.ref), "", 0, now, desired=agreed(records, fields, playbook), frozen=dict(frozen))
    lead.records[own.ref] = shown(own, refused, now)
    return plan(lead, ref.system, book(playbook, "account", fields), (), capabilities, control, now)

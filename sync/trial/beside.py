"""Accounts, and copies of opportunities, in observe mode: what their records would have been told, and what others did there. Pure; ms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from schemas.base import Ref
from sync.lead.accounts import agreed, company
from sync.lead.copies import LINKS
from sync.lead.ledger import COPY_OF, Entry, Ledger, Shown
from sync.lead.seen import same
from sync.lead.state import Desired
from sync.playbook.models import Playbook, SharedField
from sync.trial.observed import NOBODY, Looked, Verdict, Word


def firm(own: Entry, ledger: Ledger, playbook: Playbook, read: Mapping[str, int], since: int = 0) -> Iterator[Looked]:
    """Look at one account's record; `read`: system → since when it was read in full: what somebody did before nobody saw."""
    records = company(own, ledger)
    if len(records) > 1:
        yield from _looked(own, records, playbook.account_fields, playbook, read, since)


def copy_of(own: Entry, copy: Entry, playbook: Playbook, read: Mapping[str, int], since: int = 0) -> Iterator[Looked]:
    """Look at one opportunity's copy; with whom it is associated is left out."""
    fields = {name: one for name, one in playbook.opportunity_fields.items() if name not in (COPY_OF, *LINKS)}
    yield from _looked(copy, [own, copy], fields, playbook, read, since)


def observed(playbook: Playbook, system: str, object_: str) -> bool:
    """Say whether an object as a whole is in observe mode."""
    return playbook.systems[system].mode_of(object_) == "observe"


def _looked(
    own: Entry, records: Sequence[Entry], fields: Mapping[str, SharedField], playbook: Playbook, read: Mapping[str, int], since: int
) -> Iterator[Looked]:
    ref = Ref.parse(own.ref)
    for name, held in agreed(records, fields, playbook).items():
        spelled = fields[name].systems.get(ref.system)
        if spelled is None or spelled.read_only or not spelled.name_of(ref.object):
            continue
        if spelled.mode == "observe" or observed(playbook, ref.system, ref.object):
            word = _word(own, records, name, held)
            if word is not None and word.at >= since and (verdict := _verdict(own, fields[name], word, read)) is not None:
                stands = own.fields.get(name, Shown(None, 0))
                yield Looked(ref.system, own.ref, fields[name], word, stands.value, stands.at or None, verdict, own.owner or NOBODY)


def _word(own: Entry, records: Sequence[Entry], name: str, held: Desired) -> Word | None:
    """Give what Truce says to one record; what it says itself by now may have been another's word before, which was followed."""
    if held.ref != own.ref:
        return Word(held.value, held.at, held.ref, held.rule)
    acts = {one.ref: act for one in records if one.ref != own.ref and (act := one.act(name)) is not None}
    before = [(act.at, ref) for ref, act in acts.items() if act.value == held.value and act.at < held.at]
    return Word(held.value, *min(before), held.rule) if before else None


def _verdict(own: Entry, shared: SharedField, word: Word, read: Mapping[str, int]) -> Verdict | None:
    """Compare; None where the value stood there before, as far as anybody saw."""
    act, system = own.act(shared.name), Ref.parse(own.ref).system
    wrote = act is not None and act.at >= word.at and act.at > read.get(system, act.at)
    if same(shared.kind, word.value, own.value(shared.name)):
        return "same" if wrote else None
    return "otherwise" if wrote else "not done"

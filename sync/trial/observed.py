"""Observe mode looked back at: what Truce would have written where it writes nothing yet, and what those who write there today did. Pure; ms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from schemas.base import Scalar
from sync.lead.reconcile import TRUCE
from sync.lead.seen import same
from sync.lead.state import Lead, Record
from sync.playbook.models import Playbook, SharedField

Verdict = Literal["same", "otherwise", "not done"]
"""They wrote the same, another value, or nothing."""
PERSONAL, MOST = "(personal)", 10
NOBODY = "nobody"
NAMED = "named in "
"""How the rule of an offer begins that a system made, not Truce."""


@dataclass(frozen=True, slots=True)
class Word:
    """What Truce says of a field, and since when."""

    value: Scalar
    at: int
    ref: str
    """Whose value it is: a record, or `truce`."""
    rule: str


@dataclass(frozen=True, slots=True)
class Looked:
    """One field of one record that Truce would have written, or would write now."""

    system: str
    ref: str
    shared: SharedField
    word: Word
    stands: Scalar
    stands_at: int | None
    verdict: Verdict
    owner: str
    """Whose lead it is."""

    @property
    def after_ms(self) -> int:
        """How much later they wrote it than Truce would have."""
        return max(0, (self.stands_at or 0) - self.word.at)

    def plain(self) -> dict[str, Any]:
        """Give it as plain data; personal values are not shown."""
        would, stands = (PERSONAL if self.shared.personal and one not in (None, "") else one for one in (self.word.value, self.stands))
        return {
            "record": self.ref, "would_be": would, "is": stands, "verdict": self.verdict, "rule": self.word.rule, "owner": self.owner,
            "after_s": self.after_ms // 1000 if self.verdict != "not done" else None,
        }  # fmt: skip


@dataclass(slots=True)
class Row:
    """One field of one system."""

    system: str
    name: str
    policy: str
    counts: Counter[Verdict] = field(default_factory=Counter)
    owners: Counter[str] = field(default_factory=Counter)
    """Whose leads those are in which it differs."""
    after_ms: int = 0
    examples: list[Looked] = field(default_factory=list)
    """Those in which they did otherwise go before those in which nobody did anything."""

    def take(self, one: Looked) -> None:
        """Count one."""
        self.counts[one.verdict] += 1
        if one.verdict == "same":
            self.after_ms += one.after_ms
            return
        self.owners[one.owner] += 1
        if len(self.examples) < MOST:
            self.examples.append(one)
        elif one.verdict == "otherwise":
            place = next((n for n, other in enumerate(self.examples) if other.verdict != "otherwise"), None)
            if place is not None:
                self.examples[place] = one

    def plain(self) -> dict[str, Any]:
        """Give it as plain data."""
        done = self.counts["same"]
        return {
            "system": self.system, "field": self.name, "policy": self.policy, "same": done, "otherwise": self.counts["otherwise"],
            "not_done": self.counts["not done"], "same_after_s": self.after_ms // done // 1000 if done else None,
            "owners": dict(self.owners.most_common()), "examples": [one.plain() for one in self.examples],
        }  # fmt: skip


@dataclass(slots=True)
class Compared:
    """Counts leads one by one; memory does not grow with them."""

    playbook: Playbook
    since: int = 0
    """What was decided before is left out."""
    leads: int = 0
    rows: dict[tuple[str, str], Row] = field(default_factory=dict)
    owners: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(who would have it, who has it) → leads."""
    made: Counter[str] = field(default_factory=Counter)
    """System → people who would be made there."""
    accounts: int = 0
    """Records of accounts that were looked at."""
    copies: Counter[str] = field(default_factory=Counter)
    """System → opportunities of which a copy would be made there."""

    def count(self, found: Iterable[Looked]) -> None:
        """Count fields of a record, whatever it is of."""
        for one in found:
            name = one.shared.name if one.shared.about == "lead" else f"{one.shared.about}.{one.shared.name}"
            self.rows.setdefault((one.system, name), Row(one.system, name, one.shared.policy)).take(one)

    def take(self, lead: Lead) -> None:
        """Look at one lead."""
        self.leads += 1
        found = list(looked(lead, self.playbook, self.since))
        self.count(found)
        for one in found:
            if one.shared.name == "owner" and one.verdict == "otherwise":
                self.owners[str(one.word.value or NOBODY), str(one.stands or NOBODY)] += 1
        for system, making in lead.makes.items():
            rules = self.playbook.systems.get(system)
            observes = rules is not None and making.object and rules.mode_of(making.object) == "observe"
            if observes and lead.created_at >= self.since and _has_address(lead, self.playbook):
                self.made[system] += 1

    def plain(self) -> dict[str, Any]:
        """Give it as plain data."""
        rows = sorted(self.rows.values(), key=lambda row: (row.system, -row.counts["otherwise"], -row.counts["not done"], row.name))
        owners = [{"would_be": one, "is": other, "leads": count} for (one, other), count in self.owners.most_common()]
        made = {"would_be_made": dict(self.made), "would_be_copied": dict(self.copies)}
        return {"leads": self.leads, "accounts": self.accounts, "fields": [row.plain() for row in rows], "owners": owners, **made}


def _has_address(lead: Lead, playbook: Playbook) -> bool:
    """Say whether a lead has an e-mail address, without which nobody is made anywhere."""
    return any(lead.value(one.name) for one in playbook.fields.values() if one.kind == "email")


def looked(lead: Lead, playbook: Playbook, since: int = 0) -> Iterator[Looked]:
    """Give each field, in observe mode, of each system's record that is written, of which Truce has its own word."""
    for system, rules in playbook.told.items():
        record = lead.primary(system, rules.primary)
        if record is None or not lead.in_scope:
            continue
        for shared in playbook.fields.values():
            spelled = shared.systems.get(system)
            if spelled is None or spelled.read_only or not spelled.name_of(record.object):
                continue
            if "observe" in (spelled.mode, rules.mode_of(record.object)):
                word = _word(lead, shared, record.ref)
                found = _look(lead, shared, system, record, word) if word is not None and word.at >= since else None
                yield from (found,) if found is not None else ()


def _word(lead: Lead, shared: SharedField, ref: str) -> Word | None:
    """Give what Truce says to one record; of who has the lead what it chose itself, even where somebody has chosen otherwise since.

    What the record says by now may have been said elsewhere before: then it is that word which was followed.
    """
    held, claims = lead.desired.get(shared.name), lead.claims.get(shared.name, {})
    if shared.name == "owner" and (chosen := _chosen(lead)) is not None:
        return chosen
    if held is None or held.ref != ref:
        return Word(held.value, held.at, held.ref, held.rule) if held is not None else None
    before = [(claim.at, other) for other, claim in claims.items() if other != ref and claim.at < held.at and claim.value == held.value]
    return Word(held.value, *min(before), held.rule) if before else None


def _chosen(lead: Lead) -> Word | None:
    """Give whom Truce itself chose, in the hand-off that is the last."""
    own = [one for one in lead.handoff.offers if not one.rule.startswith(NAMED)] if lead.handoff is not None else []
    return Word(own[0].owner, own[0].at, TRUCE, own[0].rule) if own else None


def _look(lead: Lead, shared: SharedField, system: str, record: Record, word: Word) -> Looked | None:
    """Compare; None where the value is the record's own, stood there before, or cannot be told from what did."""
    seen = record.fields.get(shared.name)
    if seen is None and record.partial:
        return None
    stands, at = (seen.value, seen.at) if seen is not None else (None, None)
    watched = seen is not None and (bool(seen.past) or seen.at > record.first_seen)
    wrote = seen is not None and watched and seen.done is None and seen.at >= word.at
    if same(shared.kind, word.value, stands):
        verdict: Verdict = "same"
        if not wrote:
            return None
    else:
        verdict = "otherwise" if wrote else "not done"
    owner = lead.value("owner")
    return Looked(system, record.ref, shared, word, stands, at, verdict, str(owner or NOBODY))

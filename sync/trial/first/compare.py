"""One shared field of one person or account that several systems have: do they agree, and whose value would win?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from schemas.base import Scalar
from sync.lead.accounts import agreed
from sync.lead.ledger import Entry
from sync.lead.reconcile import TRUCE, system_of
from sync.lead.seen import same
from sync.lead.state import Desired, Lead, Record
from sync.playbook.models import Playbook, SharedField

MOST = 10
"""So many examples of a field."""
NOBODY = "nobody"
"""Wins where no value counts: all stay as they are."""
PERSONAL = "(personal)"


class Agreed(Enum):
    """A field that shows the same everywhere."""

    EQUAL = "equal"
    BLANK = "blank"


@dataclass(frozen=True, slots=True)
class Difference:
    """A field in which the records of a person or an account differ."""

    field: str
    refs: Mapping[str, str]
    """System → record."""
    values: Mapping[str, Scalar]
    """System → canonical value, None for blank."""
    wins: str
    """The system whose value it would be, `truce`, or `nobody`."""
    becomes: Scalar
    rule: str

    @property
    def one_is_blank(self) -> bool:
        """All that say something say the same: nothing is lost."""
        return len({str(value) for value in self.values.values() if value not in (None, False)}) < 2


@dataclass(slots=True)
class FieldCount:
    """How often a field agrees."""

    name: str
    policy: str
    where: str
    personal: bool = False
    blank: int = 0
    """Nobody says anything."""
    equal: int = 0
    filled: int = 0
    """Differing, but one of them is blank."""
    differing: int = 0
    """Two values, one of which would be lost."""
    wins: Counter[str] = field(default_factory=Counter)
    examples: list[Difference] = field(default_factory=list)
    """Those that would lose a value go before those that fill a blank."""

    @classmethod
    def of(cls, shared: SharedField) -> FieldCount:
        """Begin to count a field."""
        return cls(shared.name, shared.policy, str(shared.where), shared.personal)

    def take(self, found: Difference | Agreed) -> None:
        """Count one person or account."""
        if isinstance(found, Agreed):
            self.blank, self.equal = self.blank + (found is Agreed.BLANK), self.equal + (found is Agreed.EQUAL)
            return
        difference = found
        blank = difference.one_is_blank
        self.filled, self.differing = self.filled + blank, self.differing + (not blank)
        self.wins[difference.wins] += 1
        if len(self.examples) < MOST:
            self.examples.append(difference)
        elif not blank and (place := next((n for n, one in enumerate(self.examples) if one.one_is_blank), None)) is not None:
            self.examples[place] = difference

    def plain(self) -> dict[str, Any]:
        """Give it as plain data; personal values are not shown."""
        return {
            "field": self.name, "policy": self.policy, "where": self.where, "all_blank": self.blank, "equal": self.equal, "one_blank": self.filled,
            "differing": self.differing, "wins": dict(self.wins.most_common()), "examples": [_plain(one, self.personal) for one in self.examples],
        }  # fmt: skip


def _plain(one: Difference, personal: bool) -> dict[str, Any]:
    def shown(value: Scalar) -> Scalar:
        return PERSONAL if personal and value not in (None, False) else value

    values = {system: shown(value) for system, value in one.values.items()}
    return {"records": dict(one.refs), "values": values, "wins": one.wins, "becomes": shown(one.becomes), "rule": one.rule}


def compared(lead: Lead, playbook: Playbook) -> Iterator[tuple[SharedField, Difference | Agreed]]:
    """Give each field that at least two of the person's systems have, with the difference if there is one."""
    records = {name: record for name, rules in playbook.systems.items() if (record := lead.primary(name, rules.primary)) is not None}
    for shared in playbook.fields.values():
        here = {system: record for system, record in records.items() if _has(shared, system, record)}
        if len(here) > 1:
            values = {system: seen.value if (seen := record.fields.get(shared.name)) else None for system, record in here.items()}
            refs = {system: record.ref for system, record in here.items()}
            yield shared, _difference(shared, values, refs, lead.desired.get(shared.name))


def entries_compared(
    records: Sequence[Entry], fields: Mapping[str, SharedField], playbook: Playbook
) -> Iterator[tuple[SharedField, Difference | Agreed]]:
    """Give each field that at least two records of one account have, with the difference if there is one."""
    desired, order = agreed(records, fields, playbook), list(playbook.systems)
    records = sorted(records, key=lambda one: order.index(system_of(one.ref)))
    for shared in fields.values():
        refs = {system: one.ref for one in records if (system := system_of(one.ref)) in shared.systems}
        if len(refs) > 1:
            values = {system_of(one.ref): one.value(shared.name) for one in records if one.ref in refs.values()}
            yield shared, _difference(shared, values, refs, desired.get(shared.name))


def _has(shared: SharedField, system: str, record: Record) -> bool:
    spelled = shared.systems.get(system)
    return spelled is not None and bool(spelled.name_of(record.object))


def _difference(shared: SharedField, values: Mapping[str, Scalar], refs: Mapping[str, str], wanted: Desired | None) -> Difference | Agreed:
    first, *others = values.values()
    if all(same(shared.kind, first, other) for other in others):
        return Agreed.BLANK if first in (None, "", False) else Agreed.EQUAL
    wins = NOBODY if wanted is None else TRUCE if wanted.ref == TRUCE else system_of(wanted.ref)
    return Difference(shared.name, refs, values, wins, wanted.value if wanted else None, wanted.rule if wanted else str(shared.where))

"""Values that the playbook does not know yet: each with its count, and as lines of fields.yaml that may be pasted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import InitVar, dataclass, field
from typing import Any, NamedTuple

from schemas.base import Ref, Scalar
from sync.lead.decision import ParkedNote
from sync.lead.index import Mapped, index
from sync.lead.ledger import Entry
from sync.lead.reconcile import system_of
from sync.lead.state import Lead
from sync.playbook.models import Playbook, SharedField
from sync.trial.first.block import block, named
from sync.trial.first.texts import Lists, Texts

KEPT = 2_000
"""So many different values of one field are told apart; a text that a picklist is mapped to may have as many as there are people."""


class Where(NamedTuple):
    """A vendor's field that shows values which nobody knows."""

    system: str
    name: str
    """As the vendor calls it."""
    field: str
    """Ours: `industry`, of accounts and opportunities `account.industry`."""
    kind: str


@dataclass(slots=True)
class Unmapped:
    """Counts them, field by field."""

    playbook: Playbook
    lists: InitVar[Lists]
    texts: Texts = field(init=False)
    found: dict[Where, Counter[str]] = field(default_factory=dict)
    further: Counter[Where] = field(default_factory=Counter)
    """Records with values beyond those that are told apart."""

    def __post_init__(self, lists: Lists) -> None:
        self.texts = Texts(self.playbook, lists)

    def parked(self, note: ParkedNote) -> None:
        """Count a value that its field cannot hold."""
        if note.ref is None or note.system is None or note.field is None:
            return
        known, about = index(self.playbook), index(self.playbook).about.get((note.system, Ref.parse(note.ref).object))
        here = known.of(note.system, note.ref) if about is None else known.entered[note.system, about]
        mapped = next((one for one in here if one.name == note.field), None)
        if mapped is not None:
            self._count(Where(note.system, note.field, named(mapped.shared), mapped.shared.kind), note.value)

    def shown(self, lead: Lead) -> None:
        """Count what stands as it was written because nobody could read it: countries without a code, numbers that nobody can call, owners whom no system knows."""
        for record in lead.records.values():
            for mapped in index(self.playbook).of(record.system, record.ref):
                if (seen := record.fields.get(mapped.shared.name)) is not None:
                    self._look(record.system, mapped, seen.value)

    def entered(self, entry: Entry) -> None:
        """The same of an account or opportunity."""
        system = system_of(entry.ref)
        for mapped in index(self.playbook).entered[system, entry.kind]:
            self._look(system, mapped, entry.value(mapped.shared.name))

    def _look(self, system: str, mapped: Mapped, value: Scalar) -> None:
        self.texts.take(mapped.shared, system, value)
        if _unread(mapped.shared, value):
            self._count(Where(system, mapped.name, named(mapped.shared), mapped.shared.kind), value)

    def _count(self, where: Where, value: Scalar) -> None:
        held, text = self.found.setdefault(where, Counter()), str(value)[:200]
        if text in held or len(held) < KEPT:
            held[text] += 1
        else:
            self.further[where] += 1

    def lines(self) -> Iterator[tuple[str, str, str, str, str, int]]:
        """Give (system, vendor's field, our field, kind, value, records), the commonest of each field first."""
        for where, counted in self._all():
            for value, count in counted.most_common():
                yield *where, value, count

    def _all(self) -> list[tuple[Where, Counter[str]]]:
        return [*sorted(self.found.items()), *((Where(*where), counted) for *where, counted in self.texts.strange())]

    def blocks(self) -> list[str]:
        """Give for each picklist the lines of fields.yaml that map every value, to stand where those of the field stand now."""
        fields = {named(one): one for one in every(self.playbook)}
        names = dict.fromkeys(where.field for where in sorted(self.found) if where.kind == "picklist")
        made = [block(fields[name], self._of(name), self.playbook) for name in names if not fields[name].personal]
        return ["\n".join(lines) for lines in (*made, *self.texts.blocks())]

    def _of(self, name: str) -> dict[str, Counter[str]]:
        return {where.system: counted for where, counted in self.found.items() if where.field == name}

    def plain(self) -> dict[str, Any]:
        """Give it as plain data; values of personal fields are only counted."""
        values, personal = [], {named(one) for one in every(self.playbook) if one.personal}
        for where, counted in self._all():
            hidden = where.field in personal
            shown = [] if hidden else [{"value": value, "records": count} for value, count in counted.most_common()]
            total = sum(counted.values()) + self.further[where]
            values.append({**where._asdict(), "records": total, "different": len(counted), "values": shown})
        return {"fields": values, "blocks": self.blocks()}


def _unread(shared: SharedField, value: Scalar) -> bool:
    if not isinstance(value, str) or not value:
        return False
    if shared.kind == "country":
        return not (len(value) == 2 and value.isalpha())
    if shared.kind == "phone":
        return not value.startswith("+")
    return shared.kind == "user" and "@" not in value and not value.startswith("queue:")


def every(playbook: Playbook) -> Iterator[SharedField]:
    """Give the shared fields of people, accounts and opportunities."""
    for some in (playbook.fields, playbook.account_fields, playbook.opportunity_fields):
        yield from some.values()

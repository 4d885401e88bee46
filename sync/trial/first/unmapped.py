"""Values that the playbook does not know yet: each with its count, and as lines of fields.yaml that may be pasted."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, NamedTuple

from schemas.base import Scalar
from sync.lead.decision import ParkedNote
from sync.lead.index import index
from sync.lead.state import Lead
from sync.playbook.models import Playbook, SharedField

KEPT = 2_000
"""So many different values of one field are told apart; a text that a picklist is mapped to may have as many as there are people."""
_PLAIN = re.compile(r"[A-Za-z][\w-]*(?: [\w-]+)*$")
_WORDS = {"true", "false", "null", "yes", "no", "on", "off"}
MACHINES = ("stage", "status")
"""Picklists whose values lifecycle.yaml names."""


class Where(NamedTuple):
    """A vendor's field that shows values which nobody knows."""

    system: str
    name: str
    """As the vendor calls it."""
    field: str
    kind: str


@dataclass(slots=True)
class Unmapped:
    """Counts them, field by field."""

    playbook: Playbook
    found: dict[Where, Counter[str]] = field(default_factory=dict)
    further: Counter[Where] = field(default_factory=Counter)
    """Records with values beyond those that are told apart."""

    def parked(self, note: ParkedNote) -> None:
        """Count a value that its field cannot hold."""
        if note.ref is None or note.system is None or note.field is None:
            return
        mapped = next((one for one in index(self.playbook).of(note.system, note.ref) if one.name == note.field), None)
        if mapped is not None:
            self._count(Where(note.system, note.field, mapped.shared.name, mapped.shared.kind), note.value)

    def shown(self, lead: Lead) -> None:
        """Count what stands as it was written because nobody could read it: countries without a code, owners whom no system knows."""
        for record in lead.records.values():
            for mapped in index(self.playbook).of(record.system, record.ref):
                seen = record.fields.get(mapped.shared.name)
                if seen is not None and _unread(mapped.shared, seen.value):
                    self._count(Where(record.system, mapped.name, mapped.shared.name, mapped.shared.kind), seen.value)

    def _count(self, where: Where, value: Scalar) -> None:
        held, text = self.found.setdefault(where, Counter()), str(value)[:200]
        if text in held or len(held) < KEPT:
            held[text] += 1
        else:
            self.further[where] += 1

    def lines(self) -> Iterator[tuple[str, str, str, str, str, int]]:
        """Give (system, vendor's field, our field, kind, value, records), the commonest of each field first."""
        for where, counted in sorted(self.found.items()):
            for value, count in counted.most_common():
                yield *where, value, count

    def blocks(self) -> list[str]:
        """Give for each picklist the lines of fields.yaml that would map every value."""
        names = dict.fromkeys(where.field for where in sorted(self.found) if where.kind == "picklist")
        return ["\n".join(_block(self.playbook.fields[name], self._of(name))) for name in names if not self.playbook.fields[name].personal]

    def _of(self, name: str) -> dict[str, Counter[str]]:
        return {where.system: counted for where, counted in self.found.items() if where.field == name}

    def plain(self) -> dict[str, Any]:
        """Give it as plain data; values of personal fields are only counted."""
        values = []
        for where, counted in sorted(self.found.items()):
            hidden = self.playbook.fields[where.field].personal
            shown = [] if hidden else [{"value": value, "records": count} for value, count in counted.most_common()]
            total = sum(counted.values()) + self.further[where]
            values.append({**where._asdict(), "records": total, "different": len(counted), "values": shown})
        return {"fields": values, "blocks": self.blocks()}


def _unread(shared: SharedField, value: Scalar) -> bool:
    if not isinstance(value, str) or not value:
        return False
    if shared.kind == "country":
        return not (len(value) == 2 and value.isalpha())
    return shared.kind == "user" and "@" not in value and not value.startswith("queue:")


def _folded(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum())


def _canonical(shared: SharedField) -> dict[str, str]:
    """Give every spelling that is known, folded → our value."""
    found: dict[str, str] = {}
    for spelled in shared.systems.values():
        found |= {_folded(theirs): ours for theirs, ours in spelled.from_vendor.items()}
    return found | {_folded(ours): ours for spelled in shared.systems.values() for ours in spelled.to_vendor}


def meant(shared: SharedField, value: str, known: Mapping[str, str]) -> str | None:
    """Give which of our values a vendor's is probably spelled for, None when it is like none of them."""
    folded = _folded(value)
    if folded in known:
        return known[folded]
    near = get_close_matches(folded, list(known), n=1, cutoff=0.8)
    return known[near[0]] if near else None


def slug(value: str) -> str:
    """Give a value a name of our own: small letters, digits and underscores."""
    return re.sub(r"[^a-z0-9]+", "_", value.casefold()).strip("_") or "other"


def _yaml(text: str) -> str:
    return text if _PLAIN.match(text) and text.casefold() not in _WORDS else json.dumps(text, ensure_ascii=False)


def _records(count: int) -> str:
    return f"{count:,} record{'s' if count != 1 else ''}"


def _flow(values: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{_yaml(ours)}: {_yaml(theirs)}" for ours, theirs in values.items()) + "}"


def _block(shared: SharedField, found: Mapping[str, Counter[str]]) -> list[str]:
    known, ours = _canonical(shared), list(dict.fromkeys(one for spelled in shared.systems.values() for one in spelled.to_vendor))
    likely = {value: meant(shared, value, known) for counted in found.values() for value in counted}
    fresh: dict[str, str] = {}
    if shared.name not in MACHINES:
        fresh = {value: slug(value) for value, one in likely.items() if one is None and value.strip()}
    added = [one for one in dict.fromkeys(fresh.values()) if one not in ours]
    lines = [f"  {shared.name}:   # {shared.where}"]
    if added:
        lines.append(f"    values: [{', '.join(map(_yaml, [*ours, *added]))}]   # new: {', '.join(added)}")
    lines.append("    systems:")
    for system in shared.systems:
        lines += _spelled(shared, system, found.get(system, Counter()), likely, fresh, added)
    return lines


def _spelled(
    shared: SharedField,
    system: str,
    found: Counter[str],
    likely: Mapping[str, str | None],
    fresh: Mapping[str, str],
    added: Sequence[str],
) -> Iterator[str]:
    """Give the lines of one system: how it spells our values, and how others of its values are read."""
    spelled = shared.systems[system]
    own: dict[str, str] = {}
    for value, _ in found.most_common():
        if value in fresh:
            own.setdefault(fresh[value], value)
    first: dict[str, str] = {}
    for value, one in fresh.items():
        first.setdefault(one, value)
    values = dict(spelled.to_vendor) | {one: own.get(one, first[one]) for one in added}
    yield f"      {system}:"
    yield f"        name: {_yaml(spelled.name)}"
    yield f"        values: {_flow(values)}"
    reads = [(value, likely[value] or fresh.get(value), count) for value, count in found.most_common() if value not in own.values()]
    kept = {theirs: ours for theirs, ours in spelled.from_vendor.items() if spelled.to_vendor.get(ours) != theirs}
    if kept or any(one for _, one, _ in reads):
        yield "        reads:"
    yield from (f"          {_yaml(theirs)}: {_yaml(one)}" for theirs, one in kept.items())
    for value, found_one, count in reads:
        if found_one:
            yield f"          {_yaml(value)}: {_yaml(found_one)}   # {_records(count)}"
        else:
            yield f"          # {_yaml(value)}: ?   {_records(count)}; which of {', '.join(spelled.to_vendor)} is it?"

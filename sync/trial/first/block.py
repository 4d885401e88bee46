"""A picklist as lines of fields.yaml that map every value that the systems show: to stand where those of the field stand now."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from sync.playbook.models import COMPUTED, Playbook, SharedField, SystemField

_PLAIN = re.compile(r"[A-Za-z][\w-]*(?: [\w-]+)*$")
_WORDS = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}
MACHINES = ("stage", "status", "opportunity.stage")
"""Picklists whose values lifecycle.yaml names."""


def named(shared: SharedField) -> str:
    """Give a field's name as conditions have it, those of people without a word before it."""
    return shared.name if shared.about == "lead" else f"{shared.about}.{shared.name}"


def _folded(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum())


def meant(value: str, known: Mapping[str, str]) -> str | None:
    """Give which of our values a vendor's is probably spelled for, None when it is like none of them; `known`: spelling → ours."""
    folded = _folded(value)
    if folded in known:
        return known[folded]
    near = get_close_matches(folded, list(known), n=1, cutoff=0.8)
    return known[near[0]] if near else None


def slug(value: str) -> str:
    """Give a value a name of our own: small letters, digits and underscores."""
    return re.sub(r"[^a-z0-9]+", "_", value.casefold()).strip("_") or "other"


def fixed(shared: SharedField, playbook: Playbook) -> bool:
    """Say whether a person alone can give the field a new value: lifecycle.yaml, sla.yaml or Truce itself names them, or they have an order."""
    named_elsewhere = named(shared) in (*MACHINES, playbook.slas.reason_field) or (shared.about == "lead" and shared.name in COMPUTED)
    return named_elsewhere or shared.policy in ("most_advanced", "stricter")


def block(shared: SharedField, found: Mapping[str, Counter[str]], playbook: Playbook, *, grows: bool = True) -> list[str]:
    """Give the lines; a value that is like none of ours becomes a new one where nobody else must know of it, else a line to be filled in.

    `grows`: false where it may have no new ones.
    """
    return [line for line in _Block(shared, found, fixed=not grows or fixed(shared, playbook)).lines() if line]


@dataclass(frozen=True)
class _Block:
    shared: SharedField
    found: Mapping[str, Counter[str]]
    """System → its values that nobody knows."""
    fixed: bool

    def lines(self) -> Iterator[str]:
        shared, known = self.shared, self._known()
        likely = {value: meant(value, known) for counted in self.found.values() for value in counted}
        fresh = {} if self.fixed else {value: slug(value) for value, one in likely.items() if one is None and value.strip()}
        ours = list(dict.fromkeys(one for spelled in shared.systems.values() for one in spelled.to_vendor))
        added = [one for one in dict.fromkeys(fresh.values()) if one not in ours]
        yield f"  {shared.name}:   # {shared.where}"
        yield f"    type: {shared.kind}"
        yield f"    policy: {_yaml(shared.policy)}"
        if named(shared) not in MACHINES:
            yield f"    values: {_list([*ours, *added])}" + (f"   # new: {', '.join(added)}" if added else "")
        if shared.order and self.fixed and named(shared) not in MACHINES:
            yield f"    order: {_list(shared.order)}"
        yield f"    consent: {shared.consent}" if shared.consent else ""
        yield f"    freeze: {{flips: {shared.freeze.flips}, window_s: {shared.freeze.window_s}}}" if shared.freeze else ""
        yield "    systems:"
        for system, spelled in shared.systems.items():
            yield from self._system(system, spelled, {**likely, **fresh}, fresh, added)

    def _known(self) -> dict[str, str]:
        """Give every spelling that is known, folded → our value."""
        found: dict[str, str] = {}
        for spelled in self.shared.systems.values():
            found |= {_folded(theirs): ours for theirs, ours in spelled.from_vendor.items()}
        return found | {_folded(ours): ours for spelled in self.shared.systems.values() for ours in spelled.to_vendor}

    def _system(
        self, system: str, spelled: SystemField, is_: Mapping[str, str | None], fresh: Mapping[str, str], added: Sequence[str]
    ) -> Iterator[str]:
        """Give the lines of one system: how it spells our values, and how others of its values are read."""
        found, first, own = self.found.get(system, Counter()), dict[str, str](), dict[str, str]()
        for value, one in fresh.items():
            first.setdefault(one, value)
        for value, _ in found.most_common():
            if value in fresh:
                own.setdefault(fresh[value], value)
        values = dict(spelled.to_vendor) | {one: own.get(one, first[one]) for one in added}
        yield f"      {system}:"
        yield f"        name: {_yaml(spelled.name)}"
        yield f"        objects: {_flow({name: called or False for name, called in spelled.objects.items()})}" if spelled.objects else ""
        yield "        mode: observe" if spelled.mode == "observe" else ""
        yield "        read_only: true" if spelled.read_only else ""
        yield f"        values: {_flow(values)}"
        twice = [theirs for theirs, count in Counter(spelled.to_vendor.values()).items() if count > 1]
        reads = {theirs: ours for theirs, ours in spelled.from_vendor.items() if spelled.to_vendor.get(ours) != theirs or theirs in twice}
        yield from self._reads(reads, {value: count for value, count in found.most_common() if value not in own.values()}, is_, values)

    def _reads(
        self, kept: Mapping[str, str], found: Mapping[str, int], is_: Mapping[str, str | None], values: Mapping[str, str]
    ) -> Iterator[str]:
        if kept or any(is_.get(value) for value in found):
            yield "        reads:"
        yield from (f"          {_yaml(theirs)}: {_yaml(ours)}" for theirs, ours in kept.items())
        for value, count in found.items():
            many = f"{count:,} record{'s' if count != 1 else ''}"
            if one := is_.get(value):
                yield f"          {_yaml(value)}: {_yaml(one)}   # {many}"
            else:
                yield f"          # {_yaml(value)}: ?   {many}; which of {', '.join(values)} is it?"


def _yaml(text: str | bool) -> str:
    if isinstance(text, bool):
        return "true" if text else "false"
    return text if _PLAIN.match(text) and text.casefold() not in _WORDS else json.dumps(text, ensure_ascii=False)


def _list(values: Sequence[str]) -> str:
    return f"[{', '.join(map(_yaml, values))}]"


def _flow(values: Mapping[str, str | bool]) -> str:
    return "{" + ", ".join(f"{_yaml(ours)}: {_yaml(theirs)}" for ours, theirs in values.items()) + "}"

"""Judges the run from outside: by what both systems hold (read with the vendors' clients) and by the emulators' journals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from schemas.base import Scalar
from sync.lead.canonical import canonical
from sync.playbook.models import Playbook, SharedField

Row = Mapping[str, Any]


@dataclass
class FieldScore:
    """One shared field: how many people were compared, and for how many both systems say the same."""

    name: str
    compared: int = 0
    equal: int = 0
    examples: list[str] = field(default_factory=list)


@dataclass
class Comparison:
    """All people in scope, compared field by field."""

    people: int
    missing: list[str]
    fields: list[FieldScore]

    @property
    def agree(self) -> bool:
        """Say whether both systems tell one story."""
        return not self.missing and all(score.compared == score.equal for score in self.fields)


Owners = Callable[[str, Any], str | None]
"""(system, vendor's user id) → e-mail, None for a user who is none of the team."""


def spoken(shared: SharedField, system: str, value: Any, owners: Owners, country: str | None) -> Scalar:
    """Give what a system says for a field, in canonical form."""
    spelling = shared.systems[system]
    if value in ("", None):
        return False if shared.kind == "flag" else None
    if shared.kind == "user":
        email: str | None = owners(system, value)
        return email
    if shared.kind == "picklist":
        return spelling.from_vendor.get(str(value), str(value))
    if shared.kind == "flag":
        return value in (True, "true", "1", 1)
    if shared.kind == "number":
        return float(value)
    found: Scalar = canonical(shared, value, country=country)
    return found


def compare(playbook: Playbook, held: Mapping[str, Mapping[str, Row]], outside: Collection[str], owners: Owners) -> Comparison:
    """Compare everyone but those outside the scope; `held` is system → e-mail in lower case → row."""
    emails = sorted({email for rows in held.values() for email in rows} - set(outside))
    missing = [email for email in emails if not all(email in rows for rows in held.values())]
    where = [(system, rows, playbook.fields["country"].systems[system].name) for system, rows in held.items()]
    scores = []
    for shared in playbook.fields.values():
        if not held.keys() <= set(shared.systems):
            continue
        score = FieldScore(shared.name)
        for email in emails:
            if email in missing:
                continue
            country = next((str(rows[email][name]) for _, rows, name in where if rows[email].get(name)), None)
            said = {
                system: spoken(shared, system, rows[email].get(shared.systems[system].name), owners, country) for system, rows, _ in where
            }
            equal = len(set(said.values())) == 1
            score.compared += 1
            score.equal += equal
            if not equal and len(score.examples) < 3:
                score.examples.append(f"{email}: {', '.join(f'{system} {value!r}' for system, value in said.items())}")
        scores.append(score)
    return Comparison(len(emails), missing, scores)


def moment(entry: Row) -> float:
    """Give a journal entry's time in seconds."""
    return datetime.fromisoformat(entry["at"]).timestamp()


def doubled(effects: list[Row], truce_id: str) -> list[str]:
    """Name what Truce did twice: a second record for one person (whose id is in the field `truce_id`), or a write that changed nothing."""
    creates = Counter(str(e["after"].get(truce_id)) for e in effects if e["client"] == "truce" and e["verb"] == "create")
    twice = [f"{count} creates for {ident}" for ident, count in creates.items() if count > 1]
    for entry in effects:
        if entry["client"] == "truce" and entry["verb"] in ("update", "consent") and entry["after"] and entry["before"] == entry["after"]:
            twice.append(f"{entry['verb']} of {entry['object']} {entry['id']} changed nothing ({', '.join(entry['after'])})")
    return twice


def writing(calls: list[Row]) -> list[Row]:
    """Give Truce's own writing calls."""
    return [call for call in calls if call["client"] == "truce" and call["writing"]]


def least(calls: list[Row], batch: int) -> int:
    """Give the least number of calls that the batch size allows for the rows that these calls wrote, per kind of call."""
    rows = Counter[tuple[str, str]]()
    for call in calls:
        rows[call["method"], call["path"]] += call["rows"]
    return sum(-(-count // batch) for count in rows.values())


def quantile(values: list[float], share: float) -> float:
    """Give the value below which that share of them lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0

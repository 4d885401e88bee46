"""As what a person is made in a system where no record of theirs is: the first rule of the playbook that holds says. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from schemas.base import Ref
from sync.lead.state import Lead, Making
from sync.playbook.models import System, Value


def choose(system: System, values: Mapping[str, Value]) -> Making | None:
    """Give what the system's rules say of someone with these values; None where nobody is made, an empty object when no rule holds."""
    seen = []
    for rule in system.creates:
        matched, verdicts = rule.when.judge(values)
        if matched:
            return Making(rule.object, str(rule.where))
        seen += [verdict.why for verdict in verdicts if not verdict.matched][:1] or [verdict.why for verdict in verdicts][-1:]
    return Making("", str(system.creates[0].where), "; ".join(dict.fromkeys(seen))) if system.creates else None


def account_of(lead: Lead, system: str) -> str | None:
    """Give the id, in a system, of the account that a lead was matched to; None when none of its records is there."""
    refs = (Ref.parse(ref) for ref in lead.why.get("account", {}).get("records", ()))
    return next((ref.id for ref in refs if ref.system == system), None)


def note(lead: Lead, systems: Mapping[str, System], values: Mapping[str, Value]) -> set[str]:
    """Keep on the lead as what it is to be made in each system that has no record of it; gives the systems where that is new."""
    known = {record.system for record in lead.records.values()}
    found = {name: made for name, one in systems.items() if name not in known and (made := choose(one, values)) is not None}
    for name, made in found.items():
        made.account = account_of(lead, name)
    held = {name: (made.object, made.account) for name, made in lead.makes.items()}
    fresh = {name for name, made in found.items() if made.object and held.get(name) != (made.object, made.account)}
    lead.makes = found
    return fresh

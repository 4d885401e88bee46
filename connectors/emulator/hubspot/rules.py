"""What HubSpot checks before it takes values: that properties exist, may be written, fit, and are unique."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.emulator.hubspot.errors import Problem, Refused, incomplete, invalid, malformed, not_unique, taken
from connectors.emulator.hubspot.portal import Portal
from connectors.emulator.hubspot.records import Record

Claims = dict[tuple[str, str], int]
"""(property, value) → place of the row in this batch that wants it."""


def texts(given: Any) -> dict[str, str]:
    """Read `properties`: values are strings, numbers, booleans or null, which clears; raises Refused (400)."""
    if not isinstance(given, Mapping):
        raise malformed("Invalid input JSON: properties must be an object")
    return {str(name): _text(str(name), value) for name, value in given.items()}


def _text(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise malformed(f"Invalid input JSON: cannot deserialize value of `properties.{name}` as a string")


def check(portal: Portal, properties: Mapping[str, str], one: Record | None, claims: Claims | None = None, row: int = 0) -> dict[str, str]:
    """Give the values as HubSpot keeps them; `one` is the record that they are for, None for a new one; raises Refused."""
    kept: dict[str, str] = {}
    problems: list[Problem] = []
    for name, value in properties.items():
        known = portal.schema.get(name)
        if known is None:
            problems.append(Problem(name, "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist'))
        elif known.read_only:
            problems.append(Problem(name, "READ_ONLY_VALUE", f'"{name}" is a read only property; its value cannot be set.'))
        else:
            taken_as = known.take(value, portal.owners)
            if isinstance(taken_as, Problem):
                problems.append(taken_as)
            else:
                kept[name] = taken_as
    if problems:
        raise invalid(problems)
    lacking = [name for name in portal.kind.required if one is None and not kept.get(name)]
    if lacking:
        raise incomplete(portal.kind.singular, lacking)
    for name in portal.schema.unique():
        if kept.get(name):
            _check_unique(portal, name, kept[name], one, claims, row)
    return kept


def _check_unique(portal: Portal, name: str, value: str, one: Record | None, claims: Claims | None, row: int) -> None:
    holder = portal.records.holder(name, value)
    if holder is not None and (one is None or holder != one.id):
        raise taken(holder) if name == "email" else not_unique(portal.portal_id, portal.kind.singular, name, value, holder)
    if claims is not None and claims.setdefault((name, value), row) != row:
        raise Refused(409, "CONFLICT", f"Duplicate value of {name} found in batch input: row {claims[name, value]} has it already")

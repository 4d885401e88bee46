"""What to do about what is parked: what to mend, in which system or file, and where one finds it there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.registry import manifests
from sync.playbook.models import Playbook, SharedField

_TODO = (
    ("CONFLICT", "another record has this value there: merge the two in the system, or change one"),
    ("PICKLIST", "add the value to the field's list there, or map it under `values` in fields.yaml"),
    ("INVALID_OPTION", "add the value to the property's options there, or map it under `values` in fields.yaml"),
    ("allowed options", "add the value to the property's options there, or map it under `values` in fields.yaml"),
    ("VALIDATION", "change the rule there, or the value"),
    ("REQUIRED", "the system needs more fields: see `defaults` in fields.yaml"),
    ("ACCESS", "Truce's user may not write it: give the permission there"),
    ("playbook does not map", "add the value under `values` (or `reads`) of this field in fields.yaml, then truce apply"),
    ("bad_value", "mend the value in its system; what is mended arrives by itself"),
)
_LISTS = ("PICKLIST", "INVALID_OPTION", "allowed options")
_WHERE = {
    "hubspot": "Settings › Properties › {field}",
    "salesforce": "Setup › Object Manager › {object} › Fields & Relationships › {field}",
}
"""Vendor → where its administrator finds the values that a field may have."""


def todo(row: Mapping[str, Any], playbook: Playbook | None = None) -> str:
    """Suggest what to do about a parked entry; with the playbook in force also which value of which property it is."""
    said = f"{row['code']} {row['reason']}"
    found = _option(row, playbook) if playbook is not None and any(word in said for word in _LISTS) else ""
    found = found or next((hint for word, hint in _TODO if word in said), "mend what it names, in the system or in the playbook")
    return f"→ {found}"


def _option(row: Mapping[str, Any], playbook: Playbook) -> str:
    """Name the value that a system's list does not have, and where it is added; or that the playbook itself has it no more."""
    system, ref = str(row.get("system") or ""), str(row.get("ref") or "")
    shared = _shared(str(row.get("field") or ""), system, playbook)
    if shared is None or system not in playbook.systems or row.get("value") is None:
        return ""
    known, spelled, value = playbook.systems[system], shared.systems[system], str(row["value"])
    object_ = ref.split(":")[1] if ref.count(":") > 1 else next(iter(known.people), "its object")
    name = spelled.name_of(object_) or spelled.name
    if spelled.to_vendor and value not in spelled.to_vendor:
        return (
            f'the playbook in force has no value "{value}" of {shared.name} any more ({shared.where}): '
            f"map it under `values` and truce apply, or give the lead another {shared.name}"
        )
    manifest, theirs = manifests().get(known.vendor), spelled.to_vendor.get(value, value)
    title = manifest.title if manifest is not None else system
    where = _WHERE.get(known.vendor, "the settings of {field}").format(field=name, object=object_)
    mapped = f" ({shared.name} {value}, {shared.where})" if spelled.to_vendor else ""
    return f'{title} has no value "{theirs}" of {name}{mapped}: add it there ({where}), or map another one under `values` in fields.yaml'


def _shared(name: str, system: str, playbook: Playbook) -> SharedField | None:
    """Find a shared field by its own name, or by what the system calls it."""
    one = playbook.fields.get(name)
    if one is not None:
        return one if system in one.systems else None
    return next((one for one in playbook.fields.values() if system in one.systems and name in one.systems[system].names), None)

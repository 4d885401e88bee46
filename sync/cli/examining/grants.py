"""The least permissions for each system of a playbook: exactly its objects and fields, as the vendor takes them or as a list for an admin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from connectors.base import Grant, Manifest, Wish
from connectors.registry import load, manifests
from sync.playbook.models import Playbook
from sync.settings import SystemSettings


def wishes(playbook: Playbook, system: str, manifest: Manifest) -> list[Wish]:
    """Say what is read, written and made in a system."""
    rules = playbook.systems[system]
    people = list(dict.fromkeys([*manifest.people, *rules.people]))
    made = {rule.object for rule in rules.creates}
    found = [_people(playbook, system, name, manifest, creates=name in made) for name in people]
    for name, fields in ((rules.account, playbook.account_fields), (rules.opportunity, playbook.opportunity_fields)):
        if name:
            here = {how.name_of(name): _writes(how) for one in fields.values() if (how := one.systems.get(system)) and how.name_of(name)}
            copies = name == rules.opportunity and manifest.makes_opportunities and "copy_of" in fields
            told = name == rules.account or copies
            found.append(
                Wish(
                    object=name,
                    fields={one: told and edits for one, edits in here.items()},
                    edits=told and any(here.values()),
                    creates=copies,
                )
            )
    return [*found, *_activities(playbook, system, manifest)]


def _people(playbook: Playbook, system: str, name: str, manifest: Manifest, *, creates: bool) -> Wish:
    fields = {field: _writes(shared.systems[system]) for field, shared in playbook.mapped(system, name).items()}
    fields[manifest.truce_id_field] = True
    return Wish(object=name, fields=fields, edits=any(fields.values()), creates=creates)


def _activities(playbook: Playbook, system: str, manifest: Manifest) -> Iterator[Wish]:
    """Reps' tasks are made in the CRM where an SLA wants them, and what reps did is read where one waits for a first response."""
    legs = [leg for sla in playbook.slas.named.values() for name in ("accept", "first_response", "work") if (leg := sla.leg(name))]
    waits = any(sla.leg("first_response") for sla in playbook.slas.named.values())
    makes = manifest.task_object if system in playbook.sales[:1] and any(leg.task for leg in legs) else ""
    for name in dict.fromkeys([*([makes] if makes else []), *(manifest.response_objects if waits else ())]):
        fields = {manifest.truce_id_field: True} if name == makes and manifest.truce_id_field.endswith("__c") else {}
        yield Wish(object=name, fields=fields, creates=name == makes, edits=name == makes)


def _writes(how: Any) -> bool:
    return how.mode == "write" and not how.read_only


def listed(title: str, manifest: Manifest, some: list[Wish]) -> Grant:
    """Give a list for an admin, where the vendor takes no file."""
    lines = [f"{title} needs: {manifest.permissions}.", ""]
    for wish in some:
        may = ", ".join(["read", *(["create"] if wish.creates else []), *(["edit"] if wish.edits else [])])
        lines.append(f"{wish.object}: {may}; never delete")
        lines += [f"  {name}: {'read and write' if edits else 'read'}" for name, edits in sorted(wish.fields.items())]
    return Grant(file=f"{manifest.vendor}-permissions.txt", text="\n".join(lines) + "\n", how="give it to the role of Truce's user")


def write(playbook: Playbook, folder: Path, systems: Mapping[str, SystemSettings]) -> list[tuple[Path, str]]:
    """Write one file per system, by the playbook and the options that are set; gives each with what to do with it."""
    found = []
    for system, rules in playbook.told.items():
        manifest = manifests()[rules.vendor]
        some = wishes(playbook, system, manifest)
        own = getattr(load(rules.vendor), "grants", None)
        options = systems[system].options if system in systems else {}
        grant: Grant = own(some, options) if own else listed(manifest.title, manifest, some)
        path = folder / system / grant.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(grant.text, encoding="utf-8")
        found.append((path, grant.how))
    return found

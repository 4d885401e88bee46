"""Which of the playbook's objects and fields the live system really has: what it lacks is said at start, not at the first lead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.base import FieldType, Source
from sync.playbook.models import Playbook, SharedField


def objects(playbook: Playbook, system: str, source: Source) -> list[str]:
    """Name the objects to read, each of which costs calls: those for accounts, opportunities and people that the playbook speaks of.

    What a rep did is read where an SLA waits for a first response.
    """
    manifest, rules = source.manifest, playbook.systems.get(system)
    if rules is None:
        return [manifest.person_object]
    waits = any(sla.leg("first_response") for sla in playbook.slas.named.values())
    named = [rules.account, rules.opportunity, *rules.people, *(manifest.response_objects if waits else ())]
    return [name for name in dict.fromkeys(named) if name in source.objects]


def mapped(playbook: Playbook, system: str, object_: str) -> Mapping[str, SharedField]:
    """Give the shared fields of an object by the vendor's name: of accounts, of opportunities, else of leads."""
    rules = playbook.systems.get(system)
    if rules is None or object_ not in (rules.account, rules.opportunity):
        return playbook.mapped(system, object_)
    fields = playbook.account_fields if object_ == rules.account else playbook.opportunity_fields
    return {name: one for one in fields.values() if system in one.systems and (name := one.systems[system].name_of(object_))}


def lacking(playbook: Playbook, system: str, object_: str, live: Mapping[str, FieldType]) -> dict[str, str]:
    """Give the mapped vendor fields that the live schema does not have, each with the place in the playbook that names it.

    Of a second object for people those that are named for it: it need not have every field that the usual one has.
    """
    rules = playbook.systems.get(system)
    second = rules is not None and object_ not in (rules.person, rules.account, rules.opportunity)
    return {
        name: f"{shared.where} {shared.name}"
        for name, shared in mapped(playbook, system, object_).items()
        if name not in live and (not second or object_ in shared.systems[system].objects)
    }


def wanted(playbook: Playbook, system: str, object_: str, live: Mapping[str, FieldType]) -> list[str]:
    """Give the vendor fields to read: the mapped ones that exist."""
    return [name for name in mapped(playbook, system, object_) if name in live]


async def report(pool: Any, system: str, missing: Mapping[str, str]) -> None:
    """Open one problem per missing field, and close those that are there again."""
    await pool.execute(
        """UPDATE problems SET closed_at = now() WHERE kind = 'schema' AND system = $1 AND closed_at IS NULL AND NOT field = ANY($2::text[])""",
        system,
        list(missing),
    )
    for name, where in missing.items():
        text = f"{system} has no field {name} ({where}): make it there, or change the mapping. It is neither read nor written meanwhile."
        await pool.execute(
            """INSERT INTO problems (kind, key, text, system, field) VALUES ('schema', $1, $2, $3, $4)
               ON CONFLICT (kind, key) WHERE closed_at IS NULL DO UPDATE SET last_at = now()""",
            f"{system}:{name}",
            text,
            system,
            name,
        )

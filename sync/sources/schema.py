"""Which of the playbook's fields the live system really has: what it lacks is said at start, not at the first lead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.base import FieldType
from sync.playbook.models import Playbook


def lacking(playbook: Playbook, system: str, object_: str, live: Mapping[str, FieldType]) -> dict[str, str]:
    """Give the mapped vendor fields that the live schema does not have, each with the place in the playbook that names it."""
    return {name: f"{shared.where} {shared.name}" for name, shared in playbook.mapped(system, object_).items() if name not in live}


def wanted(playbook: Playbook, system: str, object_: str, live: Mapping[str, FieldType]) -> list[str]:
    """Give the vendor fields to read: the mapped ones that exist."""
    return [name for name in playbook.mapped(system, object_) if name in live]


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

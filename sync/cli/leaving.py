"""Who leaves with a version of the playbook, and still has leads: an open problem says so, and what to do."""

from __future__ import annotations

from typing import Any

from sync.playbook.models import Playbook
from sync.store import problems


async def note(connection: Any, before: Playbook | None, after: Playbook) -> list[str]:
    """Note those who were on the team and are no more, as far as they have leads; gives what is to be told."""
    team = before.reps if before is not None else {}
    gone = {email: rep.name for email, rep in team.items() if email not in after.reps}
    return await problems.note_left(connection, gone, after.reps)

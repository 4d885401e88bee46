"""`truce doors`: the signed doors of inbound/*.yaml, where each is, and what came through; and what doctor says of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.base import Finding
from sync.cli import people, place
from sync.cli.duty import Json, with_store
from sync.cli.output import CannotRun, as_json, table
from sync.playbook.models import Playbook
from sync.settings import Settings
from sync.store import deliveries

DAYS = 7
NONE = "No doors: copy one of deploy/presets to inbound/ of your playbook."


def variable(name: str) -> str:
    """Give the environment variable that holds a door's secrets."""
    return f"TRUCE_DOORS__{name.replace('-', '_').upper()}"


def findings(settings: Settings, playbook: Playbook) -> list[Finding]:
    """Say of each door whether it has a secret, and of each secret whether it has a door."""
    found = []
    for name in playbook.doors:
        ok = name.replace("-", "_") in settings.doors
        what = f"door {name}: POST {address(settings, name)}, signed" if ok else f"door {name} has no secret: nobody is let in"
        todo = "" if ok else f"set {variable(name)} (whsec_…), the sender's Standard Webhooks secret"
        found.append(Finding(ok=ok, what=what, todo=todo))
    named = {name.replace("-", "_") for name in playbook.doors}
    for name in sorted(settings.doors.keys() - named):
        todo = f"add inbound/{name.replace('_', '-')}.yaml, or take the variable away"
        found.append(
            Finding(
                ok=False, what=f"{variable(name)} is set, and the playbook has no such door: its sender is told to come again", todo=todo
            )
        )
    return found


def address(settings: Settings, name: str) -> str:
    """Give the address of a door."""
    return f"{(settings.public_url or f'http://{settings.http_host}:{settings.http_port}').rstrip('/')}/doors/{name}"


def doors(json: Json = False) -> None:
    """Show the doors of inbound/*.yaml: where each is, and what became of what came through in the last week.

    Example: `truce doors`
    """
    settings = Settings()

    async def step(connection: Any, _: place.Place) -> tuple[Playbook | None, Sequence[Any]]:
        since = datetime.now(UTC) - timedelta(days=DAYS)
        return await people.in_force(connection), await deliveries.figures(connection, since)

    playbook, rows = with_store(step)
    if playbook is None:
        raise CannotRun("no playbook is in force yet: `truce apply` one.")
    counts: dict[str, dict[str, int]] = {name: {} for name in playbook.doors}
    for row in rows:
        counts.setdefault(row["door"], {})[row["outcome"]] = row["count"]
    if json:
        as_json([{"door": name, "url": address(settings, name), "week": counted} for name, counted in counts.items()])
    else:
        shown = [
            (name, address(settings, name), ", ".join(f"{n:,} {what}" for what, n in some.items()) or "nothing")
            for name, some in counts.items()
        ]
        table(("door", "address", f"in {DAYS} days"), shown, NONE)

"""`truce visits`: companies that were on the website and are nobody's account, as the doors of visitor identification tell them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from sync.alerts.visits import span
from sync.cli import place
from sync.cli.duty import Json, with_store
from sync.cli.output import as_json, console, table
from sync.console.visits import key
from sync.settings import Settings
from sync.store import visits as store

DAYS = 30


def visits(
    days: Annotated[int, typer.Option(help="Of how many days.", min=1, max=90)] = DAYS,
    every: Annotated[bool, typer.Option("--all", help="Also those of accounts, whose owners are told of them.")] = False,
    json: Json = False,
) -> None:
    """List companies that were on the website and are nobody's account, the last one first.

    Example: `truce visits --days 7`
    """

    async def step(connection: Any, here: place.Place) -> tuple[Sequence[Any], str]:
        return await store.listed(connection, datetime.now(UTC) - timedelta(days=days), known=every), key(here.secret.encode())

    rows, opens = with_store(step)
    if json:
        as_json([dict(row) for row in rows])
        return
    shown = [
        (
            *(
                row["company"] or row["domain"],
                row["domain"],
                row["visits"],
                row["pages"] or "",
                span(row["seconds"]) if row["seconds"] else "",
                row["source"] or "",
            ),
            row["last"].astimezone().strftime("%d %b %H:%M"),
        )
        for row in rows
    ]
    table(("company", "domain", "visits", "pages", "time", "from", "last"), shown, f"No company that is nobody's account in {days} days.")
    if rows and not every:
        console.print("Make an account of one in your CRM, and its owner is told of the next visit.", markup=False)
    if (url := Settings().console_url) is not None:
        console.print(f"As a page for whoever has the link: {url.rstrip('/')}/visits?key={opens}", markup=False)

"""From when on: a length of time back from now (7d, 12h), or a day or moment."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from sync.cli.output import CannotRun
from sync.playbook.build.durations import UNITS, seconds

Since = Annotated[str, typer.Option("--since", help="From when on: 7d, 12h, 2026-11-01 or 2026-11-01T09:00.")]
_SPAN = re.compile(rf"\d{{1,6}}[{''.join(UNITS)}]")


def moment(text: str, now: datetime) -> datetime | None:
    """Give the moment (UTC), None for no text; a day begins in this machine's zone. Raises CannotRun for what is neither."""
    plain = text.strip()
    if not plain:
        return None
    try:
        if _SPAN.fullmatch(plain):
            return now - timedelta(seconds=seconds(plain))
        return datetime.fromisoformat(plain).astimezone(UTC)
    except (ValueError, OverflowError):
        raise CannotRun(f"--since {text}: write 7d, 12h, a day as 2026-11-01, or a moment as 2026-11-01T09:00.") from None

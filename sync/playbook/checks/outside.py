"""What is not in the files and yet bears on them: today's date, and whom the systems know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Outside:
    """What `truce check` looks up beside the playbook; loading never does, so that what loads today loads tomorrow."""

    today: date
    users: Mapping[str, frozenset[str]] | None = None
    """System → the e-mails of its active users; None: no store was reachable."""

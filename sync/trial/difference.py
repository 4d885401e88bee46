"""What came out of a case otherwise than expected."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.base import Scalar
from sync.playbook.models import Where

Shown = Scalar | list[str]


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that came out otherwise than expected."""

    what: str
    """`stage`, `scores.fit`, `writes.salesforce.Status`, `fields.employees` …"""
    expected: Shown
    got: Shown
    where: Where

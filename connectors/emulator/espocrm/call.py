"""One request as the handlers see it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.emulator.espocrm.org import Actor
from connectors.emulator.espocrm.refusals import Refused


@dataclass(frozen=True)
class Call:
    """Method, the path below `/api/v1` in its parts, parameters, headers (lower case), body, and who sends it."""

    method: str
    parts: tuple[str, ...]
    params: Sequence[tuple[str, str]]
    headers: Mapping[str, str]
    body: bytes
    actor: Actor

    def sent(self) -> dict[str, Any]:
        """Give the body; EspoCRM fails on what is no JSON, and takes what is no object for an empty one (measured)."""
        try:
            found = json.loads(self.body or b"{}")
        except ValueError:
            raise Refused(500) from None
        return found if isinstance(found, dict) else {}

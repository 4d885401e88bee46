"""One request as the handlers see it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

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
        """Give the body (measured): what is neither called JSON nor a form is nothing at all, and is answered as if; broken JSON is a failure."""
        kind = self.headers.get("content-type", "").partition(";")[0].lower()
        if kind == "application/x-www-form-urlencoded":
            return dict(parse_qsl(self.body.decode(), keep_blank_values=True))
        if kind != "application/json" or not self.body:
            return {}
        try:
            found = json.loads(self.body)
        except ValueError:
            raise Refused(500) from None
        if isinstance(found, list):
            return {"list": found}
        if not isinstance(found, dict):
            raise Refused(400, "Body is not a JSON object.")
        return found

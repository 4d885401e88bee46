"""What EspoCRM, Mautic and Marketo have in common for the story: plain HTTP, and polls that can be made slow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from sync.cli.demo.clients import door

Login = tuple[str, str]
"""Name and password."""
LATE_S = 6.0
"""So late comes what was asked for while it was held back."""


class Web:
    """One person's way to an API; raises RuntimeError with what it answered when that is no success."""

    def __init__(self, url: str, **how: Any) -> None:
        self._http = httpx.Client(base_url=url, timeout=60, **how)

    def call(self, method: str, path: str, **more: Any) -> Any:
        """Give what a call answers."""
        answer = self._http.request(method, path, **more)
        if answer.status_code >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text[:200]}")
        return answer.json() if "json" in answer.headers.get("content-type", "") else None


def slow(url: str, path: str, *, on: bool) -> None:
    """Let the next poll take long: what happens meanwhile comes with the one after it."""
    if on:
        door(url, "faults", {"kind": "slow", "method": "GET", "path": path, "seconds": LATE_S})


def present(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what is blank."""
    return {name: value for name, value in fields.items() if value not in ("", None)}

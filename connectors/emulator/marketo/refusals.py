"""How Marketo says no: HTTP 200 with `success` false, or a row that is skipped with reasons (its REST guide, Error Codes)."""

from __future__ import annotations

from typing import Any


class Refused(Exception):
    """A call, or one row of it, is refused with a code and a text; `status` is not 200 only for 413, 414 and the identity's 401."""

    def __init__(self, code: str, message: str, *, status: int = 200) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status

    def reason(self) -> dict[str, str]:
        """Give it as an entry of `errors` or `reasons`."""
        return {"code": self.code, "message": self.message}

    def skipped(self) -> dict[str, Any]:
        """Give it as the result of one row."""
        return {"status": "skipped", "reasons": [self.reason()]}


def rate(limit: int) -> Refused:
    """Give the refusal of a call too many in 20 seconds."""
    return Refused("606", f"Max rate limit '{limit}' exceeded with in '20' secs")


def day_is_over() -> Refused:
    """Give the refusal of a call after the day's last."""
    return Refused("607", "Daily API Request Limit Reached")


def crowded(limit: int) -> Refused:
    """Give the refusal of a call while too many are under way."""
    return Refused("615", f"Concurrent access limit '{limit}' reached")

"""What can go wrong at a vendor, named by what happens next.

ConnectorError
├── Unavailable   try again (network, timeout, 5xx, row lock)      unknown_outcome: the call may have been applied
├── RateLimited   wait as told, then again                        retry_after: seconds
├── AuthExpired   refresh once, then pause and page
├── Rejected      park, with the vendor's words                   refused: fields and words
├── Conflict      re-read, decide again                           existing, beside: what the vendor named
├── Gone          settle: deleted or merged                       became: the id it lives under now
└── Surprising    pause: their contract changed
"""

from __future__ import annotations

from schemas.write import FieldRefused


class ConnectorError(Exception):
    """The root; `words` are the vendor's own, without secrets and without field values."""

    def __init__(self, words: str, *, code: str = "", status: int | None = None) -> None:
        super().__init__(words)
        self.words, self.code, self.status = words, code, status


class Unavailable(ConnectorError):
    """The vendor cannot answer now; `unknown_outcome` says that a write may have happened all the same."""

    def __init__(self, words: str, *, code: str = "", status: int | None = None, unknown_outcome: bool = False) -> None:
        super().__init__(words, code=code, status=status)
        self.unknown_outcome = unknown_outcome


class RateLimited(ConnectorError):
    """Too many calls: nothing may be sent for `retry_after` seconds; `daily` says that the day's quota is gone."""

    def __init__(self, words: str, *, retry_after: float, code: str = "", status: int | None = None, daily: bool = False) -> None:
        super().__init__(words, code=code, status=status)
        self.retry_after, self.daily = retry_after, daily


class AuthExpired(ConnectorError):
    """The token is not accepted, also after one refresh."""


class Rejected(ConnectorError):
    """The vendor understood and refused; the same again would be refused again."""

    def __init__(self, words: str, *, code: str = "", status: int | None = None, refused: tuple[FieldRefused, ...] = ()) -> None:
        super().__init__(words, code=code, status=status)
        self.refused = refused


class Conflict(ConnectorError):
    """The vendor says that the record exists or, as `moved`, changed since we read it.

    `existing` names ids of its object where it did, `beside` records of others: (object, id).
    """

    def __init__(
        self,
        words: str,
        *,
        code: str = "",
        status: int | None = None,
        existing: tuple[str, ...] = (),
        beside: tuple[tuple[str, str], ...] = (),
        moved: bool = False,
    ) -> None:
        super().__init__(words, code=code, status=status)
        self.existing, self.beside, self.moved = existing, beside, moved


class Gone(ConnectorError):
    """The record is deleted, merged or converted; `became` is the id under which it lives on, if any."""

    def __init__(self, words: str, *, code: str = "", status: int | None = None, became: str | None = None) -> None:
        super().__init__(words, code=code, status=status)
        self.became = became


class Surprising(ConnectorError):
    """An answer that the vendor's contract does not have; nothing is guessed from it."""

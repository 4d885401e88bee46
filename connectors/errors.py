"""What can go wrong at a vendor, named by what happens next.

ConnectorError
├── Unavailable   try again (network, timeout, 5xx, row lock)      unknown_outcome: the call may have been applied; asked_s: seconds, as told
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

    asked_s: float = 0.0
    """How long the vendor asked that nothing is sent."""

    def __init__(self, words: str, *, code: str = "", status: int | None = None) -> None:
        super().__init__(words)
        self.words, self.code, self.status = words, code, status


class Unavailable(ConnectorError):
    """The vendor cannot answer now; `unknown_outcome` says that a write may have happened all the same."""

    def __init__(
        self, words: str, *, code: str = "", status: int | None = None, unknown_outcome: bool = False, asked_s: float = 0.0
    ) -> None:
        super().__init__(words, code=code, status=status)
        self.unknown_outcome, self.asked_s = unknown_outcome, asked_s


class RateLimited(ConnectorError):
    """Too many calls; `daily` says that the day's quota is gone.

    Who called waits `retry_after` seconds before it asks again; where the vendor said longer (`asked_s`), the budget lets few through by then.
    """

    def __init__(
        self,
        words: str,
        *,
        retry_after: float,
        code: str = "",
        status: int | None = None,
        daily: bool = False,
        asked_s: float | None = None,
    ) -> None:
        super().__init__(words, code=code, status=status)
        self.retry_after, self.daily, self.asked_s = retry_after, daily, retry_after if asked_s is None else asked_s


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

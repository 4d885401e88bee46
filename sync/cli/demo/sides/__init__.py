"""A system as the people of the story work with it: their records, an edit, a form; one module per vendor."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, Protocol, cast

from sync.cli.demo.sides.web import Login

Fields = Mapping[str, Any]
"""Values by the vendor's names of fields."""


class Side(Protocol):
    """What the story asks of either system."""

    def add(self, rows: Sequence[Fields]) -> None:
        """Make people's records."""

    def rows(self, names: Sequence[str]) -> list[dict[str, Any]]:
        """Give these fields of everybody."""

    def one(self, email: str, names: Sequence[str]) -> dict[str, Any] | None:
        """Give these fields of whoever has the address."""

    def users(self) -> dict[str, str]:
        """Give the vendor's id of each user → e-mail."""


class Sales(Side, Protocol):
    """The CRM."""

    refuses: str
    """Words that stand in its refusal of a phone number."""
    batch: int
    """So many rows one writing call takes."""

    def edit(self, email: str, fields: Fields) -> None:
        """Change a record as a rep does."""

    def forbid(self) -> Callable[[], None]:
        """Let it refuse what is no phone number, as an administrator may; gives what takes that back."""


class Marketing(Side, Protocol):
    """The marketing platform."""

    batch: int

    def submit(self, fields: Fields, page: str) -> None:
        """Fill in a form of the web site."""

    def hold(self, *, on: bool) -> None:
        """Keep back what it tells for some seconds; off: tell it now, where it can be asked to."""

    def pending(self) -> int:
        """Count what it has yet to tell."""


def sales(vendor: str, url: str, *logins: Login) -> Sales:
    """Give a CRM by its vendor's name; `logins` are those of a rep and of an administrator where it is no emulated one."""
    return cast(Sales, import_module(f"{__name__}.{vendor}").Sales(url, *logins))


def marketing(vendor: str, url: str, *logins: Login) -> Marketing:
    """Give a marketing platform by its vendor's name; `logins` is that of a marketer where it is no emulated one."""
    return cast(Marketing, import_module(f"{__name__}.{vendor}").Marketing(url, *logins))

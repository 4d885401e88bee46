"""One's own systems in the story: who acts signs in there, and the people of each run have addresses of their own."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sync.cli import emulate
from sync.cli.demo.sides import Marketing, Sales, Side, marketing, sales
from sync.cli.demo.sides.web import Login
from sync.cli.output import CannotRun
from sync.playbook.models import Playbook
from sync.settings import Settings

CHANGED = {"espocrm": "modifiedAt", "mautic": "dateModified"}
"""The systems that the story can be played with for real, and where they say when a record was changed."""
LOGINS = {"espocrm": ("espocrm", "espocrm_admin"), "mautic": ("mautic",)}
POLL_S = 3


def tag() -> str:
    """Give a mark that no earlier run has had."""
    return f"run{int(time.time())}"


def marked(email: str, mark: str) -> str:
    """Give an address as this run has it: kim.larsen@nordwind.example is kim.larsen.run1@nordwind.example."""
    name, _, domain = email.partition("@")
    return f"{name}.{mark}@{domain}"


class Own:
    """A side of which the story sees the people of one run, by their plain addresses."""

    batch = 1

    def __init__(self, side: Side, vendor: str, email: str, mark: str) -> None:
        self._side, self._email, self._mark, self.changed = side, email, mark, CHANGED[vendor]

    def _marked(self, row: Mapping[str, Any]) -> dict[str, Any]:
        return {**row, self._email: marked(str(row[self._email]), self._mark)}

    def add(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Make people's records."""
        self._side.add([self._marked(row) for row in rows])

    def rows(self, names: Sequence[str]) -> list[dict[str, Any]]:
        """Give these fields of everybody of this run."""
        found, mark = self._side.rows([*dict.fromkeys((*names, self._email))]), f".{self._mark}@"
        return [{**row, self._email: row[self._email].replace(mark, "@")} for row in found if mark in row[self._email]]

    def one(self, email: str, names: Sequence[str]) -> dict[str, Any] | None:
        """Give these fields of whoever has the address."""
        return self._side.one(marked(email, self._mark), names)

    def users(self) -> dict[str, str]:
        """Give the vendor's id of each user → e-mail."""
        return self._side.users()

    def times(self) -> list[str]:
        """Give when each record of this run was changed last."""
        return [f"{row[self._email]} {row[self.changed]}" for row in self.rows([self.changed])]


class OwnSales(Own):
    """One's own CRM."""

    def __init__(self, side: Sales, vendor: str, email: str, mark: str) -> None:
        super().__init__(side, vendor, email, mark)
        self._sales, self.refuses, self.batch = side, side.refuses, side.batch

    def edit(self, email: str, fields: Mapping[str, Any]) -> None:
        """Change a record as a rep does."""
        self._sales.edit(marked(email, self._mark), fields)

    def forbid(self) -> Callable[[], None]:
        """Let it refuse what is no phone number; gives what takes that back."""
        return self._sales.forbid()


class OwnMarketing(Own):
    """One's own marketing platform."""

    def __init__(self, side: Marketing, vendor: str, email: str, mark: str) -> None:
        super().__init__(side, vendor, email, mark)
        self._marketing, self.batch = side, side.batch

    def submit(self, fields: Mapping[str, Any], page: str) -> None:
        """Fill in a form of the web site."""
        self._marketing.submit(self._marked(fields), page)

    def hold(self, *, on: bool) -> None:
        """Hold nothing back: nobody can ask that of a real system."""

    def pending(self) -> int:
        """Count nothing."""
        return 0


def opened(settings: Settings, pair: tuple[str, str]) -> tuple[Any, Any]:
    """Sign in at both; raises CannotRun for what is not set, and for users or forms that the story needs and are not there."""
    sides: list[Any] = []
    for vendor, made in zip(pair, (sales, marketing), strict=True):
        if vendor not in settings.systems or vendor not in LOGINS:
            raise CannotRun(
                f"The story is played with {' and '.join(LOGINS)} of your own where TRUCE_SYSTEMS__{vendor.upper()}__URL and its secrets are set."
            )
        side: Any = made(vendor, settings.systems[vendor].url, *(_login(settings, name) for name in LOGINS[vendor]))
        lacking = sorted(emulate.REPS.keys() - set(side.users().values()))
        if said := side.lacks() or (f"there is no user with the address {', '.join(lacking)}" if lacking else ""):
            raise CannotRun(f"{vendor}: {said}")
        sides.append(side)
    return sides[0], sides[1]


def run_of(playbook: Playbook, pair: tuple[str, str], opened_: tuple[Any, Any], mark: str) -> tuple[OwnSales, OwnMarketing]:
    """Give both sides as one run sees them."""
    (crm, platform), (email, other) = opened_, (playbook.fields["email"].systems[system].name for system in pair)
    return OwnSales(crm, pair[0], email, mark), OwnMarketing(platform, pair[1], other, mark)


def polled(settings: Settings, pair: tuple[str, str]) -> dict[str, str]:
    """Give the environment in which both are polled often enough for a story, unless it was said how often."""
    names = {name: f"TRUCE_SYSTEMS__{name.upper()}__OPTIONS__POLL_S" for name in pair}
    return {variable: str(POLL_S) for name, variable in names.items() if "poll_s" not in settings.systems[name].options}


def _login(settings: Settings, name: str) -> Login:
    said = settings.demo_logins.get(name)
    user, colon, password = said.get_secret_value().partition(":") if said else ("", "", "")
    if not colon:
        raise CannotRun(f"TRUCE_DEMO_LOGINS__{name.upper()} must be name:password of who acts in the story.")
    return user, password

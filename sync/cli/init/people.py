"""Who the reps of a first playbook are, who answers for each side, and who is unknown to the other system. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from connectors.base import User

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
LONGEST_EMAIL = 254
_HEAD = re.compile(r"head|chief|director|\bvp\b|\bc[rms]o\b|manager|lead", re.IGNORECASE)
_MACHINE = re.compile(r"integration|api|admin|noreply|no-reply|bot\b|truce|automated", re.IGNORECASE)
NOBODY = "somebody@acme.example"


@dataclass(frozen=True)
class Person:
    """One person of the team."""

    email: str
    name: str
    here: bool = True
    there: bool = True
    """Whether sales' system and marketing's have an active user of this address."""


@dataclass(frozen=True)
class Team:
    """Everybody, and the guesses about who answers for what."""

    people: Sequence[Person]
    sales: str
    marketing: str

    @property
    def reps(self) -> list[Person]:
        """Those who may be given leads: active users of sales' system, without who answers for a side, if anybody is left."""
        able = [one for one in self.people if one.here]
        return [one for one in able if one.email not in (self.sales, self.marketing)] or able or list(self.people)[:1]


def team(crm: Sequence[User], other: Sequence[User]) -> Team:
    """Put the users of both together by their addresses."""
    here, there = _active(crm), _active(other)
    everyone = {**there, **here}
    people = [Person(email, name, email in here, email in there) for email, name in sorted(everyone.items())]
    people = people or [Person(NOBODY, "Somebody")]
    able = [one for one in people if one.here] or people
    sales = _head(able, "sale", "market")
    marketing = _head([one for one in people if one.there and one.email != sales] or people, "market", "sale", not_of=able)
    return Team(people, sales, marketing)


def is_email(text: str) -> bool:
    """Say whether a text is an address by which a playbook can name somebody."""
    return len(text) <= LONGEST_EMAIL and _EMAIL.fullmatch(text) is not None


def _active(users: Sequence[User]) -> dict[str, str]:
    found = {one.email.strip().lower(): one.name.strip() for one in users if one.active}
    return {email: name or email for email, name in found.items() if is_email(email) and not _MACHINE.search(email)}


def _head(people: Sequence[Person], word: str, never: str, not_of: Sequence[Person] = ()) -> str:
    """Give who most probably answers for a side: by what the address or the name says, else who is only there, else the first."""

    def rank(one: Person) -> tuple[bool, bool, bool, bool]:
        text = f"{one.email} {one.name}"
        return (never in text.lower(), word not in text.lower(), not _HEAD.search(text), one in not_of)

    return min(people, key=rank).email

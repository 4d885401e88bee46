"""Who is in the story: two systems that start with their own people, some in both with differing values. The same in every run."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sync.cli.demo.sides import Side
from sync.playbook.models import Playbook

FIRST = [
    "Nora",
    "Emil",
    "Sofia",
    "Jonas",
    "Lea",
    "Oskar",
    "Maja",
    "Felix",
    "Ida",
    "Anton",
    "Clara",
    "Hugo",
    "Elin",
    "Max",
    "Freja",
    "Paul",
    "Tilda",
    "Karl",
    "Signe",
    "Otto",
    "Alva",
    "Lars",
    "Vera",
    "Nils",
]
LAST = [
    "Berg",
    "Dahl",
    "Holm",
    "Lind",
    "Moen",
    "Strand",
    "Vik",
    "Roth",
    "Keller",
    "Braun",
    "Weiss",
    "Hoffmann",
    "Nyberg",
    "Ek",
    "Falk",
    "Lund",
    "Sand",
    "Krog",
    "Friis",
    "Bang",
    "Juhl",
    "Toft",
]
COMPANIES = (
    "Nordlys Marine",
    "Fjord Metall",
    "Baltic Foods",
    "Alster Logistik",
    "Tyne Robotics",
    "Rhône Plastics",
    "Hudson Tools",
    "Prairie Energy",
)
TITLES = ("Head of Operations", "Plant Manager", "VP Sales", "Buyer", "Engineer", "CFO", "Marketing Manager")
INDUSTRIES = ("Manufacturing", "Logistics", "Energy", "Food", "Software")
PLACES = {
    "NO": "+47 221{:05d}",
    "DE": "+49 30 22{:06d}",
    "FR": "+33 1 42 {:02d} 71 15",
    "GB": "+44 20 7946 {:04d}",
    "US": "+1 212 555 {:04d}",
}
IN_EACH, IN_BOTH = 60, 25


@dataclass(frozen=True)
class Person:
    """One person as one system knows them."""

    email: str
    first: str
    last: str
    company: str
    phone: str
    title: str
    website: str
    industry: str
    employees: int
    country: str

    def fields(self) -> dict[str, Any]:
        """Give them by the playbook's names, without what is blank."""
        names = {"first": "first_name", "last": "last_name"}
        found = {names.get(name, name): getattr(self, name) for name in Person.__dataclass_fields__}
        return {name: value for name, value in found.items() if value != ""}


def _person(n: int, dice: random.Random, *, twist: bool = False) -> Person:
    """Make person number n; `twist` gives what the other system believes of the same one."""
    first, last = FIRST[n % len(FIRST)], LAST[(n * 7) % len(LAST)]
    company = COMPANIES[n % len(COMPANIES)]
    country = list(PLACES)[n % len(PLACES)]
    shift = 1 if twist else 0
    domain = company.lower().replace(" ", "-").replace("ô", "o")
    return Person(
        email=f"{first}.{last}.{n}@{domain}.example".lower(),
        first=first,
        last=last,
        company=company,
        phone=PLACES[country].format(n + shift * (1 + dice.randrange(40))),
        title=TITLES[(n + shift * dice.randrange(2)) % len(TITLES)],
        website=f"https://www.{domain}.example",
        industry=INDUSTRIES[(n + shift * dice.randrange(2)) % len(INDUSTRIES)],
        employees=20 + (n * 37) % 1500 + shift * dice.randrange(2) * 10,
        country=country,
    )


def first_people(seed: int = 4) -> tuple[list[Person], list[Person]]:
    """Give (the CRM's people, the MAP's people): 60 each, the first 25 of either are the same persons by e-mail."""
    dice = random.Random(seed)
    crm = [_person(n, dice) for n in range(IN_EACH)]
    both = [_person(n, dice, twist=True) for n in range(IN_BOTH)]
    return crm, both + [_person(n, dice) for n in range(IN_EACH, 2 * IN_EACH - IN_BOTH)]


def differing(crm: list[Person], marketing: list[Person]) -> int:
    """Count the values that the two systems do not agree on."""
    return sum(
        getattr(one, name) != getattr(other, name)
        for one, other in zip(crm[:IN_BOTH], marketing[:IN_BOTH], strict=True)
        for name in Person.__dataclass_fields__
    )


OUTSIDE = Person("rosa.silva@porto-azul.example", "Rosa", "Silva", "Porto Azul", "+55 11 4002 8922", "Buyer", "", "Food", 40, "BR")
"""Outside the playbook's scope filter, in both systems."""
KIM = Person(
    "kim.larsen@nordwind.example", "Kim", "Larsen", "Nordwind AS", "+47 22 11 00 00", "Head of Operations", "", "Manufacturing", 820, "NO"
)


def spelled(playbook: Playbook, system: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Give values by a system's own names, as far as it has them."""
    shared = {name: one.systems[system] for name, one in playbook.fields.items() if system in one.systems}
    return {shared[name].name: shared[name].to_vendor.get(value, value) for name, value in fields.items() if name in shared}


def peopled(playbook: Playbook, sides: Mapping[str, Side]) -> None:
    """Let the CRM and the marketing platform, in this order, have their first people."""
    for (system, side), people in zip(sides.items(), first_people(), strict=True):
        side.add([spelled(playbook, system, person.fields()) for person in [*people, OUTSIDE]])


def visitor(n: int) -> Person:
    """Give form filler number n of a burst."""
    company = COMPANIES[n % len(COMPANIES)]
    country = ("NO", "DE", "US", "FR")[n % 4]
    return Person(
        email=f"visitor.{n}@burst-{n % 50}.example",
        first=FIRST[n % len(FIRST)],
        last=LAST[n % len(LAST)],
        company=company,
        phone=PLACES[country].format(n % 90),
        title=TITLES[n % len(TITLES)],
        website="",
        industry=INDUSTRIES[n % len(INDUSTRIES)],
        employees=50 + n,
        country=country,
    )

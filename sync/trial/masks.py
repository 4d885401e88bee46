"""Personal values of a case replaced by made-up ones that rules are as likely to treat alike. Pure.

What is personal says fields.yaml (`personal`; e-mails and phones are). A company's domain gives a person away together with the name of a
table that has it, so that it is replaced too: whoever is in a table is not told by a case.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import phonenumbers

from schemas.base import Scalar
from sync.lead.naming import company_domain
from sync.playbook.models import Given, Playbook, SharedField
from sync.trial.real import COLLEAGUE

FIRST, LAST = "Kim", "Sample"
DOMAIN, LOCAL = "sample-company", "kim.sample"
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_HOST = re.compile(r"(?<![\w@.-])(?:[a-z0-9-]+\.)+[a-z]{2,}(?![\w-])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Masked:
    """A case's given without personal values, and what was done to which of them."""

    given: Given
    replaced: Mapping[str, Scalar]
    """Value (`email`, `account.domain`) → what really stands there."""
    left_out: tuple[str, ...]
    """Values for which nothing can be made up."""


def masked(given: Given, playbook: Playbook) -> Masked:
    """Replace what is personal."""
    mask = _Mask(playbook)
    mask.learn(given)
    lead = mask.values("", given.lead, playbook.fields)
    made = replace(
        given,
        lead=lead,
        account=mask.values("account.", given.account, playbook.account_fields),
        opportunity=mask.values("opportunity.", given.opportunity, playbook.opportunity_fields),
        touches=tuple(replace(touch, name=mask.text(touch.name)) for touch in given.touches),
    )
    return Masked(made, mask.replaced, tuple(mask.left_out))


@dataclass(slots=True)
class _Mask:
    playbook: Playbook
    domains: dict[str, str] = field(default_factory=dict)
    """A company's domain → the one that stands for it."""
    people: dict[str, str] = field(default_factory=dict)
    """Personal text → what stands for it."""
    replaced: dict[str, Scalar] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)

    def learn(self, given: Given) -> None:
        """Note the domains and texts that are to be found nowhere in the case."""
        for values, fields in (
            (given.lead, self.playbook.fields),
            (given.account, self.playbook.account_fields),
            (given.opportunity, self.playbook.opportunity_fields),
        ):
            for name, value in values.items():
                shared = fields[name]
                if shared.kind == "email":
                    self.domain(str(value).rpartition("@")[2])
                elif shared.kind == "domain":
                    self.domain(str(value))
                elif shared.personal and shared.kind == "text":
                    self.people[str(value)] = LAST if "last" in name else FIRST if "first" in name else f"{FIRST} {LAST}"

    def domain(self, host: str) -> str:
        """Give the domain that stands for a company's; a free-mail domain is no company's, and stays."""
        known = company_domain(host)
        if known is None:
            return host
        number = len(self.domains) + 1
        return self.domains.setdefault(known, f"{DOMAIN}{'' if number == 1 else f'-{number}'}.example")

    def values(self, about: str, values: Mapping[str, Scalar], fields: Mapping[str, SharedField]) -> dict[str, Scalar]:
        """Give values without what is personal."""
        made: dict[str, Scalar] = {}
        for name, value in values.items():
            if about == "opportunity." and name in ("people", "account"):
                if value == COLLEAGUE:
                    made[name] = value  # nobody real, and not the lead
                continue  # a case has its own
            new = self._one(fields[name], value)
            if new is None:
                self.left_out.append(f"{about}{name}")
                continue
            made[name] = new
            if new != value:
                self.replaced[f"{about}{name}"] = value
        return made

    def _one(self, shared: SharedField, value: Scalar) -> Scalar:
        """Give what stands for a value; None when nothing can be made up for it."""
        text = str(value)
        if shared.kind == "user":
            return value if text in self.playbook.reps else None
        if shared.kind == "email":
            return self._email(text)
        if shared.kind == "domain":
            return self.domain(text)
        if not shared.personal:
            return self.text(value) if isinstance(value, str) else value
        if shared.kind == "phone":
            return _phone(text)
        return self.people.get(text) if shared.kind == "text" else None

    def _email(self, text: str) -> str:
        local, _, host = text.rpartition("@")
        return f"{local if local in self.playbook.role_mailboxes else LOCAL}@{self.domain(host)}"

    def text(self, text: str) -> str:
        """Give a text that is not personal itself, without the addresses, domains and names in it that are."""
        plain = _EMAIL.sub(lambda found: self._email(found.group()), text)
        plain = _HOST.sub(lambda found: self.domains.get(company_domain(found.group()) or "", found.group()), plain)
        for real, made in self.people.items():
            if len(real) > 2:
                plain = re.sub(rf"(?<!\w){re.escape(real)}(?!\w)", made, plain, flags=re.IGNORECASE)
        return plain


def _phone(text: str) -> str | None:
    """Give a number of the same country that rings nowhere in particular: its country's example number."""
    try:
        country = phonenumbers.region_code_for_number(phonenumbers.parse(text))
        example = phonenumbers.example_number(country) if country else None
    except phonenumbers.NumberParseException:
        return None
    return phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164) if example is not None else None

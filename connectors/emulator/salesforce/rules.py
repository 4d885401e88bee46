"""What an admin configures and every save meets: validation rules, the duplicate rule, the lead assignment rule."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from connectors.emulator.salesforce.refusals import Refusal, refused
from schemas.base import Scalar

DuplicateAction = Literal["off", "alert", "block"]

_TERM = re.compile(
    r"""(?P<no>NOT\s*\(\s*)?(?:REGEX\(\s*(?P<field>\w+)\s*,\s*"(?P<pattern>(?:[^"\\]|\\.)*)"\s*\)|ISBLANK\(\s*(?P<blank>\w+)\s*\))"""
)
_GLUE = re.compile(r"[\s(),&]*|AND")


@dataclass(frozen=True)
class Term:
    """One condition on one field: its whole text matches the pattern (Salesforce's REGEX), or does not."""

    field: str
    pattern: str
    negated: bool = False

    def holds(self, row: Mapping[str, Scalar]) -> bool:
        """Tell whether the row meets the condition; a blank is empty text."""
        value = row.get(self.field)
        return (re.fullmatch(self.pattern, "" if value is None else str(value)) is not None) != self.negated


@dataclass(frozen=True)
class ValidationRule:
    """Refuses a save while the error condition, all terms of it, is true of the row as it would be saved."""

    id: str
    name: str
    terms: tuple[Term, ...]
    message: str
    error_field: str | None = None
    active: bool = True
    description: str | None = None

    def refusal(self, row: Mapping[str, Scalar]) -> Refusal | None:
        """Give the error if the rule refuses the row."""
        if not self.active or not all(term.holds(row) for term in self.terms):
            return None
        return Refusal("FIELD_CUSTOM_VALIDATION_EXCEPTION", self.message, (self.error_field,) if self.error_field else ())

    @property
    def metadata(self) -> dict[str, object]:
        """The rule as the Tooling API's Metadata has it."""
        return {
            "active": self.active, "description": self.description, "errorConditionFormula": formula(self.terms),
            "errorDisplayField": self.error_field, "errorMessage": self.message, "shouldEvaluateOnClient": None, "urls": None,
        }  # fmt: skip


def formula(terms: tuple[Term, ...]) -> str:
    """Write conditions as the formula that an admin would see."""
    quoted = [(term, term.pattern.replace("\\", "\\\\").replace('"', '\\"')) for term in terms]
    texts = [f'NOT(REGEX({term.field}, "{pattern}"))' if term.negated else f'REGEX({term.field}, "{pattern}")' for term, pattern in quoted]
    return texts[0] if len(texts) == 1 else f"AND({', '.join(texts)})"


def read_formula(text: str) -> tuple[Term, ...]:
    """Read a formula of REGEX(), ISBLANK(), NOT() and AND(); anything else is refused, because it could not be judged."""
    rest = _TERM.sub("", text).replace("AND", "")
    terms = tuple(_term(found) for found in _TERM.finditer(text))
    if not terms or rest.strip("(), &\n\t"):
        raise refused(
            "FIELD_INTEGRITY_EXCEPTION",
            f"The formula is more than this emulator can judge (REGEX, ISBLANK, NOT, AND): {text}",
            ["errorConditionFormula"],
        )
    return terms


def _term(found: re.Match[str]) -> Term:
    if found["blank"]:
        return Term(found["blank"], "", negated=bool(found["no"]))
    return Term(found["field"], re.sub(r"\\(.)", r"\1", found["pattern"]), negated=bool(found["no"]))


@dataclass(frozen=True)
class Assignment:
    """The active lead assignment rule: whom every saved lead goes to unless the caller says `Sforce-Auto-Assign: FALSE`."""

    owner: str
    by_country: Mapping[str, str]

    def pick(self, row: Mapping[str, Scalar]) -> str:
        """Give the owner's id for a lead."""
        return self.by_country.get(str(row.get("Country")), self.owner)

"""What a condition may call: each function with how it is written, what it says, and an example. Help texts and documents are made of this."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Function:
    """One function or method of conditions."""

    name: str
    written: str
    """As it is called: `days_since(FIELD)`."""
    says: str
    """One sentence about what it gives."""
    example: str
    """A whole condition with it."""
    gives: str = "true or false"


CALLED: dict[str, Function] = {
    one.name: one
    for one in (
        Function(
            "has",
            "has(FIELD)",
            'whether the field is filled in; the only function that an empty field does not make "not matched"',
            "has(lead.phone)",
        ),
        Function(
            "any_of",
            "any_of(TEXT, ['WORD', …])",
            "whether the text has one of these words or phrases as whole words, small and capital letters alike",
            "any_of(lead.title, ['VP', 'Head'])",
        ),
        Function(
            "days_since",
            "days_since(FIELD)",
            "how many days ago that day or moment was, with fractions; a day begins at midnight UTC, what is to come is negative",
            "days_since(lead.mql_date) <= 30",
            "a number",
        ),
        Function(
            "in_table",
            "in_table(TEXT, 'TABLE'[, 'COLUMN'])",
            "whether a row of tables/TABLE.csv has the text in that column (without one: in its first); rows with from and until count only then",
            "in_table(lead.email_domain, 'partners')",
        ),
        Function(
            "territory",
            "territory('NAME')",
            "whether the lead falls into that territory of tables/territories.csv by its country, state and postal code",
            "territory('emea-north')",
        ),
        Function(
            "touched",
            "touched('WORD', DAYS)",
            "whether the person did something within the last so many days whose kind or name has the word in it, ignoring case",
            "touched('pricing', 7)",
        ),
    )
}
"""The functions, by name."""
METHODS: dict[str, Function] = {
    one.name: one
    for one in (
        Function(
            "contains",
            "TEXT.contains('PART')",
            "whether the part stands anywhere in the text, letter by letter",
            "lead.title.contains('Plant')",
        ),
        Function("startsWith", "TEXT.startsWith('PART')", "whether the text begins with the part", "lead.title.startsWith('Head of')"),
        Function("endsWith", "TEXT.endsWith('PART')", "whether the text ends with the part", "lead.email_domain.endsWith('.gov')"),
        Function(
            "matches",
            "TEXT.matches('PATTERN')",
            "whether the regular expression (RE2) is found in the text; the pattern must be written out, and may not repeat too much",
            "lead.title.matches('^(Head|VP) of ')",
        ),
    )
}
"""What is written behind a text and a dot, by name."""
BLANK = (
    'An empty field is never compared: the line is "not matched: field empty", also behind a `!`. Behind `||` another side may still hold. '
    "Under `none:` a line that is not matched is as it should be."
)
"""How conditions treat what is not filled in."""


def listed() -> str:
    """Give every function with its sentence and example, as Markdown lines for help texts."""
    return "\n".join(f"* `{one.written}` {one.says}. Example: `{one.example}`" for one in (*CALLED.values(), *METHODS.values()))

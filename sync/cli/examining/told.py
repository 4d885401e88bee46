"""How `truce doctor` says what it found: one line each, and what is wrong last, where a terminal shows it first. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connectors.base import Finding

WELL, KNOW, WRONG = "✔", "!", "✘"
"""As it should be; worth knowing, with what may be done about it; wrong."""


def sign(one: Finding) -> str:
    """Give the sign of a finding: what is no fault, and yet something may be done about it, is worth knowing."""
    return WRONG if not one.ok else KNOW if one.todo else WELL


def told(findings: Sequence[Finding]) -> Iterator[str]:
    """Give one line for each finding, those that are wrong last, and how many there are."""
    for kind in (WELL, KNOW, WRONG):
        for one in findings:
            if sign(one) == kind:
                yield " ".join(f"{kind} {one.what}{f' → {one.todo}' if one.todo else ''}".split())
    yield ""
    yield summed_up(findings)


def summed_up(findings: Sequence[Finding]) -> str:
    """Count what is wrong, for which the exit code is 1, and what is worth knowing, for which it is 0."""
    signs = [sign(one) for one in findings]
    wrong, know = signs.count(WRONG), signs.count(KNOW)
    more = f"; {know} worth knowing ({KNOW})" if know else ""
    return f"{wrong} finding{'s' * (wrong > 1)} ({WRONG}){more}." if wrong else f"Nothing is wrong{more}."

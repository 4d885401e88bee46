"""What is wrong with a playbook: every problem at once, each with its place, the source line and the line as it should be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from difflib import SequenceMatcher, get_close_matches
from typing import Any

NEAR = 0.66
"""How alike two names are that may be spellings of one: ana and anna, not tom and sue."""
SHOWN = 150
"""Longest part of a source line that is shown."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: where it stands (1-based), what it is, and what to write instead."""

    file: str
    line: int
    column: int
    path: str
    """The place in the document's own words: ``routes[1].when.all[1]``."""
    text: str
    suggestion: str = ""
    source: str = ""
    """The source line."""
    width: int = 1
    """How many characters the caret underlines."""
    warning: bool = False
    """Worth a look, and no reason to refuse the playbook: it may depend on today's date, or on who is known to a system."""
    about: str = ""
    """The id of the rule, where the path only counts: `routes[4]`."""

    @property
    def place(self) -> str:
        """Give file:line:column, as editors and terminals link it."""
        return f"{self.file}:{self.line}:{self.column}"

    def render(self) -> str:
        """Give the problem as a person reads it: place, path, text, then the source line with a caret and the suggestion."""
        path = f"{self.path} ({self.about})" if self.about else self.path
        head = "  ".join(part for part in (self.place, path, f"warning: {self.text}" if self.warning else self.text) if part)
        if not self.source.strip():
            return f"{head}\n      | {self.suggestion}" if self.suggestion else head
        start = max(0, self.column - 1 - SHOWN // 2) if len(self.source) > SHOWN else 0
        shown = self.source[start : start + SHOWN].replace("\t", " ")
        left = min(self.column - 1 - start, len(shown))
        carets = "^" * max(1, min(self.width, len(shown) - left))
        return f"{head}\n{self.line:>5} | {shown}\n      | {' ' * left}{carets} {self.suggestion}".rstrip()


def ordered(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Give problems once each, by file and line."""
    return tuple(sorted(set(problems), key=lambda p: (p.file, p.line, p.column, p.text)))


def counted(problems: Sequence[Problem], read: int) -> str:
    """Say how many problems and warnings there are, and in how many of the files that were read."""
    files, warnings = len({p.file for p in problems}), sum(p.warning for p in problems)
    kinds = [(len(problems) - warnings, "problem"), (warnings, "warning")]
    many = " and ".join(f"{count} {kind}{'s' * (count != 1)}" for count, kind in kinds if count)
    return f"{many} in {files} file{'s' * (files != 1)} ({read} read)." if problems else f"No problem in {read} files."


class PlaybookError(Exception):
    """A playbook that must not be used; carries all its problems, sorted by file and line. The last good version stays."""

    def __init__(self, problems: Iterable[Problem], read: int = 0) -> None:
        self.problems: tuple[Problem, ...] = ordered(problems)
        self.read = read
        super().__init__("; ".join(f"{p.place} {p.text}" for p in self.problems[:3]))

    def render(self, in_force: int | None = None) -> str:
        """Give all problems and a closing line that says how many, and that the version in force stays."""
        kept = f" The version in force (v{in_force}) is untouched." if in_force is not None else ""
        return "\n".join([*(p.render() for p in self.problems), counted(self.problems, self.read) + kept])

    def plain(self) -> list[dict[str, Any]]:
        """Give the problems as plain data, for `--json`."""
        return [asdict(p) for p in self.problems]


def closest(word: str, known: Iterable[str]) -> str | None:
    """Give the known word that was probably meant, or None."""
    names = list(known)
    found = get_close_matches(word.lower(), [n.lower() for n in names], n=1, cutoff=0.6)
    return next((n for n in names if n.lower() == found[0]), None) if found else None


def near_person(email: str, known: Iterable[str]) -> str:
    """Give "did you mean ana@acme.example?" where the name before the @ is nearly the same; somebody else is no spelling of them."""
    name, _, domain = email.lower().partition("@")

    def near(other: str) -> float:
        local, _, there = other.lower().partition("@")
        return 1.0 if name == local else SequenceMatcher(None, name, local).ratio() if there == domain else 0.0

    best = max(sorted(known), key=near, default="")
    return f"did you mean {best}?" if best and near(best) >= NEAR else ""


def did_you_mean(word: str, known: Sequence[str] | Iterable[str], *, list_up_to: int = 12) -> str:
    """Give "did you mean x?", or the list of what there is when nothing is close."""
    names = sorted(known)
    near = closest(word, names)
    if near:
        return f"did you mean {near}?"
    return f"known: {', '.join(names)}" if names and len(names) <= list_up_to else ""

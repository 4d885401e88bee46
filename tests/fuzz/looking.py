"""What must hold of every input: no crash, only problems; every problem at a place within its file; what compiles can be judged and told."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random

from sync.playbook.conditions import Conditions, Wrong
from sync.playbook.document import rows
from sync.playbook.functions import CALLED, METHODS
from sync.playbook.loader import check, load_files, read
from sync.playbook.models import Playbook, Value, Where
from sync.playbook.problems import Problem
from sync.trial.doc import document, markdown
from sync.trial.parts import conditions_of, lines
from tests.counted import calls
from tests.fuzz import mutator
from tests.playbook.test_bad import BAD, GOOD, MORE, content, expected

HERE = Path(__file__).parent
NOW = 1_763_888_400_000
EXAMPLE = read(HERE.parents[1] / "deploy" / "playbook")
LEADS: list[dict[str, Value]] = [
    {},
    {"now": NOW, "country": "NO", "employees": 820, "title": "Head of Ops", "fit": 72.0, "email": "kim@nordwind.example", "touches": (("form", "Pricing", NOW),)},
    {"now": NOW, "country": 5, "employees": "many", "title": "x" * 5_000, "fit": float("nan"), "mql_date": "soon", "email_opt_out": "no", "touches": ()},
    {"now": NOW, "country": "", "employees": 2**63, "title": "İß\u0000💥", "mql_date": "2026-11-13", "account.industry": "Energy", "opportunity.amount": -1e308},
]  # fmt: skip


@cache
def files() -> tuple[tuple[str, bytes], ...]:
    """Give the corpus of files: the good ones, the bad ones, and the example's small ones."""
    good = [(name, text) for name, text in (GOOD | MORE).items()]
    bad = [(expected(path.read_text(errors="replace"))[0], content(path)) for path in BAD]
    small = [(name, text) for name, text in EXAMPLE.items() if name.startswith(("cases/", "env/"))]
    # the good ones as often as the bad ones, which are many
    return (*good * (1 + len(bad) // len(good)), *bad, *small)


@cache
def example() -> Playbook:
    """Give the example playbook."""
    return load_files(EXAMPLE)


@cache
def conditions() -> Conditions:
    """Give what compiles conditions against the example's fields and tables."""
    return conditions_of(example())


@cache
def texts() -> tuple[str, ...]:
    """Give the corpus of conditions."""
    book = example()
    found = [line.text for line in lines((book.stages, book.fit, book.routes, book.scope))]
    functions = [one.example for one in (*CALLED.values(), *METHODS.values())]
    return tuple(dict.fromkeys([*found, *functions, "null", "true", "lead.fit > 1 ? lead.country == 'DE' : has(lead.phone)"]))


def playbook(rng: Random) -> str:
    """Look at one playbook with a file that nobody meant; gives what is wrong with what came of it, empty for nothing."""
    name, changed = mutator.file(rng, files())
    found = {**GOOD, **(MORE if name in MORE else {}), name: changed}
    checked = check(found)
    held = {name: rows(text.decode("utf-8-sig", errors="replace")) or [""] for name, text in found.items()}
    said = [text for problem in checked.problems if (text := _misplaced(problem, held))]
    if checked.playbook is None and not checked.problems:
        said.append("refused without a problem")
    if checked.playbook is not None and rng.random() < 0.2:
        markdown(document(checked.playbook, "2026-11-23"))
    return "; ".join(said)


def work(found: dict[str, bytes]) -> int:
    """Count the calls that looking at a playbook takes, of Python and of C: the same on every machine, however busy."""
    return calls(lambda: check(found))


def _misplaced(problem: Problem, files_: dict[str, list[str]]) -> str:
    problem.render()
    held = files_.get(problem.file)
    if held is None:
        return "" if (problem.line, problem.column) == (1, 1) else f"{problem.place} is in no file"
    if not 1 <= problem.line <= len(held) + 1:
        return f"{problem.place} {problem.text}: the file has {len(held)} lines"
    row = held[problem.line - 1] if problem.line <= len(held) else ""
    if problem.source and problem.source != row:
        return f"{problem.place} {problem.text}: shown with another line than its own"
    if not 1 <= problem.column <= len(row) + 1:
        return f"{problem.place} {problem.text}: the line has {len(row)} characters"
    return "" if problem.width >= 1 else f"{problem.place} {problem.text}: nothing is underlined"


def condition(rng: Random) -> str:
    """Look at one condition that nobody meant; gives what is wrong with what came of it, empty for nothing."""
    text = mutator.condition(rng, texts())
    try:
        line = conditions().compile(text, Where("routing.yaml", 1))
        by_cel = conditions().compile(text, Where("routing.yaml", 1), fast=False)
    except Wrong as wrong:
        at = [(one.at, one.width, one.text) for one in wrong.mistakes if not (0 <= one.at <= len(text) and one.width >= 1 and one.text)]
        return f"mistakes at no place of {text!r}: {at}" if at or not wrong.mistakes else ""
    for lead in LEADS:
        verdict, slow = line.judge(lead), by_cel.judge(lead)
        if not verdict.matched == line.holds(lead) == slow.matched:
            return f"{text!r}: judged {verdict.matched}, holds {line.holds(lead)}, by CEL {slow.matched}, with {str(lead)[:200]}"
        if not isinstance(verdict.why, str) or not verdict.why:
            return f"{text!r}: nothing is told"
    return ""


KINDS: dict[str, Callable[[Random], str]] = {"playbook": playbook, "condition": condition}


def look(kind: str, seed: str) -> str:
    """Look at the input of a seed; gives what is wrong, a crash too, with what makes it again."""
    try:
        said = KINDS[kind](Random(seed))
    except Exception:
        said = traceback.format_exc(limit=-6)
    return f"{kind} {seed}: {said}" if said else ""

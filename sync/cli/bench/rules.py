"""How fast rules are: leads through qualify and route under 100 rules, reading 1,000 rules, and what hostile files and lines cost."""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from msgspec import structs

from sync.cli.bench import fill, hostile, people, playbook
from sync.lead.decision import VendorUser
from sync.lead.eligible import Team
from sync.lead.qualify import judge, stage_values
from sync.lead.route import choose
from sync.lead.state import Lead
from sync.lead.tree import KEPT
from sync.playbook.conditions import Conditions, Wrong
from sync.playbook.loader import check, load_files
from sync.playbook.models import Condition, Playbook, Values, Where
from sync.playbook.yaml import parse

ROUTES, LEADS, TURNS = 100, 50, 9
AT = datetime(2026, 11, 3, 12, tzinfo=UTC)
NOW = int(AT.timestamp() * 1000)
_KINDS = {"title": "text", "vip": "flag", "country": "country", "email": "email"}
_LONG = "x" * 65_000


def _line(n: int) -> str:
    """Give a line that holds for nobody here, of a common form, and of which no other can say that it is never reached."""
    forms = (
        f"lead.employees >= {200_000 - n}",
        f"any_of(lead.title, ['Rector {n}', 'Dean {n}', 'Provost {n}'])",
        f"lead.company.contains('Company {n}') && lead.employees >= {n}",
        f"lead.own_02 * 2 > {100_000 + n} || lead.industry == 'Branch {n}'",
        f"days_since(lead.mql_date) > {9_000 + n}",
    )
    return forms[n % len(forms)]


def files_with(lines: Callable[[int], list[str]], count: int) -> dict[str, bytes]:
    """Give the bench's playbook with so many routes, the last of which matches always."""
    to = {"assign": {"pool": "pool-0"}, "fallback": {"owner": playbook.HEAD}}
    rows = [{"id": f"route-{n}", "when": {"all": lines(n)}, **to} for n in range(count - 1)]
    routing = json.dumps({"routes": [*rows, {"id": "everyone-else", **to}]}, indent=1)
    return {name: text.encode() for name, text in (playbook.files() | {"routing.yaml": routing + "\n"}).items()}


def every_line(n: int) -> list[str]:
    """Give the lines of a route that nothing guards: every route has to be asked."""
    return [_line(n)]


def guarded(n: int) -> list[str]:
    """Give the lines of a route that a value guards: the index finds the few that may match."""
    return [f"lead.industry == 'Branch {n}'" if n % 2 else f"lead.industry in ['Branch {n}', 'Sector {n}']", "lead.employees >= 0"]


def branches(book: Playbook) -> list[Lead]:
    """Give leads of different branches, so that with guards each is taken by another route."""
    first = fill.pattern(book, b"bench", AT)
    industries = [structs.replace(first.desired["industry"], value=f"Branch {n}") for n in range(LEADS)]
    return [replace(first, desired={**first.desired, "industry": one}) for one in industries]


def _best(*steps: Callable[[], object], turns: int = TURNS) -> list[float]:
    """Give the seconds of this process's own time of each step's fastest turn; they alternate, so that what slows the machine hits all."""
    took: list[list[float]] = [[] for _ in steps]
    for _ in range(turns):
        for place, step in enumerate(steps):
            began = time.process_time()
            step()
            took[place].append(time.process_time() - began)
    return [min(some) for some in took]


def _through(book: Playbook, leads: Sequence[Lead]) -> Callable[[], None]:
    users = {system: {one.id: VendorUser(system, one.id, one.email, True) for one in people.users(system)} for system in people.UNSET}
    team = Team(book, users, NOW)

    def step() -> None:
        for lead in leads:
            values = stage_values(lead, book, NOW)
            judge(lead, values, book)
            choose(values, team)

    return step


def _bare(book: Playbook, leads: Sequence[Lead]) -> Callable[[], None]:
    """Ask the same conditions in a loop: each whether it holds, and those whose reasons are kept for their reasons too."""
    seen: list[Values] = [stage_values(lead, book, NOW) for lead in leads]
    whens = [
        when for when in (*(one.when for one in book.fit), *(one.when for one in book.stages), *(one.when for one in book.routes)) if when
    ]
    conditions: list[Condition] = [line for when in whens for line in when.lines]
    kept = [line for route in book.routes[-KEPT - 1 :] for line in route.when.lines]

    def step() -> None:
        for values in seen:
            for condition in conditions:
                condition.holds(values)
            for condition in kept:
                condition.judge(values)

    return step


def routed(routes: int = ROUTES) -> dict[str, Any]:
    """Give leads a second on this core: every rule asked (beside a bare loop of the same evaluations), and with the index."""
    found: dict[str, Any] = {"rules": routes}
    book, indexed = (load_files(files_with(lines, routes), 1) for lines in (every_line, guarded))
    leads = branches(book)
    every, bare, few = _best(_through(book, leads), _bare(book, leads), _through(indexed, branches(indexed)))
    return found | {"all_per_s": LEADS / every, "bare_per_s": LEADS / bare, "ratio": bare / every, "indexed_per_s": LEADS / few}


def loaded(rules: int = 1_000) -> dict[str, Any]:
    """Give the seconds of loading and checking so many rules, each time of lines never seen before."""
    gc.freeze()  # as `truce check` does with what it imported
    took = []
    for turn in range(3):
        files = files_with(lambda n, turn=turn: [f"lead.country == '{_code(n)}'", f"lead.employees >= {10_000 * turn + rules - n}"], rules)  # type: ignore[misc]
        began = time.process_time()
        usable = check(files).playbook
        took.append(time.process_time() - began)
        if usable is None:
            raise RuntimeError("the bench's own playbook cannot be used")
    gc.unfreeze()
    return {"rules": rules, "seconds": min(took)}


def _code(n: int) -> str:
    return chr(65 + n % 26) + chr(65 + n // 26 % 26)


def refused() -> dict[str, Any]:
    """Give how long the worst of the hostile files and lines took."""
    files = {name: _best(partial(parse, "routing.yaml", content), turns=3)[0] for name, (content, _) in hostile.FILES.items()}
    lines = {text[:40]: _best(partial(_ask, text), turns=3)[0] for text in hostile.LINES}
    return {"files": _worst(files), "lines": _worst(lines)}


def _ask(text: str) -> None:
    """Compile a line and ask it about a long text; fresh, so that nothing is known of it from before."""
    try:
        line = Conditions(_KINDS).compile(text, Where("routing.yaml", 1))
    except Wrong:
        return
    line.judge({"title": _LONG})
    line.judge({})


def _worst(took: Mapping[str, float]) -> dict[str, Any]:
    name = max(took, key=lambda one: took[one])
    return {"count": len(took), "worst": name, "ms": took[name] * 1000}

"""Who gets it: the ordered tree whose root always matches, whoever keeps it, and the pools that take turns. Times are ms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sync.lead import basis, hours
from sync.lead.basis import NOTHING, Basis
from sync.lead.eligible import ROUNDS, Strict, Team
from sync.lead.pool import draw
from sync.lead.tree import find
from sync.lead.turns import How, PoolState, Turn
from sync.playbook.models import Assign, Playbook, Pool, Queue, Route, Step, Sticky, Values

STICKY: Mapping[Sticky, tuple[str, str]] = {
    "owner": ("owner", "keeps its owner"),
    "account_owner": ("account.owner", "the account is theirs"),
    "opportunity_owner": ("opportunity.owner", "the open opportunity is theirs"),
    "previous_owner": ("", "had it before"),
}
"""Who keeps a lead → the value that names them, and how that is told."""
TERRITORY = "territory"
"""The pool that tables/territories.csv names."""
_NOWHERE = Step()


@dataclass(slots=True)
class Choice:
    """Who gets the lead (None: nobody may), and everything that was looked at on the way."""

    owner: str | None
    route: Route | None
    looked: list[dict[str, Any]]
    how: str = ""
    """As people read it."""
    kind: How = "named"
    passed_over: list[dict[str, str]] = field(default_factory=list)
    turn: Turn | None = None
    """The pool's turn that it uses up, if somebody's it was."""
    queue: Queue | None = None
    """Where it waits, while the owner answers for it."""
    unruled: bool = False
    """No rule names anybody for it: it fell to the last resort."""
    pools: dict[str, PoolState] = field(default_factory=dict)
    """Pools as they are once that turn is used up."""
    tally: str = ""
    """How whoever's turn it was stands in the pool with this lead: `3 of 12 this week, fair 3.2`."""
    basis: Basis = NOTHING

    def keep(self, owner: str, how: str) -> None:
        """Let somebody have it whom nobody had to look for: no turn is used up."""
        self.owner, self.how, self.kind, self.turn, self.pools, self.tally = owner, how, "sticky", None, {}, ""
        self.queue, self.unruled = None, False

    def why(self, playbook: Playbook, at: int) -> dict[str, Any]:
        """Give the choice as it is kept and shown."""
        rule = f"{self.route.where} {self.route.id}" if self.route else ""
        member = self.turn.member if self.turn is not None else None
        covered = {"turn_of": member} if member is not None and member != self.owner else {}
        return covered | {
            "owner": self.owner,
            "rule": rule,
            "how": self.how,
            "lines": self.looked,
            "passed_over": self.passed_over,
            "tally": self.tally,
            "version": playbook.version,
            "at": at,
        }


def choose(values: Values, team: Team, *, last: bool = False) -> Choice:
    """Choose the owner of a lead with these values (its owner now among them); `last`: of the fallbacks only."""
    looked: list[dict[str, Any]] = []
    route = find(values, team.playbook.routes, looked, hours.day(team.now, team.playbook.timezone))
    choice = Choice(None, route, looked)
    return choice if route is None else assign(choice, route.assign, values, team, last=last)


def assign(choice: Choice, how: Assign, values: Values, team: Team, *, last: bool = False) -> Choice:
    """Put down who gets a lead by this assignment: whoever keeps it, else whom it names or whose turn it is, else the fallbacks in order.
    `last`: only the fallbacks, where there are any.

    Where nobody may, holidays count no longer; and where only the fallback is left, it may be somebody who said no.
    """
    search = _Search(choice, how, values, team)
    choice.basis = search.basis()
    for strict in ROUNDS:
        choice.passed_over.clear()
        if search.found(strict, last=last and len(search.steps) > 1):
            break
    return choice


class _Search:
    """One search for somebody who may be given a lead."""

    def __init__(self, choice: Choice, how: Assign, values: Values, team: Team) -> None:
        self.choice, self.assign, self.values, self.team = choice, how, values, team
        self.told = ""
        """The row of a table that named the first place to look, or that there is none."""
        self.steps = [self._main(), *how.fallback]
        self.keepers = [(who, words) for kind in how.sticky if (found := self._keeper(kind)) for who, words in [found]]

    def _keeper(self, kind: Sticky) -> tuple[str, str] | None:
        name, words = STICKY[kind]
        who = self.values.get(name) if name else (self.team.had[-1] if self.team.had else None)
        return (str(who), words) if who else None

    def _main(self) -> Step:
        """Give where to look first: as the route says, or as the lead's row of a table says; an empty step where it has none."""
        how, book, now = self.assign, self.team.playbook, self.team.now
        if how.table is not None:
            table = book.tables.get(how.table)
            row = table.of_lead(self.values, now, book.timezone) if table else None
            self.told = f"{row.where}" if row else f"tables/{how.table}.csv has no row for this lead"
        elif how.pool == TERRITORY:
            row = book.territories.find(self.values, now, book.timezone) if book.territories else None
            self.told = f"{row.where}" if row else "the lead falls into no territory"
        else:
            return Step(how.owner, how.pool, how.queue)
        return Step(row.owner, row.pool) if row else Step()

    def _pool(self, name: str | None) -> Pool | None:
        return self.team.playbook.pools.get(name) if name else None

    def basis(self) -> Basis:
        """Give what it depends on; the owner of now is in it, because sales may have named them after the act that did this."""
        people = {who for who, _ in self.keepers} | {one for step in self.steps if (one := _person(step))}
        people |= {str(owner)} if (owner := self.values.get("owner")) else set()
        pools = [(pool, self.assign.by if n == 0 else None) for n, step in enumerate(self.steps) if (pool := self._pool(step.pool))]
        return basis.of(self.team.playbook, people, pools)

    def found(self, strict: Strict, *, last: bool = False) -> bool:
        """Look once, as strictly as told."""
        self.choice.unruled = False
        if strict.refusals and not last:
            if any(self._named(who, strict, "sticky", words) for who, words in self.keepers):
                return True
            if self._step(self.steps[0], strict, last=False):
                self.choice.unruled = self._by_root() and _person(self.steps[0]) is not None
                return True
        fell = any(self._step(step, strict, last=True) for step in self.steps[1:])
        self.choice.unruled = fell and not last and (self._by_root() or (bool(self.told) and self.steps[0] == _NOWHERE))
        return fell

    def _by_root(self) -> bool:
        """Say whether the last route took it because none of those before it did."""
        routes = self.team.playbook.routes
        return len(routes) > 1 and self.choice.route is routes[-1]

    def _step(self, step: Step, strict: Strict, *, last: bool) -> bool:
        if step == _NOWHERE:
            if self.told:  # a table was asked; an assignment that only keeps an owner names no place of its own
                self._pass(self.assign.table or TERRITORY, self.told)
            return False
        person = _person(step)
        if person:
            words = (
                f"answers for the queue {step.queue.name}" if step.queue else "fallback" if last else f"named by {self.told or 'the route'}"
            )
            named = self._named(person, strict, "fallback" if last else "named", words)
            self.choice.queue = step.queue if named else None
            return named
        return bool(step.pool) and self._turn(step.pool or "", strict, last=last)

    def _pass(self, who: str, why: str) -> None:
        if {"who": who, "why": why} not in self.choice.passed_over:
            self.choice.passed_over.append({"who": who, "why": why})

    def _named(self, email: str, strict: Strict, kind: How, words: str) -> bool:
        stand, why = self.team.stand(email, strict)
        if stand is None:
            self._pass(email, why)
            return False
        if stand.covers:
            self._pass(email, self.team.obstacle(email, strict) or "")
            kind, words = "cover", f"covers {self.team.name(email)}; {words}"
        self.choice.owner, self.choice.kind, self.choice.how = stand.owner, kind, words
        return True

    def _turn(self, name: str, strict: Strict, *, last: bool) -> bool:
        pool = self._pool(name)
        if pool is None or not pool.members:
            self._pass(name, "an empty pool")
            return False
        asked = Assign(by=None, memory=self.assign.memory) if last else self.assign
        drawn = draw(pool, asked, self.values, self.team, strict)
        for who, why in drawn.passed_over:
            self._pass(who, why)
        if drawn.turn is None or drawn.state is None:
            return False
        choice, turn = self.choice, drawn.turn
        choice.owner, choice.kind, choice.turn, choice.pools, choice.tally = turn.owner, turn.how, turn, {name: drawn.state}, drawn.tally
        choice.how = f"pool {name}, {drawn.words}" + (f", by {self.told}" if self.told and not last else "")
        if turn.member and turn.member != turn.owner:
            choice.how += f", for {self.team.name(turn.member)}"
        return True


def _person(step: Step) -> str | None:
    return step.queue.human if step.queue else step.owner

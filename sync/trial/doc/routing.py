"""Routing as an ordered list in words: who gets a lead, chosen how, and where is looked when nobody is there."""

from __future__ import annotations

from collections.abc import Iterator

from sync.playbook.models import Assign, Playbook, Route
from sync.trial.doc.conditions import Speaker
from sync.trial.doc.owed import steps
from sync.trial.doc.tree import Block, Item, Paragraph, Quiet, Section, Strong, Words, listing, words
from sync.trial.doc.wording import Naming, between, count, several, span, value_name

BY = {
    "round_robin": "in turns",
    "weighted": "in turns, by weight",
    "least_open": "whoever has the fewest open leads",
    "capacity": "whoever has most room left",
}
_KEEPS = {
    "owner": "its owner in the CRM",
    "account_owner": "the owner of its account",
    "opportunity_owner": "the owner of its open opportunity",
    "previous_owner": "whoever had it before",
}
LEAD = (
    "The first rule that matches decides; the rules inside it are looked at before it. Nobody is given a lead who is away, unknown in the CRM, "
    "inactive there or full: then the next is asked, and the reason is kept."
)


def routing(playbook: Playbook, speaker: Speaker, naming: Naming) -> Section:
    """Tell the tree of routes from top to bottom."""
    items = _routes(playbook.routes, playbook, speaker, naming)
    return Section("Routing: who gets a lead", (Paragraph((LEAD,)), *listing(*items, ordered=True)))


def _routes(routes: tuple[Route, ...], playbook: Playbook, speaker: Speaker, naming: Naming) -> Iterator[Item]:
    for route in routes:
        facts = listing(speaker.item("When", route.when), *_days(route), *_assign(route.assign, speaker, naming))
        inner = tuple(_routes(route.routes, playbook, speaker, naming))
        finer: tuple[Block, ...] = (Paragraph(("Before that, of these:",)), *listing(*inner, ordered=True)) if inner else ()
        yield Item(words("To ", _target(route.assign, playbook, naming), Quiet(f" · {route.id}")), (*facts, *finer))


def _days(route: Route) -> tuple[Words, ...]:
    said = between(route.since, route.until)
    return ((f"Counts {said}, both days included." if route.since and route.until else f"Counts {said}.",),) if said else ()


def _assign(assign: Assign, speaker: Speaker, naming: Naming) -> Iterator[Item | Words]:
    if assign.sticky:
        yield (f"Stays with {', else '.join(_KEEPS[one] for one in assign.sticky)}, if there is one who may have it.",)
    if assign.skills:
        yield (f"Only to somebody with: {several(assign.skills)}.",)
    if assign.language:
        yield (f"Only to somebody who speaks the {value_name(assign.language.removeprefix('lead.'))} of the lead.",)
    if assign.memory:
        yield (f"Not to the last {count(assign.memory, 'person', 'people')} who had the lead, unless nobody would be left.",)
    if assign.hold is not None:
        yield speaker.item(f"Waits for at most {span(assign.hold.at_most_s)} until", assign.hold.until)
    if assign.fallback:
        yield (f"If nobody may have it: {steps(assign.fallback, naming)}.",)
    if assign.sla:
        yield (f"SLA {assign.sla}.",)
    if assign.priority == "hot":
        yield ("Hot: before other leads.",)


def _target(assign: Assign, playbook: Playbook, naming: Naming) -> Words:
    if assign.queue is not None:
        return ("the queue ", Strong(assign.queue.name), f"; {naming.person(assign.queue.human)} answers for what waits in it")
    if assign.table is not None:
        return ("whom the table ", Strong(assign.table), " names")
    if assign.pool is None:
        return (Strong(naming.person(assign.owner)),)
    how = f", {BY[assign.by]}" if assign.by else ""
    if assign.pool == "territory":
        return (f"the pool or person of its territory{how}",)
    pool = playbook.pools.get(assign.pool)
    how = how or (f", {BY[pool.by]}" if pool else "")
    members = f" ({naming.people(pool.members)})" if pool else ""
    return ("the pool ", Strong(assign.pool), f"{members}{how}")

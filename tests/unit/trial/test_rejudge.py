"""What would move under another playbook, before it is in force."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sync.lead import state
from sync.lead.decide import decide
from sync.lead.decision import Facts, fold
from sync.lead.state import Lead
from sync.playbook.models import SIDE_EXITS, STAGES, Assign, Playbook, Route, Stage, Step, When, Where
from sync.playbook.models.sla import Slas
from sync.trial.rejudge import EXAMPLES, Moves, is_open, preview
from tests import factory
from tests.factory import CONTACT, deleted, ms, snapshot, touch

IN_FORCE = factory.playbook()


def town(count: int) -> Facts:
    """So many people in HubSpot: half of them German, every third asked for a demo, the others filled in some form."""
    facts = factory.facts()
    for n in range(count):
        ref = f"hubspot:contacts:{n}"
        messages = [
            snapshot(ref, 1, {"email": f"p{n}@x.example", "country": "DE" if n % 2 else "FR"}),
            touch(f"a{n}", 50 + n, ref=ref, name="demo" if n % 3 == 0 else "webinar"),
        ]
        for message in messages:
            fold(facts, decide(message, facts, IN_FORCE, ms(100 + n)))
    return facts


def look(facts: Facts, candidate: Playbook) -> Moves:
    return preview(facts.leads.values(), facts, ms(1000), IN_FORCE, candidate)


def lower(threshold: int) -> Playbook:
    """The same playbook with another threshold for MQLs."""
    rule = factory.when(f"lead.engagement >= {threshold}", lambda v: v["engagement"] >= threshold, "engagement", line=30)
    stages = tuple(replace(stage, when=rule) if stage.id == "mql" else stage for stage in IN_FORCE.stages)
    return replace(IN_FORCE, stages=stages)


def test_the_same_playbook_moves_nobody() -> None:
    facts = town(12)
    moves = look(facts, replace(IN_FORCE, version=2))
    assert (moves.looked, moves.moved, moves.share, moves.examples) == (12, 0, 0.0, [])
    assert moves.counts == {"stage": 0, "route": 0, "sla": 0}


def test_a_lower_threshold_moves_stages_and_gives_them_a_route() -> None:
    facts = town(12)
    moves = look(facts, lower(12))
    assert (moves.looked, moves.moved) == (12, 8)
    assert moves.ways["stage", "lead", "mql"] == 8
    assert moves.ways["route", "", "dach"] == 4
    assert moves.ways["route", "", "everyone-else"] == 4
    assert moves.share == pytest.approx(8 / 12)
    first = moves.examples[0]
    assert (first.what, first.before, first.after, first.rule_after) == ("stage", "lead", "mql", "lifecycle.yaml:12 mql")
    assert moves.plain()["ways"][0] == {"what": "stage", "before": "lead", "after": "mql", "leads": 8}


def test_a_higher_threshold_moves_nobody_back() -> None:
    assert look(town(12), lower(99)).moved == 0, "a stage is never taken back by a rule"


def test_another_route_moves_those_who_are_handed_over() -> None:
    sla = Assign(pool="emea", sla="hot")
    routes = (replace(IN_FORCE.routes[0], id="germany", assign=sla, where=Where("routing.yaml", 30)), *IN_FORCE.routes[1:])
    moves = look(town(12), replace(IN_FORCE, routes=routes))
    assert moves.counts == {"stage": 0, "route": 2, "sla": 2}
    assert moves.moved == 2
    assert moves.examples[0].rule_before == "routing.yaml:8 dach"
    assert moves.examples[0].rule_after == "routing.yaml:30 germany"


def test_a_route_inside_another_is_found_with_its_sla() -> None:
    inner = Route("inner", When(), Assign(pool="sdr", sla="slow", fallback=(Step("vera@acme.example"),)), Where("routing.yaml", 15))
    routes = (IN_FORCE.routes[0], replace(IN_FORCE.routes[1], routes=(inner,)))
    moves = look(town(12), replace(IN_FORCE, routes=routes))
    assert moves.ways == {("route", "everyone-else", "inner"): 2, ("sla", "", "slow"): 2}


def test_a_route_that_names_no_sla_runs_under_the_default_one() -> None:
    kept = replace(IN_FORCE, slas=Slas(default="normal"))
    routes = (replace(IN_FORCE.routes[0], assign=replace(IN_FORCE.routes[0].assign, sla="enterprise")), *IN_FORCE.routes[1:])
    moves = preview(town(12).leads.values(), town(12), ms(1000), kept, replace(kept, routes=routes))
    assert moves.ways == {("sla", "normal", "enterprise"): 2}


def test_many_moves_keep_the_first_examples() -> None:
    moves = look(town(60), lower(12))
    assert moves.moved == 40
    assert len(moves.examples) == EXAMPLES


def test_nothing_that_was_given_is_changed() -> None:
    facts = town(6)
    before, pools = [state.dump(lead) for lead in facts.leads.values()], dict(facts.pools)
    look(facts, lower(12))
    assert [state.dump(lead) for lead in facts.leads.values()] == before
    assert facts.pools == pools


def test_who_is_nobodys_concern_is_not_counted() -> None:
    facts = town(4)
    fold(facts, decide(deleted("hubspot:contacts:0", 300, "erased"), facts, IN_FORCE, ms(300)))
    fold(facts, decide(snapshot("hubspot:contacts:1", 300, {"email": "p1@x.example", "country": "BR"}), facts, IN_FORCE, ms(300)))
    assert look(facts, IN_FORCE).looked == 2
    assert not is_open(Lead("i", "k", 0, 0, survivor="j"))


def test_a_playbook_that_hands_over_elsewhere_is_followed() -> None:
    facts = factory.facts()
    fold(facts, decide(snapshot(CONTACT, 1, {"email": "kim@x.example", "country": "DE"}), facts, IN_FORCE, ms(1)))
    inquiry = When()
    stages = tuple(
        Stage(name, Where("lifecycle.yaml", 50 + i), inquiry if name == "inquiry" else None, "paul@acme.example", name == "inquiry")
        for i, name in enumerate((*STAGES, *SIDE_EXITS))
    )
    moves = look(facts, replace(IN_FORCE, stages=stages))
    assert moves.counts == {"stage": 0, "route": 1, "sla": 0}

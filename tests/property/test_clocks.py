"""When will a stage change by time alone? Never later than a judge finds who looks at any later time; and soon enough is soon done."""

from __future__ import annotations

import random
from functools import lru_cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.lead import state
from sync.lead.qualify import stage_values, stands
from sync.lead.reconcile import desire
from sync.lead.score import DAY_MS
from sync.lead.state import Claim, Lead, TouchNote
from sync.lead.timing import next_change
from sync.playbook.loader import load_files
from sync.playbook.models import Playbook

EXAMPLE = Path(__file__).parents[2] / "deploy" / "playbook"
NOW = 1_795_000_000_000
RANKS = {"truce": -1, "salesforce": 0, "hubspot": 1}
LINES = """
  - {touch: form, name: leave, points: -25, half_life_days: 9, cap: -40, label: asked us to stop}
  - {touch: form, name: demo, points: 60, half_life_days: 30, label: a demo}
  - {touch: form, points: 15, half_life_days: 7, cap: 40, category: web, label: a form}
  - {touch: visit, points: 3, half_life_days: 2.5, cap: 20, category: web, label: a visit}
  - {touch: click, points: 5, window_days: 10, label: a click}
  - {touch: meeting, points: 20, half_life_days: 30, window_days: 45, cap: 50, label: met us}
  - {touch: other, points: 7.77, label: something that stays}
categories: {web: {cap: 45}}
"""
STAGES = {
    "falls": ("{when: lead.engagement >= 10}", "{when: lead.engagement >= 40, exit: lead.engagement < 25.5, handoff: true}", ""),
    "scores": ("{when: lead.score >= 30 && lead.fit >= 20}", "{when: lead.score > 60, exit: 'lead.score <= 47.5', handoff: true}", ""),
    "ages": (
        "{when: days_since(lead.created_at) > 3}",
        "{when: \"!touched('visit', 5) && days_since(lead.created_at) >= 7.5\", exit: \"touched('form', 2)\", handoff: true}",
        "",
    ),
    "odd": (
        "{when: {none: [lead.engagement > 30, \"touched('click', 4)\"]}}",
        "{when: 'lead.engagement != 12.5 ? lead.engagement < 20 : lead.engagement == 7.77', exit: lead.engagement < 5, handoff: true}",
        "",
    ),
    "parts": (
        "{when: lead.segment == 'warm'}",
        "{when: lead.engagement >= 60, exit: lead.fit < 20, handoff: true}",
        "segments: [{id: warm, when: lead.engagement < 50 && lead.fit > 10, stages: {mql: lead.engagement <= 22}}]",
    ),
}
TEAM = b"timezone: Europe/Berlin\nreps: {head.of.sales@acme.example: {name: Vera}, head.of.marketing@acme.example: {name: Paul}}"
FIT = "fit:\n  - {points: 20, when: days_since(lead.created_at) < 12, label: new}\n  - {points: 12.345, when: has(lead.email), label: known}\n"


@lru_cache
def book(name: str) -> Playbook:
    """Give a playbook by the name of its stages."""
    lead, mql, more = STAGES[name]
    said = "accountable: head.of.sales@acme.example"
    rest = "".join(f"  {one}: {{{said}}}\n" for one in ("sal", "sql", "opportunity", "customer", "recycled", "disqualified"))
    stages = f"  inquiry: {{{said}, when: has(lead.email)}}\n  lead: {{{said}, {lead[1:]}\n  mql: {{{said}, {mql[1:]}\n{rest}"
    deals = "statuses: {new: {}, working: {}, converted: {}, closed: {}}\n"
    deals += "opportunity_stages: {prospecting: {is: open}, closed_won: {is: won}, closed_lost: {is: lost}}\n"
    files = {
        "fields.yaml": (EXAMPLE / "fields.yaml").read_bytes(),
        "team.yaml": TEAM,
        "routing.yaml": b"routes: [{id: all, assign: {owner: head.of.sales@acme.example}}]",
        "lifecycle.yaml": f"{FIT}engagement:{LINES}{more}\nstages:\n{stages}{deals}".encode(),
    }
    return load_files(files, 1)


def settled(lead: Lead, playbook: Playbook, now: int) -> str:
    """Judge a lead until it comes to rest; gives its stage."""
    for _ in range(4):
        before = lead.value("stage")
        stands(lead, playbook, stage_values(lead, playbook, now), now)
        desire(lead, ["stage"], playbook, RANKS)
        if lead.value("stage") == before:
            break
    return str(lead.value("stage"))


ACTS = st.tuples(
    st.sampled_from([("form", "leave"), ("form", "demo"), ("form", "x"), ("visit", ""), ("click", ""), ("meeting", ""), ("other", "")]),
    st.integers(0, 50 * DAY_MS),
)


@pytest.mark.parametrize("name", sorted(STAGES))
@given(acts=st.lists(ACTS, max_size=14), age=st.integers(0, 15 * DAY_MS), seed=st.integers(0, 2**30))
def test_no_later_look_finds_a_change_before_the_clock(name: str, acts: list[tuple[tuple[str, str], int]], age: int, seed: int) -> None:
    playbook, chance = book(name), random.Random(seed)
    lead = Lead("l1", "k", NOW - age, NOW)
    lead.claims["email"] = {"hubspot:contacts:1": Claim("kim@nordwind.example", NOW - age)}
    desire(lead, ["email"], playbook, RANKS)
    lead.touches = [TouchNote("hubspot", f"a{n}", kind, word, NOW - ago) for n, ((kind, word), ago) in enumerate(acts)]
    now, looks = NOW, 0
    most = 20 * (1 + len(acts))  # what is looked at too soon costs a look; every act fades out of a few lines, and then there is an end
    stage = settled(lead, playbook, now)
    while (due := coming(lead, playbook, now)) is not None and looks < most:
        assert due > now
        _nothing_before(lead, playbook, stage, [chance.randrange(now + 1, due) for _ in range(6) if due > now + 1] + [due - 1])
        looks, now = looks + 1, due
        stage = settled(lead, playbook, now)
    assert looks < most
    _nothing_before(lead, playbook, stage, [now + int(DAY_MS * 10 ** chance.uniform(-4, 2.6)) for _ in range(20)])


def coming(lead: Lead, playbook: Playbook, now: int) -> int | None:
    """Give the clock as a decision sets it; without the sums at hand it may come sooner, never later."""
    sums: dict[int, float] = {}
    values = stage_values(lead, playbook, now, {}, sums)
    due = next_change(lead, playbook, now, values, sums)
    alone = next_change(lead, playbook, now, values)
    assert due is None or (alone is not None and alone <= due)
    return due


def _nothing_before(lead: Lead, playbook: Playbook, stage: str, times: list[int]) -> None:
    for at in times:
        assert settled(state.copy(lead), playbook, at) == stage, at

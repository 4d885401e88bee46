"""The bench's arithmetic, and that what it measures by is what it says: 40 fields, 30 rules, every edit news."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from schemas.change import RecordChanged
from sync.cli.bench import figures, fill, hostile, people, playbook, replayed, rules, screen
from sync.cli.bench.backfilled import Memory, _calls
from sync.cli.bench.figures import Goal, Sample
from sync.cli.bench.handoffs import Handoffs
from sync.cli.bench.spent import due, spread
from sync.lead.decide import decide
from sync.lead.decision import Facts, VendorUser, fold
from sync.lead.qualify import stage_values
from sync.lead.state import dump
from sync.lead.tree import find
from sync.playbook.loader import load_files
from sync.playbook.models import Playbook

AT = datetime(2026, 11, 3, 12, tzinfo=UTC)


def book() -> Playbook:
    return load_files({name: text.encode() for name, text in playbook.files().items()}, 1)


def test_the_rate_leaves_out_start_up_and_the_time_before_the_last_worker_came() -> None:
    samples = [Sample(0, 100, 1), Sample(5, 100, 2), Sample(6, 300, 2), Sample(7, 400, 3), Sample(9, 1400, 3), Sample(20, 1400, 3)]
    assert figures.rate(samples, 1400) == 500


def test_the_rate_of_a_run_that_was_not_finished_is_that_of_what_was_seen() -> None:
    assert figures.rate([Sample(0, 0, 1), Sample(1, 10, 1), Sample(3, 50, 1)], 100) == 20
    assert figures.rate([Sample(0, 0, 1), Sample(9, 0, 1)], 100) == 0
    assert figures.rate([Sample(0, 0, 1), Sample(9, 100, 1)], 100) == 0, "all at one look: no rate can be told"


def test_an_effect_belongs_to_the_call_under_way_that_began_last() -> None:
    calls = [(10.0, 5.0), (10.5, 1.0), (12.0, 1.0)]
    assert figures.begun(10.0, calls) == 9.5
    assert figures.begun(9.0, calls) == 5.0
    assert figures.begun(20.0, calls) is None


def test_quantiles() -> None:
    values = [float(n) for n in range(100, 0, -1)]
    assert (figures.quantile(values, 0.5), figures.quantile(values, 0.99), figures.quantile(values, 1.0)) == (51, 100, 100)
    assert figures.quantile([], 0.5) == 0


def test_the_least_calls_are_counted_for_each_kind_of_call() -> None:
    calls: list[dict[str, Any]] = [{"method": "PATCH", "path": "/a", "rows": n} for n in (150, 60, 1)]
    assert figures.least(calls, 200) == 2
    assert figures.least([*calls, {"method": "POST", "path": "/a", "rows": 1}], 200) == 3
    assert figures.least([], 200) == 0


def test_a_goal_is_met_from_its_own_side() -> None:
    assert Goal("fast", 100, 100, "/s", least=True).met
    assert not Goal("fast", 99, 100, "/s", least=True).met
    assert Goal("soon", 40, 40, "ms").met
    assert not Goal("soon", 41, 40, "ms").met


def test_a_missed_goal_says_where_to_look() -> None:
    assert Goal("soon", 41, 40, "ms", hint="there").plain()["hint"] == "there"
    assert "hint" not in Goal("soon", 1, 40, "ms", hint="there").plain()


def found() -> dict[str, Any]:
    load = {"changes": 10, "per_s": 300.0, "calls": 3, "calls_least": 2, "calls_ratio": 1.5}
    return {
        "idle": {"few": 100, "many": 100_000, "look_ms": {"100": 0.8, "100000": 0.88}, "ratio": 1.1},
        "raw_per_s": {"1": 30_000.0, "2": 50_000.0},
        "decided_per_s": {"1": 1600.0, "2": 2000.0},
        "decided_to_raw": {"1": 0.053, "2": 0.04},
        "decided": {"fields": 40, "rules": 30},
        "end_to_end": {"0": load, "200": load | {"per_s": 200.0}},
        "latency_ms": {"p50": 30.0, "p99": 160.0},
        "stall": {"longest_s": 6.0},
        "memory": {"10000": {"rss_mb": 150.0, "uss_mb": 120.0}, "100000": {"rss_mb": 151.0, "uss_mb": 121.0}, "ratio": 1.007},
        "first_sync": {"people": 10, "seconds": 3.0},
        "backfilled": {
            "people": 100_000,
            "seconds": 400.0,
            "reading_s": 300.0,
            "per_s": 250.0,
            "read_calls": 1060,
            "read_least": 1050,
            "bulk_calls": 1700,
            "bulk_least": 1500,
            "calls_ratio": 1.08,
            "memory": {"ratio": 1.2, "ratios": {"edge": 1.2}},
            "handoff_ms": {"handoffs": 1000, "p50": 300.0, "p99": 1500.0},
        },
        "routed": {"rules": 100, "all_per_s": 2600.0, "indexed_per_s": 9000.0, "bare_per_s": 5200.0, "ratio": 0.5},
        "loaded": {"rules": 1000, "seconds": 0.8},
        "simulated": {
            "messages": 100,
            "per_core_and_playbook_per_s": 2100.0,
            "sample": {"leads": 250_000, "looked": 10_000, "seconds": 70.0, "cores": 2},
        },
        "refused": {"files": {"count": 15, "worst": "depth", "ms": 40.0}, "lines": {"count": 27, "worst": "9**9", "ms": 60.0}},
        "seconds": 200.0,
    }


def test_every_goal_of_the_table_is_told_with_its_outcome() -> None:
    met = {goal.name: goal.met for goal in figures.goals(found())}
    assert met == {
        "own latency at 50 changes/s, p50": True,
        "own latency at 50 changes/s, p99": False,
        "longest stall after kill -9": True,
        "decided changes/s, one worker": True,
        "decided changes/s, two workers": False,
        "written end to end at 200 ms": False,
        "calls against the least under load": False,
        "memory of a worker, many leads against few": True,
        "a look for due clocks, 100,000 open against 100": True,
        "calls of a backfill of 100,000 people, against the least": True,
        "memory in a backfill, at its end against a tenth": False,
        "hand-offs during a backfill, from the form to the owner in the CRM, p99": True,
        "leads through 100 rules, all asked": True,
        "leads through 100 rules, with the index": False,
        "all asked, against a bare loop of the same": False,
        "load and check of 1,000 rules": True,
        "simulated messages/s, per core and playbook": True,
        "simulate's sample of 250,000 leads": False,
        "worst of 15 hostile files": True,
        "worst of 27 hostile conditions": False,
    }


def test_without_a_terminal_it_reads_as_plain_lines() -> None:
    out = StringIO()
    screen.show(Console(file=out, width=120, highlight=False), found(), figures.goals(found()))
    text = out.getvalue()
    assert "\x1b" not in text
    assert "1,600 /s" in text
    assert "A look for due clocks: 0.80 ms among 100 open · 0.88 ms among 100,000 open" in text
    assert "11 of 20 goals met" in text
    assert "✘ calls against the least under load: batches that were sent before they were full" in text


def test_the_memory_of_a_backfill_is_compared_from_a_tenth_on() -> None:
    memory = Memory({})
    memory.seen = [
        (5, {"edge": 50.0}),
        (20, {"edge": 100.0, "backfill": 80.0}),
        (150, {"edge": 105.0, "backfill": 88.0}),
        (200, {"edge": 101.0}),
    ]
    found = memory.figures(200)
    assert found["tenth_mb"] == {"edge": 100.0, "backfill": 80.0}
    assert found["ratios"] == {"edge": 1.01, "backfill": 1.1}
    assert found["ratio"] == 1.1


def test_the_playbook_has_forty_fields_and_thirty_rules() -> None:
    loaded = book()
    assert len(loaded.fields) == playbook.FIELDS == 40
    assert playbook.rules() == playbook.RULES == 30
    conditions = [when for when in [*(line.when for line in loaded.fit), *(stage.when for stage in loaded.stages)] if when]
    assert len(conditions) + len(loaded.engagement) + len(loaded.routes) == playbook.RULES


@pytest.mark.parametrize("system", ["salesforce", "hubspot"])
def test_a_record_has_every_field(system: str) -> None:
    data = people.seen(3, system, AT).data
    assert isinstance(data, RecordChanged)
    assert set(data.fields) == set(book().mapped(system))


def test_every_edit_is_news_to_the_other_system() -> None:
    loaded, secret = book(), b"secret"
    lead = fill.pattern(loaded, secret, AT)
    users = {s: {u.id: VendorUser(s, u.id, u.email, True) for u in people.users(s)} for s in people.UNSET}
    refs = people.refs(people.PATTERN).values()
    facts = Facts(secret, {("ref", ref): lead.id for ref in refs}, {lead.id: lead}, users=users, read_fully=frozenset(people.UNSET))
    for turn in range(3):
        message = people.edit(people.PATTERN, turn, AT + timedelta(minutes=turn + 1))
        decision = decide(message, facts, loaded, int(message.time.timestamp() * 1000))
        assert decision.outcome == "applied"
        assert (lead.id, ("hubspot", "salesforce")[turn % 2], "hot") in decision.dirty
        decided = [line.data["fields"] for line in decision.lines if line.kind == "decided"]
        assert [set(fields) for fields in decided] == [{"title", "phone", "own_00"}]
        fold(facts, decision)


def test_the_copies_of_a_lead_differ_in_what_names_them() -> None:
    text = dump(fill.pattern(book(), b"secret", AT))
    for name in (people.email(people.PATTERN), *people.refs(people.PATTERN).values()):
        assert name in text


def test_the_rules_of_the_bench_are_what_their_figures_say() -> None:
    loaded = load_files(rules.files_with(rules.every_line, 100), 1)
    leads = rules.branches(loaded)[:3]
    for lead in leads:
        values = stage_values(lead, loaded, rules.NOW)
        assert [route.id for route in loaded.routes if route.when.holds(values)] == ["everyone-else"], "all 100 are asked"
    indexed = load_files(rules.files_with(rules.guarded, 100), 1)
    taken = []
    for lead in leads:
        looked: list[dict[str, Any]] = []
        route = find(stage_values(lead, indexed, rules.NOW), indexed.routes, looked)
        taken.append(route.id if route else None)
        assert len(looked) == 1, "the index leaves one to be asked"
    assert taken == ["route-0", "route-1", "route-2"]


def test_the_playbooks_own_figures_are_measured(tmp_path: Path) -> None:
    routed, loaded, refused = rules.routed(20), rules.loaded(20), rules.refused()
    assert min(routed["all_per_s"], routed["indexed_per_s"], routed["bare_per_s"], loaded["seconds"]) > 0
    assert routed["ratio"] == pytest.approx(routed["all_per_s"] / routed["bare_per_s"])
    assert refused["files"]["count"] == len(hostile.FILES)
    assert refused["lines"]["worst"] in {line[:40] for line in hostile.LINES}
    simulated = replayed.measure(tmp_path, 20, 30)
    assert (simulated["messages"], simulated["sample"]["looked"]) == (100, 30)
    assert list(tmp_path.iterdir()) == []


def test_the_least_calls_of_a_backfill_come_from_what_has_to_be_told_and_not_from_what_was_sent() -> None:
    who = spread(2_000, 100)
    assert {system: len(some) for system, some in who.items()} == {"hubspot": 1_905, "salesforce": 1_905}
    wanted = due(who, 100)
    assert [(one.update, one.create) for one in wanted.values()] == [(1_805, 95), (1_805, 95)]
    least = {system: one.least(system) for system, one in wanted.items()}
    assert least == {"hubspot": (19, 19 + 1), "salesforce": (1, 10 + 1)}
    read = {"hubspot": {"calls": 19}, "salesforce": {"calls": 1}}
    once, twice = ({"bulk": times * 31, "hot": 7, "normal": 9} for times in (1, 2))
    assert _calls(read, once, wanted)["calls_ratio"] == 1
    assert _calls(read, twice, wanted)["calls_ratio"] == (20 + 62) / 51, "who tells everything twice is not at the least"


def test_a_handoff_takes_from_the_form_until_sales_has_the_mql_with_an_owner() -> None:
    nothing: Any = None
    told = Handoffs(nothing, [])

    def row(second: int, client: str, ident: str, **after: object) -> dict[str, Any]:
        return {"at": (AT + timedelta(seconds=second)).isoformat(), "client": client, "id": ident, "after": after}

    told.hear([row(1, "form", "901", jobtitle="Head"), row(1, "truce", "902", jobtitle="Head")], [row(2, "truce", "00Q1", Title="Head")])
    assert (told.had, list(told.asked)) == ({}, ["901"])
    mql = {"Lifecycle_Stage__c": "MQL"}
    told.hear([], [row(3, "truce", "00Q1", **mql), row(3, "truce", "00Q2", **mql, OwnerId="005B"), row(4, "ana", "00Q2", OwnerId="005A")])
    told.hear([], [row(6, "truce", "00Q1", OwnerId="005B"), row(9, "truce", "00Q2", Title="Head")])
    assert [told.had[lead] - told.asked["901"] for lead in ("00Q1", "00Q2")] == [5, 2]

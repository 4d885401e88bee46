"""routing.yaml and team.yaml as the core sees them: what is inherited is written out, what is left out has its default."""

from __future__ import annotations

from pathlib import Path

from sync.playbook.loader import load_files
from sync.playbook.models import Absence, Caps, Playbook, Queue, Ramp, Route, Step

GOOD = {path.name: path.read_bytes() for path in (Path(__file__).parent / "good").glob("*.yaml")}
SLA = b"default: hot\nreasons: {no_fit: {label: No, then: reassign}}\nslas:\n" + b"".join(
    b"  %s: {accountable: ana@acme.example, legs: {accept: {within: 1h, then: [escalate]}}}\n" % name for name in (b"hot", b"slow")
)
ANA, BEN = "ana@acme.example", "ben@acme.example"


def routed(text: str) -> dict[str, Route]:
    last = f"  - id: last\n    assign: {{owner: {ANA}}}\n"
    found = load_files(GOOD | {"routing.yaml": f"routes:\n{text}{last}".encode(), "sla.yaml": SLA}).routes
    return {route.id: route for one in found for route in (one, *one.routes)}


def teamed(text: str) -> Playbook:
    return load_files(GOOD | {"team.yaml": text.encode()})


def test_a_finer_route_inherits_what_it_does_not_say() -> None:
    routes = routed(f"""
  - id: outer
    when: lead.country == 'DE'
    from: 2026-12-01
    until: 2026-12-31
    assign:
      pool: emea-ae
      by: weighted
      sticky: [account_owner, owner]
      skills: []
      language: account.industry
      memory: 3
      hold: {{until: has(lead.employees), at_most: 15m}}
      priority: hot
      sla: hot
    fallback: [{{pool: emea-ae}}, {{queue: {{name: emea, human: {BEN}}}}}, {{owner: {ANA}}}]
    routes:
      - {{id: same, when: lead.employees > 3}}
      - {{id: own-pool, when: lead.employees > 2, until: 2026-12-24, assign: {{pool: emea-ae}}}}
      - {{id: own-way, when: lead.employees > 1, assign: {{by: least_open, sticky: false, memory: 0, sla: slow}}, fallback: {{owner: {BEN}}}}}
""")
    outer, same, own_pool, own_way = (routes[name] for name in ("outer", "same", "own-pool", "own-way"))
    assert outer.assign.fallback == (Step(pool="emea-ae"), Step(queue=Queue("emea", BEN)), Step(owner=ANA))
    assert (outer.assign.by, outer.assign.sticky, outer.assign.memory) == ("weighted", ("account_owner", "owner"), 3)
    assert outer.assign.language == "account.industry"
    assert outer.assign.hold is not None
    assert (outer.assign.hold.at_most_s, outer.assign.hold.where.line, str(outer.assign.priority)) == (900, 14, "hot")
    assert (same.assign, same.since, same.until) == (outer.assign, "2026-12-01", "2026-12-31")
    assert (own_pool.assign.pool, own_pool.assign.by, own_pool.assign.sla) == ("emea-ae", None, "hot"), "`by` goes with the pool"
    assert (own_pool.since, own_pool.until) == ("2026-12-01", "2026-12-24")
    assert (own_way.assign.pool, own_way.assign.by, own_way.assign.sticky, own_way.assign.memory) == ("emea-ae", "least_open", (), 0)
    assert (own_way.assign.sla, own_way.assign.fallback) == ("slow", (Step(owner=BEN),))
    assert routes["last"].assign.fallback == (Step(owner=ANA),)


def test_people_have_their_own_times_or_the_team_s() -> None:
    book = teamed(f"""
timezone: Europe/Berlin
hours: {{mon-fri: 9:00-17:30, fri: 18:00-19:00}}
calendar: DE
reps:
  {ANA}:
    name: Ana
    deputy: {BEN}
    role: account executive
    reach: {{slack: U1, phone: +49 30 1}}
    timezone: America/New_York
    languages: [de, en]
    skills: [plc]
    caps: {{day: 8, week: 30, window: {{days: 30, leads: 90}}, open: 40}}
    ramp: {{since: 2026-11-01, weeks: 8}}
    away: [{{from: 2026-12-21, to: 2026-12-24, cover: {BEN}}}]
  {BEN}: {{name: Ben, hours: {{sat-mon: [13:00-17:00, 8:00-12:00]}}, calendar: none}}
pools:
  emea-ae:
    members: [{ANA}, {{rep: {BEN}, weight: 2}}]
    by: weighted
    each: {{day: 8}}
    total: {{day: 5}}
  short: [{BEN}]
""")
    ana, ben = book.reps[ANA], book.reps[BEN]
    assert ana.hours.days[1] == (("09:00", "17:30"),)
    assert ana.hours.days[5] == (("09:00", "17:30"), ("18:00", "19:00"))
    assert 6 not in ana.hours.days
    assert (ana.hours.timezone, ana.hours.calendar, ana.deputy, ana.role) == ("America/New_York", "DE", BEN, "account executive")
    assert ana.caps == Caps(8, 30, (30, 90), 40)
    assert ana.ramp == Ramp("2026-11-01", 8, 0.25)
    assert ana.away == (Absence("2026-12-21", "2026-12-24", BEN),)
    assert (ana.languages, ana.skills) == (frozenset({"de", "en"}), frozenset({"plc"}))
    assert sorted(ben.hours.days) == [1, 6, 7]
    assert ben.hours.days[7] == (("08:00", "12:00"), ("13:00", "17:00"))
    assert ben.hours.calendar == ""
    pool, short = book.pools["emea-ae"], book.pools["short"]
    assert (pool.members, pool.weights, pool.by) == ((ANA, BEN), {BEN: 2}, "weighted")
    assert (pool.caps, pool.total, short.by, short.weights) == (Caps(day=8), Caps(day=5), "round_robin", {})

"""What is kept of a minute changes no choice: it is the one that a playbook gives that was never asked before."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

from sync.lead import caps
from sync.lead.eligible import Team
from sync.lead.route import Choice, assign
from sync.playbook.models import Absence, Assign, Caps, Hours, Playbook, Pool, Ramp, Rep, Step, Where
from tests import factory
from tests.factory import ms

ANA, BEN, JOE, VERA = "ana@acme.example", "ben@acme.example", "joe@acme.example", "vera@acme.example"
HOUR, DAY = 3_600_000, 86_400_000
DAYS = dict.fromkeys(range(1, 6), (("08:00", "16:00"),))
MOMENTS = (ms(0), ms(0) + 61_000, ms(0) + 9 * HOUR, ms(0) + 3 * DAY, ms(0) + 32 * DAY, ms(0))
"""A Monday morning, the minute after, its evening; the days that ben is back and that everybody keeps; and the first again."""
TOWARDS: tuple[dict[str, Any], ...] = (
    {},
    {"had": (ANA, JOE)},
    {"said_no": frozenset({JOE})},
    {"said_no": frozenset({ANA, BEN, JOE})},
    {"given": {JOE: {JOE: {ms(0) // caps.QUARTER_MS: 8}}}},
)
ASKED = (
    Assign(pool="emea"),
    Assign(pool="emea", fallback=(Step(owner=VERA),)),
    Assign(pool="emea", memory=1, fallback=(Step(owner=VERA),)),
    Assign(pool="emea", by="weighted", skills=("demo",), fallback=(Step(pool="sdr"), Step(owner=VERA))),
    Assign(pool="emea", language="lead.language", fallback=(Step(owner=VERA),)),
)


def rep(email: str, **more: Any) -> Rep:
    return Rep(email, email.partition("@")[0].title(), Where("team.yaml", 3), **more)


def playbook(*, day: int | None) -> Playbook:
    """Give a playbook of people who differ: in hours, absences, ramps, skills, languages; joe may have a cap."""
    made, away = factory.playbook(), Absence("2026-11-20", "2026-11-25", cover=JOE)
    some = (
        rep(ANA, hours=Hours(days=DAYS, calendar="DE"), skills=frozenset({"demo"}), languages=frozenset({"de"})),
        rep(BEN, away=(away,), ramp=Ramp("2026-11-01", 8, 0.25), skills=frozenset({"demo"}), hours=Hours(calendar="DE")),
        rep(JOE, caps=Caps(day=day), hours=Hours(calendar="DE"), languages=frozenset({"en"})),
    )
    pool = Pool("emea", (ANA, BEN, JOE), Where("team.yaml", 20), weights={ANA: 2.0})
    return replace(made, reps=dict(made.reps) | {one.email: one for one in some}, pools={"emea": pool, "sdr": made.pools["sdr"]})


def told(book: Playbook, how: Assign, values: dict[str, str], team: dict[str, Any]) -> tuple[Any, ...]:
    choice = assign(Choice(None, None, []), how, values, Team(book, **team))
    turn = choice.turn
    return choice.owner, choice.how, choice.kind, choice.passed_over, choice.pools, choice.tally, turn and dict(turn.eligible)


def test_what_is_kept_of_a_minute_changes_no_choice() -> None:
    everybody = factory.users()
    fewer = {system: {i: replace(one, active=one.email != ANA) for i, one in some.items()} for system, some in everybody.items()}
    for day in (None, 8):
        kept = playbook(day=day)
        cases = list(product((everybody, fewer), MOMENTS, TOWARDS, ("de", "en"), ASKED))
        cases += sorted(cases, key=lambda case: MOMENTS.index(case[1]))  # the users change within a minute, too
        asked = [(how, {"language": language}, {"users": users, "now": now, **more}) for users, now, more, language, how in cases]
        answers = [told(kept, *one) for one in asked]
        assert answers == [told(replace(kept), *one) for one in asked]
        assert len(set(map(str, answers))) > 20

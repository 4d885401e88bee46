"""Laws 1, 4 to 7, 9, 10 and 13 over made-up input: nothing raises, nothing is lost, every word has its reason."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas.change import RecordChanged
from sync.lead import state
from sync.lead.canonical import Unfit, canonical
from sync.lead.decide import decide
from sync.lead.handoff import handing
from sync.playbook.models import System
from tests import factory
from tests.examples import examples
from tests.factory import HS, PEOPLE, SF
from tests.world import World

PLAYBOOK = factory.playbook()
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters(), max_size=30),
    st.sampled_from(["\x00", "\ud800", "x" * 70_000, "0000-00-00", "0001-01-01T00:00:00+14:00", "kim@", "@", "1e400", "NaN", "١٢٣"]),
)
moments = st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30), timezones=st.just(UTC))
names = st.sampled_from(sorted({f.systems[s].name for f in PLAYBOOK.fields.values() for s in f.systems}))


@examples(300)
@given(st.dictionaries(names, scalars, max_size=8), st.sampled_from([SF, HS, "unknown"]), moments, moments, st.booleans(), scalars)
def test_no_content_raises_or_vanishes(
    fields: dict[str, Any], system: str, at: datetime, received: datetime, complete: bool, email: Any
) -> None:
    data = RecordChanged.model_construct(
        ref=f"{system}:x:1",
        at=at,
        fields=fields,
        times={},
        complete=complete,
        read_at=at if complete else None,
        received_at=received,
        email=email if isinstance(email, str) else None,
        truce_id="not one",
        origin="unknown",
        bulk=False,
        created=False,
    )
    decision = decide(factory.envelope("truce.record.changed", data), factory.facts(), PLAYBOOK, factory.ms(0))
    assert decision.outcome in ("applied", "noop", "filtered", "parked")
    assert decision.outcome == "applied" or decision.reason
    for lead in decision.leads:
        assert state.load(state.dump(lead)) == lead
        for record in lead.records.values():
            assert all(0 <= seen.at <= factory.ms(0) + 10**15 for seen in record.fields.values())
    for note in decision.parked:
        assert note.field
        assert note.reason.startswith(note.field)
    by_name = {f.systems[system].name: f for f in PLAYBOOK.fields.values() if system in f.systems}
    if decision.leads and decision.leads[0].in_scope:
        told = {note.field for note in decision.parked}
        kept = set(decision.leads[0].records[data.ref].fields)
        assert all(name in told or by_name[name].name in kept for name in fields if name in by_name), "neither kept nor parked"


@given(st.sampled_from(sorted(PLAYBOOK.fields)), scalars)
def test_a_canonical_value_is_its_own_canonical_value(name: str, value: Any) -> None:
    shared = PLAYBOOK.fields[name]
    try:
        once = canonical(shared, value, country="US")
    except Unfit:
        return
    assert canonical(shared, once, country="US") == once


steps = st.lists(
    st.one_of(
        st.tuples(st.just("form"), st.integers(0, 4)),
        st.tuples(st.just("stage"), st.integers(0, 4), st.sampled_from([SF, HS]), st.sampled_from(["lead", "mql", "sql", "recycled"])),
        st.tuples(st.just("import"), st.integers(0, 4)),
        st.tuples(st.just("owner"), st.integers(0, 4), st.sampled_from([*PEOPLE.values(), "00GQUEUE"])),
        st.tuples(st.just("away"), st.sets(st.sampled_from(sorted(PEOPLE)))),
        st.tuples(st.just("out"), st.integers(0, 4), st.booleans()),
        st.tuples(st.just("rejudge"), st.integers(0, 4)),
    ),
    max_size=14,
)
SPELLED = {f: {s: m.to_vendor for s, m in PLAYBOOK.fields[f].systems.items()} for f in ("stage",)}


def play(world: World, step: tuple[Any, ...]) -> None:
    """Do one step and let everything come to rest."""
    ref = {s: f"{s}:{'Lead' if s == SF else 'contacts'}:{step[1]}" for s in (SF, HS)} if isinstance(step[1], int) else {}
    mail = f"p{step[1]}@x.example"
    match step:
        case ("form", n):
            world.waiting.append(factory.touch(f"f{len(world.decided)}-{n}", world.tick(), email=mail, name="demo"))
        case ("stage", n, system, stage):
            shown = {
                "Email" if system == SF else "email": mail,
                "Stage__c" if system == SF else "lifecyclestage": SPELLED["stage"][system][stage],
            }
            world.add(ref[system], shown) if ref[system] not in world.stores[system] else world.edit(ref[system], shown)
        case ("import", n):
            shown = {"email": mail, "lifecyclestage": "marketingqualifiedlead"}
            if ref[HS] in world.stores[HS]:
                world.edit(ref[HS], shown, bulk=True, origin="import")
            else:
                world.add(ref[HS], shown, bulk=True, origin="import")
        case ("owner", n, user) if ref[SF] in world.stores[SF]:
            world.edit(ref[SF], {"OwnerId": user})
        case ("away", people):
            world.facts.users = factory.users(*people)
        case ("out", n, value) if ref[SF] in world.stores[SF]:
            world.edit(ref[SF], {"HasOptedOutOfEmail": value})
        case ("rejudge", n):
            world.waiting += [factory.command("rejudge", world.now, lead_id=lead.id) for lead in world.leads()[n : n + 1]]
    world.settle()


@examples(80)
@given(steps)
def test_every_mql_has_somebody_or_a_problem_and_every_decision_a_rule(history: list[tuple[Any, ...]]) -> None:
    world = World()
    for step in history:
        play(world, step)
    stage = handing(PLAYBOOK)
    assert stage is not None
    problems: dict[tuple[str, str], bool] = {}
    for _, decision in world.decided:
        problems |= {(p.kind, p.key): p.open for p in decision.problems}
    for lead in world.leads():
        if lead.undecided is not None:
            assert problems["duplicate", lead.undecided]
            continue
        if lead.value("stage") == stage.id and lead.in_scope:
            owned = lead.value("owner") in PEOPLE
            asked = problems.get(("unrouted", lead.id)) or (lead.held and problems.get(("held", HS)))
            assert owned or asked, (lead.why, lead.held)
        if lead.value("stage") is not None:
            assert ".yaml:" in lead.why["stage"]["rule"]
            assert lead.why["stage"]["version"] == 1
        assert all(".yaml:" in held.rule for held in lead.desired.values())
        if lead.handoff is not None:
            assert lead.held is None
            assert lead.handoff.rule.startswith("routing.yaml:")


@examples(60)
@given(steps)
def test_an_opt_out_anywhere_ends_everywhere(history: list[tuple[Any, ...]]) -> None:
    world = World()
    opted: set[str] = set()
    for step in history:
        play(world, step)
        if step[0] == "out" and step[2] and f"{SF}:Lead:{step[1]}" in world.stores[SF]:
            opted.add(f"p{step[1]}@x.example")
    for system, mail, flag in ((SF, "Email", "HasOptedOutOfEmail"), (HS, "email", "hs_email_optout")):
        for row in world.stores[system].values():
            lead = world.lead(row.ref)
            if row.fields[mail] in opted and lead.undecided is None:
                assert row.fields.get(flag) is True


@examples(60)
@given(st.lists(st.tuples(st.sampled_from([SF, HS]), st.sampled_from(["delete", "edit", "sweep"])), max_size=8))
def test_what_was_deleted_is_not_made_again(history: list[tuple[str, str]]) -> None:
    world = World()
    refs = {SF: factory.LEAD, HS: factory.CONTACT}
    world.add(refs[SF], {"Email": "kim@x.example"})
    world.add(refs[HS], {"email": "kim@x.example"})
    world.settle()
    for n, (system, what) in enumerate(history):
        row = world.stores[system][refs[system]]
        if what == "delete" and row.there:
            row.there = False
            world.waiting.append(factory.deleted(refs[system], world.tick()))
        elif what == "edit" and row.there:
            world.edit(refs[system], {"Title" if system == SF else "jobtitle": f"t{n}"})
        world.settle()
        world.sweep()
    assert {s: len(store) for s, store in world.stores.items()} == {SF: 1, HS: 1}


@examples(40)
@given(steps, st.sampled_from([SF, HS]))
def test_an_observed_system_is_never_written(history: list[tuple[Any, ...]], quiet: str) -> None:
    systems = {
        name: System(name, s.vendor, s.side, "observe" if name == quiet else "write", s.creates) for name, s in PLAYBOOK.systems.items()
    }
    world = World(playbook=factory.playbook(systems=systems))
    for step in history:
        play(world, step)
    assert [write for write in world.writes if write[0] == quiet] == []


@examples(80)
@given(steps)
def test_bulk_hands_nobody_over_and_a_form_fill_is_never_held(history: list[tuple[Any, ...]]) -> None:
    world = World()
    for step in history:
        play(world, step)
    for message, decision in world.decided:
        if getattr(message.data, "bulk", False) or getattr(message.data, "origin", "") == "import":
            assert not [event for event in decision.events if event.type == "truce.handoff.offered"]
            assert {lane for _, _, lane in decision.dirty} <= {"bulk"}
        if message.type == "truce.touch.recorded":
            assert not [lead for lead in decision.leads if lead.held]
    assert all(lead.handoff is None for lead in world.leads() if lead.held)

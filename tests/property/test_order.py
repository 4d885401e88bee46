"""Any order of the messages about a person, doubled or not, ends in the same state (faults 8 and 9)."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas.envelope import Envelope
from sync.lead.identity import follow
from tests import factory
from tests.examples import examples
from tests.factory import HS, SF
from tests.world import World

MAIL = {SF: "Email", HS: "email"}
OPTED = {SF: "HasOptedOutOfEmail", HS: "hs_email_optout"}
TITLE = {SF: "Title", HS: "jobtitle"}
REFS = ["salesforce:Lead:1", "hubspot:contacts:1"]
SECOND = "hubspot:contacts:2"

values = st.fixed_dictionaries({}, optional={"title": st.sampled_from(["a", "b", "c", None]), "out": st.booleans()})
sights = st.tuples(st.just("sight"), st.sampled_from(REFS), values)
reads = st.tuples(
    st.just("read"), st.sampled_from(REFS), st.fixed_dictionaries({}, optional={"title": st.sampled_from(["a", "b", "c", None])})
)
touches = st.tuples(st.just("touch"), st.sampled_from([None, *REFS]), st.sampled_from([None, True, False]))
deletes = st.tuples(st.just("delete"), st.sampled_from(REFS), st.none())
events = st.lists(st.one_of(sights, reads, touches, deletes), min_size=2, max_size=7)


def message(place: int, event: tuple[Any, ...]) -> Envelope:
    """Give the event as a message; its time is its place."""
    kind, ref, what = event
    when = 10.0 * (place + 1)
    system = (ref or HS).partition(":")[0]
    if kind == "delete":
        return factory.deleted(ref, when)
    if kind == "touch":
        consent = {} if what is None else {"email": what}
        return factory.touch(f"t{place}", when, ref=ref, email="kim@x.example", name="newsletter", consent=consent)
    shown = {MAIL[system]: "kim@x.example"}
    shown |= {TITLE[system]: what["title"]} if "title" in what else {}
    shown |= {OPTED[system]: what["out"]} if "out" in what else {}
    if kind == "sight":
        return factory.changed(ref, when, shown, times=dict.fromkeys(shown, when))
    return factory.changed(ref, when, shown)


def ends(messages: list[Envelope]) -> object:
    """Deliver, and give what can be seen of the end."""
    world = World()
    world.now = 1000
    outcomes = [world.deliver(one).outcome for one in messages]
    assert len(outcomes) == len(messages)
    lead = follow(world.facts, world.facts.identities.get(("email", _key())))
    assert lead is not None
    shown = {name: held.value for name, held in lead.desired.items() if name not in ("stage", "engagement_score", "owner", "mql_date")}
    records = {ref: (r.gone, {n: o.value for n, o in r.fields.items()}) for ref, r in sorted(lead.records.items())}
    touched = sorted(touch.id for touch in lead.touches)
    consent = {kind: held.opted_out for kind, held in lead.consent.items()}
    return shown, records, touched, consent, lead.in_scope, len(world.leads())


def _key() -> str:
    from schemas.keys import keyed

    return keyed(factory.SECRET, "kim@x.example")


@examples(250)
@given(events, st.data())
def test_any_order_and_doubling_ends_the_same(history: list[tuple[Any, ...]], data: st.DataObject) -> None:
    messages = [message(place, event) for place, event in enumerate([("sight", REFS[0], {}), *history])]
    order = data.draw(st.permutations(messages))
    doubled = data.draw(st.lists(st.sampled_from(messages), max_size=3))
    assert ends([*order, *doubled]) == ends(messages)


def test_an_opt_out_that_came_before_two_leads_became_one_is_undone_by_no_earlier_word() -> None:
    sfdc, hubspot = REFS
    history = [
        *(("sight", sfdc, {}), ("delete", sfdc, None), ("sight", hubspot, {"out": True}), ("sight", sfdc, {})),
        *(("touch", None, True), ("touch", None, False)),
    ]
    messages = [message(place, event) for place, event in enumerate(history)]
    assert ends([messages[place] for place in (1, 2, 5, 3, 4, 0)]) == ends(messages)


@examples(100)
@given(events, st.data())
def test_a_suffix_told_again_changes_nothing(history: list[tuple[Any, ...]], data: st.DataObject) -> None:
    messages = [message(place, event) for place, event in enumerate([("sight", REFS[0], {}), *history])]
    back = data.draw(st.integers(0, len(messages)))
    world = World()
    world.now = 1000
    for one in messages:
        world.deliver(one)
    leads = {lead.id: (lead.claims, lead.desired, lead.consent) for lead in world.leads()}
    for one in messages[back:]:
        assert world.deliver(one).outcome in ("noop", "filtered")
    assert {lead.id: (lead.claims, lead.desired, lead.consent) for lead in world.leads()} == leads


@examples(100)
@given(st.permutations(range(4)))
def test_a_merge_and_a_delete_in_any_order(order: list[int]) -> None:
    messages = [
        factory.changed(REFS[1], 10, {"email": "kim@x.example", "jobtitle": "old"}),
        factory.merged(SECOND, REFS[1], seconds=20),
        factory.deleted(REFS[1], 20),
        factory.changed(SECOND, 20, {"email": "kim@x.example", "jobtitle": "new"}, complete=True),
    ]
    world = World()
    world.now = 1000
    for place in order:
        world.deliver(messages[place])
    leads = world.leads()
    assert len(leads) == 1, [lead.records for lead in leads]
    assert {ref: r.gone for ref, r in leads[0].records.items()} == {REFS[1]: "merged", SECOND: None}
    assert leads[0].value("title") == "new"
    assert leads[0].in_scope


MOMENT = 20.0
WITHIN = [
    factory.changed(REFS[0], MOMENT, {"Email": "kim@x.example", "Title": "new"}),
    factory.deleted(REFS[0], MOMENT),
    factory.snapshot(REFS[0], MOMENT, {"Email": "kim@x.example", "Title": "new"}, read=MOMENT + 0.5),
]
"""A record edited and deleted within one of the vendor's seconds, and read between."""
RESTORED = factory.deleted(REFS[0], MOMENT, "restored")
AFTER = factory.snapshot(REFS[0], MOMENT, {"Email": "kim@x.example", "Title": "new"}, read=MOMENT + 10)
"""It was restored within the same second, so that a read long after shows it as of that second."""


@examples(100)
@given(st.booleans(), st.booleans(), st.data())
def test_what_is_deleted_and_restored_in_one_moment_is_there_in_any_order(restored: bool, told: bool, data: st.DataObject) -> None:
    messages = [*WITHIN, *([AFTER] if restored else []), *([RESTORED] if restored and told else [])]
    order = data.draw(st.permutations([*messages, *data.draw(st.lists(st.sampled_from(messages), max_size=3))]))
    world = World()
    world.now = 1000
    world.deliver(factory.changed(REFS[0], 10, {"Email": "kim@x.example", "Title": "old"}))
    decided = [world.deliver(again(one)) for one in order]
    (lead,) = world.leads()
    assert lead.records[REFS[0]].gone == (None if restored else "deleted")
    assert lead.value("title") == "new"
    if restored:
        assert world.deliver(again(WITHIN[1])).outcome == "noop"
    elif order[-1] is WITHIN[2]:
        assert decided[-1].read_orders == {REFS[0]}, "sent so soon it says nothing of the deletion: another read will"


def again(message: Envelope) -> Envelope:
    """The same told once more under an id of its own, as by another way."""
    return factory.envelope(message.type, message.data)

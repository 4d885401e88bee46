"""Replaying recorded history: under the rules that were in force it gives what the core decided, and equal rules give no difference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from schemas import envelope
from schemas.envelope import Envelope
from sync.playbook.models import Playbook, Segment, Where
from sync.trial.glance import names
from sync.trial.history import Recorded, recorded
from sync.trial.persons import Persons
from sync.trial.replay import Replay, Replayed
from sync.trial.world import World as Side
from tests import factory
from tests.factory import CONTACT, HS, LEAD, SF, converted, deleted, merged, ms, touch
from tests.world import World


class Recording(World):
    """A world whose log is kept as history would have it."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.log: list[Recorded] = []

    def deliver(self, message: Envelope) -> Any:
        value, headers = envelope.write(message)
        self.log.append(recorded(len(self.log) + 1, ms(self.now), value, headers))
        return super().deliver(message)


def grouped(log: list[Recorded], *playbooks: Playbook) -> dict[int, list[Recorded]]:
    persons = Persons(names(*playbooks))
    for record in log:
        persons.take(record)
    assert persons.unusable == []
    found: dict[int, list[Recorded]] = {}
    for record in log:
        found.setdefault(persons.of_line(record.line), []).append(record)
    return found


def replay(world: Recording, candidate: Playbook | None = None) -> Replayed:
    other = candidate or world.playbook
    users = world.facts.users
    return Replay(Side(world.playbook, users), Side(other, users)).run(grouped(world.log, world.playbook, other))


def begin(**more: Any) -> Recording:
    world = Recording(**more)
    world.add(LEAD, {"Email": "kim@x.example", "LastName": "Larsen", "Country": "DE"}, bulk=True)
    world.add(CONTACT, {"email": "kim@x.example", "lastname": "Larsen"}, bulk=True)
    world.settle()
    return world


def act(world: World, activity: str, name: str = "demo", ref: str = CONTACT) -> None:
    world.waiting.append(touch(activity, world.tick(), name=name, ref=ref))


def demo(world: World) -> None:
    act(world, "a")
    world.settle()


def rep_goes_on(world: World) -> None:
    demo(world)
    world.edit(LEAD, {"Stage__c": "SAL", "OwnerId": "005J"})
    world.settle()
    world.sweep()


def two_people(world: World) -> None:
    world.add("hubspot:contacts:2", {"email": "lee@y.example", "country": "FR"})
    world.settle()
    act(world, "b", ref="hubspot:contacts:2")
    act(world, "c")
    world.settle()
    world.sweep()


def merge(world: World) -> None:
    demo(world)
    world.add("hubspot:contacts:3", {"email": "kim.l@x.example", "jobtitle": "Head"})
    world.settle()
    world.stores[HS]["hubspot:contacts:3"].there = False
    world.waiting.append(merged(CONTACT, "hubspot:contacts:3", seconds=world.tick()))
    world.settle()


def conversion(world: World) -> None:
    demo(world)
    world.waiting.append(converted(LEAD, "salesforce:Contact:003", world.tick(), opportunity="salesforce:Opportunity:006"))
    world.settle()


def deletion(world: World) -> None:
    demo(world)
    world.stores[SF][LEAD].there = False
    world.waiting.append(deleted(LEAD, world.tick()))
    world.settle()


def out_of_scope(world: World) -> None:
    demo(world)
    world.edit(CONTACT, {"country": "BR"})
    world.settle()


STORIES: list[Callable[[World], None]] = [demo, rep_goes_on, two_people, merge, conversion, deletion, out_of_scope]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_in_force_equals_what_the_core_decided(story: Callable[[World], None]) -> None:
    world = begin()
    story(world)
    found = replay(world)
    stood = {person.ref: (person.before.stage, person.before.owner) for person in found.people if person.before}
    assert stood == {(sorted(lead.records) or [lead.id])[0]: (lead.value("stage"), lead.value("owner")) for lead in world.leads()}


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_equal_playbooks_show_no_difference(story: Callable[[World], None]) -> None:
    world = begin()
    story(world)
    found = replay(world, replace(world.playbook, version=7))
    assert [person for person in found.people if person.before != person.after] == []
    assert [person.because for person in found.people if person.because] == []
    assert found.qualified[0] == found.qualified[1]
    assert [one.owner for one in found.given[0]] == [one.owner for one in found.given[1]]


def higher(playbook: Playbook) -> Playbook:
    rule = factory.when("lead.engagement >= 99", lambda v: v["engagement"] >= 99, "engagement", line=30)
    return replace(playbook, version=2, stages=tuple(replace(s, when=rule) if s.id == "mql" else s for s in playbook.stages))


def test_what_truce_wrote_is_no_act_under_other_rules() -> None:
    """Under the old rules MQL was written to both systems and came back; under the new ones nobody ever said MQL."""
    world = begin()
    demo(world)
    world.sweep()
    (person,) = replay(world, higher(world.playbook)).people
    assert person.before is not None
    assert person.after is not None
    assert (person.before.stage, person.after.stage) == ("mql", "lead")
    assert (person.before.owner, person.after.owner) == ("ana@acme.example", None)
    assert person.because is not None
    assert person.because.detail.startswith("test.yaml:30 lead.engagement >= 99")
    assert person.name == "kim@x.example", "a person reads of people, not of records"


def test_the_line_of_the_leads_own_segment_is_what_made_the_difference() -> None:
    def german(least: int) -> Playbook:
        rule = factory.when(f"lead.engagement >= {least}", lambda v: v["engagement"] >= least, "engagement", line=48)
        segment = factory.when("German", lambda v: v["country"] == "DE", "country")
        return factory.playbook(version=least, segments=(Segment("german", Where("lifecycle.yaml", 47), segment, {"mql": rule}),))

    world = begin(playbook=german(25))
    demo(world)
    (person,) = replay(world, german(70)).people
    assert (person.before and person.before.stage, person.after and person.after.stage) == ("mql", "lead")
    assert person.because is not None
    assert person.because.detail == "test.yaml:48 lead.engagement >= 70: ['engagement'] does not match", "the stage's own line lets it in"


def test_what_a_rep_did_counts_under_other_rules_too() -> None:
    world = begin()
    rep_goes_on(world)
    (person,) = replay(world, higher(world.playbook)).people
    assert person.after is not None
    assert (person.after.stage, person.after.owner) == ("sal", "joe@acme.example")


def test_a_rep_who_sets_back_what_truce_wrote_is_heard() -> None:
    world = begin()
    demo(world)
    world.edit(LEAD, {"Stage__c": "SAL"})
    world.settle()
    world.edit(LEAD, {"Stage__c": "RECYCLED"})
    world.settle()
    (person,) = replay(world, higher(world.playbook)).people
    assert person.after is not None
    assert person.after.stage == "recycled"


def test_messages_of_one_person_come_together_over_every_key() -> None:
    world = begin()
    two_people(world)
    assert len({n for n in grouped(world.log, world.playbook) if n >= 0}) == 2


def test_an_unreadable_message_is_told_with_its_line() -> None:
    world = begin()
    demo(world)
    broken = world.log[2]._replace(value=b'{"ref": "salesforce:Lead:00Q1", "at": "yesterday"}')
    world.log[2] = broken
    found = replay(world)
    assert [line for line, _ in found.unusable] == [3]
    assert len(found.people) == 1


def test_clocks_run_between_messages_and_stop_where_the_history_ends() -> None:
    """A demo is worth 60; under the candidate an MQL falls back below 40 after half a month and more, with no message of its own."""
    fading = replace(factory.playbook(), stages=tuple(replace(s, exit=EXIT) if s.id == "mql" else s for s in factory.stages()))
    world = begin()
    demo(world)
    world.add("hubspot:contacts:9", {"email": "lee@y.example", "country": "FR"})
    world.settle()
    for days, stands in ((10, "mql"), (10, "lead")):  # of somebody else: history goes on
        world.tick(days * 86_400)
        world.edit("hubspot:contacts:9", {"jobtitle": f"after {days} {stands}"})
        world.settle()
        found = replay(world, fading)
        (kim,) = [one for one in found.people if one.ref == CONTACT]
        assert (kim.before and kim.before.stage, kim.after and kim.after.stage) == ("mql", stands)
        alone = {n: some for n, some in grouped(world.log, world.playbook).items() if some[0].line == 1}
        apart = Replay(Side(world.playbook, world.facts.users), Side(fading, world.facts.users), world.log[-1].at).run(alone)
        assert [one for one in apart.people if one.ref == CONTACT] == [kim], "others' messages make no difference"


EXIT = factory.when("lead.engagement < 40", lambda v: v["engagement"] < 40, "engagement")

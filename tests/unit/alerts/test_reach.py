"""Who is told: people by what they are to the lead, through what reaches them, and never nobody."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sync.alerts.grouping import node, place
from sync.alerts.reach import Target, anybody, handed_on, targets, without
from sync.playbook import loader
from sync.playbook.models import Playbook
from sync.playbook.models.alerts import Medium

READY: dict[str, Medium] = {"sales-leads": "slack", "managers": "slack", "mail": "email", "on-call": "apprise"}


@pytest.fixture(scope="module")
def playbook() -> Playbook:
    return loader.load(Path("deploy/playbook"))


def test_a_hot_lead_goes_to_owner_manager_and_the_channel(playbook: Playbook) -> None:
    group = place(playbook.alerts, {"kind": "not_accepted", "owner": "lea@acme.example", "system": None, "labels": {"priority": "hot"}})
    route = node(playbook.alerts, group.route)
    assert route is not None
    assert route.id == "hot-leads"
    assert targets(playbook, route, ["lea@acme.example"], READY) == (
        Target("sales-leads", "U024BE7LH", "owner", "lea@acme.example"),
        Target("sales-leads", "maria@acme.example", "manager", "maria@acme.example"),
        Target("sales-leads"),
    )


def test_where_there_is_no_owner_who_answers_for_it_is_told(playbook: Playbook) -> None:
    route = node(playbook.alerts, "late-leads")
    assert route is not None
    assert targets(playbook, route, [], {"mail": "email"}) == (Target("mail", route.accountable, "owner", route.accountable),)


def test_whom_nothing_reaches_the_roots_channels_are_told_for(playbook: Playbook) -> None:
    route = node(playbook.alerts, "late-leads")
    assert route is not None
    assert targets(playbook, route, ["ana@acme.example"], {"on-call": "apprise"}) == (Target("managers"),)


def test_whom_nothing_reaches_and_whose_root_is_not_set_up_the_first_channel_is_told_for(playbook: Playbook) -> None:
    root = playbook.alerts.root
    assert root is not None
    ended = replace(playbook.alerts.channels["mail"], next=None)
    alone = replace(playbook, alerts=replace(playbook.alerts, channels={**playbook.alerts.channels, "mail": ended}))
    only: dict[str, Medium] = {"on-call": "apprise"}
    assert targets(alone, root, ["ana@acme.example"], only) == anybody(alone, only) == (Target("on-call"),)


def test_a_channel_that_is_broken_is_told_of_by_the_next(playbook: Playbook) -> None:
    assert handed_on(playbook, Target("managers"), READY) == Target("mail", None)
    assert without(playbook, [Target("managers"), Target("on-call")], ["managers", "mail"], READY) == (Target("on-call"),)
    assert without(playbook, [Target("on-call")], ["on-call"], READY) == (Target("on-call"),)


def test_a_channel_that_is_not_set_up_is_nobodys_next_so_that_what_is_to_be_said_waits_where_it_can_be(playbook: Playbook) -> None:
    here: dict[str, Medium] = {"sales-leads": "slack", "managers": "slack", "on-call": "apprise"}
    assert handed_on(playbook, Target("managers"), here) == Target("on-call", None)
    only: dict[str, Medium] = {"sales-leads": "slack", "managers": "slack"}
    assert handed_on(playbook, Target("sales-leads", "lea@acme.example", "owner", "lea@acme.example"), only) is None
    assert without(playbook, [Target("managers")], ["managers"], only) == (Target("managers"),)


def test_a_channel_that_nobody_set_up_gets_nothing_where_another_is_told_too(playbook: Playbook) -> None:
    route = node(playbook.alerts, "systems")
    assert route is not None
    assert targets(playbook, route, [], READY) == (Target("on-call"), Target("managers"))
    assert targets(playbook, route, [], {"managers": "slack"}) == (Target("managers"),)


def test_problems_with_the_same_owner_system_and_cause_are_one_group(playbook: Playbook) -> None:
    row: dict[str, object] = {"kind": "write_refused", "owner": None, "system": "salesforce", "labels": {}}
    assert place(playbook.alerts, row).id == place(playbook.alerts, {**row, "labels": {"segment": "x"}}).id
    assert place(playbook.alerts, row).id != place(playbook.alerts, {**row, "system": "hubspot"}).id
    assert place(replace(playbook.alerts, root=None), row).route == "root"

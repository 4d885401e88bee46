"""The dialogs: the reasons of sla.yaml, who may be given a lead, and what is asked for once more."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.emulator.slack.blocks import view_problems
from sync.alerts.slack import modals
from tests.unit.slack.kim import ANA, HANDOFF, book

ABOUT = f"{HANDOFF}:1"


def filled(view: dict[str, Any], **given: str) -> modals.Wanted:
    values: dict[str, Any] = {name: {name: {"value": text}} for name, text in given.items() if name == modals.COMMENT}
    values |= {name: {name: {"selected_option": {"value": text}}} for name, text in given.items() if name != modals.COMMENT}
    return modals.wanted({**view, "state": {"values": values}})


def test_every_reason_of_the_playbook_can_be_chosen() -> None:
    view = modals.reject(book(), ABOUT, "https://hooks.slack.example/1")
    assert view_problems(view) == []
    options = view["blocks"][0]["element"]["options"]
    assert [one["value"] for one in options] == list(book().slas.reasons)
    asked = filled(view, reason="no_fit", comment="a reseller")
    assert asked == ("reject", ABOUT, "https://hooks.slack.example/1", "no_fit", "a reseller", "")
    assert modals.faults(asked, book()) == {}


@pytest.mark.parametrize(("given", "place"), [({"reason": "no_fit"}, "comment"), ({"reason": "gone"}, "reason"), ({}, "reason")])
def test_a_reason_that_needs_a_sentence_asks_for_it(given: dict[str, str], place: str) -> None:
    assert list(modals.faults(filled(modals.reject(book(), ABOUT), **given), book())) == [place]


def test_a_comment_that_is_too_long_is_told_so_instead_of_being_cut() -> None:
    for view in (modals.reject(book(), ABOUT), modals.give(book(), ABOUT)):
        found = modals.faults(filled(view, reason="no_fit", to="ben@acme.example", comment="x" * 1_001), book())
        assert found == {"comment": "At most 1,000 characters, this has 1,001: make it 1 shorter."}


def test_a_lead_is_given_to_a_pool_or_to_somebody_else() -> None:
    view = modals.give(book(), ABOUT, without=ANA)
    assert view_problems(view) == []
    options = [one["value"] for one in view["blocks"][0]["element"]["options"]]
    assert "pool:emea-ae" in options
    assert "ben@acme.example" in options
    assert ANA not in options
    assert modals.faults(filled(view, to="ben@acme.example"), book()) == {}
    assert list(modals.faults(filled(view, to="nobody@acme.example"), book())) == ["to"]


def test_why_is_shown_in_a_dialog_of_its_own() -> None:
    assert view_problems(modals.why(["Why Ana?  routing.yaml:14 <!channel>", ""])) == []
    assert view_problems(modals.why([])) == []


def test_a_dialog_that_nobody_filled_in_is_read_as_empty() -> None:
    assert modals.wanted({}) == ("", "", "", "", "", "")
    assert modals.wanted({"state": 7, "callback_id": None}) == ("", "", "", "", "", "")
    assert modals.wanted({"state": {"values": {"reason": None}}, "private_metadata": None}) == ("", "", "", "", "", "")

"""What stands after `/truce`, as people type it and as Slack hands it over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.alerts.slack.asked import Home, Odd, Pressed, SentOff, about, interactive, typed
from sync.alerts.slack.slash import HELP, About, Away, Back, Look, Unclear, parse
from tests.examples import examples

NOW = datetime(2026, 11, 23, 9, 21, tzinfo=UTC)

TYPED: dict[str, object] = {
    "away until Mon cover ben@acme.example": Away(until="Mon", cover="ben@acme.example"),
    "away until Mon cover <mailto:ben@acme.example|ben@acme.example>": Away(until="Mon", cover="ben@acme.example"),
    "AWAY  Mon   cover <@U0000BEN|ben>": Away(until="Mon", cover="@U0000BEN"),
    "away from 3 Dec until 10 Dec because training in Oslo": Away("3 Dec", "10 Dec", "", "training in Oslo"),
    "away": Away(),
    "away for ben@acme.example until Mon": Away(until="Mon", who="ben@acme.example"),
    "back": Back(),
    "back for <@U0000BEN|ben>": Back("@U0000BEN"),
    "why kim.larsen@<http://nordwind.example|nordwind.example>": About("why", "kim.larsen@nordwind.example"),
    "accept kim@nordwind.example": About("accept", "kim@nordwind.example"),
    "reject kim@nordwind.example no_fit a reseller": About("reject", "kim@nordwind.example", "no_fit", "a reseller"),
    "reject kim@nordwind.example": About("reject", "kim@nordwind.example"),
    "give kim@nordwind.example to ben@acme.example knows them": About("give", "kim@nordwind.example", "ben@acme.example", "knows them"),
    "reassign kim@nordwind.example @U0000BEN": About("give", "kim@nordwind.example", "@U0000BEN"),
    "note kim@nordwind.example called, no answer": About("note", "kim@nordwind.example", comment="called, no answer"),
    "hold kim@nordwind.example until Fri": About("hold", "kim@nordwind.example", until="Fri"),
    "snooze kim@nordwind.example until 14:30": About("snooze", "kim@nordwind.example", until="14:30"),
    "mine": Look("mine"),
    "open": Look("mine"),
    "Team": Look("team"),
    "help": Unclear(HELP),
    "": Unclear(HELP),
}


@pytest.mark.parametrize("text", TYPED)
def test_it_is_read_as_people_type_it(text: str) -> None:
    assert parse(text) == TYPED[text]


@pytest.mark.parametrize("text", ["awya", "away until", "away until Mon until Tue", "away cover", "why", "give kim@x.example", "mine now", "note kim@x.example", "hold x", "snooze x", "back now"])  # fmt: skip
def test_who_mistypes_is_told_what_to_type(text: str) -> None:
    found = parse(text)
    assert isinstance(found, Unclear)
    assert "/truce" in " ".join(found.lines)


@pytest.mark.parametrize(("text", "says"), [("acept x", "Did you mean /truce accept?"), ("mine now", "/truce mine stands alone, without “now”."), ("back tomorrow", "/truce back stands alone, without “tomorrow”; “for ben@…” speaks")])  # fmt: skip
def test_what_was_probably_meant_is_said(text: str, says: str) -> None:
    found = parse(text)
    assert isinstance(found, Unclear)
    assert says in found.lines[0]


@given(st.text(max_size=200))
@examples(200)
def test_nothing_typed_is_too_odd(text: str) -> None:
    assert parse(text) is not None


def press(**more: Any) -> dict[str, Any]:
    action = {"action_id": "accept", "value": "h-1:2", "action_ts": str(NOW.timestamp() - 5)} | more.pop("action", {})
    return {
        "type": "block_actions",
        "user": {"id": "U1"},
        "actions": [action],
        "response_url": "https://x.example/r",
        "trigger_id": "t",
        **more,
    }


def test_a_press_is_read_with_slacks_own_time() -> None:
    assert interactive(press(), NOW) == Pressed("accept", "h-1:2", "U1", NOW - timedelta(seconds=5), "https://x.example/r", "t")


@pytest.mark.parametrize("stamp", [None, "", "soon", "9" * 40, "-1", "nan", "inf", [], str(NOW.timestamp() + 60)])
def test_a_time_that_cannot_be_is_the_time_of_receipt(stamp: Any) -> None:
    found = interactive(press(action={"action_ts": stamp}), NOW)
    assert isinstance(found, Pressed)
    assert found.at == NOW


def test_what_asks_for_nothing_is_nothing() -> None:
    assert interactive(press(action={"action_id": "link-0"}), NOW) is None
    assert interactive({"type": "view_closed", "user": {"id": "U1"}}, NOW) is None


@pytest.mark.parametrize(
    "payload",
    [None, [], "x", {}, {"type": "block_actions"}, press(user=None), press(actions=[]), press(actions=[1]), press(actions={}), press(action={"action_id": 7}), press(type="shortcut")],
)  # fmt: skip
def test_an_odd_payload_is_named_as_one(payload: object) -> None:
    with pytest.raises(Odd):
        interactive(payload, NOW)


def test_a_call_says_from_which_workspace_it_comes_and_of_which_command() -> None:
    found = interactive(press(team={"id": "T1"}, enterprise=None), NOW)
    assert found is not None
    assert found.home == Home("T1")
    grid = interactive({"type": "view_submission", "user": {"id": "U1"}, "team": None, "enterprise": {"id": "E1"}, "view": {}}, NOW)
    assert grid is not None
    assert grid.home == Home("", "E1")
    said = typed({"user_id": "U1", "team_id": "T1", "command": "/truce"}, NOW)
    assert (said.home, said.command) == (Home("T1"), "/truce")


def test_a_dialog_and_a_command_are_read_however_little_they_say() -> None:
    assert interactive({"type": "view_submission", "user": {"id": "U1"}, "view": 7}, NOW) == SentOff("U1", NOW, {}, "")
    assert typed({"user_id": "U1"}, NOW).text == ""
    with pytest.raises(Odd):
        typed({"text": "back"}, NOW)


@pytest.mark.parametrize(("value", "meant"), [("h:2", ("h", 2)), ("h", ("h", None)), ("h:x", ("h", None)), ("h:²", ("h", None)), ("h:" + "9" * 9, ("h", None)), ("", ("", None))])  # fmt: skip
def test_a_buttons_value_names_hand_off_and_offer(value: str, meant: tuple[str, int | None]) -> None:
    assert about(value) == meant

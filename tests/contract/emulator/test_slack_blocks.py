"""Blocks are refused where Slack's reference says so: too long, too many, of the wrong kind, there twice."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.emulator.slack.blocks import problems, view_problems
from connectors.emulator.slack.texts import shown
from tests.contract.emulator.slack_play import button


def plain(text: str = "x") -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str = "x") -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text}


def select(count: int = 1, **more: Any) -> dict[str, Any]:
    options = [{"text": plain(str(n)), "value": str(n)} for n in range(count)]
    return {"type": "static_select", "action_id": "s", "options": options, **more}


GOOD = [
    {"type": "section", "text": mrkdwn("x" * 3000)},
    {"type": "section", "fields": [mrkdwn("x" * 2000)] * 10, "accessory": select(100)},
    {"type": "header", "text": plain("x" * 150)},
    {"type": "context", "elements": [mrkdwn()] * 10},
    {"type": "actions", "elements": [button(f"a{n}", "v" * 2000) for n in range(25)]},
    {"type": "divider"},
]
BAD: dict[str, dict[str, Any]] = {
    "text too long": {"type": "section", "text": mrkdwn("x" * 3001)},
    "text empty": {"type": "section", "text": mrkdwn("")},
    "no text": {"type": "section"},
    "eleven fields": {"type": "section", "fields": [mrkdwn()] * 11},
    "header too long": {"type": "header", "text": plain("x" * 151)},
    "header in mrkdwn": {"type": "header", "text": mrkdwn()},
    "eleven in a context": {"type": "context", "elements": [mrkdwn()] * 11},
    "26 buttons": {"type": "actions", "elements": [button(f"a{n}") for n in range(26)]},
    "no buttons": {"type": "actions", "elements": []},
    "a button's text in mrkdwn": {"type": "actions", "elements": [button() | {"text": mrkdwn()}]},
    "a button's text too long": {"type": "actions", "elements": [button() | {"text": plain("x" * 76)}]},
    "a button's value too long": {"type": "actions", "elements": [button("a", "x" * 2001)]},
    "an odd style": {"type": "actions", "elements": [button() | {"style": "loud"}]},
    "an odd key": {"type": "actions", "elements": [button() | {"onclick": "x"}]},
    "an address that is none": {"type": "actions", "elements": [button() | {"url": "javascript:alert(1)"}]},
    "101 options": {"type": "actions", "elements": [select(101)]},
    "an option twice": {"type": "actions", "elements": [select() | {"options": select()["options"] * 2}]},
    "an unknown block": {"type": "video"},
    "an input in a message": {"type": "input", "label": plain(), "element": {"type": "plain_text_input"}},
    "a long block id": {"type": "divider", "block_id": "x" * 256},
}


def test_what_keeps_to_the_reference_is_taken() -> None:
    assert problems(GOOD, "message") == []
    assert problems(GOOD * 8 + GOOD[:2], "message") == []


@pytest.mark.parametrize("what", BAD)
def test_what_does_not_is_refused_and_named(what: str) -> None:
    (line,) = problems([BAD[what]], "message")
    assert line.startswith("[ERROR]")
    assert "json-pointer:/blocks/0" in line


def test_51_blocks_and_what_stands_twice_are_refused() -> None:
    assert problems([{"type": "divider"}] * 51, "message")
    assert problems([{"type": "divider", "block_id": "b"}] * 2, "message")
    assert problems([{"type": "actions", "elements": [button("a"), button("a")]}], "message")
    assert problems("no list", "message")


def test_a_modal_has_its_own_limits() -> None:
    view = {"type": "modal", "title": plain("x" * 24), "submit": plain(), "close": plain(), "private_metadata": "x" * 3000}
    ask = {"type": "input", "label": plain(), "element": {"type": "plain_text_input", "action_id": "t", "max_length": 3000}}
    assert view_problems({**view, "blocks": [ask] * 100}) == []
    wrong: list[dict[str, Any]] = [{"title": plain("x" * 25)}, {"private_metadata": "x" * 3001}, {"type": "home"}, {"blocks": [ask] * 101}]
    for more in wrong:
        assert view_problems({**view, "blocks": [ask], **more}), more
    without = {name: value for name, value in view.items() if name != "submit"}
    assert view_problems({**without, "blocks": [ask]})


def test_what_mrkdwn_makes_of_a_text_is_known() -> None:
    assert shown("<!channel> *bold* <@U1> _i_ `c` ~s~ <https://x.example|there>") == [
        ("broadcast", "channel"),
        ("user", "U1"),
        ("link", "https://x.example"),
        ("bold", "bold"),
        ("italic", "i"),
        ("code", "c"),
        ("strike", "s"),
    ]
    assert shown("&lt;!channel&gt; 2 * 3 * 4, a_b_c, 5 ~ 6") == []

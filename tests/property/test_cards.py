"""Whatever a company, a person or a page is called: Slack takes the card, calls nobody, and makes nothing of it but words."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from connectors.emulator.slack.blocks import problems, view_problems
from connectors.emulator.slack.texts import called, mrkdwns, shown
from sync.alerts.channel import Action, Link, Message
from sync.alerts.slack import modals
from sync.alerts.slack.blocks import answer, card_blocks, card_text, message_blocks, message_text
from tests.examples import examples
from tests.unit.slack.kim import ANA, told

NASTY = (
    "<!channel>", "<@U0000ANA>", "*bold*", "_i_ ~s~ `c`", "<script>alert(1)</script>", "a\r\nb", "\x1b[31mred", "&lt;!here&gt;", "<https://evil.example|Accept>",
    ":tada:", "> quoted", "\u202egpj", "\x00", "x" * 5_000, "", " ", "\ud800",
)  # fmt: skip
names = st.one_of(st.sampled_from(NASTY), st.text(max_size=80), st.text(alphabet="<>&!@#|*_~`: \n\u200b", max_size=30))


def harmless(text: str, blocks: list[dict[str, Any]]) -> None:
    assert problems(blocks, "message") == []
    assert mrkdwns(blocks) == [], "nothing of ours is read as mrkdwn"
    assert called({"text": text, "blocks": blocks}) == []
    assert not [what for kind, what in shown(text) if kind in ("broadcast", "user", "channel")]
    assert "<" not in text
    assert len(text) <= 12_100


@given(
    names, names, names, names, st.sampled_from(["offered", "warned", "escalated", "accepted", "rejected", "moved"]), st.sampled_from(["owner", "channel", "manager"])
)  # fmt: skip
@example("<!channel>", "<@U1>", "*x*", "<!here>", "offered", "owner")
@examples(150)
def test_no_card_calls_anybody(company: str, person: str, page: str, how: str, kind: str, reader: Any) -> None:
    card = told(
        kind,
        reader=reader,
        values={"company": company, "last_name": person, "title": page, "country": how},
        touches=[{"system": "hubspot", "id": "1", "kind": "form", "name": page, "at": 1}],
        why={"owner": {"owner": ANA, "rule": how, "how": company}},
        data={"reason": how, "to": person, "owner": person, "by": company},
    )
    harmless(card_text(card), card_blocks(card))


@given(names, names, names)
@examples(100)
def test_no_message_and_no_answer_does(title: str, line: str, url: str) -> None:
    message = Message(title, (line,), (Link(title, url),), (Action("assign", title, url), Action("snooze", line, "7")))
    harmless(message_text(message), message_blocks(message))
    told_to = answer([title, line])
    harmless(told_to["text"], told_to["blocks"])
    assert view_problems(modals.why([title, line])) == []

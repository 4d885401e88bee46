"""The Slack channel against the emulated Slack: sent once, found again by its key, changed in place, never faster than Slack takes it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.emulator.faults import Fault
from sync.alerts.channel import Message, Outlet, Refused
from sync.alerts.slack import SlackChannel, channel, open_channel
from sync.alerts.slack.channel import Pace
from sync.alerts.slack.client import API, takes
from tests.contract.emulator.slack_play import ANA, ROOM, Play, playing
from tests.unit.slack.kim import ms, told

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
async def play() -> AsyncIterator[Play]:
    async with playing(unlimited=True) as found:
        yield found


def outlet(play: Play, **more: Any) -> Outlet:
    given: dict[str, Any] = {"address": ROOM, "url": f"{play.url}/api/", "secrets": {"token": "emulated-bot-token"}} | more
    return Outlet("sales-leads", "slack", **given)


def of(play: Play, **more: Any) -> SlackChannel:
    return SlackChannel(outlet(play, **more), pace=Pace(_ticking()))


def _ticking() -> Callable[[], float]:
    """A clock on which two seconds go by between any two looks."""
    time = [0.0]

    def now() -> float:
        time[0] += 2.0
        return time[0]

    return now


async def test_a_card_goes_to_its_owner_alone_and_changes_in_place_when_it_is_over(play: Play) -> None:
    slack = of(play)
    sent = await slack.send(Message("x", card=told(), to="ana@acme.example"), key="n-1")
    room, _, ts = sent.ref.partition(":")
    assert play.slack.space.members[room] == ANA
    assert [one["action_id"] for one in play.slack.messages(room)[0].blocks[-1]["elements"]] == [
        "accept",
        "reject",
        "reassign",
        "remind_later",
        "link-0",
        "why",
    ]
    over = told("accepted", now=ms(9, 21))
    assert await slack.update(sent, Message("x", card=over, to=ANA)) == sent
    (message,) = play.slack.messages(room)
    assert (message.ts, "accept" in str(message.blocks[-1])) == (ts, False)
    assert over.state in str(message.blocks)


async def test_after_a_kill_it_is_looked_up_before_it_is_sent_again(play: Play) -> None:
    slack, message = of(play), Message("3 leads not accepted")
    play.slack.faults.add(Fault(kind="drop_answer", path="chat.postMessage"))
    with pytest.raises(Refused) as broken:
        await slack.send(message, key="n-1")
    assert broken.value.unsure
    found = await of(play).find(message, key="n-1", since=LONG_AGO)
    assert found is not None
    assert found.ref == f"{ROOM}:{play.slack.messages(ROOM)[0].ts}"
    assert await slack.find(message, key="n-2", since=LONG_AGO) is None
    assert await slack.find(message, key="n-1", since=datetime.now(UTC) + timedelta(hours=1)) is None


async def test_it_is_looked_for_page_by_page(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "PAGE", 2)
    slack = of(play)
    for n in range(5):
        await slack.send(Message(str(n)), key=f"n-{n}")
    assert await slack.find(Message(""), key="n-0", since=LONG_AGO) is not None
    monkeypatch.setattr(channel, "PAGES", 2)
    with pytest.raises(Refused, match="too much"):
        await slack.find(Message(""), key="n-0", since=LONG_AGO)


async def test_what_slack_asks_to_wait_is_waited() -> None:
    time, clock = [1_000.0], [0.0]
    async with playing(strict=True, clock=lambda: time[0]) as play:
        slack = SlackChannel(outlet(play), pace=Pace(lambda: clock[0]))
        play.slack.faults.add(Fault(kind="quota", path="chat.postMessage", seconds=30))
        with pytest.raises(Refused) as refused:
            await slack.send(Message("one"), key="1")
        assert refused.value.retry_after == 30.0
        with pytest.raises(Refused) as again:
            await slack.send(Message("one"), key="1")
        assert again.value.retry_after == 30.0
        assert len(play.slack.journal.calls) == 1, "it is not even asked before its time"
        clock[0] += 31
        await slack.send(Message("one"), key="1")


def test_a_channel_has_one_message_a_second_and_the_line_is_short() -> None:
    pace = Pace(lambda: 100.0)
    assert [pace.slot("C1") for _ in range(4)] == [0.0, 1.0, 2.0, 3.0]
    with pytest.raises(Refused) as refused:
        pace.slot("C1")
    assert refused.value.retry_after == 4.0
    assert pace.slot("C2") == 0.0


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"secrets": {"token": "wrong"}}, "invalid_auth"),
        ({"address": "C0NOWHERE"}, "channel_not_found"),
        ({"address": ""}, "env/<name>.yaml"),
    ],
)
async def test_what_trying_again_does_not_mend_says_what_to_do(play: Play, more: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused, match=words) as refused:
        await of(play, **more).send(Message("x"), key="1")
    assert refused.value.permanent


@pytest.mark.parametrize(
    ("fault", "unsure"),
    [(Fault(kind="status", status=500, body="oops"), True), (Fault(kind="status", status=503, body='{"ok": false}'), True), (Fault(kind="invalid_json"), True)],
)  # fmt: skip
async def test_what_may_have_arrived_is_said_to_be_unsure(play: Play, fault: Fault, unsure: bool) -> None:
    play.slack.faults.add(fault)
    with pytest.raises(Refused) as refused:
        await of(play).send(Message("x"), key="1")
    assert (refused.value.unsure, refused.value.permanent) == (unsure, False)


@pytest.mark.parametrize(
    ("url", "taken"),
    [
        ("https://hooks.slack.com/actions/T1/2/x", True),
        ("https://hooks.slack-gov.com/commands/T1/2/x", True),
        ("https://slack.com/x", True),
        ("http://hooks.slack.com/actions/T1", False),
        ("https://hooks.slack.com.evil.example/x", False),
        ("https://hooks.slack.com@evil.example/x", False),
        ("https://hooks.slack.com:8443/x", False),
        ("https://evil.example\\@hooks.slack.com/x", False),
        ("https://hooks.slack.com", False),
        ("http://169.254.169.254/latest", False),
        ("file:///etc/passwd", False),
        ("", False),
    ],
)
def test_who_pressed_is_answered_at_slack_alone(url: str, taken: bool) -> None:
    assert takes(url, API) is taken


def test_an_api_elsewhere_answers_at_its_own_address_too() -> None:
    assert takes("http://127.0.0.1:8080/response/1", "http://127.0.0.1:8080/api/")
    assert not takes("http://127.0.0.1:80801/response/1", "http://127.0.0.1:8080/api/")


async def test_nobody_listening_is_no_message() -> None:
    slack = SlackChannel(Outlet("x", "slack", address=ROOM, url="http://127.0.0.1:9/api/", secrets={"token": "t"}))
    with pytest.raises(Refused) as refused:
        await slack.send(Message("x"), key="1")
    assert (refused.value.unsure, refused.value.permanent) == (False, False)


async def test_a_message_that_somebody_took_away_is_not_changed(play: Play) -> None:
    slack = of(play)
    sent = await slack.send(Message("x"), key="1")
    play.slack.space.messages[ROOM].clear()
    assert await slack.update(sent, Message("y")) is None


async def test_who_is_not_in_slack_is_said_to_be_so(play: Play) -> None:
    with pytest.raises(Refused, match=r"reach\.slack"):
        await of(play).send(Message("x", to="nobody@acme.example"), key="1")


def test_it_is_opened_by_what_the_notifier_knows() -> None:
    assert open_channel(Outlet("managers", "slack", address=ROOM)).name == "managers"

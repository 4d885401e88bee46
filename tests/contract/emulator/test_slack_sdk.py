"""The emulated Slack, driven by slack_sdk: what it answers, refuses, limits and calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors.emulator.control import serve
from connectors.emulator.faults import Fault
from connectors.emulator.slack import signature
from tests.contract.emulator.slack_play import ANA, GUEST, ROOM, Play, actions, playing


@pytest.fixture
async def play() -> AsyncIterator[Play]:
    async with playing() as found:
        yield found


async def refused(call: Any) -> str:
    with pytest.raises(SlackApiError) as error:
        await call
    return str(error.value.response["error"])


async def test_a_token_is_known_or_refused(play: Play) -> None:
    assert (await play.client.auth_test())["bot_id"]
    assert await refused(AsyncWebClient("nobody", base_url=play.client.base_url).auth_test()) == "invalid_auth"
    assert await refused(AsyncWebClient("emulated-app-token", base_url=play.client.base_url).auth_test()) == "not_allowed_token_type"
    assert await refused(play.client.api_call("chat.shout")) == "unknown_method"


async def test_a_message_is_posted_changed_found_by_its_metadata_and_deleted(play: Play) -> None:
    posted = await play.client.chat_postMessage(channel=ROOM, text="one", metadata={"event_type": "truce", "event_payload": {"key": "k-1"}})
    await play.client.chat_update(channel=ROOM, ts=posted["ts"], text="two", blocks=actions())
    seen = await play.client.conversations_history(channel=ROOM, include_all_metadata=True)
    (message,) = seen["messages"]
    assert (message["text"], message["metadata"]["event_payload"]["key"], message["blocks"]) == ("two", "k-1", actions())
    plain = await play.client.conversations_history(channel=ROOM)
    assert "metadata" not in plain["messages"][0]
    await play.client.chat_delete(channel=ROOM, ts=posted["ts"])
    assert await refused(play.client.chat_update(channel=ROOM, ts=posted["ts"], text="three")) == "message_not_found"
    assert [effect.verb for effect in play.slack.journal.effects] == ["create", "update", "delete"]


async def test_people_are_found_by_address_and_written_to_directly(play: Play) -> None:
    user = (await play.client.users_lookupByEmail(email="ANA@acme.example"))["user"]
    assert user["id"] == ANA
    assert (await play.client.users_info(user=GUEST))["user"]["profile"].get("email") is None
    for email in ("nobody@acme.example", "gone@acme.example"):
        assert await refused(play.client.users_lookupByEmail(email=email)) == "users_not_found"
    opened = (await play.client.conversations_open(users=ANA))["channel"]["id"]
    assert (await play.client.chat_postMessage(channel=ANA, text="hello"))["channel"] == opened
    assert await refused(play.client.chat_postMessage(channel="C00NOWHERE", text="x")) == "channel_not_found"
    assert await refused(play.client.chat_postMessage(channel="U00GONE", text="x")) == "user_disabled"


async def test_history_is_given_in_pages_and_between_times() -> None:
    async with playing(unlimited=True) as play:
        await history(play)


async def history(play: Play) -> None:
    sent = [(await play.client.chat_postMessage(channel=ROOM, text=str(n)))["ts"] for n in range(3)]
    first = await play.client.conversations_history(channel=ROOM, limit=2)
    rest = await play.client.conversations_history(channel=ROOM, limit=2, cursor=first["response_metadata"]["next_cursor"])
    assert [one["text"] for one in (*first["messages"], *rest["messages"])] == ["2", "1", "0"]
    later = await play.client.conversations_history(channel=ROOM, oldest=sent[0])
    assert [one["text"] for one in later["messages"]] == ["2", "1"]
    await play.client.chat_postMessage(channel=ROOM, text="below", thread_ts=sent[0])
    assert len((await play.client.conversations_history(channel=ROOM))["messages"]) == 3
    assert [one["text"] for one in (await play.client.conversations_replies(channel=ROOM, ts=sent[0]))["messages"]] == ["0", "below"]


async def test_a_second_message_in_a_second_is_answered_429() -> None:
    time = [1_000.0]
    async with playing(strict=True, clock=lambda: time[0]) as play:
        await play.client.chat_postMessage(channel=ROOM, text="one")
        with pytest.raises(SlackApiError) as error:
            await play.client.chat_postMessage(channel=ROOM, text="two")
        assert (error.value.response.status_code, error.value.response.headers["Retry-After"]) == (429, "1")
        await play.client.chat_postMessage(channel=ANA, text="another channel has its own second")
        time[0] += 1.0
        await play.client.chat_postMessage(channel=ROOM, text="two")
        assert (play.slack.limits.refused(), len(play.slack.messages(ROOM))) == (1, 2)


async def test_a_method_has_the_calls_of_its_tier() -> None:
    async with playing(clock=lambda: 1_000.0) as play:
        for _ in range(50):
            await play.client.users_lookupByEmail(email="ana@acme.example")
        with pytest.raises(SlackApiError) as error:
            await play.client.users_lookupByEmail(email="ana@acme.example")
        assert error.value.response.headers["Retry-After"] == "60"


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault(kind="status", status=500, body="oops"), "500"),
        (Fault(kind="quota", seconds=7), "ratelimited"),
        (Fault(kind="invalid_json"), "failed to read"),
    ],
)
async def test_it_fails_when_it_is_told_to_and_only_so_often(play: Play, fault: Fault, words: str) -> None:
    play.slack.faults.add(fault)
    with pytest.raises(Exception, match=words):
        await play.client.chat_postMessage(channel=ROOM, text="one")
    await play.client.chat_postMessage(channel=ROOM, text="two")


async def test_an_answer_can_be_dropped_after_the_message_was_posted(play: Play) -> None:
    play.slack.faults.add(Fault(kind="drop_answer", path="chat.postMessage"))
    play.client.retry_handlers.clear()
    with pytest.raises(Exception, match=r"[Dd]isconnect"):
        await play.client.chat_postMessage(channel=ROOM, text="one")
    assert [one.text for one in play.slack.messages(ROOM)] == ["one"]


def taking(answers: list[Any], seen: list[tuple[bytes, dict[str, str]]]) -> Starlette:
    async def take(request: Request) -> Response:
        seen.append((await request.body(), dict(request.headers)))
        body = answers.pop(0)
        return Response(status_code=200) if body is None else JSONResponse(body)

    return Starlette(routes=[Route("/slack/{what}", take, methods=["POST"])])


async def test_a_press_is_signed_as_the_sdk_verifies_it_and_a_modal_can_be_opened_and_sent_off(play: Play) -> None:
    seen: list[tuple[bytes, dict[str, str]]] = []
    posted = await play.client.chat_postMessage(channel=ROOM, text="x", blocks=actions())
    async with serve(
        taking([None, {"response_action": "errors", "errors": {"reason": "choose one"}}, None, {"text": "done"}], seen)
    ) as app:
        play.slack.caller.actions_url, play.slack.caller.commands_url = f"{app.url}/slack/actions", f"{app.url}/slack/commands"
        await play.slack.hands.press(ANA, ROOM, posted["ts"], "accept")
        body, headers = seen[0]
        assert SignatureVerifier("emulated-signing-secret").is_valid_request(body, headers)
        trigger = play.slack.space.trigger(ANA)
        label, typed = {"type": "plain_text", "text": "Why?"}, {"type": "plain_text_input", "action_id": "text"}
        view = {
            "type": "modal", "callback_id": "reject", "title": label, "submit": label,
            "blocks": [{"type": "input", "block_id": "reason", "label": label, "element": typed}],
        }  # fmt: skip
        opened = await play.client.views_open(trigger_id=trigger, view=view)
        assert await refused(play.client.views_open(trigger_id=trigger, view=view)) == "exchanged_trigger_id"
        ident = opened["view"]["id"]
        await play.slack.hands.submit(ANA, ident, {"reason": {"text": {"type": "plain_text_input", "value": ""}}})
        assert ident in play.slack.space.views, "a modal with errors stays open"
        await play.slack.hands.submit(ANA, ident, {"reason": {"text": {"type": "plain_text_input", "value": "no"}}})
        assert not play.slack.space.views
        await play.slack.hands.slash(ANA, ROOM, "/truce", "back")
    assert play.slack.space.private[-1].text == "done"


async def test_a_trigger_is_too_old_after_three_seconds() -> None:
    time = [1_000.0]
    async with playing(clock=lambda: time[0]) as play:
        trigger = play.slack.space.trigger(ANA)
        time[0] += 4
        label = {"type": "plain_text", "text": "x"}
        view = {"type": "modal", "title": label, "blocks": [{"type": "divider"}]}
        assert await refused(play.client.views_open(trigger_id=trigger, view=view)) == "expired_trigger_id"
        assert await refused(play.client.views_open(trigger_id="made-up", view=view)) == "invalid_trigger_id"


async def test_without_a_public_address_the_app_is_called_over_its_web_socket(play: Play) -> None:
    seen: list[SocketModeRequest] = []

    async def take(client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        seen.append(request)
        await client.send_socket_mode_response(SocketModeResponse(request.envelope_id, {"text": "over the socket"}))

    client = SocketModeClient("emulated-app-token", web_client=AsyncWebClient(base_url=play.client.base_url))
    client.socket_mode_request_listeners.append(take)
    try:
        await client.connect()  # type: ignore[no-untyped-call]
        await asyncio.wait_for(play.slack.caller.connected.wait(), 10)
        posted = await play.client.chat_postMessage(channel=ROOM, text="x", blocks=actions())
        assert (await play.slack.hands.press(ANA, ROOM, posted["ts"], "accept")).status == 200
        assert (await play.slack.hands.slash(ANA, ROOM, "/truce", "back")).body == {"text": "over the socket"}
    finally:
        await client.close()  # type: ignore[no-untyped-call]
    assert [one.type for one in seen] == ["interactive", "slash_commands"]


async def test_a_response_url_is_taken_five_times(play: Play) -> None:
    posted = await play.client.chat_postMessage(channel=ROOM, text="x", blocks=actions())
    play.slack.hands.url = play.url
    ident = play.slack.hands.pressed(ANA, ROOM, posted["ts"], "accept")["response_url"].rpartition("/")[2]
    answers = [play.slack.hands.answer(ident, {"text": "thanks"})[0] for _ in range(6)]
    assert answers == [200] * 5 + [404]
    assert [one.ephemeral for one in play.slack.space.private] == [ANA] * 5


def test_the_signature_is_the_one_of_the_documentation() -> None:
    """The example of "Verifying requests from Slack"."""
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar"
        b"&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
        b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    secret = "8f742231b10e" + "8888abcd99yyyzzz85a5"
    assert signature.v0(secret, "1531420618", body) == "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"

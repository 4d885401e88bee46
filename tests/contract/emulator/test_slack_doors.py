"""The emulated Slack's own doors, for people and tests in other processes: what stands there, and pressing, sending off, typing."""

from __future__ import annotations

import asyncio
from typing import Any

from sync.cli.demo.clients import Chat, door
from tests.contract.emulator.slack_play import ANA, ROOM, actions, button, playing


async def test_from_another_process_it_is_seen_and_pressed() -> None:
    async with playing() as play:
        chat = Chat(play.url)
        await play.client.chat_postMessage(channel=ANA, text="Kim Larsen", blocks=actions(button("accept")))
        await play.client.chat_postEphemeral(channel=ROOM, user=ANA, text="Accepted.")
        card = await asyncio.to_thread(chat.card, ANA, "Kim")
        assert card is not None
        assert await asyncio.to_thread(chat.card, ANA, "Ola") is None
        assert await asyncio.to_thread(chat.told, ANA) == ["Accepted."]
        assert len(await asyncio.to_thread(chat.messages, "Kim")) == 1

        def app(what: dict[str, Any]) -> Any:
            return door(play.url, "app", what)

        await asyncio.to_thread(app, {"actions": "http://127.0.0.1:9/a", "commands": "http://127.0.0.1:9/c"})
        assert await asyncio.to_thread(chat.press, ANA, card, "accept") == 0, "nobody answers there: the person sees a warning"
        assert play.slack.caller.told[-1].kind == "interactive"

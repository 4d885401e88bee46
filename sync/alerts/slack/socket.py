"""Socket Mode: the same desk where there is no public address; Slack calls over a web socket that we opened."""

from __future__ import annotations

import asyncio
from typing import Any

from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from sync.alerts.channel import Refused
from sync.alerts.slack.asked import Odd, interactive, typed
from sync.alerts.slack.client import client, refusals
from sync.alerts.slack.desk import Desk, now
from sync.runtime import log
from sync.runtime.rest import rest

AGAIN_S = 5.0
_log = log.get("slack")


class Socket:
    """One connection for one desk; slack_sdk comes again by itself when it breaks, and every few hours when Slack asks for it."""

    def __init__(self, desk: Desk, app_token: str, url: str = "") -> None:
        self._desk = desk
        self._client: Any = SocketModeClient(app_token, web_client=client("", url), logger=_quiet())
        self._client.socket_mode_request_listeners.append(self._take)

    async def run(self, stop: asyncio.Event) -> None:
        """Answer until `stop` is set; tries to connect again and again."""
        try:
            while not stop.is_set():
                try:
                    async with refusals():
                        await self._client.connect()
                    await stop.wait()
                except Refused as refused:
                    _log.warning("Socket Mode does not connect", reason=str(refused))
                    await rest(refused.retry_after or AGAIN_S, stop)
        finally:
            await self._client.close()

    async def _take(self, socket: Any, request: SocketModeRequest) -> None:
        """Answer one call; without an answer Slack shows the person that it did not work."""
        try:
            answer = await self._answer(request)
        except Odd as odd:
            _log.warning("an odd call over the web socket", reason=str(odd))
            answer = None
        except Exception as error:
            _log.warning("turned away, the person sees that it did not work", error=type(error).__name__)
            return
        await socket.send_socket_mode_response(SocketModeResponse(request.envelope_id, answer))

    async def _answer(self, request: SocketModeRequest) -> dict[str, Any] | None:
        if request.type == "slash_commands":
            return await self._desk.slash(typed(request.payload, now()))
        if request.type != "interactive":
            return None
        asked = interactive(request.payload, now())
        return None if asked is None else await self._desk.act(asked)


def _quiet() -> Any:
    """Give a logger for slack_sdk that names no payload: warnings and errors only."""
    import logging

    logger = logging.getLogger("truce.slack")
    logger.setLevel(logging.ERROR)
    return logger

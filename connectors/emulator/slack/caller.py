"""How Slack calls an app: by signed HTTP with three seconds' patience, or over the app's web socket."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import aiohttp
import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect

from connectors.emulator.slack import signature
from connectors.emulator.slack.workspace import APP

PATIENCE_S = 3.0


@dataclass(frozen=True)
class Told:
    """How the app answered one call; status 0: not in time, and the person sees a warning."""

    kind: str
    status: int
    body: Any = None


@dataclass
class Caller:
    """Calls the app: where a web socket is open over it, else at the addresses that are set."""

    secret: str
    clock: Callable[[], float]
    actions_url: str = ""
    commands_url: str = ""
    patience_s: float = PATIENCE_S
    told: list[Told] = field(default_factory=list)
    sockets: list[WebSocket] = field(default_factory=list)
    connected: asyncio.Event = field(default_factory=asyncio.Event)
    _waiting: dict[str, asyncio.Future[Any]] = field(default_factory=dict)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    async def interactive(self, payload: Mapping[str, Any]) -> Told:
        """Tell the app of a button, a menu or a modal."""
        body = urlencode({"payload": orjson.dumps(payload).decode()}).encode()
        return await self._call("interactive", self.actions_url, body, payload)

    async def slash(self, form: Mapping[str, str]) -> Told:
        """Tell the app of a slash command."""
        return await self._call("slash_commands", self.commands_url, urlencode(form).encode(), form)

    async def _call(self, kind: str, url: str, body: bytes, payload: Mapping[str, Any]) -> Told:
        told = await (self._over_socket(kind, payload) if self.sockets else self.post(kind, url, body))
        self.told.append(told)
        return told

    async def post(self, kind: str, url: str, body: bytes, headers: Mapping[str, str] | None = None) -> Told:
        """Send a signed call, or one with these headers."""
        given = headers if headers is not None else signature.headers(self.secret, body, int(self.clock()))
        try:
            timeout = aiohttp.ClientTimeout(total=self.patience_s)
            async with aiohttp.ClientSession(timeout=timeout) as session, session.post(url, data=body, headers=given) as answer:
                return Told(kind, answer.status, _read(await answer.read()))
        except (aiohttp.ClientError, TimeoutError, OSError):
            return Told(kind, 0)

    async def _over_socket(self, kind: str, payload: Mapping[str, Any]) -> Told:
        ident = f"envelope-{next(self._numbers)}"
        waiting = self._waiting[ident] = asyncio.get_running_loop().create_future()
        socket = self.sockets[next(self._numbers) % len(self.sockets)]
        try:
            await socket.send_text(
                orjson.dumps({"envelope_id": ident, "type": kind, "payload": payload, "accepts_response_payload": True}).decode()
            )
            async with asyncio.timeout(self.patience_s):
                return Told(kind, 200, await waiting)
        except (TimeoutError, RuntimeError, WebSocketDisconnect):
            return Told(kind, 0)
        finally:
            self._waiting.pop(ident, None)

    async def connect(self, socket: WebSocket) -> None:
        """Serve one web socket until the app goes."""
        await socket.accept()
        hello = {
            "type": "hello",
            "num_connections": len(self.sockets) + 1,
            "connection_info": {"app_id": APP},
            "debug_info": {"host": "applink"},
        }
        await socket.send_text(orjson.dumps(hello).decode())
        self.sockets.append(socket)
        self.connected.set()
        try:
            while True:
                answer = orjson.loads(await socket.receive_text())
                waiting = self._waiting.get(str(answer.get("envelope_id")))
                if waiting is not None and not waiting.done():
                    waiting.set_result(answer.get("payload"))
        except WebSocketDisconnect:
            pass
        finally:
            self.sockets.remove(socket)
            if not self.sockets:
                self.connected.clear()

    async def hang_up(self, reason: str = "refresh_requested") -> None:
        """Tell every app to come again and close its web socket, as Slack does every few hours."""
        for socket in list(self.sockets):
            await socket.send_text(orjson.dumps({"type": "disconnect", "reason": reason, "debug_info": {"host": "applink"}}).decode())
            await socket.close()


def _read(body: bytes) -> Any:
    try:
        return orjson.loads(body) if body else None
    except orjson.JSONDecodeError:
        return body.decode(errors="replace")

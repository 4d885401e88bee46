"""The Slack emulator: one workspace behind Slack's own paths, and the emulator's doors beside them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from connectors.emulator import control
from connectors.emulator.faults import Faults
from connectors.emulator.journal import Journal
from connectors.emulator.silence import App
from connectors.emulator.slack import methods
from connectors.emulator.slack.caller import Caller
from connectors.emulator.slack.door import Door, Method
from connectors.emulator.slack.hands import Hands, NoSuchButton
from connectors.emulator.slack.limits import Limits
from connectors.emulator.slack.methods import Answer, Given
from connectors.emulator.slack.reading import Reading, Views
from connectors.emulator.slack.texts import called
from connectors.emulator.slack.workspace import Message, Person, Workspace


class Slack:
    """A workspace; `app` is what to serve, `space` its state, `hands` its people, `journal` what was called, `faults` what goes wrong.

    `strict` allows no burst of messages in a channel; `unlimited` answers no 429. State is in memory; call it from the loop that serves `app`.
    """

    def __init__(
        self,
        people: Iterable[Person] = (),
        channels: Mapping[str, str] | None = None,
        *,
        token: str = "emulated-bot-token",
        app_token: str = "emulated-app-token",
        signing_secret: str = "emulated-signing-secret",
        strict: bool = False,
        unlimited: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.journal, self.faults = Journal(), Faults()
        self.space = Workspace(clock)
        self.space.people = {one.id: one for one in people}
        for ident, name in (channels or {}).items():
            self.space.channel(name, ident)
        self.limits = Limits(clock, strict=strict, off=unlimited)
        self.caller = Caller(signing_secret, clock)
        self.hands = Hands(self.space, self.caller)
        self.door = Door(self._methods(), self.limits, self.faults, self.journal, {token: "bot", app_token: "app"})
        self.app = App(
            routes=[
                *control.routes(self.journal, self.faults),
                *self._doors(),
                Route("/api/{method:path}", self._api, methods=["GET", "POST"]),
                Route("/response/{ident}", self._response, methods=["POST"]),
                WebSocketRoute("/link", self._link),
            ]
        )

    def _methods(self) -> Mapping[str, Method]:
        chat, reading, views = methods.Chat(self.space, self.limits), Reading(self.space), Views(self.space)
        written: dict[str, Method] = {
            "chat.postMessage": chat.post,
            "chat.update": chat.update,
            "chat.postEphemeral": chat.ephemeral,
            "chat.delete": chat.delete,
            "views.open": views.open,
            "views.update": views.update,
        }
        return {
            "api.test": lambda _: {},
            "auth.test": lambda _: methods.who(self.space),
            "apps.connections.open": self._connection,
            "conversations.open": reading.open,
            "conversations.history": reading.history,
            "conversations.replies": reading.replies,
            "users.info": reading.user,
            "users.lookupByEmail": reading.by_email,
        } | {name: self._noted(name, method) for name, method in written.items()}

    def _noted(self, name: str, method: Method) -> Method:
        """Note in the journal what a method changed."""
        verbs = {"update": "update", "delete": "delete"}

        def noted(given: Given) -> Answer:
            answer = method(given)
            kind, _, what = name.partition(".")
            ident = str(answer.get("ts") or answer.get("message_ts") or answer.get("view", {}).get("id"))
            shown = {"channel": str(given.get("channel") or ""), "text": str(given.get("text") or "")}
            self.journal.effect("truce", verbs.get(what, "create"), "view" if kind == "views" else what, ident, {}, shown)
            return answer

        return noted

    def _connection(self, _: Given) -> Answer:
        return {"url": f"{self.hands.url.replace('http', 'ws', 1)}/link?ticket={self.space.number()}"}

    async def _api(self, request: Request) -> Response:
        self.hands.url = f"{request.url.scheme}://{request.url.netloc}"
        return await self.door(request)

    async def _link(self, socket: WebSocket) -> None:
        await self.caller.connect(socket)

    async def _response(self, request: Request) -> Response:
        status, words = self.hands.answer(request.path_params["ident"], await request.json())
        return PlainTextResponse(words, status)

    def messages(self, channel: str = "") -> list[Message]:
        """Give the messages of a channel, or all, oldest first."""
        found = [one for ident, some in self.space.messages.items() if channel in ("", ident) for one in some]
        return sorted(found, key=lambda one: one.ts)

    def called(self) -> list[str]:
        """Name everybody whom any message called: `channel`, `here`, `everyone`, user ids."""
        return [one for message in (*self.messages(), *self.space.private) for one in called(message.plain())]

    def _doors(self) -> list[Route]:
        """Give the doors for people and tests in other processes.

        POST press {"user", "channel", "ts", "action", …} · POST submit {"user", "view", "values"} · POST slash {"user", "channel", "text"} ·
        POST app {"actions", "commands"} · GET messages · GET private · GET views
        """

        async def press(request: Request) -> Response:
            asked = await self._asked(request)
            try:
                told = await self.hands.press(asked.pop("user"), asked.pop("channel"), asked.pop("ts"), asked.pop("action"), **asked)
            except NoSuchButton as none:
                return JSONResponse({"error": f"no button {none}"}, 404)
            return JSONResponse({"status": told.status, "body": told.body})

        async def submit(request: Request) -> Response:
            asked = await self._asked(request)
            told = await self.hands.submit(asked["user"], asked["view"], asked["values"])
            return JSONResponse({"status": told.status, "body": told.body})

        async def slash(request: Request) -> Response:
            asked = await self._asked(request)
            told = await self.hands.slash(asked["user"], asked["channel"], asked.get("command", "/truce"), asked["text"])
            return JSONResponse({"status": told.status, "body": told.body})

        async def app(request: Request) -> Response:
            asked = await self._asked(request)
            self.caller.actions_url, self.caller.commands_url = asked["actions"], asked["commands"]
            return Response(status_code=204)

        async def seen(request: Request) -> Response:
            return JSONResponse(self._seen(request.path_params["what"]))

        posts = {"press": press, "submit": submit, "slash": slash, "app": app}
        return [
            *(Route(f"/_emulator/{name}", act, methods=["POST"]) for name, act in posts.items()),
            Route("/_emulator/see/{what}", seen, methods=["GET"]),
        ]

    async def _asked(self, request: Request) -> dict[str, Any]:
        self.hands.url = f"{request.url.scheme}://{request.url.netloc}"
        asked: dict[str, Any] = await request.json()
        return asked

    def _seen(self, what: str) -> list[dict[str, Any]]:
        if what == "views":
            return [{"id": one.id, "user": one.user, "view": one.view} for one in self.space.views.values()]
        some = self.space.private if what == "private" else self.messages()
        return [{**one.plain(metadata=True), "channel": one.channel, "shown_to": one.ephemeral} for one in some]

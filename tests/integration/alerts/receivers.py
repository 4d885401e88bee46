"""Receivers that really speak their protocol: SMTP by aiosmtpd, webhooks verified by standardwebhooks."""

from __future__ import annotations

import asyncio
import email
from collections.abc import Callable
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiohttp import web
from aiosmtpd.controller import Controller
from standardwebhooks.webhooks import Webhook as Verifier

from sync.runtime.kafka import free_port

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Mailbox:
    """A mail server that keeps what it takes; `refuse` is an SMTP answer that it gives instead."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.refuse: str | None = None
        self._controller: Any = Controller(self, hostname="127.0.0.1", port=free_port())

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self._controller.port}"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.refuse:
            return self.refuse
        mail = email.message_from_bytes(envelope.content, policy=default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 OK"

    def __enter__(self) -> Mailbox:
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    def subjects(self) -> list[str]:
        return [str(mail["Subject"]) for mail in self.mails]


class Hook:
    """A receiver of signed webhooks that drops copies by their id; `status` is what it answers, `slow` what happens before it does."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.taken: dict[str, Any] = {}
        self.status, self.hangs = 200, False
        self.headers: dict[str, str] = {}
        self.slow: Callable[[], None] = lambda: None

    async def _post(self, request: web.Request) -> web.StreamResponse:
        self.slow()
        body = Verifier(SECRET).verify(await request.read(), dict(request.headers))
        ident = request.headers["webhook-id"]
        self.calls.append(ident)
        if self.status == 200 or self.hangs:
            self.taken.setdefault(ident, body)
        if self.hangs:
            assert request.transport is not None
            request.transport.close()  # it took it, and nobody hears of it
        return web.Response(status=self.status, text="thank you", headers=self.headers)

    async def __aenter__(self) -> Hook:
        app = web.Application()
        app.router.add_post("/", self._post)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()


class Pulse:
    """Whoever watches from outside: counts the signs of life."""

    def __init__(self) -> None:
        self.beats, self.came, self.open = 0, asyncio.Event(), asyncio.Event()
        self.open.set()

    async def _beat(self, _: web.Request) -> web.Response:
        self.beats += 1
        self.came.set()
        await self.open.wait()
        return web.Response(text="OK")

    async def __aenter__(self) -> Pulse:
        app = web.Application()
        app.router.add_get("/alive", self._beat)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/alive"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

"""What the tests of the Salesforce emulator share: its people, their simple-salesforce clients, and a raw client."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import requests
import simple_salesforce as sfdc
from requests.adapters import HTTPAdapter

from connectors.emulator.control import serve
from connectors.emulator.salesforce import Salesforce, User

PEOPLE = (User("jo@acme.example", "Jo Rep"), User("admin@acme.example", "Ada Admin"), User("gone@acme.example", "Gus Gone", active=False))


class Plain(HTTPAdapter):
    """Sends what simple-salesforce addresses to https to the emulator's plain port: its scheme is hard-wired, its session is ours to give."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        assert request.url is not None
        request.url = self.url + "/" + request.url.split("/", 3)[3]
        return super().send(request, *args, **kwargs)


def session(url: str) -> requests.Session:
    made = requests.Session()
    made.mount("https://", Plain(url))
    return made


class Desk:
    """The emulator and two people's clients."""

    def __init__(self, emulator: Salesforce, url: str) -> None:
        self.emulator, self.url = emulator, url
        self.rep, self.admin = self.client("jo@acme.example"), self.client("admin@acme.example")

    def client(self, email: str) -> Any:
        instance = self.url.removeprefix("http://")
        return sfdc.Salesforce(instance=instance, session_id=self.emulator.session(email), session=session(self.url))


V = "/services/data/v65.0"


@asynccontextmanager
async def integration(emulator: Salesforce) -> AsyncIterator[httpx.AsyncClient]:
    """Serve the org and give a raw client that has logged in by client credentials and asks for no assignment."""
    async with serve(emulator.app) as running, httpx.AsyncClient(base_url=running.url, timeout=10) as client:
        form = {"grant_type": "client_credentials", "client_id": "truce", "client_secret": "emulated"}
        token = (await client.post("/services/oauth2/token", data=form)).json()
        client.headers.update({"Authorization": f"Bearer {token['access_token']}", "Sforce-Auto-Assign": "FALSE"})
        yield client


def rows(count: int, **more: Any) -> dict[str, Any]:
    """Make the body of a collection of that many leads; `more` goes beside `records`."""
    return {"records": [{"attributes": {"type": "Lead"}, "LastName": f"L{n}", "Company": "Acme"} for n in range(count)], **more}

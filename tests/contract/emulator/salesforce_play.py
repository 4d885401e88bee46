"""What the tests of the Salesforce emulator share: its people, their simple-salesforce clients, and a raw client."""

from __future__ import annotations

from typing import Any

import requests
import simple_salesforce as sfdc
from requests.adapters import HTTPAdapter

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

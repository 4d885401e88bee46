"""Salesforce by the JWT bearer flow: by the connector, by simple-salesforce, and what refusals mean."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import jwt
import pytest
import simple_salesforce as sfdc
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from connectors.base import Connection
from connectors.contract import NotedBreaker, NotedBudget
from connectors.errors import AuthExpired
from connectors.registry import load
from tests.contract.emulator.salesforce_play import session
from tests.contract.salesforce_world import SalesforceWorld, salesforce_world

KEY, OTHER = generate_private_key(65537, 2048), generate_private_key(65537, 2048)
USER = "integration@truce.example"


def pem(key: RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.fixture
async def org() -> AsyncIterator[SalesforceWorld]:
    async with salesforce_world() as world:
        public = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        world.org.sessions.public_key = public.decode()
        yield world


def connection(org: SalesforceWorld, key: str = "", **options: str) -> Connection:
    found = org.connection(**{"username": USER, **options})  # type: ignore[arg-type]  # all of them are options
    return replace(found, secrets={"client_id": "truce", "private_key": key or pem(KEY)})


async def described(of: Connection) -> Any:
    source = load("salesforce").source(of, NotedBudget(), NotedBreaker())
    try:
        return await source.fields("Lead")
    finally:
        await source.close()


async def test_a_key_of_ones_own_opens_the_org(org: SalesforceWorld) -> None:
    assert "Email" in await described(connection(org))
    assert "Email" in await described(connection(org, pem(KEY).replace("\n", "\\n")))  # as an environment variable may have it
    assert "Email" in await described(connection(org, login_url="https://test.salesforce.com/"))


async def test_a_token_that_expired_is_asserted_anew_once(org: SalesforceWorld) -> None:
    source = load("salesforce").source(connection(org), NotedBudget(), NotedBreaker())
    await source.fields("Lead")
    await org.expire()
    await asyncio.gather(*(source.fields("Lead") for _ in range(10)))
    await source.close()
    assert await org.mints() == 2


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("another key", "invalid assertion"), ("no key", "PEM"), ("nobody", "approved"), ("another server", "audience is invalid"),
        ("no user", "username"), ("revoked", "approved"),
    ],
)  # fmt: skip
async def test_what_is_refused_is_said_and_the_key_never_is(org: SalesforceWorld, how: str, words: str) -> None:
    key = {"another key": pem(OTHER), "no key": "-----BEGIN NOTHING-----"}.get(how, "")
    options = {
        "nobody": {"username": "nobody@acme.example"},
        "no user": {"username": ""},
        "another server": {"login_url": "https://evil.example"},
    }
    if how == "revoked":
        await org.revoke()
    with pytest.raises(AuthExpired, match=words) as told:
        await described(connection(org, key, **options.get(how, {})))
    assert "BEGIN" not in told.value.words
    assert "eyJ" not in told.value.words


async def test_simple_salesforce_comes_in_by_the_same_key(org: SalesforceWorld) -> None:
    def play() -> Any:
        token, instance = sfdc.SalesforceLogin(username=USER, consumer_key="truce", privatekey=pem(KEY), session=session(org.url))
        return sfdc.Salesforce(instance=instance, session_id=token, session=session(org.url)).query("SELECT Id FROM Lead")["totalSize"]

    assert await asyncio.to_thread(play) == 0


@pytest.mark.parametrize(
    ("change", "words"), [({"exp": 0}, "expired"), ({"exp": 9e9}, "too long"), ({"iss": "another"}, "client identifier")]
)
async def test_the_emulated_org_refuses_what_the_guide_says_it_does(org: SalesforceWorld, change: dict[str, Any], words: str) -> None:
    claims = {"iss": "truce", "sub": USER, "aud": "https://login.salesforce.com", "exp": int(time.time()) + 60, **change}
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": jwt.encode(claims, KEY, algorithm="RS256")}
    status, told = org.org.sessions.grant(form, "", org.url)
    assert status == 400
    assert words in told["error_description"]

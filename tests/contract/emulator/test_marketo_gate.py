"""The emulated Marketo's gate: tokens that live on, limits that no header tells of, and requests that are too long (its REST guide)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from connectors.emulator.control import serve
from connectors.emulator.marketo import Marketo

KEYS = {"grant_type": "client_credentials", "client_id": "truce", "client_secret": "emulated"}


class Gate:
    """A subscription whose clock stands until it is moved, and a caller with a token."""

    def __init__(self, **limits: int) -> None:
        self.now = datetime(2026, 11, 30, 5, 0, tzinfo=UTC)  # 23:00 in Chicago
        self.vendor = Marketo(clock=lambda: self.now, **limits)  # type: ignore[arg-type]
        self.http = httpx.AsyncClient(verify=False)

    async def token(self, **more: str) -> httpx.Response:
        return await self.http.get("/identity/oauth/token", params=KEYS | more)

    async def code(self, path: str = "/rest/v1/stats/usage.json", method: str = "GET", **more: Any) -> str:
        told = (await self.http.request(method, path, **more)).json()
        return "" if told["success"] else str(told["errors"][0]["code"])


@asynccontextmanager
async def opened(**limits: int) -> AsyncIterator[Gate]:
    gate = Gate(**limits)
    async with serve(gate.vendor.app) as running, gate.http as http:
        http.base_url = httpx.URL(running.url)
        http.headers["Authorization"] = f"Bearer {(await gate.token()).json()['access_token']}"
        yield gate


async def test_a_token_is_the_same_until_its_end() -> None:
    async with opened() as gate:
        first = (await gate.token()).json()
        gate.now += timedelta(seconds=3000)
        later = (await gate.token()).json()
        assert (later["access_token"], later["expires_in"]) == (first["access_token"], 599)
        assert await gate.code() == ""
        gate.now += timedelta(seconds=600)
        assert await gate.code() == "602"
        assert (await gate.token()).json()["access_token"] != first["access_token"]


async def test_wrong_keys_and_tokens_are_refused() -> None:
    async with opened() as gate:
        assert (await gate.token(client_secret="wrong")).status_code == 401
        assert (await gate.token(client_id="nobody")).status_code == 401
        token = gate.http.headers["Authorization"].removeprefix("Bearer ")
        assert await gate.code(params={"access_token": token}, headers={"Authorization": ""}) == "600"
        assert await gate.code(headers={"Authorization": "Bearer made:up"}) == "601"


async def test_a_hundred_calls_in_twenty_seconds_are_the_most() -> None:
    async with opened(calls_per_20s=3) as gate:
        assert [await gate.code() for _ in range(4)] == ["", "", "", "606"]
        gate.now += timedelta(seconds=19)
        assert await gate.code() == "606"
        gate.now += timedelta(seconds=2)
        assert await gate.code() == ""


async def test_the_day_ends_at_midnight_in_chicago_and_refusals_do_not_count() -> None:
    async with opened(daily=2) as gate:
        assert [await gate.code() for _ in range(4)] == ["", "", "607", "607"]
        assert gate.vendor.limits.used.total() == 2
        gate.now += timedelta(minutes=59)  # 04:59 UTC past, 23:59 there
        assert (await gate.token()).status_code == 200, "tokens are not counted"
        gate.now += timedelta(minutes=2)
        gate.http.headers["Authorization"] = f"Bearer {(await gate.token()).json()['access_token']}"
        assert await gate.code() == ""


async def test_more_at_once_than_allowed_are_refused() -> None:
    async with opened(at_once=2) as gate:
        gate.vendor.faults.latency_s = 0.1
        assert sorted(await asyncio.gather(*(gate.code() for _ in range(4)))) == ["", "", "615", "615"]


@pytest.mark.parametrize(
    ("method", "more", "status"), [("GET", {"params": {"fields": "x" * 9000}}, 414), ("POST", {"content": b"[" * 1_100_000}, 413)]
)
async def test_what_is_too_long_is_refused_by_http(method: str, more: dict[str, Any], status: int) -> None:
    async with opened() as gate:
        assert (await gate.http.request(method, "/rest/v1/leads.json", **more)).status_code == status


async def test_what_is_no_path_and_no_json_is_said_in_the_envelope() -> None:
    async with opened() as gate:
        assert await gate.code("/rest/v1/nothing.json") == "610"
        assert await gate.code("/rest/v1/leads.json", "POST", content=b"{not json", headers={"content-type": "application/json"}) == "609"
        assert await gate.code("/rest/v1/leads.json", "POST", content=b"{}") == "612"
        assert await gate.code("/rest/v1/leads.json", "POST", json={"action": "upsert", "input": [{}]}) == "1003"
        assert await gate.code("/rest/v1/lead/77.json") == "1004"
        assert await gate.code("/rest/v1/activities.json?activityTypeIds=1&nextPageToken=nonsense") == "1003"
        assert await gate.code("/rest/v1/lists/9/leads.json") == "1013"

"""The gate before every path: tokens, scopes, limits, and scripted faults."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from connectors.emulator.faults import Fault, FaultKind

from .hubspot_play import MARIA, OBJECTS, Play, Reply, playing

REFRESH = {
    "grant_type": "refresh_token",
    "client_id": "truce-client-id",
    "client_secret": "shared-secret",
    "refresh_token": "truce-refresh-token",
}


class Clock:
    """A clock that stands still until told."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


async def token(play: Play, path: str = "/oauth/v3/token", **other: str) -> Reply:
    return await play.call("POST", path, token=None, data=REFRESH | other)


async def test_no_token_and_a_wrong_one_are_invalid() -> None:
    async with playing() as play:
        answers = [await play.call("GET", OBJECTS, token=None), await play.call("GET", OBJECTS, token="pat-na1-other")]
    assert [(one.status, one.body["category"]) for one in answers] == [(401, "INVALID_AUTHENTICATION")] * 2


@pytest.mark.parametrize("path", ["/oauth/v3/token", "/oauth/2026-03/token"])
async def test_an_oauth_token_lives_half_an_hour_or_until_told(path: str) -> None:
    clock = Clock()
    async with playing(clock=clock) as play:
        first = (await token(play, path)).body
        assert (first["expires_in"], first["hub_id"], first["token_type"]) == (1800, 62515, "bearer")
        assert (await play.call("GET", OBJECTS, token=first["access_token"])).status == 200
        clock.now += timedelta(seconds=1800)
        expired = await play.call("GET", OBJECTS, token=first["access_token"])
        second = (await token(play, path)).body["access_token"]
        await play.call("POST", "/_emulator/expire")
        again = await play.call("GET", OBJECTS, token=second)
        await play.call("POST", "/_emulator/expire", {"revoke": True})
        refused = await token(play, path)
        assert [one.body["category"] for one in (expired, again)] == ["EXPIRED_AUTHENTICATION"] * 2
        assert (refused.status, refused.body["status"], refused.body["error"]) == (400, "BAD_REFRESH_TOKEN", "invalid_grant")
        assert (await play.call("GET", OBJECTS)).status == 401
        assert (await play.call("GET", OBJECTS, token=MARIA)).status == 200
        assert play.hub.auth.refreshes == 2


async def test_oauth_parameters_count_only_in_the_body() -> None:
    async with playing() as play:
        in_query = await play.call("POST", "/oauth/v3/token", token=None, params=REFRESH)
        wrong = [await token(play, client_secret="x"), await token(play, refresh_token="x")]
    assert in_query.status == 400
    assert [one.body["status"] for one in wrong] == ["BAD_CLIENT_ID", "BAD_REFRESH_TOKEN"]


async def test_a_missing_scope_stops_the_app_and_no_person() -> None:
    async with playing() as play:
        await play.call("POST", "/_emulator/scopes", {"missing": ["crm.objects.contacts.write"]})
        ours = await play.call("POST", OBJECTS, {"properties": {"city": "Oslo"}})
        hers = await play.call("POST", OBJECTS, {"properties": {"city": "Oslo"}}, token=MARIA)
        assert (ours.status, ours.body["category"], hers.status) == (403, "MISSING_SCOPES", 201)
        assert ours.body["errors"][0]["context"] == {"requiredGranularScopes": ["crm.objects.contacts.write"]}


async def test_the_ten_second_window_slides_and_its_peak_is_kept() -> None:
    clock = Clock()
    async with playing(clock=clock, calls_per_10s=5) as play:
        for _ in range(3):
            await play.call("GET", OBJECTS)
        clock.now += timedelta(seconds=6)
        last = [await play.call("GET", OBJECTS) for _ in range(2)][-1]
        refused = await play.call("GET", OBJECTS)
        other = await play.call("GET", OBJECTS, token=MARIA)
        clock.now += timedelta(seconds=4)
        after = await play.call("GET", OBJECTS)
        assert last.headers["X-HubSpot-RateLimit-Remaining"] == "0"
        assert (last.headers["X-HubSpot-RateLimit-Max"], last.headers["X-HubSpot-RateLimit-Interval-Milliseconds"]) == ("5", "10000")
        assert (refused.status, refused.body["policyName"], refused.body["category"]) == (429, "TEN_SECONDLY_ROLLING", "RATE_LIMITS")
        assert (other.status, after.status) == (200, 200)
        report = (await play.call("GET", "/_emulator/limits")).body
        assert report["calls"]["truce"] == {"peak": 6, "refused": 1, "limit": 5}
        assert play.hub.limits.calls("maria").peak == 1


async def test_the_day_ends_the_calls_until_the_next() -> None:
    clock = Clock()
    async with playing(clock=clock, calls_per_10s=100, daily=2) as play:
        answers = [await play.call("GET", OBJECTS) for _ in range(3)]
        clock.now += timedelta(days=1)
        tomorrow = await play.call("GET", OBJECTS)
    assert [one.status for one in answers] == [200, 200, 429]
    assert (answers[2].body["policyName"], answers[1].headers["X-HubSpot-RateLimit-Daily-Remaining"]) == ("DAILY", "0")
    assert tomorrow.status == 200


async def test_searches_have_a_limit_of_their_own_without_headers() -> None:
    clock = Clock()
    async with playing(clock=clock, searches_per_s=5, calls_per_10s=1) as play:
        answers = [await play.call("POST", f"{OBJECTS}/search", {"filterGroups": [], "limit": 1}) for _ in range(6)]
        call = await play.call("GET", OBJECTS)
        assert play.hub.limits.searches("truce").peak == 6
    assert [one.status for one in answers] == [200] * 5 + [429]
    assert not [name for name in answers[0].headers if name.lower().startswith("x-hubspot-ratelimit")]
    assert call.status == 200


@pytest.mark.parametrize(("kind", "applied"), [("drop_answer", 1), ("timeout", 0)])
async def test_an_answer_that_never_comes(kind: FaultKind, applied: int) -> None:
    async with playing() as play:
        play.hub.faults.add(Fault(kind=kind, method="POST", path="/contacts"))
        with pytest.raises((aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, asyncio.TimeoutError)):
            await play.call("POST", OBJECTS, {"properties": {"city": "Oslo"}}, timeout=aiohttp.ClientTimeout(total=0.3))
        assert len(play.hub.contacts()) == applied
        assert [(call.client, call.status, call.writing) for call in play.hub.journal.calls] == [("truce", 0, True)]
        assert (await play.call("POST", OBJECTS, {"properties": {}})).status == 201


async def test_scripted_answers() -> None:
    async with playing() as play:
        faults = play.hub.faults
        faults.add(Fault(kind="status", status=502, body="<html>", headers={"Retry-After": "7"}, times=2))
        faults.add(Fault(kind="quota", body="DAILY"))
        faults.add(Fault(kind="invalid_json", method="POST"))
        faults.add(Fault(kind="slow", seconds=0.2))
        for _ in range(2):
            async with play.session.get(play.url + OBJECTS) as answer:
                assert (answer.status, answer.headers["Retry-After"], await answer.text()) == (502, "7", "<html>")
        quota = await play.call("GET", OBJECTS)
        assert (quota.status, quota.body["policyName"]) == (429, "DAILY")
        slow = asyncio.create_task(play.call("GET", OBJECTS))
        with pytest.raises(ValueError, match="Unterminated"):
            await play.call("POST", OBJECTS, {"properties": {"city": "Oslo"}})
        assert len(play.hub.contacts()) == 1
        assert (await slow).status == 200
        assert play.hub.journal.calls[-1].seconds >= 0.2


async def test_account_details() -> None:
    async with playing() as play:
        assert (await play.call("GET", "/account-info/v3/details")).body["portalId"] == 62515

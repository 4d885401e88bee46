"""The emulated Marketo's bulk extract as Adobe's guide has it: the queue, the day's megabytes, whose a job is, and a file by ranges."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.contract.emulator.test_marketo_gate import KEYS, Gate, opened

BASE = "/bulk/v1/leads/export"
MONTH = {"createdAt": {"startAt": "2026-11-01T00:00:00Z", "endAt": "2026-11-30T23:59:59Z"}}


class Desk:
    """One API user's extracts."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate

    async def code(self, path: str, method: str = "POST", **more: Any) -> str:
        return await self.gate.code(f"{BASE}{path}", method, **more)

    async def made(self, **more: Any) -> str:
        body = {"fields": ["id", "email"], "filter": MONTH, **more}
        return str((await self.gate.http.post(f"{BASE}/create.json", json=body)).json()["result"][0]["exportId"])

    async def state(self, job: str) -> str:
        return str((await self.gate.http.get(f"{BASE}/{job}/status.json")).json()["result"][0]["status"])

    async def file(self, job: str, **headers: str) -> httpx.Response:
        return await self.gate.http.get(f"{BASE}/{job}/file.json", headers=headers)


async def test_two_jobs_run_at_once_and_ten_are_in_the_queue() -> None:
    async with opened() as gate:
        desk = Desk(gate)
        gate.vendor.exports.takes = timedelta(minutes=5)
        jobs = [await desk.made() for _ in range(11)]
        assert [await desk.code(f"/{job}/enqueue.json") for job in jobs] == [""] * 10 + ["1029"]
        assert await desk.code(f"/{jobs[0]}/enqueue.json") == "1029", "it is in the queue already"
        assert [await desk.state(job) for job in jobs] == ["Processing"] * 2 + ["Queued"] * 8 + ["Created"]
        gate.now += timedelta(minutes=5)
        assert [await desk.state(job) for job in jobs[:5]] == ["Completed"] * 2 + ["Processing"] * 2 + ["Queued"]
        assert await desk.code(f"/{jobs[10]}/enqueue.json") == ""


async def test_the_days_megabytes_come_back_at_midnight_in_chicago() -> None:
    async with opened() as gate:
        desk, waiting = Desk(gate), await Desk(gate).made()
        gate.vendor.exports.quota = 1
        job = await desk.made()
        await desk.code(f"/{job}/enqueue.json")
        assert [await desk.state(job) for _ in range(2)] == ["Processing", "Completed"]
        assert await desk.code("/create.json", json={"fields": ["id"], "filter": MONTH}) == "1029"
        assert await desk.code(f"/{waiting}/enqueue.json") == "1029"
        gate.now += timedelta(minutes=61)  # until after midnight there, and the token's end
        gate.http.headers["Authorization"] = f"Bearer {(await gate.token()).json()['access_token']}"
        assert await desk.code(f"/{waiting}/enqueue.json") == ""


async def test_a_file_comes_by_ranges_to_its_own_user_for_seven_days() -> None:
    async with opened() as gate:
        gate.vendor.put({"email": "kim@nordwind.example"})
        desk = Desk(gate)
        job = await desk.made(columnHeaderNames={"email": "Address"})
        early = await desk.file(job)
        assert (early.status_code, early.headers["content-type"]) == (404, "text/plain")
        await desk.code(f"/{job}/enqueue.json")
        assert [await desk.state(job) for _ in range(2)] == ["Processing", "Completed"]
        whole = await desk.file(job)
        assert (whole.status_code, whole.text) == (200, "id,Address\n1,kim@nordwind.example\n")
        part = await desk.file(job, Range="bytes=3-9")
        assert (part.status_code, part.text, part.headers["content-range"]) == (206, "Address", f"bytes 3-9/{len(whole.content)}")
        assert (await desk.file(job, Range="bytes=999-")).status_code == 416
        mine = gate.http.headers["Authorization"]
        other = (await gate.token(**KEYS | {"client_id": "other-tool", "client_secret": "emulated-other"})).json()["access_token"]
        gate.http.headers["Authorization"] = f"Bearer {other}"
        assert await desk.code(f"/{job}/status.json", "GET") == "1013"
        assert (await desk.file(job)).status_code == 404
        assert (await gate.http.get(f"{BASE}.json")).json()["result"] == []
        gate.http.headers["Authorization"] = mine
        gate.vendor.exports.jobs[job].finished = gate.now - timedelta(days=7)
        assert (await desk.file(job)).status_code == 404


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"filter": {}}, "1003"),
        ({"filter": {**MONTH, "staticListId": 1001}}, "1003"),
        ({"filter": {"updatedAt": MONTH["createdAt"]}}, "1035"),
        ({"filter": {"createdAt": {"startAt": "2026-10-01T00:00:00Z", "endAt": "2026-11-01T00:00:01Z"}}}, "1003"),
        ({"filter": {"createdAt": {"startAt": "yesterday"}}}, "1003"),
        ({"fields": ["nothing"]}, "1006"),
        ({"fields": []}, "1003"),
        ({"format": "XLS"}, "1003"),
    ],
)
async def test_what_is_no_job_is_refused(change: dict[str, Any], code: str) -> None:
    async with opened() as gate:
        assert await Desk(gate).code("/create.json", json={"fields": ["id"], "filter": MONTH, **change}) == code

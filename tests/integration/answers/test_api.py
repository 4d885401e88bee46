"""The HTTP API: a person's token, an idempotency key, 200 with the sentence, 409 where it changed nothing, and clear words for the rest."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from tests.integration.answers.conftest import TOKEN, Desk, plain
from tests.unit.slack.kim import ANA, HANDOFF

REJECT = f"handoffs/{HANDOFF}/reject"


async def call(desk: Desk, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, Any]]:
    given = {"Authorization": f"Bearer {TOKEN}"} | {name.replace("_", "-"): value for name, value in headers.items()}
    async with aiohttp.ClientSession() as session:
        ask = session.get(f"{desk.url}/api/{path}", headers=given) if body is ... else session.post(f"{desk.url}/api/{path}", headers=given, **(body or {}))  # fmt: skip
        async with ask as answer:
            return answer.status, await answer.json(content_type=None)


async def decided(desk: Desk, text: str, *, ok: bool = True) -> None:
    (order,) = await desk.ordered(1)
    await desk.decided(order.id, text, ok=ok)


async def test_an_accept_is_answered_with_the_polite_sentence(desk: Desk) -> None:
    (status, said), _ = await asyncio.gather(
        call(desk, f"handoffs/{HANDOFF}/accept", Idempotency_Key="k-1"), decided(desk, "Accepted. First response due 10:21.")
    )
    assert (status, said["text"]) == (200, "Accepted. First response due 10:21.")
    (order,) = await desk.ordered(1)
    assert (order.source, plain(order.data)["by"]) == ("api", ANA)
    again = await call(desk, f"handoffs/{HANDOFF}/accept", Idempotency_Key="k-1")
    assert again == (200, said)
    assert len(await desk.ordered(1)) == 1
    assert (await call(desk, f"answers/{said['id']}", ...))[1]["text"] == said["text"]


async def test_what_changed_nothing_is_409(desk: Desk) -> None:
    late = "Maria Lund accepted this at 09:45, so your click changed nothing."
    (status, said), _ = await asyncio.gather(call(desk, f"handoffs/{HANDOFF}/accept"), decided(desk, late, ok=False))
    assert (status, said["text"]) == (409, late)


async def test_what_is_not_decided_in_time_is_202_with_where_to_look(desk: Desk) -> None:
    status, said = await call(desk, f"handoffs/{HANDOFF}/note", {"json": {"comment": "called, no answer"}})
    assert status == 202
    assert (await call(desk, f"answers/{said['id']}", ...))[0] == 404
    await desk.decided(said["id"], "Noted.")
    assert (await call(desk, f"answers/{said['id']}", ...))[1]["text"] == "Noted."


REFUSED: dict[str, tuple[str, dict[str, Any], int, str]] = {
    "unknown hand-off": ("handoffs/8a0c1f2e-0000-4000-8000-0000000000ff/accept", {}, 404, "no such hand-off"),
    "no id": ("handoffs/x'; DROP TABLE leads; --/accept", {}, 404, "no such hand-off"),
    "unknown order": (f"handoffs/{HANDOFF}/close", {}, 404, "accept, reject, reassign, note"),
    "no reason": (REJECT, {}, 422, "no_time"),
    "odd reason": (REJECT, {"json": {"reason": "because"}}, 422, "no_time"),
    "no sentence": (REJECT, {"json": {"reason": "no_fit"}}, 422, "needs a sentence"),
    "a note too long": (f"handoffs/{HANDOFF}/note", {"json": {"comment": "x" * 1_001}}, 400, "at most 1000 characters"),
    "no note": (f"handoffs/{HANDOFF}/note", {}, 422, "comment"),
    "nobody": (f"handoffs/{HANDOFF}/reassign", {"json": {"to": "bne@acme.example"}}, 422, "did you mean ben@acme.example"),
    "a key that is none": (f"handoffs/{HANDOFF}/accept", {"json": {"why": 1}}, 400, "why"),
    "a number": (f"handoffs/{HANDOFF}/accept", {"json": {"comment": 7}}, 400, "comment"),
    "a list": (f"handoffs/{HANDOFF}/accept", {"json": [1]}, 400, ""),
    "no JSON": (f"handoffs/{HANDOFF}/accept", {"data": b"{"}, 400, ""),
    "much": (f"handoffs/{HANDOFF}/accept", {"data": b" " * 20_000}, 413, "16384"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
async def test_what_cannot_be_done_is_refused_with_what_to_do(desk: Desk, what: str) -> None:
    path, body, status, words = REFUSED[what]
    found, said = await call(desk, path, body)
    assert (found, words in said["error"]) == (status, True), said
    assert await desk.ordered(0) == []


@pytest.mark.parametrize("ident", ["%00", "%ff", "x" * 5_000])
async def test_an_answer_of_an_id_that_is_none_is_not_there(desk: Desk, ident: str) -> None:
    assert (await call(desk, f"answers/{ident}", ...))[0] == 404


@pytest.mark.parametrize("token", ["", "Bearer", "Bearer ", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer é"])
async def test_nobody_answers_without_a_token(desk: Desk, token: str) -> None:
    assert (await call(desk, f"handoffs/{HANDOFF}/accept", Authorization=token))[0] == 401
    assert (await call(desk, "answers/x", ..., Authorization=token))[0] == 401
    assert await desk.ordered(0) == []

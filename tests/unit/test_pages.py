"""Where the pages for people are is said once they answer, and once."""

from __future__ import annotations

import asyncio

import pytest

from sync.cli.pages import Pages
from sync.console.problems import app
from sync.playbook.models import Playbook
from sync.runtime import web


async def none() -> Playbook:
    raise AssertionError("whether they answer is asked without a look at anything")


async def test_the_address_is_said_once_the_pages_answer(capsys: pytest.CaptureFixture[str]) -> None:
    listener = web.bind("127.0.0.1", 0, "TRUCE_CONSOLE_PORT")
    port = listener.getsockname()[1]
    pages = Pages(port, f"http://127.0.0.1:{port}", "a-key", patience_s=0.1)
    await asyncio.to_thread(pages.look)
    assert capsys.readouterr().out == "", "the port is bound, and nobody answers"
    pages.patience_s = 30
    async with web.serving(app(None, none), listener):
        await asyncio.to_thread(pages.look)
        await asyncio.to_thread(pages.look)
    said = capsys.readouterr().out
    assert said.count(f"http://127.0.0.1:{port}:") == 1
    assert f"http://127.0.0.1:{port}/visits?key=a-key" in said

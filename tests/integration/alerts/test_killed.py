"""A notifier that is really killed between sending and noting: Slack is looked up, e-mail and webhook carry the same id, nothing is said twice."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from connectors.emulator.control import serve
from connectors.emulator.slack import Person, Slack
from sync.lead.decision import ProblemNote
from sync.playbook import loader
from sync.store import problems, telling
from sync.store.statement import run
from tests.house.project import ROOT
from tests.integration.alerts.receivers import SECRET, Hook, Mailbox, Pulse

ROOM = "C000SALES"
HEAD = "head.of.sales@acme.example"
TREE = f"""\
channels:
  room: {{kind: slack}}
  mail: {{kind: email}}
  hook: {{kind: webhook}}
route: {{to: [room, mail, hook], accountable: {HEAD}, group_wait: 1s}}
"""


@pytest.fixture
def agreement(tmp_path: Path) -> Path:
    """The example with one node that tells a room of Slack, a mailbox and a webhook at once, whatever the hour."""
    folder = tmp_path / "playbook"
    for name, content in loader.read(ROOT / "deploy" / "playbook").items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(TREE.encode() if name == "alerts.yaml" else content)
    return folder


class Role:
    """Notifiers as processes."""

    def __init__(self, env: dict[str, str], log: Path) -> None:
        self._env, self._log, self.running = env, log, list[subprocess.Popen[bytes]]()

    def start(self, fault: str = "") -> subprocess.Popen[bytes]:
        with self._log.open("ab") as out:
            command = [sys.executable, "-m", "tests.integration.alerts.notifier_main"]
            self.running.append(
                subprocess.Popen(command, env={**os.environ, **self._env, "TEST_FAULT": fault}, cwd=ROOT, stdout=out, stderr=out)
            )
        return self.running[-1]

    async def until(self, what: Callable[[], Awaitable[bool]], seconds: float = 60.0) -> None:
        """Wait until something is true; fails with the log when it does not come."""
        end = time.monotonic() + seconds
        while not await what():
            assert time.monotonic() < end, self._log.read_text()
            await asyncio.sleep(0.05)

    async def ended(self, process: subprocess.Popen[bytes]) -> int:
        async def is_over() -> bool:
            return process.poll() is not None

        await self.until(is_over)
        return process.wait()


async def test_killed_between_sending_and_noting_nothing_is_said_twice(
    postgres: str, kafka: str, installation: str, pool: Any, hook: Hook, mailbox: Mailbox, pulse: Pulse, agreement: Path, tmp_path: Path
) -> None:
    slack = Slack([Person("U0000ANA", "ana@acme.example", "Ana Diaz")], {ROOM: "alerts"}, unlimited=True)
    async with serve(slack.app) as there:
        channels = {
            "ROOM__URL": f"{there.url}/api/", "ROOM__ADDRESS": ROOM, "ROOM__SECRETS__TOKEN": "emulated-bot-token",
            "MAIL__URL": mailbox.url, "MAIL__ADDRESS": "team@acme.example", "HOOK__URL": hook.url, "HOOK__SECRETS__SECRET": SECRET,
        }  # fmt: skip
        env = {
            "TRUCE_DATABASE": postgres, "KAFKA_BOOTSTRAP_SERVERS": kafka, "TRUCE_INSTALLATION": installation, "TRUCE_PARTITIONS": "1",
            "TRUCE_PLAYBOOK": str(agreement), "TRUCE_CONSOLE_PORT": "0", "TRUCE_HEARTBEAT_URL": pulse.url,
            **{f"TRUCE_CHANNELS__{name}": value for name, value in channels.items()},
        }  # fmt: skip
        role = Role(env, tmp_path / "notifier.log")
        try:
            await run(pool, problems.write([ProblemNote("unrouted", "x", True, "nobody may be given this lead")]))
            assert await role.ended(role.start("die-unnoted:3")) == -signal.SIGKILL
            assert (len(slack.messages(ROOM)), len(mailbox.mails), len(hook.calls), pulse.beats) == (1, 1, 1, 1)
            assert await telling.figures(pool) == {"sent": 0, "copies": 0, "waiting": 3}
            await pool.execute("UPDATE alert_messages SET claimed_until = now()")  # its minute is over

            async def noted() -> bool:
                return (await telling.figures(pool))["sent"] == 3

            second = role.start()
            await role.until(noted)
            second.terminate()
            assert await role.ended(second) == 0
        finally:
            for process in role.running:
                process.kill()
    assert len(slack.messages(ROOM)) == 1
    assert await telling.figures(pool) == {"sent": 3, "copies": 2, "waiting": 0}
    assert len(hook.calls) == 2
    assert len(hook.taken) == 1
    assert len(mailbox.mails) == 2
    for name in ("Message-ID", "X-Truce-Id"):
        assert len({str(mail[name]) for mail in mailbox.mails}) == 1
    assert pulse.beats == 2, "once at the start of each, and not while none ran"

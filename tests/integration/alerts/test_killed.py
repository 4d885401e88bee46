"""A notifier that is really killed between sending and noting: Slack is looked up, e-mail and webhook carry the same id, nothing is said twice."""

from __future__ import annotations

import asyncio
import os
import signal
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
from tests.forked import Forked
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
DAILY = f"""\
channels:
  mail: {{kind: email}}
route: {{to: [mail], accountable: {HEAD}, digest: true}}
digest: {{at: 08:30, days: mon-sun, to: [mail]}}
"""


def agreement(folder: Path, tree: str) -> Path:
    """Write the example with another alerts.yaml; gives its folder."""
    for name, content in loader.read(ROOT / "deploy" / "playbook").items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(tree.encode() if name == "alerts.yaml" else content)
    return folder


class Role:
    """Notifiers as processes: where they live, and the channels that are set up."""

    def __init__(self, servers: tuple[str, str, str], playbook: Path, channels: dict[str, str], **more: str) -> None:
        names = ("TRUCE_DATABASE", "KAFKA_BOOTSTRAP_SERVERS", "TRUCE_INSTALLATION")
        self._env = dict(zip(names, servers, strict=True)) | {f"TRUCE_CHANNELS__{name}": value for name, value in channels.items()}
        self._env |= {"TRUCE_PARTITIONS": "1", "TRUCE_PLAYBOOK": str(playbook), "TRUCE_CONSOLE_PORT": "0", **more}
        self._log, self.running = playbook.parent / "notifier.log", list[Forked]()

    def start(self, fault: str = "") -> Forked:
        environment = {**os.environ, **self._env, "TEST_FAULT": fault}
        self.running.append(Forked(environment, self._log, "tests.integration.alerts.notifier_main"))
        return self.running[-1]

    async def until(self, what: Callable[[], Awaitable[bool]], seconds: float = 60.0) -> None:
        """Wait until something is true; fails with the log when it does not come."""
        end = time.monotonic() + seconds
        while not await what():
            assert time.monotonic() < end, self._log.read_text()
            await asyncio.sleep(0.05)

    async def ended(self, process: Forked) -> int:
        async def is_over() -> bool:
            return process.poll() is not None

        await self.until(is_over)
        return process.wait()

    async def noted(self, pool: Any, count: int) -> None:
        """Start one, wait until so many messages are noted as sent, and end it as whoever looks after it does."""

        async def all_noted() -> bool:
            return (await telling.figures(pool))["sent"] == count

        process = self.start()
        await self.until(all_noted)
        process.terminate()
        assert await self.ended(process) == 0

    def __enter__(self) -> Role:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.running:
            process.kill()


@pytest.fixture
def servers(postgres: str, kafka: str, installation: str) -> tuple[str, str, str]:
    return postgres, kafka, installation


async def test_killed_between_sending_and_noting_nothing_is_said_twice(
    servers: tuple[str, str, str], pool: Any, hook: Hook, mailbox: Mailbox, pulse: Pulse, tmp_path: Path
) -> None:
    slack = Slack([Person("U0000ANA", "ana@acme.example", "Ana Diaz")], {ROOM: "alerts"}, unlimited=True)
    async with serve(slack.app) as there:
        channels = {
            "ROOM__URL": f"{there.url}/api/", "ROOM__ADDRESS": ROOM, "ROOM__SECRETS__TOKEN": "emulated-bot-token",
            "MAIL__URL": mailbox.url, "MAIL__ADDRESS": "team@acme.example", "HOOK__URL": hook.url, "HOOK__SECRETS__SECRET": SECRET,
        }  # fmt: skip
        with Role(servers, agreement(tmp_path / "playbook", TREE), channels, TRUCE_HEARTBEAT_URL=pulse.url) as role:
            await run(pool, problems.write([ProblemNote("unrouted", "x", True, "nobody may be given this lead")]))
            assert await role.ended(role.start("die-unnoted:3")) == -signal.SIGKILL
            assert (len(slack.messages(ROOM)), len(mailbox.mails), len(hook.calls), pulse.beats) == (1, 1, 1, 1)
            assert await telling.figures(pool) == {"sent": 0, "copies": 0, "waiting": 3}
            await pool.execute("UPDATE alert_messages SET claimed_until = now()")  # its minute is over
            await role.noted(pool, 3)
    assert len(slack.messages(ROOM)) == 1
    assert await telling.figures(pool) == {"sent": 3, "copies": 2, "waiting": 0}
    assert len(hook.calls) == 2
    assert len(hook.taken) == 1
    assert len(mailbox.mails) == 2
    assert _ids(mailbox) == 1
    assert pulse.beats == 2, "once at the start of each, and not while none ran"


async def test_a_digest_that_was_sent_and_not_noted_is_the_same_mail_again(
    servers: tuple[str, str, str], pool: Any, mailbox: Mailbox, tmp_path: Path
) -> None:
    channels = {"MAIL__URL": mailbox.url, "MAIL__ADDRESS": "team@acme.example"}
    with Role(servers, agreement(tmp_path / "playbook", DAILY), channels) as role:
        await run(pool, problems.write([ProblemNote("bad_value", "x", True, "seven is no number", system="hubspot")]))
        await pool.execute("INSERT INTO alert_ticks (name, at) VALUES ('digest', now() - interval '1 day')")  # told a day ago
        assert await role.ended(role.start("die-unnoted:1")) == -signal.SIGKILL
        assert mailbox.subjects() == ["What waits for you: 1 open, none of them urgent"]
        await pool.execute("UPDATE alert_messages SET claimed_until = now()")
        await role.noted(pool, 1)
    assert len(mailbox.mails) == 2
    assert _ids(mailbox) == 1
    assert await telling.figures(pool) == {"sent": 1, "copies": 1, "waiting": 0}


def _ids(mailbox: Mailbox) -> int:
    """Count the mails as a mailbox does that drops copies by their id."""
    assert [str(mail["Message-ID"]).partition("@")[0] for mail in mailbox.mails] == [f"<{mail['X-Truce-Id']}" for mail in mailbox.mails]
    return len({str(mail["Message-ID"]) for mail in mailbox.mails})

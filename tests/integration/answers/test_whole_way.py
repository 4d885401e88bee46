"""The whole way on real servers: a form makes an MQL, its owner gets the card, presses accept, is told, and the card changes in place."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typer
from starlette.applications import Starlette

from connectors.emulator.control import serve
from connectors.emulator.slack import Person, Slack
from connectors.emulator.slack.workspace import Message
from schemas.change import RecordChanged
from schemas.touch import TouchRecorded
from sync.agents import ground
from sync.alerts.notifier import Notifier
from sync.alerts.outlets import Outlets
from sync.answering import answering
from sync.app import active_playbook
from sync.cli import emulate, handoff
from sync.cli.output import CannotRun
from sync.runtime.producer import make_producer
from sync.sources.publisher import Publisher
from sync.store.connect import open_pool
from tests.house.project import ROOT
from tests.integration.answers.conftest import SECRET, settings

KIM = "kim.larsen@nordwind.example"
PEOPLE = [Person(f"U{n:07}", email, name) for n, (email, name) in enumerate(emulate.REPS.items(), 1)]


@dataclass
class Town:
    """Slack as people use it, and Truce behind it."""

    slack: Slack
    pool: Any
    publisher: Publisher

    async def until(self, what: str, so: Callable[[], Any], seconds: float = 60.0) -> Any:
        """Wait until something is so and give it."""
        end = time.monotonic() + seconds
        while not (found := so()):
            assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}"
            await asyncio.sleep(0.05)
        return found

    async def kim_asks_for_prices(self) -> None:
        """Kim fills in the form, as HubSpot tells it."""
        now, ref = datetime.now(UTC), "hubspot:contacts:7"
        fields: dict[str, Any] = {
            "email": KIM, "firstname": "Kim", "lastname": "Larsen", "company": "Nordwind AS", "jobtitle": "Head of Operations",
            "numberofemployees": "820", "country": "Norway", "industry": "Manufacturing",
        }  # fmt: skip
        record = RecordChanged(ref=ref, at=now, received_at=now, fields=fields, email=KIM, complete=True, read_at=now)
        act = TouchRecorded(system="hubspot", activity_id="f-1", kind="form", name="Pricing", at=now, received_at=now, ref=ref, email=KIM)
        await self.publisher.publish([record, act], source="hubspot", kind="webhook")

    async def salesforce_has_kim(self) -> None:
        """Salesforce tells of a record of Kim's."""
        now, ref = datetime.now(UTC), "salesforce:Lead:00Q000000000001AAA"
        fields: dict[str, Any] = {"Email": KIM, "LastName": "Larsen", "Company": "Nordwind AS"}
        record = RecordChanged(ref=ref, at=now, received_at=now, fields=fields, email=KIM, complete=True, read_at=now)
        await self.publisher.publish([record], source="salesforce", kind="poll")

    def card(self) -> Message | None:
        """Give the card that somebody has before them."""
        return next((one for one in self.slack.messages() if one.channel.startswith("D")), None)


async def _users(pool: Any) -> None:
    for system in ("salesforce", "hubspot"):
        for person in PEOPLE:
            await pool.execute(
                "INSERT INTO vendor_users (system, id, email, name, active) VALUES ($1, $2, $3, $4, true)",
                system,
                person.id,
                person.email,
                person.name,
            )


async def _end(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.kill()
    await process.wait()


@pytest.fixture
async def town(kafka: str, in_force: tuple[str, str], tmp_path: Path) -> AsyncIterator[Town]:
    async with AsyncExitStack() as stack:
        pool = await open_pool(*in_force)
        stack.push_async_callback(pool.close)
        await _users(pool)
        topic = (await ground.prepare(pool, kafka, in_force[1], ("salesforce", "hubspot"), 2)).topic
        producer = await make_producer(kafka)
        stack.push_async_callback(producer.stop)
        publisher = Publisher(pool, producer, topic, SECRET.encode())
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("TRUCE_", "KAFKA_"))},
            **{"TRUCE_INSTALLATION": in_force[1], "TRUCE_DATABASE": in_force[0], "KAFKA_BOOTSTRAP_SERVERS": kafka, "TRUCE_SECRET": SECRET},
            **{"TRUCE_PARTITIONS": "2", "TRUCE_HOME": str(tmp_path)},
        }
        log = stack.enter_context((tmp_path / "worker.log").open("wb"))
        worker = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "sync.cli", "worker"), cwd=ROOT, env=environment, stdout=log, stderr=log
        )
        stack.push_async_callback(_end, worker)
        slack = Slack(PEOPLE, {"C000SALES": "sales-leads"}, unlimited=True)
        there = await stack.enter_async_context(serve(slack.app))
        slack.hands.url, own = there.url, settings(there.url)
        doors = await stack.enter_async_context(answering(own, pool, active_playbook(pool), publisher))
        here = await stack.enter_async_context(serve(Starlette(routes=doors)))
        slack.caller.actions_url, slack.caller.commands_url = f"{here.url}/slack/actions", f"{here.url}/slack/commands"

        async def put(key: bytes, value: bytes, headers: list[tuple[str, bytes]]) -> None:
            await producer.send_and_wait(topic, value, key=key, headers=headers)

        outlets, stop = Outlets(own), asyncio.Event()
        stack.push_async_callback(outlets.close)
        telling = asyncio.create_task(Notifier(pool, outlets, active_playbook(pool), publish=put).run(stop))
        try:
            yield Town(slack, pool, publisher)
        finally:
            stop.set()
            await telling


def pressed_by(town: Town, card: Message) -> str:
    return town.slack.space.members[card.channel]


async def test_from_the_form_to_the_accepted_card(town: Town) -> None:
    await town.kim_asks_for_prices()
    card = await town.until("the card", town.card)
    user = pressed_by(town, card)
    owner = town.slack.space.people[user]
    assert "Kim Larsen" in str(card.blocks)
    assert 'filled in \\"Pricing\\"' in str(card.blocks) or 'filled in "Pricing"' in str(card.blocks)

    assert "Open in Salesforce" not in str(card.blocks), "it is not there yet"
    await town.salesforce_has_kim()
    await town.until("the card leads to the record", lambda: "https://acme.my.salesforce.example/00Q000000000001AAA" in str(card.blocks))

    def said() -> list[str]:
        return [one.text for one in town.slack.space.private if one.ephemeral == user]

    assert (await town.slack.hands.press(user, card.channel, card.ts, "remind_later")).status == 200
    quiet = await town.until("the answer", said)
    assert quiet[0].startswith("No reminder before ")
    assert "The clock runs on: to be accepted by" in quiet[0]
    await town.until("the card says so", lambda: "the clock runs on, and it stays due" in str(card.blocks))

    told = await town.slack.hands.press(user, card.channel, card.ts, "accept")
    assert told.status == 200
    answer = await town.until("the answer", lambda: said()[1:])
    assert answer[0].startswith("Accepted. First response due")
    first = owner.name.split(" ", maxsplit=1)[0]
    await town.until("the card changed", lambda: f"Accepted by {first}" in str(card.blocks))
    assert "'accept'" not in str(card.blocks), "there is nothing left to accept"
    for kept in ("Why now", "Pricing", "Say", "Open in Salesforce"):
        assert kept in str(card.blocks), "what the first call needs stays"
    row = await town.pool.fetchrow("SELECT state, owner, accepted_at FROM handoffs")
    assert (row["state"], row["owner"], row["accepted_at"] is not None) == ("accepted", owner.email, True)

    boss = next(one for one in PEOPLE if one.email == "maria@acme.example")
    late = await town.slack.hands.slash(boss.id, card.channel, "/truce", f"accept {KIM}")
    assert f"{owner.name} accepted this at" in late.body["text"], "the second is told politely what happened first"
    assert "changed nothing" in late.body["text"]


async def test_given_back_with_a_reason_it_goes_to_the_next(town: Town) -> None:
    await town.kim_asks_for_prices()
    card = await town.until("the card", town.card)
    user = pressed_by(town, card)
    await town.slack.hands.press(user, card.channel, card.ts, "reject")
    view = (await town.until("the dialog", lambda: list(town.slack.space.views)))[0]
    chosen = {"reason": {"reason": {"selected_option": {"value": "no_time"}}}}
    assert (await town.slack.hands.submit(user, view, chosen)).status == 200
    await town.until("the card changed", lambda: "Given back" in str(card.blocks))
    cards = await town.until(
        "the next one's card", lambda: [one for one in town.slack.messages() if one.channel not in (card.channel, "C000SALES")]
    )
    assert cards[0].blocks[-1]["elements"][0]["action_id"] == "accept"
    row = await town.pool.fetchrow("SELECT state, owner FROM handoffs")
    assert (row["state"], row["owner"]) == ("offered", town.slack.space.people[pressed_by(town, cards[0])].email)


async def test_the_command_line_gives_the_same_orders_and_the_same_answers(
    town: Town, kafka: str, in_force: tuple[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names = {"TRUCE_DATABASE": in_force[0], "TRUCE_INSTALLATION": in_force[1], "KAFKA_BOOTSTRAP_SERVERS": kafka, "TRUCE_SECRET": SECRET}
    for name, value in names.items():
        monkeypatch.setenv(name, value)

    async def typed(command: Callable[..., None], *words: str, **options: Any) -> tuple[int, str]:
        """Type a command; gives its exit code and what it printed."""
        capsys.readouterr()
        try:
            await asyncio.to_thread(command, *words, **options)
        except typer.Exit as ended:
            return ended.exit_code, capsys.readouterr().out
        return 0, capsys.readouterr().out

    await town.kim_asks_for_prices()
    card = await town.until("the card", town.card)
    owner = town.slack.space.people[pressed_by(town, card)]
    with pytest.raises(CannotRun, match="no_time"):
        await typed(handoff.reject, KIM, reason="because")
    with pytest.raises(CannotRun, match="needs a sentence"):
        await typed(handoff.reject, KIM, reason="no_fit")
    with pytest.raises(CannotRun, match=r"did you mean ben@acme\.example"):
        await typed(handoff.reassign, KIM, to="bne@acme.example")
    with pytest.raises(CannotRun, match="nobody is known"):
        await typed(handoff.accept, "nobody@acme.example")
    with pytest.raises(CannotRun, match="the note: at most 1,000 characters, this has 1,001: make it 1 shorter"):
        await typed(handoff.note, KIM, "x" * 1_001)
    assert await typed(handoff.note, KIM, "called, no answer") == (0, "Noted.\n")
    code, said = await typed(handoff.accept, KIM, on_behalf=owner.email)
    assert (code, said.startswith("Accepted. First response due")) == (0, True)
    code, said = await typed(handoff.accept, KIM, on_behalf=owner.email)
    assert code == 1
    assert " ".join(said.split()).endswith("so that changed nothing.")
    code, said = await typed(handoff.hold, KIM, until="3 days", on_behalf=owner.email)
    assert (code, "stands still until" in said) == (0, True)
    assert await typed(handoff.run, KIM, on_behalf=owner.email) == (0, "The clock goes on.\n")
    assert (await typed(handoff.reassign, KIM, to="joe@acme.example"))[1] == "Joe Park has it now.\n"
    code, said = await typed(handoff.show, KIM)
    assert said.startswith("offered · with Joe Park · since ")
    assert f"1. {owner.name}  offered" in said
    assert "(America/Chicago)" in said.replace("\n", " "), "as Joe's clock shows it"

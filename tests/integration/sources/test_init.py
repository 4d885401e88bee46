"""`truce init` against every pair of emulated systems: what it writes passes check and test, in observe mode, and nothing is written there."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from connectors.registry import emulators, manifests
from sync.cli import app
from sync.playbook import loader
from sync.trial.cases import play
from tests.house.project import ROOT

SIDES = {side: [name for name, one in manifests().items() if one.side == side and name in emulators()] for side in ("sales", "marketing")}
PAIRS = [(crm, other) for crm in SIDES["sales"] for other in SIDES["marketing"]]


@asynccontextmanager
async def beside(vendors: tuple[str, ...]) -> AsyncIterator[tuple[dict[str, Any], dict[str, str]]]:
    """Run freshly started emulators; gives them, and the variables by which Truce reaches them."""
    worlds, settings = dict[str, Any](), dict[str, str]()
    async with AsyncExitStack() as stack:
        for vendor in vendors:
            world = getattr(import_module(f"tests.contract.{vendor}_world"), f"{vendor}_world")
            worlds[vendor] = await stack.enter_async_context(world())
            reach = worlds[vendor].connection()
            head = f"TRUCE_SYSTEMS__{vendor.upper()}__"
            settings |= {f"{head}VENDOR": vendor, f"{head}URL": reach.url}
            settings |= {f"{head}SECRETS__{name.upper()}": value for name, value in reach.secrets.items()}
            settings |= {f"{head}OPTIONS__{name.upper()}": value for name, value in reach.options.items()}
        yield worlds, settings


async def begun(
    vendors: tuple[str, ...], *arguments: str, typed: str = "", before: Callable[[dict[str, Any]], Awaitable[None]] | None = None
) -> tuple[Any, dict[str, Any]]:
    """Run `truce init` beside freshly started emulators, after what people did `before`; gives what came out, and what was written there."""
    async with beside(vendors) as (worlds, settings):
        if before is not None:
            await before(worlds)
            for world in worlds.values():
                world.emulator.journal.effects.clear()
        found = await asyncio.to_thread(CliRunner().invoke, app, ["init", *arguments], input=typed, env=settings)
        effects = {name: await world.effects() for name, world in worlds.items()}
    return found, effects


@pytest.mark.parametrize(("crm", "other"), PAIRS, ids=["+".join(pair) for pair in PAIRS])
async def test_a_first_playbook_passes_check_and_test(crm: str, other: str, tmp_path: Path) -> None:
    folder = tmp_path / "playbook"
    found, effects = await begun((crm, other), str(folder), "--crm", crm, "--map", other, "--yes")
    assert found.exit_code == 0, found.output
    checked = loader.check(loader.read(folder))
    assert [one.render() for one in checked.problems] == []
    playbook = checked.playbook
    assert playbook is not None
    report = play(playbook)
    assert len(report.played) >= 9
    assert [one.case.id for one in report.failed] == []
    assert {one.mode for one in playbook.systems.values()} == {"observe"}
    assert {*playbook.fields["email"].systems} == {crm, other}
    assert {"first_name", "last_name", "phone", "title", "country", "email_opt_out", "owner"} <= set(playbook.fields)
    assert "all pass" in found.output
    said = "an answer to a campaign of Marketo is one of these statuses: Attended; not: Invited, Registered"
    assert (said in (folder / "lifecycle.yaml").read_text()) is (other == "marketo")
    assert not any(effects.values())


async def lived(worlds: dict[str, Any]) -> None:
    """Let a company have worked with its systems for a while."""
    crm, map_ = worlds.values()
    ident, other = await crm.seed({"LastName": "Larsen", "Email": "kim@x.example"}), await map_.seed({"email": "kim@x.example"})
    crm.org.convert(await crm.seed({"LastName": "Berg", "Email": "berg@x.example"}))
    crm.org.org.tracked = frozenset({"Phone"})
    for number in range(12):
        await crm.edit(ident, {"Phone": f"+4722110{number:03}"})
    for number in range(3):
        await map_.edit(other, {"phone": f"+4722119{number:03}"})
    map_.hub.drift(
        "hs_lead_status", options=(*((one, one) for one in ("NEW", "IN_PROGRESS", "OPEN_DEAL", "UNQUALIFIED")), ("LOST", "Lost"))
    )
    await map_.edit(other, {"hs_lead_status": "LOST"})
    crm.org.save("Campaign", Name="Webinar", Type="Webinar")


async def test_what_the_systems_hold_and_who_writes_it_is_read_and_said(tmp_path: Path) -> None:
    found, effects = await begun(("salesforce", "hubspot"), str(tmp_path / "mine"), typed="\n" * 8, before=lived)
    assert found.exit_code == 0, found.output
    assert "Salesforce  Acme " in found.output
    assert " · 1 open Lead · 1 contact · 1 account" in found.output, "who was converted is no open lead"
    assert "contact properties · " in found.output
    assert 'Who owns "phone"? (80% of 15 edits last month came from Salesforce) [sales marketing latest] [sales]' in found.output
    assert "People may refuse, besides all e-mail: marketing information, product news, events" in found.output
    assert "! Salesforce: the assignment rule Standard writes 1 of these fields" in found.output
    fields, lifecycle = ((tmp_path / "mine" / name).read_text() for name in ("fields.yaml", "lifecycle.yaml"))
    assert "phone:  # guess: 80% of 15 edits last month came from Salesforce" in fields
    line = next(n for n, text in enumerate(fields.splitlines(), 1) if text == "  status:  # what sales does with the lead these days")
    assert f"? status: people with a value of hubspot that is none of these: LOST 1 (fields.yaml:{line})" in found.output
    assert "          # LOST: ?  # 1 person has it\n" in fields
    line = next(
        n for n, text in enumerate(fields.splitlines(), 1) if n > fields.splitlines().index("accounts:") and text.startswith("  industry:")
    )
    assert (
        f"? account.industry: HubSpot takes only what is on its list, so that it is asked and never told: say `values` to write it too (fields.yaml:{line})"
        in found.output
    )
    assert "consent: product-news" in fields
    assert "one of these statuses: Responded; not: Sent" in lifecycle
    assert not any(effects.values())


async def test_answers_are_taken_and_a_wrong_one_is_asked_again(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    typed = (
        "\n".join(["vera@acme.example", "Paul@acme.example", "Mars/Base", "Europe/Oslo", "NO", "both", "marketing", "latest", ""]) + "\n"
    )
    found, _ = await begun(("salesforce", "hubspot"), str(folder), typed=typed)
    assert found.exit_code == 0, found.output
    assert "'Mars/Base' is none" in found.output
    assert "'both' is none: sales or marketing or latest" in found.output
    playbook = loader.load(folder)
    assert playbook.timezone == "Europe/Oslo"
    assert playbook.systems["salesforce"].country == "NO"
    assert playbook.fields["phone"].policy == "marketing"
    assert {"vera@acme.example", "paul@acme.example"} <= set(playbook.reps)


async def test_what_no_playbook_could_hold_is_asked_again(tmp_path: Path) -> None:
    typed = "\n".join(["Vera Holm <vera@acme.example>", "vera@acme", "vera@acme.example", "", "", "UK", "GB", *[""] * 4])
    found, _ = await begun(("salesforce", "hubspot"), str(tmp_path / "mine"), typed=typed)
    assert found.exit_code == 0, found.output
    assert [found.output.count(f"{said!r} is none") for said in ("Vera Holm <vera@acme.example>", "vera@acme", "UK")] == [1, 1, 1]
    assert loader.load(tmp_path / "mine").systems["hubspot"].country == "GB"


async def test_one_ctrl_c_at_a_question_ends_it_and_nothing_is_written(tmp_path: Path) -> None:
    async with beside(("salesforce", "hubspot")) as (_, settings):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "sync.cli", "init", str(tmp_path / "mine")), cwd=ROOT, env={**os.environ, **settings},
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # whoever starts us in the background has it ignored
        )  # fmt: skip
        assert process.stdout is not None
        try:
            async with asyncio.timeout(60):
                await process.stdout.readuntil(b"? Who answers for sales")
                process.send_signal(signal.SIGINT)
                rest = await process.stdout.read()
                assert (await process.wait(), b"nothing was written" in rest) == (2, True), rest
        finally:
            if process.returncode is None:
                process.kill()
    assert not (tmp_path / "mine").exists()


async def test_a_system_of_the_wrong_side_is_said(tmp_path: Path) -> None:
    found, _ = await begun(("salesforce", "hubspot"), str(tmp_path / "mine"), "--crm", "hubspot", "--yes")
    assert "hubspot is not a system of sales; of these there are salesforce" in str(found.exception)
    assert not (tmp_path / "mine").exists()


async def test_a_folder_with_files_is_left_alone(tmp_path: Path) -> None:
    kept = tmp_path / "fields.yaml"
    kept.write_text("mine", encoding="utf-8")
    found, _ = await begun((), str(tmp_path), "--yes")
    assert found.exit_code != 0
    assert kept.read_text(encoding="utf-8") == "mine"

"""`truce case` of leads that are in the store: what is printed passes `truce test`, what is appended leaves the file as it is."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer

from connectors.base import User
from sync.cli.case import case
from sync.cli.output import CannotRun
from sync.lead.state import Lead, to_ms
from sync.playbook.loader import load, load_files, read
from sync.playbook.models import Case
from sync.store import accounts, leads, playbooks, users
from sync.store.connect import open_pool
from sync.store.statement import run
from sync.trial.cases import play
from sync.trial.given import build, rules

EXAMPLE = Path(__file__).parents[3] / "deploy" / "playbook"


def as_of_now(case: Case) -> Case:
    """Points fade: what is judged now happened now."""
    lead = {**case.given.lead, "first_name": "Kirsten", "last_name": "Larsen", "phone": "+4722110000"}
    return replace(case, given=replace(case.given, at=to_ms(datetime.now(UTC)), lead=lead))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EXAMPLE, tmp_path / "playbook"))


@pytest.fixture
def people(postgres: str, installation: str, tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Leads as the core makes them, by the example's case that they are made after → lead id; the example is in force."""
    for name, value in {"DATABASE": postgres, "INSTALLATION": installation, "HOME": str(tmp_path), "PLAYBOOK": str(folder)}.items():
        monkeypatch.setenv(f"TRUCE_{name}", value)
    playbook = load(EXAMPLE)
    wanted = {one.id: as_of_now(one) for one in playbook.cases if one.id in ("norway-enterprise", "partner", "colleague-of-a-customer")}
    built = {ident: build(one, rules(playbook)) for ident, one in wanted.items()}
    found: dict[str, Lead] = {
        ident: replace(one.lead, id=f"00000000-0000-4000-8000-{n:012}") for n, (ident, one) in enumerate(built.items())
    }

    async def put() -> None:
        pool = await open_pool(postgres, installation, size=1)
        try:
            files = read(EXAMPLE)
            async with pool.acquire() as connection:
                await playbooks.add(connection, files, playbook.checksum, "ana")
            for system in playbook.systems:
                await users.put(
                    pool, system, [User(id=email, email=email, name=rep.name, active=True) for email, rep in playbook.reps.items()]
                )
            await run(pool, [leads.write(found.values())])
            await run(pool, accounts.write(list(built["colleague-of-a-customer"].facts.ledger.entries.values())))
        finally:
            await pool.close()

    asyncio.run(put())
    return {ident: lead.id for ident, lead in found.items()}


def test_what_is_printed_passes_and_says_nothing_personal(people: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    case(people["norway-enterprise"], ident="kim-once-more")
    printed = capsys.readouterr()
    assert printed.err == ""
    assert [word for word in ("Kirsten", "Larsen", "nordwind", "22110000") if word in printed.out] == []
    report = play(load_files({**read(EXAMPLE), "cases/more.yaml": printed.out.encode()}))
    assert report.failed == []
    (mine,) = [one for one in report.played if one.case.id == "kim-once-more"]
    assert (mine.got.stage, mine.got.rule, mine.got.handoff) == ("mql", "emea-enterprise", "mql")
    assert "# Made by truce case from a real lead, as v1 judges it" in printed.out


def test_an_account_is_given_and_its_owner_expected(people: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    case(people["colleague-of-a-customer"])
    text = capsys.readouterr().out
    assert "rule: existing-customer" in text
    assert "owner: ben@acme.example" in text.split("expect:")[1]


def test_a_value_that_makes_a_difference_is_said_and_is_1(people: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as left:
        case(people["partner"])
    assert left.value.exit_code == 1
    told = capsys.readouterr()
    assert "rule is emea instead of partners: email made the difference" in told.err
    assert "instead of partners" not in told.out


def test_it_is_appended_to_the_folders_cases(people: dict[str, str], folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (folder / "cases" / "routing.yaml").read_text(encoding="utf-8")
    case(people["norway-enterprise"], ident="kim-once-more", to=Path("cases/routing.yaml"))
    case(people["colleague-of-a-customer"], to=Path("cases/new.yaml"))
    assert capsys.readouterr().out.startswith("Wrote the case kim-once-more into ")
    assert (folder / "cases" / "routing.yaml").read_text(encoding="utf-8").startswith(before.rstrip())
    new = (folder / "cases" / "new.yaml").read_text(encoding="utf-8")
    assert new.splitlines()[0] == before.splitlines()[0], "editors find the schema as they do for the files beside it"
    report = play(load(folder))
    assert report.failed == []
    assert {"kim-once-more", "lead-mql-existing-customer"} <= {one.case.id for one in report.played}


def test_what_cannot_be_made_is_said(people: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(CannotRun, match=r"nobody is known as stranger@else\.example"):
        case("stranger@else.example")
    with pytest.raises(CannotRun, match="there is a case norway-enterprise already"):
        case(people["partner"], ident="norway-enterprise")
    with pytest.raises(CannotRun, match="is no file of cases"):
        case(people["partner"], to=tmp_path / "routing.yaml")
    with pytest.raises(CannotRun, match="is no name of a case"):
        case(people["partner"], ident="Kim Larsen")

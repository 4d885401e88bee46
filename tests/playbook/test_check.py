"""`truce check`: what it says to people, programs and pull requests; what it makes of a store that is there, silent, or not there."""

from __future__ import annotations

import json
import re
import socket
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import typer

from sync.cli import check as command
from sync.cli.output import CannotRun
from sync.cli.standing import Standing, standing
from sync.playbook.checks import Outside
from sync.playbook.loader import check, load_files
from sync.playbook.problems import Problem, counted
from sync.settings import Settings

GOOD = {path.name: path.read_bytes() for path in (Path(__file__).parent / "good").glob("*.yaml")}
GOOD["team.yaml"] = (
    GOOD["team.yaml"]
    .replace(b"Ana Diaz}", b"Ana Diaz, manager: maria@acme.example}")
    .replace(b"pools:", b"  maria@acme.example: {name: Maria Lund}\npools:")
)
TODAY = date(2026, 11, 25)
EVERYONE = frozenset({"ana@acme.example", "ben@acme.example", "maria@acme.example", "head@acme.example"})


@pytest.fixture
def playbook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A good playbook in a folder, no store, and nobody's settings."""
    for name, content in GOOD.items():
        (tmp_path / "playbook").mkdir(exist_ok=True)
        (tmp_path / "playbook" / name).write_bytes(content)
    monkeypatch.setenv("TRUCE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("TRUCE_DATABASE", raising=False)
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    return tmp_path / "playbook"


def spoil(folder: Path, file: str, before: str, after: str) -> None:
    text = (folder / file).read_text()
    assert before in text
    (folder / file).write_text(text.replace(before, after))


def said(capsys: pytest.CaptureFixture[str], folder: Path, code: int, **options: Any) -> str:
    """Run the command and give what it printed; it must end with this exit code."""
    ended = 0
    try:
        command.check(folder, **options)
    except typer.Exit as end:
        ended = end.exit_code
    assert ended == code
    return capsys.readouterr().out


def test_a_good_playbook_is_said_to_be_one(playbook: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = said(capsys, playbook, 0)
    assert told == f"No problem in 4 files. {playbook} can be used; checksum {load_files(GOOD).checksum[:12]}.\n"


def test_problems_are_told_as_a_person_reads_them(playbook: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spoil(playbook, "routing.yaml", "lead.employees", "lead.employes")
    spoil(playbook, "team.yaml", "Berlin", "Berln")
    assert said(capsys, playbook, 1).splitlines() == [
        "routing.yaml:9:20  routes[0].routes[0].when (emea-large)  unknown field lead.employes",
        "    9 |         when: lead.employes >= 500",
        "      |                    ^^^^^^^^ did you mean lead.employees (fields.yaml:12, number)?",
        "team.yaml:1:11  timezone  unknown time zone Europe/Berln",
        "    1 | timezone: Europe/Berln",
        "      |           ^^^^^^^^^^^^ did you mean Europe/Berlin?",
        "2 problems in 2 files (4 read).",
    ]


def test_programs_get_the_same_as_json(playbook: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = json.loads(said(capsys, playbook, 0, json=True))
    assert (told["ok"], told["files"], told["problems"], told["version_in_force"]) == (True, 4, [], None)
    spoil(playbook, "routing.yaml", "lead.employees", "lead.employes")
    told = json.loads(said(capsys, playbook, 1, format_="json"))
    assert not told["ok"]
    assert {key: told["problems"][0][key] for key in ("file", "line", "column", "warning", "suggestion")} == {
        "file": "routing.yaml", "line": 9, "column": 20, "warning": False, "suggestion": "did you mean lead.employees (fields.yaml:12, number)?",
    }  # fmt: skip


def test_a_pull_request_gets_an_annotation_beside_the_line(playbook: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spoil(playbook, "routing.yaml", "lead.employees", "lead.employes")
    assert said(capsys, playbook, 1, format_="github").splitlines() == [
        "::error file=playbook/routing.yaml,line=9,endLine=9,col=20,endColumn=28,title=routes[0].routes[0].when"
        "::unknown field lead.employes: did you mean lead.employees (fields.yaml:12, number)?",
        "1 problem in 1 file (4 read).",
    ]


def read_annotation(line: str) -> tuple[str, dict[str, str], str]:
    """Read a workflow command as the runner does: the first `::` after the name ends the properties, `,` parts them."""
    match = re.fullmatch(r"::(\w+) (.*?)::(.*)", line)
    assert match
    back = (("%3A", ":"), ("%2C", ","), ("%0D", "\r"), ("%0A", "\n"), ("%25", "%"))

    def plain(text: str, pairs: tuple[tuple[str, str], ...]) -> str:
        for escaped, one in pairs:
            text = text.replace(escaped, one)
        return text

    properties = dict(one.partition("=")[::2] for one in match[2].split(","))
    return match[1], {name: plain(value, back) for name, value in properties.items()}, plain(match[3], back[2:])


@pytest.mark.parametrize(
    "hostile", ["a::error file=x::b", "50%", "%0A", "%3A,line=1", "x\n::set-output name=a::b", "x\r\n::stop-commands::y"]
)
def test_nothing_in_an_annotation_can_end_it(hostile: str) -> None:
    line = command.annotation(Problem("f", 1, 2, hostile, hostile, hostile, warning=True), f"p/{hostile}")
    assert "\n" not in line
    assert "\r" not in line
    kind, properties, text = read_annotation(line)
    shown = hostile.replace("\r", "\\r")  # a terminal would go back to the line's beginning, so it is written out
    assert (kind, properties["file"], properties["title"], text) == ("warning", f"p/{shown}", shown, f"{shown}: {shown}")
    assert set(properties) == {"file", "line", "endLine", "col", "endColumn", "title"}


def test_a_folder_that_is_not_there_cannot_be_checked(playbook: Path) -> None:
    with pytest.raises(CannotRun, match=r"no folder .*nowhere"):
        command.check(playbook / "nowhere")


def test_a_person_whom_no_system_knows_is_a_warning_and_the_playbook_can_be_used() -> None:
    users = {
        "salesforce": EVERYONE - {"ben@acme.example"},
        "hubspot": EVERYONE - {"ben@acme.example", "ana@acme.example"} | {"anna@acme.example"},
    }
    checked = check(GOOD, outside=Outside(TODAY, users))
    assert checked.playbook is not None
    assert [(p.warning, p.place, p.text, p.suggestion) for p in checked.problems if "@" in p.text][:2] == [
        (True, "team.yaml:3:3", "ana@acme.example is no active user of hubspot", "did you mean anna@acme.example?"),
        (True, "team.yaml:4:3", "no system knows ben@acme.example", "make a user with this e-mail there, or take ben@acme.example out"),
    ]


@pytest.mark.parametrize("users", [None, {}, {"salesforce": frozenset[str]()}])
def test_without_users_nothing_is_said_of_people(users: dict[str, frozenset[str]] | None) -> None:
    assert check(GOOD, outside=Outside(TODAY, users)).problems == ()


def test_strict_takes_a_warning_for_a_problem(playbook: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        command, "standing", lambda _: Standing(3, load_files(GOOD).checksum, {"salesforce": EVERYONE - {"ben@acme.example"}})
    )
    told = said(capsys, playbook, 0)
    assert "team.yaml:4:3  reps.ben@acme.example  warning: ben@acme.example is no active user of salesforce" in told
    assert "1 warning in 1 file (4 read)." in told
    assert told.endswith("The version in force (v3) is the same.\n")
    said(capsys, playbook, 1, strict=True)


@pytest.mark.parametrize(
    ("kinds", "words"),
    [("", "No problem in 9 files."), ("p", "1 problem in 1 file (9 read)."), ("pw", "1 problem and 1 warning in 2 files (9 read)."),
     ("ww", "2 warnings in 2 files (9 read).")],
)  # fmt: skip
def test_problems_and_warnings_are_counted_apart(kinds: str, words: str) -> None:
    assert counted([Problem(f"{n}.yaml", 1, 1, "", "", warning=kind == "w") for n, kind in enumerate(kinds)], 9) == words


def test_a_server_that_takes_the_call_and_never_answers_is_not_waited_for(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        dsn = f"postgresql://truce:x@127.0.0.1:{silent.getsockname()[1]}/truce"
        assert standing(Settings(database=dsn, home=tmp_path), patience_s=0.2) == Standing()


@pytest.mark.parametrize("dsn", ["postgresql://127.0.0.1:1/x", "postgresql:///x?host=/nowhere", "postgresql://[::1/x", "nonsense"])
def test_a_store_that_is_not_there_says_nothing(tmp_path: Path, dsn: str) -> None:
    assert standing(Settings(database=dsn, home=tmp_path), patience_s=0.5) == Standing()

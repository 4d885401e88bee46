"""README, CONTRIBUTING, CHANGELOG and the Makefile name only what there is: commands, variables, files, topics, targets."""

from __future__ import annotations

import re
import shlex
from collections import Counter

import pytest

from sync.topology import topics
from tests.house.project import ROOT, kept, pyproject, short
from tests.house.truce_names import command, texts, variable

DOCUMENTS = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
MADE_BY_RUNNING = (
    ".truce",
    ".venv",
    ".tools",
    "deploy/secrets",
    "connectors/<vendor>",
    "connectors/emulator/<vendor>",
    "tests/contract/test_acme.py",
)


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def code(name: str) -> list[str]:
    """Give every line of code blocks and every span of code of a document."""
    blocks = re.findall(r"^```\w*\n(.*?)^```$", text(name), re.M | re.S)
    rest = re.sub(r"^```\w*\n.*?^```$", "", text(name), flags=re.M | re.S)
    return [line for block in blocks for line in block.splitlines()] + re.findall(r"`([^`\n]+)`", rest)


def lines_of(word: str, name: str) -> list[list[str]]:
    """Give the words after `word`, of every line of code that calls it."""
    found = []
    for line in code(name):
        words = shlex.split(line.replace("'", '"') if line.count('"') % 2 == 0 else "", comments=True)
        words = words[2:] if words[:2] == ["uv", "run"] else words
        words = words[4:] if words[:3] == ["docker", "compose", "exec"] else words
        if words[:1] == [word]:
            found.append(words[1:])
    return found


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_command_is_there(name: str) -> None:
    for words in lines_of("truce", name):
        command(words)


def test_the_documents_do_name_commands() -> None:
    named = {words[0] for words in lines_of("truce", "README.md") if words}
    assert {"demo", "up", "check", "explain", "pause", "resume", "parked", "replay", "doctor", "observe"} <= named


@pytest.mark.parametrize("words", [["explian", "a@b.example"], ["doctor", "--mend"], ["observe", "raport"]])
def test_a_command_that_is_not_there_is_found(words: list[str]) -> None:
    with pytest.raises(AssertionError, match="there is no"):
        command(words)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_variable_is_one_that_truce_reads(name: str) -> None:
    named = set(re.findall(r"\b(?:TRUCE|KAFKA)_[A-Z0-9_]+", text(name)))
    assert [one for one in sorted(named) if not variable(one)] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_file_is_there(name: str) -> None:
    names = {short(path) for path in kept()}
    folders = {"/".join(one.split("/")[:n]) for one in names for n in range(1, one.count("/") + 1)}
    roots = {one.split("/", maxsplit=1)[0] for one in names}
    stated = {re.sub(r"[,:.]$", "", one) for span in code(name) for one in re.findall(r"[\w.<>/-]+/[\w.<>/-]+", span)}
    looked = {one.rstrip("/") for one in stated if one.split("/", maxsplit=1)[0] in roots and not one.startswith(MADE_BY_RUNNING)}
    assert [one for one in sorted(looked) if one not in names | folders] == []


def test_every_module_named_by_its_dots_is_there() -> None:
    named = {
        one for name in DOCUMENTS for span in code(name) for one in re.findall(r"(?<![.\w])(?:sync|connectors|schemas)(?:\.\w+)+", span)
    }
    assert named
    for one in named:
        path = ROOT / one.replace(".", "/")
        owner = path.parent.with_suffix(".py")
        there = (
            path.is_dir()
            or path.with_suffix(".py").is_file()
            or (owner.is_file() and re.search(rf"\b{path.name}\b", owner.read_text("utf-8")))
        )
        assert there, one


def test_every_error_that_contributing_names_is_one() -> None:
    errors = text("connectors/errors.py")
    named = re.search(r"\(`connectors/errors\.py`\): (.+?)\. ", text("CONTRIBUTING.md"), re.S)
    assert named
    assert all(f"class {one}(" in errors for one in re.findall(r"`(\w+)`", named[1]))


def test_what_contributing_counts_of_its_example_is_so_by_a_tenth() -> None:
    words = r"the six files and (\w+) beside them .*?, about ([\d,]+) lines; about ([\d,]+) lines of tests of its own, "
    found = re.search(words + r"about ([\d,]+) that run the real server and break it, and\s(\d+) recorded answers", text("CONTRIBUTING.md"))
    assert found, "CONTRIBUTING.md says what its example came to in other words"

    def lines(*patterns: str) -> int:
        return sum(len(path.read_text("utf-8").splitlines()) for one in patterns for path in ROOT.glob(one) if path.is_file())

    real = [
        lines("connectors/tryton/*.py", "connectors/tryton/*.yaml"),
        lines("tests/contract/test_tryton*.py"),
        lines("tests/tryton/*.py", "tests/contract/tryton_world.py"),
        len(list(ROOT.glob("tests/contract/tryton/*.json"))),
    ]
    said = [int(one.replace(",", "")) for one in found.groups()[1:]]
    assert [one for one in zip(said, real, strict=True) if abs(one[0] - one[1]) > one[1] / 10] == []
    beside = len(list(ROOT.glob("connectors/tryton/*.py"))) - 5  # and the manifest is the sixth
    assert ("no", "one", "two", "three", "four")[beside] == found[1]


def test_every_topic_of_the_picture_is_one() -> None:
    real = {topic.name.split(".")[1] for topic in topics("truce", 1, ("crm",), 1)}
    picture = text("README.md").split("```")[3]
    assert {name for name in ("changes", "writes", "events") if name in picture} == real
    assert set(re.findall(r"writes\.<system>\.(\w+) \| \.(\w+)", picture)) == {("hot", "bulk")}


def test_events_of_the_picture_are_published() -> None:
    named = {
        name for one in ("README.md",) for name in re.findall(r"truce\.[a-z]+\.[a-z_]+", text(one)) if not name.startswith("truce.acme")
    }
    said = texts("sync/lead") | texts("schemas")
    assert {name for name in named if not any(part in said for part in (name, name.removeprefix("truce.")))} == set()


def test_make_has_every_target_that_is_named_and_only_calls_truce() -> None:
    makefile = text("Makefile")
    targets = dict(re.findall(r"^(\w+): ## .*\n((?:\t.+\n?)+)", makefile, re.M))
    assert {"demo", "up", "check", "test", "fuzz", "bench", "help"} == set(targets)
    for name in DOCUMENTS:
        assert {words[0] for words in lines_of("make", name) if words} <= set(targets)
    for name, recipe in targets.items():
        called = re.fullmatch(r"\t@\$\(TRUCE\) (.+)\n?", recipe)
        assert (called is not None) != (name == "help"), recipe
        if called:
            command(called[1].split())


def test_the_changelog_knows_this_version() -> None:
    newest = re.search(r"^## (\d+\.\d+\.\d+)", text("CHANGELOG.md"), re.M)
    assert newest
    version = pyproject()["project"]["version"]
    assert newest[1] == version
    assert f"image: truce:{version}" in text("docker-compose.yml")


def test_the_changelog_says_each_thing_once() -> None:
    told = [line for line in text("CHANGELOG.md").splitlines() if line.startswith(("- ", "  "))]
    assert [line for line, times in Counter(told).items() if times > 1] == []


def test_ci_calls_make_test() -> None:
    lines = text(".ci/run").strip().splitlines()
    assert lines[0] == "#!/usr/bin/env bash"
    assert "set -euo pipefail" in lines
    assert lines[-1] == "make test"
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o100, "not executable"

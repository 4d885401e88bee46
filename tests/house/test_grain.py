"""The grain of the house: small modules with a sentence on every public thing, six files per connector, nothing that does not belong."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from connectors.registry import manifests
from tests.house.project import PACKAGES, ROOT, kept, modules, short, tree, vendors

MOST = 300
LONGER = {
    "sync/store/tables.py": "every table side by side, as data",
    "sync/store/migrations/versions/0001_first_tables.py": "written by alembic",
}
SIX = {"manifest.yaml", "__init__.py", "client.py", "source.py", "sink.py", "mapping.py"}
VAGUE = {"utils", "helpers", "common", "manager", "misc"}
TEXTS = {".py", ".md", ".yaml", ".yml", ".toml", ".json", ".csv", ".lock", ".txt", ".cfg", ".ini", ""}

# Put together here, so that this file does not name what it forbids.
REGISTRIES = [
    "pypi" + ".org",
    "python" + "hosted",
    "maven" + ".org",
    "maven" + ".apache",
    "ghcr" + ".io",
    "quay" + ".io",
    "docker" + ".io",
    "registry" + ".npm",
]
PLACES = ["/" + "work/", "/" + "root/", "/" + "tmp/", "/" + "home/", "C:" + "\\Users"]
SECRETS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY|\bpat-(?:na|eu)\d-[0-9a-f]{8}-|\b00D[A-Za-z0-9]{12,15}![\w.]{60,}|\bxox[baprs]-\w{10,}|\bgh[pousr]_\w{30,}|\bAKIA[0-9A-Z]{16}\b"
)


def readable() -> list[Path]:
    return [path for path in kept() if path.suffix in TEXTS and path.name != "uv.lock"]


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_modules_are_small_or_say_why_not() -> None:
    long = {short(path): lines(path) for path in modules(*PACKAGES) if lines(path) > MOST}
    assert {name: length for name, length in long.items() if name not in LONGER} == {}
    assert set(LONGER) <= set(long), "no longer long: take it off the list"


def functions(within: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Give every function, looking into no expression: there is none in one."""
    for node in ast.iter_child_nodes(within):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
        if isinstance(node, ast.stmt | ast.excepthandler | ast.match_case):
            yield from functions(node)


@cache
def looked_through() -> tuple[dict[str, int], dict[str, list[str]]]:
    """Give what is too long and what has no sentence, each module read once, and let go."""
    long, silent = dict[str, int](), dict[str, list[str]]()
    for path in modules(*PACKAGES):
        if "migrations" in path.parts:
            continue
        module, name = tree(path), short(path)
        lengths = [(one.name, (one.end_lineno or 0) - one.body[0].lineno + 1) for one in functions(module)]
        long |= {f"{name}:{function}": length for function, length in lengths if length > 50}
        if not path.name.startswith("contract_") and (found := bare(module)):
            silent[name] = found
    return long, silent


def test_functions_are_short() -> None:
    """Their bodies; a long list of parameters with their defaults is a table."""
    assert looked_through()[0] == {}


def test_a_function_is_found_wherever_it_stands() -> None:
    text = "try: ...\nexcept OSError:\n    match 1:\n        case 2:\n            class C:\n                async def f(self):\n                    def g(): ..."
    assert [one.name for one in functions(ast.parse(text))] == ["f", "g"]


def bare(module: ast.Module) -> list[str]:
    """Name the public things of a module that have no docstring."""

    def walk(node: ast.Module | ast.ClassDef, above: str) -> list[str]:
        found = [] if ast.get_docstring(node) else [above or "the module"]
        for one in node.body:
            if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not one.name.startswith("_"):
                name = f"{above}.{one.name}".lstrip(".")
                found += walk(one, name) if isinstance(one, ast.ClassDef) else ([] if ast.get_docstring(one) else [name])
        return found

    return walk(module, "")


def test_every_public_thing_says_what_it_promises() -> None:
    assert looked_through()[1] == {}


def test_a_missing_sentence_is_found(tmp_path: Path) -> None:
    planted = tmp_path / "planted.py"
    planted.write_text(
        '"""A module."""\nclass Named:\n    """Yes."""\n    def bare(self): ...\n    def _own(self): ...\n', encoding="utf-8"
    )
    assert bare(tree(planted)) == ["Named.bare"]


def test_names_say_what_is_in_them() -> None:
    assert [short(path) for path in modules(*PACKAGES) if {path.stem, *path.parts} & VAGUE] == []


@pytest.mark.parametrize("vendor", vendors())
def test_a_connector_is_six_files_and_says_why_it_has_more(vendor: str) -> None:
    besides = manifests()[vendor].besides
    assert {path.name for path in kept() if path.parent == ROOT / "connectors" / vendor} == SIX | besides.keys()
    assert all(besides.values()), "why one of the six could not hold it"


@pytest.mark.parametrize("vendor", vendors())
def test_every_connector_is_held_to_the_contract_suite(vendor: str) -> None:
    held = [path for path in modules("tests") if f'vendor: ClassVar[str] = "{vendor}"' in path.read_text(encoding="utf-8")]
    assert len(held) == 1
    assert "(ConnectorContract" in held[0].read_text(encoding="utf-8")


@pytest.mark.parametrize("words", [REGISTRIES, PLACES], ids=["registries", "machine paths"])
def test_no_file_names_a_registry_or_a_place_of_one_machine(words: list[str]) -> None:
    found = {
        f"{short(path)}:{number}": word
        for path in readable()
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        for word in words
        if word in line
    }
    assert found == {}


def test_no_file_holds_a_secret() -> None:
    found = [short(path) for path in readable() if SECRETS.search(path.read_text(encoding="utf-8", errors="replace"))]
    assert found == []


@pytest.mark.parametrize("text", ["-----BEGIN RSA " + "PRIVATE KEY-----", "pat-na1" + "-01234567-89ab", "xox" + "b-0123456789ab"])
def test_a_secret_is_recognised(text: str) -> None:
    assert SECRETS.search(text)


def test_the_lock_file_names_only_the_public_registry() -> None:
    hosts = set(re.findall(r"https?://([^/\"]+)", (ROOT / "uv.lock").read_text(encoding="utf-8")))
    assert hosts == {"pypi" + ".org", "files.python" + "hosted.org"}


def test_nothing_is_left_for_later() -> None:
    later = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b|NotImplemented" + r"Error(?!:)|pytest\.(?:mark\.)?sk" + r"ip")
    found = [
        f"{short(path)}:{number}"
        for path in modules(*PACKAGES, "tests")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if later.search(line)
    ]
    assert found == []

"""What editors make of the playbook's files by the schema that their first lines name: they complete, explain and underline."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from lsprotocol import types as lsp

from sync.playbook import yaml
from tests.house.project import ROOT
from tests.integration.editor.language_server import HERE, Editor

PLAYBOOK = ROOT / "deploy" / "playbook"
FILES = sorted(PLAYBOOK.rglob("*.yaml"))
as_an_editor = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def editor() -> AsyncIterator[Editor]:
    made = Editor()
    await made.start()
    yield made
    await made.stop()


def name(path: Path) -> str:
    return path.relative_to(PLAYBOOK).as_posix()


def schema(path: Path) -> dict[str, Any]:
    """Give the schema that a file's first line names, by its place."""
    first = path.read_text(encoding="utf-8").splitlines()[0]
    found: dict[str, Any] = json.loads((path.parent / first.partition("$schema=")[2]).resolve().read_text(encoding="utf-8"))
    return found


def test_every_file_of_the_example_names_a_schema() -> None:
    assert {name(path) for path in FILES} >= {"fields.yaml", "routing.yaml", "env/staging.yaml", "cases/routing.yaml"}
    assert [name(path) for path in FILES if "properties" not in schema(path)] == []


@pytest.mark.parametrize("path", FILES, ids=name)
@as_an_editor
async def test_nothing_of_the_example_is_underlined_and_every_key_is_explained(editor: Editor, path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert await editor.show(path, text) == []
    keys = {key: shape for key, shape in schema(path)["properties"].items() if key in (yaml.parse(name(path), text.encode()).data or {})}
    assert keys
    for key, shape in keys.items():
        told = await editor.hover(path, f"\n{text}".split(f"\n{key}:")[0].count("\n"), 1)
        assert shape["description"].split(".")[0].split("`")[0] in told.replace("\\", ""), key


WRONG = [
    ("fields.yaml", "    policy: latest", "    polcy: latest", "polcy", "Property polcy is not allowed"),
    ("fields.yaml", "    type: email", "    type: emial", "emial", "Value is not accepted"),
    ("lifecycle.yaml", "  inquiry:\n", "  inquiry:\n    acountable: a@b.example\n", "acountable", "Property acountable is not allowed"),
    ("routing.yaml", "by: round_robin}", "by: robin}", "robin", "Value is not accepted"),
    ("routing.yaml", "assign: {pool: sdr, memory: 3}", "assign: {pool: sdr, memory: three}", "three", "Incorrect type"),
    ("team.yaml", "languages: [de, en, es]", "languages: de", "de\n", "Incorrect type"),
    ("sla.yaml", "clock: business", "clock: busy", "busy", "Value is not accepted"),
    ("goals.yaml", "week_starts: monday", "week_starts: Mo", "Mo ", "Value is not accepted"),
    ("alerts.yaml", "to: [managers]", "too: [managers]", "too", "Property too is not allowed"),
    ("content.yaml", "kind: one-pager", "kinds: one-pager", "kinds", "Property kinds is not allowed"),
    ("env/staging.yaml", "mode: observe}", "mode: watch}", "watch", "Value is not accepted"),
    ("cases/routing.yaml", "touch: form", "touch: forms", "forms", "Value is not accepted"),
]


@pytest.mark.parametrize(("file", "before", "after", "word", "said"), WRONG, ids=[f"{row[0]} {row[3].strip()}" for row in WRONG])
@as_an_editor
async def test_a_mistake_is_underlined_where_it_stands(editor: Editor, file: str, before: str, after: str, word: str, said: str) -> None:
    path = PLAYBOOK / file
    text = path.read_text(encoding="utf-8")
    assert before in text
    wrong = text.replace(before, after, 1)
    at = text.index(before) + after.index(word.strip())
    line, column = wrong.count("\n", 0, at), at - wrong.rfind("\n", 0, at) - 1
    told = await editor.show(path, wrong)
    found = [one for one in told if (one.range.start.line, one.range.start.character) == (line, column)]
    assert any(said in one.message for one in found), [(one.range.start, one.message) for one in told]
    assert await editor.show(path, text) == [], "what was mended is underlined no longer"


ROUTE = "# yaml-language-server: $schema=../../schemas/generated/routing.schema.json\nroutes:\n  - id: everyone-else\n    "


@as_an_editor
async def test_the_keys_of_a_rule_are_offered_with_what_they_mean(editor: Editor) -> None:
    path = PLAYBOOK / "routing.yaml"
    await editor.show(path, f"{ROUTE}\n")
    offered = await editor.complete(path, 3, 4)
    assert {"when", "from", "until", "assign", "fallback", "routes"} <= set(offered)
    assert "id" not in offered, "it is there already"
    told = schema(path)["$defs"]["RouteForm"]["properties"]
    for key in ("when", "fallback", "routes"):
        documentation = offered[key].documentation
        text = documentation.value if isinstance(documentation, lsp.MarkupContent) else str(documentation)
        assert text.startswith(told[key]["description"][:40]), key


@pytest.mark.parametrize(
    ("file", "text", "wanted"),
    [
        ("routing.yaml", f"{ROUTE}assign:\n      pool: sdr\n      by: ", {"round_robin", "weighted", "least_open", "capacity"}),
        (
            "fields.yaml",
            "# yaml-language-server: $schema=../../schemas/generated/fields.schema.json\nfields:\n  email:\n    type: ",
            {"text", "email", "phone", "country", "picklist"},
        ),
        (
            "sla.yaml",
            "# yaml-language-server: $schema=../../schemas/generated/sla.schema.json\nslas:\n  hot:\n    clock: ",
            {"business", "always"},
        ),
    ],
    ids=["by", "type", "clock"],
)
@as_an_editor
async def test_the_values_of_a_key_are_offered(editor: Editor, file: str, text: str, wanted: set[str]) -> None:
    await editor.show(PLAYBOOK / file, text)
    last = text.splitlines()[-1]
    assert wanted <= set(await editor.complete(PLAYBOOK / file, text.count("\n"), len(last)))


def test_what_is_installed_is_told_by_its_contents_and_by_no_address() -> None:
    lock = json.loads((HERE / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    del lock[""]
    assert {one["version"] for key, one in lock.items() if key == "node_modules/yaml-language-server"} == {
        json.loads((HERE / "package.json").read_text(encoding="utf-8"))["dependencies"]["yaml-language-server"]
    }
    assert [key for key, one in lock.items() if not one.get("integrity", "").startswith("sha512-") or "resolved" in one] == []

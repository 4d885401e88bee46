"""What is generated is what the code says; what was ever sent can still be read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from google.protobuf import descriptor_pb2
from grpc_tools import protoc

from connectors import overview
from connectors.registry import manifests
from connectors.salesforce.pubsub import pubsub_api_pb2
from schemas import envelope
from sync import contracts
from sync.playbook import forms, yaml

ROOT = Path(__file__).parents[2]
GOLDEN = sorted((ROOT / "schemas" / "golden").glob("*.json"))


def load(path: Path) -> Any:
    return json.loads(path.read_text())


def test_nothing_generated_has_drifted() -> None:
    assert contracts.differences() == []


def test_drift_is_told_and_repaired(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    contracts.write(tmp_path)
    assert contracts.differences(tmp_path) == []
    (tmp_path / "asyncapi.json").write_text("{}")
    (tmp_path / "team.schema.json").unlink()
    (tmp_path / "messages" / "Old.schema.json").write_text("{}")
    assert contracts.differences(tmp_path) == [
        "asyncapi.json: stale",
        "messages/Old.schema.json: generated no longer",
        "team.schema.json: missing",
    ]
    monkeypatch.setattr(contracts, "FOLDER", tmp_path)
    monkeypatch.setattr(contracts.differences, "__defaults__", (tmp_path,))
    assert contracts.main(["--check"]) == 1
    assert "asyncapi.json: stale" in capsys.readouterr().out
    contracts.write(tmp_path)
    assert contracts.main(["--check"]) == 0
    assert contracts.main(["--nonsense"]) == 2


def test_the_messages_of_the_pubsub_api_are_those_of_its_proto(tmp_path: Path) -> None:
    folder, made = ROOT / "connectors" / "salesforce" / "pubsub", tmp_path / "made"
    assert protoc.main(["", f"-I{folder}", f"--descriptor_set_out={made}", "pubsub_api.proto"]) == 0
    (file,) = descriptor_pb2.FileDescriptorSet.FromString(made.read_bytes()).file
    for field in (one for message in file.message_type for one in message.field):
        field.ClearField("json_name")  # a set of descriptors says it, generated code does not
    assert descriptor_pb2.FileDescriptorProto.FromString(pubsub_api_pb2.DESCRIPTOR.serialized_pb) == file


def test_readme_says_of_every_system_what_its_manifest_says() -> None:
    text = contracts.README.read_text(encoding="utf-8")
    assert overview.written(text) == text, "run: python -m sync.contracts"
    assert all(f"| {one.title} ({one.side}) |" in text for one in manifests().values())
    with pytest.raises(ValueError, match="no place"):
        overview.written("nothing of the kind")


@pytest.mark.parametrize("vendor", manifests())
def test_a_manifest_says_what_its_code_does(vendor: str) -> None:
    """What nobody but the code knows: which touches it tells; and that a sentence for README is one."""
    manifest, folder = manifests()[vendor], ROOT / "connectors" / vendor
    code = "\n".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    assert bool(manifest.touches) == ("TouchRecorded" in code)
    assert [kind for kind in manifest.touches if f'"{kind}"' not in code] == []
    assert manifest.permissions == manifest.permissions.strip(" .\n|") != ""


@pytest.mark.parametrize("path", sorted(contracts.FOLDER.rglob("*.schema.json")), ids=lambda path: path.stem)
def test_every_schema_is_one(path: Path) -> None:
    jsonschema.Draft202012Validator.check_schema(load(path))


@pytest.mark.parametrize("file", [*forms.FILES, *forms.OPTIONAL])
def test_the_example_playbook_fits_its_schema_and_names_it(file: str) -> None:
    path = ROOT / "deploy" / "playbook" / file
    schema = contracts.FOLDER / f"{file.removesuffix('.yaml')}.schema.json"
    jsonschema.Draft202012Validator(load(schema)).validate(yaml.parse(file, path.read_bytes()).data)
    first = path.read_text().splitlines()[0]
    assert first.startswith("# yaml-language-server: $schema=")
    assert (path.parent / first.partition("=")[2]).resolve() == schema


def test_every_key_of_the_playbook_is_described() -> None:
    bare = []
    for file in (*forms.FILES, *forms.OPTIONAL, *(f"{folder}/any.yaml" for folder in forms.FOLDERS)):
        schema = forms.schema(file)
        for name, model in {**schema.get("$defs", {}), file: schema}.items():
            keys = model.get("properties", {}).items()
            bare += [f"{name}.{key}" for key, one in keys if not one.get("description")]
    assert bare == []


def test_every_key_that_takes_a_value_has_an_example() -> None:
    """Keys that take one of a few words, yes or no, or keys of their own are completed as they are."""
    bare = []
    for path in sorted(contracts.FOLDER.glob("*.schema.json")):
        schema = load(path)
        for name, model in {**schema.get("$defs", {}), path.stem: schema}.items():
            for key, one in model.get("properties", {}).items():
                kinds = {kind.get("type", "keys") if "enum" not in kind and "const" not in kind else "word" for kind in _kinds(one)}
                if kinds & {"string", "number", "integer", "array"} and not one.get("examples") and not _inner(one):
                    bare.append(f"{name}.{key}")
    assert bare == []


def _kinds(one: dict[str, Any]) -> list[dict[str, Any]]:
    return one.get("anyOf") or one.get("oneOf") or [one]


def _inner(one: dict[str, Any]) -> bool:
    """Say whether it is a list of what has keys of its own, or of a few words."""
    return any("$ref" in kind.get("items", {}) or "enum" in kind.get("items", {}) for kind in _kinds(one))


def test_asyncapi_names_every_topic_and_message() -> None:
    document = contracts.asyncapi()
    assert [channel["address"] for channel in document["channels"].values()] == [
        "{installation}.changes.{incarnation}",
        "{installation}.writes.{system}.hot",
        "{installation}.writes.{system}.bulk",
        "{installation}.events",
    ]
    assert set(document["components"]["messages"]) == {*envelope.TYPES, *envelope.EVENT_TYPES, "doorbell"}
    for reference in _references(document):
        node: Any = document
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]


def _references(node: Any) -> list[str]:
    if isinstance(node, list):
        return [found for one in node for found in _references(one)]
    if not isinstance(node, dict):
        return []
    return [value for key, value in node.items() if key == "$ref"] + [found for one in node.values() for found in _references(one)]


def test_every_type_has_a_golden_message() -> None:
    types = {load(path)["headers"]["ce_type"] for path in GOLDEN}
    assert types == {*envelope.TYPES, *envelope.EVENT_TYPES}


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_golden_message_is_still_readable_and_nothing_of_it_is_lost(path: Path) -> None:
    golden = load(path)
    model = {**envelope.TYPES, **envelope.EVENT_TYPES}[golden["headers"]["ce_type"]]
    if golden["headers"]["ce_type"] in envelope.TYPES:
        headers = [(name, text.encode()) for name, text in golden["headers"].items()]
        read = envelope.read(json.dumps(golden["value"]).encode(), headers)
        assert (read.id, read.type) == (golden["headers"]["ce_id"], golden["headers"]["ce_type"])
        value, again = envelope.write(read)
        assert envelope.read(value, again) == read
        data = read.data
    else:
        data = model.model_validate(golden["value"])
    kept = data.model_dump(mode="json")
    assert {name: kept[name] for name in golden["value"]} == golden["value"]
    jsonschema.Draft202012Validator(load(contracts.FOLDER / "messages" / f"{model.__name__}.schema.json")).validate(golden["value"])

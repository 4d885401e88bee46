"""Connectors and emulators are found by their folders, and a manifest that is wrong says where."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from connectors import registry
from connectors.base import Connection, Manifest
from connectors.contract import NotedBreaker, NotedBudget
from connectors.registry import BadManifest, UnknownVendor, emulator, emulators, load, manifests, read_manifest

GOOD = """\
vendor: acme
title: Acme
side: sales
person_object: Lead
truce_id_field: truce_id
quotas: [{name: calls, calls: 10, seconds: 1}]
batch_read: 10
batch_write: 10
in_flight: 2
webhook: false
poll_s: 60
permissions: a user who may
"""

DAILY = {"name": "daily", "calls": 30000, "seconds": 86400}


def test_every_folder_with_a_manifest_is_a_connector() -> None:
    home = Path(registry.__file__).parent
    assert set(manifests()) == {path.parent.name for path in home.glob("*/manifest.yaml")}
    assert "salesforce" in manifests()


@pytest.mark.parametrize("vendor", sorted(manifests()))
def test_a_connector_always_has_these_six_files(vendor: str) -> None:
    folder = Path(registry.__file__).parent / vendor
    found = {path.name for path in folder.iterdir() if path.name != "__pycache__"}
    assert found >= {
        "manifest.yaml",
        "__init__.py",
        "client.py",
        "source.py",
        "sink.py",
        "mapping.py",
    }  # what is beside them: house/test_grain


@pytest.mark.parametrize("vendor", sorted(manifests()))
async def test_both_sides_are_built_without_a_call_and_closed_twice(vendor: str) -> None:
    connection = Connection(
        "one", vendor, "http://127.0.0.1:9", {"client_id": "a", "client_secret": "b", "token": "c", "webhook_secret": "d"}
    )
    connector = load(vendor)
    assert connector.manifest == manifests()[vendor]
    for side in (connector.source(connection, NotedBudget(), NotedBreaker()), connector.sink(connection, NotedBudget(), NotedBreaker())):
        assert side.manifest.vendor == vendor
        await side.close()
        await side.close()


def test_an_unknown_vendor_is_named_with_those_that_there_are() -> None:
    with pytest.raises(UnknownVendor, match=r"'acme'; there are .*salesforce"):
        load("acme")
    with pytest.raises(UnknownVendor, match="no emulator"):
        emulator("acme")


def test_emulators_are_found_alike() -> None:
    assert "salesforce" in emulators()
    assert hasattr(emulator("salesforce"), "Salesforce")


def _written(folder: Path, text: str | bytes) -> Path:
    path = folder / "acme" / "manifest.yaml"
    path.parent.mkdir()
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_good_manifest_is_read(tmp_path: Path) -> None:
    assert read_manifest(_written(tmp_path, GOOD)).title == "Acme"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (GOOD.replace("side: sales", "side: legal"), "side:"),
        (GOOD.replace("poll_s: 60\n", ""), "poll_s:"),
        (GOOD + "colour: red\n", "colour:"),
        (GOOD.replace("vendor: acme", "vendor: other"), "vendor is 'other'"),
        (GOOD + "vendor: acme\n", "vendor"),
        ("[", "line 1"),
        ("", "the file:"),
        (b"\xff\xfe\x00", "manifest.yaml"),
    ],
)
def test_a_bad_manifest_says_what_is_wrong(tmp_path: Path, text: str | bytes, words: str) -> None:
    with pytest.raises(BadManifest, match=r"acme/manifest\.yaml") as caught:
        read_manifest(_written(tmp_path, text))
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("changed", "pace"),
    [({}, 60.0), ({"poll_s": 0.1}, 1.0), ({"quotas": [DAILY]}, 43.2), ({"quotas": [DAILY], "webhook": True}, 60.0)],
)
def test_polls_take_their_share_of_the_day_or_the_manifests_pace(changed: dict[str, Any], pace: float) -> None:
    manifest = Manifest.model_validate({**YAML(typ="safe").load(GOOD), **changed})
    assert manifest.pace_s(1) == pytest.approx(pace)

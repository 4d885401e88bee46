"""The presets of deploy/presets: each is a whole file, fits the example playbook as it is, and says what comes of its example payloads."""

from __future__ import annotations

from pathlib import Path

import pytest

from sync.playbook import loader
from sync.playbook.models import Playbook
from sync.playbook.problems import PlaybookError
from sync.trial import doors
from tests.house.project import ROOT

PRESETS = sorted((ROOT / "deploy" / "presets").iterdir())
EXAMPLE = loader.read(ROOT / "deploy" / "playbook")


def beside(path: Path) -> Playbook:
    return loader.load_files(EXAMPLE | {f"inbound/{path.name}": path.read_bytes()})


def test_there_is_one_for_each_kind_of_sender() -> None:
    assert [path.name for path in PRESETS] == ["enrichment.yaml", "form.yaml", "visitors.yaml"]


@pytest.mark.parametrize("path", PRESETS, ids=lambda path: path.stem)
def test_a_preset_says_what_its_payloads_mean(path: Path) -> None:
    played = doors.play(beside(path))
    assert len(played) >= 2
    assert [(one.case.id, one.differences) for one in played if not one.passed] == []
    rules = {one.case.expect.get("rule") for one in played}
    assert rules >= {rule.id for rule in beside(path).doors[path.stem].rules}


def test_all_of_them_stand_side_by_side() -> None:
    files = {f"inbound/{path.name}": path.read_bytes() for path in PRESETS}
    playbook = loader.load_files(EXAMPLE | files)
    assert set(playbook.doors) == {"enrichment", "form", "visitors"}
    assert set(playbook.told) == {"salesforce", "hubspot"}


def test_what_came_out_otherwise_is_shown_with_its_line() -> None:
    text = (
        (ROOT / "deploy" / "presets" / "form.yaml").read_bytes().replace(b"company: Nordwind AS, country", b"company: Nordwand AS, country")
    )
    (wrong, _) = doors.play(loader.load_files(EXAMPLE | {"inbound/form.yaml": text}))
    (difference,) = wrong.differences
    assert (difference.what, difference.expected, difference.got) == ("fields.company", "Nordwand AS", "Nordwind AS")
    assert str(difference.where) == "inbound/form.yaml:45"


@pytest.mark.parametrize("policy", ["form", "marketing", "latest"])
def test_a_field_may_be_owned_by_a_door(policy: str) -> None:
    fields = EXAMPLE["fields.yaml"].replace(
        b"  company:\n    type: text\n    policy: sales", f"  company:\n    type: text\n    policy: {policy}".encode()
    )
    assert fields != EXAMPLE["fields.yaml"]
    path = next(one for one in PRESETS if one.stem == "form")
    playbook = loader.load_files(EXAMPLE | {"fields.yaml": fields, "inbound/form.yaml": path.read_bytes()})
    assert playbook.fields["company"].policy == policy
    assert playbook.fields["company"].systems["form"].read_only


def test_a_door_owns_only_what_it_sets() -> None:
    fields = EXAMPLE["fields.yaml"].replace(b"  website:\n    type: url\n    policy: first", b"  website:\n    type: url\n    policy: form")
    path = next(one for one in PRESETS if one.stem == "form")
    with pytest.raises(PlaybookError) as caught:
        loader.load_files(EXAMPLE | {"fields.yaml": fields, "inbound/form.yaml": path.read_bytes()})
    assert [(one.text, one.suggestion) for one in caught.value.problems] == [
        ("form owns website and does not have it", "name it in inbound/form.yaml")
    ]

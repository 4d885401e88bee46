"""The fields of other pairs of systems, deploy/pairs, stand in the example playbook as those of the first pair do."""

from __future__ import annotations

import pytest

from sync.cli.emulate import PAIRS
from sync.playbook.loader import check, read
from tests.house.project import ROOT


@pytest.mark.parametrize("pair", PAIRS[1:])
def test_the_fields_of_another_pair_make_a_playbook(pair: tuple[str, str]) -> None:
    example = {name: text for name, text in read(ROOT / "deploy" / "playbook").items() if not name.startswith(("cases/", "env/"))}
    fields = (ROOT / "deploy" / "pairs" / "-".join(pair) / "fields.yaml").read_bytes()
    found = check({**example, "fields.yaml": fields})
    assert found.problems == ()
    assert found.playbook is not None
    assert tuple(found.playbook.systems) == pair
    assert all(set(one.systems) <= set(pair) for one in found.playbook.fields.values())

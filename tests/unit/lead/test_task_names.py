"""The task that the CRM shows for a leg: whatever a person is called, its subject is one short line."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

import pytest

from tests.unit.alerts.test_escape import NASTY
from tests.unit.lead.handing import ANA, LEGS_OF, Handed, book


@pytest.mark.parametrize("name", [*NASTY, "x" * 5_000])
def test_a_name_is_no_second_line_and_no_order(name: str) -> None:
    kim = Handed(book(*(replace(one, task=True) for one in LEGS_OF)))
    kim.sales(15, FirstName=name, LastName="Larsen")
    (task,) = kim.shown(20).tasks
    assert task.owner == ANA
    assert task.subject.startswith("Accept or give back: ")
    assert not [sign for sign in task.subject if unicodedata.category(sign) in ("Cc", "Cf", "Zl", "Zp")]
    assert len(task.subject) <= 255, "as much as Salesforce takes"

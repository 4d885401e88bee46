"""A lead that was given back for later rests as long as the reason said, whatever it does meanwhile."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sync.lead import clocks
from sync.lead.timing import STAGE
from sync.playbook.models import Playbook, Returns, When
from tests.factory import ms
from tests.unit.lead.handing import ANA, HERE, H, Handed, M, book
from tests.unit.lead.play import DAY

FORTNIGHT = Returns(HERE, 14 * DAY * 1000, When())


def resting(returns: Returns | None) -> Playbook:
    base = book()
    return replace(base, stages=tuple(replace(s, returns=returns) if s.id == "recycled" else s for s in base.stages))


@pytest.mark.parametrize(
    ("code", "returns", "days"),
    [("bad_timing", None, 90), ("bad_timing", FORTNIGHT, 90), ("no_budget", FORTNIGHT, 14), ("no_budget", None, 0)],
)
def test_it_comes_back_after_both_what_the_reason_says_and_what_the_stage_says(code: str, returns: Returns | None, days: int) -> None:
    kim = Handed(resting(returns))
    kim.shown(20)
    kim.order("reject", 100, code=code)
    assert (kim.stage, kim.note.closed_as, kim.note.reason) == ("recycled", "recycled", code)
    assert kim.lead.said_no == [ANA]
    if days:
        kim.did("b", 100 + days * DAY - H)
        assert (kim.stage, kim.note.cycle) == ("recycled", 1)
        assert kim.lead.clocks[STAGE] == ms(100 + days * DAY), "judged again when the rest is over"
    kim.did("c", 100 + days * DAY + 1)
    assert (kim.stage, kim.note.cycle) == ("mql", 2)
    assert kim.note.owner != ANA


def test_the_clock_brings_back_what_the_person_did_while_it_rested() -> None:
    kim = Handed(resting(None))
    kim.shown(20)
    kim.order("reject", 100, code="bad_timing")
    kim.did("b", 89 * DAY)
    due = kim.lead.clocks[STAGE]
    kim.go(clocks.told(kim.lead.id, STAGE, due, due), (due - ms(0)) / 1000)
    assert (kim.stage, kim.note.cycle) == ("mql", 2)


def test_a_reason_said_in_the_crm_together_with_the_stage_counts_the_same() -> None:
    kim = Handed(resting(None))
    kim.shown(20)
    kim.sales(100, Stage__c="RECYCLED", Reason__c="bad_timing", Comment__c="next year")
    assert (kim.stage, kim.note.closed_as, kim.note.reason, kim.note.comment) == ("recycled", "recycled", "bad_timing", "next year")
    kim.did("b", 89 * DAY)
    assert (kim.stage, kim.note.cycle) == ("recycled", 1)
    kim.did("c", 91 * DAY)
    assert (kim.stage, kim.note.cycle) == ("mql", 2)


def test_somebody_in_sales_may_bring_it_back_any_time() -> None:
    kim = Handed(resting(FORTNIGHT))
    kim.shown(20)
    kim.order("reject", 100, code="bad_timing")
    kim.sales(DAY, Stage__c="MQL")
    assert (kim.stage, kim.note.cycle) == ("mql", 2)
    assert kim.due is None or kim.due > DAY + 10 * M

"""What a candidate does to the goals: the history's MQLs as a rate, through the promised shares."""

from __future__ import annotations

import pytest

from sync.playbook.models import Goal, Goals, MqlPromise, Where
from sync.trial.effect import MONTH_DAYS, days, effects
from sync.trial.world import Qualified

HERE = Where("goals.yaml", 7)
REST = MqlPromise("mqls", 60, "m@acme.example", HERE, None, {"customer": 0.1}, 1000.0)
LARGE = MqlPromise("large", 10, "m@acme.example", HERE, "enterprise", {"sql": 0.5})
CUSTOMERS = Goal("customers", "New customers", "customer", 12, "quarter", "s@acme.example", HERE)
SQLS = Goal("sqls", "SQLs", "sql", 5, "month", "s@acme.example", HERE, "enterprise")
GOALS = Goals(goals=(CUSTOMERS, SQLS), marketing=(REST, LARGE))


def qualified(**counts: int) -> list[Qualified]:
    return [Qualified(0, "form", "", segment) for segment, count in counts.items() for _ in range(count)]


def test_goals_and_promises_at_the_rate_of_the_history() -> None:
    before, after = qualified(smb=80, enterprise=20), qualified(smb=30, other=2, enterprise=20)
    told = {one.id: one for one in effects(GOALS, (before, after), 2 * MONTH_DAYS, 1.0)}
    assert (told["mqls"].before, told["mqls"].after, told["mqls"].wanted) == pytest.approx((40, 16, 60))
    assert (told["large"].before, told["large"].after) == pytest.approx((10, 10))
    assert (told["customers"].before, told["customers"].after) == pytest.approx((12, 4.8))
    assert told["customers"].lost
    assert told["customers"].words == "16 MQLs × 3 months × 0.1 customers = 4.8 (mqls)"
    assert told["sqls"].after == pytest.approx(5)
    assert not told["sqls"].lost


def test_a_sample_stands_for_everybody() -> None:
    tenth = effects(GOALS, (qualified(smb=4), qualified(smb=4)), MONTH_DAYS, 0.1)
    assert tenth[0].after == pytest.approx(40)


def test_a_history_of_days_says_nothing_of_months() -> None:
    assert effects(GOALS, (qualified(smb=4), []), 6.9, 1.0) == []
    assert effects(Goals(goals=(CUSTOMERS,)), (qualified(smb=4), []), 60.0, 1.0) == []
    assert (days(None), days((0, 86_400_000 * 3))) == (0.0, 3.0)

"""How much bulk may stand before what is hot: a quarter of a second's work, whatever the machine does in one."""

from __future__ import annotations

from sync.sources.lag import FEW, LITTLE, Pace, allowed


def test_a_quarter_of_a_seconds_work_may_wait_within_bounds() -> None:
    assert allowed(None, LITTLE) == FEW
    assert allowed(800.0, LITTLE) == 200
    assert allowed(5_000.0, LITTLE) == LITTLE
    assert allowed(1.0, LITTLE) == FEW
    assert allowed(400.0, 5) == 5


def test_the_pace_is_told_by_times_in_which_there_was_something_to_decide() -> None:
    pace = Pace()
    pace.look(0.0, 0, 0)
    assert pace.per_s is None
    pace.look(1.0, 100, 50)  # before that nothing waited: it tells how much came, not how much could be done
    assert pace.per_s is None
    pace.look(1.1, 130, 50)  # too soon
    pace.look(2.0, 300, 50)
    assert pace.per_s == 200.0
    pace.look(3.0, 400, 10)
    assert pace.per_s == 150.0
    pace.look(4.0, 410, 0)  # all done: what it took is not known
    assert pace.per_s == 150.0
    pace.look(5.0, 510, 30)
    assert pace.per_s == 150.0

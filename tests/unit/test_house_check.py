"""`truce house check`: every check runs, also after one that failed, and what is wrong is said."""

from __future__ import annotations

import pytest

from sync.cli.house import BESIDE, failures


def test_what_failed_is_named_in_order_with_what_it_said(capsys: pytest.CaptureFixture[str]) -> None:
    (beside,) = BESIDE
    ends = {"good": "pass", beside: "print('said beside'); raise SystemExit(3)", "bad": "raise SystemExit(1)", "last": "pass"}
    assert failures({name: ("-c", code) for name, code in ends.items()}) == [beside, "bad"]
    said = [line.removesuffix(" s").rstrip("0123456789 ") for line in capsys.readouterr().out.splitlines()]
    assert said == ["✔ good", "✘ bad", "✔ last", "said beside", f"✘ {beside}"]

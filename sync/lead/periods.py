"""Months, quarters and years as the company counts them: by its fiscal year."""

from __future__ import annotations

from datetime import date

from sync.playbook.models import MONTHS, Goals
from sync.playbook.models.goals import Period


def months(start: date, end: date) -> int:
    """Give how many months a period has, both days at the beginning of one."""
    return max(1, (end.year - start.year) * 12 + end.month - start.month)


def period(text: str, goals: Goals) -> tuple[date, date] | None:
    """Read `2026-Q4`, `2026-11` or `2026`, by the company's fiscal year; gives the first day and the day after the last. None for anything else."""
    year, _, part = text.strip().upper().partition("-")
    if not (year.isascii() and year.isdigit() and len(year) == 4 and int(year) > 0):
        return None
    first = goals.fiscal_year_starts
    if part == "":
        return _span(int(year), first, 12)
    if part[:1] == "Q" and part[1:] in ("1", "2", "3", "4"):
        return _span(int(year), first + 3 * (int(part[1:]) - 1), 3)
    if len(part) == 2 and part.isdigit() and 1 <= int(part) <= 12:
        return _span(int(year), int(part), 1)
    return None


def _span(year: int, month: int, length: int) -> tuple[date, date]:
    def first(count: int) -> date:
        return date(year + (count - 1) // 12, (count - 1) % 12 + 1, 1)

    return first(month), first(month + length)


def current(per: Period, on: date, goals: Goals) -> tuple[date, date]:
    """Give the month, quarter or year that a day lies in: its first day, and the day after its last."""
    length = MONTHS[per]
    ago = (on.month - goals.fiscal_year_starts) % 12 % length
    return _span(on.year, on.month - ago, length)

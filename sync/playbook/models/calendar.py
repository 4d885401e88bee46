"""Public holidays by calendar: `DE`, or `DE-BE` for a part of a country."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import lru_cache


@lru_cache(maxsize=256)
def public_holidays(calendar: str, year: int) -> Mapping[date, str]:
    """Give the days of a year that are public holidays, with their names; a calendar that does not exist has none (`truce check` names it)."""
    import holidays  # a second to import and set up: only who keeps holidays pays

    country, _, part = calendar.partition("-")
    try:
        return dict(holidays.country_holidays(country, subdiv=part or None, years=year, language="en_US"))
    except NotImplementedError:
        return {}

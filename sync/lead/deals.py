"""What became of the opportunities that a lead is in, as marketing's system shows it on the person. Pure. Times are ms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from schemas.base import Ref, Scalar
from sync.lead import account
from sync.lead.ledger import Entry, outcome_of
from sync.lead.state import Lead, from_ms
from sync.lead.work import Work
from sync.playbook.models import OF_OPPORTUNITY, Playbook


class _Ended(NamedTuple):
    """One opportunity that was won or lost."""

    day: str
    at: int
    ref: str
    result: str
    amount: float | None
    currency: str


def shown(work: Work, lead: Lead) -> Mapping[str, Scalar] | None:
    """Give what is shown, by the name of the shared field: the latest result, and the money of all that was won, in the company's currency.

    None: no opportunity was looked up, so that nothing is known of any.
    """
    if not work.facts.ledger:
        return None
    book = work.playbook
    systems = _systems(book)
    there = (one for one in account.roles(lead, work.facts.ledger) if Ref.parse(one.ref).system in systems)
    ended = sorted(made for one in there if (made := _ended(one, book)) is not None)
    if not ended:
        return dict.fromkeys(OF_OPPORTUNITY)
    last, home = ended[-1], book.goals.currency
    won = sum(one.amount or 0.0 for one in ended if one.result == "won" and one.currency == home)
    return {
        "opportunity_result": last.result,
        "opportunity_amount": last.amount,
        "opportunity_currency": last.currency,
        "opportunity_closed": last.day,
        "won_amount": won,
        "won_currency": home,
    }


def _systems(book: Playbook) -> frozenset[str]:
    """Give where opportunities count: with sales, so that a copy in marketing's system counts none twice; where sales has none, everywhere."""
    return frozenset(name for name in book.sales if book.systems[name].opportunity) or frozenset(book.systems)


def _ended(one: Entry, book: Playbook) -> _Ended | None:
    result, stage = outcome_of(one, book), one.act("stage")
    if result == "open" or stage is None:
        return None
    amount = one.value("amount")
    number = float(amount) if isinstance(amount, int | float) and not isinstance(amount, bool) else None
    day = (one.text("close_date") or from_ms(stage.at).isoformat())[:10]
    return _Ended(day, stage.at, one.ref, result, number, one.text("currency") or book.goals.currency)

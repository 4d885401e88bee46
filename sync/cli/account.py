"""How `truce explain` tells of a lead's account: which it is and why, and what is known of it now."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any


def tell_account(
    say: Callable[[str], object],
    doc: Mapping[str, Any],
    now: Mapping[str, Any],
    person: Callable[[object], str],
    ref: Callable[[str], str],
) -> None:
    """Tell a lead's account as it is known `now`, and as it was at the lead's last decision where that was another one."""
    if now:
        say(f"Account       {' · '.join(_parts(now, person, ref))}")
    decided = doc["why"].get("account")
    if (decided or {}).get("ref") != now.get("ref"):
        was = f"{decided['name'] or '(no name)'} ({ref(decided['ref'])}): {decided['how']}" if decided else "none"
        say(f"{'' if now else 'Account':<13} at its last decision: {was}; what is known now counts from its next change on")


def _parts(now: Mapping[str, Any], person: Callable[[object], str], ref: Callable[[str], str]) -> Iterator[str]:
    values = now["values"]
    yield f"{values.get('account.name') or '(no name)'} ({ref(now['ref'])})"
    yield now["how"]
    yield f"with {person(values.get('account.owner'))}"
    open_, won = values.get("account.open_opportunities"), values.get("account.won_opportunities")
    deal = values.get("opportunity.name"), values.get("opportunity.owner")
    which = f" ({', '.join(text for text in (deal[0], f'with {person(deal[1])}') if text)})" if any(deal) else ""
    if open_ or which:
        yield f"{open_ or 'in another account, one'} open {'opportunities' if open_ and open_ > 1 else 'opportunity'}{which}"
    if won:
        yield f"{won} won"

"""What a case would give of a real lead: what its records show and what the person did, without what Truce decided of it. Pure; ms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from schemas.base import Scalar
from sync.lead import account
from sync.lead.decision import Facts
from sync.lead.index import index
from sync.lead.ledger import outcome_of
from sync.lead.reconcile import TRUCE, desire
from sync.lead.score import by_machine
from sync.lead.state import Lead, branch
from sync.playbook.models import SIDE_EXITS, Given, GivenTouch, Playbook, SharedField, Values

MOST = 60
"""So many touches are given, the newest."""
SECOND_MS = 1_000
_SPANS = (("s", SECOND_MS), ("m", 60 * SECOND_MS), ("h", 3_600 * SECOND_MS), ("d", 86_400 * SECOND_MS))
_LONGEST = 999_999
"""A case writes a span with at most six digits."""


def untold(lead: Lead, playbook: Playbook) -> Lead:
    """Give a copy of the lead as it would stand if Truce had decided nothing: only what systems and people said."""
    fresh = branch(lead)
    fresh.handoff = fresh.held = None
    fresh.why.pop("owner", None)
    for name, claims in fresh.claims.items():
        if claims.pop(TRUCE, None) is not None:
            fresh.desired.pop(name, None)
            desire(fresh, [name], playbook, index(playbook).ranks)
    return fresh


COLLEAGUE = "a.colleague@company.example"
"""Stands for whoever is in an opportunity of the account that the lead itself is not in: it moves nobody's stage."""


def given_of(lead: Lead, facts: Facts, playbook: Playbook, now: int, had: Sequence[str] = ()) -> Given:
    """Give what a case says of a lead that `untold` made, at a moment; `had`: who had it before."""
    at = now + -now % SECOND_MS  # a case is written in whole seconds; none of what was done lies behind it
    values = account.values_of(lead, facts, playbook)
    here = tuple(name for name in playbook.told if lead.live(name))
    told = {name: held.value for name in playbook.fields if (held := lead.desired.get(name)) and _says(held.value, playbook.fields[name])}
    return Given(
        at=at,
        lead=told,
        systems=here if len(here) < len(playbook.told) else (),
        since=_since(lead, at),
        touches=tuple(_touches(lead, playbook, at)),
        account=_of(values, "account", playbook.account_fields),
        opportunity=_opportunity(lead, facts, values, playbook),
        had=tuple(email for email in had if email in playbook.reps),
    )


def _since(lead: Lead, at: int) -> int | None:
    """Give how long the lead has stood in its stage, where something depends on it: what comes back needs time."""
    held = lead.desired.get("stage")
    return round_span(max(0, at - held.at)) if held is not None and held.value in SIDE_EXITS else None


def _says(value: Scalar, shared: SharedField) -> bool:
    return value is not None and value != "" and not (shared.consent is not None and value is False)


def _touches(lead: Lead, playbook: Playbook, at: int) -> Iterator[GivenTouch]:
    """Give what the person did, the newest last; what a machine did gives no points, and is left out."""
    acts = sorted((one for one in lead.touches if not by_machine(one, playbook) and one.at <= at), key=lambda one: one.at)
    return (GivenTouch(one.kind, one.name[:200], round_span(at - one.at)) for one in acts[-MOST:])


def round_span(span: int) -> int:
    """Give a span as a case can write it: whole seconds, or larger units when it is long."""
    size = next((size for _, size in _SPANS if span // size <= _LONGEST), _SPANS[-1][1])
    return span - span % size


def written(span: int) -> str:
    """Write a span of a case, in its largest whole unit: 2m, 14d."""
    name, size = next((name, size) for name, size in reversed(_SPANS) if span % size == 0)
    return f"{span // size}{name}" if span else "0s"


def _of(values: Values, about: str, fields: Mapping[str, SharedField]) -> dict[str, Scalar]:
    found: dict[str, Scalar] = {}
    for name, shared in fields.items():
        value = values.get(f"{about}.{name}")
        if not isinstance(value, tuple) and _says(value, shared):
            found[name] = value
    return found


def _opportunity(lead: Lead, facts: Facts, values: Values, playbook: Playbook) -> dict[str, Scalar]:
    """Give the lead's open opportunity; where there is none and its account has bought before, one that is won."""
    found = _of(values, "opportunity", playbook.opportunity_fields)
    won = next((one.id for one in playbook.opportunity_stages.values() if one.state == "won"), None)
    bought = not found and bool(values.get("account.won_opportunities")) and won is not None
    if not (found or bought):
        return found
    state = "won" if bought else "open"
    own = bool(facts.ledger) and any(outcome_of(one, playbook) == state for one in account.roles(lead, facts.ledger))
    others = {} if own or "people" not in playbook.opportunity_fields else {"people": COLLEAGUE}
    return {**({"stage": won} if bought else found), **others}

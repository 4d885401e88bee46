"""Whose value wins: what every system should show, as a pure function of the claims and the policies. Times are ms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from schemas.base import Scalar
from sync.lead import steps
from sync.lead.state import Claim, Desired, Lead, Record
from sync.lead.steps import TRUCE, Holder, system_of
from sync.playbook.models import OWN, SIDE_EXITS, Freeze, Playbook, SharedField

__all__ = ["SCORES", "TRUCE", "Moved", "claim_truce", "count_flip", "desire", "differs", "left_alone", "limit", "system_of", "winner"]
SCORES = {"fit", "engagement", "score", "fit_score", "engagement_score", "lead_score"}
"""Shared fields that Truce computes: nobody else's claim counts once it has."""


@dataclass(frozen=True, slots=True)
class Moved:
    """One desired value that is another than before."""

    field: str
    before: Scalar
    after: Scalar
    ref: str


def _counts(lead: Lead, ref: str) -> bool:
    """Say whether a record's claims count: those of a merged one end when its successor has been read."""
    record = lead.records.get(ref)
    if record is None or record.gone != "merged" or record.became is None:
        return True
    successor = lead.records.get(record.became)
    return successor is None or (successor.partial and successor.gone is None)


def _newest(holders: Iterable[Holder], rank: Mapping[str, int]) -> Holder | None:
    return min(holders, key=lambda h: (-h[1].at, rank.get(system_of(h[0]), 99), h[0]), default=None)


def _owned(shared: SharedField, holders: list[Holder], playbook: Playbook, rank: Mapping[str, int]) -> Holder | None:
    """The owner's newest, a deliberate blank included; before the owner says anything, the newest of the others stands in."""

    def owns(ref: str) -> bool:
        system = system_of(ref)
        return ref == TRUCE or system == shared.policy or (system in playbook.systems and playbook.side(system) == shared.policy)

    owner = _newest((h for h in holders if owns(h[0])), rank)
    return owner or _newest((h for h in holders if h[1].value is not None), rank)


def _most_advanced(shared: SharedField, holders: list[Holder], playbook: Playbook, rank: Mapping[str, int]) -> Holder | None:
    """The highest in order. Sales (or Truce) takes a lead out by a side exit; a claim made later brings it back."""
    place = {value: i for i, value in enumerate(shared.order)}

    def may_end(ref: str) -> bool:
        return ref == TRUCE or (system_of(ref) in playbook.systems and playbook.side(system_of(ref)) == "sales")

    ended = _newest((h for h in holders if h[1].value in SIDE_EXITS and may_end(h[0])), rank)
    going = [h for h in holders if h[1].value not in SIDE_EXITS and h[1].value is not None and (ended is None or h[1].at > ended[1].at)]
    if not going:
        return ended or _newest((h for h in holders if h[1].value is not None), rank)
    top = max(place.get(str(h[1].value), -1) for h in going)
    same = [h for h in going if place.get(str(h[1].value), -1) == top]
    return min(same, key=lambda h: (h[1].at, rank.get(system_of(h[0]), 99), h[0]))


def _strictest(shared: SharedField, holders: list[Holder], rank: Mapping[str, int]) -> Holder | None:
    def strictness(value: Scalar) -> int:
        if isinstance(value, bool):
            return int(value)
        return shared.order.index(str(value)) if str(value) in shared.order else -1

    top = max((strictness(h[1].value) for h in holders if h[1].value is not None), default=None)
    return None if top is None else _newest((h for h in holders if h[1].value is not None and strictness(h[1].value) == top), rank)


def winner(shared: SharedField, claims: Mapping[str, Claim], playbook: Playbook, rank: Mapping[str, int]) -> Holder | None:
    """Give the claim that wins, with its ref; None when there is none."""
    holders = list(claims.items())
    if len(holders) == 1 and (shared.policy == "latest" or holders[0][1].value is not None):
        return holders[0]
    if TRUCE in claims and (shared.name in SCORES or shared.name in OWN):
        return TRUCE, claims[TRUCE]
    match shared.policy:
        case "latest":
            return _newest(holders, rank)
        case "first":
            filled = [h for h in holders if h[1].value is not None]
            return min(filled, key=lambda h: (h[1].at, rank.get(system_of(h[0]), 99), h[0]), default=None)
        case "most_advanced":
            return _most_advanced(shared, holders, playbook, rank)
        case "stricter":
            return _strictest(shared, holders, rank)
        case _:
            return _owned(shared, holders, playbook, rank)


_WORDS = {
    "latest": "the last edit counts",
    "first": "what was there first stays",
    "most_advanced": "it never goes backwards",
    "stricter": "the stricter one counts",
}


def _said(shared: SharedField) -> str:
    """Say a field's policy in words."""
    return _WORDS.get(shared.policy, f"{shared.policy} owns {shared.name}")


def _put_aside(
    lead: Lead, shared: SharedField, won: Holder, claims: Mapping[str, Claim], rank: Mapping[str, int], refused: Mapping[str, str]
) -> dict[str, object] | None:
    """Keep the newest losing value with the reason; gives it when it is another than the one kept."""
    lost = _newest((h for h in claims.items() if h[1].value is not None and h[1].value != won[1].value and h[0] != TRUCE), rank)
    held = lead.aside.get(shared.name)
    if lost is None:
        lead.aside.pop(shared.name, None)
        return None
    ref, claim = lost
    reason = refused.get(ref) or f"{_said(shared)} ({shared.where})"
    kept: dict[str, object] = {"value": claim.value, "ref": ref, "at": claim.at, "reason": reason}
    lead.aside[shared.name] = kept
    return kept if held is None or (held["value"], held["ref"]) != (claim.value, ref) else None


_NOBODY: Mapping[str, str] = {}


def _won(
    lead: Lead, shared: SharedField, claims: Mapping[str, Claim], playbook: Playbook, rank: Mapping[str, int]
) -> tuple[Holder | None, Mapping[str, str]]:
    if shared.name == "stage" and shared.policy == "most_advanced" and steps.guarded(playbook):
        return steps.stand(lead, shared, claims, playbook, rank)
    return winner(shared, claims, playbook, rank), _NOBODY


def desire(
    lead: Lead, names: Iterable[str], playbook: Playbook, rank: Mapping[str, int]
) -> tuple[list[Moved], list[tuple[str, dict[str, object]]]]:
    """Work out these fields anew; gives what moved, and what was newly put aside. Consent fields are law 5's: see `consent`."""
    moved: list[Moved] = []
    aside: list[tuple[str, dict[str, object]]] = []
    for name in names:
        shared, held = playbook.fields.get(name), lead.claims.get(name)
        if shared is None or shared.consent is not None or not held:
            continue
        claims = held if len(held) == 1 else {ref: claim for ref, claim in held.items() if _counts(lead, ref)}
        won, refused = _won(lead, shared, claims, playbook, rank)
        if won is None:
            continue
        before = lead.desired.get(name)
        ref, claim = won
        if len(claims) > 1 or refused or name in lead.aside:
            lost = _put_aside(lead, shared, won, claims, rank, refused)
            if lost is not None:
                aside.append((name, lost))
        if before is not None and (before.value, before.at, before.ref) == (claim.value, claim.at, ref):
            continue
        changed = before is None or before.value != claim.value
        version = (before.version if before else 0) + changed
        past = before.past if before is not None else []
        if changed and before is not None:
            past = [[before.value, before.at], *past][:3]
        lead.desired[name] = Desired(claim.value, claim.at, ref, version, f"{shared.where} {shared.policy}", past)
        if changed:
            moved.append(Moved(name, before.value if before else None, claim.value, ref))
    return moved, aside


def claim_truce(lead: Lead, name: str, value: Scalar, at: int) -> bool:
    """Let Truce itself claim a field; False when it claims just that already."""
    claims = lead.claims.setdefault(name, {})
    held = claims.get(TRUCE)
    if held is not None and held.value == value:
        return False
    claims[TRUCE] = Claim(value, at, TRUCE)
    return True


def differs(lead: Lead, record: Record, system: str, playbook: Playbook, *, consent_only: bool) -> bool:
    """Say whether a record shows, in any field that may be told, another value than it should."""
    for name, wanted in lead.desired.items():
        shared = playbook.fields.get(name)
        if shared is None or (consent_only and shared.consent is None) or name in lead.frozen:
            continue
        spelled = shared.systems.get(system)
        if spelled is None or spelled.read_only or not spelled.name_of(record.object):
            continue
        seen = record.fields.get(name)
        if (seen.value if seen else None) == wanted.value or (shared.kind == "flag" and seen is None and not wanted.value):
            continue
        refused = record.refused.get(name)
        if refused is None or refused.value != wanted.value:
            return True
    return False


def limit(playbook: Playbook, name: str) -> Freeze:
    """Give how often a field may go to and fro, in which window: its own limit, else that of the guards."""
    shared = playbook.fields.get(name)
    own = shared.freeze if shared is not None else None
    return own or Freeze(playbook.guards.flips, playbook.guards.flip_window_s)


def left_alone(playbook: Playbook, name: str) -> str:
    """Say that a field is frozen."""
    return f"{name} keeps changing to and fro: left alone for {limit(playbook, name).window_s} s"


def count_flip(lead: Lead, name: str, now: int, playbook: Playbook) -> bool:
    """Note that a field went to and fro; True when it is too often and the field is frozen from now on."""
    allowed = limit(playbook, name)
    window = allowed.window_s * 1000
    times = [t for t in lead.flips.get(name, ()) if t > now - window]
    lead.flips[name] = [*times, now][-(allowed.flips + 2) :]
    if len(times) + 1 <= allowed.flips or name in lead.frozen:
        return False
    lead.frozen[name] = now + window
    return True

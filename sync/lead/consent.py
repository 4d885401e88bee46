"""Law 5: an opt-out anywhere wins everywhere; only a later act of the person opts in again. Times are ms."""

from __future__ import annotations

from collections.abc import Mapping

from sync.lead.index import index
from sync.lead.reconcile import TRUCE, Moved
from sync.lead.state import Claim, Consent, Desired, Lead
from sync.playbook.models import Playbook


def word(kind: str) -> str:
    """Name the claim that holds the person's own last word on a channel or type."""
    return f"consent:{kind}"


def say(lead: Lead, said: Mapping[str, bool], at: int, source: str) -> bool:
    """Take in what the person said (channel or type → may be contacted); the latest word counts, a tie is an opt-out."""
    changed = False
    for kind, may in said.items():
        held = lead.claims.get(word(kind), {}).get(TRUCE)
        if held is None or (at, not may) > (held.at, held.value is True):
            lead.claims.setdefault(word(kind), {})[TRUCE] = Claim(not may, at, source)
            changed = True
    return changed


def _state(lead: Lead, name: str | None, kind: str) -> Consent | None:
    """The last opting out that any record ever showed, against the person's own last word."""
    said = lead.claims.get(word(kind), {}).get(TRUCE)
    outs = [(claim.at, ref) for ref, claim in lead.claims.get(name or "", {}).items() if claim.value is True]
    if outs and (said is None or said.at <= max(outs)[0] or said.value is True):
        at, ref = max(outs)
        return Consent(True, at, ref, "shown by the record")
    return None if said is None else Consent(said.value is True, said.at, said.origin, "said by the person")


def settle(lead: Lead, playbook: Playbook) -> list[Moved]:
    """Work out each channel and what the systems' flags should show; gives what moved. Holds outside the scope too."""
    moved: list[Moved] = []
    for shared in index(playbook).consents:
        name, kind = shared.name, shared.consent or ""
        found = _state(lead, name, kind)
        if found is None:
            continue
        held = lead.consent.get(kind)
        if held == found and name in lead.desired:
            continue
        lead.consent[kind] = found
        before = lead.desired.get(name)
        changed = before is None or before.value != found.opted_out
        ref = found.source if found.basis.startswith("shown") else TRUCE
        version = (before.version if before else 0) + changed
        lead.desired[name] = Desired(found.opted_out, found.at, ref, version, f"{shared.where} consent: {found.basis}")
        if changed:
            moved.append(Moved(name, before.value if before else None, found.opted_out, ref))
    mapped = {shared.consent for shared in index(playbook).consents}
    for name in lead.claims:
        kind = name.removeprefix("consent:")
        if kind != name and kind not in mapped and (found := _state(lead, None, kind)) is not None:
            lead.consent[kind] = found
    return moved


def only_consent(claims: Mapping[str, dict[str, Claim]], playbook: Playbook) -> dict[str, dict[str, Claim]]:
    """Give the claims that may be kept outside the scope."""
    kept = {name for name, shared in playbook.fields.items() if shared.consent is not None}
    return {name: dict(held) for name, held in claims.items() if name in kept or name.startswith("consent:")}

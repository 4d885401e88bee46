"""Lead to account: which account a lead belongs to, for which reason, and what conditions see of it. Pure. Times are ms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.base import Ref, Scalar
from sync.lead.decision import Facts
from sync.lead.index import index
from sync.lead.ledger import Entry, Ledger, outcome_of
from sync.lead.naming import alike, domain_of_email, domains_of, folded, name_key
from sync.lead.reconcile import winner
from sync.lead.state import Claim, Lead
from sync.playbook.models import Playbook

SAME_NAME = 92.0
"""Two companies' names, legal forms apart, are one company's from here on: of 100, by the letters that they share."""
CONVERTED = "converted:"
"""How a lead's claims begin that say into which account and opportunity its record was converted."""


@dataclass(frozen=True, slots=True)
class Match:
    """A lead's account: its record in each system that knows it, the one that was found first, and why it is this one."""

    account: Entry
    records: tuple[Entry, ...]
    how: str
    open: tuple[Entry, ...] = ()
    """Its open opportunities, the newest first."""
    won: int = 0

    def of_system(self, system: str) -> Entry | None:
        """Give the account's record in a system."""
        return next((entry for entry in self.records if Ref.parse(entry.ref).system == system), None)


def people_keys(lead: Lead) -> list[str]:
    """Give everything by which an opportunity may name the lead."""
    return [*lead.records, *(f"email:{key}" for key in lead.email_keys)]


def _said(lead: Lead, what: str) -> list[tuple[str, str]]:
    """Give (ref, by which record) of what the lead was converted into, the newest first."""
    claims = lead.claims.get(CONVERTED + what, {})
    newest = sorted(claims.items(), key=lambda one: (-one[1].at, one[0]))
    return [(str(claim.value), ref) for ref, claim in newest if claim.value is not None]


def named_accounts(lead: Lead, playbook: Playbook) -> list[tuple[str, str]]:
    """Give (account's ref, why) of what a system itself says of the lead, the surest first."""
    found = [(ref, f"{by} was converted into it") for ref, by in _said(lead, "account")]
    held = lead.desired.get("account")
    system = playbook.systems.get(held.ref.partition(":")[0]) if held is not None and held.value is not None else None
    if held is not None and system is not None:
        text = str(held.value)
        ref = text if text.count(":") >= 2 else f"{system.name}:{system.account}:{text}"
        found.insert(0, (ref, f"{held.ref} says so"))
    return found


def roles(lead: Lead, ledger: Ledger) -> list[Entry]:
    """Give the opportunities that the lead itself is in."""
    converted = [found for ref, _ in _said(lead, "opportunity") if (found := ledger.opportunity(ref)) is not None]
    return list({entry.ref: entry for entry in (*ledger.of_people(people_keys(lead)), *converted)}.values())


def _newest(entries: Iterable[Entry]) -> list[Entry]:
    return sorted(entries, key=lambda entry: (-entry.at, entry.ref))


Better = tuple[str, Callable[[Entry], Any]]


def _tie_breakers(ledger: Ledger, playbook: Playbook) -> list[Better]:
    """Give what makes one of several accounts the better one, in this order; the smaller value wins."""

    def has(entry: Entry, wanted: str) -> bool:
        return any(outcome_of(one, playbook) == wanted for one in ledger.of_account(entry.ref))

    return [
        ("has an open opportunity", lambda entry: not has(entry, "open")),
        ("is a customer", lambda entry: not (has(entry, "won") or entry.value("customer") is True)),
        ("changed last", lambda entry: -entry.at),
        ("comes first by its ref", lambda entry: entry.ref),
    ]


def _best(found: Sequence[Entry], breakers: Sequence[Better]) -> tuple[list[Entry], str]:
    """Sort accounts, the best first, and say by what it is better than the next."""
    ranked = sorted(found, key=lambda entry: tuple(rank(entry) for _, rank in breakers))
    if len(ranked) < 2:
        return ranked, ""
    why = next(text for text, rank in breakers if rank(ranked[0]) != rank(ranked[1]))
    return ranked, f"; of {len(ranked)} such accounts it {why}"


def _by_name(company: str, ledger: Ledger) -> dict[str, float]:
    key = name_key(company)
    scores = {entry.ref: alike(key, entry.name_key) for entry in ledger.with_name_like(key)} if key else {}
    return {ref: score for ref, score in scores.items() if score >= SAME_NAME}


def lead_domains(lead: Lead) -> list[tuple[str, str]]:
    """Give (company domain, where it stands) of a lead, the surest first."""
    email, site = domain_of_email(lead.value("email")), domains_of(lead.value("website"))
    return [*([(email, "e-mail domain")] if email else []), *((domain, "website") for domain in site if domain != email)]


def match(lead: Lead, ledger: Ledger, playbook: Playbook) -> Match | None:
    """Find a lead's account: what a system says itself, else its domain, else its company's name; None when nothing fits."""
    if not ledger:
        return None
    breakers = _tie_breakers(ledger, playbook)
    for ref, why in named_accounts(lead, playbook):
        if (account := ledger.account(ref)) is not None:
            return _whole([account], why, ledger, playbook)
    for one in _newest(roles(lead, ledger)):
        if (account := ledger.account(one.text("account"))) is not None:
            return _whole([account], f"this person is in its opportunity {one.text('name') or one.ref}", ledger, playbook)
    for domain, where in lead_domains(lead):
        if (by_domain := of_domain(domain, where, ledger, playbook)) is not None:
            return by_domain
    company = str(lead.value("company") or "")
    if scores := _by_name(company, ledger):
        plain = folded(company)
        closer: list[Better] = [
            ("has the more similar name", lambda entry: -scores[entry.ref]),
            ("has the same legal form", lambda entry: folded(entry.text("name") or "") != plain),
        ]
        ranked, tie = _best([ledger.entries[ref] for ref in scores], [*closer, *breakers])
        how = f'company "{company}" is like "{ranked[0].text("name")}" ({scores[ranked[0].ref]:.0f} of 100, needs {SAME_NAME:.0f}){tie}'
        return _whole(ranked, how, ledger, playbook)
    return None


def of_domain(domain: str, where: str, ledger: Ledger, playbook: Playbook) -> Match | None:
    """Find the account that has a domain, which stands `where`; None when there is none."""
    found = ledger.with_domain(domain)
    if not found:
        return None
    ranked, tie = _best(found, _tie_breakers(ledger, playbook))
    one = len({Ref.parse(entry.ref).system for entry in ranked}) == len(ranked)  # one company that several systems know
    return _whole(ranked, f"{where} {domain}{'' if one else tie}", ledger, playbook)


def owner_of(found: Match, playbook: Playbook) -> str | None:
    """Give the e-mail of an account's owner, None when nobody is."""
    owner = _account_values(found, playbook).get("account.owner")
    return str(owner) if owner else None


def _whole(ranked: Sequence[Entry], how: str, ledger: Ledger, playbook: Playbook) -> Match:
    """Put an account together from its records: the best one, and in each other system the best one with a domain of its."""
    account = ranked[0]
    records = {Ref.parse(account.ref).system: account}
    same = [entry for domain in account.domains for entry in ledger.with_domain(domain)]
    for entry in [*ranked[1:], *sorted(same, key=lambda entry: (-entry.at, entry.ref))]:
        if set(entry.domains) & set(account.domains):
            records.setdefault(Ref.parse(entry.ref).system, entry)
    every = [ledger.of_account(entry.ref) for entry in records.values()]
    most_open = max(([one for one in some if outcome_of(one, playbook) == "open"] for some in every), key=len)
    won = max(sum(outcome_of(one, playbook) == "won" for one in some) for some in every)
    return Match(account, tuple(records.values()), how, tuple(_newest(most_open)), won)


def opportunity_of(lead: Lead, found: Match | None, ledger: Ledger, playbook: Playbook) -> Entry | None:
    """Give a lead's open opportunity: one that it is in itself, else its account's newest."""
    own = [one for one in roles(lead, ledger) if outcome_of(one, playbook) == "open"]
    return next(iter(_newest(own) or (found.open if found else ())), None)


def _account_values(found: Match, playbook: Playbook) -> dict[str, Scalar]:
    """Give an account's shared fields; where several systems know it, by each field's policy."""
    values: dict[str, Scalar] = {"account.open_opportunities": len(found.open), "account.won_opportunities": found.won}
    ranks = index(playbook).ranks
    for name, shared in playbook.account_fields.items():
        claims = {entry.ref: Claim(*entry.fields[name]) for entry in found.records if name in entry.fields}
        won = winner(shared, claims, playbook, ranks) if claims else None
        values[f"account.{name}"] = _human(name, won[1].value if won else None)
    return values


def _human(name: str, value: Scalar) -> Scalar:
    """An owner is somebody's e-mail, or nobody."""
    return value if name != "owner" or "@" in str(value) else None


def values_of(lead: Lead, facts: Facts, playbook: Playbook, found: Match | None = None) -> dict[str, Scalar]:
    """Give what conditions see of a lead's account and open opportunity, by `account.<field>` and `opportunity.<field>`."""
    ledger = facts.ledger
    if not ledger:
        return {}
    found = found or match(lead, ledger, playbook)
    values = _account_values(found, playbook) if found is not None else {}
    deal = opportunity_of(lead, found, ledger, playbook)
    if deal is not None:
        shared = (name for name in playbook.opportunity_fields if name not in ("account", "people"))
        values |= {f"opportunity.{name}": _human(name, deal.value(name)) for name in shared}
    return values


def stages_said(lead: Lead, facts: Facts, playbook: Playbook) -> list[str]:
    """Let the opportunities that the lead is in claim its stage, as the playbook says of theirs; gives the fields whose claims changed."""
    if not facts.ledger or not playbook.opportunity_stages or "stage" not in playbook.fields:
        return []
    about, claims = index(playbook).about, lead.claims.get("stage", {})
    said: dict[str, Claim] = {}
    for one in roles(lead, facts.ledger):
        known = playbook.opportunity_stages.get(one.text("stage") or "")
        if known is not None and known.stage is not None:
            said[one.ref] = Claim(known.stage, one.fields["stage"].at, "person")
    gone = [ref for ref in claims if ref.count(":") > 1 and about.get(_object(ref)) == "opportunity" and ref not in said]
    if not gone and all(claims.get(ref) == claim for ref, claim in said.items()):
        return []
    lead.claims["stage"] = {ref: claim for ref, claim in claims.items() if ref not in gone} | said
    return ["stage"]


def _object(ref: str) -> tuple[str, str]:
    parts = Ref.parse(ref)
    return parts.system, parts.object


def note(lead: Lead, facts: Facts, playbook: Playbook) -> dict[str, Scalar]:
    """The same, and keep on the lead which account it is, and why."""
    if not facts.ledger:
        lead.why.pop("account", None)
        return {}
    found = match(lead, facts.ledger, playbook)
    if found is None:
        lead.why.pop("account", None)
    else:
        records = [entry.ref for entry in found.records]
        kept = {"ref": found.account.ref, "name": found.account.text("name") or "", "how": found.how, "records": records}
        if {name: lead.why.get("account", {}).get(name) for name in kept} != kept:
            lead.why["account"] = {**kept, "version": playbook.version, "at": lead.now}
    return values_of(lead, facts, playbook, found)

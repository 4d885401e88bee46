"""Which accounts and opportunities a batch may need: looked up in one go before its messages are decided. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from schemas.base import Message, Ref
from schemas.change import RecordChanged, RecordConverted, RecordDeleted, RecordMerged
from schemas.keys import keyed, normal_email
from schemas.touch import TouchRecorded
from sync.lead.account import CONVERTED, lead_domains, named_accounts, people_keys
from sync.lead.index import Index, index
from sync.lead.ledger import Asked
from sync.lead.naming import domain_of_email, domains_of, name_key
from sync.lead.state import Lead
from sync.playbook.models import Playbook


@dataclass(slots=True)
class _Asking:
    playbook: Playbook
    index: Index
    secret: bytes
    refs: set[str] = field(default_factory=set)
    domains: set[str] = field(default_factory=set)
    names: set[tuple[str, tuple[str, ...]]] = field(default_factory=set)
    people: set[str] = field(default_factory=set)

    def add(self, domains: Iterable[str | None], company: object) -> None:
        known = tuple(dict.fromkeys(domain for domain in domains if domain))
        self.domains |= set(known)
        if isinstance(company, str) and (key := name_key(company)):
            self.names.add((key, known))

    def lead(self, lead: Lead) -> None:
        """Ask for what a lead's own state leads to."""
        self.add((domain for domain, _ in lead_domains(lead)), lead.value("company"))
        self.refs |= {ref for ref, _ in named_accounts(lead, self.playbook)}
        self.refs |= {str(claim.value) for claim in lead.claims.get(f"{CONVERTED}opportunity", {}).values()}
        self.people |= set(people_keys(lead))

    def message(self, data: Message) -> None:
        """Ask for what a message may make of it."""
        match data:
            case RecordChanged():
                self.changed(data)
            case TouchRecorded():
                self.email(data.email)
                self.people |= {data.ref} if data.ref else set()
            case RecordConverted():
                self.refs |= {ref for ref in (data.account, data.opportunity) if ref}
                self.people |= {ref for ref in (data.ref, data.became) if ref}
            case RecordMerged():
                self.refs |= {data.survivor, *data.losers}
            case RecordDeleted():
                self.refs.add(data.ref)

    def email(self, email: str | None) -> None:
        """Ask by an address: its company, and the opportunities that name it."""
        plain = normal_email(email)
        if plain is not None:
            self.add([domain_of_email(plain)], None)
            self.people.add(f"email:{keyed(self.secret, plain)}")

    def changed(self, data: RecordChanged) -> None:
        """Ask by a record's fields: of a person who it is, of an account or opportunity its own entry."""
        parts = Ref.parse(data.ref)
        if (parts.system, parts.object) in self.index.about:
            self.refs.add(data.ref)
            return
        self.people.add(data.ref)
        self.email(data.email)
        shown = dict(self._shown(data, parts.system))
        for name in ("email", "account"):
            value = shown.get(name)
            if isinstance(value, str):
                if name == "email":
                    self.email(value)
                else:
                    self.refs.add(
                        value if value.count(":") >= 2 else f"{parts.system}:{self.playbook.systems[parts.system].account}:{value}"
                    )
        self.add([domain_of_email(shown.get("email")), *domains_of(shown.get("website"))], shown.get("company"))

    def _shown(self, data: RecordChanged, system: str) -> Iterator[tuple[str, object]]:
        for mapped in self.index.mapped.get(system, ()):
            if mapped.spelled.name in data.fields:
                yield mapped.shared.name, data.fields[mapped.spelled.name]


def asked(messages: Iterable[Message], leads: Iterable[Lead], playbook: Playbook, secret: bytes) -> Asked | None:
    """Say what to look up for these messages and the leads that they concern; None when the playbook has no accounts at all."""
    found = index(playbook)
    if not found.about:
        return None
    asking = _Asking(playbook, found, secret)
    for data in messages:
        asking.message(data)
    for lead in leads:
        if lead.survivor is None and not lead.erased:
            asking.lead(lead)
    return Asked(frozenset(asking.refs), frozenset(asking.domains), frozenset(asking.names), frozenset(asking.people))

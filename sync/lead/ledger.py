"""Accounts and opportunities as far as a decision knows them: what their records show, the newest by time in whatever order it came.

Pure. Times are ms. Entries are never changed, only replaced.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

from schemas.base import Ref, Scalar
from sync.lead.naming import domains_of, name_key
from sync.playbook.models import Playbook

Gone = Literal["deleted", "merged", "erased"]
Outcome = Literal["open", "won", "lost"]
Kind = Literal["account", "opportunity"]
BLANK = (None, "")
"""What stands in a field where nothing does."""
_STAMP = 1000
"""A vendor's times may be cut to the second: what somebody did right after our write may bear a time so much before it (ms)."""
COPY_OF = "copy_of"
"""The field of an opportunity's copy in another system that names the opportunity."""
BLOCK = 6
"""Names are compared when their first letters, so many and spaces apart, are the same; shorter ones are the same or another company's."""


class Shown(NamedTuple):
    """A field's value, and since when."""

    value: Scalar
    at: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One account's or opportunity's record."""

    kind: Kind
    ref: str
    fields: Mapping[str, Shown] = field(default_factory=dict)
    """By shared field; of an opportunity, `account` is a record ref, and `people` record refs and `email:KEY`, divided by spaces."""
    at: int = 0
    """The newest change that we know of."""
    gone: Gone | None = None
    gone_at: int = -1
    became: str | None = None
    """The record that it was merged into."""
    outcome: Outcome = "open"
    """How an opportunity stood when it last changed, by the playbook of then."""
    acts: Mapping[str, Shown] = field(default_factory=dict, compare=False)
    """By field the act by which its value came about, in the order in which it was heard; see `act`."""

    @property
    def there(self) -> bool:
        """Say whether the record is (again) there."""
        return self.gone is None or (self.gone == "deleted" and self.at > self.gone_at)

    def value(self, name: str) -> Scalar:
        """Give a field's value, None when there is none."""
        shown = self.fields.get(name)
        return shown.value if shown else None

    def text(self, name: str) -> str | None:
        """Give a field's value as text, None when there is none."""
        value = self.value(name)
        return None if value is None else str(value)

    @property
    def owner(self) -> str | None:
        """The owner's e-mail; None for a queue, or a user whom we do not know."""
        owner = self.text("owner")
        return owner if owner and "@" in owner else None

    @property
    def domains(self) -> tuple[str, ...]:
        """An account's domains."""
        return domains_of(self.value("domain"))

    @property
    def name_key(self) -> str:
        """An account's name without legal form, accents and case."""
        return name_key(self.text("name") or "")

    @property
    def people(self) -> tuple[str, ...]:
        """Who is in an opportunity: record refs and `email:KEY`."""
        return tuple(str(self.value("people") or "").split())

    def show(self, values: Mapping[str, Shown], at: int) -> Entry:
        """Take in what the record showed; of each field the newest stays, of two at one time the greater."""
        if self.gone == "erased":
            return self
        newer = {name: shown for name, shown in values.items() if _after(shown, self.fields.get(name))}
        if not newer and at <= self.at:
            return self
        acts = {name: shown for name, shown in newer.items() if self._acted(name, shown.value)}
        return replace(self, fields={**self.fields, **newer}, at=max(at, self.at), acts={**self.acts, **acts})

    def _acted(self, name: str, value: Scalar) -> bool:
        """Say whether somebody gave a field this value: a record that only changed elsewhere shows the same; a blank at first sight is no act."""
        held = self.fields.get(name)
        return value not in BLANK if held is None else value != held.value

    def act(self, name: str) -> Shown | None:
        """Give a field's value and since when it is somebody's word; None when it never was."""
        shown, known = self.fields.get(name), self.acts.get(name)
        if shown is not None and known is not None and known.value == shown.value:
            return known
        return None if shown is None or shown.value in BLANK else shown

    def told(self, values: Mapping[str, Shown], at: int) -> Entry:
        """Take in what our own write left there, begun at `at`: the value keeps the time that it had where it came from."""
        fields = dict(self.fields)
        for name, wrote in values.items():
            held = fields.get(name)
            if held is None or held.at <= at:
                fields[name] = Shown(wrote.value, at - _STAMP if held is None else max(at - _STAMP, held.at + 1))
        return self if self.gone == "erased" else replace(self, fields=fields).echoed(values)

    def echoed(self, values: Mapping[str, Shown]) -> Entry:
        """Take what shows a value of a write of ours for that write coming back, and not for somebody's act."""
        mine = {name: wrote for name, wrote in values.items() if (held := self.fields.get(name)) is not None and held.value == wrote.value}
        return replace(self, acts={**self.acts, **mine})

    def end(self, how: Gone, at: int, became: str | None = None) -> Entry:
        """Take in that the record was deleted, erased or merged; of two ends the stronger stays."""
        if how == "erased":
            return Entry(self.kind, self.ref, {}, 0, "erased", max(at, self.gone_at if self.gone == "erased" else at))
        if self.gone == "erased" or (self.gone == "merged" and how == "deleted"):
            return self
        if how == "merged" and self.gone == "merged":
            at, became = max((at, became or ""), (self.gone_at, self.became or ""))
        elif how == "deleted":
            at = max(at, self.gone_at)
        return replace(self, gone=how, gone_at=at, became=became)

    def restore(self, at: int) -> Entry:
        """Take in that a deleted record is there again."""
        return replace(self, at=at) if at > self.at and self.gone != "erased" else self


def _after(shown: Shown, held: Shown | None) -> bool:
    return held is None or (shown.at, repr(shown.value)) > (held.at, repr(held.value))


def outcome_of(opportunity: Entry, playbook: Playbook) -> Outcome:
    """Say how an opportunity stands: as the playbook says of its stage, else by the vendors' own words, closed won and closed lost."""
    known = playbook.opportunity_stages.get(opportunity.text("stage") or "")
    if known is not None:
        return known.state
    stage = (opportunity.text("stage") or "").casefold()
    return "won" if "won" in stage else "lost" if "lost" in stage else "open"


@dataclass(frozen=True, slots=True)
class Asked:
    """What must be looked up before a batch can be decided."""

    refs: frozenset[str] = frozenset()
    """Accounts and opportunities by name."""
    domains: frozenset[str] = frozenset()
    names: frozenset[tuple[str, tuple[str, ...]]] = frozenset()
    """(name key, domains): looked up by name when no account has one of the domains."""
    people: frozenset[str] = frozenset()
    """Record refs and `email:KEY` of people who may be in an opportunity."""


@dataclass(slots=True)
class _Index:
    domains: dict[str, list[str]] = field(default_factory=dict)
    blocks: dict[str, list[str]] = field(default_factory=dict)
    opportunities: dict[str, list[str]] = field(default_factory=dict)
    """By their account."""
    people: dict[str, list[str]] = field(default_factory=dict)


class Ledger:
    """Every account and opportunity that may matter to the messages of a batch."""

    __slots__ = ("_index", "entries")

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.entries = {entry.ref: entry for entry in entries}
        self._index: _Index | None = None

    def __bool__(self) -> bool:
        return bool(self.entries)

    def copy(self) -> Ledger:
        """Give one of its own, to put entries into."""
        return Ledger(self.entries.values())

    def put(self, entry: Entry) -> None:
        """Enter a record as it is now."""
        self.entries[entry.ref] = entry
        self._index = None

    def account(self, ref: str | None) -> Entry | None:
        """Give an account, or the one that it was merged into; None when it is not there."""
        for _ in range(64):
            found = self.entries.get(ref or "")
            if found is None or found.became is None:
                return found if found is not None and found.there and found.kind == "account" else None
            ref = found.became
        return None

    def _indexed(self) -> _Index:
        if self._index is None:
            self._index = _Index()
            for entry in sorted((e for e in self.entries.values() if e.there), key=lambda e: e.ref):
                self._enter(self._index, entry)
        return self._index

    def _enter(self, index: _Index, entry: Entry) -> None:
        if entry.kind == "account":
            for domain in entry.domains:
                index.domains.setdefault(domain, []).append(entry.ref)
            if key := entry.name_key:
                index.blocks.setdefault(_block(key), []).append(entry.ref)
            return
        if entry.text(COPY_OF):
            return  # a copy says nothing that its opportunity does not
        account = self.account(entry.text("account"))
        if account is not None:
            index.opportunities.setdefault(account.ref, []).append(entry.ref)
        for one in entry.people:
            index.people.setdefault(one, []).append(entry.ref)

    def with_domain(self, domain: str) -> list[Entry]:
        """Give the accounts that have a domain."""
        return [self.entries[ref] for ref in self._indexed().domains.get(domain, ())]

    def with_name_like(self, key: str) -> list[Entry]:
        """Give the accounts whose name begins as this one does."""
        return [self.entries[ref] for ref in self._indexed().blocks.get(_block(key), ())]

    def of_account(self, ref: str) -> list[Entry]:
        """Give an account's opportunities."""
        return [self.entries[one] for one in self._indexed().opportunities.get(ref, ())]

    def of_people(self, people: Iterable[str]) -> list[Entry]:
        """Give the opportunities that one of these people is in."""
        known = self._indexed().people
        return [self.entries[ref] for ref in sorted({ref for one in people for ref in known.get(one, ())})]

    def opportunity(self, ref: str | None) -> Entry | None:
        """Give an opportunity that is there."""
        found = self.entries.get(ref or "")
        return found if found is not None and found.there and found.kind == "opportunity" else None


def _block(key: str) -> str:
    return key.replace(" ", "")[:BLOCK]


def blank(kind: Kind, ref: str) -> Entry:
    """Give the entry of a record that nothing is known of; raises ValueError for what is no ref."""
    Ref.parse(ref)
    return Entry(kind, ref)

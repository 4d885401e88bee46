"""The lead's state: one JSON document with a state version; the truth that agent and writer share.

Times in it are whole milliseconds since 1970 in UTC (`ms`). Fields are keyed by the SHARED field's name, values are canonical.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from schemas.base import Scalar
from sync.lead.cycle import HandoffNote

STATE_VERSION = 1
Fate = Literal["deleted", "erased", "merged", "converted"]
Known = Literal["first", "truce_id", "email", "touch", "merged", "converted", "created", "linked"]
"""By what a record is known as this person's: nothing else was before it; its Truce id or e-mail; a touch that named both; the vendor's merge or
conversion; Truce made it, or found it by the e-mail when it was to be made."""


def to_ms(moment: datetime) -> int:
    """Give a moment as milliseconds since 1970."""
    return int(moment.timestamp() * 1000)


def from_ms(ms: int) -> datetime:
    """Give milliseconds since 1970 as a moment in UTC."""
    return datetime.fromtimestamp(ms / 1000, UTC)


# What a lead has hundreds of are structs: read and written in half the time of dataclasses, without the values that are as ever, and out of
# the garbage collector's sight, because nothing in them can lead back to them.
class Observed(msgspec.Struct, omit_defaults=True, gc=False):
    """What one record shows for one field, as far as we know."""

    value: Scalar
    at: int
    """When this value came to be by someone's act; what is older is no news. For our own write: the time of the value written."""
    seen: int
    """Until when we know that the record showed it: the event's or snapshot's time, or when our write was done."""
    past: list[list[Any]] = []
    """Values it showed before, newest first, at most 4, as [value, seen]: by them a late echo is told from news."""
    done: int | None = None
    """When our own write of this value was done; None when the value came about by somebody else."""
    answered: int = 0
    """When we had the answer to it: a read that was sent before may not know of it, whichever second the vendor names."""


@dataclass(slots=True)
class Refused:
    """A value that the vendor would not take; the plan leaves the field out while the desired value is this one."""

    value: Scalar
    code: str
    words: str
    parked_id: str | None
    at: int
    beside: tuple[str, ...] = ()
    """Of a record that was to be made, whatever else was set aside with it: all of it goes when the record is made, or tried again."""

    @property
    def parked(self) -> tuple[str, ...]:
        """Everything that was set aside for it."""
        return (*((self.parked_id,) if self.parked_id else ()), *self.beside)


@dataclass(slots=True)
class Record:
    """One record of this lead in one system."""

    ref: str
    system: str
    object: str
    first_seen: int
    last_at: int
    """The record's own last time of change that we saw."""
    fields: dict[str, Observed] = field(default_factory=dict)
    refused: dict[str, Refused] = field(default_factory=dict)
    has_truce_id: bool = False
    gone: Fate | None = None
    became: str | None = None
    partial: bool = False
    """True while no complete snapshot was seen: what is not in `fields` is unknown, not blank."""
    from_lead: str | None = None
    """The lead that it came from when two leads were joined, so that the join can be undone."""
    email_key: str | None = None
    """Keyed hash of the e-mail that it showed last, kept outside the scope too."""
    by: Known | None = None
    """None: it came before this was kept."""
    for_good: bool = False
    """Deleted, and not even where its system keeps for a while what was deleted: erased, as like as not."""

    @property
    def shown_until(self) -> int:
        """Until when we know that it showed something."""
        return max((one.seen for one in self.fields.values()), default=0)

    @property
    def proven_until(self) -> int:
        """Until when somebody else's word is that it was there: our own write may have been answered long after it was done."""
        return max((one.seen for one in self.fields.values() if one.seen != one.done), default=0)


class Claim(msgspec.Struct, omit_defaults=True, gc=False):
    """The last act on one field in one record (or by `truce` itself)."""

    value: Scalar
    at: int
    origin: str = "unknown"


class Desired(msgspec.Struct, omit_defaults=True, gc=False):
    """What every system should show for one field, and why."""

    value: Scalar
    at: int
    ref: str
    """Whose value it is: a record ref, or `truce`."""
    version: int
    """Goes up each time the value changes."""
    rule: str
    """file:line and the policy that decided."""
    past: list[list[Any]] = []
    """Values desired before, newest first, at most 3, as [value, at]: an older write of ours may still come back."""


@dataclass(slots=True)
class Consent:
    """May the person be contacted in one channel, or for one subscription type?"""

    opted_out: bool
    at: int
    source: str
    basis: str = ""


@dataclass(slots=True)
class Making:
    """As what a person without a record in a system is to be made there."""

    object: str
    """Empty: no rule lets them in."""
    rule: str
    """file:line of the rule, or of the first of those that do not hold."""
    why: str = ""
    """What they saw, when none holds."""
    account: str | None = None
    """The id of the record there of the account that they belong to."""


@dataclass(slots=True)
class TouchNote:
    """A touch as scoring needs it."""

    system: str
    id: str
    kind: str
    name: str
    at: int
    after_ms: int | None = None
    """How long after its message was delivered an open or a click came; 0 where the vendor says that a machine did it."""


@dataclass(slots=True)
class Lead:
    """One human being across systems."""

    id: str
    key: str
    """The key that messages about this lead carry on `changes`."""
    created_at: int
    now: int
    """The time up to which it was judged; never goes back."""
    rev: int = 0
    """Goes up with every change of the document."""
    state_version: int = STATE_VERSION
    playbook_version: int = 0
    in_scope: bool = True
    scope_rule: str = ""
    email_keys: list[str] = field(default_factory=list)
    """Keyed hashes of the e-mails it is known by."""
    records: dict[str, Record] = field(default_factory=dict)
    claims: dict[str, dict[str, Claim]] = field(default_factory=dict)
    desired: dict[str, Desired] = field(default_factory=dict)
    consent: dict[str, Consent] = field(default_factory=dict)
    touches: list[TouchNote] = field(default_factory=list)
    stage_since: int | None = None
    handoff: HandoffNote | None = None
    held: str | None = None
    """Why its hand-off is held (bulk), while it is."""
    frozen: dict[str, int] = field(default_factory=dict)
    """Fields that flipped too often: until when they are left alone."""
    flips: dict[str, list[int]] = field(default_factory=dict)
    why: dict[str, Any] = field(default_factory=dict)
    """The last decisions as they should be shown: `stage`, `owner` → {rule, lines, passed_over, at, version}."""
    aside: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Kept aside: field → {value, ref, at, reason}, the last losing value."""
    survivor: str | None = None
    """Set when this lead was joined into another one."""
    erased: bool = False
    undecided: str | None = None
    """The duplicate that a person must settle first; until then the lead is created nowhere (`in_scope` is False)."""
    had: list[str] = field(default_factory=list)
    """Who was given it by a hand-off, newest last, each once."""
    said_no: list[str] = field(default_factory=list)
    """Owners at the time when sales sent the lead back (recycled, disqualified, moved backwards), newest last, at most 50."""
    clocks: dict[str, int] = field(default_factory=dict)
    """Its clocks: kind → when it is due; they stand in SQL, too, where the due ones are found."""
    steps: list[list[Any]] = field(default_factory=list)
    """Stages that a record showed and took back since, as [ref, stage, at], newest last, at most 20."""
    segment: str = ""
    """The segment that it was in when it was judged last."""
    blocked: dict[str, Refused] = field(default_factory=dict)
    """System → why it would not create a record; not tried again until the desired state changes or somebody replays it."""
    makes: dict[str, Making] = field(default_factory=dict)
    """System in which no record of it is → as what it is to be made there."""

    def value(self, name: str) -> Scalar:
        """Give the desired value of a field, None when there is none."""
        held = self.desired.get(name)
        return held.value if held else None

    def live(self, system: str, order: Sequence[str] = ()) -> list[Record]:
        """Give the records in a system that are not gone, primary first: see `primary`."""
        rows = [r for r in self.records.values() if r.system == system and r.gone is None]
        return sorted(rows, key=lambda r: precedence(r.object, r.last_at, r.ref, order)) if len(rows) > 1 else rows

    def primary(self, system: str, order: Sequence[str] = ()) -> Record | None:
        """Give the record that is written in a system: by the order of objects, then the last active one that is not gone (ties by ref)."""
        rows = self.live(system, order)
        return rows[0] if rows else None


def precedence(object_: str, last_at: int, ref: str, order: Sequence[str]) -> tuple[int, int, str]:
    """Give what records of one lead and system are sorted by, the one that is written first; objects not in `order` come after."""
    return (order.index(object_) if object_ in order else len(order), -last_at, ref)


_DECODE = msgspec.json.Decoder(Lead).decode
_ENCODE = msgspec.json.Encoder().encode


def dump(lead: Lead) -> str:
    """Give the document as JSON text."""
    return _ENCODE(lead).decode()


def load(text: str | bytes) -> Lead:
    """Read the document, of this state version or an older one (upcast); raises ValueError for a newer one."""
    try:
        lead = _DECODE(text)
    except msgspec.ValidationError:
        _not_newer(msgspec.json.decode(text)["state_version"])
        raise
    _not_newer(lead.state_version)
    return lead


def _not_newer(version: int) -> None:
    if version > STATE_VERSION:
        raise ValueError(f"lead state version {version} is newer than this Truce ({STATE_VERSION}): update it")


def copy(lead: Lead) -> Lead:
    """Give an independent copy; the core never changes a lead that it was given."""
    return load(_ENCODE(lead))


def _branch_record(r: Record) -> Record:
    return Record(
        *(r.ref, r.system, r.object, r.first_seen, r.last_at, r.fields.copy(), r.refused.copy(), r.has_truce_id),
        *(r.gone, r.became, r.partial, r.from_lead, r.email_key, r.by, r.for_good),
    )


def branch(lead: Lead) -> Lead:
    """Give a copy to decide on: collections are new, the small values in them shared, because the core replaces and never changes them."""
    made = Lead(lead.id, lead.key, lead.created_at, lead.now)
    for name in _SHARED:
        setattr(made, name, getattr(lead, name))
    for name in _COPIED:
        setattr(made, name, getattr(lead, name).copy())
    made.records = {ref: _branch_record(r) for ref, r in lead.records.items()}
    made.claims = {name: claims.copy() for name, claims in lead.claims.items()}
    made.flips = {name: [*times] for name, times in lead.flips.items()}
    return made


_COPIED = ("email_keys", "desired", "consent", "touches", "frozen", "why", "aside", "had", "said_no", "clocks", "steps", "blocked", "makes")
_SHARED = tuple(f.name for f in fields(Lead) if f.name not in {*_COPIED, "id", "key", "created_at", "now", "records", "claims", "flips"})


def plain(lead: Lead) -> dict[str, Any]:
    """Give the document as plain Python data, for `--json` and tests."""
    found: dict[str, Any] = msgspec.to_builtins(lead)
    return found

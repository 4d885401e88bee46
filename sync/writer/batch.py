"""One call to the sink and what became of every row of it: split where the whole was refused, sent again without a refused field."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from connectors.base import Create, Done, Failed, Priority, RowOutcome, Sink, Update
from connectors.errors import AuthExpired, Conflict, ConnectorError, Gone, RateLimited, Rejected, Surprising, Unavailable
from schemas.base import Scalar
from schemas.write import FieldRefused
from sync.lead.plan import Row
from sync.lead.state import from_ms

End = Literal["written", "rejected", "gone", "conflict", "unknown", "void"]


@dataclass(frozen=True, slots=True)
class Sent:
    """A row under its intent."""

    intent_id: str
    lead_id: str
    row: Row
    without: frozenset[str] = frozenset()
    """Vendor fields that were refused and are not sent again."""

    def fields(self) -> dict[str, Scalar]:
        """Give what goes to the vendor."""
        return {name: value for name, value in self.row.vendor_fields().items() if name not in self.without}

    def names(self) -> set[str]:
        """Give the vendor fields whose refusal is worth a try without them: what a create needs besides stays."""
        return {told.name for told in self.row.fields.values()} - self.without


@dataclass(slots=True)
class Ended:
    """How one row ended. `written`, `rejected` may both be in part: `held` is what the vendor has now, `refused` what it would not take."""

    sent: Sent
    end: End
    sent_at: datetime
    done_at: datetime
    record_id: str | None = None
    held: dict[str, Scalar] = field(default_factory=dict)
    """Vendor field → value, of the fields that we told."""
    refused: tuple[FieldRefused, ...] = ()
    error: ConnectorError | None = None
    by_vendor: bool = False
    """True when `done_at` is the vendor's own time."""
    answered_at: datetime | None = None
    """When its answer was there, or what stands for one; None where `done_at` says that."""
    named: bool = False
    """True when it is known which fields were refused: the rest is worth another try at once."""


@dataclass(slots=True)
class Teller:
    """Tells rows of one object. Of its vendor fields, `consent` count as taken only when the answer names them, `unique` may conflict."""

    sink: Sink
    consent: frozenset[str] = frozenset()
    unique: frozenset[str] = frozenset()
    agrees: Callable[[str, Scalar, Scalar], bool] = lambda name, sent, kept: sent == kept
    """Says whether what the vendor keeps in a field is what was sent."""
    skew: timedelta = timedelta()
    """The vendor's clock minus ours."""
    calls: int = 0

    async def tell(self, rows: Sequence[Sent], priority: Priority) -> list[Ended]:
        """Send rows of one kind, at most a batch, and say how each ended; never raises a ConnectorError."""
        started = datetime.now(UTC)
        try:
            outcomes = {one.key: one for one in await self._call(rows, priority)}
        except (Rejected, Conflict, Gone) as error:
            if len(rows) > 1:
                half = len(rows) // 2
                return await self.tell(rows[:half], priority) + await self.tell(rows[half:], priority)
            outcomes = {rows[0].intent_id: Failed(rows[0].intent_id, error)}
        except ConnectorError as error:
            outcomes = {row.intent_id: Failed(row.intent_id, error) for row in rows}
        lost = Surprising("the answer does not speak of this row")
        ended = [self._ended(row, outcomes.get(row.intent_id) or Failed(row.intent_id, lost), started) for row in rows]
        return await self._without_refused(ended, priority)

    async def _call(self, rows: Sequence[Sent], priority: Priority) -> Sequence[RowOutcome]:
        self.calls += 1
        if rows[0].row.kind == "create":
            creates = [Create(key=one.intent_id, object=one.row.object, fields=one.fields()) for one in rows]
            return await self.sink.create(creates, priority=priority)
        updates = [self._update(one) for one in rows]
        return await self.sink.update(updates, priority=priority)

    def _update(self, one: Sent) -> Update:
        since = from_ms(one.row.known_at) + self.skew if one.row.known_at else None
        return Update(key=one.intent_id, object=one.row.object, id=str(one.row.record_id), fields=one.fields(), unmodified_since=since)

    def _ended(self, sent: Sent, outcome: RowOutcome, started: datetime) -> Ended:
        now = datetime.now(UTC)
        if isinstance(outcome, Done):
            return self._done(sent, outcome, started, now)
        error = outcome.error
        ended = Ended(sent, "void", started, now, sent.row.record_id, error=error)
        match error:
            case Conflict(moved=True):  # nothing was done: what it looks like now is read, and decided upon anew
                ended.end = "void"
            case Rejected() | Conflict() if sent.row.kind == "update" or isinstance(error, Rejected):
                ended.end = "rejected"
                ended.refused, ended.named = _refused(sent, error, self.unique)
            case Conflict():
                ended.end = "conflict"
            case Gone():
                ended.end = "gone" if sent.row.kind == "update" else "void"
            case Unavailable(unknown_outcome=True) | Surprising():
                ended.end = "unknown"
            case Unavailable() | RateLimited() | AuthExpired():
                ended.end = "void"
        return ended

    def _done(self, sent: Sent, done: Done, started: datetime, now: datetime) -> Ended:
        held: dict[str, Scalar] = {}
        refused: list[FieldRefused] = []
        for told in sent.row.fields.values():
            if (
                told.name in sent.without
                or told.name in done.left
                or (told.name in self.consent and done.fields and told.name not in done.fields)
            ):
                continue
            kept = done.fields.get(told.name, told.sent)
            if kept == told.sent or self.agrees(told.name, told.sent, kept):
                held[told.name] = told.sent
            else:
                words = "the answer was a yes, but the record keeps another value"
                refused.append(FieldRefused(field=told.name, value=told.sent, code="not_kept", words=words))
        ended = Ended(sent, "written", started, now, done.id, held, tuple(refused))
        if done.at is not None:
            ended.done_at, ended.by_vendor, ended.answered_at = done.at, True, now
        return ended

    async def _without_refused(self, ended: Sequence[Ended], priority: Priority) -> list[Ended]:
        """Send at once, in one call, what is left of the rows of which the vendor named the fields that it refuses."""
        again: dict[str, Ended] = {}
        for one in ended:
            named = {refusal.field for refusal in one.refused} & one.sent.names()
            if one.end == "rejected" and one.named and one.sent.names() - named:
                again[one.sent.intent_id] = one
        if not again:
            return list(ended)
        rest = [replace(one.sent, without=one.sent.without | {refusal.field for refusal in one.refused}) for one in again.values()]
        done = {one.sent.intent_id: one for one in await self.tell(rest, priority)}
        return [_joined(one, done[one.sent.intent_id]) if one.sent.intent_id in again else one for one in ended]


def _refused(sent: Sent, error: ConnectorError, unique: frozenset[str]) -> tuple[tuple[FieldRefused, ...], bool]:
    """Give what is refused of a row, and whether that is known field by field; if not, all that we told is."""
    values: Mapping[str, Scalar] = sent.fields()
    told = error.refused if isinstance(error, Rejected) else ()
    if isinstance(error, Conflict):
        told = tuple(FieldRefused(field=name, code=error.code, words=error.words) for name in sorted(unique))
    named = [one for one in told if one.field in sent.names()]
    if named:
        return tuple(one.model_copy(update={"value": values[one.field], "words": one.words or error.words}) for one in named), True
    return tuple(FieldRefused(field=name, value=values[name], code=error.code, words=error.words) for name in sorted(sent.names())), False


def _joined(first: Ended, then: Ended) -> Ended:
    """Give both steps of one row as one; what the second could not do now is to be done by another intent."""
    if then.end in {"void", "unknown"} and first.sent.row.kind == "update":
        kept = replace(first, end="rejected" if then.end == "void" else "unknown", error=then.error)
        return kept
    return replace(then, sent=first.sent, refused=(*first.refused, *then.refused), sent_at=first.sent_at)

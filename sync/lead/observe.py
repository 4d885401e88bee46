"""Is it news? What a record shows is kept as observed; only what somebody did to it becomes a claim.

One record, one field. The outcome of any set of messages does not depend on the order in which they come, save where the vendor
itself does not say which came first. Times are ms.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from schemas.base import Scalar
from sync.lead.state import Claim, Lead, Observed, Record
from sync.lead.steps import remember
from sync.playbook.models import Playbook, SharedField, queue_of

SLACK_MS = 2_000
"""How far a vendor's clock and ours may be apart about the end of our own write."""
PAST = 4
Told = Literal["news", "first", "same", "echo", "stale", "reverted"]


@dataclass(frozen=True, slots=True)
class Sight:
    """One value as a message shows it."""

    value: Scalar
    at: int
    """The field's own time where the vendor gives one, else the record's."""
    exact: bool = False
    """True when `at` is the field's own time."""
    read_at: int | None = None
    """When a consistent read of the whole record was sent."""
    ours: int | None = None
    """Not None when this is our own write coming back: the written value's own time."""
    own: bool = False
    """The vendor says that our app was the last to touch the record."""
    origin: str = "unknown"


def _past(seen: Observed | None, value: Scalar, at: int) -> list[list[Scalar]]:
    """Give the values shown before with this one among them, newest first."""
    rows: dict[Scalar, int] = {row[0]: row[1] for row in seen.past} if seen else {}
    rows[value] = max(at, rows.get(value, at))
    return [[v, t] for v, t in sorted(rows.items(), key=lambda row: (-row[1], str(row[0])))[:PAST]]


def _blank(value: Scalar) -> bool:
    return value is None or value is False


def _unset(seen: Observed, value: Scalar) -> bool:
    """Say whether a value is the blank with which a record begins: nothing else is known of the time before it showed what it shows.

    Our own create may be shown before all of it is saved, and a reading of before our write may come behind it.
    """
    return _blank(value) and not seen.past


def honours_blank(shared: SharedField, system: str, playbook: Playbook) -> bool:
    """Say whether a blank by this system is an act: by the owning side, or where the latest edit wins."""
    if shared.policy in ("first", "most_advanced", "stricter"):
        return False
    return shared.policy in ("latest", system, playbook.side(system))


@dataclass(slots=True)
class Watch:
    """One field of one record, looked at; `look` says what a sight is, and keeps what follows."""

    lead: Lead
    record: Record
    shared: SharedField
    honours: bool
    """A blank here is an act."""

    def _claim(self, value: Scalar, at: int, origin: str, *, force: bool = False) -> bool:
        """Keep the record's last act; `first` keeps the first, a consent flag only opting out."""
        if (value is None and not self.honours) or (self.shared.consent and value is not True):
            return False
        if self.shared.kind == "user" and value is not None and "@" not in str(value) and queue_of(value) is None:
            return False  # a queue that no route names, or a user whom we do not know: nobody's name
        claims = self.lead.claims.setdefault(self.shared.name, {})
        held = claims.get(self.record.ref)
        if held is not None and held.value == value and held.at == at:
            return False
        if held is not None and not force:
            earliest = self.shared.policy == "first"
            if (at >= held.at) if earliest else (at <= held.at):
                return False
        if held is not None and held.value != value:
            remember(self.lead, self.shared.name, self.record.ref, held)
        claims[self.record.ref] = Claim(value, at, origin)
        return True

    def _held(self) -> Claim | None:
        return self.lead.claims.get(self.shared.name, {}).get(self.record.ref)

    def _first(self, sight: Sight) -> Told:
        shown = max(sight.at, sight.read_at or sight.at)
        done = shown if sight.ours is not None else None
        at = sight.at if sight.ours is None else sight.ours
        self.record.fields[self.shared.name] = Observed(sight.value, at, shown, [], done)
        if sight.ours is None and not _blank(sight.value):
            self._claim(sight.value, sight.at, sight.origin)
            return "news"
        return "first" if sight.ours is None else "echo"

    def _same(self, seen: Observed, sight: Sight) -> Told:
        shown = max(seen.seen, sight.at, sight.read_at or 0)
        at = seen.at
        told: Told = "same"
        between = any(sight.at <= row[1] < seen.at for row in seen.past)
        if self.shared.consent is not None and sight.exact:
            if seen.done is None and sight.ours is None and not sight.own and self._claim(sight.value, sight.at, sight.origin):
                told = "news"  # opted out once more, by the vendor's own time of it
        elif seen.done is None and sight.at < seen.at and sight.ours is None and not between:
            at, held = sight.at, self._held()
            if held is not None and held.value == sight.value and held.at == seen.at:
                self._claim(sight.value, at, held.origin, force=True)
                told = "news"  # it had this value earlier than was known
        if (at, shown) != (seen.at, seen.seen):
            self.record.fields[self.shared.name] = Observed(seen.value, at, shown, seen.past, seen.done, seen.answered)
        return told

    def _show(self, seen: Observed, sight: Sight, at: int, done: int | None = None) -> None:
        """The record shows the new value now; the old one is past."""
        shown = max(sight.at, sight.read_at or 0) if done is None else max(sight.at, done)
        past = _past(seen, seen.value, seen.seen)
        self.record.fields[self.shared.name] = Observed(sight.value, at, shown, [row for row in past if row[0] != sight.value], done)

    def _remember(self, seen: Observed, sight: Sight, at: int | None = None) -> None:
        """It showed this value once; it shows another one now, set again at `at` when the old one came in between."""
        self.record.fields[self.shared.name] = Observed(
            seen.value, seen.at if at is None else at, seen.seen, _past(seen, sight.value, sight.at), seen.done, seen.answered
        )

    def _echo(self, seen: Observed, sight: Sight) -> Told:
        if sight.at > seen.seen or (sight.read_at or 0) >= seen.seen:
            self._show(seen, sight, sight.ours if sight.ours is not None else seen.at, done=sight.at)
        else:
            self._remember(seen, sight)
        return "echo"

    def _news(self, seen: Observed, sight: Sight, at: int) -> Told:
        self._show(seen, sight, at)
        self._claim(sight.value, at, sight.origin, force=self.shared.policy != "first")
        return "news"

    def _stale(self, seen: Observed, sight: Sight) -> Told:
        """An older value, learnt late: what it says of the acts since is kept, the record shows what it shows."""
        again = seen.done is None and sight.at > seen.at
        at, held = seen.seen if again else seen.at, self._held()
        self._remember(seen, sight, at)
        stands = again and held is not None and held.at == seen.at and held.value == seen.value
        if stands and self._claim(seen.value, at, held.origin if held else "", force=self.shared.policy != "first"):
            return "news"  # it was set again after this: its time is later than was known
        if seen.done is None and held is None and _blank(seen.value) and self._claim(seen.value, at, "unknown"):
            return "news"  # the first sight was blank, and now it is known that somebody had blanked it
        ignored = seen.value is None and not self.honours
        late = self.shared.policy == "first" or self.shared.consent is not None or ignored
        if late and not _blank(sight.value) and self._claim(sight.value, sight.at, sight.origin):
            return "news"
        return "stale"

    def _after_ours(self, seen: Observed, sight: Sight, done: int) -> Told:
        """The record shows what we wrote, and this is another value: an edit after it, or under it, or an old reading."""
        known = any(row[0] == sight.value and (not sight.exact or sight.at <= row[1] + SLACK_MS) for row in seen.past)
        slack = 0 if sight.exact else SLACK_MS
        if known and sight.at <= done + slack:
            return "stale"
        if _unset(seen, sight.value) and sight.at <= done + (slack if sight.own else 0):
            self._remember(seen, sight)
            return "stale"
        if sight.at > max(seen.seen, done):
            return self._news(seen, sight, sight.at)
        if sight.at > done + SLACK_MS:
            return self._stale(seen, sight)
        self._remember(seen, sight)  # somebody's edit, overwritten by our older write: it may win, and then it is written again
        blanked = [at for value, at in seen.past if self.honours and _blank(value) and at > sight.at]
        value, at = (None, min(blanked)) if blanked else (sight.value, sight.at)
        return "news" if self._claim(value, at, sight.origin) else "stale"

    def look(self, sight: Sight) -> Told:
        """Take in one sight of the field."""
        seen = self.record.fields.get(self.shared.name)
        if seen is None:
            return self._first(sight)
        if seen.value == sight.value:
            return self._same(seen, sight)
        if sight.ours is not None:
            return self._echo(seen, sight)
        if sight.read_at is not None and sight.read_at >= max(seen.seen, seen.answered):
            old = any(row[0] == sight.value for row in seen.past) or _unset(seen, sight.value)
            if seen.done is not None and old and sight.at <= seen.done and (sight.own or sight.at < seen.done - SLACK_MS):
                self._show(seen, sight, sight.at)
                return "reverted"  # accepted, and ignored: nobody's act
            return self._news(seen, sight, max(sight.at, seen.at) if seen.done is None else sight.at)
        if seen.done is not None:
            return self._after_ours(seen, sight, seen.done)
        tie = sight.at == seen.seen == seen.at and str(sight.value) > str(seen.value)
        return self._news(seen, sight, sight.at) if sight.at > seen.seen or tie else self._stale(seen, sight)


def written(record: Record, name: str, value: Scalar, at: int, done: int, answered: int = 0) -> bool:
    """Take in that our write of `value` (whose own time is `at`) was done; False when the record shows something newer since."""
    seen = record.fields.get(name)
    if seen is None:
        record.fields[name] = Observed(value, at, done, [], done, answered)
        return True
    if seen.value == value:
        record.fields[name] = Observed(value, at, max(seen.seen, done), seen.past, done, answered)
        return True
    if seen.done is None and seen.at > done:
        record.fields[name] = Observed(seen.value, seen.at, seen.seen, _past(seen, value, done), None)
        return False
    past = [row for row in _past(seen, seen.value, min(seen.seen, done)) if row[0] != value]
    record.fields[name] = Observed(value, at, max(seen.seen, done), past, done, answered)
    return True

"""The hand-off card: what the owner is told of a lead and of its hand-off, from the lead's document. Texts are raw: each medium escapes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from sync.alerts.channel import Action, Link, Role
from sync.alerts.story import Story
from sync.lead import business, hours
from sync.lead.legs import calendar_of
from sync.lead.state import from_ms, to_ms
from sync.playbook.models import Playbook

LEG_WORDS = {"accept": "Accept", "first_response": "First response", "work": "To be worked off"}
STANDING = frozenset({"linked", "snoozed"})
"""Kinds of notice that show a card again, as things stand now."""
SNOOZES = (240, 120, 60, 30, 15, 5)
"""How long reminders can be kept quiet, in minutes."""
MINUTE_MS = 60_000
UNDONE = {"accept": "not accepted", "first_response": "accepted and not answered", "work": "not worked off"}


@dataclass(frozen=True, slots=True)
class Said:
    """One line: what it is about, and what there is to say of it."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Card:
    """One hand-off as one reader sees it now; the `state` says how it went on. Once it is over for them nothing is left to press."""

    title: str
    about: str = ""
    """What follows the title in its line: what the person does, and where."""
    said: tuple[Said, ...] = ()
    state: str = ""
    actions: tuple[Action, ...] = ()
    links: tuple[Link, ...] = ()
    due: datetime | None = None

    def head(self) -> str:
        """Give title and what follows it as one text."""
        return f"{self.title}{self.about}"

    def lines(self) -> tuple[str, ...]:
        """Give everything but the head as lines, for media without a card of their own."""
        told = [self.state] if self.state else []
        return (*told, *(f"{one.label}: {one.text}" if one.label else one.text for one in self.said))


@dataclass(frozen=True)
class Seen:
    """What a card is made of besides the lead's document and the notice."""

    playbook: Playbook
    now: int
    """ms"""
    reader: Role = "owner"
    links: Mapping[str, str] = field(default_factory=dict)
    """System → address of a record there, with `{object}` and `{id}` in it."""
    account: Mapping[str, Any] = field(default_factory=dict)
    """What conditions see of the lead's account and its open opportunity now: `account.owner`, `account.open_opportunities` …"""


def card(doc: Mapping[str, Any], notice: Mapping[str, Any], seen: Seen) -> Card:
    """Make the card of a notice (kind, handoff, offer, person, data), as its reader may see it; a room sees company and owner only."""
    told = _Telling(doc, notice, seen)
    return told.over() if told.kind in _OVER else told.open()


class _Telling:
    def __init__(self, doc: Mapping[str, Any], notice: Mapping[str, Any], seen: Seen) -> None:
        self.story = Story(doc, seen.playbook, seen.now, seen.account)
        self.notice, self.seen, self.data = notice, seen, notice.get("data") or {}
        note = doc.get("handoff") or {}
        self.note: Mapping[str, Any] = note if note.get("id") == notice.get("handoff") else {}
        self.kind = str(notice["kind"])
        if self.kind in STANDING:
            self.kind = state if (state := str(self.note.get("state"))) in _OVER else "offered"
        self.person = str(notice.get("person") or self.note.get("owner") or "")
        rep = seen.playbook.reps.get(self.person)
        self.zone = (rep.hours.timezone if rep else "") or seen.playbook.timezone or "UTC"

    @property
    def _mine(self) -> bool:
        return self.seen.reader == "owner"

    def at(self, moment: object) -> str:
        """Give a moment (ms or ISO) as the reader's clock shows it, with the day where it is another one."""
        try:
            when = from_ms(moment) if isinstance(moment, int) else datetime.fromisoformat(str(moment))
            return hours.moment(to_ms(when), self.seen.now, self.zone)
        except (ValueError, OverflowError):
            return str(moment)

    def _leg(self, name: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = (self.note.get("legs") or {}).get(name) or {}
        return {**found, **self.begins} if self.begins and name == self.begins["leg"] else found

    @cached_property
    def begins(self) -> dict[str, Any]:
        """Give the leg that begins with this very card, where the CRM did not show the owner first: nothing of it stands in the document yet."""
        offers = self.note.get("offers") or []
        if self.kind != "offered" or not offers or self.note.get("state") != "offered" or offers[-1].get("known_at"):
            return {}
        sla, legs = self.seen.playbook.slas.get(self.note.get("sla")), self.note.get("legs") or {}
        open_ = (
            one for one in (sla.legs if sla is not None else ()) if one.leg == "accept" or not (legs.get(one.leg) or {}).get("done_at")
        )
        first = next(open_, None)
        if first is None:
            return {}
        due = business.after(self.seen.now, first.within, *calendar_of(self.seen.playbook, str(self.note.get("owner"))))
        return {"leg": first.leg, "due_at": due, "done_at": None}

    def open(self) -> Card:
        """Tell of a hand-off that somebody is to answer."""
        title, about = self._head({"offered": "New for you", "warned": "Soon due", "reminded": "Still open"}.get(self.kind, "Needs you"))
        running = self._running()
        due = running[1]["due_at"] if running is not None else None
        return Card(
            title,
            about,
            tuple(self._said()),
            actions=self._actions(),
            links=self._links(),
            due=from_ms(due) if isinstance(due, int) else None,
        )

    def _head(self, words: str) -> tuple[str, str]:
        if not self._mine:
            return (f"{words}: {self.story.company}" if self.kind != "offered" else f"New: {self.story.company}"), ""
        about = f", {self.story.title}" if self.story.title else ""
        return f"{words}: {self.story.name}", f"{about}{' · ' if self.story.where else ''}{self.story.where}"

    def _said(self) -> Iterator[Said]:
        yield from self._by_when()
        if not self._mine:
            if self.kind == "escalated":
                return
            yield Said("With", self.story.person(self.note.get("owner") or self.notice.get("person")))
            return
        if self.kind == "offered":
            yield from self._quiet()
            yield from self._told()

    def _told(self) -> Iterator[Said]:
        """Tell what the owner needs for the first call, before their yes and after it."""
        story = self.story
        why_you = story.why_you(self.note) if self.kind == "offered" else ""
        for label, text in (("Why now", story.why_now()), ("Why you", why_you), ("Know", story.known()), ("Say", story.to_say())):
            if text:
                yield Said(label, text)

    def _running(self) -> tuple[str, Mapping[str, Any]] | None:
        return next(((name, leg) for name in LEG_WORDS if (leg := self._leg(name)) and leg.get("done_at") is None), None)

    def _quiet(self) -> Iterator[Said]:
        found = self._running()
        until = found[1].get("quiet_until") if found is not None else None
        if found is not None and isinstance(until, int) and until > self.seen.now:
            due = self.at(found[1].get("due_at"))
            yield Said("Snoozed", f"no reminder before {self.at(until)}; the clock runs on, and it stays due {due}")

    def _by_when(self) -> Iterator[Said]:
        named = str(self.data.get("leg") or "")
        if self.kind == "escalated":
            owner = self.story.person(self.data.get("owner") or self.note.get("owner"))
            was = self.data.get("due") or self._leg(named or "accept").get("due_at")
            words = UNDONE.get(named or "accept", named)
            yield Said("", f"{owner}: {words}{f', was due {self.at(was)}' if was else ''}")
            return
        for name in (named, *LEG_WORDS):
            leg = self._leg(name)
            if name in LEG_WORDS and leg and leg.get("done_at") is None:
                yield Said("", self._deadline(name, int(leg["due_at"])))
                return

    def _deadline(self, leg: str, due: int) -> str:
        if due <= self.seen.now:
            return f"{LEG_WORDS[leg]} was due {self.at(due)}"
        left = (self._whole(leg, due) if self.kind == "offered" else "") or f"{_long(due - self.seen.now)} left"
        return f"{LEG_WORDS[leg]} by {self.at(due)} · {left}"

    def _whole(self, leg: str, due: int) -> str:
        """Give what sla.yaml gives for a leg, where all of it is left; some of it may be gone for whoever takes over."""
        sla = self.seen.playbook.slas.get(self.note.get("sla"))
        rule = sla.leg(leg) if sla is not None else None  # type: ignore[arg-type]
        if rule is None:
            return ""
        whole = business.after(self.seen.now, rule.within, *calendar_of(self.seen.playbook, str(self.note.get("owner"))))
        return rule.within.spelled if due > whole - MINUTE_MS else ""

    def _value(self) -> str:
        return f"{self.notice.get('handoff')}:{self.notice.get('offer') or ''}"

    def _snooze(self) -> tuple[Action, ...]:
        """Offer to be reminded later: after half of what is left at most, because reminders stay quiet until the deadline and no longer."""
        found = self._running()
        due = found[1].get("due_at") if found is not None else None
        left = due - self.seen.now if isinstance(due, int) else 0
        length = next((one for one in SNOOZES if one * MINUTE_MS <= left / 2), None)
        if length is None:
            return ()
        return (Action("remind_later", f"Snooze {_long(length * MINUTE_MS)}", f"{self._value()}:{length}"),)

    def _actions(self) -> tuple[Action, ...]:
        value = self._value()
        if self._mine:
            waits = self._leg("accept").get("done_at") is None and not self.note.get("accepted_at") and self.kind not in _GOES_ON
            answers = (Action("accept", "Accept", value),) if waits else ()
            return (
                *answers,
                Action("reject", "Not for me…", value),
                Action("reassign", "Give to…", value),
                *self._snooze(),
                Action("why", "Why?", value),
            )
        if self.seen.reader in ("manager", "deputy", "accountable"):
            return Action("reassign", "Give to…", value), Action("why", "Why?", value)
        return ()

    def _links(self) -> tuple[Link, ...]:
        return self.story.links(self.seen.links) if self.seen.reader != "channel" else ()

    def over(self) -> Card:
        """Tell how a hand-off went on for the reader, in place of the card that asked them; who has it still keeps what they need."""
        title, about = self._head(self.story.stage or "Lead") if self._mine else (self.story.company, "")
        if self._mine:
            title = self.story.name
        state, links = _OVER[self.kind](self), self._links()
        if self.kind not in _GOES_ON or not self._mine:
            return Card(title, about, state=state, links=links)
        return Card(title, about, (*self._quiet(), *self._told()), state, self._actions(), links)

    def accepted(self) -> str:
        """Say that it was accepted, by whom and when, and what is owed next."""
        at = self.note.get("accepted_at")
        known = next((one.get("known_at") or one.get("at") for one in reversed(self.note.get("offers") or [])), None)
        after = f", after {_long(at - known)}" if isinstance(at, int) and isinstance(known, int) and at > known else ""
        by = self.story.person(self.data.get("by") or self.note.get("owner")).split(" ")[0]
        due = self._leg("first_response").get("due_at")
        follows = f" First response due {self.at(due)}." if due and self._leg("first_response").get("done_at") is None else ""
        return f"✅ Accepted by {by} {self.at(at or self.notice.get('at'))}{after}.{follows}"

    def rejected(self) -> str:
        """Say that it was given back, and why."""
        code = str(self.data.get("reason") or self.data.get("code") or self.note.get("reason") or "")
        return f"{self._back(code)} Nothing left for you to do."

    def _back(self, code: str) -> str:
        reason = self.seen.playbook.slas.reasons.get(code)
        why = f": {(reason.label or code) if reason else code}" if code else ""
        return f"Given back{self._when()}{why}."

    def moved(self) -> str:
        """Say that somebody else has it now."""
        to = self.data.get("to") or self.note.get("owner")
        mine = str(to or "") == str(self.notice.get("person") or "")
        last = self._last()
        if last.get("ended") == "rejected" and not mine:
            return f"{self._back(str(last.get('reason') or ''))} {self.story.person(to)} has it now. Nothing left for you to do."
        who = f" to {self.story.person(to)}" if to and not mine else " on"
        return f"Moved{who}{self._when(' at')}. Nothing left for you to do."

    def worked(self) -> str:
        """Say that the first response was made."""
        due = self._leg("work").get("due_at")
        follows = f" To be worked off by {self.at(due)}." if due and self._leg("work").get("done_at") is None else ""
        return f"✅ First response{self._when('', self.note.get('worked_at'))}.{follows}"

    def closed(self) -> str:
        """Say as what it was closed."""
        how = str(self.data.get("closed_as") or self.note.get("closed_as") or "")
        shown = how.upper() if how in ("mql", "sal", "sql") else how
        return f"Closed{f' as {shown}' if shown else ''}{self._when('', self.note.get('closed_at'))}."

    def _last(self) -> Mapping[str, Any]:
        """Give the reader's own offer that ended last."""
        mine = [one for one in self.note.get("offers") or () if one.get("owner") == self.notice.get("person") and one.get("ended_at")]
        return mine[-1] if mine else {}

    def _ended(self) -> object:
        """Give when the reader's own offer ended."""
        return self._last().get("ended_at")

    def _when(self, word: str = "", at: object = None) -> str:
        moment = at or self.data.get("at") or self._ended() or self.notice.get("at")
        return f"{word} {self.at(moment)}" if moment else ""


_OVER = {
    "accepted": _Telling.accepted,
    "rejected": _Telling.rejected,
    "expired": _Telling.moved,
    "moved": _Telling.moved,
    "worked": _Telling.worked,
    "closed": _Telling.closed,
}


_GOES_ON = ("accepted", "worked")
"""Kinds after which it is still theirs."""


def _long(ms: int) -> str:
    """Give a length of time as people say it: 7 min, 3 h, 2 days."""
    minutes = max(1, round(ms / 60_000))
    if minutes < 120:
        return f"{minutes} min"
    return f"{round(minutes / 60)} h" if minutes < 2 * 1440 else f"{round(minutes / 1440)} days"

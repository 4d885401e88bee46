"""The hand-off card: what the owner is told of a lead and of its hand-off, from the lead's document. Texts are raw: each medium escapes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sync.alerts.channel import Action, Link
from sync.alerts.ending import GOES_ON, OVER, Ending, length
from sync.alerts.told import LEG_WORDS, Seen
from sync.lead import business
from sync.lead.legs import calendar_of
from sync.lead.state import from_ms

MINUTE_MS = 60_000
SNOOZES = (240, 120, 60, 30, 15, 5)
"""How long reminders can be kept quiet, in minutes."""
UNDONE = {"accept": "not accepted", "first_response": "accepted and not answered", "work": "not worked off"}


@dataclass(frozen=True, slots=True)
class Said:
    """One line: what it is about, and what there is to say of it."""

    label: str
    text: str
    links: tuple[Link, ...] = ()
    """What follows the text, each with where it leads ('' for nowhere)."""

    @property
    def words(self) -> str:
        """Give it without its label, and without where it leads."""
        return " · ".join((self.text, *(one.text for one in self.links)))


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
        return (*told, *(f"{one.label}: {one.words}" if one.label else one.words for one in self.said))


def card(doc: Mapping[str, Any], notice: Mapping[str, Any], seen: Seen) -> Card:
    """Make the card of a notice (kind, handoff, offer, person, data), as its reader may see it; a room sees company and owner only."""
    told = _Telling(doc, notice, seen)
    return told.over() if told.kind in OVER else told.open()


class _Telling(Ending):
    def open(self) -> Card:
        """Tell of a hand-off that somebody is to answer."""
        title, about = self._head({"offered": "New for you", "warned": "Soon due", "reminded": "Still open"}.get(self.kind, "Needs you"))
        running = self.running()
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
        if not self.mine:
            return (f"{words}: {self.story.company}" if self.kind != "offered" else f"New: {self.story.company}"), ""
        about = f", {self.story.title}" if self.story.title else ""
        return f"{words}: {self.story.name}", f"{about}{' · ' if self.story.where else ''}{self.story.where}"

    def _said(self) -> Iterator[Said]:
        yield from self._by_when()
        if not self.mine:
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
        for label, text in (("Why now", story.why_now()), ("Why you", why_you), ("Know", story.known())):
            if text:
                yield Said(label, text)
        say, material = story.to_say()
        if say:
            yield Said("Say", say, material)

    def _quiet(self) -> Iterator[Said]:
        found = self.running()
        until = found[1].get("quiet_until") if found is not None else None
        if found is not None and isinstance(until, int) and until > self.seen.now:
            due = self.at(found[1].get("due_at"))
            yield Said("Snoozed", f"no reminder before {self.at(until)}; the clock runs on, and it stays due {due}")

    def _by_when(self) -> Iterator[Said]:
        named = str(self.data.get("leg") or "")
        if self.kind == "escalated":
            owner = self.story.person(self.data.get("owner") or self.note.get("owner"))
            was = self.data.get("due") or self.leg(named or "accept").get("due_at")
            words = UNDONE.get(named or "accept", named)
            yield Said("", f"{owner}: {words}{f', was due {self.at(was)}' if was else ''}")
            return
        for name in (named, *LEG_WORDS):
            leg = self.leg(name)
            if name in LEG_WORDS and leg and leg.get("done_at") is None:
                yield Said("", self._deadline(name, int(leg["due_at"])))
                return

    def _deadline(self, leg: str, due: int) -> str:
        if due <= self.seen.now:
            return f"{LEG_WORDS[leg]} was due {self.at(due)}"
        left = (self._whole(leg, due) if self.kind == "offered" else "") or f"{length(due - self.seen.now)} left"
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
        found = self.running()
        due = found[1].get("due_at") if found is not None else None
        left = due - self.seen.now if isinstance(due, int) else 0
        minutes = next((one for one in SNOOZES if one * MINUTE_MS <= left / 2), None)
        if minutes is None:
            return ()
        return (Action("remind_later", f"Snooze {length(minutes * MINUTE_MS)}", f"{self._value()}:{minutes}"),)

    def _actions(self) -> tuple[Action, ...]:
        value = self._value()
        if self.mine:
            waits = self.leg("accept").get("done_at") is None and not self.note.get("accepted_at") and self.kind not in GOES_ON
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
        title, about = self._head(self.story.stage or "Lead") if self.mine else (self.story.company, "")
        if self.mine:
            title = self.story.name
        state, links = OVER[self.kind](self), self._links()
        if self.kind not in GOES_ON or not self.mine:
            return Card(title, about, state=state, links=links)
        return Card(title, about, (*self._quiet(), *self._told()), state, self._actions(), links)

"""How a hand-off went on for the reader of its card: accepted, moved, closed …"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sync.alerts.told import Told


class Ending(Told):
    """Says it in one line."""

    def accepted(self) -> str:
        """Say that it was accepted, by whom and when, and what is owed next."""
        at = self.note.get("accepted_at")
        known = next((one.get("known_at") or one.get("at") for one in reversed(self.note.get("offers") or [])), None)
        after = f", after {length(at - known)}" if isinstance(at, int) and isinstance(known, int) and at > known else ""
        by = self.story.person(self.data.get("by") or self.note.get("owner")).split(" ")[0]
        due = self.leg("first_response").get("due_at")
        follows = f" First response due {self.at(due)}." if due and self.leg("first_response").get("done_at") is None else ""
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
        due = self.leg("work").get("due_at")
        follows = f" To be worked off by {self.at(due)}." if due and self.leg("work").get("done_at") is None else ""
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


OVER: Mapping[str, Callable[[Ending], str]] = {
    "accepted": Ending.accepted,
    "rejected": Ending.rejected,
    "expired": Ending.moved,
    "moved": Ending.moved,
    "worked": Ending.worked,
    "closed": Ending.closed,
}


GOES_ON = ("accepted", "worked")
"""Kinds after which it is still theirs."""


def length(ms: int) -> str:
    """Give a length of time as people say it: 7 min, 1 h, 90 min, 3 h, 2 days."""
    minutes = max(1, round(ms / 60_000))
    if minutes < 120 and minutes != 60:
        return f"{minutes} min"
    return f"{round(minutes / 60)} h" if minutes < 2 * 1440 else f"{round(minutes / 1440)} days"

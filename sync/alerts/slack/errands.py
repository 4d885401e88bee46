"""What people ask for in Slack besides an answer to their own card: why, who is away, a group's snooze, an order by a lead's address."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

import orjson

from schemas.command import too_long
from schemas.envelope import derived_id
from sync.alerts.channel import Refused
from sync.alerts.explained import explained
from sync.alerts.slack import standing
from sync.alerts.slack.asked import Lines, Pressed, SentOff, Typed, about
from sync.alerts.slack.modals import Wanted
from sync.alerts.slack.people import People
from sync.alerts.slack.slash import About, Away, Back, Look, Unclear, parse
from sync.lead import dates, hours
from sync.lead.decision import AnswerNote
from sync.lead.presence import on_leave
from sync.lead.rights import above, answering
from sync.lead.state import from_ms, to_ms
from sync.playbook.models import Playbook, Rep
from sync.runtime.orders import LATER, Handoff, Orders, of_lead, order, same
from sync.store import answers, presence
from sync.store.find import lead_of

SNOOZE = timedelta(hours=1)
ANSWER_S = 5.0
"""So long what became of many orders is waited for."""
_NAMES = {"hold": "hold_clock", "run": "run_clock", "give": "reassign"}
_GROUP = "SELECT DISTINCT key FROM problems WHERE alert_group = $1 AND closed_at IS NULL ORDER BY key LIMIT 200"


_ABOUT_GROUP = """
SELECT g.labels, count(p.id) AS open, array_agg(DISTINCT p.owner) FILTER (WHERE p.owner <> '') AS owners
FROM alert_groups g LEFT JOIN problems p ON p.alert_group = g.id AND p.closed_at IS NULL WHERE g.id = $1 GROUP BY g.id
"""
_ACCEPTED = """
SELECT data->>'by' FROM timeline WHERE lead_id = $1::uuid AND kind = 'handoff' AND data->>'state' = 'accepted' AND data->>'handoff' = $2
ORDER BY id DESC LIMIT 1
"""


class NotSo(Exception):
    """It cannot be done as it was asked; the text is for who asked."""


@dataclass(frozen=True)
class Errands:
    """Does what was asked and gives what to tell; `snooze` keeps a group quiet until a moment, for somebody, from a moment on."""

    orders: Orders
    people: People
    secret: bytes
    snooze: Callable[[Any, str, datetime, str, datetime], Awaitable[None]]
    patterns: Mapping[str, str] = field(default_factory=dict)
    """Where each system shows a record."""

    async def __call__(
        self, asked: Pressed | SentOff | Typed, found: Wanted | None, rep: Rep, playbook: Playbook
    ) -> Lines | Awaitable[Lines]:
        """Give the lines that whoever asked is told; where that is known later, what gives them."""
        try:
            if isinstance(asked, Typed):
                return await self._typed(asked, rep, playbook)
            if found is not None:
                return await self._assigned(found, asked, rep, playbook)
            return await self._pressed(asked, rep, playbook) if isinstance(asked, Pressed) else ()
        except NotSo as no:
            return (str(no),)

    async def _pressed(self, asked: Pressed, rep: Rep, playbook: Playbook) -> Sequence[str]:
        if asked.name == "why":
            known = await self.orders.find(about(asked.about)[0])
            return await self._why(known.lead_id if known is not None else None, rep, playbook)
        if asked.name == "snooze":
            return (await self._once(asked, rep, lambda pool: self._hush(pool, asked, rep, playbook)),)
        return ("Nothing was done: this button is of an older Truce.",)

    async def _hush(self, connection: Any, asked: Pressed, rep: Rep, playbook: Playbook) -> str:
        """Keep a group quiet, where something of it is open and who pressed answers for it or stands above whom it is about."""
        row = await connection.fetchrow(_ABOUT_GROUP, asked.about)
        if row is None or not row["open"]:
            raise NotSo("Nothing was done: this alert is over, so there is nothing to keep quiet.")
        may = answering(playbook, row["labels"], row["owners"] or ())
        if may and rep.email not in may:
            raise NotSo(f"Nothing was done: {' or '.join(playbook.name_of(one) for one in may[:2])} can keep this quiet.")
        until = asked.at + SNOOZE
        await self.snooze(connection, asked.about, until, rep.email, asked.at)
        return f"Quiet until {hours.moment(to_ms(until), to_ms(asked.at), _zone(rep, playbook))}. What is open then is told again."

    async def _assigned(self, found: Wanted, asked: Pressed | SentOff, rep: Rep, playbook: Playbook) -> Awaitable[Sequence[str]]:
        """Order every hand-off of a group to go to whoever was chosen; gives what tells how many went, and why others did not."""
        group = found.about.removeprefix("group:")
        rows = await self.orders.pool.fetch(_GROUP, group)
        known = [one for row in rows if (one := await self.orders.find(row["key"])) is not None and one.state != "closed"]
        idents = [await self._moved(one, found, asked, rep) for one in known]
        return self._became(idents, playbook.name_of(found.to.removeprefix("pool:")))

    async def _became(self, idents: Sequence[str], to: str) -> Sequence[str]:
        until = monotonic() + ANSWER_S
        said = [await self.orders.answer(ident, max(0.0, until - monotonic())) for ident in idents]
        done, refused = sum(one is not None and one.ok for one in said), Counter(one.text for one in said if one is not None and not one.ok)
        later = len(said) - done - refused.total()
        told = [f"{count} {words} {to}." for count, words in ((done, "went to"), (later, "on the way to")) if count]
        return (*told, *(f"{count} did not: {text}" for text, count in refused.items())) or ("None of them waits for anybody any more.",)

    async def _moved(self, one: Handoff, found: Wanted, asked: Pressed | SentOff, rep: Rep) -> str:
        ident = same("reassign", one, one.offer, rep.email, found.to)
        more = {"to": found.to, "reason": found.comment, "comment": found.comment, "zone": rep.hours.timezone}
        await self.orders.give(one, order("reassign", one, by=rep.email, at=asked.at, source="slack", ident=ident, **more))
        return ident

    async def _typed(self, asked: Typed, rep: Rep, playbook: Playbook) -> Sequence[str]:
        said = parse(asked.text)
        if isinstance(said, Unclear):
            return said.lines
        if isinstance(said, Away):
            return (await self._once(asked, rep, lambda pool: self._away(pool, said, rep, playbook, to_ms(asked.at))),)
        if isinstance(said, Back):
            return (await self._once(asked, rep, lambda pool: self._back(pool, said, rep, playbook, to_ms(asked.at))),)
        if isinstance(said, Look) and said.what == "team":
            return await standing.team(self.orders.pool, rep, playbook, to_ms(asked.at))
        if isinstance(said, Look):
            return await standing.mine(self.orders.pool, rep, playbook, self.patterns, to_ms(asked.at))
        row = await lead_of(self.orders.pool, said.who, self.secret)
        if said.what == "why":
            return await self._why(None if row is None else str(row["id"]), rep, playbook)
        known = None if row is None else await of_lead(self.orders.pool, str(row["id"]))
        if known is None:
            raise NotSo(f"Nobody with a hand-off is known as {said.who}.")
        return (await self._ordered(said, known, rep, playbook, asked),)

    async def _once(self, asked: Typed | Pressed, rep: Rep, act: Callable[[Any], Awaitable[str]]) -> str:
        """Do once what is no order, however often Slack (or who replays it) tells of it: the second time gives the first one's answer."""
        async with self.orders.pool.acquire() as connection, connection.transaction():
            if not asked.trigger:
                return await act(connection)
            ident = derived_id("command", rep.email, asked.trigger)
            await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", ident)
            known = await answers.get(connection, ident)
            if known is not None:
                return known.text
            text = await act(connection)
            kept = answers.write([AnswerNote(ident, None, True, text)])
            await connection.execute(kept.sql, *kept.args)
            return text

    async def _ordered(self, said: About, known: Handoff, rep: Rep, playbook: Playbook, asked: Typed) -> str:
        at = asked.at
        if (long := too_long(said.comment)) is not None:
            raise NotSo(f"Nothing was done: {long}.")
        more: dict[str, Any] = {"comment": said.comment}
        if said.what == "reject":
            reason = playbook.slas.reasons.get(said.code)
            if reason is None:
                named = "; ".join(f"{one.id} ({one.label})" if one.label else one.id for one in playbook.slas.reasons.values())
                raise NotSo(f"Which reason? /truce reject {said.who} REASON …, with one of: {named}.")
            if reason.comment and not said.comment:
                raise NotSo(f"“{reason.label or reason.id}” needs a sentence: /truce reject {said.who} {said.code} …")
            more["code"] = said.code
        if said.what == "give":
            pool = said.code.removeprefix("pool:")
            more["to"] = f"pool:{pool}" if pool in playbook.pools else (await self._named(said.code, playbook)).email
            more["reason"] = said.comment
        if said.what in ("hold", "snooze"):
            more["until"] = from_ms(_when(said.until, to_ms(at), _zone(rep, playbook)))
        name = _NAMES.get(said.what, said.what)
        ident = same(name, known, None, rep.email, asked.trigger) if asked.trigger else None  # typed once more it is answered anew
        if ident is None and name in ("accept", "reject"):
            ident = same(name, known, known.offer, rep.email)
        message = order(
            name, known, by=rep.email, at=at, source="slack", ident=ident, offer=known.offer or None, zone=rep.hours.timezone, **more
        )
        found = await self.orders.give(known, message) or await self.orders.answer(message.id, 1.0)
        return found.text if found is not None else LATER

    async def _away(self, connection: Any, said: Away, rep: Rep, playbook: Playbook, now: int) -> str:
        who = await self._whose(said.who, rep, playbook)
        zone = _zone(who, playbook)
        since = _when(said.since, now, zone) if said.since else now
        until = _when(said.until, since, zone) if said.until else None
        if until is not None and until <= since:
            raise NotSo(f"{dates.shown(until, now, zone)} is not after {dates.shown(since, now, zone)}.")
        cover = await self._named(said.cover, playbook) if said.cover else None
        if cover is not None and cover.email == who.email:
            raise NotSo("Nobody covers for themselves: name somebody else.")
        by = {"by": rep.email, "why": said.why}
        await presence.away(connection, who.email, since=since, until=until, cover=cover.email if cover else None, source="slack", **by)
        begins = "" if since <= now else f" from {dates.shown(since, now, zone)}"
        ends = f", back on {dates.shown(until, now, zone)}" if until is not None else " until /truce back"
        covers = f"{cover.name} covers" if cover else "nobody covers what is open: “cover ben@…” names somebody"
        return f"{_you(who, rep, 'are', 'is')} away{begins}{ends} ({zone}); {covers}."

    async def _back(self, connection: Any, said: Back, rep: Rep, playbook: Playbook, now: int) -> str:
        who = await self._whose(said.who, rep, playbook)
        own = on_leave(playbook.reps[who.email], now, playbook.timezone)
        until = None if own is None else dates.end_of(own.last, now, _zone(who, playbook))
        ended = await presence.back(connection, who.email, at=now, by=rep.email, source="slack", until=until)
        if ended or own is not None:
            return f"{_you(who, rep, 'are', 'is')} there again."
        return f"{_you(who, rep, 'were', 'was')} not away."

    async def _whose(self, said: str, rep: Rep, playbook: Playbook) -> Rep:
        who = await self._named(said, playbook) if said else rep
        if who.email != rep.email and rep.email not in above(playbook, who.email):
            raise NotSo(f"Only {who.name}, or a manager of theirs, can say so.")
        return who

    async def _named(self, said: str, playbook: Playbook) -> Rep:
        """Give the person whom somebody typed: an address, its beginning, a name, or a mention."""
        wanted = said.strip().lower()
        if said.startswith("@U") or said.startswith("@W"):
            try:
                wanted = await self.people.email(said[1:], playbook.reps) or ""
            except Refused:
                raise NotSo("Slack does not say who that is just now: name them by e-mail.") from None
        wanted = wanted.removeprefix("@")
        exact = playbook.reps.get(wanted)
        some = (
            [exact]
            if exact
            else [one for one in playbook.reps.values() if wanted and (one.email.startswith(f"{wanted}@") or one.name.lower() == wanted)]
        )
        if len(some) != 1:
            raise NotSo(f"“{said[:60]}” is nobody of team.yaml: name them by e-mail.")
        return some[0]

    async def _why(self, lead_id: str | None, rep: Rep, playbook: Playbook) -> Sequence[str]:
        row = None if lead_id is None else await self.orders.pool.fetchrow("SELECT doc FROM leads WHERE id = $1::uuid", lead_id)
        if row is None:
            raise NotSo("Nobody is known under that.")
        doc = row["doc"] if isinstance(row["doc"], dict) else orjson.loads(row["doc"])
        ident = (doc.get("handoff") or {}).get("id")
        said = await self.orders.pool.fetchval(_ACCEPTED, lead_id, ident) if ident else None
        return list(explained(doc, playbook, rep.email, accepted_by=said or ""))


def _when(text: str, now: int, zone: str) -> int:
    try:
        return dates.moment(text, now, zone)
    except dates.NoDate as no:
        raise NotSo(f"“{text[:40]}” {no}") from None


def _zone(rep: Rep, playbook: Playbook) -> str:
    return rep.hours.timezone or playbook.timezone


def _you(who: Rep, rep: Rep, mine: str, theirs: str) -> str:
    return f"You {mine}" if who.email == rep.email else f"{who.name} {theirs}"

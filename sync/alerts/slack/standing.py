"""What is open with somebody, and with the people of a manager: each hand-off with what is owed by when, or one line per person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from sync.alerts.slack.text import Linked
from sync.alerts.story import Story
from sync.alerts.wording import spell
from sync.lead import hours
from sync.lead.cycle import IN_HANDS
from sync.lead.presence import on_leave, present, told
from sync.lead.rights import above
from sync.playbook.models import Playbook, Rep
from sync.store import presence

MOST = 20
"""So many hand-offs are named, those first that are due first."""
_BY = {"accept": "accept by", "first_response": "first response by", "work": "to be worked off by"}
_DUE = "(SELECT min((g.value->>'due_at')::bigint) FROM json_each(l.doc->'handoff'->'legs') g WHERE g.value->>'since' IS NOT NULL)"
_OPEN = "handoffs h JOIN leads l ON l.id = h.lead_id WHERE h.closed_at IS NULL AND l.doc->'handoff'->>'id' = h.id::text AND h.owner"
_MINE = f"SELECT l.doc, count(*) OVER () AS every FROM {_OPEN} = $1 ORDER BY {_DUE} NULLS LAST, h.opened_at, h.id LIMIT $2"
_TEAM = f"""
SELECT h.owner, count(*)::int AS open, count(*) FILTER (WHERE h.state = 'offered')::int AS unanswered,
  count(*) FILTER (WHERE {_DUE} < $2)::int AS overdue
FROM {_OPEN} = ANY($1::text[]) GROUP BY h.owner
"""


async def mine(pool: Any, rep: Rep, playbook: Playbook, patterns: Mapping[str, str], now: int) -> Sequence[str]:
    """Give what somebody has open, what is due first first; `patterns`: where each system shows a record."""
    rows = await pool.fetch(_MINE, rep.email, MOST)
    if not rows:
        return ("Nothing is open with you.",)
    every = rows[0]["every"]
    docs = [row["doc"] if isinstance(row["doc"], dict) else orjson.loads(row["doc"]) for row in rows]
    more = [f"… and {every - len(rows):,} more"] if every > len(rows) else []
    return [f"Open with you: {every:,}", *(_line(Story(doc, playbook, now, {}), rep, patterns) for doc in docs), *more]


def _line(story: Story, rep: Rep, patterns: Mapping[str, str]) -> str:
    text = f"{story.name} · {story.company} · {_owed(story, rep)}"
    return next((Linked.to(text, link) for link in story.links(patterns)), text)


def _owed(story: Story, rep: Rep) -> str:
    note = story.doc["handoff"]
    legs, now = note.get("legs") or {}, story.now
    name = next((one for one in _BY if one in legs and legs[one].get("done_at") is None), None)
    if note.get("state") not in IN_HANDS:
        return "nobody else was found for it"
    if name is None:
        return "nothing is owed"
    if legs[name].get("since") is None:
        return f"{_BY[name].removesuffix(' by')}: the clock stands still"
    due = legs[name]["due_at"]
    at = hours.moment(due, now, rep.hours.timezone or story.playbook.timezone)
    return f"{_BY[name]} {at} ({spell(due - now)} left)" if due > now else f"{_BY[name]} {at}: {spell(now - due)} late"


async def team(pool: Any, rep: Rep, playbook: Playbook, now: int) -> Sequence[str]:
    """Give one line for each person of a manager, or of whom they are the deputy of: what is open, not answered and overdue, and who is away."""
    theirs = sorted(one for one in playbook.reps if rep.email in above(playbook, one) and one != rep.email)
    if not theirs:
        return ("Nobody in team.yaml has you as their manager. /truce mine shows what is open with you.",)
    async with pool.acquire() as connection:
        counts = {row["owner"]: row for row in await connection.fetch(_TEAM, theirs, now)}
        there = present(playbook, await presence.current(connection))
    return list(_people([there.reps[one] for one in theirs], counts, playbook.timezone, now))


def _people(reps: Sequence[Rep], counts: Mapping[str, Any], home: str, now: int) -> Iterator[str]:
    for one in sorted(reps, key=lambda rep: (-(counts[rep.email]["overdue"] if rep.email in counts else 0), rep.name)):
        row, away = counts.get(one.email), on_leave(one, now, home)
        said = [f"{row[what]:,} {words}" for what, words in (("open", "open"), ("unanswered", "not answered yet"), ("overdue", "overdue")) if row[what]] if row else []  # fmt: skip
        said += [told(away, one.hours.timezone or home)] if away is not None else []
        yield f"{one.name}: {', '.join(said) or 'nothing open'}"

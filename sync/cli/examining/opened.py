"""What stands open in the store, as `truce doctor` says it: problems, those alike as one line, and systems that were not read in full yet."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from connectors.base import Finding
from sync.store import cursors

ADVICE = {
    "duplicate": "truce duplicates shows the records; only a person can say whether they are one",
    "unrouted": "change the rules, or give the lead to somebody in the CRM",
    "write_refused": "truce parked says what the system wants; then truce replay",
    "bad_value": "truce parked shows the values: mend them in their system, or say in fields.yaml how they are read; then truce replay",
    "message_parked": "truce parked shows them; then truce replay",
    "unplannable": "truce parked shows it",
    "calendar_unreadable": "look whether the address in TRUCE_CALENDARS still gives a calendar; until then: truce away WHO",
    "inactive_owner": "truce reassign --from THEM --dry-run shows who would get what",
    "schema": "make the field in the system, or change fields.yaml; truce apply",
    "frozen_field": "two automations change the field in turn: stop one of them",
    "paused": "mend what it says, then truce resume SYSTEM: it does not go on by itself",
    "held": "truce rejudge --hand-over lets them go, when they are meant",
    "connection": "is the system up, and are its secrets right? It is tried again by itself",
    "alerts_failing": "put right what it answers, or its TRUCE_CHANNELS__…; it is tried again by itself, and what it has not said is said then",
    "unreachable": "is the system up, and does its source run? Its log says what it waits for; it is tried again by itself",
    "not_accepted": "truce handoff show says who has it; truce handoff reassign gives it to somebody",
    "not_worked": "truce handoff show says who has it; truce handoff reassign gives it to somebody",
    "fell_back": "truce handoff reassign gives it to somebody; routing.yaml says who the last resort is",
    "no_handoff": "truce rejudge --hand-over hands it over anew",
    "vanished": "does the system's user still see all records (rights, sharing, teams)? If they are gone indeed, raise the option vanished_share",
    "erased_elsewhere": "if they were erased, erase them there too; it closes by itself once the record is gone",
    "part_failed": "see the log of this part; it is started again by itself",
}
"""What to do about an open problem, by its kind; of a single lead `truce explain` says more."""
_COLUMN = re.compile(r"No such column '([\w.]+)' on (?:entity|sobject of type) '?(\w+)")
EACH = 5
"""So many lines of a kind are shown: of what is everybody's there are thousands, and what is a system's must not be lost among them."""
_ALIKE = """
SELECT *, sum(problems) OVER (PARTITION BY kind)::int AS of_kind FROM (
  SELECT kind, text, system, min(lead_id::text) AS lead_id, count(*)::int AS problems, count(DISTINCT lead_id)::int AS people, sum(count)::int AS times,
    min(id) AS first, row_number() OVER (PARTITION BY kind ORDER BY min(id)) AS place
  FROM problems WHERE closed_at IS NULL GROUP BY kind, text, system
) alike ORDER BY first
"""


async def open_problems(connection: Any) -> list[Finding]:
    """Tell every open problem: those that say the same of several people in one line, and how many more there are of a kind that has many."""
    rows = await connection.fetch(_ALIKE)
    count = sum(row["problems"] for row in rows)
    return [Finding(ok=True, what=f"PostgreSQL: reached, {count:,} open problem{'s' * (count != 1)}"), *_told(rows)]


def _told(rows: list[Any]) -> Iterator[Finding]:
    shown: dict[str, int] = {}
    for row in rows:
        if row["place"] <= EACH:
            shown[row["kind"]] = shown.get(row["kind"], 0) + row["problems"]
            yield _open(row)
    every = {row["kind"]: row["of_kind"] for row in rows}
    for kind, many in every.items():
        if more := many - shown[kind]:
            yield Finding(
                ok=False,
                what=f"open: {more:,} more of this kind: {kind}",
                todo=ADVICE.get(kind, "") or "truce parked and truce explain say more",
            )


def _open(row: Any) -> Finding:
    """Tell open problems that say the same, with what to do."""
    todo = column(row["text"]) or ADVICE.get(row["kind"], "").replace("SYSTEM", row["system"] or "all")
    if row["lead_id"] is not None:
        todo = "; ".join(one for one in (todo, f"truce explain {row['lead_id']}") if one)
    many = f" ({row['people']:,} people)" if row["people"] > 1 else f" ({row['times']:,} times)" if row["times"] > 1 else ""
    where = f"{row['system']}: " if row["system"] and row["system"] not in row["text"] else ""
    return Finding(ok=False, what=f"open: {where}{row['text']}{many}", todo=todo or "truce parked and truce explain say more")


def column(words: str) -> str:
    """Say what to do about a field of which a vendor says that it has none such; '' where the words say something else."""
    found = _COLUMN.search(words)
    if found is None:
        return ""
    return (
        f"{found[2]}.{found[1]} is not there, or Truce's user does not see it: make or grant it (truce doctor --fix makes what Truce itself needs), "
        "or take it out of fields.yaml and truce apply; reading goes on by itself, and what is paused by truce resume"
    )


async def unread(connection: Any, systems: Iterable[tuple[str, bool]]) -> list[Finding]:
    """Say which systems were not read in full yet; with each, whether a person is to read it."""
    begun, done = await cursors.begun(connection), await cursors.read_fully(connection)
    return [_unread(name, begun.get(name), by_hand=hand) for name, hand in systems if name in begun or name not in done]


def _unread(system: str, people: int | None, *, by_hand: bool) -> Finding:
    """Say how far it came; `people`: so many by `truce backfill`, None where that was not begun."""
    until = "until then nobody is made there"
    if people is not None:
        what, todo = f"{people:,} people were read by truce backfill, the rest not yet; {until}", f"truce backfill {system}"
    elif by_hand:
        what, todo = f"nobody was read yet, for the option first_read is by_hand; {until}", f"truce backfill {system} --first 100"
    else:
        return Finding(
            ok=True, what=f"{system}: not everybody was read yet; {until}", todo=f"its source does it, or truce backfill {system}"
        )
    return Finding(ok=False, what=f"{system}: {what}", todo=todo)

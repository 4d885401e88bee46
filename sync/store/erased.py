"""What is kept beside the lead documents of a person who is erased: nothing that says who they were or what they wanted."""

from __future__ import annotations

from collections.abc import Iterable

from sync.store.statement import Statement

_FAMILY = """
WITH RECURSIVE family(id) AS (
  SELECT unnest($1::text[])::uuid UNION SELECT l.id FROM leads l JOIN family f ON l.survivor = f.id)
"""
_TIMELINE = f"{_FAMILY} DELETE FROM timeline WHERE lead_id IN (SELECT id FROM family)"
_WOULD = f"{_FAMILY} DELETE FROM would_write WHERE lead_id IN (SELECT id FROM family)"
_LACKS = f"{_FAMILY} DELETE FROM lacks WHERE lead_id IN (SELECT id FROM family)"
_TASKS = f"{_FAMILY} DELETE FROM tasks WHERE lead_id IN (SELECT id FROM family)"
_PARKED = f"""
{_FAMILY} UPDATE parked SET reason = 'erased', value = NULL, key = NULL, body = NULL, headers = NULL, traceback = NULL,
  settled_at = coalesce(settled_at, now()), settled_how = coalesce(settled_how, 'erased')
WHERE lead_id IN (SELECT id FROM family) AND NOT id = ANY($2::text[])
"""
_INTENTS = f"""
{_FAMILY} UPDATE intents SET fields = '{{}}', outcome = NULL
WHERE lead_id IN (SELECT id FROM family) AND state IN ('applied', 'void') AND NOT id = ANY($2::text[]::uuid[])
"""


def forget(leads: Iterable[str], *, parked: Iterable[str], settled: Iterable[str]) -> list[Statement]:
    """Forget what was told, refused and noted about erased leads and those joined into them; a call under way is forgotten once it ended.

    `parked` and `settled`: parked things and intents that other statements of the same batch write.
    """
    ids = sorted(leads)
    return [
        Statement(_TIMELINE, (ids,)),
        Statement(_WOULD, (ids,)),
        Statement(_LACKS, (ids,)),
        Statement(_TASKS, (ids,)),
        Statement(_PARKED, (ids, sorted(parked))),
        Statement(_INTENTS, (ids, sorted(settled))),
    ]

"""What follows when one lead is joined into another: its calls under way are the survivor's, a question about the two is answered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sync.store.statement import Statement, columns

_INTENTS = """
UPDATE intents i SET lead_id = w.survivor::uuid FROM unnest($1::text[], $2::text[]) w(lead_id, survivor)
WHERE i.lead_id = w.lead_id::uuid AND i.state IN ('open', 'done') AND NOT i.id = ANY($3::text[]::uuid[])
"""
_ANSWERED = """
answered AS (
  SELECT d.id FROM duplicates d JOIN unnest($1::text[], $2::text[]) w(lead_id, survivor) ON d.leads ? w.lead_id AND d.leads ? w.survivor
  WHERE d.settled_at IS NULL AND NOT d.id = ANY($3::text[]))
"""
_DUPLICATES = f"WITH {_ANSWERED} UPDATE duplicates SET settled_at = now(), settled_by = 'joined' WHERE id IN (SELECT id FROM answered)"
_PROBLEMS = f"""
WITH {_ANSWERED} UPDATE problems SET closed_at = now() WHERE kind = 'duplicate' AND closed_at IS NULL AND key IN (SELECT id FROM answered)
"""


def move(survivors: Mapping[str, str], *, settled: Iterable[str], noted: Iterable[str]) -> list[Statement]:
    """Carry over what stands in SQL of joined leads (lead id → survivor's): a record whose call is under way waits for it still.

    `settled` and `noted`: intents and duplicates that other statements of the same batch write.
    """
    pairs = columns(sorted((lead, _last(survivors, lead)) for lead in survivors), 2)
    asked = sorted(noted)
    return [
        Statement(_INTENTS, (*pairs, sorted(settled))),
        Statement(_DUPLICATES, (*pairs, asked)),
        Statement(_PROBLEMS, (*pairs, asked)),
    ]


def _last(survivors: Mapping[str, str], lead: str) -> str:
    """Follow leads that were joined one after the other to the one that stays."""
    for _ in range(len(survivors)):
        lead = survivors.get(lead, lead)
    return lead

"""Who answers for a lead, as SQL: its owner; of a lead in a queue the person whom it was handed to with it."""

from __future__ import annotations

from sync.playbook.models import QUEUE

WHO = f"(CASE WHEN l.owner LIKE '{QUEUE}%' THEN l.doc->'handoff'->>'owner' ELSE l.owner END)"
"""E-mail of whoever answers for the lead `l`; NULL where nobody does."""
HANDED_OVER = "l.stage = 'mql' AND l.in_scope AND l.survivor IS NULL"
"""Says of the lead `l` that sales has it."""

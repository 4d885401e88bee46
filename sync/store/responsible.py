"""Who answers for a lead, as SQL: its owner; of a lead in a queue the person whom it was handed to with it."""

from __future__ import annotations

from sync.playbook.models import QUEUE

WHO = f"(CASE WHEN l.owner LIKE '{QUEUE}%' THEN l.doc->'handoff'->>'owner' ELSE l.owner END)"
"""E-mail of whoever answers for the lead `l`; NULL where nobody does."""
HANDED_OVER = f"""(
SELECT l.id, {WHO} AS who FROM leads l WHERE l.stage = 'mql' AND l.in_scope AND l.survivor IS NULL
UNION SELECT h.lead_id, h.owner FROM handoffs h WHERE h.closed_at IS NULL)"""
"""Who answers (`who`) for each lead (`id`) that sales has: handed over, or accepted and not worked to its end, in whatever stage it is."""
